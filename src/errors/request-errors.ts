import { HoldfastError } from './holdfast-error.ts';

/** Which server a failed operation was for, and in which connection generation. */
export interface Where {
  readonly serverId: string;
  readonly generation: number;
}

/** The server's first attempt to connect failed, or it was given up before it was ready. `addServer` keeps nothing of it. */
export class ConnectError extends HoldfastError {
  override readonly name = 'ConnectError';
  /** The last lines that the process wrote to stderr, if it is a process that wrote any. */
  readonly stderrTail: string | undefined;
  /** How the process ended, if it is a process that ended. */
  readonly exit: { readonly code: number | null; readonly signal: string | null } | undefined;

  constructor(
    message: string,
    details: Where & {
      readonly faultCode: string;
      readonly stderrTail?: string | undefined;
      readonly exit?: { readonly code: number | null; readonly signal: string | null } | undefined;
      readonly cause?: unknown;
    },
  ) {
    super(message, { ...details, code: 'CONNECT', outcome: 'not-sent', retryable: true });
    this.faultCode = details.faultCode;
    this.stderrTail = details.stderrTail;
    this.exit = details.exit;
  }

  /** What failed, machine-readable: `ENOENT`, `exit:1`, `signal:SIGKILL`, `connect-timeout`, … */
  readonly faultCode: string;
}

/**
 * The server does not take calls now; nothing was executed. `outcome` is `rejected` when the server itself turned the call away, since
 * it had forgotten the session, else `not-sent`. `retryAfterMs` is the time to its next attempt, where one is set.
 */
export class NotReadyError extends HoldfastError {
  override readonly name = 'NotReadyError';

  constructor(
    message: string,
    details: Where & {
      readonly outcome?: 'not-sent' | 'rejected' | undefined;
      readonly retryAfterMs?: number | undefined;
      readonly cause?: unknown;
    },
  ) {
    super(message, { ...details, code: 'NOT_READY', outcome: details.outcome ?? 'not-sent', retryable: true });
  }
}

/** No answer within the call's time. `outcome` is `unknown` once the call was handed to the wire, else `not-sent`. */
export class CallTimeoutError extends HoldfastError {
  override readonly name = 'CallTimeoutError';
  readonly timeoutMs: number;

  constructor(
    message: string,
    details: Where & { readonly outcome: 'unknown' | 'not-sent'; readonly timeoutMs: number },
  ) {
    super(message, { ...details, code: 'CALL_TIMEOUT', retryable: details.outcome === 'not-sent' });
    this.timeoutMs = details.timeoutMs;
  }
}

/** The caller's signal aborted the operation; `cause` is `signal.reason`. `outcome` as for a timeout. */
export class CallAbortedError extends HoldfastError {
  override readonly name = 'AbortError';

  constructor(message: string, details: Where & { readonly outcome: 'unknown' | 'not-sent'; readonly cause: unknown }) {
    super(message, { ...details, code: 'CALL_ABORTED' });
  }
}

/**
 * The connection or the reply was lost after the call may have reached the server: it may have been executed, or not.
 * `retryAfterMs` is how long the server asked to be left alone, if it did (HTTP 503).
 */
export class OutcomeUnknownError extends HoldfastError {
  override readonly name = 'OutcomeUnknownError';
  /** The tool that was called, if it was a tool call. */
  readonly tool: string | undefined;

  constructor(
    message: string,
    details: Where & {
      readonly tool?: string | undefined;
      readonly retryAfterMs?: number | undefined;
      readonly cause?: unknown;
    },
  ) {
    super(message, { ...details, code: 'OUTCOME_UNKNOWN', outcome: 'unknown' });
    this.tool = details.tool;
  }
}

/** The server asked to be left alone, or our own queue to it is full; nothing was executed. */
export class OverloadedError extends HoldfastError {
  override readonly name = 'OverloadedError';

  constructor(
    message: string,
    details: Where & {
      readonly outcome: 'not-sent' | 'rejected';
      readonly retryAfterMs?: number | undefined;
      readonly cause?: unknown;
    },
  ) {
    super(message, { ...details, code: 'OVERLOADED', retryable: true });
  }
}

