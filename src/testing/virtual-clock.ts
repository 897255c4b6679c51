import type { Clock, TimerId } from '../actors/ports.ts';
import { compareTimers, type QueuedTimer, TimerQueue } from './timer-queue.ts';

/**
 * Time that moves only when a test says so. Everything that holdfast does with time goes through its `Clock`, so an hour of a
 * thousand sessions takes seconds, and the same steps give the same trace.
 *
 * `monotonic()` starts at 0. A timer's callback sees `monotonic()` equal to its own due time, except after `stall`.
 * Exceptions of a timer or macrotask callback reject the `advance`, `stall`, `settle` or `runUntil` that ran it; what was still
 * due stays pending. Timers and macrotasks run only inside these four. More than 250 000 callbacks at one instant reject too.
 */
export interface VirtualClock extends Clock {
  /** Timers of `setTimeout` that have neither run nor been cleared. What `arrive` schedules is not counted. */
  readonly pendingTimers: number;
  /** The `monotonic()` time at which the next timer or arrival is due, or null if there is none. */
  readonly nextDueMs: number | null;
  /**
   * Moves time on by `ms`, running what falls due by (due time, insertion). Microtasks and `nextMacrotask` callbacks are
   * flushed before the first timer and after each. Rejects if another `advance`, `stall` or `runUntil` has not ended yet.
   */
  advance(ms: number): Promise<void>;
  /** Flushes microtasks and `nextMacrotask` callbacks, before which arrivals that are due are delivered; time stands still. */
  settle(): Promise<void>;
  /**
   * Jumps from timer to timer until the predicate holds; it is asked first without moving, then after each timer.
   * Rejects with an `Error` that names the time reached if that takes more than `maxMs` or if no timer is left.
   */
  runUntil(predicate: () => boolean, limits: { readonly maxMs: number }): Promise<void>;
  /**
   * Time moves on by `ms` with nothing running, as when the event loop is blocked. Then one turn of a real loop follows: every
   * overdue timer runs late, then what arrived meanwhile is delivered, then `nextMacrotask` callbacks run. `loopLag()` reports
   * the worst lateness for the next 5 virtual seconds; a stall that makes no timer late goes unnoticed, as on the real clock.
   */
  stall(ms: number): Promise<void>;
  /** Moves `wall()` alone, by a positive or negative number of milliseconds. */
  jumpWall(ms: number): void;
  /**
   * For simulated peers: something that reaches this process after `delayMs`, as a socket's data does. Unlike a timer it is
   * delivered after overdue timers and before `nextMacrotask` callbacks. `clearTimeout` takes it back.
   */
  arrive(callback: () => void, delayMs: number): TimerId;
}

export interface VirtualClockOptions {
  /** What `wall()` shows at the start, in milliseconds since the epoch. Default: 2026-01-01T00:00:00Z. */
  readonly startWallMs?: number;
}

/** Creates a virtual clock; see `VirtualClock`. */
export function createVirtualClock(options: VirtualClockOptions = {}): VirtualClock {
  return new DiscreteEventClock(options.startWallMs ?? Date.UTC(2026, 0, 1));
}

const MAX_DELAY_MS = 2_147_483_647;
const LAG_WINDOW_MS = 5_000;
/** More callbacks than this without time moving is a loop, not work. */
const MAX_CALLBACKS_PER_INSTANT = 250_000;

// Taken at load, so that a test's fake timers cannot replace it.
const realSetImmediate = setImmediate;

class ClockTimer implements QueuedTimer {
  readonly due: number;
  readonly order: number;
  readonly isArrival: boolean;
  callback: (() => void) | null;

  constructor(due: number, order: number, isArrival: boolean, callback: () => void) {
    this.due = due;
    this.order = order;
    this.isArrival = isArrival;
    this.callback = callback;
  }
}

class DiscreteEventClock implements VirtualClock {
  readonly #timers = new TimerQueue();
  readonly #arrivals = new TimerQueue();
  #macrotasks: (() => void)[] = [];
  #lags: { readonly at: number; readonly lateMs: number }[] = [];
  #flushing: Promise<void> | null = null;
  #now = 0;
  #wallOffset: number;
  #order = 0;
  #moving = false;
  #callbacksThisInstant = 0;

  constructor(startWallMs: number) {
    this.#wallOffset = startWallMs;
  }

  get pendingTimers(): number {
    return this.#timers.size;
  }

  get nextDueMs(): number | null {
    return this.#nextQueue()?.peek()?.due ?? null;
  }

  wall(): number {
    return this.#now + this.#wallOffset;
  }

  monotonic(): number {
    return this.#now;
  }

  setTimeout(callback: () => void, delayMs: number): TimerId {
    return this.#schedule(this.#timers, false, callback, delayMs);
  }

  arrive(callback: () => void, delayMs: number): TimerId {
    return this.#schedule(this.#arrivals, true, callback, delayMs);
  }

  clearTimeout(id: TimerId): void {
    if (id instanceof ClockTimer) (id.isArrival ? this.#arrivals : this.#timers).cancel(id);
  }

  nextMacrotask(callback: () => void): void {
    this.#macrotasks.push(callback);
  }

  loopLag(): number {
    this.#lags = this.#lags.filter((lag) => this.#now - lag.at <= LAG_WINDOW_MS);
    return this.#lags.reduce((worst, lag) => Math.max(worst, lag.lateMs), 0);
  }

  jumpWall(ms: number): void {
    this.#wallOffset += ms;
  }

  settle(): Promise<void> {
    return this.#flush();
  }

  advance(ms: number): Promise<void> {
    return this.#move('advance', async () => {
      const target = this.#now + checkedDuration('advance', ms);
      await this.#flush();
      while (await this.#runNext(target));
      this.#moveTo(target);
    });
  }

