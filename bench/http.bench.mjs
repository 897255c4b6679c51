// Servers behind HTTP killed while idle: when the session tells, and whether the bare SDK client does. What calls cost: calls.
import { performance } from 'node:perf_hooks';
import { Client } from '@modelcontextprotocol/sdk/client/index.js';
import { StreamableHTTPClientTransport } from '@modelcontextprotocol/sdk/client/streamableHttp.js';
import { http, SessionManager } from '../dist/index.js';
import { startServer } from './servers/start-server.mjs';
import { median, quantile } from './statistics.mjs';

const lean = new URL('./servers/lean-http.mjs', import.meta.url);
const sdk = new URL('./servers/sdk-http.mjs', import.meta.url);
const killed = [
  { label: 'lean server', start: [lean, 'json'] },
  { label: 'lean server without a standing stream', start: [lean, 'json', 'no-stream'] },
  { label: 'SDK server', start: [sdk, 'sse'] },
];
const kills = 20;
const patienceMs = 4_000;

async function bareClient(url) {
  const client = new Client({ name: 'bench', version: '1' });
  await client.connect(new StreamableHTTPClientTransport(new URL(url)));
  await client.listTools();
  return client;
}

const wait = (ms) => new Promise((resolve) => setTimeout(resolve, ms));

/** What the bare client tells by itself of the death of its idle server. */
async function bareDetection({ start }) {
  const server = await startServer(...start);
  const client = await bareClient(server.url);
  await wait(50);
  const told = { onclose: [], onerror: [] };
  const killedAt = performance.now();
  const tell = (callback, what) => told[callback].push(`${what}after ${(performance.now() - killedAt).toFixed(0)} ms`);
  client.onclose = () => tell('onclose', '');
  client.onerror = (error) => tell('onerror', `"${error.message}" `);
  await server.kill();
  await wait(patienceMs);
  client.onclose = undefined;
  await client.close();
  return told;
}

/** Milliseconds from the kill of an idle session's server to its first state change and to its end; infinite when it does not tell. */
async function heldDetection(manager, { start }) {
  const server = await startServer(...start);
  const session = await manager.addServer('server', http({ url: server.url }));
  await session.callTool('ok', {});
  await wait(50);
  const times = { changed: Number.POSITIVE_INFINITY, released: Number.POSITIVE_INFINITY };
  const killedAt = performance.now();
  const released = new Promise((resolve) => {
    const giveUp = setTimeout(resolve, patienceMs);
    session.events$.subscribe((event) => {
      if (event.type !== 'stateChanged') return;
      const ms = performance.now() - killedAt;
      times.changed = Math.min(times.changed, ms);
      if (event.phase !== 'releasing') return;
      times.released = ms;
      clearTimeout(giveUp);
      resolve();
    });
  });
  await server.kill();
  await released;
  const told = { ...times };
  await manager.removeServer('server', { drainMs: 0 });
  return told;
}

const spread = (times) => `median ${median(times).toFixed(1)} ms, p95 ${quantile(times, 0.95).toFixed(1)} ms`;

/** One callback of the bare client in words. */
function heard([callback, times]) {
  const [first] = times;
  return first === undefined
    ? `${callback} never (${patienceMs / 1_000} s waited)`
    : `${callback} ${times.length} times, first ${first}`;
}

const told = await Promise.all(killed.map(bareDetection));
for (const [index, server] of killed.entries()) {
  // No check in the way: what is measured is what the connection itself tells.
  const manager = new SessionManager({ defaults: { healthCheck: { intervalMs: 600_000 } } });
  const times = [];
  do times.push(await heldDetection(manager, server));
  while (times.length < kills && times.at(-1).changed < Number.POSITIVE_INFINITY);
  await manager.close({ drainMs: 0 });
  const noticed = times.every(({ changed }) => changed < Number.POSITIVE_INFINITY)
    ? `kill → state change ${spread(times.map(({ changed }) => changed))}, → connection given up ${spread(times.map(({ released }) => released))}`
    : `nothing tells within ${patienceMs / 1_000} s, the next call or check would`;
  console.log(`${server.label}, killed while idle: ${noticed}`);
  console.log(`  bare SDK: ${Object.entries(told[index]).map(heard).join(', ')}`);
}
