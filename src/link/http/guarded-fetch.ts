import { lookup } from 'node:dns';
import type { LookupAddress, LookupAllOptions } from 'node:dns';
import { BlockList, isIP } from 'node:net';
import type { LookupFunction } from 'node:net';
import { Agent, Pool } from 'undici';
import { AddressRefusedError } from './address-refused-error.ts';
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
] as const) {
  PRIVATE.addSubnet(network, prefix, 'ipv4');
  // Where there is no IPv4, every IPv4 address has one of these.
  PRIVATE.addSubnet(`64:ff9b::${network}`, 96 + prefix, 'ipv6');
}
for (const [network, prefix] of [
  ['::', 96],
  ['fc00::', 7],
  ['fe80::', 10],
  ['fec0::', 10],
  ['ff00::', 8],
  // Ways to an IPv4 address that cannot be told to be a public one.
  ['64:ff9b:1::', 48],
  ['2001::', 32],
  ['2002::', 16],
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

/**
 * Fetches what an authorisation needs, from where servers say that it is, which need not be true: so not from private addresses, but for
 * the MCP server's own; not without TLS, but from private addresses that may be asked; what describes the MCP server's own protection from
 * its own origin alone; and redirected within one origin only. Names are judged by the addresses that the connection is made to.
 */
export class GuardedFetch {
  readonly #server: URL;
  readonly #allowsPrivate: boolean;
  readonly #resolve: ResolveName;
  readonly #agent: Agent;
  #refused: AddressRefusedError | undefined;

  /** `resolve` is for tests: what finds the addresses of a name. Default: that of the system. */
  constructor({ url, allowsPrivateAddresses = false }: AuthorizedServer, resolve: ResolveName = lookup) {
    this.#resolve = resolve;
    this.#server = url;
    this.#allowsPrivate = allowsPrivateAddresses;
    // Connections of its own, so that none outlives the flow.
    this.#agent = new Agent({
      factory: (origin) =>
        new Pool(origin, {
          headersTimeout: ANSWER_LIMIT_MS,
          bodyTimeout: ANSWER_LIMIT_MS,
          connect: { timeout: ANSWER_LIMIT_MS, lookup: this.#lookupFor(new URL(origin)) },
        }),
    });
  }

  /** The last address that was not asked: the SDK goes on without some of its answers, and fails with something else. */
  get refused(): AddressRefusedError | undefined {
    return this.#refused;
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
      if (next.origin !== at.origin) throw this.#refusal(next, `${at.origin} points there, which is another origin`);
      if (redirects === MAX_REDIRECTS) throw this.#refusal(next, `it is redirected more than ${MAX_REDIRECTS} times`);
      at = next;
    }
  };

  /** Throws where a description of what protects the server is at another origin than the server. */
  checkResourceMetadata(url: URL): void {
    if (url.origin === this.#server.origin) return;
    throw this.#refusal(url, `what protects ${this.#server.origin} is described there alone`);
  }

  async end(): Promise<void> {
    await this.#agent.destroy();
  }

  #check(url: URL): void {
    if (url.username !== '' || url.password !== '') throw this.#refusal(url, 'it holds credentials');
    if (url.protocol !== 'https:' && url.protocol !== 'http:') throw this.#refusal(url, 'it has no TLS');
    if (url.pathname.startsWith('/.well-known/oauth-protected-resource')) this.checkResourceMetadata(url);
    const why = this.#whyNot(url, isPrivateHost(url.hostname), isName(url.hostname));
    if (why !== null) throw this.#refusal(url, why);
  }

  /** What is against an address of this URL; of a name that is still to be found, what is against any that it could have. */
  #whyNot(url: URL, isAddressPrivate: boolean, isUnknown = false): string | null {
    const mayBePrivate = this.#mayBePrivate(url);
    if (isAddressPrivate && !mayBePrivate) return 'its address is private';
    if (url.protocol === 'https:' || isAddressPrivate) return null;
    return isUnknown && mayBePrivate ? null : 'it has no TLS';
  }

  /** Whether the MCP server is there itself, so that nothing is reached which it is not reached by. */
  #mayBePrivate({ origin, hostname }: URL): boolean {
    if (this.#allowsPrivate || origin === this.#server.origin) return true;
    if (isLoopback(hostname)) return isLoopback(this.#server.hostname);
    return isPrivateHost(hostname) && hostname === this.#server.hostname;
  }

  #refusal(url: URL, why: string): AddressRefusedError {
    this.#refused = new AddressRefusedError(url, why);
    return this.#refused;
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

  #lookupFor(origin: URL): LookupFunction {
    return (hostname, options, callback) => {
      this.#resolve(hostname, { ...options, all: true }, (error, addresses) => {
        const why = addressesOf(error, addresses)
          .map(({ address }) => this.#whyNot(origin, isPrivate(address)))
          .find((each) => each !== null);
        if (error) callback(error, []);
        else if (typeof why === 'string') callback(this.#refusal(origin, why), []);
        else if (options.all === true) callback(null, addresses);
        else callback(null, addresses[0]?.address ?? '', addresses[0]?.family);
      });
    };
  }
}

/** None where the name was not found. */
const addressesOf = (error: Error | null, addresses: readonly LookupAddress[]): readonly LookupAddress[] =>
  error === null ? addresses : [];

/** Without the brackets of IPv6. */
const bare = (hostname: string): string => hostname.replace(/^\[|\]$/gu, '');

const isName = (hostname: string): boolean => isIP(bare(hostname)) === 0;

/** An address or a name of this machine. A name may begin with `127.`, and be anybody's. */
function isLoopback(hostname: string): boolean {
  if (isName(hostname)) return hostname === 'localhost' || hostname.endsWith('.localhost');
  return hostname === '[::1]' || (isIP(hostname) === 4 && hostname.startsWith('127.'));
}

/** Of a name, only whether it is this machine's: what else is private shows in its address. */
function isPrivateHost(hostname: string): boolean {
  return isName(hostname) ? isLoopback(hostname) : isPrivate(bare(hostname));
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
