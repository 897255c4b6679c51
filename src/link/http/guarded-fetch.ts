import { lookup } from 'node:dns';
import type { LookupAddress, LookupAllOptions } from 'node:dns';
import { BlockList, isIP } from 'node:net';
import type { LookupFunction } from 'node:net';
import { Agent } from 'undici';
import { WholeAnswer } from './whole-answer.ts';

/** How long an authorisation server may take to be connected and to go on, in milliseconds. */
const ANSWER_LIMIT_MS = 5_000;

/** How often an answer may point to another address of the same origin. */
const MAX_REDIRECTS = 3;

const PRIVATE = new BlockList();
for (const [network, prefix] of [
  ['0.0.0.0', 8],
  ['10.0.0.0', 8],
  ['100.64.0.0', 10],
  ['127.0.0.0', 8],
  ['169.254.0.0', 16],
  ['172.16.0.0', 12],
  ['192.0.0.0', 24],
  ['192.168.0.0', 16],
  ['198.18.0.0', 15],
  ['224.0.0.0', 3],
] as const)
  PRIVATE.addSubnet(network, prefix, 'ipv4');
for (const [network, prefix] of [
  ['::', 127],
  ['fc00::', 7],
  ['fe80::', 10],
  ['ff00::', 8],
] as const)
  PRIVATE.addSubnet(network, prefix, 'ipv6');

/** Finds all addresses of a name, as `dns.lookup` does. */
export type ResolveName = (
  hostname: string,
  options: LookupAllOptions,
  callback: (error: NodeJS.ErrnoException | null, addresses: LookupAddress[]) => void,
) => void;

/** The MCP server that an authorisation is for. */
export interface AuthorizedServer {
  readonly url: URL;
  /** Private addresses may be asked although the server itself is not at one. Default false. */
  readonly allowsPrivateAddresses?: boolean | undefined;
}

/** Why an address that an authorisation would go to is not gone to. Its message names the address without its query. */
class AddressRefusedError extends Error {
  override readonly name = 'AddressRefusedError';

  constructor(url: URL, why: string) {
    super(`${url.origin}${url.pathname} is not asked: ${why}.`);
  }
}

/**
 * Fetches what an authorisation needs, from where servers say that it is, which need not be true: so not from private addresses, unless the
 * MCP server itself is at one; not without TLS, but on this machine; what describes the MCP server's own protection from its own origin
 * alone; and redirected within one origin only. Private names are found by the address that the connection is made to.
 */
export class GuardedFetch {
  readonly #server: URL;
  readonly #allowsPrivate: boolean;
  readonly #resolve: ResolveName;
  readonly #agent: Agent;

