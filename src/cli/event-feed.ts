import type { ConfigProblem } from '../config/index.ts';
import type { ManagerEvent, SessionManager } from '../index.ts';
import type { JsonLine, JsonLines } from './json-lines.ts';
import type { UpView } from './up-view.ts';

/** The lines of the feed that are no events of the manager. */
type FeedLine =
  | { readonly type: 'started'; readonly servers: readonly string[]; readonly pid: number }
  | ({ readonly type: 'configProblem' } & ConfigProblem)
  | { readonly type: 'stopped' };

/** Shows a manager as JSON lines: `started`, a `configProblem` for each problem, every event as it is, `stopped`. */
export function eventFeed(manager: Pick<SessionManager, 'events$'>, lines: JsonLines): UpView {
  const began = now();
  let early: JsonLine[] | undefined = [];
  manager.events$.subscribe((event) => {
    const line = timed(now(), event);
    if (early === undefined) lines.write(line);
    else early.push(line);
  });
  return {
    start: (servers, problems) => {
      lines.write(timed(began, { type: 'started', servers, pid: process.pid }));
      for (const problem of problems) lines.write(timed(began, { type: 'configProblem', ...problem }));
      for (const line of early ?? []) lines.write(line);
      early = undefined;
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
