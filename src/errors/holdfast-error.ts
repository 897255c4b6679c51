/**
 * What is known of the effect of the operation that failed.
 * - `not-sent`: no byte of it reached a server.
 * - `rejected`: a server refused it without executing it.
 * - `executed`: a server executed it and answered.
 * - `unknown`: it may have been executed, or not; repeating it may do it twice.
 * - `null`: not an operation on a server (a bad option, an unknown id, a bad configuration).
 */
export type Outcome = 'not-sent' | 'rejected' | 'executed' | 'unknown' | null;

export interface HoldfastErrorDetails {
  readonly code: string;
  readonly outcome?: Outcome | undefined;
  readonly serverId?: string | undefined;
  readonly generation?: number | undefined;
  readonly retryable?: boolean | undefined;
  readonly retryAfterMs?: number | undefined;
  readonly cause?: unknown;
}

const brand = Symbol.for('holdfast.error');

/** The base of every error that holdfast throws. Its `code` is stable; its message is for people. */
export abstract class HoldfastError extends Error {
  /** Stable and machine-readable, e.g. `DUPLICATE_SERVER`; listed with cause and fix in `docs/errors.md`. */
  readonly code: string;
  readonly outcome: Outcome;
  /** The server that it is about, if it is about one. */
  readonly serverId: string | undefined;
  /** The connection generation in which it happened, if it happened in one. */
  readonly generation: number | undefined;
  /** True when the same operation may succeed later without anyone mending anything. Says nothing about safety: see `outcome`. */
  readonly retryable: boolean;
  /** How long to wait before that, in milliseconds, where it is known. */
  readonly retryAfterMs: number | undefined;

  constructor(message: string, details: HoldfastErrorDetails) {
    super(message, details.cause === undefined ? undefined : { cause: details.cause });
    this.code = details.code;
    this.outcome = details.outcome ?? null;
    this.serverId = details.serverId;
    this.generation = details.generation;
    this.retryable = details.retryable ?? false;
    this.retryAfterMs = details.retryAfterMs;
    Object.defineProperty(this, brand, { value: true });
  }
}

/** True for holdfast's errors, also for those of another copy of the package, where `instanceof` would say no. */
export function isHoldfastError(value: unknown): value is HoldfastError {
  return typeof value === 'object' && value !== null && brand in value;
}