  runUntil(predicate: () => boolean, { maxMs }: { readonly maxMs: number }): Promise<void> {
    return this.#move('runUntil', async () => {
      const limit = this.#now + checkedDuration('runUntil', maxMs);
      await this.#flush();
      while (!predicate()) {
        if (await this.#runNext(limit)) continue;
        const { nextDueMs } = this;
        if (nextDueMs !== null) this.#moveTo(limit);
        const rest = nextDueMs === null ? 'no timer is left' : `the next timer is due at ${nextDueMs} ms`;
        throw new Error(
          `runUntil: the predicate does not hold at ${this.#now} ms of virtual time (maxMs ${maxMs}); ${rest}`,
        );
      }
    });
  }

  stall(ms: number): Promise<void> {
    return this.#move('stall', async () => {
      await this.#flush();
      this.#moveTo(this.#now + checkedDuration('stall', ms));
      // What these timers set themselves is due later in the same turn at the earliest, as in a real loop.
      const lastOfThisTurn = this.#order;
      for (let timer = this.#timers.peek(); timer !== undefined; timer = this.#timers.peek()) {
        if (timer.due > this.#now || timer.order > lastOfThisTurn) break;
        this.#runFirst(this.#timers);
        await microtasks();
      }
      await this.#deliverArrivals();
      await this.#flush();
      while (await this.#runNext(this.#now));
    });
  }

  #schedule(queue: TimerQueue, isArrival: boolean, callback: () => void, delayMs: number): TimerId {
    const delay = delayMs > 0 ? Math.min(delayMs, MAX_DELAY_MS) : 0;
    const timer = new ClockTimer(this.#now + delay, ++this.#order, isArrival, callback);
    queue.add(timer);
    return timer;
  }

  async #move(what: string, run: () => Promise<void>): Promise<void> {
    if (this.#moving) throw new Error(`${what}: this virtual clock is already moving; await the earlier call first`);
    this.#moving = true;
    try {
      await run();
    } finally {
      this.#moving = false;
    }
  }

  #moveTo(time: number): void {
    if (time <= this.#now) return;
    this.#now = time;
    this.#callbacksThisInstant = 0;
  }

  #nextQueue(): TimerQueue | null {
    const timer = this.#timers.peek();
    const arrival = this.#arrivals.peek();
    if (timer === undefined) return arrival === undefined ? null : this.#arrivals;
    return arrival === undefined || compareTimers(timer, arrival) < 0 ? this.#timers : this.#arrivals;
  }

  async #runNext(limit: number): Promise<boolean> {
    const queue = this.#nextQueue();
    const due = queue?.peek()?.due;
    if (queue === null || due === undefined || due > limit) return false;
    this.#moveTo(due);
    this.#runFirst(queue);
    await this.#flush();
    return true;
  }

  #runFirst(queue: TimerQueue): void {
    const lateMs = this.#now - (queue.peek()?.due ?? this.#now);
    if (lateMs > 0 && queue === this.#timers) this.#noteLag(lateMs);
    this.#countCallback();
    queue.take()?.();
  }

  #noteLag(lateMs: number): void {
    const latest = this.#lags.at(-1);
    if (latest?.at === this.#now && latest.lateMs >= lateMs) return;
    this.#lags.push({ at: this.#now, lateMs });
  }

  async #deliverArrivals(): Promise<void> {
    while ((this.#arrivals.peek()?.due ?? Infinity) <= this.#now) {
      this.#runFirst(this.#arrivals);
      await microtasks();
    }
  }

  /** Overlapping callers share one flush: it ends only when nothing is left, whoever added it. */
  #flush(): Promise<void> {
    this.#flushing ??= this.#runFlush();
    return this.#flushing;
  }

  async #runFlush(): Promise<void> {
    try {
      await microtasks();
      await this.#runMacrotasks();
    } finally {
      this.#flushing = null;
    }
  }

  async #runMacrotasks(): Promise<void> {
    while (this.#macrotasks.length > 0) {
      await this.#deliverArrivals();
      const turn = this.#macrotasks;
      this.#macrotasks = [];
      for (let index = 0; index < turn.length; index += 1) {
        this.#countCallback();
        try {
          turn[index]?.();
        } catch (error) {
          this.#macrotasks = [...turn.slice(index + 1), ...this.#macrotasks];
          throw error;
        }
        await microtasks();
      }
    }
  }

  #countCallback(): void {
    this.#callbacksThisInstant += 1;
    if (this.#callbacksThisInstant > MAX_CALLBACKS_PER_INSTANT) {
      this.#callbacksThisInstant = 0;
      throw new Error(
        `more than ${MAX_CALLBACKS_PER_INSTANT} callbacks ran at ${this.#now} ms: something reschedules itself without delay`,
      );
    }
  }
}

/** Node empties the nextTick and microtask queues before each immediate, so one immediate is a complete flush. */
function microtasks(): Promise<void> {
  return new Promise((resolve) => {
    realSetImmediate(resolve);
  });
}

function checkedDuration(what: string, ms: number): number {
  if (Number.isFinite(ms) && ms >= 0) return ms;
  throw new RangeError(`${what}: a duration in milliseconds must be finite and not negative, not ${ms}`);
}
