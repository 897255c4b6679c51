import type { Clock } from './ports.ts';

/** How many deliveries one turn of the event loop bears; each costs some 50 µs. */
const perTurn = 100;

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
