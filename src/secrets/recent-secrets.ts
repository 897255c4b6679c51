import type { SecretRegistry } from './secret-registry.ts';

/** How many of the latest values are known at a time. */
const most = 32;

/**
 * The latest of secrets that change, such as tokens: each is registered when it is first noted, and released when 32 others have been
 * noted since it was last.
 */
export class RecentSecrets {
  readonly #registry: SecretRegistry;
  /** The least recent first. */
  readonly #releases = new Map<string, () => void>();
  #released = false;

  constructor(registry: SecretRegistry) {
    this.#registry = registry;
  }

  /** `secretsIn`: what of the value is secret; asked once for a value that is noted again and again. Default: all of it. */
  note(value: string, secretsIn: (value: string) => readonly string[] = (whole) => [whole]): void {
    if (this.#released) return;
    const known = this.#releases.get(value);
    this.#releases.delete(value);
    this.#releases.set(value, known ?? this.#register(secretsIn(value)));
    const [oldest] = this.#releases;
    if (this.#releases.size <= most || oldest === undefined) return;
    this.#releases.delete(oldest[0]);
    oldest[1]();
  }

  /** Forgets them all; nothing is noted from here on. */
  release(): void {
    this.#released = true;
    for (const release of this.#releases.values()) release();
    this.#releases.clear();
  }

  #register(secrets: readonly string[]): () => void {
    const releases = secrets.map((secret) => this.#registry.register(secret));
    return () => {
      for (const release of releases) release();
    };
  }
}
