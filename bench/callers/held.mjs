// holdfast's public API, everything as it is by default.
import { custom, http, SessionManager, stdio } from '../../dist/index.js';
import { InMemoryTransport } from './in-memory-transport.mjs';

const targets = {
  memory: () => custom(() => new InMemoryTransport()),
  stdio: ({ command, args }) => stdio({ command, args }),
  http: ({ url }) => http({ url }),
};

export async function connect(servers) {
  const manager = new SessionManager();
  const sessions = new Map(
    await Promise.all(
      Object.entries(servers).map(async ([name, server]) => [
        name,
        await manager.addServer(name, targets[server.kind](server)),
      ]),
    ),
  );
  return {
    call: async (name) => (await sessions.get(name).callTool('ok', {})).content[0].text,
    close: () => manager.close(),
  };
}
