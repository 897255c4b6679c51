import { randomUUID } from 'node:crypto';
import { createServer } from 'node:http';
import type { IncomingMessage, Server, ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { McpServer } from '@modelcontextprotocol/sdk/server/mcp.js';
import { StreamableHTTPServerTransport } from '@modelcontextprotocol/sdk/server/streamableHttp.js';
import type { EventStore } from '@modelcontextprotocol/sdk/server/streamableHttp.js';
import type { JSONRPCMessage } from '@modelcontextprotocol/sdk/types.js';

interface Session {
  readonly transport: StreamableHTTPServerTransport;
  readonly mcp: McpServer;
}

/** A real server of the SDK, with real sessions, in JSON or in SSE mode. */
export class SdkServer {
  readonly sessions = new Map<string, Session>();
  readonly verbs: string[] = [];
  readonly #isJson: boolean;
  readonly #http: Server;

  private constructor(isJson: boolean) {
    this.#isJson = isJson;
    this.#http = createServer((request, response) => void this.#serve(request, response));
  }

  static async start(mode: 'json' | 'sse'): Promise<SdkServer> {
    const server = new SdkServer(mode === 'json');
    await new Promise<void>((resolve) => server.#http.listen(0, '127.0.0.1', resolve));
    return server;
  }

  get url(): string {
    return `http://127.0.0.1:${(this.#http.address() as AddressInfo).port}/mcp`;
  }

  /** The only session that there is. */
  get session(): Session {
    const [session, ...more] = this.sessions.values();
    if (session === undefined || more.length > 0) throw new Error(`${this.sessions.size} sessions`);
    return session;
  }

  /** Forgets every session, as a restart does. */
  forget(): void {
    this.sessions.clear();
  }

  async stop(): Promise<void> {
    const closed = new Promise((resolve) => this.#http.close(resolve));
    this.#http.closeAllConnections();
    await closed;
  }

  async #serve(request: IncomingMessage, response: ServerResponse): Promise<void> {
    this.verbs.push(request.method ?? '');
    const id = request.headers['mcp-session-id'];
    if (typeof id === 'string') {
      const known = this.sessions.get(id);
      if (known) await known.transport.handleRequest(request, response);
      else response.writeHead(404).end();
      return;
    }
    const mcp = buildServer();
    const transport: StreamableHTTPServerTransport = new StreamableHTTPServerTransport({
      sessionIdGenerator: randomUUID,
      enableJsonResponse: this.#isJson,
      ...(this.#isJson ? {} : { eventStore: new MemoryEvents(), retryInterval: 10 }),
      onsessioninitialized: (sessionId) => {
        this.sessions.set(sessionId, { transport, mcp });
      },
      onsessionclosed: (sessionId) => {
        this.sessions.delete(sessionId);
      },
    });
    await mcp.connect(transport);
    await transport.handleRequest(request, response);
  }
}

function buildServer(): McpServer {
  const server = new McpServer(
    { name: 'real', version: '1.0.0' },
    { capabilities: { tools: { listChanged: true }, logging: {} } },
  );
  server.registerTool('greet', {}, () => ({ content: [{ type: 'text', text: 'hello' }] }));
  server.registerTool('progress', {}, async ({ _meta, sendNotification }) => {
    const progressToken = _meta?.progressToken;
    if (progressToken !== undefined) {
      for (const progress of [1, 2, 3]) {
        await sendNotification({ method: 'notifications/progress', params: { progressToken, progress, total: 3 } });
      }
    }
    return { content: [{ type: 'text', text: 'done' }] };
  });
  server.registerTool('ask', {}, async () => {
    const { action, content } = await server.server.elicitInput({
      message: 'Your name?',
      requestedSchema: { type: 'object', properties: { name: { type: 'string' } } },
    });
    return { content: [{ type: 'text', text: `${action} ${JSON.stringify(content)}` }] };
  });
  server.registerTool('dropped', {}, async ({ closeSSEStream }) => {
    closeSSEStream?.();
    await new Promise((resolve) => setImmediate(resolve));
    return { content: [{ type: 'text', text: 'resumed' }] };
  });
  server.registerTool('wait', {}, ({ signal }) => {
    return new Promise((_resolve, reject) => signal.addEventListener('abort', () => reject(new Error('cancelled'))));
  });
  return server;
}

/** Keeps every event; ids are `<stream>_<number>`. */
class MemoryEvents implements EventStore {
  readonly #events: { id: string; streamId: string; message: JSONRPCMessage }[] = [];

  storeEvent(streamId: string, message: JSONRPCMessage): Promise<string> {
    const id = `${streamId}_${this.#events.length}`;
    this.#events.push({ id, streamId, message });
    return Promise.resolve(id);
  }

  getStreamIdForEventId(eventId: string): Promise<string | undefined> {
    return Promise.resolve(this.#events.find(({ id }) => id === eventId)?.streamId);
  }

  async replayEventsAfter(
    lastEventId: string,
    { send }: { send: (eventId: string, message: JSONRPCMessage) => Promise<void> },
  ): Promise<string> {
    const at = this.#events.findIndex(({ id }) => id === lastEventId);
    const streamId = this.#events[at]?.streamId ?? '';
    for (const event of this.#events.slice(at + 1)) {
      if (event.streamId === streamId && Object.keys(event.message).length > 0) await send(event.id, event.message);
    }
    return streamId;
  }
}