  /** `resolve` is for tests: what finds the addresses of a name. Default: that of the system. */
  constructor({ url, allowsPrivateAddresses = false }: AuthorizedServer, resolve: ResolveName = lookup) {
    this.#resolve = resolve;
    this.#server = url;
    this.#allowsPrivate = allowsPrivateAddresses || isPrivateHost(url.hostname);
    // Connections of its own, so that none outlives the flow.
    this.#agent = new Agent({
      headersTimeout: ANSWER_LIMIT_MS,
      bodyTimeout: ANSWER_LIMIT_MS,
      connect: { timeout: ANSWER_LIMIT_MS, lookup: this.#lookup },
    });
  }

  /** In the shape that the SDK takes. */
  readonly fetch = async (url: string | URL, init: RequestInit = {}): Promise<Response> => {
    let at = new URL(url);
    for (let redirects = 0; ; redirects += 1) {
      this.#check(at);
      const response = await this.#send(at, init);
      const location = response.headers.get('location');
      if (response.status < 300 || response.status >= 400 || location === null) {
        return isTokenRequest(init) ? harmless(response) : response;
      }
      const next = new URL(location, at);
      if (next.origin !== at.origin)
        throw new AddressRefusedError(next, `${at.origin} points there, which is another origin`);
      if (redirects === MAX_REDIRECTS)
        throw new AddressRefusedError(next, `it is redirected more than ${MAX_REDIRECTS} times`);
      at = next;
    }
  };

  /** Throws where a description of what protects the server is at another origin than the server. */
  checkResourceMetadata(url: URL): void {
    if (url.origin === this.#server.origin) return;
    throw new AddressRefusedError(url, `what protects ${this.#server.origin} is described there alone`);
  }

  async end(): Promise<void> {
    await this.#agent.destroy();
  }

  #check(url: URL): void {
    if (url.username !== '' || url.password !== '') throw new AddressRefusedError(url, 'it holds credentials');
    const isLocal = isLoopbackName(url.hostname);
    if (url.protocol !== 'https:' && !(url.protocol === 'http:' && (isLocal || this.#allowsPrivate))) {
      throw new AddressRefusedError(url, 'it has no TLS');
    }
    if (url.pathname.startsWith('/.well-known/oauth-protected-resource')) this.checkResourceMetadata(url);
    if (!this.#allowsPrivate && isPrivateHost(url.hostname))
      throw new AddressRefusedError(url, 'its address is private');
  }

  async #send(url: URL, { method, headers, body }: RequestInit): Promise<Response> {
    const answer = new WholeAnswer();
    const sent = body instanceof URLSearchParams || typeof body === 'string' ? body.toString() : null;
    this.#agent.dispatch(
      {
        origin: url.origin,
        path: `${url.pathname}${url.search}`,
        method: methodOf(method),
        headers: { ...Object.fromEntries(new Headers(headers)), 'accept-encoding': 'identity' },
        body: sent,
      },
      answer,
    );
    return answer.response;
  }

  readonly #lookup: LookupFunction = (hostname, options, callback) => {
    this.#resolve(hostname, { ...options, all: true }, (error, addresses) => {
      if (error) {
        callback(error, []);
        return;
      }
      const refused = this.#allowsPrivate ? undefined : addresses.find(({ address }) => isPrivate(address));
      if (refused !== undefined) {
        callback(Object.assign(new Error(`${hostname} has a private address`), { code: 'EPRIVATE' }), []);
        return;
      }
      if (options.all === true) callback(null, addresses);
      else callback(null, addresses[0]?.address ?? '', addresses[0]?.family);
    });
  };
}

function isLoopbackName(hostname: string): boolean {
  return (
    hostname === 'localhost' || hostname.endsWith('.localhost') || hostname.startsWith('127.') || hostname === '[::1]'
  );
}

/** Of a name, only whether it is this machine's: what else is private shows in its address. */
function isPrivateHost(hostname: string): boolean {
  const address = hostname.replace(/^\[|\]$/gu, '');
  return isIP(address) === 0 ? isLoopbackName(hostname) : isPrivate(address);
}

function isPrivate(address: string): boolean {
  const mapped = /^::ffff:(\d+\.\d+\.\d+\.\d+)$/iu.exec(address)?.[1] ?? address;
  return PRIVATE.check(mapped, isIP(mapped) === 6 ? 'ipv6' : 'ipv4');
}

function methodOf(method: string | undefined): 'GET' | 'POST' {
  if (method === undefined || method === 'GET' || method === 'POST') return method ?? 'GET';
  throw new Error(`No authorisation sends ${method}.`);
}

function isTokenRequest({ body }: RequestInit): boolean {
  return body instanceof URLSearchParams && body.has('grant_type');
}

/** What an answer to a request for tokens may say: the SDK quotes what else there is in its errors, and prints some of those. */
async function harmless(answer: Response): Promise<Response> {
  const said = parsed(await answer.text());
  if (answer.ok) {
    if (typeof said['access_token'] !== 'string' || typeof said['token_type'] !== 'string') throw new NoTokensError();
    return Response.json(said);
  }
  const { error } = said;
  const code = typeof error === 'string' && /^[a-z_]{1,40}$/u.test(error) ? error : 'server_error';
  return Response.json({ error: code }, { status: answer.status });
}

class NoTokensError extends Error {
  override readonly name = 'NoTokensError';

  constructor() {
    super('The authorisation server answered with something that holds no token.');
  }
}

function parsed(text: string): Readonly<Record<string, unknown>> {
  try {
    const value: unknown = JSON.parse(text);
    return typeof value === 'object' && value !== null ? { ...value } : {};
  } catch {
    return {};
  }
}
