import type { OAuthClientInformation, OAuthDiscoveryState, OAuthTokens } from '../link/target.ts';

/** What an OAuth client has for one server. */
export interface Credentials {
  readonly tokens?: OAuthTokens | undefined;
  /** What the client is registered as, by issuer: with another authorisation server it is another client. */
  readonly clients?: Readonly<Record<string, OAuthClientInformation>> | undefined;
  readonly codeVerifier?: string | undefined;
  readonly discovery?: OAuthDiscoveryState | undefined;
}

/** Where the credentials of servers are kept, by keys of your own. */
export interface TokenStore {
  /** Asked before each request. Empty for a server of which nothing is known. May throw, which fails that request, unsent. */
  read(key: string): Credentials;
  /** Replaces what is kept for one server, and touches nothing else. Resolves when it is safe. */
  change(key: string, changed: (before: Credentials) => Credentials): Promise<void>;
}

/** Keeps credentials as long as the process lives. */
export function memoryTokenStore(): TokenStore {
  const kept = new Map<string, Credentials>();
  return {
    read: (key) => kept.get(key) ?? {},
    change: async (key, changed) => {
      kept.set(key, changed(kept.get(key) ?? {}));
    },
  };
}
