import type { Fault } from '../fault.ts';
import { AddressRefusedError } from './address-refused-error.ts';
import { isOAuth } from './auth-provider.ts';
import type { AuthProvider, TokenChallenge } from './auth-provider.ts';
import type { AuthorizedServer } from './guarded-fetch.ts';
import { headerOf } from './http-exchange.ts';
import { authorizationStateOf, takeOff } from './authorization-state.ts';
import type { AuthorizationState, Mended } from './authorization-state.ts';
import type { ResponseHead } from './http-exchange.ts';
import { misuse, unsent } from './http-faults.ts';
import { isThenable } from './request-headers.ts';

/** Gives each request its bearer token, and gets another one when it was refused. */
export class AuthGate {
  readonly #provider: AuthProvider | undefined;
  readonly #server: AuthorizedServer;
  readonly #onToken: ((token: string) => void) | undefined;

  constructor(provider: AuthProvider | undefined, server: AuthorizedServer, onToken?: (token: string) => void) {
    this.#provider = provider;
    this.#server = server;
    this.#onToken = onToken;
  }

  /** The present token; a promise only where the provider gives one. Throws, or rejects with, a `LinkError`, unsent. */
  token(): string | undefined | Promise<string | undefined> {
    const provider = this.#provider;
    if (provider === undefined) return undefined;
    try {
      if (!isOAuth(provider)) return orFail(provider.token(), (token) => this.#told(token));
      return orFail(provider.tokens(), (tokens) => {
        this.#told(tokens?.refresh_token);
        this.#told(tokens?.id_token);
        return this.#told(tokens?.access_token);
      });
    } catch (error) {
      throw tokenThrew(error);
    }
  }

  #told(token: string | undefined): string | undefined {
    if (token !== undefined) this.#onToken?.(token);
    return token;
  }

  /** Whether another token could change this answer: 401, and 403 where the server says that the scope is too small. */
  canMend(head: ResponseHead): boolean {
    if (this.#provider === undefined) return false;
    if (head.status === 401) return true;
    return head.status === 403 && /\berror="?insufficient_scope\b/i.test(headerOf(head, 'www-authenticate') ?? '');
  }

  /**
   * Gets another token than the one that was refused: once for all who ask at the same time, and not at all when the provider has
   * another one by now. Never rejects.
   */
  async mend(head: ResponseHead, refused: string | undefined): Promise<Mended> {
    const provider = this.#provider;
    const challenge: TokenChallenge = {
      status: head.status === 403 ? 403 : 401,
      wwwAuthenticate: headerOf(head, 'www-authenticate'),
    };
    if (provider === undefined)
      return authFault(`http:${challenge.status}`, 'It wants a token, and none is configured.');
    const state = authorizationStateOf(provider);
    // Before the provider is asked: in the time that it takes to answer, the renewal could come and go.
    if (state.flight !== null) return state.flight;
    const { landed } = state;
    const present = await this.#present();
    // Again, since it did take that time.
    if (state.flight !== null) return state.flight;
    if (state.landed !== null && state.landed !== landed) return state.landed.mended;
    if (present.fault) return present.fault;
    const { token } = present;
    if (token !== undefined && token !== state.pending?.token) state.pending = null;
    if (token !== undefined && token !== refused) return null;
    if (state.pending !== null) return waitingFor(state.pending.url);
    return takeOff(state, () => this.#renew(provider, state, challenge, refused));
  }

  async #renew(
    provider: AuthProvider,
    state: AuthorizationState,
    challenge: TokenChallenge,
    refused: string | undefined,
  ): Promise<Mended> {
    try {
      if (isOAuth(provider)) {
        const { authorise } = await import('./oauth-flow.ts');
        const url = await authorise(provider, this.#server, challenge);
        if (url === null) return null;
        state.pending = { token: (await this.#present()).token, url };
        return waitingFor(url);
      }
      await provider.onUnauthorized?.(challenge);
    } catch (error) {
      if (error instanceof AddressRefusedError) return authFault('address-refused', error.message);
      // What else was thrown may quote a token, or an answer that holds one.
      return authFault('authorization-failed', `Getting another token failed${nameOf(error)}.`);
    }
    const present = await this.#present();
    if (present.fault) return present.fault;
    return present.token === undefined || present.token === refused
      ? authFault(`http:${challenge.status}`, 'Its provider has no other token than the one that was refused.')
      : null;
  }

  async #present(): Promise<{ readonly token: string | undefined; readonly fault?: Fault }> {
    try {
      return { token: await this.token() };
    } catch (error) {
      return {
        token: undefined,
        fault: authFault('token-threw', `The provider of its token failed${nameOf(error)}.`),
      };
    }
  }
}

function waitingFor(url: URL): Fault {
  const fault = authFault(
    'authorization-pending',
    'Somebody has to allow it at the address that its provider was given.',
  );
  return { ...fault, authorizationUrl: url.href };
}

function authFault(code: string, why: string): Fault {
  return { kind: 'auth', code, message: `The server refuses the credentials. ${why}` };
}

function orFail<T>(
  value: T | Promise<T>,
  read: (value: T) => string | undefined,
): string | undefined | Promise<string | undefined> {
  if (!isThenable(value)) return read(value);
  return Promise.resolve(value).then(read, (error: unknown) => Promise.reject(tokenThrew(error)));
}

function tokenThrew(error: unknown): Error {
  return unsent(misuse('token-threw', `The provider of the token failed${nameOf(error)}.`), error);
}

/** The kind of error, for those that have one worth telling: OAuth's own codes are short words. */
function nameOf(error: unknown): string {
  const code: unknown = error instanceof Error && 'code' in error ? error.code : undefined;
  if (typeof code === 'string' && /^[a-z_]{1,40}$/.test(code)) return ` (${code})`;
  return error instanceof Error && /^[A-Za-z]{1,40}$/.test(error.name) ? ` (${error.name})` : '';
}
