import { Ajv, type Options } from 'ajv';
import { Ajv2020 } from 'ajv/dist/2020.js';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { compileSimple } from '../../src/validation/simple-schema.ts';
import type { OutputSchema } from '../../src/validation/validator.ts';

const names = ['a', 'b', 'a/b', '~', '', '0', 'length', 'constructor', 'toString', 'hasOwnProperty', '__proto__'];
const name = fc.constantFrom(...names);
const plainName = fc.constantFrom(...names.filter((each) => each !== '__proto__'));
/** Pairs, a lone half of one, and a combining accent: lengths on which the ways of counting differ. */
const text = fc.constantFrom(
  '',
  'a',
  'ab',
  'abc',
  '👍',
  '👍👍',
  'a👍',
  '\uD83D',
  '\uDC4D\uD83D',
  'e\u0301',
  '1',
  'null',
);
const number = fc.constantFrom(0, -0, 1, -1, 2, 3, 0.5, 1.5, 1e21, -1e21, 5e-324, 2 ** 53, 1e308, Infinity, -Infinity);
const scalar = fc.oneof(text, number, fc.boolean(), fc.constant(null));

const value = fc.letrec<{ value: unknown }>((tie) => ({
  value: fc.oneof(
    { maxDepth: 4, depthSize: 'small' },
    scalar,
    fc.array(tie('value'), { maxLength: 4 }),
    fc.array(fc.tuple(name, tie('value')), { maxLength: 4 }).map(asParsed),
  ),
})).value;

const type = fc.constantFrom('string', 'number', 'integer', 'boolean', 'null', 'array', 'object');
const count = fc.nat({ max: 3 });
const limit = number.filter((each) => Number.isFinite(each));

/** Every keyword that simple schemas have, with operands that are right. */
function keywords(schema: fc.Arbitrary<unknown>, inUnion: boolean): fc.Arbitrary<Record<string, unknown>> {
  const rules = {
    type: fc.oneof(type, fc.uniqueArray(type, { minLength: 1 })),
    enum: fc.array(
      scalar.filter((each) => each !== Infinity && each !== -Infinity),
      { minLength: 1, maxLength: 12 },
    ),
    const: scalar.filter((each) => each !== Infinity && each !== -Infinity),
    minimum: limit,
    maximum: limit,
    exclusiveMinimum: limit,
    exclusiveMaximum: limit,
    minLength: count,
    maxLength: count,
    items: schema,
    minItems: count,
    maxItems: count,
    required: fc.array(plainName, { maxLength: 3 }),
    properties: fc.array(fc.tuple(plainName, schema), { maxLength: 4 }).map((entries) => Object.fromEntries(entries)),
    additionalProperties: schema,
    minProperties: count,
    maxProperties: count,
    title: text,
    description: text,
    default: scalar,
    examples: fc.array(scalar, { maxLength: 2 }),
    deprecated: fc.boolean(),
    readOnly: fc.boolean(),
    writeOnly: fc.boolean(),
    format: fc.constantFrom('date', 'email', 'no such format'),
    $comment: text,
    ...(inUnion ? {} : { anyOf: fc.array(simple(true), { minLength: 1, maxLength: 3 }) }),
  };
  return fc
    .shuffledSubarray(Object.keys(rules), { maxLength: 4 })
    .chain((chosen) => fc.record(Object.fromEntries(Object.entries(rules).filter(([key]) => chosen.includes(key)))));
}

function simple(inUnion: boolean): fc.Arbitrary<unknown> {
  return fc.letrec<{ schema: unknown }>((tie) => ({
    schema: fc.oneof(
      { maxDepth: 3, depthSize: 'small' },
      fc.oneof(
        { weight: 4, arbitrary: type.map((each) => ({ type: each })) },
        fc.constantFrom<unknown>(true, false, {}),
      ),
      keywords(tie('schema'), inUnion),
    ),
  })).schema;
}

const dialect = fc.constantFrom(
  undefined,
  'https://json-schema.org/draft/2020-12/schema',
  'http://json-schema.org/draft-07/schema#',
);

const simpleSchema = fc.tuple(dialect, keywords(simple(false), false)).map(withDialect);

const oddKeywords = [
  'type enum const minimum exclusiveMaximum multipleOf minLength maxLength items prefixItems additionalItems minItems',
  'uniqueItems required properties nullable additionalProperties patternProperties maxProperties anyOf allOf not',
  '$id id $ref definitions dependencies format $comment if __proto__ constructor',
].flatMap((line) => line.split(' '));

