import type { ConnectionInfo, GroupInfo } from '../../index.ts';
import type { Changes, Overview } from '../../service/wire.ts';

/** The latencies of a session that are kept for its line. */
export const MAX_LATENCIES = 60;

/** Everything that the page shows of the servers. */
export interface Model {
  readonly overview: Omit<Overview, 'sessions' | 'groups'>;
  readonly sessions: ReadonlyMap<string, ConnectionInfo>;
  readonly groups: ReadonlyMap<string, GroupInfo>;
  /** By server, the latest last, in milliseconds. */
  readonly latencies: ReadonlyMap<string, readonly number[]>;
  /** What the service's clock is ahead of this one, in milliseconds. */
  readonly aheadMs: number;
}

const byIds = <T extends { readonly id: string }>(infos: readonly T[]): ReadonlyMap<string, T> =>
  new Map(infos.map((info) => [info.id, info]));

/** The picture anew; of the one before, only the lines of latencies go on. */
export function begin({ sessions, groups, ...overview }: Overview, before: Model | null, nowMs: number): Model {
  return {
    overview,
    sessions: byIds(sessions),
    groups: byIds(groups),
    latencies: latenciesWith(before?.latencies ?? new Map(), sessions, before?.sessions ?? new Map()),
    aheadMs: overview.now - nowMs,
  };
}

/** The picture with what has changed. */
export function change(model: Model, changes: Changes, nowMs: number): Model {
  const { now, seq, problems = model.overview.problems, stopping = model.overview.stopping } = changes;
  return {
    overview: { ...model.overview, now, seq, problems, stopping },
    sessions: laidOver(model.sessions, changes.sessions, changes.removedSessions),
    groups: laidOver(model.groups, changes.groups, changes.removedGroups),
    latencies: latenciesWith(model.latencies, changes.sessions, model.sessions),
    aheadMs: now - nowMs,
  };
}

function laidOver<T extends { readonly id: string }>(
  known: ReadonlyMap<string, T>,
  changed: readonly T[],
  removed: readonly string[],
): ReadonlyMap<string, T> {
  const present = new Map(known);
  for (const info of changed) present.set(info.id, info);
  for (const id of removed) present.delete(id);
  return present;
}

/** With the latency of each session that was measured since it was last shown. */
function latenciesWith(
  known: ReadonlyMap<string, readonly number[]>,
  sessions: readonly ConnectionInfo[],
  before: ReadonlyMap<string, ConnectionInfo>,
): ReadonlyMap<string, readonly number[]> {
  const latencies = new Map(known);
  for (const { id, latencyMs } of sessions) {
    const { last } = latencyMs;
    if (last === null || before.get(id)?.latencyMs.last === last) continue;
    latencies.set(id, [...(latencies.get(id) ?? []), last].slice(-MAX_LATENCIES));
  }
  return latencies;
}
