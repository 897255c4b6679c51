/**
 * From whatever was thrown to a `Fault`: by code, status, name and phase, never by message text.
 *
 * Messages are for people: they change between releases, carry payloads and can be written by the other side.
 */
import { LinkError } from './fault.ts';
import type { Fault, FaultKind } from './fault.ts';

/**
 * What the link was doing when it went wrong.
 * - `factory`: a custom target's factory was making a transport
 * - `start`: the transport was starting (spawning, dialling)
 * - `handshake`: `initialize` was under way
 * - `open`: the link was open
 */
export type FaultPhase = 'factory' | 'start' | 'handshake' | 'open';

/** The most characters that a fault's message keeps of what was thrown; payloads hide in longer ones. */
const MAX_FAULT_MESSAGE_LENGTH = 200;

/** The error code with which a server of the 2026-07-28 revision refuses older protocol versions. */
const UNSUPPORTED_PROTOCOL_VERSION = -32022;
const MAX_CAUSE_DEPTH = 8;
const UNINSPECTABLE = 'Something was thrown that cannot be inspected.';

const UNREACHABLE_CODES: ReadonlySet<string> = new Set([
  'ECONNREFUSED',
  'ENOTFOUND',
  'EAI_AGAIN',
  'EAI_FAIL',
  'EAI_NODATA',
  'EAI_NONAME',
  'EHOSTUNREACH',
  'EHOSTDOWN',
  'ENETUNREACH',
  'ENETDOWN',
  'EADDRNOTAVAIL',
  'EPROTO',
  'UND_ERR_CONNECT_TIMEOUT',
  'CERT_HAS_EXPIRED',
  'CERT_NOT_YET_VALID',
  'CERT_REVOKED',
  'DEPTH_ZERO_SELF_SIGNED_CERT',
  'SELF_SIGNED_CERT_IN_CHAIN',
  'UNABLE_TO_GET_ISSUER_CERT',
  'UNABLE_TO_GET_ISSUER_CERT_LOCALLY',
  'UNABLE_TO_VERIFY_LEAF_SIGNATURE',
]);
const BROKEN_CODES: ReadonlySet<string> = new Set([
  'ECONNRESET',
  'ECONNABORTED',
  'ENOTCONN',
  'ENETRESET',
  'EPIPE',
  'ERR_SOCKET_CLOSED',
  'ERR_STREAM_DESTROYED',
  'ERR_STREAM_PREMATURE_CLOSE',
  'ERR_STREAM_WRITE_AFTER_END',
  'UND_ERR_SOCKET',
  'UND_ERR_CLOSED',
  'UND_ERR_DESTROYED',
]);
const TIMEOUT_CODES: ReadonlySet<string> = new Set([
  'ETIMEDOUT',
  'ESOCKETTIMEDOUT',
  'UND_ERR_HEADERS_TIMEOUT',
  'UND_ERR_BODY_TIMEOUT',
]);
/** A file that is missing or may not be used: what it means depends on the system call. */
const FILE_CODES: ReadonlySet<string> = new Set([
  'ENOENT',
  'EACCES',
  'EPERM',
  'ENOTDIR',
  'EISDIR',
  'ELOOP',
  'ENAMETOOLONG',
  'ENOEXEC',
  'ETXTBSY',
]);
/** What this machine is short of: it may well work later. */
const SHORTAGE_CODES: ReadonlySet<string> = new Set(['EMFILE', 'ENFILE', 'ENOMEM', 'EAGAIN']);
const MALFORMED_NAMES: ReadonlySet<string> = new Set(['SyntaxError', 'ZodError', '$ZodError']);

interface Verdict {
  readonly kind: FaultKind;
  readonly code: string;
}

/**
 * Classifies anything thrown or rejected with: SDK errors, HTTP errors, Zod errors, Node's system errors (the chain of
 * `cause` and the first of an `AggregateError` are walked), a `LinkError` (its fault as it is) and values that are no
 * errors at all. Never throws. What nothing is known of is `transport`, in the phase `factory` `internal`.
 */
export function classifyFault(thrown: unknown, phase: FaultPhase): Fault {
  try {
    for (const error of causeChain(thrown)) {
      if (error instanceof LinkError) return linkErrorFault(error);
      const verdict = judge(error, phase);
      if (verdict) return { ...verdict, message: describe(thrown, error) };
    }
    return { ...fallback(read(thrown, 'code'), phase), message: describe(thrown, thrown) };
  } catch {
    // A getter or a proxy that throws: anything at all can be thrown.
    return { ...fallback(undefined, phase), message: UNINSPECTABLE };
  }
}

/** Classifies the JSON-RPC error with which a server answered `initialize`: `incompatible` for −32022, else `protocol`. */
export function classifyRpcError(rpcCode: number, message: string): Fault {
  return {
    kind: rpcCode === UNSUPPORTED_PROTOCOL_VERSION ? 'incompatible' : 'protocol',
    code: `rpc:${rpcCode}`,
    message: shorten(message) || `The server answered with the JSON-RPC error ${rpcCode}.`,
  };
}

/** What was thrown, as a message that fits a fault: the text of an error, shortened. Never throws. */
export function describeThrown(thrown: unknown): string {
  try {
    return shorten(messageOf(thrown));
  } catch {
    return UNINSPECTABLE;
  }
}

function linkErrorFault(error: LinkError): Fault {
  switch (error.failure.kind) {
    case 'refused':
    case 'link':
      return error.failure.fault;
    case 'rpc':
      return classifyRpcError(error.failure.rpcCode, error.failure.message);
    case 'aborted':
      return { kind: 'closed', code: 'aborted', message: error.message };
  }
}

