/** `holdfast/auth`: OAuth clients for servers over HTTP, and where they keep what they are given. */
export { TokenFileError } from '../errors/token-file-error.ts';
export { clientCredentials, type ClientCredentialsOptions } from './client-credentials.ts';
export { fileTokenStore } from './file-token-store.ts';
export { oauthClient, type OAuthClientOptions } from './oauth-client.ts';
export { memoryTokenStore, type Credentials, type TokenStore } from './token-store.ts';
