import type { OAuthProvider } from '../link/target.ts';
import { memoryTokenStore, type TokenStore } from './token-store.ts';

export interface ClientCredentialsOptions {
  readonly clientId: string;
  readonly clientSecret: string;
  readonly scope?: string | undefined;
  /** Default: one that lasts as long as the process. */
  readonly store?: TokenStore | undefined;
  /** Under which name the store keeps this server. Default `default`. */
  readonly key?: string | undefined;
}

/** The OAuth client of a service that needs nobody's permission: the grant `client_credentials`, with a secret. */
export function clientCredentials(options: ClientCredentialsOptions): OAuthProvider {
  const { clientId, clientSecret, scope, store = memoryTokenStore(), key = 'default' } = options;
  return {
    redirectUrl: undefined,
    clientMetadata: {
      client_name: 'holdfast',
      redirect_uris: [],
      grant_types: ['client_credentials'],
      ...(scope !== undefined && { scope }),
    },
    clientInformation: () => ({ client_id: clientId, client_secret: clientSecret }),
    tokens: () => store.read(key).tokens,
    saveTokens: (tokens) => store.change(key, (before) => ({ ...before, tokens })),
    prepareTokenRequest: (asked) => {
      const wanted = scope ?? asked;
      return new URLSearchParams({
        grant_type: 'client_credentials',
        ...(wanted !== undefined && { scope: wanted }),
      });
    },
    redirectToAuthorization: () => {
      throw new Error('The grant client_credentials sends nobody anywhere.');
    },
    saveCodeVerifier: () => undefined,
    codeVerifier: () => '',
    invalidateCredentials: (what) =>
      what === 'all' || what === 'tokens'
        ? store.change(key, (before) => ({ ...before, tokens: undefined }))
        : undefined,
  };
}
