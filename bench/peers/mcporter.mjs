import { createRuntime } from 'mcporter';

const commands = {
  stdio: ({ command, args }) => ({ kind: 'stdio', command, args, cwd: process.cwd() }),
  http: ({ url }) => ({ kind: 'http', url: new URL(url) }),
};

export async function connect(servers) {
  const runtime = await createRuntime({
    servers: Object.entries(servers).map(([name, server]) => ({ name, command: commands[server.kind](server) })),
  });
  await Promise.all(Object.keys(servers).map((name) => runtime.listTools(name)));
  return {
    call: async (name) => (await runtime.callTool(name, 'ok', { args: {} })).content[0].text,
    close: () => runtime.close(),
  };
}
