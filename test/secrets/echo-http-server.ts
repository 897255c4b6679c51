import { once } from 'node:events';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { control, spellings } from './canaries.ts';

/** An HTTP status, the rest of a JSON-RPC answer, or neither: 202. */
export type Echo = number | Readonly<Record<string, unknown>> | undefined;

/** What to answer to a message of this method; `everything` is all that the request was made with, in every spelling. */
export type EchoScript = (method: string, everything: string, params: Readonly<Record<string, unknown>>) => Echo;

/** What a server says that is in good health, and says of itself all that it knows. */
export const talkative: EchoScript = (method, everything, params) => {
  switch (method) {
    case 'initialize':
      return {
        result: {
          protocolVersion: params['protocolVersion'],
          capabilities: { experimental: { note: { everything } } },
          serverInfo: { name: everything, version: everything },
          instructions: everything,
        },
      };
    case 'ping':
      return { result: {} };
    case 'notifications/initialized':
      return undefined;
    default:
      return { error: { code: -32_000, message: everything, data: { everything: [everything] } } };
  }
};

/** A server over HTTP that answers with all that it was asked with: its address, the headers, and what is in them. */
export class EchoHttpServer {
  readonly #server = createServer((request, response) => void this.#answer(request, response));
  script: EchoScript = talkative;
  url = '';

  async start(): Promise<this> {
    this.#server.listen(0, '127.0.0.1');
    await once(this.#server, 'listening');
    this.url = `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}/mcp`;
    return this;
  }

  async stop(): Promise<void> {
    this.#server.closeAllConnections();
    this.#server.close();
    await once(this.#server, 'close');
  }

  async #answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    let body = '';
    for await (const chunk of request.setEncoding('utf8')) body += String(chunk);
    if (request.method !== 'POST') {
      response.writeHead(405).end();
      return;
    }
    const { method, id, params } = JSON.parse(body) as {
      method: string;
      id?: number;
      params?: Record<string, unknown>;
    };
    const echo = this.script(method, everythingIn(request), params ?? {});
    if (typeof echo === 'number') {
      const challenge = `Bearer error="invalid_token", error_description="${encodeURIComponent(everythingIn(request))}"`;
      const headers = { 'content-type': 'text/plain', 'www-authenticate': challenge };
      response.writeHead(echo, everythingIn(request).replaceAll(/[^ -~]/g, '?'), headers).end(everythingIn(request));
    } else if (echo === undefined) response.writeHead(202).end();
    else {
      response.writeHead(200, { 'content-type': 'application/json' });
      response.end(JSON.stringify({ jsonrpc: '2.0', id, ...echo }));
    }
  }
}

function everythingIn({ url = '', headers }: IncomingMessage): string {
  const { authorization = '', 'x-key': key = '', 'x-asked': asked = '' } = headers;
  const query = new URL(url, 'http://localhost').searchParams.get('api_key') ?? '';
  const given = [url, query, authorization, authorization.replace(/^Bearer /, ''), key, asked].map(String);
  return [control, ...given.flatMap((text) => spellings.map((spell) => spell(text)))].join(' ');
}
