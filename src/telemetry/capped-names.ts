import { other } from './semconv.ts';

/** Tells the first names apart, and makes one of all others: what servers and callers choose must not make metrics grow without end. */
export class CappedNames {
  readonly #most: number;
  readonly #known = new Set<string>();

  constructor(most: number) {
    this.#most = most;
  }

  of(name: string): string {
    if (this.#known.has(name)) return name;
    if (this.#known.size >= this.#most) return other;
    this.#known.add(name);
    return name;
  }
}
