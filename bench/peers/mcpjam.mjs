import { MCPClientManager } from '@mcpjam/sdk';

const configs = {
  stdio: ({ command, args }) => ({ command, args }),
  http: ({ url }) => ({ url }),
};

export async function connect(servers) {
  const manager = new MCPClientManager({}, { retryPolicy: { retries: 3, retryDelayMs: 500 } });
  await Promise.all(
    Object.entries(servers).map(([name, server]) => manager.connectToServer(name, configs[server.kind](server))),
  );
  return {
    call: async (name) => (await manager.executeTool(name, 'ok', {})).content[0].text,
    close: () => manager.disconnectAllServers(),
  };
}
