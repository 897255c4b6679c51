import type { ConfigProblem } from '../config/index.ts';
import type { ConnectionInfo } from '../index.ts';
import { countdownWords, latencyWords, stateWord, stateWords } from '../words/session-words.ts';
import { stateStyle } from './state-style.ts';
import { none } from './table-line.ts';
import type { Cell } from './table-line.ts';
import { onOneLine, shownId } from './terminal-text.ts';

/** A column of the table. */
export type ColumnName = 'id' | 'mark' | 'state' | 'pid' | 'generation' | 'latency' | 'failures' | 'next' | 'error';

export type Row = Readonly<Record<ColumnName, Cell>>;

/** How a row is to be written. */
export interface RowOptions {
  readonly nowMs: number;
  /** Show the phase too, where it says more than the state. */
  readonly withDetail: boolean;
  /** The servers that calls of a group go to. */
  readonly serving: ReadonlySet<string>;
}

/** The row of a server that is held. */
export function sessionRow(info: ConnectionInfo, { nowMs, withDetail, serving }: RowOptions): Row {
  const { pid, generation, latencyMs, failedHealthChecks, nextAttemptAt, lastError } = info;
  return {
    id: { text: shownId(info.id) },
    mark: { text: serving.has(info.id) ? '◂' : '', style: 'bold' },
    state: { text: withDetail ? stateWords(info) : stateWord(info), style: stateStyle(info) },
    pid: pid === null ? none : { text: String(pid) },
    generation: generation === 0 ? none : { text: String(generation) },
    latency: latencyMs.mean === null ? none : { text: latencyWords(latencyMs.mean) },
    failures: { text: String(failedHealthChecks), style: failedHealthChecks === 0 ? 'dim' : 'yellow' },
    next: nextAttemptAt === null ? none : { text: countdownWords(nextAttemptAt - nowMs) },
    error:
      lastError === null
        ? none
        : { text: onOneLine(lastError.message), style: info.state === 'healthy' ? 'dim' : undefined },
  };
}

/** A row for each server that the configuration keeps from being held, and one for what is wrong about none of them. */
export function problemRows(problems: readonly ConfigProblem[]): readonly Row[] {
  const ofServer = new Map<string | null, ConfigProblem[]>();
  for (const problem of problems) {
    const known = ofServer.get(problem.serverId);
    if (known === undefined) ofServer.set(problem.serverId, [problem]);
    else known.push(problem);
  }
  return [...ofServer].map(([serverId, [first, ...others]]) => ({
    id: { text: serverId === null ? '(settings)' : shownId(serverId) },
    mark: { text: '' },
    state: { text: 'config error', style: 'red' },
    pid: none,
    generation: none,
    latency: none,
    failures: none,
    next: none,
    error: { text: first === undefined ? '' : problemWords(first, others.length) },
  }));
}

function problemWords({ line, field, problem, fix }: ConfigProblem, others: number): string {
  const more = others === 0 ? '' : ` (and ${others} more)`;
  return onOneLine(`line ${line}: ${field === null ? '' : `${field}: `}${problem}; ${fix}${more}`);
}
