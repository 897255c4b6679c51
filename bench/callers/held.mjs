// holdfast's public API, everything as it is by default.
import { custom, http, SessionManager, stdio } from '../../dist/index.js';
import { InMemoryTransport } from './in-memory-transport.mjs';

const targets = {
  memory: () => custom(() => new InMemoryTransport()),
  stdio: ({ args }) => stdio({ command: process.execPath, args }),
  http: ({ url }) => http({ url }),
};

export async function connect(server) {
  const session = await new SessionManager().addServer('server', targets[server.kind](server));
  return async () => (await session.callTool('ok', {})).content[0].text;
}
