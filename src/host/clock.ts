import type { Clock, TimerId } from '../actors/ports.ts';

const MAX_DELAY_MS = 2_147_483_647;
const LAG_BUCKET_MS = 2_500;

/**
 * The time of this process: `Date.now`, `performance.now` and Node's timers.
 *
 * Its timers are ref'd, that is, they keep the process alive: a program that waits for a reconnect has work to do and must not
 * exit. Whoever wants it to exit closes the manager, which clears every timer.
 *
 * `loopLag()` is the worst lateness of the timers that fired through this clock in the last 2.5 to 5 seconds. Nothing is
 * sampled: a blocked loop shows as soon as the first late timer fires, before its callback runs.
 */
export const hostClock: Clock = createHostClock();

/** A clock with a lag window of its own; `hostClock` is the one to use outside of tests. */
export function createHostClock(): Clock {
  const lag = createLagWindow();
  return {
    wall: () => Date.now(),
    monotonic: () => performance.now(),
    setTimeout: (callback, delayMs) => new HostTimer(callback, delayMs, lag),
    clearTimeout: (id: TimerId) => {
      if (id instanceof HostTimer) id.clear();
    },
    nextMacrotask: (callback) => {
      // An immediate asked for during the poll phase runs before the next poll, with input still unread; the second one runs
      // after it. From a timer or an immediate the first would do.
      setImmediate(() => setImmediate(callback));
    },
    loopLag: () => lag.worst(performance.now()),
  };
}

class HostTimer {
  readonly #handle: NodeJS.Timeout;

  constructor(callback: () => void, delayMs: number, lag: LagWindow) {
    // Node cuts off fractions and so fires up to 1 ms early; it turns NaN and what is too long into 1 ms.
    const delay = delayMs > 0 ? Math.min(Math.ceil(delayMs), MAX_DELAY_MS) : 0;
    const due = performance.now() + delay;
    this.#handle = setTimeout(() => {
      const now = performance.now();
      lag.note(now, now - due);
      callback();
    }, delay);
  }

  clear(): void {
    clearTimeout(this.#handle);
  }
}

interface LagWindow {
  note(now: number, lateMs: number): void;
  worst(now: number): number;
}

/** The maximum over the current and the previous bucket of 2.5 s. */
function createLagWindow(): LagWindow {
  let bucket = 0;
  let worstNow = 0;
  let worstBefore = 0;

  function turnTo(now: number): void {
    const current = Math.floor(now / LAG_BUCKET_MS);
    if (current === bucket) return;
    worstBefore = current === bucket + 1 ? worstNow : 0;
    worstNow = 0;
    bucket = current;
  }

  return {
    note(now, lateMs) {
      turnTo(now);
      worstNow = Math.max(worstNow, lateMs);
    },
    worst(now) {
      turnTo(now);
      return Math.max(worstNow, worstBefore);
    },
  };
}
