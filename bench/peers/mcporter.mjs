import { createRuntime } from 'mcporter';

const commands = {
  stdio: ({ args }) => ({ kind: 'stdio', command: process.execPath, args, cwd: process.cwd() }),
  http: ({ url }) => ({ kind: 'http', url: new URL(url) }),
};

export async function connect(server) {
  const runtime = await createRuntime({ servers: [{ name: 'server', command: commands[server.kind](server) }] });
  return async () => (await runtime.callTool('server', 'ok', { args: {} })).content[0].text;
}
