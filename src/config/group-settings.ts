import { acceptedEntries } from './accepted-entries.ts';
import type { GroupSettings, GroupSpec } from './group-spec.ts';
import { kindOf } from './document-value.ts';
import type { JsonMember, JsonValue } from './document-value.ts';
import { nearestName } from './nearest-name.ts';
import { quoted } from './printable.ts';
import { Report } from './report.ts';
import { asObject, count, delay, objectMembers, readNumbers, readWord } from './setting-values.ts';

/** What became of a server of the file. */
export type Standing = 'enabled' | 'disabled' | 'refused';

export const failbackModes = ['auto', 'manual', 'never'] as const;
/** The numbers among the settings of a group. */
export const groupNumberRules = { failoverThreshold: count, failbackDelayMs: delay };
const groupKeys = ['primary', 'backups', 'failback', 'catalogFrom', ...Object.keys(groupNumberRules)];

/**
 * Reads `holdfast.groups`. A mistake about one group is a problem and keeps that group out; servers and the other groups are
 * left alone. `servers`: what became of every server of the file.
 */
export function readGroups(
  member: JsonMember | undefined,
  servers: ReadonlyMap<string, Standing>,
  report: Report,
): readonly GroupSpec[] {
  const object = member && asObject(member, report);
  const specs: GroupSpec[] = [];
  for (const entry of acceptedEntries(object?.members ?? [], 'group', report)) {
    const ofGroup = new Report(report.file);
    if (servers.has(entry.name)) {
      const problem = `the id ${quoted(entry.name)} is that of a server, and a group needs one of its own`;
      ofGroup.problem(entry, problem, 'rename the group');
    }
    const config = readGroup(entry, servers, ofGroup);
    report.add(ofGroup);
    if (config !== undefined && ofGroup.problems.length === 0) {
      specs.push({ id: entry.name, source: { file: report.file, ...entry.at }, config });
    }
  }
  return specs;
}

/** A group on its way from the file. */
interface Reading {
  readonly servers: ReadonlyMap<string, Standing>;
  /** The members that were named so far, usable or not. */
  readonly named: Set<string>;
  readonly report: Report;
}

function readGroup(
  entry: JsonMember,
  servers: ReadonlyMap<string, Standing>,
  report: Report,
): GroupSettings | undefined {
  const members = objectMembers(entry, report, groupKeys);
  if (entry.value.type !== 'object') return undefined;
  const reading: Reading = { servers, named: new Set(), report };
  const primary = readPrimary(entry, members.get('primary'), reading);
  const backups = readBackups(entry, members.get('backups'), reading);
  const numbers = readNumbers(members, groupNumberRules, report);
  const failbackMode = members.get('failback');
  const failback = failbackMode && readWord(failbackMode, failbackModes, report);
  const catalogFrom = readCatalogFrom(members.get('catalogFrom'), reading);
  if (primary === undefined) return undefined;
  return { primary, backups, ...numbers, ...(failback && { failback }), ...(catalogFrom && { catalogFrom }) };
}

function readPrimary(entry: JsonMember, member: JsonMember | undefined, reading: Reading): string | undefined {
  const { servers, report } = reading;
  if (member === undefined) {
    const place = { at: entry.at, path: `${entry.path}.primary` };
    report.problem(place, '"primary" is missing', 'name the server that calls go to while it serves');
    return undefined;
  }
  const id = readMember(member.value, 'primary', reading);
  if (id === undefined || servers.get(id) !== 'disabled') return id;
  const problem = `the server ${quoted(id)} is disabled, and a group does not start without its primary`;
  report.problem(member.value, problem, 'enable it, or make another server the primary');
  return undefined;
}

/** The backups that are enabled. */
function readBackups(entry: JsonMember, member: JsonMember | undefined, reading: Reading): readonly string[] {
  const { servers, report } = reading;
  const fix = 'name at least one server that can stand in for the primary';
  if (member === undefined) {
    report.problem({ at: entry.at, path: `${entry.path}.backups` }, '"backups" is missing', fix);
    return [];
  }
  const { value } = member;
  if (value.type !== 'array') {
    const problem = `backups must be a list of server ids, but it is ${kindOf(value)}`;
    report.problem(value, problem, 'write "backups": ["…"]');
    return [];
  }
  if (value.items.length === 0) {
    report.problem(value, 'a group of one server has nothing to fail over to', `${fix}, or remove the group`);
  }
  const read = value.items.map((item) => ({ item, id: readMember(item, 'a backup', reading) }));
  const disabled = read.filter(({ id }) => id !== undefined && servers.get(id) === 'disabled');
  if (disabled.length > 0 && disabled.length === read.length) {
    const problem = 'every backup is disabled, so nothing can stand in for the primary';
    report.problem(value, problem, 'enable one of them, or remove the group');
  } else {
    for (const { item, id = '' } of disabled) {
      report.warn('warning', item, `the server ${quoted(id)} is disabled: the group starts without it`);
    }
  }
  return read.flatMap(({ id }) => (id === undefined || servers.get(id) === 'disabled' ? [] : [id]));
}

/** The id of a server of this file that the group does not name yet; anything else is a problem. */
function readMember(value: JsonValue, what: string, { servers, named, report }: Reading): string | undefined {
  if (value.type !== 'string') {
    const problem = `${what} must be the id of a server, but it is ${kindOf(value)}`;
    report.problem(value, problem, 'write the id in double quotes');
    return undefined;
  }
  const id = value.text;
  const standing = servers.get(id);
  if (named.has(id)) {
    report.problem(value, `the group names the server ${quoted(id)} twice`, 'name each server once');
  } else if (standing === undefined) {
    const others = [...servers.keys()].filter((other) => !named.has(other));
    const nearest = nearestName(id, others);
    const fix = nearest === undefined ? 'add that server, or name another one' : `did you mean ${quoted(nearest)}?`;
    report.problem(value, `there is no server ${quoted(id)} in this configuration`, fix);
  } else if (standing === 'refused') {
    const problem = `the server ${quoted(id)} cannot be used, so the group is left out`;
    report.problem(value, problem, 'mend what is wrong with that server, or take it out of the group');
  }
  const isNew = !named.has(id);
  named.add(id);
  return isNew && (standing === 'enabled' || standing === 'disabled') ? id : undefined;
}

function readCatalogFrom(member: JsonMember | undefined, { servers, named, report }: Reading): string | undefined {
  if (member === undefined) return undefined;
  const { value } = member;
  if (value.type !== 'string') {
    const problem = `catalogFrom must be the id of a member, but it is ${kindOf(value)}`;
    report.problem(value, problem, 'write the id in double quotes');
    return undefined;
  }
  if (!named.has(value.text)) {
    const nearest = nearestName(value.text, named);
    const fix = nearest === undefined ? 'name the primary or a backup' : `did you mean ${quoted(nearest)}?`;
    report.problem(value, `the server ${quoted(value.text)} is not in this group`, fix);
    return undefined;
  }
  if (servers.get(value.text) !== 'disabled') return value.text;
  report.warn('warning', value, `ignored: the server ${quoted(value.text)} is disabled`);
  return undefined;
}
