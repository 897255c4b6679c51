import fc from 'fast-check';
import { stringify } from 'yaml';
import { damaged } from './bytes.ts';
import { validFile } from './config-text.ts';
import type { Tree } from './config-text.ts';

/** The tree as YAML, in the way in which people write it. */
export function yamlText(tree: Tree): string {
  return stringify(tree);
}

/** The tree as TOML: a table for each server and each part of the settings, inline below. */
export function tomlText(tree: Tree): string {
  const parts = Object.entries(tree ?? {});
  const plain = parts
    .filter(([, value]) => !isTable(value))
    .map(([name, value]) => `${key(name)} = ${inline(value)}\n`);
  const tables = parts.filter(([, value]) => isTable(value));
  return [
    ...plain,
    ...tables.flatMap(([name, table]) => [
      `[${key(name)}]\n`,
      ...Object.entries(table ?? {}).map(
        ([id, value]) =>
          `[${key(name)}.${key(id)}]\n${Object.entries(value ?? {})
            .map(([field, each]) => `${key(field)} = ${inline(each)}\n`)
            .join('')}`,
      ),
    ]),
  ].join('');
}

const isTable = (value: Tree): boolean => typeof value === 'object' && value !== null && !Array.isArray(value);
const key = (name: string): string => (/^[\w-]+$/u.test(name) ? name : JSON.stringify(name));

function inline(value: unknown): string {
  if (Array.isArray(value)) return `[${value.map(inline).join(', ')}]`;
  if (typeof value !== 'object' || value === null) return JSON.stringify(value);
  return `{ ${Object.entries(value)
    .map(([name, each]) => `${key(name)} = ${inline(each)}`)
    .join(', ')} }`;
}

/** What people and programs do to lines, and what only looks like something else in one of the formats. */
const strayLine = fc.constantFrom(
  '',
  '  ',
  '\t- x',
  '---',
  '...',
  '%YAML 1.2',
  '&a [*a]',
  'a: &a { b: *a }',
  '<<: *missing',
  '<<: { command: x }',
  '!!binary aGk=',
  '? [a]\n: b',
  'mcpServers: 7',
  'command: |\n  x',
  '"command": \'${NOT',
  '[mcpServers]',
  '[[mcpServers.files]]',
  '[mcpServers.files.env]',
  'a.b.c = 1979-05-27T07:32:00Z',
  'args = [1, "x", { a = 1 }]',
  'x = inf',
  'x = 0x1F',
  '"__proto__" = "x"',
  '__proto__: x',
  'env = "${TOKEN}"',
  'url: "${TOKEN}"',
  '{',
  '"',
);

const edit = fc.record({
  at: fc.double({ min: 0, max: 0.999, noNaN: true }),
  how: fc.constantFrom('remove', 'indent', 'outdent', 'insert', 'replace', 'repeat'),
  line: strayLine,
});

/** A file in which some lines are others, elsewhere or missing, and a few bytes are wrong. */
export function brokenLines(write: (tree: Tree) => string): fc.Arbitrary<Buffer> {
  const files = fc.tuple(validFile, fc.array(edit, { minLength: 1, maxLength: 4 })).map(([tree, edits]) => {
    const lines = write(tree).split('\n');
    for (const { at, how, line } of edits) {
      const index = Math.floor(at * lines.length);
      const old = lines[index] ?? '';
      if (how === 'remove') lines.splice(index, 1);
      else if (how === 'insert') lines.splice(index, 0, line);
      else if (how === 'repeat') lines.splice(index, 0, old);
      else lines[index] = how === 'indent' ? `  ${old}` : how === 'outdent' ? old.trimStart() : line;
    }
    return Buffer.from(lines.join('\n'));
  });
  return damaged(files);
}