function judge(thrown: unknown, phase: FaultPhase): Verdict | null {
  const name = read(thrown, 'name');
  const code = read(thrown, 'code');
  if (phase !== 'factory') {
    if ((name === 'McpError' || name === 'ProtocolError') && typeof code === 'number') {
      return { kind: classifyRpcError(code, '').kind, code: `rpc:${code}` };
    }
    const isMalformed = typeof name === 'string' && MALFORMED_NAMES.has(name);
    if (isMalformed || code === 'INVALID_RESULT') return { kind: 'protocol', code: 'bad-message' };
  }
  const status = httpStatus(thrown);
  if (status !== null) return { kind: kindOfStatus(status, phase), code: `http:${status}` };
  if (typeof code === 'string') {
    const kind = kindOfSystemCode(code, read(thrown, 'syscall'), phase);
    if (kind) return { kind, code };
  }
  // The SDK's UnauthorizedError has neither a code nor a name of its own.
  if (name === 'UnauthorizedError' || read(read(thrown, 'constructor'), 'name') === 'UnauthorizedError') {
    return { kind: 'auth', code: 'unauthorized' };
  }
  if (name === 'TimeoutError') return { kind: 'timeout', code: 'timeout' };
  if (name === 'AbortError') return { kind: 'closed', code: 'aborted' };
  return null;
}

/** `status`, `statusCode`, or a numeric `code` in the range of HTTP errors: the SDK's HTTP transports put it there. */
function httpStatus(thrown: unknown): number | null {
  for (const key of ['status', 'statusCode', 'code']) {
    const value = read(thrown, key);
    if (typeof value === 'number' && Number.isInteger(value) && value >= 400 && value <= 599) return value;
  }
  return null;
}

function kindOfStatus(status: number, phase: FaultPhase): FaultKind {
  const isOpen = phase === 'open';
  if (status === 401 || status === 403 || status === 407) return 'auth';
  if (status === 404 || status === 410) return isOpen ? 'session-lost' : 'unreachable';
  if (status === 408) return 'timeout';
  if (status === 429) return 'overload';
  if (status >= 500) return isOpen ? 'transport' : 'unreachable';
  return 'protocol';
}

function kindOfSystemCode(code: string, syscall: unknown, phase: FaultPhase): FaultKind | null {
  if (UNREACHABLE_CODES.has(code) || code.startsWith('ERR_TLS_') || code.startsWith('ERR_SSL_')) return 'unreachable';
  if (BROKEN_CODES.has(code)) return 'transport';
  const isDialling = syscall === 'connect';
  if (TIMEOUT_CODES.has(code)) return isDialling ? 'unreachable' : 'timeout';
  if (SHORTAGE_CODES.has(code)) return 'overload';
  const isStarting = phase === 'start' || phase === 'factory';
  if (FILE_CODES.has(code)) {
    if (isDialling) return 'unreachable';
    const isSpawning = typeof syscall === 'string' && syscall.startsWith('spawn');
    return isSpawning || phase === 'start' ? 'spawn' : null;
  }
  return isStarting && (code === 'E2BIG' || code.startsWith('ERR_INVALID_')) ? 'config' : null;
}

function fallback(code: unknown, phase: FaultPhase): Verdict {
  const ownCode = typeof code === 'string' && /^[A-Z][A-Z0-9_]{1,63}$/.test(code) ? code : null;
  switch (phase) {
    case 'factory':
      return { kind: 'internal', code: 'factory-threw' };
    case 'start':
      return { kind: 'transport', code: ownCode ?? 'start-failed' };
    case 'handshake':
      return { kind: 'transport', code: ownCode ?? 'handshake-failed' };
    case 'open':
      return { kind: 'transport', code: ownCode ?? 'transport-error' };
  }
}

function causeChain(thrown: unknown): readonly unknown[] {
  const chain: unknown[] = [];
  let next: unknown = thrown;
  while (chain.length < MAX_CAUSE_DEPTH && !chain.includes(next)) {
    chain.push(next);
    const errors = read(next, 'errors');
    const cause = read(next, 'cause') ?? (Array.isArray(errors) ? read(errors, '0') : undefined);
    if (cause === undefined || cause === null) break;
    next = cause;
  }
  return chain;
}

function describe(thrown: unknown, decisive: unknown): string {
  const outer = messageOf(thrown);
  if (decisive === thrown) return shorten(outer);
  const inner = messageOf(decisive);
  return shorten(outer === inner ? inner : `${outer}: ${inner}`);
}

function messageOf(thrown: unknown): string {
  const message = typeof thrown === 'string' ? thrown : read(thrown, 'message');
  if (typeof message !== 'string' || message === '') return `A thrown ${nameOf(thrown)} has no message.`;
  // The SDK writes this prefix before every message; it only repeats the code.
  const prefix = `MCP error ${String(read(thrown, 'code'))}: `;
  return read(thrown, 'name') === 'McpError' && message.startsWith(prefix) ? message.slice(prefix.length) : message;
}

function nameOf(thrown: unknown): string {
  const name = read(thrown, 'name');
  if (typeof name === 'string' && name !== '') return name;
  return thrown === null ? 'null' : typeof thrown;
}

function shorten(text: string): string {
  return text.length <= MAX_FAULT_MESSAGE_LENGTH ? text : `${text.slice(0, MAX_FAULT_MESSAGE_LENGTH - 1)}…`;
}

function read(value: unknown, key: string): unknown {
  return (typeof value === 'object' && value !== null) || typeof value === 'function'
    ? Reflect.get(value, key)
    : undefined;
}
