import { describe, expect, it } from 'vitest';
import { compileSimple } from '../../src/validation/simple-schema.ts';

describe('a schema is simple', () => {
  it.each([
    ['an empty one', {}],
    [
      'one with an optional field, as Python servers write it',
      { properties: { a: { anyOf: [{ type: 'string' }, { type: 'null' }] } } },
    ],
    ['one of draft-07', { $schema: 'http://json-schema.org/draft-07/schema#', type: 'object' }],
    ['one of 64 levels', levels(64)],
    ['one with 3 998 properties', { properties: properties(3_998) }],
  ])('%s', (_, schema) => {
    expect(compileSimple(schema)).not.toBeNull();
  });
});

describe('a schema is not simple', () => {
  it.each([
    ['when it has a pattern', { pattern: '^a' }],
    ['when it has patternProperties', { patternProperties: { a: {} } }],
    ['when it has a reference', { $ref: '#/$defs/a', $defs: { a: {} } }],
    ['when it has an id', { $id: 'https://example.com/a' }],
    ['when it has definitions, even unused', { $defs: {} }],
    ['when it has a combinator other than anyOf', { oneOf: [{ type: 'string' }] }],
    ['when it has anyOf inside anyOf', { anyOf: [{ items: { anyOf: [{ type: 'string' }] } }] }],
    ['when it has uniqueItems', { uniqueItems: true }],
    ['when it has a tuple', { prefixItems: [{}] }],
    ['when it has multipleOf', { multipleOf: 0.1 }],
    ['when it has an object among the allowed values', { enum: ['a', {}] }],
    ['when it has an unknown keyword, which another version may know', { nullable: true }],
    ['when it has an unknown type', { type: 'text' }],
    ['when an operand is wrong', { minLength: '1' }],
    ['when it names __proto__', JSON.parse('{"properties":{"__proto__":{"type":"string"}}}')],
    ['when it requires __proto__', { required: ['__proto__'] }],
    ['when it names another dialect', { $schema: 'http://json-schema.org/draft-04/schema#' }],
    ['when it names a dialect inside', { items: { $schema: 'http://json-schema.org/draft-07/schema#' } }],
    ['when it has 65 levels', levels(65)],
    ['when it has 20 000 levels', levels(20_000)],
    ['when it has 4 000 properties', { properties: properties(4_000) }],
    ['when it has allowed values of 64 000 characters', { enum: ['x'.repeat(64_000)] }],
  ])('%s', (_, schema) => {
    expect(compileSimple(schema)).toBeNull();
  });
});

describe('the check of a simple schema', () => {
  it('says where and what is wrong, as a JSON pointer and in the words of Ajv', () => {
    const check = compileSimple({
      type: 'object',
      properties: { 'a/b': { type: 'array', items: { properties: { '~': { type: ['string', 'null'] } } } } },
    });
    expect(check?.({ 'a/b': [{ '~': 'x' }, { '~': 3 }] })).toEqual({
      kind: 'invalid',
      path: '/a~1b/1/~0',
      message: 'must be string,null',
    });
  });

  it('counts a surrogate pair as one character', () => {
    const check = compileSimple({ minLength: 3, maxLength: 3 });
    const verdicts = ['👍👍', 'ab', '👍👍👍', 'abc', '👍👍👍👍', 'abcd'].map((value) => check?.(value).kind);
    expect(verdicts).toEqual(['invalid', 'invalid', 'valid', 'valid', 'invalid', 'invalid']);
  });

  it('finds no field on the prototype', () => {
    const check = compileSimple({ properties: { constructor: { type: 'string' } }, required: ['toString'] });
    expect(check?.({ toString: 1 })).toEqual({ kind: 'valid' });
    expect(check?.({})).toEqual({
      kind: 'invalid',
      path: '',
      message: "must have required property 'toString'",
    });
  });

  it('sees a __proto__ of the result as a field like any other', () => {
    const check = compileSimple({ properties: { a: {} }, additionalProperties: false });
    expect(check?.(JSON.parse('{"a":1,"__proto__":{}}')).kind).toBe('invalid');
  });

  it('does not tell about a branch of anyOf that failed when another holds', () => {
    const check = compileSimple({
      properties: { a: { anyOf: [{ properties: { x: { type: 'string' } }, required: ['x'] }, { type: 'null' }] } },
      required: ['b'],
    });
    expect(check?.({ a: null, b: 1 })).toEqual({ kind: 'valid' });
    expect(check?.({ a: null })).toMatchObject({ path: '', message: "must have required property 'b'" });
    expect(check?.({ a: { x: 1 }, b: 1 })).toEqual({
      kind: 'invalid',
      path: '/a',
      message: 'must match a schema in anyOf',
    });
  });

  it('has no end of its own for a result that takes more than 32 768 steps', () => {
    const integers = compileSimple({ items: { type: 'integer' } });
    // One step for the array and one for each item.
    expect(integers?.(copies(32_767, 1)).kind).toBe('valid');
    expect(integers?.(copies(32_768, 1)).kind).toBe('unfinished');
  });

  it.each([
    ['fields that are absent', { items: { properties: properties(3_000) } }, copies(12, {})],
    [
      'fields that are required',
      { items: { required: Object.keys(properties(3_000)) } },
      copies(30, properties(3_000)),
    ],
    ['branches', { items: { anyOf: [...copies(3_000, { type: 'string' }), { type: 'integer' }] } }, copies(30, 1)],
    ['keys', { anyOf: [...copies(5, { minProperties: 30_000 }), { type: 'object' }] }, properties(20_000)],
    ['characters', { items: { maxLength: 1_000 } }, copies(30, '👍'.repeat(600))],
  ])('counts %s among the steps', (_, schema, value) => {
    expect(compileSimple(schema)?.(value)).toEqual({ kind: 'unfinished' });
  });
});

function copies<T>(count: number, item: T): T[] {
  return Array.from({ length: count }, () => item);
}

function levels(count: number): Record<string, unknown> {
  let schema: Record<string, unknown> = {};
  for (let level = 1; level < count; level += 1) schema = { items: schema };
  return schema;
}

function properties(count: number): Record<string, unknown> {
  return Object.fromEntries(Array.from({ length: count }, (_, index) => [`p${index}`, { type: 'string' }]));
}
