import { isJsonObject, type JsonObject } from './json-object.ts';
import { always, type Assertion, type Check, type SchemaScope } from './simple-check.ts';

/** Keywords that say something about a value and assert nothing. */
const annotations: ReadonlySet<string> = new Set([
  '$comment',
  'default',
  'deprecated',
  'description',
  'examples',
  'readOnly',
  'title',
  'writeOnly',
]);

/** The assertion of a keyword; undefined for one that simple schemas do not have. */
export function assertionOf(keyword: string): Assertion | undefined {
  return annotations.has(keyword) ? annotation : assertions.get(keyword);
}

const annotation: Assertion = () => always;

const assertions: ReadonlyMap<string, Assertion> = new Map<string, Assertion>([
  ['type', compileType],
  ['enum', compileEnum],
  ['const', compileConst],
  ['minimum', numberLimit('>=', (value, limit) => value >= limit)],
  ['maximum', numberLimit('<=', (value, limit) => value <= limit)],
  ['exclusiveMinimum', numberLimit('>', (value, limit) => value > limit)],
  ['exclusiveMaximum', numberLimit('<', (value, limit) => value < limit)],
  ['minLength', compileMinLength],
  ['maxLength', compileMaxLength],
  ['items', compileItems],
  ['minItems', itemLimit('fewer')],
  ['maxItems', itemLimit('more')],
  ['required', compileRequired],
  ['properties', compileProperties],
  ['additionalProperties', compileAdditionalProperties],
  ['minProperties', propertyLimit('fewer')],
  ['maxProperties', propertyLimit('more')],
  ['anyOf', compileAnyOf],
  // An annotation, as in draft 2020-12.
  ['format', (operand) => (typeof operand === 'string' ? always : null)],
]);

const typeTests: ReadonlyMap<unknown, (value: unknown) => boolean> = new Map<unknown, (value: unknown) => boolean>([
  ['string', (value) => typeof value === 'string'],
  // What is too large for a float, as 1e999, is read as Infinity. It is a number all the same, and an integer.
  ['number', isNumber],
  ['integer', (value) => Number.isInteger(value) || value === Infinity || value === -Infinity],
  ['boolean', (value) => typeof value === 'boolean'],
  ['null', (value) => value === null],
  ['array', (value) => Array.isArray(value)],
  ['object', isJsonObject],
]);

function compileType(operand: unknown): Check | null {
  const names: readonly unknown[] = Array.isArray(operand) ? operand : [operand];
  if (names.length > typeTests.size) return null;
  const tests = names.flatMap((name) => typeTests.get(name) ?? []);
  const [only] = tests;
  if (only === undefined || tests.length !== names.length) return null;
  const message = `must be ${names.join(',')}`;
  if (tests.length === 1) return (value, run) => only(value) || run.fail(message);
  return (value, run) => tests.some((test) => test(value)) || run.fail(message);
}

function compileEnum(operand: unknown, scope: SchemaScope): Check | null {
  if (!Array.isArray(operand) || operand.length === 0 || !operand.every((item) => isScalar(item, scope))) return null;
  const allowed = new Set<unknown>(operand);
  return (value, run) => allowed.has(value) || run.fail('must be equal to one of the allowed values');
}

function compileConst(operand: unknown, scope: SchemaScope): Check | null {
  if (!isScalar(operand, scope)) return null;
  return (value, run) => value === operand || run.fail('must be equal to constant');
}

function numberLimit(sign: string, holds: (value: number, limit: number) => boolean): Assertion {
  return (limit) => {
    if (!isNumber(limit) || !Number.isFinite(limit)) return null;
    const message = `must be ${sign} ${limit}`;
    return (value, run) => !isNumber(value) || holds(value, limit) || run.fail(message);
  };
}

function itemLimit(wrong: 'fewer' | 'more'): Assertion {
  return (limit) => {
    if (!isCount(limit)) return null;
    const message = `must NOT have ${wrong} than ${limit} items`;
    return (value, run) => !Array.isArray(value) || isWithin(value.length, limit, wrong) || run.fail(message);
  };
}

function propertyLimit(wrong: 'fewer' | 'more'): Assertion {
  return (limit) => {
    if (!isCount(limit)) return null;
    const message = `must NOT have ${wrong} than ${limit} properties`;
    return (value, run) => {
      if (!isJsonObject(value)) return true;
      const count = Object.keys(value).length;
      return run.spend(count) && (isWithin(count, limit, wrong) || run.fail(message));
    };
  };
}

function isWithin(count: number, limit: number, wrong: 'fewer' | 'more'): boolean {
  return wrong === 'fewer' ? count >= limit : count <= limit;
}