/** The server answered with a JSON-RPC error. Secrets of its own in message and `data` are replaced by `[secret]`. */
export class RpcError extends HoldfastError {
  override readonly name = 'RpcError';
  /** The JSON-RPC error code, e.g. -32602. */
  readonly rpcCode: number;
  /** The error's `data`, as the server sent it but for secrets. */
  readonly data: unknown;

  constructor(
    message: string,
    details: Where & {
      readonly rpcCode: number;
      readonly data: unknown;
      readonly outcome: 'rejected' | 'executed';
      readonly cause?: unknown;
    },
  ) {
    super(message, { ...details, code: 'RPC' });
    this.rpcCode = details.rpcCode;
    this.data = details.data;
  }
}

/**
 * The server wants credentials that it was not given, or other ones; nothing was executed. `retryAfterMs` is the time until the session
 * looks by itself whether there are new ones.
 */
export class AuthRequiredError extends HoldfastError {
  override readonly name = 'AuthRequiredError';

  constructor(
    message: string,
    details: Where & {
      readonly outcome: 'not-sent' | 'rejected';
      readonly url?: string | undefined;
      readonly retryAfterMs?: number | undefined;
      readonly cause?: unknown;
    },
  ) {
    super(message, { ...details, code: 'AUTH_REQUIRED' });
    this.url = details.url;
  }

  /** Where a person can allow it; undefined when no authorisation waits for a person. */
  readonly url: string | undefined;
}

/**
 * `finishAuth` got no tokens. `problem` says why: `nothing-pending`, `state-mismatch`, `no-code`, `denied` or `exchange-failed`. After
 * `state-mismatch` and `no-code` the authorisation still waits for its answer; after the last two a new one has to be begun.
 */
export class AuthorizationError extends HoldfastError {
  override readonly name = 'AuthorizationError';

  constructor(message: string, details: Where & { readonly problem: string; readonly cause?: unknown }) {
    super(message, { ...details, code: 'AUTHORIZATION', outcome: 'not-sent' });
    this.problem = details.problem;
  }

  readonly problem: string;
}

/** The other side broke the protocol: an oversized frame, an answer of the wrong shape, an HTTP status that makes no sense here. */
export class ProtocolError extends HoldfastError {
  override readonly name = 'ProtocolError';

  constructor(
    message: string,
    details: Where & { readonly outcome: 'unknown' | 'not-sent' | 'rejected' | 'executed'; readonly cause?: unknown },
  ) {
    super(message, { ...details, code: 'PROTOCOL' });
  }
}

/**
 * The server's circuit is open: too many calls to it failed, and it gets none until a check has shown that it is well again. Nothing was
 * sent. `retryAfterMs` is the time until it is tried again, where that is set.
 */
export class CircuitOpenError extends HoldfastError {
  override readonly name = 'CircuitOpenError';

  constructor(message: string, details: Where & { readonly retryAfterMs?: number | undefined }) {
    super(message, { ...details, code: 'CIRCUIT_OPEN', outcome: 'not-sent', retryable: true });
  }
}

/** As many calls wait for this server as may, or this one waited too long for its turn. Nothing was sent. */
export class QueueFullError extends HoldfastError {
  override readonly name = 'QueueFullError';

  constructor(message: string, details: Where) {
    super(message, { ...details, code: 'QUEUE_FULL', outcome: 'not-sent', retryable: true });
  }
}

/** The tool ran, but its structured content does not meet the output schema that the tool itself declares. */
export class InvalidResultError extends HoldfastError {
  override readonly name = 'InvalidResultError';
  readonly tool: string;
  /** JSON pointer to what is wrong in the structured content; empty for the whole of it. */
  readonly path: string;
  /** What the tool returned. Not enumerable, so that no logger prints it. */
  declare readonly result: Readonly<Record<string, unknown>>;

  constructor(
    message: string,
    details: Where & {
      readonly tool: string;
      readonly path: string;
      readonly result: Readonly<Record<string, unknown>>;
    },
  ) {
    super(message, { ...details, code: 'INVALID_RESULT', outcome: 'executed' });
    this.tool = details.tool;
    this.path = details.path;
    Object.defineProperty(this, 'result', { value: details.result, enumerable: false });
  }
}
