import type { ConfigProblem } from '../config/index.ts';
import type { ConnectionInfo, GroupInfo, ManagerSnapshot } from '../index.ts';
import { stateWord } from '../words/session-words.ts';
import { onOneLine, shownId } from './terminal-text.ts';

/**
 * What is being done with the servers; `told`: nothing, the table is shown once; `watching`: nothing, somebody else holds them,
 * and `ending`: no longer.
 */
export type Stage = 'told' | 'watching' | 'ending' | 'holding' | 'draining' | 'forcing' | 'stopped';

/** What a table shows. */
export type TableContent = Pick<ManagerSnapshot, 'sessions' | 'groups'>;

/** The line above the table: how many servers are in which state, and how many groups are not on their primary. */
export function titleLine(
  title: string,
  { sessions, groups }: TableContent,
  problems: readonly ConfigProblem[],
  stage: Stage,
): string {
  const refused = new Set(problems.flatMap(({ serverId }) => serverId ?? [])).size;
  const counts = new Map<ReturnType<typeof stateWord>, number>();
  for (const info of sessions) {
    const word = stateWord(info);
    counts.set(word, (counts.get(word) ?? 0) + 1);
  }
  const order = ['healthy', 'degraded', 'unhealthy', 'connecting', 'disconnected', 'closed'] as const;
  const parts = order.flatMap((word) => (counts.has(word) ? [`${counts.get(word)} ${word}`] : []));
  if (refused > 0) parts.push(`${refused} not started`);
  const total = sessions.length + refused;
  const servers = `${total} ${total === 1 ? 'server' : 'servers'}, ${parts.join(', ')}`;
  return `holdfast: ${servers}${stage === 'holding' || stage === 'told' || stage === 'watching' ? groupCounts(groups) : ''}  ${onOneLine(title)}`;
}

function groupCounts(groups: readonly GroupInfo[]): string {
  if (groups.length === 0) return '';
  const onBackup = groups.filter(({ state }) => state === 'onBackup').length;
  const unavailable = groups.filter(({ state }) => state === 'unavailable').length;
  const parts = [
    `${groups.length} ${groups.length === 1 ? 'group' : 'groups'}`,
    ...(onBackup === 0 ? [] : [`${onBackup} on backup`]),
    ...(unavailable === 0 ? [] : [`${unavailable} unavailable`]),
  ];
  return `; ${parts.join(', ')}`;
}

export interface FooterOptions {
  readonly dashboard?: string | undefined;
  readonly inspector?: string | undefined;
  readonly title: string;
  readonly isBroken?: boolean | undefined;
}

/** The lines below the table: what to try, and how to stop. */
export function footerLines(
  { sessions, groups }: TableContent,
  stage: Stage,
  { dashboard, inspector, title, isBroken = false }: FooterOptions,
): readonly string[] {
  switch (stage) {
    case 'told':
      return [];
    case 'watching':
      return ['Ctrl-C ends the looking; the servers stay held'];
    case 'holding': {
      const stops = 'Ctrl-C drains and stops';
      const dare = primaryToKill(sessions, groups) ?? serverToKill(sessions);
      const link = [
        ...(dashboard === undefined ? [] : [`dashboard: ${dashboard}`]),
        ...(inspector === undefined ? [] : [`inspector: ${inspector}`]),
      ];
      const mistake = isBroken ? [`${onOneLine(title)} has a mistake, see above: what is held is as before`] : [];
      return [...mistake, ...link, ...(dare === undefined ? [] : [dare]), stops];
    }
    case 'ending':
      return ['the servers are being let go of'];
    case 'draining':
      return ['draining: calls in flight may finish; Ctrl-C again forces'];
    case 'forcing':
      return ['stopping now'];
    case 'stopped':
      return ['stopped'];
  }
}

/** A primary that would be missed by nobody. */
function primaryToKill(sessions: readonly ConnectionInfo[], groups: readonly GroupInfo[]): string | undefined {
  for (const { id, state, active, members } of groups) {
    const primary = sessions.find((info) => state === 'onPrimary' && info.id === active && isPrey(info));
    const next = members.find((member) => !member.active && member.admits);
    if (primary === undefined || next === undefined) continue;
    return `try: kill -9 ${primary.pid}  and watch ${shownId(id)} go on with ${shownId(next.id)}`;
  }
  return undefined;
}

function serverToKill(sessions: readonly ConnectionInfo[]): string | undefined {
  const prey = sessions.find(isPrey);
  return prey && `try: kill -9 ${prey.pid}  and watch ${shownId(prey.id)} come back`;
}

function isPrey({ state, pid }: ConnectionInfo): boolean {
  return state === 'healthy' && pid !== null;
}
