import { MCPClient } from '@mastra/mcp';

const definitions = {
  stdio: ({ args }) => ({ command: process.execPath, args }),
  http: ({ url }) => ({ url: new URL(url) }),
};

export async function connect(server) {
  const client = new MCPClient({ id: 'bench', servers: { server: definitions[server.kind](server) } });
  const { server_ok: ok } = await client.listTools();
  return async () => (await ok.execute({}, {})).content[0].text;
}
