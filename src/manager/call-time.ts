import type { Clock } from '../actors/ports.ts';
import { onAbort } from './abort-listeners.ts';
import type { Ending } from './call-failure.ts';
import type { Deadlines, Due } from './deadlines.ts';
import type { PeopleWaitedFor } from './people-waited-for.ts';

export interface TimeLimits {
  /** Time for the call, begun anew by each progress notification. */
  readonly timeoutMs: number;
  /** Time for the call however much progress it makes. */
  readonly maxTimeoutMs: number;
  readonly signal: AbortSignal | undefined;
}

/**
 * The time of one call over all its attempts and waits, and its end by the clock or by its caller. Time in which the server waits for a
 * person does not count. A timeout counts only when what has already arrived was read.
 */
export class CallTime implements Due {
  /** How the call was ended, once it was: by its time, by its caller, or by its server's removal. */
  ending: Ending | undefined;
  /** What to stop when the call is ended: the wait or the request that is under way. */
  onEnd: (() => void) | undefined;
  /** When it is looked at next. */
  dueMs = 0;
  readonly #clock: Clock;
  readonly #deadlines: Deadlines;
  readonly #limits: TimeLimits;
  readonly #beganMs: number;
  #people: PeopleWaitedFor | undefined;
  #peopleBeforeMs = 0;
  #pausedMs = 0;
  /** How old the call was at its last sign of progress. */
  #progressAgeMs = 0;
  /** In how many milliseconds it was to be looked at. */
  #waitMs = 0;
  #stopWaiting: (() => void) | undefined;
  #stopListening: (() => void) | undefined;
  #isOver = false;

  constructor(clock: Clock, deadlines: Deadlines, limits: TimeLimits) {
    this.#clock = clock;
    this.#deadlines = deadlines;
    this.#limits = limits;
    this.#beganMs = clock.monotonic();
    this.#lookIn(this.#beganMs, Math.min(limits.timeoutMs, limits.maxTimeoutMs));
    const { signal } = limits;
    if (signal === undefined) return;
    const abort = (): void => {
      this.end({ kind: 'aborted', reason: signal.reason });
    };
    this.#stopListening = onAbort(signal, abort);
    if (signal.aborted) abort();
  }

  /** How much time the call has at this moment, in milliseconds; 0 or less when it is over. */
  get leftMs(): number {
    const { timeoutMs, maxTimeoutMs } = this.#limits;
    const ageMs = this.#ageMs;
    return Math.min(timeoutMs + this.#progressAgeMs, maxTimeoutMs) - ageMs;
  }

  /** The people that this server waits for are waited for by the call, too; those of the server before no longer are. */
  waitWith(people: PeopleWaitedFor): void {
    this.#pausedMs = this.#allPausedMs;
    this.#people = people;
    this.#peopleBeforeMs = people.totalMs;
  }

  /** Ends the call if its time is over and its timer has not said so yet: what is over is not sent. */
  look(): void {
    if (this.leftMs <= 0 && this.#people?.isWaiting !== true) this.#timeUp(0);
  }

  progress(): void {
    this.#progressAgeMs = this.#ageMs;
  }

  end(ending: Ending): void {
    if (this.ending !== undefined || this.#isOver) return;
    this.ending = ending;
    this.onEnd?.();
  }

  /** The call is settled. Leaves no timer and no listener. */
  close(): void {
    this.#isOver = true;
    this.#deadlines.remove(this, this.#waitMs);
    this.#stopListening?.();
    this.#stopWaiting?.();
  }

  /** Rejects with what `failure` makes when the call is ended, resolves after the time otherwise. */
  async sleep(ms: number, failure: (ending: Ending) => Error): Promise<void> {
    await new Promise<void>((resolve) => {
      const timer = this.#clock.setTimeout(resolve, ms);
      this.onEnd = () => {
        this.#clock.clearTimeout(timer);
        resolve();
      };
      if (this.ending !== undefined) this.onEnd();
    });
    this.onEnd = undefined;
    if (this.ending !== undefined) throw failure(this.ending);
  }

  get #ageMs(): number {
    return this.#clock.monotonic() - this.#beganMs - this.#allPausedMs;
  }

  get #allPausedMs(): number {
    return this.#pausedMs + (this.#people === undefined ? 0 : this.#people.totalMs - this.#peopleBeforeMs);
  }

  /** It may be over. */
  due(): void {
    if (this.#isOver || this.ending !== undefined) return;
    const { leftMs } = this;
    if (this.#people?.isWaiting === true) {
      this.#stopWaiting = this.#people.onResumed(() => {
        this.due();
      });
    } else if (leftMs > 0) {
      this.#lookIn(this.#clock.monotonic(), leftMs);
    } else {
      const lateMs = Math.max(-leftMs, this.#clock.loopLag());
      // An answer, or a sign of progress, may be waiting unread in the pipe.
      this.#clock.nextMacrotask(() => {
        if (this.leftMs > 0) this.due();
        else this.#timeUp(lateMs);
      });
    }
  }

  #lookIn(nowMs: number, ms: number): void {
    this.dueMs = nowMs + ms;
    this.#waitMs = ms;
    this.#deadlines.add(this, ms);
  }

  #timeUp(lateMs: number): void {
    const { timeoutMs, maxTimeoutMs } = this.#limits;
    const afterMs = this.#ageMs >= maxTimeoutMs ? maxTimeoutMs : timeoutMs;
    this.end({ kind: 'timeout', afterMs, isOwnStall: lateMs > timeoutMs / 2 });
  }
}
