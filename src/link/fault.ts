/**
 * What went wrong with a connection, as plain data.
 *
 * | kind | meaning |
 * |---|---|
 * | `spawn` | the process could not be started (missing binary, no permission, bad working directory) |
 * | `exit` | the process started and then exited, by itself or by a signal |
 * | `unreachable` | nothing accepted the connection (refused, DNS, TLS) |
 * | `transport` | the connection broke or was closed by the other side |
 * | `timeout` | an answer did not come in time |
 * | `session-lost` | the server forgot the session that this connection held |
 * | `auth` | the server wants (other) credentials |
 * | `overload` | the server asked to be left alone for a while |
 * | `incompatible` | no protocol version in common |
 * | `protocol` | the other side broke the protocol (oversized frame, malformed answer) |
 * | `config` | the target itself is wrong and only its owner can mend it |
 * | `internal` | our own code or a user's factory threw |
 * | `closed` | we closed it |
 */
export type FaultKind =
  | 'spawn'
  | 'exit'
  | 'unreachable'
  | 'transport'
  | 'timeout'
  | 'session-lost'
  | 'auth'
  | 'overload'
  | 'incompatible'
  | 'protocol'
  | 'config'
  | 'internal'
  | 'closed';

/** A classified failure of one link. Plain data: it may be logged, compared and kept; it never holds an `Error`. */
export interface Fault {
  readonly kind: FaultKind;
  /** Stable and machine-readable: `ENOENT`, `ECONNREFUSED`, `exit:1`, `signal:SIGKILL`, `http:404`, `rpc:-32022`, … */
  readonly code: string;
  /** What happened, in a sentence. */
  readonly message: string;
  /** How the process ended, for `exit`. */
  readonly exit?: { readonly code: number | null; readonly signal: string | null } | undefined;
  /** The last lines that the process wrote to stderr, for `spawn`, `exit` and failed starts. */
  readonly stderrTail?: string | undefined;
  /** Where a person can allow what the server asks for, for `auth` where that is known. */
  readonly authorizationUrl?: string | undefined;
  /** How long the other side asked us to wait, in milliseconds. */
  readonly retryAfterMs?: number | undefined;
}

/**
 * Why one request got no result. `sent` says whether any byte of it may have reached the other side:
 * `false` is a proof that none did, `true` only that it is possible.
 */
export type RequestFailure =
  | {
      readonly kind: 'rpc';
      readonly sent: true;
      readonly rpcCode: number;
      readonly message: string;
      readonly data?: unknown;
    }
  | { readonly kind: 'aborted'; readonly sent: boolean }
  /** The server turned the request away without executing it, with an HTTP status that says so (401, 404, 405, 413, 415, 429, 3xx, …). */
  | { readonly kind: 'refused'; readonly sent: true; readonly fault: Fault }
  | { readonly kind: 'link'; readonly sent: boolean; readonly fault: Fault };

/** The only error that a link's `request`, `notify` and `probe` reject with. */
export class LinkError extends Error {
  override readonly name = 'LinkError';
  readonly failure: RequestFailure;

  constructor(failure: RequestFailure, options?: ErrorOptions) {
    super(describeFailure(failure), options);
    this.failure = failure;
  }
}

function describeFailure(failure: RequestFailure): string {
  switch (failure.kind) {
    case 'rpc':
      return failure.message;
    case 'aborted':
      return 'the request was aborted';
    case 'refused':
    case 'link':
      return failure.fault.message;
  }
}
