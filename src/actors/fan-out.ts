import type { Clock, TimerId } from './ports.ts';

/** How many deliveries one turn of the event loop bears; each costs some 50 to 300 µs. */
const perTurn = 50;

/** Delivers at once while there is little to deliver, and in slices, one per turn of the event loop, when much comes together. */
export interface FanOut {
  deliver(delivery: () => void): void;
}

/** So that ten thousand links that break in the same moment do not block everything else for half a second. */
export function createFanOut(clock: Pick<Clock, 'nextMacrotask'>): FanOut {
  const waiting: (() => void)[] = [];
  let used = 0;
  let turnRequested = false;

  function requestTurn(): void {
    if (turnRequested) return;
    turnRequested = true;
    clock.nextMacrotask(turn);
  }

  function turn(): void {
    turnRequested = false;
    const slice = waiting.splice(0, perTurn);
    used = slice.length;
    if (used > 0) requestTurn();
    for (const delivery of slice) delivery();
  }

  return {
    deliver(delivery) {
      requestTurn();
      if (waiting.length > 0 || used >= perTurn) {
        waiting.push(delivery);
        return;
      }
      used += 1;
      delivery();
    },
  };
}

interface SlicedTimer {
  id: TimerId;
  live: boolean;
}

/**
 * Timers whose callbacks go through the fan-out: a thousand retries that fall due together do not run in one turn.
 * One that comes late lets what has arrived meanwhile be read first: an answer that lies unread is not missing.
 */
export function slicedTimers(
  clock: Pick<Clock, 'monotonic' | 'setTimeout' | 'clearTimeout' | 'nextMacrotask'>,
  fanOut: FanOut,
): { setTimeout(callback: () => void, delayMs: number): SlicedTimer; clearTimeout(timer: SlicedTimer): void } {
  return {
    setTimeout(callback, delayMs) {
      const timer: SlicedTimer = { id: undefined, live: true };
      const run = (): void => {
        if (timer.live) callback();
      };
      const deliver = (): void => {
        fanOut.deliver(run);
      };
      const dueMs = clock.monotonic() + delayMs;
      timer.id = clock.setTimeout(() => {
        if (clock.monotonic() > dueMs) clock.nextMacrotask(deliver);
        else deliver();
      }, delayMs);
      return timer;
    },
    clearTimeout(timer) {
      timer.live = false;
      clock.clearTimeout(timer.id);
    },
  };
}
