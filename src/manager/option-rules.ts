import { InvalidOptionError } from '../errors/usage-errors.ts';

/** Says what is wrong with a value by throwing `InvalidOptionError` for its field. */
export type Rule = (value: unknown, field: string, serverId: string | undefined) => void;

export type Rules = Readonly<Record<string, Rule>>;

const longestTimerMs = 2_147_483_647;

/** Checks an object key by key; a key without a rule is refused, so that a misspelt option cannot be silently ignored. */
export function sections(value: object, rules: Rules, path: string, serverId: string | undefined): void {
  objectValue(value, path === '' ? 'options' : path, serverId);
  for (const [key, item] of Object.entries(value)) {
    const field = path === '' ? key : `${path}.${key}`;
    const rule = Object.hasOwn(rules, key) ? rules[key] : undefined;
    if (rule === undefined)
      throw new InvalidOptionError(
        field,
        item,
        `left out: there is no such option, only ${Object.keys(rules).join(', ')}`,
        serverId,
        true,
      );
    if (item !== undefined) rule(item, field, serverId);
  }
}

export function objectOf(rules: Rules): Rule {
  return (value, field, serverId) => {
    objectValue(value, field, serverId);
    sections(Object(value), rules, field, serverId);
  };
}

/** A number in [least, most]; durations end at 2 147 483 647 ms, where timers would wrap. */
export function atLeast(least: number, most: number = longestTimerMs): Rule {
  return (value, field, serverId) => {
    if (typeof value !== 'number' || !(value >= least && value <= most)) {
      throw new InvalidOptionError(field, value, `a number from ${least} to ${most}`, serverId);
    }
  };
}

export function wholeNumber(least: number, most: number = Number.MAX_SAFE_INTEGER): Rule {
  const expected =
    most === Number.MAX_SAFE_INTEGER
      ? `a whole number of at least ${least}`
      : `a whole number from ${least} to ${most}`;
  return (value, field, serverId) => {
    if (typeof value !== 'number' || !Number.isSafeInteger(value) || value < least || value > most) {
      throw new InvalidOptionError(field, value, expected, serverId);
    }
  };
}

export const booleanValue: Rule = (value, field, serverId) => {
  if (typeof value !== 'boolean') throw new InvalidOptionError(field, value, 'true or false', serverId);
};

export function oneOf(...words: readonly string[]): Rule {
  const list = words.map((word) => JSON.stringify(word)).join(', ');
  return (value, field, serverId) => {
    if (typeof value !== 'string' || !words.includes(value)) {
      throw new InvalidOptionError(field, value, `one of ${list}`, serverId);
    }
  };
}

/** An object of any keys, of which each value follows the rule. */
export function mapOf(rule: Rule): Rule {
  return (value, field, serverId) => {
    objectValue(value, field, serverId);
    for (const [key, item] of Object.entries(Object(value))) rule(item, `${field}.${key}`, serverId);
  };
}

export const functionValue: Rule = (value, field, serverId) => {
  if (typeof value !== 'function') throw new InvalidOptionError(field, value, 'a function', serverId);
};

export const text: Rule = (value, field, serverId) => {
  if (typeof value !== 'string' || value === '')
    throw new InvalidOptionError(field, value, 'a text that is not empty', serverId);
};

export const abortSignal: Rule = (value, field, serverId) => {
  if (!(value instanceof AbortSignal)) throw new InvalidOptionError(field, value, 'an AbortSignal', serverId);
};

/** Any object that is no list. */
export const objectValue: Rule = (value, field, serverId) => {
  if (!isObject(value)) throw new InvalidOptionError(field, value, 'an object', serverId);
};

/** As `objectValue`, for what may hold a secret: the message does not quote it. */
export const hiddenObject: Rule = (value, field, serverId) => {
  if (!isObject(value)) throw new InvalidOptionError(field, value, 'an object', serverId, true);
};

function isObject(value: unknown): boolean {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/** A text or nothing; the value is a secret. */
export function optionalText(value: unknown, field: string, serverId: string): string | undefined {
  if (value === undefined || typeof value === 'string') return value;
  throw new InvalidOptionError(field, value, 'a text', serverId, true);
}

/** Roots as a server is told of them. */
export function checkRoots(roots: unknown, serverId: string): void {
  if (!Array.isArray(roots)) throw new InvalidOptionError('roots', roots, 'a list of roots', serverId);
  for (const [index, root] of roots.entries()) {
    const field = `roots[${index}]`;
    objectValue(root, field, serverId);
    const { uri, name }: { uri?: unknown; name?: unknown } = Object(root);
    text(uri, `${field}.uri`, serverId);
    if (name !== undefined) text(name, `${field}.name`, serverId);
  }
}
