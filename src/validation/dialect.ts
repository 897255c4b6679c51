import type { JsonObject } from './json-object.ts';

/** The versions of JSON Schema that are understood. */
export type Dialect = '2020-12' | 'draft-07';

const dialects: ReadonlyMap<unknown, Dialect> = new Map<unknown, Dialect>([
  // MCP's default.
  [undefined, '2020-12'],
  ['https://json-schema.org/draft/2020-12/schema', '2020-12'],
  ['http://json-schema.org/draft-07/schema', 'draft-07'],
]);

/** The dialect that a schema names with `$schema`; 2020-12 when it names none, undefined when it names another. */
export function dialectOf(schema: JsonObject): Dialect | undefined {
  const named = schema['$schema'];
  return dialects.get(typeof named === 'string' ? named.replace(/#$/, '') : named);
}
