/**
 * The smallest program that holds a server: connect, watch, call, let go. In a project of your own, import from 'holdfast'.
 *
 * Run it from the root of this repository with a Node that reads TypeScript (22.18 or newer): `node examples/embed.ts`.
 */
import { SessionManager, stdio } from '../src/index.ts';

const program = 'node_modules/@modelcontextprotocol/server-everything/dist/index.js';

const manager = new SessionManager();
const session = await manager.addServer('everything', stdio({ command: 'node', args: [program] }));
session.state$.subscribe((state) => {
  console.log(`everything is ${state}`);
});
const result = await session.callTool('echo', { message: 'hello' });
console.log(result.content);
await manager.close();
