// The SDK's own client over its own transports, all connected at once.
import { Client } from '@modelcontextprotocol/sdk/client/index.js';
import { StdioClientTransport } from '@modelcontextprotocol/sdk/client/stdio.js';
import { StreamableHTTPClientTransport } from '@modelcontextprotocol/sdk/client/streamableHttp.js';
import { InMemoryTransport } from './in-memory-transport.mjs';

const transports = {
  memory: () => new InMemoryTransport(),
  stdio: ({ command, args }) => new StdioClientTransport({ command, args }),
  http: ({ url }) => new StreamableHTTPClientTransport(new URL(url)),
};

async function connectOne([name, server]) {
  const client = new Client({ name: 'bench', version: '1' });
  await client.connect(transports[server.kind](server));
  await client.listTools();
  return [name, client];
}

export async function connect(servers) {
  const clients = new Map(await Promise.all(Object.entries(servers).map(connectOne)));
  return {
    call: async (name) => (await clients.get(name).callTool({ name: 'ok', arguments: {} })).content[0].text,
    close: () => Promise.all([...clients.values()].map((client) => client.close())),
  };
}
