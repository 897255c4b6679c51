import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { machinePages } from '../../src/inspect/machine-pages.ts';

const folder = join(import.meta.dirname, '..', '..', 'docs', 'machines');

describe('docs/machines', () => {
  it('holds one page for each machine and nothing else', () => {
    expect(readdirSync(folder).toSorted()).toEqual(['group.md', 'manager.md', 'session.md']);
    expect(
      machinePages()
        .map(({ file }) => file)
        .toSorted(),
    ).toEqual(['group.md', 'manager.md', 'session.md']);
  });

  it.each(machinePages())('$file is what the machine says', ({ file, text }) => {
    const path = join(folder, file);
    expect(
      existsSync(path) ? readFileSync(path, 'utf8') : '',
      `docs/machines/${file} is out of date: run npm run docs`,
    ).toBe(text);
  });
});

describe('the diagrams', () => {
  it.each(machinePages())(
    '$file holds one diagram in which every line is of a known form, and every brace is closed',
    ({ text }) => {
      const lines = diagramOf(text);
      const forms = [
        /^stateDiagram-v2$/,
        /^\[\*\] --> \w+$/,
        /^\w+ --> \[\*\]$/,
        /^\w+ --> \w+ : [^:;#]+$/,
        /^\w+( : [^:;#]+)?$/,
        /^state ("[^"]+" as )?\w+( \{)?$/,
        /^note right of \w+ : [^:;#]+$/,
        /^--$/,
        /^\}$/,
      ];
      expect(lines.filter((line) => !forms.some((form) => form.test(line.trim())))).toEqual([]);
      let depth = 0;
      for (const line of lines) {
        if (line.endsWith('{')) depth += 1;
        if (line.trim() === '}') depth -= 1;
        expect(depth).toBeGreaterThanOrEqual(0);
      }
      expect(depth).toBe(0);
    },
  );

  it.each(machinePages())('$file declares every state that it names, once', ({ text }) => {
    const lines = diagramOf(text).map((line) => line.trim());
    const declared = lines.flatMap((line) =>
      [...line.matchAll(/^(?:state (?:"[^"]+" as )?)?(\w+)(?: \{)?$/g)].map(([, id]) => id),
    );
    const named = lines.flatMap((line) => {
      const arrow = /^(\S+) --> (\S+)/.exec(line) ?? /^note right of (\S+)/.exec(line) ?? /^(\w+) :/.exec(line);
      return arrow === null ? [] : arrow.slice(1);
    });
    expect(declared).toEqual([...new Set(declared)]);
    expect([...new Set(named)].filter((id) => id !== '[*]' && !declared.includes(id))).toEqual([]);
  });
});

function diagramOf(page: string): string[] {
  const diagrams = [...page.matchAll(/```mermaid\n([\s\S]*?)\n```/g)].map(([, diagram = '']) => diagram);
  expect(diagrams).toHaveLength(1);
  return (diagrams[0] ?? '').split('\n');
}
