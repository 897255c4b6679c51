/** A map that forgets what was not asked for longest, to hold no more than `capacity` entries, which is at least 1. */
export class LruMap<K, V> {
  readonly #capacity: number;
  readonly #entries = new Map<K, V>();

  constructor(capacity: number) {
    this.#capacity = capacity;
  }

  get(key: K): V | undefined {
    const value = this.#entries.get(key);
    if (value === undefined) return undefined;
    this.#entries.delete(key);
    this.#entries.set(key, value);
    return value;
  }

  set(key: K, value: V): void {
    const displaced = this.displacedBy(key);
    if (displaced !== undefined) this.#entries.delete(displaced);
    this.#entries.delete(key);
    this.#entries.set(key, value);
  }

  /** The key that `set` of this one would forget, if any. */
  displacedBy(key: K): K | undefined {
    if (this.#entries.size < this.#capacity || this.#entries.has(key)) return undefined;
    const [oldest] = this.#entries.keys();
    return oldest;
  }
}
