import { auth, extractWWWAuthenticateParams } from '@modelcontextprotocol/client';
import type { OAuthProvider, TokenChallenge } from './auth-provider.ts';
import { authorizationStateOf } from './authorization-state.ts';
import { GuardedFetch } from './guarded-fetch.ts';
import type { AuthorizedServer } from './guarded-fetch.ts';

/**
 * Runs the SDK's OAuth flow for a server that refused a request: renews the tokens, which gives null, or sends the person in charge to where
 * new ones can be had, which gives that address. Rejects with what the SDK or the provider threw, or with `AddressRefusedError` where that
 * came of an address that was not asked. Loading this file loads the SDK v2: its flow is the one that checks who issued what.
 */
export async function authorise(
  provider: OAuthProvider,
  server: AuthorizedServer,
  { status, wwwAuthenticate }: TokenChallenge,
): Promise<URL | null> {
  const asked = extractWWWAuthenticateParams(
    new Response(null, { status, headers: wwwAuthenticate === null ? {} : { 'www-authenticate': wwwAuthenticate } }),
  );
  const scope = status === 403 ? union((await provider.tokens())?.scope, asked.scope) : asked.scope;
  let sentTo: URL | null = null;
  const kept = keepingDiscovery(provider);
  let isDiscovered = false;
  const watched = overridden(provider, {
    redirectToAuthorization: async (url) => {
      sentTo = url;
      await provider.redirectToAuthorization(url);
    },
    saveDiscoveryState: async (discovered) => {
      isDiscovered = true;
      await kept.saveDiscoveryState(discovered);
    },
    // Who authorises for the server may have changed: each time, that is found out anew.
    discoveryState: () => (isDiscovered ? kept.discoveryState() : undefined),
  });
  const guarded = new GuardedFetch(server);
  try {
    if (asked.resourceMetadataUrl !== undefined) guarded.checkResourceMetadata(asked.resourceMetadataUrl);
    await auth(watched, {
      serverUrl: server.url,
      ...(scope === undefined ? {} : { scope }),
      ...(asked.resourceMetadataUrl === undefined ? {} : { resourceMetadataUrl: asked.resourceMetadataUrl }),
      // A renewed token has the scope of the one before it.
      forceReauthorization: status === 403,
      fetchFn: guarded.fetch,
    });
    return sentTo;
  } catch (error) {
    throw guarded.refused ?? error;
  } finally {
    await guarded.end();
  }
}

/** Exchanges the code that the person came back with for tokens. Rejects with what the SDK or the provider threw. */
export async function exchangeCode(
  provider: OAuthProvider,
  server: AuthorizedServer,
  code: string,
  issuer: string | undefined,
): Promise<void> {
  const guarded = new GuardedFetch(server);
  try {
    await auth(overridden(provider, keepingDiscovery(provider)), {
      serverUrl: server.url,
      authorizationCode: code,
      ...(issuer === undefined ? {} : { iss: issuer }),
      fetchFn: guarded.fetch,
    });
  } catch (error) {
    throw guarded.refused ?? error;
  } finally {
    await guarded.end();
  }
}

/** What was granted and what is missing now: new tokens take the place of the old ones, and must not allow less. */
function union(granted: string | undefined, missing: string | undefined): string | undefined {
  if (granted === undefined || missing === undefined) return missing;
  return [...new Set([...granted.split(' '), ...missing.split(' ')])].join(' ');
}

type Overrides = Partial<Pick<OAuthProvider, 'redirectToAuthorization' | 'saveDiscoveryState' | 'discoveryState'>>;

/** Has what is found out kept for the way back, also where the provider does not keep it itself. */
function keepingDiscovery(
  provider: OAuthProvider,
): Required<Pick<OAuthProvider, 'saveDiscoveryState' | 'discoveryState'>> {
  const state = authorizationStateOf(provider);
  return {
    saveDiscoveryState: async (discovered) => {
      state.discovered = discovered;
      await provider.saveDiscoveryState?.(discovered);
    },
    discoveryState: () => provider.discoveryState?.() ?? state.discovered,
  };
}

/** The same provider, but for these. A class with private fields works, as its methods are called on itself. */
function overridden(provider: OAuthProvider, overrides: Overrides): OAuthProvider {
  return new Proxy(provider, {
    get(target, key) {
      if (Object.hasOwn(overrides, key)) return Reflect.get(overrides, key) as unknown;
      const value: unknown = Reflect.get(target, key, target);
      return typeof value === 'function' ? (value.bind(target) as unknown) : value;
    },
  });
}
