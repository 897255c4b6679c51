import { execFile } from 'node:child_process';
import { mkdtempSync, readFileSync, realpathSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify, format } from 'node:util';
import { afterAll, beforeAll, expect, it, vi } from 'vitest';

const root = join(import.meta.dirname, '..', '..');

interface Snippet {
  readonly name: string;
  readonly code: string;
  /** What it prints, when it is one that runs. */
  readonly output: string | undefined;
}

const snippets: readonly Snippet[] = [
  'catalog.md',
  'embedding.md',
  'inspector.md',
  'observability.md',
  'security.md',
  'testing.md',
].flatMap((doc) => {
  const text = readFileSync(join(root, 'docs', doc), 'utf8');
  return [...text.matchAll(/```ts\n([\s\S]*?)```\n(?:\n```text\n([\s\S]*?)```)?/g)].map(
    ([, code = '', output], index) => ({
      name: `${doc.replace('.md', '')}-${index + 1}`,
      code,
      output: code.startsWith('// runs\n') ? (output ?? '') : undefined,
    }),
  );
});

/** What a snippet that only shows something takes for granted. */
const granted = {
  manager: "declare const manager: import('holdfast').SessionManager;\n",
  session: "declare const session: import('holdfast').Session;\n",
};

let folder: string;

beforeAll(() => {
  folder = realpathSync(mkdtempSync(join(tmpdir(), 'holdfast-docs-')));
  symlinkSync(join(root, 'node_modules'), join(folder, 'node_modules'));
  const tsconfig = {
    extends: join(root, 'tsconfig.json'),
    compilerOptions: {
      noUnusedLocals: false,
      rewriteRelativeImportExtensions: false,
      allowImportingTsExtensions: true,
    },
    include: ['*.ts'],
  };
  writeFileSync(join(folder, 'tsconfig.json'), JSON.stringify(tsconfig));
  writeFileSync(join(folder, 'package.json'), '{ "type": "module" }');
  for (const { name, code } of snippets) writeFileSync(join(folder, `${name}.ts`), onSources(withGranted(code)));
});

afterAll(() => {
  rmSync(folder, { recursive: true, force: true });
});

it('there are snippets, and some of them run', () => {
  expect(snippets.filter(({ output }) => output !== undefined).length).toBeGreaterThanOrEqual(4);
});

it('every snippet of docs/catalog.md, docs/embedding.md, docs/inspector.md, docs/observability.md, docs/security.md and docs/testing.md compiles', async () => {
  const tsc = join(root, 'node_modules', '.bin', 'tsc');
  const errors = await promisify(execFile)(tsc, ['-p', 'tsconfig.json'], { cwd: folder }).then(
    () => '',
    (error: unknown) => (error instanceof Error && 'stdout' in error ? String(error.stdout) : String(error)),
  );
  expect(errors).toBe('');
}, 60_000);

it.each(snippets.filter(({ output }) => output !== undefined))(
  '$name prints what the page says',
  async ({ name, output }) => {
    const printed: string[] = [];
    const log = vi.spyOn(console, 'log').mockImplementation((...parts: unknown[]) => {
      printed.push(format(...parts));
    });
    try {
      await import(/* @vite-ignore */ join(folder, `${name}.ts`));
    } finally {
      log.mockRestore();
    }
    expect(`${printed.join('\n')}\n`).toBe(output);
  },
  30_000,
);

function withGranted(code: string): string {
  const missing = (['manager', 'session'] as const).filter(
    (name) => new RegExp(`\\b${name}\\b`).test(code) && !new RegExp(`const ${name}\\b`).test(code),
  );
  return `${missing.map((name) => granted[name]).join('')}${code}\nexport {};\n`;
}

/** The snippet with our sources in place of the package, whose name resolves only where it is installed. */
function onSources(code: string): string {
  return code
    .replaceAll("'holdfast/actors'", JSON.stringify(join(root, 'src', 'manager', 'embedding.ts')))
    .replaceAll("'holdfast/config'", JSON.stringify(join(root, 'src', 'config', 'index.ts')))
    .replaceAll("'holdfast/inspect'", JSON.stringify(join(root, 'src', 'inspect', 'index.ts')))
    .replaceAll("'holdfast/telemetry'", JSON.stringify(join(root, 'src', 'telemetry', 'index.ts')))
    .replaceAll("'holdfast/testing'", JSON.stringify(join(root, 'src', 'testing', 'index.ts')))
    .replaceAll("'holdfast'", JSON.stringify(join(root, 'src', 'index.ts')));
}
