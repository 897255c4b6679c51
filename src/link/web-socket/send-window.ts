import type { Fault } from '../fault.ts';

/** A small message costs more in bookkeeping than in bytes, so their number is bounded as well. */
const MAX_MESSAGES = 16_384;

/**
 * Bounds what we have handed to a socket and the socket not yet to the network, so that a server that does not read cannot
 * grow our memory.
 */
export class SendWindow {
  readonly #maxBytes: number;
  #handedOver = 0;
  /** Where each message that may still be unsent ends, counted in bytes from the first message on. */
  #ends: number[] = [];
  #next = 0;

  constructor(maxBytes: number) {
    this.#maxBytes = maxBytes;
  }

  /** Why a message of that many bytes must not be handed over now, or null. `unsentBytes` is what the socket still holds. */
  refusal(bytes: number, unsentBytes: number): Fault | null {
    const waiting = this.#waiting(unsentBytes);
    if (unsentBytes + bytes <= this.#maxBytes && waiting < MAX_MESSAGES) return null;
    return {
      kind: 'overload',
      code: 'send-buffer-full',
      message:
        bytes > this.#maxBytes
          ? `A message of ${bytes} bytes is larger than the ${this.#maxBytes} bytes that may wait to be sent. Raise that limit or send less.`
          : `${waiting} messages, ${unsentBytes} of at most ${this.#maxBytes} bytes, already wait to be sent: the server does not read. Try again later.`,
    };
  }

  handedOver(bytes: number): void {
    this.#handedOver += bytes;
    this.#ends.push(this.#handedOver);
  }

  #waiting(unsentBytes: number): number {
    const sent = this.#handedOver - unsentBytes;
    for (let end = this.#ends[this.#next]; end !== undefined && end <= sent; end = this.#ends[this.#next]) {
      this.#next += 1;
    }
    if (this.#next > 1024 || this.#next === this.#ends.length) {
      this.#ends = this.#ends.slice(this.#next);
      this.#next = 0;
    }
    return this.#ends.length - this.#next;
  }
}