function compileMinLength(limit: unknown): Check | null {
  if (!isCount(limit)) return null;
  const message = `must NOT have fewer than ${limit} characters`;
  return (value, run) => {
    if (typeof value !== 'string' || value.length >= 2 * limit) return true;
    if (value.length < limit) return run.fail(message);
    return run.spend(value.length) && (codePoints(value) >= limit || run.fail(message));
  };
}

function compileMaxLength(limit: unknown): Check | null {
  if (!isCount(limit)) return null;
  const message = `must NOT have more than ${limit} characters`;
  return (value, run) => {
    if (typeof value !== 'string' || value.length <= limit) return true;
    if (value.length > 2 * limit) return run.fail(message);
    return run.spend(value.length) && (codePoints(value) <= limit || run.fail(message));
  };
}

function compileItems(operand: unknown, scope: SchemaScope): Check | null {
  const check = scope.inner(operand);
  if (check === null || check === always) return check;
  return (value, run) => {
    if (!Array.isArray(value)) return true;
    for (let index = 0; index < value.length; index += 1) {
      if (!check(value[index], run)) return run.under(index);
    }
    return true;
  };
}

function compileRequired(operand: unknown, scope: SchemaScope): Check | null {
  const names = Array.isArray(operand) && operand.every(isPlainName) ? operand : null;
  if (names === null || !scope.spend(names.length)) return null;
  return (value, run) => {
    if (!isJsonObject(value)) return true;
    if (!run.spend(names.length)) return false;
    for (const name of names) {
      if (!Object.hasOwn(value, name)) return run.fail(`must have required property '${name}'`);
    }
    return true;
  };
}

function compileProperties(operand: unknown, scope: SchemaScope): Check | null {
  if (!isJsonObject(operand)) return null;
  const checks: (readonly [string, Check])[] = [];
  for (const [name, schema] of Object.entries(operand)) {
    const check = isPlainName(name) ? scope.inner(schema) : null;
    if (check === null) return null;
    if (check !== always) checks.push([name, check]);
  }
  if (checks.length === 0) return always;
  return (value, run) => {
    if (!isJsonObject(value)) return true;
    if (!run.spend(checks.length)) return false;
    for (const [name, check] of checks) {
      if (Object.hasOwn(value, name) && !check(value[name], run)) return run.under(name);
    }
    return true;
  };
}

function compileAdditionalProperties(operand: unknown, scope: SchemaScope, schema: JsonObject): Check | null {
  const check = scope.inner(operand);
  if (check === null || check === always) return check;
  const named = new Set(isJsonObject(schema['properties']) ? Object.keys(schema['properties']) : []);
  return (value, run) => {
    if (!isJsonObject(value)) return true;
    const keys = Object.keys(value);
    if (!run.spend(keys.length)) return false;
    for (const key of keys) {
      if (named.has(key)) continue;
      if (operand === false) return run.fail('must NOT have additional properties');
      if (!check(value[key], run)) return run.under(key);
    }
    return true;
  };
}

/** A union has no union in it: `anyOf` within `anyOf` would multiply the cost. */
function compileAnyOf(operand: unknown, scope: SchemaScope): Check | null {
  if (!Array.isArray(operand) || operand.length === 0 || scope.isInUnion) return null;
  const branches: Check[] = [];
  for (const schema of operand) {
    const branch = scope.inner(schema, { isInUnion: true });
    if (branch === null) return null;
    branches.push(branch);
  }
  if (branches.includes(always)) return always;
  return (value, run) => {
    if (!run.spend(branches.length)) return false;
    for (const branch of branches) {
      if (branch(value, run)) return true;
      if (run.isOverBudget) return false;
    }
    return run.fail('must match a schema in anyOf');
  };
}

/** Ajv passes over `__proto__` in schemas; such a schema is left to it. */
function isPlainName(name: unknown): name is string {
  return typeof name === 'string' && name !== '__proto__';
}

/** A value that is compared by `===`, paid for by its length. */
function isScalar(value: unknown, scope: SchemaScope): boolean {
  if (typeof value === 'string') return scope.spend(1 + value.length / 16);
  return scope.spend(1) && (value === null || typeof value === 'number' || typeof value === 'boolean');
}

function isNumber(value: unknown): value is number {
  return typeof value === 'number';
}

function isCount(value: unknown): value is number {
  return Number.isSafeInteger(value) && Number(value) >= 0;
}

/** The length as JSON schema counts it: a surrogate pair is one character. */
function codePoints(text: string): number {
  let count = 0;
  for (const _ of text) count += 1;
  return count;
}
