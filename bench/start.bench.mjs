// Six stdio servers that each take one second to start: holdfast against the bare SDK client connecting them in parallel.
import { performance } from 'node:perf_hooks';
import { fileURLToPath } from 'node:url';
import { Client } from '@modelcontextprotocol/sdk/client/index.js';
import { StdioClientTransport } from '@modelcontextprotocol/sdk/client/stdio.js';
import { SessionManager, stdio } from '../dist/index.js';
import { median } from './statistics.mjs';

const server = fileURLToPath(new URL('../test/fixtures/stdio-server.mjs', import.meta.url));
const args = [server, 'slow-start=1000'];
const count = 6;
const rounds = 5;

async function bare() {
  const began = performance.now();
  const clients = await Promise.all(
    Array.from({ length: count }, async () => {
      const client = new Client({ name: 'bench', version: '1' });
      await client.connect(new StdioClientTransport({ command: process.execPath, args }));
      await client.listTools();
      return client;
    }),
  );
  const ms = performance.now() - began;
  await Promise.all(clients.map((client) => client.close()));
  return ms;
}

async function held() {
  const began = performance.now();
  const manager = new SessionManager();
  await Promise.all(
    Array.from({ length: count }, (_, index) =>
      manager.addServer(`server-${index}`, stdio({ command: process.execPath, args })),
    ),
  );
  const ms = performance.now() - began;
  await manager.close({ drainMs: 0 });
  return ms;
}

await bare();
await held();
const times = { bare: [], held: [] };
for (let round = 0; round < rounds; round += 1) {
  times.bare.push(await bare());
  times.held.push(await held());
}
const ratio = median(times.held) / median(times.bare);
console.log(`${count} servers, medians of ${rounds} alternating rounds`);
console.log(
  `bare SDK in parallel: ${median(times.bare).toFixed(0)} ms (${times.bare.map((ms) => ms.toFixed(0)).join(' ')})`,
);
console.log(
  `holdfast:             ${median(times.held).toFixed(0)} ms (${times.held.map((ms) => ms.toFixed(0)).join(' ')})`,
);
console.log(`ratio ${ratio.toFixed(3)} (budget 1.1)`);
