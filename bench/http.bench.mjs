// Tool calls over Streamable HTTP: holdfast against the bare SDK client on the same server, each client and the server in a
// process of its own. Then the same servers killed while idle: when the session tells, and whether the bare client does.
import { fork } from 'node:child_process';
import { once } from 'node:events';
import { performance } from 'node:perf_hooks';
import { fileURLToPath } from 'node:url';
import { Client } from '@modelcontextprotocol/sdk/client/index.js';
import { StreamableHTTPClientTransport } from '@modelcontextprotocol/sdk/client/streamableHttp.js';
import { http, SessionManager } from '../dist/index.js';
import { startServer } from './servers/start-server.mjs';

const lean = new URL('./servers/lean-http.mjs', import.meta.url);
const sdk = new URL('./servers/sdk-http.mjs', import.meta.url);
const servers = [
  { label: 'lean server, JSON replies', start: [lean, 'json'], budgets: { 1: 2.5, 64: 5 } },
  { label: 'lean server, SSE replies', start: [lean, 'sse'], budgets: { 1: 2.5, 64: 5 } },
  { label: 'SDK server, JSON replies', start: [sdk, 'json'], budgets: { 1: 1.5, 64: 1.15 } },
  { label: 'SDK server, SSE replies', start: [sdk, 'sse'], budgets: { 1: 1.5, 64: 1.15 } },
];
const killed = [
  { label: 'lean server', start: [lean, 'json'] },
  { label: 'lean server without a standing stream', start: [lean, 'json', 'no-stream'] },
  { label: 'SDK server', start: [sdk, 'sse'] },
];
const rounds = 5;
const runMs = 400;
const warmUpMs = 1_000;
const cpuBudgetUs = 100;
const kills = 20;
const patienceMs = 4_000;

const median = (numbers) => numbers.toSorted((a, b) => a - b)[Math.floor(numbers.length / 2)];
const range = (numbers, digits) => `${Math.min(...numbers).toFixed(digits)}–${Math.max(...numbers).toFixed(digits)}`;

async function bareClient(url) {
  const client = new Client({ name: 'bench', version: '1' });
  await client.connect(new StreamableHTTPClientTransport(new URL(url)));
  await client.listTools();
  return client;
}

const callers = {
  bare: async (url) => {
    const client = await bareClient(url);
    return () => client.callTool({ name: 'ok', arguments: {} });
  },
  held: async (url) => {
    const session = await new SessionManager().addServer('server', http({ url }));
    return () => session.callTool('ok', {});
  },
};

/** Calls with `inFlight` at once for `ms`, and what they cost this process. */
async function measure(call, { inFlight, ms }) {
  let calls = 0;
  const cpu = process.cpuUsage();
  const began = performance.now();
  const worker = async () => {
    while (performance.now() - began < ms) {
      const { content } = await call();
      if (content[0].text !== 'ok') throw new Error('wrong answer');
      calls += 1;
    }
  };
  await Promise.all(Array.from({ length: inFlight }, worker));
  const elapsedMs = performance.now() - began;
  const { user, system } = process.cpuUsage(cpu);
  return { perSecond: (calls / elapsedMs) * 1_000, cpuUs: (user + system) / calls };
}

async function beClient(kind, url) {
  const call = await callers[kind](url);
  process.on('message', async (run) => process.send(await measure(call, run)));
  process.once('disconnect', () => process.exit(0));
  process.send('ready');
}

async function startClient(kind, url) {
  // Under load Node warns of the bare client's every request: its transport gives each fetch the same AbortSignal.
  const child = fork(fileURLToPath(import.meta.url), [kind, url], { execArgv: ['--no-warnings'] });
  const exited = once(child, 'exit');
  const answered = async () => {
    const answer = await Promise.race([once(child, 'message'), exited.then(() => [])]);
    if (answer.length === 0) throw new Error(`the ${kind} client exited`);
    return answer[0];
  };
  await answered();
  return {
    run: (run) => {
      child.send(run);
      return answered();
    },
    stop: () => {
      child.disconnect();
      return exited;
    },
  };
}

async function compare({ label, start, budgets }) {
  const server = await startServer(...start);
  const bare = await startClient('bare', server.url);
  const held = await startClient('held', server.url);
  // Many at once, which makes the most calls in the time: it is calls that warm a process up.
  await bare.run({ inFlight: 64, ms: warmUpMs });
  await held.run({ inFlight: 64, ms: warmUpMs });
  for (const inFlight of [1, 64]) {
    const runs = { bare: [], held: [] };
    for (let round = 0; round < rounds; round += 1) {
      runs.bare.push(await bare.run({ inFlight, ms: runMs }));
      runs.held.push(await held.run({ inFlight, ms: runMs }));
    }
    const rates = { bare: runs.bare.map((run) => run.perSecond), held: runs.held.map((run) => run.perSecond) };
    const cpu = { bare: runs.bare.map((run) => run.cpuUs), held: runs.held.map((run) => run.cpuUs) };
    const ratios = rates.held.map((rate, round) => rate / rates.bare[round]);
    console.log(
      `${label}, ${inFlight} in flight: bare SDK ${median(rates.bare).toFixed(0)} calls/s (${range(rates.bare, 0)}), ` +
        `holdfast ${median(rates.held).toFixed(0)} (${range(rates.held, 0)})`,
    );
    console.log(
      `  ratio ${(median(rates.held) / median(rates.bare)).toFixed(2)} (${range(ratios, 2)}; budget ${budgets[inFlight]}), client CPU per call: ` +
        `bare SDK ${median(cpu.bare).toFixed(0)} µs, holdfast ${median(cpu.held).toFixed(0)} µs (${range(cpu.held, 0)}; budget ${cpuBudgetUs})`,
    );
  }
  await bare.stop();
  await held.stop();
  await server.stop();
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

function spread(times) {
  const sorted = times.toSorted((a, b) => a - b);
  return `median ${median(sorted).toFixed(1)} ms, p95 ${sorted[Math.ceil(0.95 * kills) - 1].toFixed(1)} ms`;
}

/** One callback of the bare client in words. */
function heard([callback, times]) {
  const [first] = times;
  return first === undefined
    ? `${callback} never (${patienceMs / 1_000} s waited)`
    : `${callback} ${times.length} times, first ${first}`;
}

async function detections() {
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
}

const [kind, url] = process.argv.slice(2);
if (kind === undefined) {
  console.log(`medians (and ranges) of ${rounds} alternating runs of ${runMs} ms`);
  for (const server of servers) await compare(server);
  await detections();
} else {
  await beClient(kind, url);
}
