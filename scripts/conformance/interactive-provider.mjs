// An OAuth provider whose person allows everything at once: it follows the address of the authorisation itself.
import { auth } from '@modelcontextprotocol/client';

/**
 * @param {string} serverUrl
 * @param {{ client_id?: string, client_secret?: string }} given client information that was agreed beforehand, if any
 */
export function interactiveProvider(serverUrl, given) {
  const redirectUrl = 'http://localhost:3000/callback';
  let client =
    given.client_id === undefined ? undefined : { client_id: given.client_id, client_secret: given.client_secret };
  let tokens;
  let verifier = '';
  let discovery;
  let asked;
  const provider = {
    redirectUrl,
    clientMetadataUrl: 'https://conformance-test.local/client-metadata.json',
    clientMetadata: {
      client_name: 'holdfast',
      redirect_uris: [redirectUrl],
      grant_types: ['authorization_code', 'refresh_token'],
      response_types: ['code'],
    },
    clientInformation: () => client,
    saveClientInformation: (information) => {
      client = information;
    },
    tokens: () => tokens,
    saveTokens: (saved) => {
      tokens = saved;
    },
    codeVerifier: () => verifier,
    saveCodeVerifier: (saved) => {
      verifier = saved;
    },
    discoveryState: () => discovery,
    saveDiscoveryState: (state) => {
      discovery = state;
    },
    invalidateCredentials: (scope) => {
      if (scope === 'all' || scope === 'client') client = undefined;
      if (scope === 'all' || scope === 'tokens') tokens = undefined;
      if (scope === 'all' || scope === 'discovery') discovery = undefined;
    },
    redirectToAuthorization: (address) => {
      asked = address;
    },
    /** Allows what was asked for last, and gets the tokens for it; false if nothing was. */
    async allow() {
      if (asked === undefined) return false;
      const address = asked;
      asked = undefined;
      const answer = await fetch(address, { redirect: 'manual' });
      const { searchParams } = new URL(answer.headers.get('location') ?? '', address);
      const authorizationCode = searchParams.get('code');
      if (authorizationCode === null) throw new Error('The authorisation server gave no code.');
      const iss = searchParams.get('iss') ?? undefined;
      await auth(provider, { serverUrl, authorizationCode, iss });
      // It holds for one authorisation: the server may name another place for the next.
      discovery = undefined;
      return true;
    },
  };
  return provider;
}
