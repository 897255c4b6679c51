import { MCPServers, MCPServerStdio, MCPServerStreamableHttp } from '@openai/agents-core';

const servers = {
  stdio: ({ args }) => new MCPServerStdio({ name: 'server', command: process.execPath, args }),
  http: ({ url }) => new MCPServerStreamableHttp({ name: 'server', url }),
};

export async function connect(server) {
  const { active } = await MCPServers.open([servers[server.kind](server)]);
  return async () => (await active[0].callTool('ok', {}))[0].text;
}
