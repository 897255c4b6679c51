/** A JSON schema as the server wrote it. */
export type OutputSchema = Readonly<Record<string, unknown>>;

/** One result to be held against the output schema of its tool. */
export interface CheckRequest {
  /** Whose tool it is. Checks that must wait are taken in turn from each server, so a slow one delays the others by one check. */
  readonly server: string;
  /** A hash of the schema: the same key must mean the same schema, whichever server it comes from. */
  readonly key: string;
  readonly schema: OutputSchema;
  /** The structured content: what `JSON.parse` gave. It must not change while the check is under way. */
  readonly value: unknown;
}

/**
 * Why a result could not be checked. It says nothing about the result.
 *
 * - `too-costly`: the check took too much time or memory and was ended. The next result of this schema is tried once more.
 * - `quarantined`: that happened twice with this schema; it is not tried again.
 * - `bad-schema`: the schema cannot be used: a reference that leads nowhere, a pattern that is no regular expression, an unknown
 *   type or dialect, too large or nested too deeply.
 * - `too-large`: the result is too large, or nested too deeply.
 * - `unavailable`: too many checks are waiting, the worker does not start, or the validator was closed.
 */
export type UncheckedReason = 'too-costly' | 'quarantined' | 'bad-schema' | 'too-large' | 'unavailable';

/** What a check came to. */
export type Verdict =
  | { readonly kind: 'valid' }
  | {
      readonly kind: 'invalid';
      /** JSON pointer to what is wrong in the result; empty for the whole of it. At most 200 characters. */
      readonly path: string;
      /** What is wrong there, as `must be string`; never a value of the result. At most 300 characters. */
      readonly message: string;
    }
  | {
      readonly kind: 'unchecked';
      readonly reason: UncheckedReason;
      /** What happened, for people. At most 300 characters. */
      readonly message: string;
      /** Whether the same was said of this schema before and will be said again: enough to report it once. */
      readonly repeated: boolean;
    };

/** Holds results against output schemas. No schema and no result can block the caller's event loop or end its process. */
export interface OutputValidator {
  /**
   * Checks one result. A simple schema is checked at once and the verdict returned as it is; any other is checked on a worker
   * thread, and the promise settles within a bounded time. Never throws, never rejects.
   */
  check(request: CheckRequest): Verdict | Promise<Verdict>;
  /** Ends the worker; what is under way or comes later is `unavailable`. Resolves when the worker is gone. Repeats do nothing more. */
  close(): Promise<void>;
}
