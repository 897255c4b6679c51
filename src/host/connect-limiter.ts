import type { Clock, ConnectLimiter, ConnectPermit, TimerId } from '../actors/ports.ts';
import { hostClock } from './clock.ts';

/** The limits of a `ConnectLimiter`. Each may be `Infinity`. */
export interface ConnectLimiterOptions {
  readonly clock: Pick<Clock, 'monotonic' | 'setTimeout' | 'clearTimeout'>;
  /** Permits that may be granted at once after a quiet time. Default 16, at least 1. */
  readonly burst?: number;
  /** Permits for each second beyond the burst. Default 10, more than 0. */
  readonly perSecond?: number;
  /** Permits that may be out at the same time. Default 8, at least 1. */
  readonly atOnce?: number;
  /** Permits that may be out at the same time for one origin; requests without an origin are exempt. Default 2, at least 1. */
  readonly perOrigin?: number;
}

/**
 * A limiter of connection attempts: a token bucket, a cap on attempts at the same time and another for each origin. Requests
 * are served first come, first served, except that one whose origin is at its cap lets others pass. A timer is pending only
 * while a request waits for a token. A `granted` callback that throws loses its permit and is reported as a process warning.
 * Throws a `RangeError` for limits that would let nothing through.
 */
export function createConnectLimiter(options: ConnectLimiterOptions): ConnectLimiter {
  return new TokenBucketLimiter(options);
}

let shared: ConnectLimiter | undefined;

/** The limiter with default limits that every manager of this process shares, made when first asked for. */
export function processConnectLimiter(): ConnectLimiter {
  shared ??= createConnectLimiter({ clock: hostClock });
  return shared;
}

interface Waiting {
  readonly origin: string | null;
  readonly granted: (permit: ConnectPermit) => void;
}

interface OriginLoad {
  out: number;
  waiting: number;
}

class TokenBucketLimiter implements ConnectLimiter {
  readonly #clock: ConnectLimiterOptions['clock'];
  readonly #atOnce: number;
  readonly #perOrigin: number;
  readonly #msPerToken: number;
  /** How far the bucket may run ahead of its steady rate: that of a full burst. */
  readonly #aheadMs: number;
  /** The time at which the bucket would be full again. */
  #fullAt = -Infinity;
  #out = 0;
  readonly #queue = new Set<Waiting>();
  readonly #origins = new Map<string, OriginLoad>();
  /** How many in the queue are not held back by their origin: spares a walk over thousands that are. */
  #servable = 0;
  #timer: TimerId = null;
  #serving = false;
  #changed = false;

  constructor({ clock, burst = 16, perSecond = 10, atOnce = 8, perOrigin = 2 }: ConnectLimiterOptions) {
    const atLeastOne = { burst, atOnce, perOrigin };
    for (const [name, value] of Object.entries(atLeastOne)) {
      if (!(value >= 1)) throw new RangeError(`${name} must be at least 1, not ${value}`);
    }
    if (!(perSecond > 0)) throw new RangeError(`perSecond must be more than 0, not ${perSecond}`);
    this.#clock = clock;
    this.#atOnce = atOnce;
    this.#perOrigin = perOrigin;
    this.#msPerToken = 1_000 / perSecond;
    this.#aheadMs = perSecond === Infinity ? 0 : (burst - 1) * this.#msPerToken;
  }

  request(ask: { readonly origin: string | null }, granted: (permit: ConnectPermit) => void): () => void {
    const waiting: Waiting = { origin: ask.origin, granted };
    this.#queue.add(waiting);
    const load = this.#loadOf(waiting.origin);
    if (load !== null) load.waiting += 1;
    if (!this.#isFull(load)) this.#servable += 1;
    this.#serve();
    return () => {
      if (this.#remove(waiting)) this.#serve();
    };
  }

  #serve(): void {
    this.#changed = true;
    // Reached again from within a `granted` callback: the loop below goes round once more.
    if (this.#serving) return;
    this.#serving = true;
    while (this.#changed) {
      this.#changed = false;
      this.#grantNext();
    }
    this.#serving = false;
    this.#setTimer();
  }

  #grantNext(): void {
    if (this.#servable === 0 || this.#out >= this.#atOnce || this.#tokenInMs() > 0) return;
    for (const waiting of this.#queue) {
      if (this.#isFull(this.#knownLoad(waiting.origin))) continue;
      this.#remove(waiting);
      this.#grant(waiting);
      this.#changed = true;
      return;
    }
  }

  #grant({ origin, granted }: Waiting): void {
    this.#fullAt = Math.max(this.#fullAt, this.#clock.monotonic()) + this.#msPerToken;
    this.#changeOut(origin, 1);
    let released = false;
    const permit: ConnectPermit = {
      release: () => {
        if (released) return;
        released = true;
        this.#changeOut(origin, -1);
        this.#serve();
      },
    };
    try {
      granted(permit);
    } catch {
      permit.release();
      // Without the error's own text, which may hold what must not be printed.
      process.emitWarning('a connect permit was lost: the callback that was granted it threw', {
        code: 'HOLDFAST_PERMIT_CALLBACK',
      });
    }
  }

  #changeOut(origin: string | null, by: 1 | -1): void {
    this.#out += by;
    const load = this.#loadOf(origin);
    if (load === null) return;
    const wasFull = this.#isFull(load);
    load.out += by;
    if (this.#isFull(load) !== wasFull) this.#servable += wasFull ? load.waiting : -load.waiting;
    this.#forgetIdle(origin, load);
  }

  #remove(waiting: Waiting): boolean {
    if (!this.#queue.delete(waiting)) return false;
    const load = this.#loadOf(waiting.origin);
    if (load !== null) load.waiting -= 1;
    if (!this.#isFull(load)) this.#servable -= 1;
    this.#forgetIdle(waiting.origin, load);
    return true;
  }

  #isFull(load: OriginLoad | null): boolean {
    return load !== null && load.out >= this.#perOrigin;
  }

  #knownLoad(origin: string | null): OriginLoad | null {
    return origin === null ? null : (this.#origins.get(origin) ?? null);
  }

  #loadOf(origin: string | null): OriginLoad | null {
    if (origin === null) return null;
    let load = this.#origins.get(origin);
    if (load === undefined) {
      load = { out: 0, waiting: 0 };
      this.#origins.set(origin, load);
    }
    return load;
  }

  #forgetIdle(origin: string | null, load: OriginLoad | null): void {
    if (origin !== null && load !== null && load.out === 0 && load.waiting === 0) this.#origins.delete(origin);
  }

  #tokenInMs(): number {
    return this.#fullAt - this.#aheadMs - this.#clock.monotonic();
  }

  #setTimer(): void {
    const waitsForToken = this.#servable > 0 && this.#out < this.#atOnce;
    if (!waitsForToken) {
      if (this.#timer !== null) this.#clock.clearTimeout(this.#timer);
      this.#timer = null;
    } else if (this.#timer === null) {
      this.#timer = this.#clock.setTimeout(() => {
        this.#timer = null;
        this.#serve();
      }, this.#tokenInMs());
    }
  }
}
