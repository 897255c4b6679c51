// The clients that are attacked: what a caller writes with holdfast, and with the SDK alone.
import { Client } from '@modelcontextprotocol/sdk/client/index.js';
import { StdioClientTransport } from '@modelcontextprotocol/sdk/client/stdio.js';
import { StreamableHTTPClientTransport } from '@modelcontextprotocol/sdk/client/streamableHttp.js';
import { http, SessionManager, stdio } from '../../dist/index.js';

const callTimeoutMs = 5_000;

function holdfast() {
  const manager = new SessionManager({ defaults: { callTimeoutMs, connectTimeoutMs: 10_000 } });
  return {
    connect: async (id, { args, url }) => {
      const target = url === undefined ? stdio({ command: process.execPath, args }) : http({ url });
      const session = await manager.addServer(id, target);
      return {
        call: async (name) => (await session.callTool(name, {})).content[0].text,
        list: async () => (await session.listTools()).length,
      };
    },
    describe: ({ code, outcome }) => (outcome === null ? code : `${code}, ${outcome}`),
    close: () => manager.close(),
  };
}

function sdk() {
  const clients = [];
  return {
    connect: async (_, { args, url }) => {
      const client = new Client({ name: 'bench', version: '1' });
      clients.push(client);
      const transport =
        url === undefined
          ? new StdioClientTransport({ command: process.execPath, args, stderr: 'ignore' })
          : new StreamableHTTPClientTransport(new URL(url));
      await client.connect(transport);
      return {
        call: async (name) => {
          const { content } = await client.callTool({ name, arguments: {} }, undefined, { timeout: callTimeoutMs });
          return content[0].text;
        },
        list: async () => {
          let tools = 0;
          let cursor;
          do {
            const page = await client.listTools(cursor === undefined ? undefined : { cursor });
            tools += page.tools.length;
            cursor = page.nextCursor;
          } while (cursor !== undefined);
          return tools;
        },
      };
    },
    describe: ({ name, code }) => (code === undefined ? name : `${name} ${code}`),
    close: () => Promise.all(clients.map((client) => client.close())),
  };
}

export const victims = { holdfast, sdk };
