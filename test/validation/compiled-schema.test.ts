import { describe, expect, it } from 'vitest';
import { compileSchema } from '../../src/validation/compiled-schema.ts';

describe('a schema compiled by Ajv', () => {
  it('accepts what meets it and says where and what is wrong otherwise', () => {
    const check = compileSchema({ properties: { a: { items: { pattern: '^x' } } } });
    expect(check({ a: ['x'] })).toEqual({ kind: 'valid' });
    expect(check({ a: ['x', 'y'] })).toEqual({
      kind: 'invalid',
      path: '/a/1',
      message: 'must match pattern "^x"',
    });
  });

  it('is draft 2020-12 unless it names draft-07', () => {
    const tuple = { items: [{ type: 'string' }] };
    const draft07 = compileSchema({ ...tuple, $schema: 'http://json-schema.org/draft-07/schema#' });
    expect(draft07([1]).kind).toBe('invalid');
    expect(() => compileSchema(tuple)).toThrow('items value must be ["object","boolean"]');
    const draft2020 = compileSchema({ prefixItems: [{ type: 'string' }] });
    expect(draft2020([1]).kind).toBe('invalid');
  });

  it.each([
    [
      'another dialect',
      { $schema: 'http://json-schema.org/draft-04/schema#' },
      /neither JSON Schema 2020-12 nor draft-07/,
    ],
    ['a reference that leads nowhere', { $ref: '#/$defs/no' }, /can't resolve reference #\/\$defs\/no/],
    ['a reference to the web', { $ref: 'https://example.com/schema.json' }, /can't resolve reference/],
    ['a pattern that is no regular expression', { pattern: '(' }, /Invalid regular expression/],
    ['an unknown type', { type: 'text' }, /type must be JSONType/],
    ['an asynchronous schema', { $async: true, type: 'string' }, /\$async schemas are not supported/],
  ])('cannot be one with %s', (_, schema, message) => {
    expect(() => compileSchema(schema)).toThrow(message);
  });

  it('that refers to itself without end fails with the result, not with the worker', () => {
    const check = compileSchema({ $ref: '#' });
    expect(check(1)).toEqual({ kind: 'failed', message: 'Maximum call stack size exceeded' });
  });

  it('knows nothing of another with the same $id', () => {
    const [first, second] = ['string', 'number'].map((type) => compileSchema({ $id: 'https://example.com/x', type }));
    expect([first?.('x').kind, second?.('x').kind, second?.(1).kind]).toEqual(['valid', 'invalid', 'valid']);
  });

  it('may refer to the schema of its dialect', () => {
    const check = compileSchema({ $ref: 'https://json-schema.org/draft/2020-12/schema' });
    expect([check({ type: 'string' }).kind, check({ type: 'text' }).kind]).toEqual(['valid', 'invalid']);
  });

  it('takes format as an annotation, and an unknown keyword as nothing', () => {
    const check = compileSchema({ format: 'date', 'x-colour': 'red', pattern: '' });
    expect(check('no date')).toEqual({ kind: 'valid' });
  });

  it('finds 19.99 to be a multiple of 0.01, and 19.995 not', () => {
    const check = compileSchema({ multipleOf: 0.01 });
    expect([check(19.99).kind, check(19.995).kind]).toEqual(['valid', 'invalid']);
  });

  it('finds no field on the prototype', () => {
    const check = compileSchema({ properties: { constructor: { pattern: '^a' } }, required: ['toString'] });
    expect(check({ toString: '' })).toEqual({ kind: 'valid' });
    expect(check({}).kind).toBe('invalid');
  });
});
