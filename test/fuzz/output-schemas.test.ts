import fc from 'fast-check';
import { expect, it } from 'vitest';
import { createVirtualClock } from '../../src/testing/index.ts';
import { compileSchema } from '../../src/validation/compiled-schema.ts';
import { createOutputValidator } from '../../src/validation/output-validator.ts';
import { compileSimple } from '../../src/validation/simple-schema.ts';
import type { OutputSchema, Verdict } from '../../src/validation/validator.ts';
import { fuzz } from './fuzz.ts';
import { nearly, objectText, valueText } from './json-text.ts';

/** Not the empty one: without `allErrors`, Ajv does not miss a required property of that name. */
const names = ['temperature', 'items', 'id', '__proto__', 'constructor', 'a/b'];

/** A schema as tools publish them, and a result that keeps to it, both as text and both nearly right. */
interface Pair {
  readonly schema: string;
  readonly result: string;
}

const leaf = fc.oneof(
  pairOf({ type: '"string"' }, fc.constantFrom('""', '"x"', '"🐎"', '"\\ud83d"')),
  pairOf({ type: '"number"', minimum: '0' }, fc.constantFrom('0', '-0', '0.5', '1e999', '-1')),
  pairOf({ type: '"integer"', maximum: '10' }, fc.constantFrom('1', '1.0', '1e1', '11', '1.5')),
  pairOf({ type: '["string","null"]', maxLength: '2' }, fc.constantFrom('null', '"ab"', '"abc"')),
  pairOf({ enum: '["a",1,null]' }, fc.constantFrom('"a"', '1', 'null', '"b"')),
  pairOf({ const: 'true' }, fc.constantFrom('true', 'false')),
  pairOf({}, valueText),
);

const pair = fc.letrec<{ pair: Pair }>((tie) => ({
  pair: fc.oneof(
    { maxDepth: 3, depthSize: 'small' },
    leaf,
    fc.array(tie('pair'), { minLength: 1, maxLength: 3 }).chain(arrayPair),
    fc.array(fc.tuple(fc.constantFrom(...names), tie('pair')), { maxLength: 4 }).chain(objectPair),
    fc.array(tie('pair'), { minLength: 1, maxLength: 3 }).chain(unionPair),
  ),
})).pair;

function pairOf(keywords: Readonly<Record<string, string>>, result: fc.Arbitrary<string>): fc.Arbitrary<Pair> {
  return fc.record({
    schema: schemaText(keywords),
    result: fc.oneof({ weight: 9, arbitrary: result }, { weight: 1, arbitrary: valueText }),
  });
}

function schemaText(keywords: Readonly<Record<string, string>>): fc.Arbitrary<string> {
  const entries = Object.entries({ ...keywords, description: '"…"' });
  return nearly(Object.fromEntries(entries.map(([name, text]) => [name, fc.constant(text)])));
}

function arrayPair(items: readonly Pair[]): fc.Arbitrary<Pair> {
  const [first] = items;
  const keywords = { type: '"array"', items: first?.schema ?? '{}', maxItems: '2' };
  return pairOf(keywords, fc.constant(`[${items.map(({ result }) => result).join(',')}]`));
}

function objectPair(members: readonly (readonly [string, Pair])[]): fc.Arbitrary<Pair> {
  const named = members.map(([name, each]) => [JSON.stringify(name), each] as const);
  const keywords = {
    type: '"object"',
    properties: objectText(named.map(([name, { schema }]) => [name, schema])),
    required: `[${named.map(([name]) => name).join(',')}]`,
    additionalProperties: 'false',
  };
  const most = fc.subarray(named, { minLength: Math.max(0, named.length - 1) });
  return most.chain((some) =>
    pairOf(keywords, fc.constant(objectText(some.map(([name, { result }]) => [name, result])))),
  );
}

function unionPair(branches: readonly Pair[]): fc.Arbitrary<Pair> {
  const keywords = { anyOf: `[${branches.map(({ schema }) => schema).join(',')}]` };
  return pairOf(keywords, fc.constantFrom(...branches.map(({ result }) => result)));
}

function isSchema(value: unknown): value is OutputSchema {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

const parsedSchema = (text: string): OutputSchema => {
  const value: unknown = JSON.parse(text);
  return isSchema(value) ? value : {};
};

/** Null where Ajv has none: it recurses through annotations too, at any depth. */
function verdictOfAjv(schema: OutputSchema, value: unknown): string | null {
  try {
    return compileSchema(schema)(value).kind;
  } catch (error) {
    if (error instanceof RangeError) return null;
    throw error;
  }
}

it('what is checked inline of a schema that is nearly right gets the verdict of Ajv, or is left to it', async () => {
  let decided = 0;
  await fuzz('pure', pair, ({ schema: text, result }) => {
    const schema = parsedSchema(text);
    const value: unknown = JSON.parse(result);
    const outcome = compileSimple(schema)?.(value) ?? { kind: 'unfinished' };
    if (outcome.kind === 'unfinished') return;
    decided += 1;
    expect([outcome.kind, null]).toContain(verdictOfAjv(schema, value));
  });
  expect(decided).toBeGreaterThan(0);
});

it('any schema and any result get a verdict that is short and quotes no value, and never an exception', async () => {
  const any = fc.oneof(pair, fc.record({ schema: valueText, result: valueText }));
  await fuzz('pure', any, async ({ schema, result }) => {
    const secret = 'hunter2-hunter2';
    const validator = createOutputValidator({
      clock: createVirtualClock(),
      // What is not decided inline would go to a worker, and there is none.
      startWorker: () => {
        throw new Error('no worker');
      },
    });
    const value: unknown = JSON.parse(result.replaceAll('"x"', JSON.stringify(secret)));
    const request = { server: 's', key: schema, schema: parsedSchema(schema), value };
    const verdicts: Verdict[] = [await validator.check(request), await validator.check(request)];
    for (const verdict of verdicts) {
      const { path, message } = { path: '', message: '', ...verdict };
      expect(['valid', 'invalid', 'unchecked']).toContain(verdict.kind);
      expect([path.length <= 200, message.length <= 300, message.includes(secret)]).toEqual([true, true, false]);
    }
    expect(verdicts[1]?.kind).toBe(verdicts[0]?.kind);
    await validator.close();
  });
});
