import type { Clock } from '../actors/ports.ts';

/**
 * The time during which a server waits for a person (an elicitation that is being answered): it does not count against the calls of
 * that server. Which call the question belongs to is not known, so it is all of them.
 */
export class PeopleWaitedFor {
  readonly #clock: Pick<Clock, 'monotonic'>;
  #people = 0;
  #since = 0;
  #beforeMs = 0;
  #resumed: Set<() => void> | undefined;

  constructor(clock: Pick<Clock, 'monotonic'>) {
    this.#clock = clock;
  }

  get isWaiting(): boolean {
    return this.#people > 0;
  }

  /** How long it has waited for people so far, all in all, in milliseconds. */
  get totalMs(): number {
    return this.#beforeMs + (this.isWaiting ? this.#clock.monotonic() - this.#since : 0);
  }

  /** As many people are being waited for now. */
  set(people: number): void {
    const wasWaiting = this.isWaiting;
    this.#people = people;
    if (!wasWaiting && people > 0) this.#since = this.#clock.monotonic();
    if (!wasWaiting || people > 0) return;
    this.#beforeMs += this.#clock.monotonic() - this.#since;
    const resumed = this.#resumed;
    this.#resumed = undefined;
    for (const each of resumed ?? []) each();
  }

  /** Calls back, once, when nobody is waited for any more; returns the way to forget it. */
  onResumed(listener: () => void): () => void {
    const listeners = (this.#resumed ??= new Set());
    listeners.add(listener);
    return () => {
      listeners.delete(listener);
    };
  }
}
