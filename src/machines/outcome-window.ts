/**
 * The last outcomes of a server's calls, good or failed, from the first failure on that is still among them. Immutable. While nothing has
 * failed there is none, only a count: a server that is well costs nothing.
 */
export interface OutcomeWindow {
  /** How many outcomes it holds. */
  readonly count: number;
  readonly failures: number;
  /** A bit for each outcome, 1 where it failed; a ring of which `next` is the oldest. */
  readonly bits: readonly number[];
  readonly next: number;
}

const bitsPerWord = 32;

/** A window that begins with a failure, after so many good outcomes. */
export function windowFrom(good: number, size: number): OutcomeWindow {
  const before = Math.min(good, size - 1);
  const empty: OutcomeWindow = {
    count: before,
    failures: 0,
    bits: Array.from({ length: Math.ceil(size / bitsPerWord) }, () => 0),
    next: before % size,
  };
  return pushed(empty, true, size);
}

/** The window after one more outcome, the oldest one forgotten if it is full; undefined when no failure is left in it. */
export function withOutcomeIn(window: OutcomeWindow, failed: boolean, size: number): OutcomeWindow | undefined {
  const next = pushed(window, failed, size);
  return next.failures === 0 ? undefined : next;
}

function pushed({ count, failures, bits, next }: OutcomeWindow, failed: boolean, size: number): OutcomeWindow {
  const at = Math.floor(next / bitsPerWord);
  const bit = 1 << (next % bitsPerWord);
  const word = bits[at] ?? 0;
  const forgotten = count === size && (word & bit) !== 0 ? 1 : 0;
  const changed = failed ? word | bit : word & ~bit;
  return {
    count: Math.min(size, count + 1),
    failures: failures - forgotten + (failed ? 1 : 0),
    bits: changed === word ? bits : bits.with(at, changed),
    next: (next + 1) % size,
  };
}
