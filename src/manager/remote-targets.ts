import { withExpanded } from '../config/expanded-values.ts';
import { InvalidOptionError } from '../errors/usage-errors.ts';
import type { AuthProvider, HeaderSource, HttpTarget, WebSocketTarget } from '../link/target.ts';
import { hiddenObject } from './option-rules.ts';

export interface HttpOptions {
  /** Absolute, http: or https:, without user name and password in it. */
  readonly url: string | URL;
  /** Added to every request: an object, or a function that is asked before each request. Default none. */
  readonly headers?: HeaderSource | undefined;
  /** Default `auto`: Streamable HTTP, and the older HTTP+SSE transport where the server refuses that. */
  readonly mode?: HttpTarget['mode'] | undefined;
  /** Where bearer tokens come from. Default none: what the server asks for must be in `headers`. */
  readonly auth?: AuthProvider | undefined;
  /**
   * True: what an authorisation needs may be fetched from private addresses (loopback, 10.0.0.0/8, 192.168.0.0/16, fc00::/7, …), too. Default
   * false: only where the server itself is at one, since it is the server who says where to fetch.
   */
  readonly allowPrivateAddresses?: boolean | undefined;
}

export interface WebSocketOptions {
  /** Absolute, ws: or wss:, without user name and password in it. */
  readonly url: string | URL;
  /** Sent with the request that opens the connection: an object, or a function that is asked before each attempt. Default none. */
  readonly headers?: HeaderSource | undefined;
}

/**
 * A server behind HTTP. Headers that the transport or the protocol sets itself (Host, Accept, Content-Type, Mcp-Session-Id, …) are
 * refused. Throws `InvalidOptionError`, whose message quotes neither the URL nor the value of a header.
 */
export function http(options: HttpOptions): HttpTarget {
  return httpTarget(options, undefined);
}

/**
 * A server behind a WebSocket with the subprotocol `mcp`. Headers that the connection sets itself (Host, Upgrade, Sec-WebSocket-*, …)
 * are refused. Throws `InvalidOptionError`, whose message quotes neither the URL nor the value of a header.
 */
export function webSocket(options: WebSocketOptions): WebSocketTarget {
  return webSocketTarget(options, undefined);
}

const modes: readonly unknown[] = ['auto', 'streamable-http', 'sse'] satisfies readonly HttpTarget['mode'][];

export function httpTarget(options: HttpOptions, serverId: string | undefined): HttpTarget {
  hiddenObject(options, 'target', serverId);
  const { url, headers = {}, mode = 'auto', auth, allowPrivateAddresses = false } = options;
  const address = addressOf(url, httpAddress, serverId);
  if (!modes.includes(mode)) throw new InvalidOptionError('mode', mode, '"auto", "streamable-http" or "sse"', serverId);
  if (auth !== undefined && (typeof auth !== 'object' || auth === null))
    throw new InvalidOptionError('auth', auth, 'an object that gives tokens', serverId, true);
  if (typeof allowPrivateAddresses !== 'boolean')
    throw new InvalidOptionError('allowPrivateAddresses', allowPrivateAddresses, 'true or false', serverId);
  return Object.freeze({
    kind: 'http',
    url: address,
    headers: headersOf(headers, notOverHttp, serverId),
    mode,
    auth,
    ...(allowPrivateAddresses && { allowsPrivateAddresses: true }),
  });
}

export function webSocketTarget(options: WebSocketOptions, serverId: string | undefined): WebSocketTarget {
  hiddenObject(options, 'target', serverId);
  const { url, headers = {} } = options;
  const address = addressOf(url, webSocketAddress, serverId);
  return Object.freeze({ kind: 'webSocket', url: address, headers: headersOf(headers, notOverWebSocket, serverId) });
}

const httpAddress = {
  schemes: ['http:', 'https:'],
  expected: 'a whole http: or https: address like https://example.com/mcp (for ws: and wss: there is webSocket())',
};
const webSocketAddress = {
  schemes: ['ws:', 'wss:'],
  expected: 'a whole ws: or wss: address like wss://example.com/mcp (for http: and https: there is http())',
};

/** The address as it is dialled. A URL may hold a secret in any of its parts, so that no message quotes one. */
function addressOf(url: unknown, { schemes, expected }: typeof httpAddress, serverId: string | undefined): string {
  const text = url instanceof URL ? url.href : url;
  if (typeof text !== 'string') throw new InvalidOptionError('url', typeof text, expected, serverId);
  const parsed = URL.canParse(text) ? new URL(text) : undefined;
  if (parsed === undefined || !schemes.includes(parsed.protocol))
    throw new InvalidOptionError('url', url, expected, serverId, true);
  if (parsed.username !== '' || parsed.password !== '') {
    const fix = 'an address without a user name or a password in it: send them in a header, such as Authorization';
    throw new InvalidOptionError('url', url, fix, serverId, true);
  }
  parsed.hash = '';
  return parsed.href;
}

/** Why a header, by its name in small letters, is not the caller's to set; undefined where it is. */
type Reserved = (name: string) => string | undefined;

const ofConnection: ReadonlySet<string> = new Set([
  'host',
  'connection',
  'content-length',
  'transfer-encoding',
  'keep-alive',
  'upgrade',
  'expect',
  'te',
  'trailer',
]);
const ofProtocol: ReadonlySet<string> = new Set([
  'accept',
  'content-type',
  'mcp-session-id',
  'mcp-protocol-version',
  'last-event-id',
]);

const notOverHttp: Reserved = (name) => {
  if (ofConnection.has(name)) return 'the connection sets it itself';
  return ofProtocol.has(name) ? 'the protocol gives its value' : undefined;
};
const notOverWebSocket: Reserved = (name) =>
  name.startsWith('sec-websocket-') ? 'the opening of a WebSocket gives its value' : notOverHttp(name);

function headersOf(headers: HeaderSource, reserved: Reserved, serverId: string | undefined): HeaderSource {
  if (typeof headers === 'function') return headers;
  // Of a Headers or a Map there would be no entries to see, and none to send.
  if (typeof headers !== 'object' || headers === null || Symbol.iterator in headers) {
    const expected = 'a plain object of texts, or a function that gives one';
    throw new InvalidOptionError('headers', headers, expected, serverId, true);
  }
  const seen = new Set<string>();
  for (const [name, value] of Object.entries(headers)) {
    if (!/^[!#$%&'*+\-.^_`|~0-9A-Za-z]+$/.test(name)) {
      const expected = `an object whose keys are names of headers; ${JSON.stringify(name)} is none`;
      throw new InvalidOptionError('headers', name, expected, serverId, true);
    }
    const key = name.toLowerCase();
    const refuse = (expected: string) => new InvalidOptionError(`headers.${name}`, value, expected, serverId, true);
    const reason = reserved(key);
    if (reason !== undefined) throw refuse(`left out: ${reason}`);
    if (seen.has(key)) throw refuse('left out: the same header is there in another spelling');
    if (typeof value !== 'string') throw refuse('a text');
    if (/[^\t\x20-\x7e\x80-\xff]/.test(value)) throw refuse('free of line breaks and characters beyond Latin-1');
    seen.add(key);
  }
  return withExpanded(Object.freeze({ ...headers }), headers);
}
