import type { CallEnd } from './call-ledger.ts';
import type { MemoryTrend } from './memory-watch.ts';
import type { Served } from './traffic.ts';

/** Lengths in milliseconds. */
export interface Spread {
  readonly count: number;
  readonly p50: number;
  readonly p95: number;
  readonly p99: number;
  readonly max: number;
}

export interface KindReport {
  readonly times: number;
  /** From the beginning of the fault to the first thing that its session told of it; null where it never had to. */
  readonly noticed: Spread | null;
  /** From the end of the fault to the session healthy again; null where it was healthy throughout. */
  readonly recovered: Spread | null;
}

/** What a run came to. */
export interface ChaosReport {
  readonly minutes: number;
  readonly seed: number;
  readonly sessions: number;
  readonly groups: number;
  readonly faults: number;
  readonly kinds: number;
  /** Processes of servers that were started. */
  readonly processes: number;
  readonly calls: number;
  readonly ends: Readonly<Record<CallEnd, number>>;
  readonly codes: Readonly<Record<string, number>>;
  readonly answered: { readonly sessions: Served; readonly groups: Served };
  readonly longestCallMs: number;
  readonly longestStallMs: number;
  readonly doubleExecutions: number;
  readonly lostCalls: number;
  readonly orphans: number;
  readonly events: number;
  readonly violations: readonly string[];
  readonly perKind: Readonly<Record<string, KindReport>>;
  readonly memory: MemoryTrend;
}

/** As a table in Markdown, a row for each kind. */
export function kindsTable(perKind: ChaosReport['perKind']): string {
  const rows = Object.entries(perKind).map(([kind, { times, noticed, recovered }]) => [
    kind,
    `${times}`,
    noticed === null ? '–' : `${noticed.count}`,
    shown(noticed),
    recovered === null ? '–' : `${recovered.count}`,
    shown(recovered),
  ]);
  const head = ['fault', 'times', 'told', 'after, ms', 'recovered', 'after, ms'];
  return [head, head.map(() => '---'), ...rows].map((cells) => `| ${cells.join(' | ')} |`).join('\n');
}

const shown = (spread: Spread | null): string =>
  spread === null ? '–' : `${spread.p50} / ${spread.p95} / ${spread.p99} / ${spread.max}`;
