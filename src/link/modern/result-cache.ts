/** Whose results a server may declare fresh for a while, and the notifications that end that. */
const CACHEABLE: ReadonlyMap<string, readonly string[]> = new Map([
  ['tools/list', ['notifications/tools/list_changed']],
  ['prompts/list', ['notifications/prompts/list_changed']],
  ['resources/list', ['notifications/resources/list_changed']],
  ['resources/templates/list', ['notifications/resources/list_changed']],
  ['resources/read', ['notifications/resources/list_changed', 'notifications/resources/updated']],
]);

/** The longest that any result counts as fresh, in milliseconds: a day. */
const MAX_TTL_MS = 86_400_000;
const MAX_RESULTS = 64;
/** Params longer than this, as JSON, are not compared: the result is asked for each time. In characters. */
const MAX_KEY_LENGTH = 2048;

interface Kept {
  readonly method: string;
  readonly result: Record<string, unknown>;
  readonly freshUntilMs: number;
}

/**
 * The results that the server itself declared fresh for a while (`ttlMs`), of one connection: at most 64, the oldest dropped first, and
 * none after the server said that something of the kind changed. What it did not declare fresh is never kept.
 */
export class ResultCache {
  readonly #results = new Map<string, Kept>();

  /** A result that is still fresh, a copy of its outermost object. */
  find(method: string, params: Readonly<Record<string, unknown>> | undefined): Record<string, unknown> | undefined {
    if (this.#results.size === 0 || !CACHEABLE.has(method)) return undefined;
    const key = keyOf(method, params);
    const kept = key === undefined ? undefined : this.#results.get(key);
    if (key === undefined || kept === undefined) return undefined;
    if (performance.now() < kept.freshUntilMs) return { ...kept.result };
    this.#results.delete(key);
    return undefined;
  }

  /** Keeps a result as long as the server says that it is fresh. */
  keep(method: string, params: Readonly<Record<string, unknown>> | undefined, result: Record<string, unknown>): void {
    const { ttlMs } = result;
    if (typeof ttlMs !== 'number' || !(ttlMs > 0) || !CACHEABLE.has(method)) return;
    const key = keyOf(method, params);
    if (key === undefined) return;
    this.#results.delete(key);
    const [oldest] = this.#results.keys();
    if (this.#results.size >= MAX_RESULTS && oldest !== undefined) this.#results.delete(oldest);
    const freshUntilMs = performance.now() + Math.min(ttlMs, MAX_TTL_MS);
    this.#results.set(key, { method, result, freshUntilMs });
  }

  /** The server told of a change. */
  hear(notification: string): void {
    for (const [key, { method }] of this.#results) {
      if (CACHEABLE.get(method)?.includes(notification) === true) this.#results.delete(key);
    }
  }
}

/** Undefined for params that cannot be compared. */
function keyOf(method: string, params: Readonly<Record<string, unknown>> | undefined): string | undefined {
  try {
    const { _meta: _, ...rest } = params ?? {};
    const key = `${method} ${JSON.stringify(rest)}`;
    return key.length <= MAX_KEY_LENGTH ? key : undefined;
  } catch {
    return undefined;
  }
}
