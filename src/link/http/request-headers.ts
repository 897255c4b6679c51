import type { HeaderSource } from '../target.ts';
import { misuse, unsent } from './http-faults.ts';

/** What a request is for: each kind has its own fixed headers. */
export type RequestKind = 'message' | 'stream' | 'goodbye' | 'upgrade';

/** Set by the transport alone, or refused by HTTP/1.1 in a request: a user's own are left out. */
const RESERVED: ReadonlySet<string> = new Set([
  'accept',
  'connection',
  'content-length',
  'content-type',
  'expect',
  'host',
  'keep-alive',
  'last-event-id',
  'mcp-method',
  'mcp-name',
  'mcp-protocol-version',
  'mcp-session-id',
  'te',
  'trailer',
  'transfer-encoding',
  'upgrade',
]);

const FIXED: Readonly<Record<RequestKind, readonly string[]>> = {
  message: ['content-type', 'application/json', 'accept', 'application/json, text/event-stream'],
  stream: ['accept', 'text/event-stream'],
  goodbye: [],
  upgrade: [],
};

/**
 * The headers of every request of one transport, as names and values in turn. The caller's source is asked for each request; what it
 * throws fails that request alone. What does not change from one request to the next is put together once.
 */
export class RequestHeaders {
  readonly #source: HeaderSource;
  readonly #fixed: readonly string[] | null;
  readonly #cached = new Map<RequestKind, string[]>();
  #sessionId: string | undefined;
  #protocolVersion: string | undefined;

  constructor(source: HeaderSource) {
    this.#source = source;
    this.#fixed = typeof source === 'function' ? null : own(source);
  }

  get sessionId(): string | undefined {
    return this.#sessionId;
  }

  get protocolVersion(): string | undefined {
    return this.#protocolVersion;
  }

  /** From here on every request belongs to this session. */
  pinSession(sessionId: string): void {
    this.#sessionId = sessionId;
    this.#cached.clear();
  }

  setProtocolVersion(version: string): void {
    this.#protocolVersion = version;
    this.#cached.clear();
  }

  /**
   * The headers of one request; a promise only where the source gives one. `token` takes the place of an `authorization` of the
   * caller's. Throws, or rejects with, a `LinkError`, unsent, when the source fails. The array must not be changed.
   */
  compose(kind: RequestKind, token: string | undefined, lastEventId = ''): string[] | Promise<string[]> {
    const source = this.#source;
    if (this.#fixed !== null && token === undefined && lastEventId === '') {
      const cached = this.#cached.get(kind);
      if (cached !== undefined) return cached;
      const headers = this.#join(kind, this.#fixed, undefined, '');
      this.#cached.set(kind, headers);
      return headers;
    }
    if (this.#fixed !== null) return this.#join(kind, this.#fixed, token, lastEventId);
    if (typeof source !== 'function') return [];
    let asked: unknown;
    try {
      asked = source();
    } catch (error) {
      throw headersThrew(error);
    }
    if (!isThenable(asked)) return this.#join(kind, own(asked), token, lastEventId);
    return Promise.resolve(asked).then(
      (headers: unknown) => this.#join(kind, own(headers), token, lastEventId),
      (error: unknown) => Promise.reject(headersThrew(error)),
    );
  }

  #join(kind: RequestKind, ownHeaders: readonly string[], token: string | undefined, lastEventId: string): string[] {
    const headers: string[] = [...FIXED[kind]];
    for (let at = 0; at + 1 < ownHeaders.length; at += 2) {
      const name = ownHeaders[at] ?? '';
      if (token === undefined || name !== 'authorization') headers.push(name, ownHeaders[at + 1] ?? '');
    }
    if (token !== undefined) headers.push('authorization', `Bearer ${token}`);
    if (this.#sessionId !== undefined) headers.push('mcp-session-id', this.#sessionId);
    if (this.#protocolVersion !== undefined) headers.push('mcp-protocol-version', this.#protocolVersion);
    if (lastEventId !== '') headers.push('last-event-id', lastEventId);
    return headers;
  }
}

/** Whether it is a promise, of whatever make. */
export function isThenable(value: unknown): value is PromiseLike<unknown> {
  return typeof value === 'object' && value !== null && 'then' in value && typeof value.then === 'function';
}

/** The headers with those of one message, which overrule others of the same name. */
export function withMessageHeaders(headers: string[], more: readonly string[]): string[] {
  if (more.length === 0) return headers;
  const names = new Set(more.filter((_text, at) => at % 2 === 0));
  const merged = [...more];
  for (let at = 0; at + 1 < headers.length; at += 2) {
    const name = headers[at] ?? '';
    if (!names.has(name)) merged.push(name, headers[at + 1] ?? '');
  }
  return merged;
}

function own(source: unknown): readonly string[] {
  if (typeof source !== 'object' || source === null) throw headersThrew(new TypeError('The headers are no object.'));
  const headers: string[] = [];
  try {
    for (const [key, value] of Object.entries(source)) {
      const name = key.toLowerCase();
      if (RESERVED.has(name)) continue;
      if (typeof value === 'string') headers.push(name, value);
    }
  } catch (error) {
    throw headersThrew(error);
  }
  return headers;
}

/** The message of what was thrown stays out of the fault: it may hold the very secret that the function was to fetch. */
function headersThrew(error: unknown): Error {
  return unsent(misuse('headers-threw', 'The function that gives the headers of a request failed.'), error);
}
