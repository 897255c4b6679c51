import { MCPClient } from '@mastra/mcp';

const definitions = {
  stdio: ({ command, args }) => ({ command, args }),
  http: ({ url }) => ({ url: new URL(url) }),
};

export async function connect(servers) {
  const client = new MCPClient({
    id: 'bench',
    servers: Object.fromEntries(
      Object.entries(servers).map(([name, server]) => [name, definitions[server.kind](server)]),
    ),
  });
  const tools = await client.listTools();
  return {
    call: async (name) => (await tools[`${name}_ok`].execute({}, {})).content[0].text,
    close: () => client.disconnect(),
  };
}
