import { Client } from '@modelcontextprotocol/sdk/client/index.js';
import {
  StreamableHTTPClientTransport,
  type StreamableHTTPClientTransportOptions,
} from '@modelcontextprotocol/sdk/client/streamableHttp.js';

/** Long enough for any machine. */
export const inGoodTime = { timeout: 60_000 };

/** The SDK's own client over its own transport, and what it tells whoever listens: what holdfast is measured against. */
export class StockClient {
  readonly client = new Client({ name: 'stock', version: '1' });
  readonly transport: StreamableHTTPClientTransport;
  closes = 0;
  readonly errors: string[] = [];

  constructor(url: string, options: StreamableHTTPClientTransportOptions = {}) {
    this.transport = new StreamableHTTPClientTransport(new URL(url), options);
    this.client.onclose = () => {
      this.closes += 1;
    };
    this.client.onerror = (error) => this.errors.push(error.message);
  }

  connect(limit = inGoodTime): Promise<void> {
    return this.client.connect(this.transport, limit);
  }

  call(
    name: string,
    args: Record<string, unknown>,
    limit: { timeout: number; signal?: AbortSignal },
  ): Promise<unknown> {
    return this.client.callTool({ name, arguments: args }, undefined, limit);
  }
}
