// The SDK's own client over its own transports.
import { Client } from '@modelcontextprotocol/sdk/client/index.js';
import { StdioClientTransport } from '@modelcontextprotocol/sdk/client/stdio.js';
import { StreamableHTTPClientTransport } from '@modelcontextprotocol/sdk/client/streamableHttp.js';
import { InMemoryTransport } from './in-memory-transport.mjs';

const transports = {
  memory: () => new InMemoryTransport(),
  stdio: ({ args }) => new StdioClientTransport({ command: process.execPath, args }),
  http: ({ url }) => new StreamableHTTPClientTransport(new URL(url)),
};

export async function connect(server) {
  const client = new Client({ name: 'bench', version: '1' });
  await client.connect(transports[server.kind](server));
  await client.listTools();
  return async () => (await client.callTool({ name: 'ok', arguments: {} })).content[0].text;
}
