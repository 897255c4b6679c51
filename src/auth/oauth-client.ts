import { randomUUID } from 'node:crypto';
import type { OAuthClientInformation, OAuthClientMetadata, OAuthProvider } from '../link/target.ts';
import { memoryTokenStore, type Credentials, type TokenStore } from './token-store.ts';

export interface OAuthClientOptions {
  /** Where the browser comes back to; the query that it comes with goes to `session.finishAuth`. */
  readonly redirectUrl: string | URL;
  /** Default: one that lasts as long as the process. */
  readonly store?: TokenStore | undefined;
  /** Under which name the store keeps this server. Default `default`: give each server its own, unless one permission is for all. */
  readonly key?: string | undefined;
  /** Shown to the person who is asked. Default `holdfast`. */
  readonly clientName?: string | undefined;
  readonly scope?: string | undefined;
  /** A client that is registered already; default: registered with the first authorisation, where the server allows that. */
  readonly client?: OAuthClientInformation | undefined;
  /** An https URL of this client's metadata, for authorisation servers that take that as its id. */
  readonly clientMetadataUrl?: string | undefined;
  /** Sends the person there, if `authRequired` is not what you go by. */
  readonly redirectToAuthorization?: ((url: URL) => void | Promise<void>) | undefined;
}

/** The OAuth client of one server that a person has to allow: registration, PKCE, state, and what it is given, kept in a store. */
export function oauthClient(options: OAuthClientOptions): OAuthProvider {
  const { redirectUrl, store = memoryTokenStore(), key = 'default', scope, client } = options;
  const clientMetadata: OAuthClientMetadata = {
    client_name: options.clientName ?? 'holdfast',
    redirect_uris: [String(redirectUrl)],
    grant_types: ['authorization_code', 'refresh_token'],
    response_types: ['code'],
    token_endpoint_auth_method: client?.client_secret === undefined ? 'none' : 'client_secret_basic',
    ...(scope !== undefined && { scope }),
  };
  const change = (changed: Partial<Credentials>): Promise<void> =>
    store.change(key, (before) => ({ ...before, ...changed }));
  return {
    redirectUrl,
    clientMetadata,
    ...(options.clientMetadataUrl !== undefined && { clientMetadataUrl: options.clientMetadataUrl }),
    state: () => randomUUID(),
    clientInformation: (context) => client ?? registered(store.read(key), context?.issuer),
    saveClientInformation: (information, context) => {
      const issuer = context?.issuer ?? information.issuer ?? '';
      return store.change(key, (before) => ({ ...before, clients: { ...before.clients, [issuer]: information } }));
    },
    tokens: () => store.read(key).tokens,
    saveTokens: (tokens) => change({ tokens }),
    redirectToAuthorization: async (url) => {
      await options.redirectToAuthorization?.(url);
    },
    saveCodeVerifier: (codeVerifier) => change({ codeVerifier }),
    codeVerifier: () => store.read(key).codeVerifier ?? '',
    saveDiscoveryState: (discovery) => change({ discovery }),
    discoveryState: () => store.read(key).discovery,
    invalidateCredentials: (what) =>
      store.change(key, (before) => ({
        tokens: what === 'all' || what === 'tokens' ? undefined : before.tokens,
        clients: what === 'all' || what === 'client' ? undefined : before.clients,
        codeVerifier: what === 'all' || what === 'verifier' ? undefined : before.codeVerifier,
        discovery: what === 'all' || what === 'discovery' ? undefined : before.discovery,
      })),
  };
}

/** What the client is with this issuer; without one, what it is with the only one that it knows. */
function registered({ clients = {} }: Credentials, issuer: string | undefined): OAuthClientInformation | undefined {
  if (issuer !== undefined) return Object.hasOwn(clients, issuer) ? clients[issuer] : undefined;
  const known = Object.values(clients);
  return known.length === 1 ? known[0] : undefined;
}
