import { readdirSync, readFileSync } from 'node:fs';
import { join, posix } from 'node:path';
import { expect, it } from 'vitest';
import type { dashboardAsset } from '../../src/dashboard/index.ts';
import { built } from '../support/built.ts';

const entry = '../../dist/dashboard/index.js';

it('the page and all that it imports are there, and nothing else is', async () => {
  await built();
  const { dashboardAsset: asset }: { dashboardAsset: typeof dashboardAsset } = await import(entry);
  const textOf = async (name: string): Promise<string> => Buffer.from((await asset(name))?.body ?? []).toString();
  const page = await textOf('page.html');
  const waiting = [...page.matchAll(/"\/assets\/([^"]+)"/gu)].map(([, name = '']) => name);
  const seen = new Set<string>();
  for (const name of waiting) {
    seen.add(name);
    const text = await textOf(name);
    expect(text).not.toBe('');
    for (const [, path = ''] of text.matchAll(/^import .* from '([^']+)';$/gmu)) {
      const imported = posix.join(posix.dirname(name), path);
      if (!seen.has(imported) && !waiting.includes(imported)) waiting.push(imported);
    }
  }
  const written = readdirSync(join(import.meta.dirname, '../../src/dashboard/browser'));
  expect([...seen].filter((name) => name.startsWith('dashboard/')).toSorted()).toEqual(
    written.map((name) => `dashboard/browser/${name.replace(/\.ts$/u, '.js')}`).toSorted(),
  );
  for (const name of ['index.js', '../package.json', 'browser/main.js', '', 'words/../index.js'])
    expect(await asset(name)).toBeUndefined();
}, 60_000);

it('the page names no other host, and has neither style nor script of its own', () => {
  const page = readFileSync(join(import.meta.dirname, '../../src/dashboard/page.html'), 'utf8');
  expect(page.replace("xmlns='http://www.w3.org/2000/svg'", '')).not.toMatch(
    /https?:|<style|style=|\son\w+=|<script(?! type="module" src="\/assets)/u,
  );
});
