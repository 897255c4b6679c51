import { createServer } from 'node:http';
import type { IncomingMessage, Server, ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { McpServer } from '@modelcontextprotocol/sdk/server/mcp.js';
import { SSEServerTransport } from '@modelcontextprotocol/sdk/server/sse.js';

interface Session {
  readonly transport: SSEServerTransport;
  readonly mcp: McpServer;
  readonly response: ServerResponse;
}

/** A real server of the SDK over the older transport: the stream at `/sse`, messages to `/messages`, everything else is 404. */
export class SseSdkServer {
  readonly sessions = new Map<string, Session>();
  /** Every request, as verb and path. */
  readonly requests: string[] = [];
  readonly #http: Server;

  private constructor() {
    this.#http = createServer((request, response) => void this.#serve(request, response));
  }

  static async start(): Promise<SseSdkServer> {
    const server = new SseSdkServer();
    await new Promise<void>((resolve) => server.#http.listen(0, '127.0.0.1', resolve));
    return server;
  }

  get url(): string {
    return `http://127.0.0.1:${(this.#http.address() as AddressInfo).port}/sse`;
  }

  get session(): Session {
    const [session, ...more] = this.sessions.values();
    if (session === undefined || more.length > 0) throw new Error(`${this.sessions.size} sessions`);
    return session;
  }

  async stop(): Promise<void> {
    const closed = new Promise((resolve) => this.#http.close(resolve));
    this.#http.closeAllConnections();
    await closed;
  }

  async #serve(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const url = new URL(request.url ?? '', 'http://localhost');
    this.requests.push(`${request.method} ${url.pathname}`);
    if (request.method === 'GET' && url.pathname === '/sse') {
      const mcp = buildServer();
      const transport = new SSEServerTransport('/messages', response);
      this.sessions.set(transport.sessionId, { transport, mcp, response });
      response.on('close', () => this.sessions.delete(transport.sessionId));
      await mcp.connect(transport);
      return;
    }
    const session = this.sessions.get(url.searchParams.get('sessionId') ?? '');
    if (request.method === 'POST' && session) await session.transport.handlePostMessage(request, response);
    else response.writeHead(404).end('Not found');
  }
}

function buildServer(): McpServer {
  const server = new McpServer({ name: 'older', version: '1.0.0' }, { capabilities: { tools: {}, logging: {} } });
  server.registerTool('greet', {}, () => ({ content: [{ type: 'text', text: 'hello' }] }));
  server.registerTool('ask', {}, async () => {
    const { action } = await server.server.elicitInput({
      message: 'Well?',
      requestedSchema: { type: 'object', properties: {} },
    });
    return { content: [{ type: 'text', text: action }] };
  });
  server.registerTool('wait', {}, ({ signal }) => {
    return new Promise((_resolve, reject) => signal.addEventListener('abort', () => reject(new Error('cancelled'))));
  });
  return server;
}
