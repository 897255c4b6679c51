import { createServer } from 'node:http';
import type { IncomingMessage, Server, ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { OAuthClientProvider } from '@modelcontextprotocol/sdk/client/auth.js';
import type { OAuthTokens } from '@modelcontextprotocol/sdk/shared/auth.js';
import type { LeanServer } from './lean-server.ts';

/** An OAuth authorisation server that renews tokens: `token-1`, `token-2`, … */
export class AuthServer {
  /** What was asked of its token endpoint. */
  readonly grants: URLSearchParams[] = [];
  /** Decides how a renewal is answered, and when. */
  onGrant: () => unknown = () => undefined;
  resource = '';
  /** What its metadata call it; null: what it is. */
  issuer: string | null = null;
  readonly #server: Server;

  private constructor() {
    this.#server = createServer((request, response) => void this.#serve(request, response));
  }

  static async start(): Promise<AuthServer> {
    const server = new AuthServer();
    await new Promise<void>((resolve) => server.#server.listen(0, '127.0.0.1', resolve));
    return server;
  }

  get origin(): string {
    return `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}`;
  }

  /** The value of `www-authenticate` of the server that is protected, which describes how. */
  get challenge(): string {
    return `Bearer error="invalid_token", resource_metadata="${this.#description}"`;
  }

  get #description(): string {
    return new URL('/.well-known/oauth-protected-resource', this.resource || this.origin).href;
  }

  /** Has that server be protected by this one. */
  protect(server: LeanServer): void {
    this.resource = server.url;
    const { get } = server.script;
    server.script.get = (asked) => {
      if (new URL(asked.path, this.origin).pathname === new URL(this.#description).pathname) {
        asked.response.setHeader('content-type', 'application/json');
        asked.response.end(JSON.stringify({ resource: this.resource, authorization_servers: [this.origin] }));
      } else if (get) return get(asked);
      else asked.response.writeHead(405).end();
      return undefined;
    };
  }

  async stop(): Promise<void> {
    const closed = new Promise((resolve) => this.#server.close(resolve));
    this.#server.closeAllConnections();
    await closed;
  }

  async #serve(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const path = request.url ?? '';
    const chunks: Buffer[] = [];
    for await (const chunk of request) chunks.push(chunk as Buffer);
    const answer = (body: unknown, status = 200): void => {
      response.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify(body));
    };
    if (path.startsWith('/.well-known/oauth-authorization-server')) {
      answer({
        issuer: this.issuer ?? this.origin,
        authorization_endpoint: `${this.origin}/authorize`,
        token_endpoint: `${this.origin}/token`,
        response_types_supported: ['code'],
        code_challenge_methods_supported: ['S256'],
        token_endpoint_auth_methods_supported: ['none'],
      });
    } else if (path === '/token') {
      this.grants.push(new URLSearchParams(Buffer.concat(chunks).toString()));
      const number = this.grants.length;
      const refusal = await this.onGrant();
      if (refusal === undefined) {
        answer({ access_token: `token-${number}`, token_type: 'Bearer', refresh_token: `refresh-${number}` });
      } else answer(refusal, 400);
    } else {
      response.writeHead(404).end();
    }
  }
}

/** A provider as a user of the SDK writes one. */
export class TestProvider implements OAuthClientProvider {
  readonly redirectUrl = 'http://127.0.0.1:1/callback';
  readonly clientMetadata = { redirect_uris: ['http://127.0.0.1:1/callback'], client_name: 'test' };
  readonly redirects: URL[] = [];
  readonly saved: OAuthTokens[] = [];
  verifier = '';
  #tokens: OAuthTokens | undefined;
  readonly #issuer: string;

  constructor(issuer: string, tokens?: Partial<OAuthTokens>) {
    this.#issuer = issuer;
    if (tokens) this.#tokens = { access_token: 'token-0', token_type: 'Bearer', issuer, ...tokens };
  }

  clientInformation(): { client_id: string; issuer: string } {
    return { client_id: 'client', issuer: this.#issuer };
  }

  tokens(): OAuthTokens | undefined {
    return this.#tokens;
  }

  saveTokens(tokens: OAuthTokens): void {
    this.#tokens = tokens;
    this.saved.push(tokens);
  }

  redirectToAuthorization(url: URL): void {
    this.redirects.push(url);
  }

  saveCodeVerifier(verifier: string): void {
    this.verifier = verifier;
  }

  codeVerifier(): string {
    return this.verifier;
  }
}
