const INITIAL_CAPACITY = 4 * 1024;
const KEPT_CAPACITY = 256 * 1024;

/** Bytes that come in pieces. It doubles as it grows, so that a body sent byte by byte costs no more than one sent at once. */
export class GrowingBuffer {
  #bytes = Buffer.alloc(0);
  #length = 0;

  get length(): number {
    return this.#length;
  }

  append(chunk: Buffer, start = 0, end = chunk.length): void {
    const needed = this.#length + end - start;
    if (needed > this.#bytes.length) {
      const grown = Buffer.allocUnsafe(Math.max(needed, this.#bytes.length * 2, INITIAL_CAPACITY));
      this.#bytes.copy(grown, 0, 0, this.#length);
      this.#bytes = grown;
    }
    chunk.copy(this.#bytes, this.#length, start, end);
    this.#length = needed;
  }

  /** What it holds; valid until the next call of any method. */
  view(): Buffer {
    return this.#bytes.subarray(0, this.#length);
  }

  clear(): void {
    this.#length = 0;
    if (this.#bytes.length > KEPT_CAPACITY) this.#bytes = Buffer.alloc(0);
  }
}
