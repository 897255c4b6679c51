import { kindOf } from './document-value.ts';
import type { JsonMember, JsonObject } from './document-value.ts';
import { nearestName } from './nearest-name.ts';
import { quoted } from './printable.ts';
import { membersOf } from './report.ts';
import type { Report } from './report.ts';

/** What a number in the `holdfast` key may be. */
export interface NumberRule {
  readonly expected: string;
  /** As JSON Schema says it. */
  readonly type: 'integer' | 'number';
  readonly minimum: number;
  readonly maximum: number;
}

const longestTimerMs = 2_147_483_647;
export const duration: NumberRule = {
  expected: `a whole number of milliseconds from 1 to ${longestTimerMs}`,
  type: 'integer',
  minimum: 1,
  maximum: longestTimerMs,
};
export const delay: NumberRule = {
  expected: `a whole number of milliseconds from 0 to ${longestTimerMs}`,
  type: 'integer',
  minimum: 0,
  maximum: longestTimerMs,
};
export const count: NumberRule = {
  expected: 'a whole number of at least 1',
  type: 'integer',
  minimum: 1,
  maximum: Number.MAX_SAFE_INTEGER,
};
export const countOrNone: NumberRule = {
  expected: 'a whole number of at least 0',
  type: 'integer',
  minimum: 0,
  maximum: Number.MAX_SAFE_INTEGER,
};
export const windowLength: NumberRule = {
  expected: 'a whole number from 1 to 10000',
  type: 'integer',
  minimum: 1,
  maximum: 10_000,
};
export const factor: NumberRule = { expected: 'a number from 1 to 100', type: 'number', minimum: 1, maximum: 100 };
export const share: NumberRule = { expected: 'a number from 0 to 1', type: 'number', minimum: 0, maximum: 1 };

function allows({ type, minimum, maximum }: NumberRule, value: number): boolean {
  return value >= minimum && value <= maximum && (type === 'number' || Number.isInteger(value));
}

/** The members of a `holdfast` object by name; one that is not `known` is a problem. */
export function objectMembers(
  member: JsonMember,
  report: Report,
  known: readonly string[],
): ReadonlyMap<string, JsonMember> {
  const object = asObject(member, report);
  if (object === undefined) return new Map();
  const members = membersOf(object, report);
  for (const [name, unknown] of members) {
    if (known.includes(name)) continue;
    const nearest = nearestName(name, known);
    const fix =
      nearest === undefined ? `remove it; known here are ${known.join(', ')}` : `did you mean ${quoted(nearest)}?`;
    report.problem(unknown, `${quoted(name)} is not a setting of holdfast`, fix);
  }
  return members;
}

/** The object that a `holdfast` member must be; anything else is a problem. */
export function asObject(member: JsonMember, report: Report): JsonObject | undefined {
  if (member.value.type === 'object') return member.value;
  report.problem(
    member.value,
    `${quoted(member.name)} must be an object, but it is ${kindOf(member.value)}`,
    `write ${quoted(member.name)}: { … }`,
  );
  return undefined;
}

/** The numbers among the members. One that its rule does not allow is a problem, and is left out. */
export function readNumbers<Name extends string>(
  members: ReadonlyMap<string, JsonMember>,
  rules: Readonly<Record<Name, NumberRule>>,
  report: Report,
): { [N in Name]?: number } {
  const found: { [N in Name]?: number } = {};
  for (const name in rules) {
    const value = members.get(name)?.value;
    const rule = rules[name];
    if (value === undefined) continue;
    if (value.type === 'number' && allows(rule, value.number)) found[name] = value.number;
    else
      report.problem(
        value,
        `${name} must be ${rule.expected}, but it is ${value.type === 'number' ? value.number : kindOf(value)}`,
        `write ${rule.expected}`,
      );
  }
  return found;
}

/** The flags among the members. Anything else than true or false is a problem, and is left out. */
export function readFlags<Name extends string>(
  members: ReadonlyMap<string, JsonMember>,
  names: readonly Name[],
  report: Report,
): { [N in Name]?: boolean } {
  const found: { [N in Name]?: boolean } = {};
  for (const name of names) {
    const value = members.get(name)?.value;
    if (value === undefined) continue;
    if (value.type === 'boolean') found[name] = value.flag;
    else
      report.problem(
        value,
        `${name} must be true or false, but it is ${kindOf(value)}`,
        'write true or false, without quotes',
      );
  }
  return found;
}

/** One of the words. Anything else is a problem, and undefined. */
export function readWord<Word extends string>(
  { name, value }: JsonMember,
  words: readonly Word[],
  report: Report,
): Word | undefined {
  const text = value.type === 'string' ? value.text : undefined;
  const word = words.find((known) => known === text);
  if (word !== undefined) return word;
  const nearest = text === undefined ? undefined : nearestName(text, words);
  const all = words.map((known) => `"${known}"`);
  report.problem(
    value,
    text === undefined ? `${name} must be a string, but it is ${kindOf(value)}` : `this "${name}" is not known`,
    nearest === undefined
      ? `write ${all.slice(0, -1).join(', ')} or ${all.at(-1)}`
      : `did you mean ${quoted(nearest)}?`,
  );
  return undefined;
}
