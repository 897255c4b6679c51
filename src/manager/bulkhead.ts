import type { Clock, TimerId } from '../actors/ports.ts';

/** How long a call waits for its turn at most, however much time it has. */
const longestQueueingMs = 30_000;

/** How waiting for a turn ended. `called`: look again whether the server takes calls at all. */
export type Turn = 'taken' | 'full' | 'late' | 'ended' | 'called';

interface Waiting {
  readonly settle: (turn: Turn) => void;
  readonly timer: TimerId;
}

/**
 * The calls that one server has at a time, and those that wait for their turn, first come first served. What one server keeps waiting
 * costs no other anything: each has its own.
 */
export class Bulkhead {
  readonly #clock: Pick<Clock, 'setTimeout' | 'clearTimeout'>;
  readonly #maxInFlight: number;
  readonly #maxQueue: number;
  /** Made when first needed: most servers never keep anybody waiting. */
  #queue: Set<Waiting> | undefined;
  #inFlight = 0;

  constructor(
    clock: Pick<Clock, 'setTimeout' | 'clearTimeout'>,
    limits: { readonly maxInFlight: number; readonly maxQueue: number },
  ) {
    this.#clock = clock;
    this.#maxInFlight = limits.maxInFlight;
    this.#maxQueue = limits.maxQueue;
  }

  /** Calls that wait for their turn. */
  get queued(): number {
    return this.#queue?.size ?? 0;
  }

  /** Takes a turn, if there is one at once. Whoever takes one gives it back with `leave`. */
  tryEnter(): boolean {
    if (this.#inFlight >= this.#maxInFlight) return false;
    this.#inFlight += 1;
    return true;
  }

  /** Waits for a turn: `full` at once when too many wait already, `late` after 30 s, `ended` when `onEnd` calls back first. */
  wait(onEnd: (end: () => void) => void): Promise<Turn> {
    const queue = (this.#queue ??= new Set());
    if (queue.size >= this.#maxQueue) return Promise.resolve('full');
    return new Promise((resolve) => {
      const end = (turn: Turn) => (): void => {
        if (queue.delete(waiting)) waiting.settle(turn);
      };
      const timer = this.#clock.setTimeout(end('late'), longestQueueingMs);
      const waiting: Waiting = {
        timer,
        settle: (turn) => {
          this.#clock.clearTimeout(timer);
          resolve(turn);
        },
      };
      queue.add(waiting);
      onEnd(end('ended'));
    });
  }

  /** Calls on all who wait to look whether the server still takes calls. */
  callAll(): void {
    const queue = [...(this.#queue ?? [])];
    this.#queue?.clear();
    for (const each of queue) each.settle('called');
  }

  /** Gives a turn back: whoever has waited longest takes it. */
  leave(): void {
    for (const next of this.#queue ?? []) {
      this.#queue?.delete(next);
      next.settle('taken');
      return;
    }
    this.#inFlight -= 1;
  }
}
