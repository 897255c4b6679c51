const BURST = 5;
const TOKEN_MS = 1_000;
const MAX_RETRY_MS = 30_000;
const DEFAULT_RETRY_MS = 1_000;

/**
 * Bounds how often the streams of one transport are opened again: five at once, then one each second. A server may ask for `retry: 0`
 * and end each stream as it comes; unbounded, that is hundreds of requests a second.
 */
export class ReconnectMeter {
  readonly #nowMs: () => number;
  #tokens = BURST;
  #refilledMs: number;

  constructor(nowMs: () => number = () => performance.now()) {
    this.#nowMs = nowMs;
    this.#refilledMs = nowMs();
  }

  /** How long to wait for the next try, in milliseconds, when the wait is to be `wantedMs` at least. The try counts as made. */
  delayFor(wantedMs: number): number {
    const nowMs = this.#nowMs();
    this.#tokens = Math.min(BURST, this.#tokens + (nowMs - this.#refilledMs) / TOKEN_MS);
    this.#refilledMs = nowMs;
    this.#tokens -= 1;
    // A debt is paid off by waiting.
    return Math.max(wantedMs, -this.#tokens * TOKEN_MS);
  }
}

/** The wait that a server asked for by `retry`, within [0, 30 s]; 1 s when it did not ask. */
export function retryDelayMs(asked: number | null): number {
  return asked === null ? DEFAULT_RETRY_MS : Math.min(asked, MAX_RETRY_MS);
}
