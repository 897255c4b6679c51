import type { Readable } from 'node:stream';

/** How often a held stream is let through for one chunk, in milliseconds. */
export const TRICKLE_INTERVAL_MS = 250;

/**
 * Holds the stdout of a server back while our answers pile up in front of its stdin: a server that asks without end and
 * does not read would otherwise grow our memory without end.
 *
 * A held stream still lets one chunk through every {@link TRICKLE_INTERVAL_MS}, and on until the owner holds it again. A
 * single-threaded server that is blocked in writing cannot read; if nobody read either, both sides would wait for each
 * other for ever.
 */
export class ReadGate {
  readonly #stream: Readable;
  #trickle: NodeJS.Timeout | null = null;

  constructor(stream: Readable) {
    this.#stream = stream;
  }

  get isHeld(): boolean {
    return this.#trickle !== null;
  }

  /** Holds the stream, or goes on holding it after a chunk that was let through. */
  hold(): void {
    this.#stream.pause();
    if (this.#trickle !== null) return;
    this.#trickle = setInterval(() => this.#stream.resume(), TRICKLE_INTERVAL_MS);
    this.#trickle.unref();
  }

  release(): void {
    if (this.#trickle === null) return;
    clearInterval(this.#trickle);
    this.#trickle = null;
    this.#stream.resume();
  }
}
