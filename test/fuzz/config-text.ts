import fc from 'fast-check';
import { damaged } from './bytes.ts';
import { objectText, valueText } from './json-text.ts';

/** A member of a configuration file: kept as a tree, so that mistakes can be made in the middle of it. */
export type Tree = string | number | boolean | null | readonly Tree[] | { readonly [name: string]: Tree };

const id = fc.constantFrom('files', 'git', 'search', 'a b', '語', 'x'.repeat(64));
const text = fc.constantFrom(
  'npx',
  './server',
  'a // b',
  '/* no comment */',
  '${HOME}/x',
  '${env:TOKEN}',
  '${MISSING:-d}',
  '${input:key}',
  '$${',
  '',
);
const headerText = fc.constantFrom('Bearer ${TOKEN}', 'x', '${MISSING:-}', '${input:key}');

const program = fc.record(
  {
    type: fc.constantFrom('stdio', 'local'),
    command: fc.constantFrom('npx', './server', '${HOME}/bin/server', 'C:\\\\x.exe'),
    args: fc.array(text, { maxLength: 4 }),
    env: fc.dictionary(fc.constantFrom('A', 'TOKEN', 'PATH'), text, { maxKeys: 3 }),
    cwd: fc.constantFrom('.', '${workspaceFolder}', '/tmp'),
    disabled: fc.boolean(),
    autoApprove: fc.constant(['*']),
  },
  { requiredKeys: ['command'] },
);
const remote = fc.record(
  {
    type: fc.constantFrom('http', 'sse', 'streamable-http'),
    url: fc.constantFrom('https://example.com/mcp', 'http://127.0.0.1:1/${MISSING:-x}', 'https://example.com/?q=//'),
    headers: fc.dictionary(fc.constantFrom('Authorization', 'X-Key'), headerText, { maxKeys: 2 }),
  },
  { requiredKeys: ['url'] },
);
const servers = fc.dictionary(id, fc.oneof(program, remote), { minKeys: 1, maxKeys: 4 });
const settings = fc.record(
  {
    healthCheck: fc.record({ intervalMs: fc.constant(10_000), timeoutMs: fc.constant(1_000) }, { requiredKeys: [] }),
    retry: fc.record({ maxAttempts: fc.constant(2), jitter: fc.constant(0.5) }, { requiredKeys: [] }),
    lazy: fc.boolean(),
    maxInFlight: fc.nat({ max: 9 }).map((count) => count + 1),
  },
  { requiredKeys: [] },
);

/** A whole file that is right, in one of the dialects. Groups are of two servers that are always there. */
export const validFile: fc.Arbitrary<Tree> = fc
  .record({ container: fc.constantFrom('mcpServers', 'servers'), servers, defaults: settings, hasGroup: fc.boolean() })
  .map(({ container, servers: some, defaults, hasGroup }): Tree => {
    const pair = hasGroup ? { primary: { command: 'x' }, backup: { url: 'https://example.com/' } } : {};
    const groups = hasGroup ? { pair: { primary: 'primary', backups: ['backup'] } } : {};
    return {
      inputs: [{ id: 'key', type: 'promptString', default: 'from input' }],
      [container]: { ...some, ...pair },
      holdfast: { defaults, groups },
    };
  });

/** How a file is written: what stands between its tokens, in turn, and whether lists end with a comma. */
export interface Layout {
  readonly between: readonly string[];
  readonly endsWithCommas: boolean;
}

export const layout: fc.Arbitrary<Layout> = fc.record({
  between: fc.array(
    fc.constantFrom('', ' ', '\n', '\r\n', '\r', '\t', '// a } comment\n', '/* { " */', '/**/', '// ${X}\r\n'),
    { minLength: 1, maxLength: 7 },
  ),
  endsWithCommas: fc.boolean(),
});

/** The tree as the text of a file. `replaced`: what stands in the place of some of its values, by their number in the order of the text. */
export function written(tree: Tree, { between, endsWithCommas }: Layout, replaced = new Map<number, string>()): string {
  let turn = 0;
  let values = 0;
  const gap = (): string => between[turn++ % between.length] ?? '';
  const list = (open: string, parts: readonly string[], close: string): string => {
    const texts = parts.map(
      (part, index) => `${gap()}${part}${gap()}${index < parts.length - 1 || endsWithCommas ? ',' : ''}`,
    );
    return `${open}${texts.join('')}${gap()}${close}`;
  };
  const write = (value: Tree): string => {
    const instead = replaced.get(values++);
    if (instead !== undefined) return instead;
    if (typeof value !== 'object' || value === null) return JSON.stringify(value);
    if (isList(value)) return list('[', value.map(write), ']');
    const members = Object.entries(value).map(
      ([name, each]) => `${JSON.stringify(name)}${gap()}:${gap()}${write(each)}`,
    );
    return list('{', members, '}');
  };
  return `${gap()}${write(tree)}${gap()}`;
}

function isList(value: Tree): value is readonly Tree[] {
  return Array.isArray(value);
}

const token = /"(?:\\.|[^"\\])*"|[[\]{},:]|[^\s"[\]{},:]+|\s+/g;
const swap = fc.record({
  at: fc.double({ min: 0, max: 0.999, noNaN: true }),
  by: fc.oneof(
    { weight: 3, arbitrary: fc.constant('') },
    { weight: 2, arbitrary: valueText },
    { weight: 2, arbitrary: fc.constantFrom(',', ':', '{', '}', '[', ']', '//', '/*', '"', "'", '\uFEFF', '\0') },
    { weight: 3, arbitrary: fc.constantFrom('"__proto__"', '"command"', '"url"', '"type"', '"args"', '"holdfast"') },
  ),
});

const otherValue = fc.oneof(
  { weight: 6, arbitrary: valueText },
  {
    weight: 6,
    arbitrary: fc.constantFrom(
      '"${"',
      '"${}"',
      '"${input:}"',
      '"${A:-${B}}"',
      '"${env:TOKEN}${NOT"',
      '"x:${TOKEN}"',
      '"${TOKEN}\\u0000"',
    ),
  },
  {
    weight: 2,
    arbitrary: valueText.map((value) =>
      objectText([
        ['"command"', '"x"'],
        ['"args"', `[${value}]`],
        ['"command"', value],
      ]),
    ),
  },
);
const replacements = fc.array(fc.tuple(fc.nat({ max: 30 }), otherValue), { maxLength: 3 }).map((list) => new Map(list));

/** A file in which some values or tokens are others, or missing, and a few bytes are wrong. */
export const brokenFile: fc.Arbitrary<Buffer> = damaged(
  fc
    .tuple(validFile, layout, replacements, fc.oneof(fc.constant([]), fc.array(swap, { maxLength: 3 })))
    .map(([tree, how, replaced, swaps]) => {
      const file = written(tree, how, replaced);
      if (swaps.length === 0) return Buffer.from(file);
      const tokens: string[] = file.match(token) ?? [];
      for (const { at, by } of swaps) tokens[Math.floor(at * tokens.length)] = by;
      return Buffer.from(tokens.join(''));
    }),
);
