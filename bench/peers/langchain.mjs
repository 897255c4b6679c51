import { MultiServerMCPClient } from '@langchain/mcp-adapters';

const connections = {
  stdio: ({ args }) => ({ transport: 'stdio', command: process.execPath, args, restart: { enabled: true } }),
  http: ({ url }) => ({ transport: 'http', url, reconnect: { enabled: true } }),
};

export async function connect(server) {
  const client = new MultiServerMCPClient({ mcpServers: { server: connections[server.kind](server) } });
  const tools = await client.getTools();
  const ok = tools.find(({ name }) => name === 'ok');
  return () => ok.invoke({});
}
