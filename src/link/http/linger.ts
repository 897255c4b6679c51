/** How long a response whose purpose is fulfilled, or the body of a refusal, may still take, in milliseconds. */
const LINGER_MS = 1_000;

/** Something that is to be over soon. */
export interface Lingering {
  /** Called when its time is up; it must end what lingers. Must not throw. */
  expire(): void;
}

/**
 * Responses that should end by themselves any moment, and mostly do, which saves their connections. One timer serves them all: each
 * call over an event stream passes through here.
 */
export class Linger {
  readonly #entries = new Map<Lingering, number>();
  #timer: NodeJS.Timeout | null = null;

  add(entry: Lingering): void {
    this.#entries.set(entry, performance.now() + LINGER_MS);
    if (this.#timer === null) this.#arm(LINGER_MS);
  }

  remove(entry: Lingering): void {
    this.#entries.delete(entry);
  }

  /** Ends the one that has lingered longest. */
  expireOldest(): void {
    for (const entry of this.#entries.keys()) {
      this.#entries.delete(entry);
      entry.expire();
      return;
    }
  }

  /** Ends all of them and leaves no timer. */
  clear(): void {
    if (this.#timer !== null) clearTimeout(this.#timer);
    this.#timer = null;
    while (this.#entries.size > 0) this.expireOldest();
  }

  #arm(delayMs: number): void {
    this.#timer = setTimeout(() => this.#sweep(), delayMs);
    this.#timer.unref();
  }

  #sweep(): void {
    this.#timer = null;
    const nowMs = performance.now();
    for (const [entry, deadlineMs] of this.#entries) {
      if (deadlineMs > nowMs) {
        this.#arm(deadlineMs - nowMs);
        return;
      }
      this.#entries.delete(entry);
      entry.expire();
    }
  }
}
