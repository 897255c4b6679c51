import type { GroupInfo, MemberInfo } from '../index.ts';
import type { Style } from './color.ts';
import { countdownWords } from '../words/session-words.ts';
import { cutTo, shownId } from './terminal-text.ts';

/** What a group is doing, in one word or two of at most 12 columns; a countdown may take 14. */
export function groupWord(group: GroupInfo, nowMs: number): string {
  if (group.failbackAt !== null) return `back ${countdownWords(group.failbackAt - nowMs)}`;
  switch (group.state) {
    case 'onPrimary':
      return 'on primary';
    case 'onBackup':
      return group.heldByHand ? 'held by hand' : 'on backup';
    case 'unavailable':
      return group.active === null ? 'closed' : 'unavailable';
  }
}

/** The same at more length: `back on a in 42 s`, `no member takes calls`. At most `width` columns, if they are at least 21. */
export function groupWords(group: GroupInfo, nowMs: number, width: number): string {
  if (group.failbackAt !== null && group.failbackTo !== null) {
    const when = ` ${countdownWords(group.failbackAt - nowMs)}`;
    const what = 'back on ';
    return what + cutTo(width - what.length - when.length, shownId(group.failbackTo)) + when;
  }
  if (group.state === 'unavailable' && group.active !== null) return 'no member takes calls';
  return groupWord(group, nowMs);
}

/** The colour of what a group is doing. One whose members are still on their way up is no cause for red. */
export function groupStyle({ state, active, members }: GroupInfo): Style {
  if (active === null) return 'dim';
  if (state !== 'unavailable') return state === 'onPrimary' ? 'green' : 'yellow';
  return members.some((member) => member.state === 'connecting') ? 'cyan' : 'red';
}

/** The members in the order of their priority: `primary a healthy, backup b connecting`. */
export function memberWords(members: readonly MemberInfo[]): string {
  return members
    .map(({ id, priority, state }) => `${priority === 0 ? 'primary' : 'backup'} ${shownId(id)} ${state}`)
    .join(', ');
}

/** The member that calls do go to; null while no member takes any. */
export function servingMember({ state, active }: GroupInfo): string | null {
  return state === 'unavailable' ? null : active;
}
