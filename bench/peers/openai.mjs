import { MCPServers, MCPServerStdio, MCPServerStreamableHttp } from '@openai/agents-core';

const kinds = {
  stdio: (name, { command, args }) => new MCPServerStdio({ name, command, args }),
  http: (name, { url }) => new MCPServerStreamableHttp({ name, url }),
};

export async function connect(servers) {
  const all = Object.entries(servers).map(([name, server]) => kinds[server.kind](name, server));
  const opened = await MCPServers.open(all, { connectInParallel: true });
  const byName = new Map(opened.active.map((server) => [server.name, server]));
  return { call: async (name) => (await byName.get(name).callTool('ok', {}))[0].text, close: () => opened.close() };
}
