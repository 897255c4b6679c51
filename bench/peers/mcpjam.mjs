import { MCPClientManager } from '@mcpjam/sdk';

const configs = {
  stdio: ({ args }) => ({ command: process.execPath, args }),
  http: ({ url }) => ({ url }),
};

export async function connect(server) {
  const manager = new MCPClientManager({}, { retryPolicy: { retries: 3, retryDelayMs: 500 } });
  await manager.connectToServer('server', configs[server.kind](server));
  return async () => (await manager.executeTool('server', 'ok', {})).content[0].text;
}
