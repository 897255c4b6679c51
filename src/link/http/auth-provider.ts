/**
 * Where the credentials of a server come from. The types are written out so that no SDK type becomes part of holdfast's own: an
 * OAuth provider that was made for either MCP SDK fits as it is.
 */

/** What a server answered to a request whose token, if there was one, did not suffice. */
export interface TokenChallenge {
  readonly status: 401 | 403;
  /** The header of that name, which says what the server wants; null when it did not come. */
  readonly wwwAuthenticate: string | null;
}

/** The plain kind of provider: something that knows a bearer token. */
export interface TokenSource {
  /** Asked before each request, so keep it cheap. Undefined: send none. What it throws fails that request, unsent. */
  token(): string | undefined | Promise<string | undefined>;
  /**
   * The token was refused: get another one. Called once for all the requests that were refused together, whatever their number and
   * however many servers share the provider; they are sent again, once each, if `token()` gives another token afterwards. Without
   * it, or if it throws, the server waits in `auth`.
   */
  onUnauthorized?(challenge: TokenChallenge): void | Promise<void>;
}

export interface OAuthTokens {
  access_token: string;
  token_type: string;
  id_token?: string | undefined;
  expires_in?: number | undefined;
  scope?: string | undefined;
  refresh_token?: string | undefined;
  issuer?: string | undefined;
}

export interface OAuthClientMetadata {
  redirect_uris: string[];
  token_endpoint_auth_method?: string | undefined;
  grant_types?: string[] | undefined;
  response_types?: string[] | undefined;
  client_name?: string | undefined;
  client_uri?: string | undefined;
  logo_uri?: string | undefined;
  scope?: string | undefined;
  contacts?: string[] | undefined;
  tos_uri?: string | undefined;
  policy_uri?: string | undefined;
  jwks_uri?: string | undefined;
  jwks?: unknown;
  software_id?: string | undefined;
  software_version?: string | undefined;
  software_statement?: string | undefined;
}

export interface OAuthClientInformation {
  client_id: string;
  client_secret?: string | undefined;
  client_id_issued_at?: number | undefined;
  client_secret_expires_at?: number | undefined;
  issuer?: string | undefined;
}

export interface OAuthServerMetadata {
  [key: string]: unknown;
  issuer: string;
  authorization_endpoint: string;
  token_endpoint: string;
  response_types_supported: string[];
  registration_endpoint?: string | undefined;
  scopes_supported?: string[] | undefined;
  response_modes_supported?: string[] | undefined;
  grant_types_supported?: string[] | undefined;
  token_endpoint_auth_methods_supported?: string[] | undefined;
  token_endpoint_auth_signing_alg_values_supported?: string[] | undefined;
  service_documentation?: string | undefined;
  revocation_endpoint?: string | undefined;
  revocation_endpoint_auth_methods_supported?: string[] | undefined;
  revocation_endpoint_auth_signing_alg_values_supported?: string[] | undefined;
  introspection_endpoint?: string | undefined;
  introspection_endpoint_auth_methods_supported?: string[] | undefined;
  introspection_endpoint_auth_signing_alg_values_supported?: string[] | undefined;
  code_challenge_methods_supported?: string[] | undefined;
  client_id_metadata_document_supported?: boolean | undefined;
}

export interface OAuthResourceMetadata {
  [key: string]: unknown;
  resource: string;
  authorization_servers?: string[] | undefined;
  jwks_uri?: string | undefined;
  scopes_supported?: string[] | undefined;
  bearer_methods_supported?: string[] | undefined;
  resource_signing_alg_values_supported?: string[] | undefined;
  resource_name?: string | undefined;
  resource_documentation?: string | undefined;
  resource_policy_uri?: string | undefined;
  resource_tos_uri?: string | undefined;
  tls_client_certificate_bound_access_tokens?: boolean | undefined;
  authorization_details_types_supported?: string[] | undefined;
  dpop_signing_alg_values_supported?: string[] | undefined;
  dpop_bound_access_tokens_required?: boolean | undefined;
}

/** What was found out about where to authorise, for a provider that wants to keep it. */
export interface OAuthDiscoveryState {
  authorizationServerUrl: string;
  authorizationServerMetadata?: OAuthServerMetadata;
  resourceMetadata?: OAuthResourceMetadata;
  resourceMetadataUrl?: string;
}

/** With whom the client deals: what it is registered as with one issuer, it is not with another. */
export interface OAuthIssuerContext {
  issuer?: string | undefined;
}

/**
 * The full kind of provider: an OAuth client for one server, in the shape of the MCP SDKs' `OAuthClientProvider`, whose
 * documentation holds for it. `tokens()` is asked before each request.
 *
 * Tokens are renewed once for all requests that were refused together. An authorisation that has to go through a browser is
 * started once and then waited for: until `tokens()` gives another token, no second one is started, since it would make the first
 * one's answer worthless.
 */
export interface OAuthProvider {
  get redirectUrl(): string | URL | undefined;
  clientMetadataUrl?: string;
  get clientMetadata(): OAuthClientMetadata;
  state?(): string | Promise<string>;
  clientInformation(
    context?: OAuthIssuerContext,
  ): OAuthClientInformation | undefined | Promise<OAuthClientInformation | undefined>;
  saveClientInformation?(clientInformation: OAuthClientInformation, context?: OAuthIssuerContext): void | Promise<void>;
  tokens(): OAuthTokens | undefined | Promise<OAuthTokens | undefined>;
  saveTokens(tokens: OAuthTokens): void | Promise<void>;
  redirectToAuthorization(authorizationUrl: URL): void | Promise<void>;
  saveCodeVerifier(codeVerifier: string): void | Promise<void>;
  codeVerifier(): string | Promise<string>;
  addClientAuthentication?: (
    headers: Headers,
    params: URLSearchParams,
    url: string | URL,
    metadata?: OAuthServerMetadata,
  ) => void | Promise<void>;
  validateResourceURL?(serverUrl: string | URL, resource?: string): Promise<URL | undefined>;
  invalidateCredentials?(scope: 'all' | 'client' | 'tokens' | 'verifier' | 'discovery'): void | Promise<void>;
  prepareTokenRequest?(scope?: string): URLSearchParams | Promise<URLSearchParams | undefined> | undefined;
  saveDiscoveryState?(state: OAuthDiscoveryState): void | Promise<void>;
  discoveryState?(): OAuthDiscoveryState | undefined | Promise<OAuthDiscoveryState | undefined>;
}

export type AuthProvider = TokenSource | OAuthProvider;

/** Whether it is the full kind of provider, with a flow of its own. */
export function isOAuth(provider: TokenSource | OAuthProvider): provider is OAuthProvider {
  return 'tokens' in provider;
}