/** Anything under any keyword: mostly not simple, and often no schema at all. */
const oddSchema = fc
  .tuple(
    dialect,
    fc.array(
      fc.tuple(
        fc.constantFrom(...oddKeywords),
        fc.oneof(value, simpleSchema, type, fc.array(simpleSchema, { maxLength: 2 }), fc.array(name, { maxLength: 2 })),
      ),
      { maxLength: 4 },
    ),
  )
  .map(([$schema, entries]) => withDialect([$schema, asParsed(entries)]));

const options: Options = {
  strict: false,
  logger: false,
  validateSchema: false,
  validateFormats: false,
  ownProperties: true,
  allErrors: true,
};

interface Findings {
  readonly isValid: boolean;
  /** `path message` of everything that is wrong. */
  readonly errors: readonly string[];
}

function byAjv(schema: OutputSchema, instance: unknown): Findings {
  const ajv = String(schema['$schema']).includes('draft-07') ? new Ajv(options) : new Ajv2020(options);
  const validate = ajv.compile(schema);
  const isValid = validate(instance);
  return { isValid, errors: (validate.errors ?? []).map(({ instancePath, message }) => `${instancePath} ${message}`) };
}

function expectSameAsAjv(schema: OutputSchema, instance: unknown, check: ReturnType<typeof compileSimple>): void {
  const { isValid, errors } = byAjv(schema, instance);
  const outcome = check?.(instance);
  const isInItsWords = outcome?.kind !== 'invalid' || errors.includes(`${outcome.path} ${outcome.message}`);
  expect([outcome?.kind, isInItsWords]).toEqual([isValid ? 'valid' : 'invalid', true]);
}

describe('a simple schema, whatever it says', () => {
  it('is known as simple, and gives the verdict of Ajv, in its words, on any value', () => {
    fc.assert(
      fc.property(simpleSchema, value, (schema, instance) => {
        const check = compileSimple(schema);
        expect(check).not.toBeNull();
        expectSameAsAjv(schema, instance, check);
      }),
      { numRuns: 4_000 },
    );
  });

  it('that was made from a value accepts it, and with one field changed gives the verdict of Ajv', () => {
    const object = fc.dictionary(plainName, value, { minKeys: 1 });
    fc.assert(
      fc.property(object, plainName, value, (instance, field, other) => {
        const schema = madeFrom(instance);
        const check = compileSimple(schema);
        expect(check?.(instance)).toEqual({ kind: 'valid' });
        expectSameAsAjv(schema, { ...instance, [field]: other }, check);
      }),
      { numRuns: 600 },
    );
  });
});

describe('any schema, also one that is none', () => {
  it('is either left to Ajv, or gives the verdict of Ajv', () => {
    let known = 0;
    fc.assert(
      fc.property(oddSchema, value, (schema, instance) => {
        const check = compileSimple(schema);
        if (check === null) return;
        known += 1;
        expectSameAsAjv(schema, instance, check);
      }),
      { numRuns: 4_000 },
    );
    expect(known).toBeGreaterThan(100);
  });
});

/** The narrowest schema of a value, except that the types of an array's items are thrown together. */
function madeFrom(instance: unknown): Record<string, unknown> {
  if (Array.isArray(instance)) {
    const types = [...new Set(instance.map(typeOf))];
    const items = types.length > 0 ? { items: { type: types } } : {};
    return { type: 'array', minItems: instance.length, maxItems: instance.length, ...items };
  }
  if (typeof instance !== 'object' || instance === null) return { type: typeOf(instance) };
  const entries = Object.entries(instance).filter(([key]) => key !== '__proto__');
  return {
    type: 'object',
    properties: Object.fromEntries(entries.map(([key, each]) => [key, madeFrom(each)])),
    required: entries.map(([key]) => key),
    additionalProperties: Object.hasOwn(instance, '__proto__'),
  };
}

function typeOf(instance: unknown): string {
  if (instance === null) return 'null';
  return Array.isArray(instance) ? 'array' : typeof instance;
}

function withDialect([$schema, rules]: [string | undefined, Record<string, unknown>]): OutputSchema {
  return $schema === undefined ? rules : { ...rules, $schema };
}

/** An object as `JSON.parse` makes it: `__proto__` is a key like any other. */
function asParsed(entries: readonly (readonly [string, unknown])[]): Record<string, unknown> {
  const object: Record<string, unknown> = {};
  for (const [key, each] of entries) {
    Object.defineProperty(object, key, { value: each, enumerable: true, writable: true, configurable: true });
  }
  return object;
}
