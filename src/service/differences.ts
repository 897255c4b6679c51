import type { ManagerSnapshot } from '../index.ts';
import type { Changes } from './wire.ts';

type Difference = Pick<Changes, 'sessions' | 'removedSessions' | 'groups' | 'removedGroups'>;

/** What is different in `after`; null when nothing is. Infos that did not change are the same objects, so nothing is compared by its contents. */
export function differences(before: ManagerSnapshot, after: ManagerSnapshot): Difference | null {
  const sessions = changed(before.sessions, after.sessions);
  const groups = changed(before.groups, after.groups);
  const removedSessions = missing(before.sessions, after.sessions);
  const removedGroups = missing(before.groups, after.groups);
  const count = sessions.length + groups.length + removedSessions.length + removedGroups.length;
  return count === 0 ? null : { sessions, removedSessions, groups, removedGroups };
}

interface Named {
  readonly id: string;
}

function changed<T extends Named>(before: readonly T[], after: readonly T[]): readonly T[] {
  if (before === after) return [];
  const known = new Set<T>(before);
  return after.filter((each) => !known.has(each));
}

function missing(before: readonly Named[], after: readonly Named[]): readonly string[] {
  if (before === after) return [];
  const present = new Set(after.map(({ id }) => id));
  return before.flatMap(({ id }) => (present.has(id) ? [] : [id]));
}
