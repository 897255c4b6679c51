import type { ConfigProblem } from '../config/index.ts';
import { changedIds } from './changed-words.ts';
import type { ChangedIds } from './changed-words.ts';
import type { GroupInfo, ManagerEvent, SessionManager } from '../index.ts';
import type { JsonLine, JsonLines } from './json-lines.ts';
import type { Held, UpView } from './up-view.ts';

/** The lines of the feed that are no events of the manager. */
type FeedLine =
  | ({
      readonly type: 'started';
      readonly pid: number;
      readonly service: string | null;
      readonly inspector: string | null;
    } & Held)
  | ({ readonly type: 'configProblem' } & ConfigProblem)
  | { readonly type: 'configChanged'; readonly servers: ChangedIds; readonly groups: ChangedIds }
  | { readonly type: 'configBroken'; readonly problems: readonly ConfigProblem[] }
  | { readonly type: 'groups'; readonly groups: readonly GroupInfo[] }
  | { readonly type: 'stopped' };

/**
 * Shows a manager as JSON lines: `started`, a `configProblem` for each problem, every event as it is, `stopped`. Where there are
 * groups, `groups` tells once how they stood before the events that follow it. An edit of the configuration is a `configChanged`, with a
 * `configProblem` for each problem that is left, or a `configBroken`, which changed nothing. `at`: where the status API and the inspector's relay are; null without one.
 */
export function eventFeed(
  manager: Pick<SessionManager, 'events$' | 'listGroups'>,
  lines: JsonLines,
  at: { readonly service: string | null; readonly inspector: string | null } = { service: null, inspector: null },
): UpView {
  const began = now();
  let early: JsonLine[] | undefined = [];
  manager.events$.subscribe((event) => {
    const line = timed(now(), event);
    if (early === undefined) lines.write(line);
    else early.push(line);
  });
  return {
    start: (held, problems) => {
      lines.write(timed(began, { type: 'started', ...held, pid: process.pid, ...at }));
      for (const problem of problems) lines.write(timed(began, { type: 'configProblem', ...problem }));
      for (const line of early ?? []) lines.write(line);
      early = undefined;
      if (held.groups.length > 0) lines.write(timed(now(), { type: 'groups', groups: manager.listGroups() }));
    },
    configChanged: ({ servers, groups }, problems) => {
      lines.write(timed(now(), { type: 'configChanged', servers: changedIds(servers), groups: changedIds(groups) }));
      for (const problem of problems) lines.write(timed(now(), { type: 'configProblem', ...problem }));
    },
    configBroken: (problems) => {
      lines.write(timed(now(), { type: 'configBroken', problems }));
    },
    stopping: () => undefined,
    end: () => {
      lines.write(timed(now(), { type: 'stopped' }));
    },
  };
}

function timed(time: string, line: ManagerEvent | FeedLine): JsonLine {
  return { time, ...line };
}

function now(): string {
  return new Date().toISOString();
}
