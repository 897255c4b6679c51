import type { Fault, FaultKind, RequestFailure } from '../fault.ts';
import { headerOf } from './http-exchange.ts';
import type { ResponseHead } from './http-exchange.ts';

/** The longest wait that a server may ask for and be believed, in milliseconds. */
const MAX_RETRY_AFTER_MS = 300_000;

/**
 * With these the server says that it turned the request away before it did anything. All others leave that open, the 5xx and 408
 * among them; 400 has several meanings and is settled by a check of the session.
 */
const REFUSING: ReadonlySet<number> = new Set([401, 403, 404, 405, 406, 407, 410, 413, 415, 429]);

/** What the connection was when the answer came: its meaning depends on that. */
export interface StatusContext {
  /** Whether a session id was sent along. */
  readonly holdsSession: boolean;
  /** Whether `initialize` has been answered. */
  readonly isOpen: boolean;
}

export function isSuccess(status: number): boolean {
  return status >= 200 && status < 300;
}

/** How a request fails that was answered with this status, which is no success. */
export function failureOfStatus(head: ResponseHead, context: StatusContext): RequestFailure {
  const fault = faultOfStatus(head, context);
  // Outside a session 400 is about the request alone.
  const isRefused = isRefusal(head.status) || (head.status === 400 && !context.holdsSession);
  return isRefused ? { kind: 'refused', sent: true, fault } : { kind: 'link', sent: true, fault };
}

/** Whether the status alone proves that the request was not executed. */
function isRefusal(status: number): boolean {
  return REFUSING.has(status) || (status >= 300 && status < 400);
}

/** The fault that a status stands for: by its number, never by what the body says. `code` is `http:<status>`. */
export function faultOfStatus(head: ResponseHead, context: StatusContext): Fault {
  const { status } = head;
  const retryAfterMs = readRetryAfter(headerOf(head, 'retry-after'), Date.now());
  return {
    kind: kindOfStatus(status, retryAfterMs !== null, context),
    code: `http:${status}`,
    message: describe(status),
    ...(retryAfterMs === null ? {} : { retryAfterMs }),
  };
}

/** `Retry-After` in milliseconds, at most 300 000; null when it is missing or neither a number of seconds nor a date. */
export function readRetryAfter(value: string | null, nowMs: number): number | null {
  if (value === null) return null;
  const text = value.trim();
  if (/^\d+$/.test(text)) return Math.min(Number(text) * 1000, MAX_RETRY_AFTER_MS);
  // Every form of date in HTTP begins with the name of a day; Date.parse takes far more than that.
  const atMs = /^[A-Za-z]/.test(text) ? Date.parse(text) : Number.NaN;
  return Number.isNaN(atMs) ? null : Math.min(Math.max(0, atMs - nowMs), MAX_RETRY_AFTER_MS);
}

function kindOfStatus(status: number, asksToWait: boolean, { holdsSession, isOpen }: StatusContext): FaultKind {
  if (status === 401 || status === 403 || status === 407) return 'auth';
  if (status === 404 || status === 410) return holdsSession ? 'session-lost' : 'unreachable';
  if (status === 408) return 'timeout';
  if (status === 429 || (status === 503 && asksToWait)) return 'overload';
  if (status >= 500) return isOpen ? 'transport' : 'unreachable';
  return 'protocol';
}

function describe(status: number): string {
  if (status >= 300 && status < 400) {
    return `The server answered with a redirect, HTTP status ${status}, and redirects are not followed: configure the address that it leads to.`;
  }
  switch (status) {
    case 401:
      return 'The server wants to know who asks, HTTP status 401: give it a token, or another one.';
    case 403:
      return 'The server does not allow this with these credentials, HTTP status 403.';
    case 404:
    case 410:
      return `The server knows no such address or session, HTTP status ${status}.`;
    case 429:
      return 'The server asks to be left alone for a while, HTTP status 429.';
    default:
      return `The server answered with HTTP status ${status}.`;
  }
}

/**
 * What is to be done about a request that was answered with this status, which is no success.
 * - `auth`: the credentials are not good enough.
 * - `session-lost`: the session that it named is gone.
 * - `check-session`: the server may mean the session or the request; a ping tells.
 * - `read-body`: refused, unless the body is a JSON-RPC error, which is the answer then.
 * - `final`: the status says all there is to say.
 */
export type Ruling = 'auth' | 'session-lost' | 'check-session' | 'read-body' | 'final';

export function rulingOf(status: number, holdsSession: boolean, isPing: boolean): Ruling {
  if (status === 401 || status === 403) return 'auth';
  if (status === 404 || status === 410) return holdsSession ? 'session-lost' : 'read-body';
  if (status === 400 && holdsSession) return isPing ? 'session-lost' : 'check-session';
  const isFinal = status < 400 || status >= 500 || status === 405 || status === 407 || status === 429;
  return isFinal ? 'final' : 'read-body';
}
