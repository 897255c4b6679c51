import fc from 'fast-check';

/** JSON is written here as text: a value could hold neither a name twice nor a number that no float is. */

const numbers = [
  '0',
  '-0',
  '1',
  '-1',
  '1.5',
  '1e999',
  '-1e999',
  '1e-999',
  '9007199254740993',
  '1234567890123456789012',
  '1E+2',
];
const strings = [
  '',
  'a',
  '2.0',
  '1',
  '\u0000',
  '\uFEFF',
  '\uD83D',
  '\uDE00\uD83D',
  '🐎',
  '\u2028',
  '\u001b[31m',
  '\\',
  '"',
  '__proto__',
];

const scalarText = fc.oneof(
  fc.constantFrom(...numbers, 'true', 'false', 'null'),
  fc.constantFrom(...strings).map((text) => JSON.stringify(text)),
  // Not escaped: the characters themselves, halves of pairs as what UTF-8 makes of them.
  fc.constantFrom('"\uFEFF"', '"\uD83D"', '"\u2028"', '"\u007f"'),
  fc.string({ unit: 'binary', maxLength: 12 }).map((text) => JSON.stringify(text)),
);

const nameText = fc.oneof(
  fc
    .constantFrom(
      'a',
      'id',
      'jsonrpc',
      'method',
      'result',
      '__proto__',
      'constructor',
      'toString',
      'length',
      'then',
      'toJSON',
      '',
      '\u0000',
    )
    .map((name) => JSON.stringify(name)),
  fc.string({ maxLength: 6 }).map((name) => JSON.stringify(name)),
);

/** Deeper than any recursion gets. */
const deepText = fc
  .tuple(fc.constantFrom(100, 5_000, 20_000), fc.constantFrom(['[', ']'], ['{"a":', '}']))
  .map(([depth, [open = '', close = '']]) => `${open.repeat(depth)}0${close.repeat(depth)}`);

/** The text of any JSON value. */
export const valueText = fc.letrec<{ value: string }>((tie) => ({
  value: fc.oneof(
    { maxDepth: 4, depthSize: 'small' },
    { weight: 6, arbitrary: scalarText },
    { weight: 1, arbitrary: deepText },
    { weight: 2, arbitrary: fc.array(tie('value'), { maxLength: 4 }).map((items) => `[${items.join(',')}]`) },
    { weight: 4, arbitrary: fc.array(fc.tuple(nameText, tie('value')), { maxLength: 5 }).map(objectText) },
  ),
})).value;

/** The text of an object, from names and values that are text themselves; a name may come twice. */
export function objectText(members: readonly (readonly [name: string, value: string])[]): string {
  return `{${members.map(([name, value]) => `${name}:${value}`).join(',')}}`;
}

const fault = fc.record({
  at: fc.nat(),
  what: fc.constantFrom('drop', 'twice', 'other value'),
  value: valueText,
});

/** An object with the given members, of which some are missing, come twice or have another value: more often it is as it should be. */
export function nearly(members: Readonly<Record<string, fc.Arbitrary<string>>>): fc.Arbitrary<string> {
  const faults = fc.oneof(
    { weight: 2, arbitrary: fc.constant([]) },
    { weight: 1, arbitrary: fc.array(fault, { maxLength: 2 }) },
  );
  return fc.tuple(fc.record(members), faults).map(([values, list]) => {
    const text: [string, string][] = Object.entries(values).map(([name, value]) => [JSON.stringify(name), value]);
    for (const { at, what, value } of list) {
      const place = at % Math.max(1, text.length);
      const [name] = text[place] ?? ['"a"'];
      if (what === 'drop') text.splice(place, 1);
      else text.splice(place, what === 'twice' ? 0 : 1, [name, value]);
    }
    return objectText(text);
  });
}

/** A value in one line of text for comparison, at any depth: what compares or prints values recurses. */
export function flat(value: unknown): string {
  const parts: string[] = [];
  const waiting: unknown[] = [value];
  while (waiting.length > 0) {
    const next = waiting.pop();
    if (next instanceof Mark) parts.push(next.text);
    else if (typeof next !== 'object' || next === null)
      parts.push(Object.is(next, -0) ? '-0' : `${typeof next} ${String(next)}`);
    else {
      parts.push(Array.isArray(next) ? '[' : '{');
      const members = Object.entries(next).flatMap(([name, member]) => [
        new Mark(JSON.stringify(name)),
        member as unknown,
      ]);
      waiting.push(new Mark(']'), ...members.toReversed());
    }
  }
  return parts.join(' ');
}

/** Something between values. */
class Mark {
  readonly text: string;

  constructor(text: string) {
    this.text = text;
  }
}
