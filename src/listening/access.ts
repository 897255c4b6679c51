import { createHash, randomBytes, timingSafeEqual } from 'node:crypto';

/** The least length of a token that somebody chose, in characters: shorter ones can be guessed. */
export const MIN_TOKEN_LENGTH = 16;

/** A token that nobody can guess: 256 random bits. */
export function randomToken(): string {
  return randomBytes(32).toString('base64url');
}

/** What of a request says who sent it, and from where. */
export interface Claim {
  readonly host: string | undefined;
  readonly origin: string | undefined;
  /** What a browser says of where the request comes from. */
  readonly fetchSite: string | undefined;
  readonly authorization: string | undefined;
  readonly cookie: string | undefined;
}

/** Null: it may pass. */
export type Objection = { readonly status: 401 | 403 | 421; readonly code: string; readonly message: string } | null;

/**
 * Who may talk to the service. A page that a browser has open can send requests to addresses of this machine, also under a name of its own
 * that it lets resolve to them (DNS rebinding): so the name in `Host` must be one of ours, and `Origin`, where there is one, the same.
 */
export class Access {
  readonly #token: Buffer;
  readonly #session: Buffer;
  readonly #hosts: ReadonlySet<string> | null;
  /** What the cookie holds: it shows that the token was known, and does not tell it. */
  readonly sessionId: string;
  /** One host has one set of cookies for all its ports: each token has a name of its own. */
  readonly cookieName: string;

  /** `hosts`: the names, in lower case and without ports, that a request may be addressed to; null where no name leads here (a unix socket). */
  constructor(token: string, hosts: readonly string[] | null) {
    this.#token = digest(token);
    this.sessionId = createHash('sha256').update(`session:${token}`).digest('base64url');
    this.#session = digest(this.sessionId);
    this.cookieName = `holdfast-${createHash('sha256').update(`name:${token}`).digest('hex').slice(0, 8)}`;
    this.#hosts = hosts === null ? null : new Set(hosts);
  }

  /** Whether the request was meant for this service, and not sent here by somebody else's page. */
  objectionToPlace({ host, origin, fetchSite }: Claim): Objection {
    if (this.#hosts !== null && !this.#hosts.has(nameIn(host)))
      return { status: 421, code: 'WRONG_HOST', message: 'This service is not known by the name in the Host header.' };
    if (origin !== undefined && origin !== `http://${host}` && origin !== `https://${host}`)
      return { status: 403, code: 'WRONG_ORIGIN', message: 'Pages of other origins may not use this service.' };
    if (fetchSite !== undefined && fetchSite !== 'same-origin' && fetchSite !== 'none')
      return { status: 403, code: 'WRONG_ORIGIN', message: 'Pages of other origins may not use this service.' };
    return null;
  }

  /** Whether whoever sent the request knows the token, or has shown that before and got the cookie for it. */
  objectionToPerson({ authorization, cookie }: Claim): Objection {
    const bearer = /^Bearer ([^\s]+)$/i.exec(authorization ?? '')?.[1];
    if (bearer !== undefined && this.isToken(bearer)) return null;
    if (bearer === undefined && isSame(this.#session, cookieOf(cookie, this.cookieName))) return null;
    return {
      status: 401,
      code: 'UNAUTHORIZED',
      message:
        'The token is missing or wrong. Send "Authorization: Bearer …" with the token that the command has printed.',
    };
  }

  isToken(text: string): boolean {
    return isSame(this.#token, text);
  }
}

const digest = (text: string): Buffer => createHash('sha256').update(text).digest();

const isSame = (known: Buffer, text: string): boolean => timingSafeEqual(known, digest(text));

function nameIn(host: string | undefined): string {
  return (host ?? '').toLowerCase().replace(/:\d+$/u, '');
}

function cookieOf(header: string | undefined, name: string): string {
  for (const pair of (header ?? '').split(';')) {
    const [key, value] = pair.trim().split('=');
    if (key === name) return value ?? '';
  }
  return '';
}
