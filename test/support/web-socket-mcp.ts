import type { Transport } from '@modelcontextprotocol/sdk/shared/transport.js';
import { McpServer } from '@modelcontextprotocol/sdk/server/mcp.js';
import type { JSONRPCMessage } from '@modelcontextprotocol/sdk/types.js';
import type { ServerConnection } from './web-socket-server.ts';

/** A server of the SDK's own behind this WebSocket: `which` tells its version, `hang` never answers, `huge` answers with that many bytes. */
export async function serveMcp(connection: ServerConnection, version = '1.0.0'): Promise<McpServer> {
  const server = new McpServer({ name: 'behind-web-socket', version }, { capabilities: { logging: {} } });
  server.registerTool('which', {}, () => ({ content: [{ type: 'text', text: `server ${version}` }] }));
  server.registerTool('hang', {}, () => new Promise<never>(() => {}));
  server.registerTool('huge', {}, () => ({ content: [{ type: 'text', text: 'x'.repeat(17 * 1024 * 1024) }] }));
  await server.connect(new ServerTransport(connection));
  return server;
}

class ServerTransport implements Transport {
  onclose?: () => void;
  onerror?: (error: Error) => void;
  onmessage?: (message: JSONRPCMessage) => void;
  readonly #connection: ServerConnection;

  constructor(connection: ServerConnection) {
    this.#connection = connection;
  }

  async start(): Promise<void> {
    this.#connection.onText = (text) => this.onmessage?.(JSON.parse(text) as JSONRPCMessage);
    this.#connection.onClose = () => this.onclose?.();
    for (const text of this.#connection.received) this.onmessage?.(JSON.parse(text) as JSONRPCMessage);
  }

  async send(message: JSONRPCMessage): Promise<void> {
    this.#connection.send(message);
  }

  async close(): Promise<void> {
    this.#connection.close();
  }
}
