import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { rowsUnder } from './doc-tables.ts';

const root = join(import.meta.dirname, '..', '..');
const pages = readdirSync(join(root, 'docs')).filter((name) => /^faults-\w+\.md$/.test(name));

/** The tests of a file by their whole names, as far as they stand in the source: `%s` and `$what` are what varies. */
function testsOf(file: string): string[] {
  const source = readFileSync(join(root, 'test', file), 'utf8').replaceAll('`', '');
  const titles =
    /\b(describe|test|it)\b(?:\.each\([\s\S]*?\))?\(\s*(['"])((?:\\.|(?!\2)[^\n])+)\2,\s*(?:async\b|\(|unhurried)/g;
  let group = '';
  return [...source.matchAll(titles)].flatMap(([, kind, , title = '']) => {
    if (kind !== 'describe') return [`${group} ${title}`];
    group = title;
    return [];
  });
}

describe.each(pages)('docs/%s', (page) => {
  const text = readFileSync(join(root, 'docs', page), 'utf8');
  const rows = rowsUnder(text, 'fault').map(([fault = '', comes = '', file = '', test = '']) => ({
    fault,
    comes,
    file,
    test,
  }));

  it('says of each fault what comes of it, and names a test that there is', () => {
    expect(rows.filter(({ fault, comes, file, test }) => [fault, comes, file, test].includes(''))).toEqual([]);
    expect(rows.filter(({ file, test }) => !testsOf(file).includes(test))).toEqual([]);
  });

  it('leaves out no test of the files in test/faults that it names', () => {
    const files = [...new Set(rows.map(({ file }) => file))].filter((file) => file.startsWith('faults/'));
    const listed = new Set(rows.map(({ file, test }) => `${file} ${test}`));
    const tests = files.flatMap((file) => testsOf(file).map((test) => `${file} ${test}`));
    expect(tests.filter((test) => !listed.has(test))).toEqual([]);
  });

  it('says why each other fault cannot be met', () => {
    expect(rowsUnder(text, 'not met').filter(([, why = '']) => why === '')).toEqual([]);
  });
});

it('every file of tests in test/faults is on one of the pages', () => {
  const files = readdirSync(join(root, 'test', 'faults')).filter((name) => name.endsWith('.test.ts'));
  const named = pages.flatMap((page) =>
    rowsUnder(readFileSync(join(root, 'docs', page), 'utf8'), 'fault').map(([, , file]) => file),
  );
  expect(files.filter((name) => !named.includes(`faults/${name}`))).toEqual([]);
});
