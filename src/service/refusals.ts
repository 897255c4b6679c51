import { isHoldfastError } from '../index.ts';
import type { HoldfastError } from '../index.ts';
import type { Refusal } from './wire.ts';

type Status = 400 | 401 | 403 | 404 | 405 | 409 | 413 | 415 | 421 | 499 | 500 | 502 | 503 | 504;

/** Codes of the library's errors that are no 502, "the server that was called could not do it". */
const statuses: Readonly<Record<string, Status>> = {
  INVALID_OPTION: 400,
  UNKNOWN_SERVER: 404,
  UNKNOWN_GROUP: 404,
  UNKNOWN_TOOL: 404,
  TOOL_CHANGED: 409,
  FAILOVER_SCHEMA_MISMATCH: 409,
  CALL_ABORTED: 499,
  AUTH_REQUIRED: 503,
  CIRCUIT_OPEN: 503,
  CLOSED: 503,
  GROUP_UNAVAILABLE: 503,
  NOT_READY: 503,
  OVERLOADED: 503,
  QUEUE_FULL: 503,
  CALL_TIMEOUT: 504,
};

/** An answer that says no, and why. */
export interface Refused {
  readonly status: Status;
  readonly body: Refusal;
}

export function refusal(status: Status, code: string, message: string): Refused {
  return { status, body: { schema: 'holdfast/v1', error: { code, message } } };
}

/** What an error of the library comes to. What else is thrown is a bug, and nothing of it is told. */
export function refusalOf(error: unknown): Refused {
  if (!isHoldfastError(error)) return refusal(500, 'INTERNAL', 'This is a bug in holdfast; its log says more.');
  return { status: statuses[error.code] ?? 502, body: { schema: 'holdfast/v1', error: details(error) } };
}

function details({ code, message, outcome, retryAfterMs }: HoldfastError): Refusal['error'] {
  return {
    code,
    message,
    ...(outcome === null ? {} : { outcome }),
    ...(retryAfterMs === undefined ? {} : { retryAfterMs }),
  };
}
