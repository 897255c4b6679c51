import type { KindReport, Spread } from './chaos-report.ts';
import type { Outcome } from './episode.ts';

interface Tally {
  times: number;
  readonly noticedMs: number[];
  readonly recoveredMs: number[];
}

/** What became of the faults of each kind, in a few bytes for each: what a run retains must not look like a leak. */
export class FaultTallies {
  /** How many faults are over. */
  count = 0;
  /** One sentence for each that did not end as it has to. */
  readonly failures: string[] = [];
  readonly #kinds = new Map<string, Tally>();

  note({ fault, noticedMs, recoveredMs, failure }: Outcome): void {
    let tally = this.#kinds.get(fault);
    if (tally === undefined) this.#kinds.set(fault, (tally = { times: 0, noticedMs: [], recoveredMs: [] }));
    this.count += 1;
    tally.times += 1;
    if (noticedMs !== null) tally.noticedMs.push(noticedMs);
    if (recoveredMs !== null) tally.recoveredMs.push(recoveredMs);
    if (failure !== null) this.failures.push(failure);
  }

  perKind(): Readonly<Record<string, KindReport>> {
    const kinds = [...this.#kinds].toSorted(([one], [other]) => (one < other ? -1 : 1));
    return Object.fromEntries(
      kinds.map(([kind, { times, noticedMs, recoveredMs }]) => [
        kind,
        { times, noticed: spreadOf(noticedMs), recovered: spreadOf(recoveredMs) },
      ]),
    );
  }
}

function spreadOf(lengths: readonly number[]): Spread | null {
  const sorted = lengths.toSorted((a, b) => a - b);
  if (sorted.length === 0) return null;
  const at = (share: number): number => Math.round(sorted[Math.ceil(share * sorted.length) - 1] ?? 0);
  return { count: sorted.length, p50: at(0.5), p95: at(0.95), p99: at(0.99), max: at(1) };
}
