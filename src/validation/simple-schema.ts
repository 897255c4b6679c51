/**
 * Checks of simple schemas, as closures that are made once for each schema. They give the verdicts of Ajv, in its words, and
 * cannot be driven to run long: no pattern, no reference, nothing that costs more than one walk over the result.
 */
import { dialectOf } from './dialect.ts';
import { isJsonObject } from './json-object.ts';
import { assertionOf } from './simple-assertions.ts';
import { always, type Check, SchemaScope, SimpleRun } from './simple-check.ts';
import type { OutputSchema } from './validator.ts';

/** What a simple check came to; `unfinished` when the result is too large to be walked here. */
export type SimpleOutcome =
  | { readonly kind: 'valid' }
  | { readonly kind: 'invalid'; readonly path: string; readonly message: string }
  | { readonly kind: 'unfinished' };

const VALID: SimpleOutcome = Object.freeze({ kind: 'valid' });
const UNFINISHED: SimpleOutcome = Object.freeze({ kind: 'unfinished' });

/**
 * The check of a simple schema, or null when the schema is not simple: it has a keyword outside the tables of
 * `simple-assertions.ts`, an operand that is not plainly right, more than 64 levels, or more than 4 000 schemas and names.
 */
export function compileSimple(schema: OutputSchema): ((value: unknown) => SimpleOutcome) | null {
  if (dialectOf(schema) === undefined) return null;
  const { $schema: _, ...rest } = schema;
  const check = SchemaScope.root(compileSchema).inner(rest);
  if (check === null) return null;
  return (value) => {
    const run = new SimpleRun();
    if (check(value, run)) return VALID;
    return run.isOverBudget ? UNFINISHED : { kind: 'invalid', path: run.path, message: run.message };
  };
}

function compileSchema(schema: unknown, scope: SchemaScope): Check | null {
  if (schema === true) return always;
  if (schema === false) return (_, run) => run.fail('boolean schema is false');
  if (!isJsonObject(schema)) return null;
  const checks: Check[] = [];
  for (const [keyword, operand] of Object.entries(schema)) {
    const check = assertionOf(keyword)?.(operand, scope, schema) ?? null;
    if (check === null) return null;
    if (keyword === 'type') checks.unshift(check);
    else if (check !== always) checks.push(check);
  }
  return checks.length === 0 ? always : allOf(checks);
}

function allOf(checks: readonly Check[]): Check {
  return (value, run) => {
    if (!run.spend(1)) return false;
    for (const check of checks) {
      if (!check(value, run)) return false;
    }
    return true;
  };
}
