/** One listener of ours on a signal, however many calls share it: Node warns of more than ten. */
class SharedListener {
  readonly #signal: AbortSignal;
  readonly #told = new Set<() => void>();

  constructor(signal: AbortSignal) {
    this.#signal = signal;
    signal.addEventListener('abort', this.#onAbort);
  }

  add(listener: () => void): void {
    this.#told.add(listener);
  }

  /** The last one that stops takes the listener off the signal. */
  remove(listener: () => void): void {
    if (this.#told.delete(listener) && this.#told.size === 0) this.#end();
  }

  readonly #onAbort = (): void => {
    this.#end();
    for (const listener of this.#told) listener();
  };

  #end(): void {
    this.#signal.removeEventListener('abort', this.#onAbort);
    if (sharedOf.get(this.#signal) === this) sharedOf.delete(this.#signal);
  }
}

const sharedOf = new WeakMap<AbortSignal, SharedListener>();

/** Calls back, once, when the signal aborts; returns the way to stop. The listener is a fresh one each time. */
export function onAbort(signal: AbortSignal, listener: () => void): () => void {
  const shared = sharedOf.get(signal) ?? new SharedListener(signal);
  sharedOf.set(signal, shared);
  shared.add(listener);
  return () => {
    shared.remove(listener);
  };
}
