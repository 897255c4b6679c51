import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it } from 'vitest';

const root = join(import.meta.dirname, '..', '..');
const read = (...path: string[]): string => readFileSync(join(root, ...path), 'utf8');

it('the features in the table of docs/protocol.md are the tests of each era over each transport', () => {
  const page = read('docs', 'protocol.md');
  const table = page.slice(page.indexOf('| feature'), page.indexOf('The older transports'));
  const features = [...table.matchAll(/^\| ([^|]+?) +\|/gmu)].map(([, feature]) => feature ?? '').slice(1);
  const suite = read('test', 'e2e', 'protocol.test.ts');
  const titles = [...suite.matchAll(/^ {2}it\('([^']+)'/gmu)].map(([, title]) => title);
  const kinds = ['form', 'url', 'sample', 'roots'].map((kind) => `its question by ${kind}`);
  expect(suite).toContain(`it.each(['form', 'url', 'sample', 'roots'] as const)('its question by %s'`);
  expect(new Set(features.filter((feature) => !feature.startsWith('---')))).toEqual(new Set([...titles, ...kinds]));
});
