import { MultiServerMCPClient } from '@langchain/mcp-adapters';

const connections = {
  stdio: ({ command, args }) => ({ transport: 'stdio', command, args, restart: { enabled: true } }),
  http: ({ url }) => ({ transport: 'http', url, reconnect: { enabled: true } }),
};

export async function connect(servers) {
  const mcpServers = Object.fromEntries(
    Object.entries(servers).map(([name, server]) => [name, connections[server.kind](server)]),
  );
  const client = new MultiServerMCPClient({ mcpServers, prefixToolNameWithServerName: true });
  const tools = await client.getTools();
  const toolOf = new Map(
    Object.keys(servers).map((name) => [name, tools.find((tool) => tool.name.endsWith(`${name}__ok`))]),
  );
  return { call: (name) => toolOf.get(name).invoke({}), close: () => client.close() };
}
