// Tool calls: holdfast as it is by default against the bare SDK client on the same servers, one run, each client and each
// server in a process of its own, the clients in turn. What a budget is held against stands beside it.
//
//   npm run bench -- calls [--peers] [--quick] [--json] [--only <part of a server's name>]
//
// --peers  other libraries too: `npm ci` in bench/peers first
// --quick  shows that everything runs; its numbers mean nothing
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { startCaller } from './callers/start-caller.mjs';
import { findPeers, peersNode } from './peers/peers.mjs';
import { startServer } from './servers/start-server.mjs';
import { lowerBound, median, range } from './statistics.mjs';
import { textTable } from './text-table.mjs';

const { values: asked } = parseArgs({
  options: {
    peers: { type: 'boolean', default: false },
    quick: { type: 'boolean', default: false },
    json: { type: 'boolean', default: false },
    only: { type: 'string', default: '' },
  },
});
const { rounds, runMs, warmUpMs } = asked.quick
  ? { rounds: 1, runMs: 50, warmUpMs: 50 }
  : { rounds: 11, runMs: 400, warmUpMs: 1_000 };

const leanStdio = new URL('./servers/lean-stdio.mjs', import.meta.url);
const sdkStdio = new URL('./servers/sdk-stdio.mjs', import.meta.url);
const leanHttp = new URL('./servers/lean-http.mjs', import.meta.url);
const sdkHttp = new URL('./servers/sdk-http.mjs', import.meta.url);
const inMemory = { label: 'in memory', budgets: { 1: {}, 64: {} }, start: () => ({ kind: 'memory', stop: () => {} }) };
const overStdio = (label, file) => ({
  label,
  budgets: { 1: { lowerBound: 0.95 }, 64: { ratio: 1.4 } },
  start: () => ({ kind: 'stdio', command: process.execPath, args: [fileURLToPath(file)], stop: () => {} }),
});
const overHttp = (label, file, replies, alone, many) => ({
  label,
  budgets: { 1: { ratio: alone, cpuUs: 100 }, 64: { ratio: many, cpuUs: 100 } },
  start: async () => ({ kind: 'http', ...(await startServer(file, replies)) }),
});
const leanJson = 'HTTP, lean, JSON';
const servers = [
  inMemory,
  overStdio('stdio, lean', leanStdio),
  overStdio('stdio, SDK', sdkStdio),
  overHttp(leanJson, leanHttp, 'json', 2.5, 5),
  overHttp('HTTP, lean, SSE', leanHttp, 'sse', 2.5, 5),
  overHttp('HTTP, SDK, JSON', sdkHttp, 'json', 1.5, 1.15),
  overHttp('HTTP, SDK, SSE', sdkHttp, 'sse', 1.5, 1.15),
];
const shareBudgetUs = 5;

const bare = { name: 'bare SDK', module: new URL('./callers/bare.mjs', import.meta.url) };
const held = { name: 'holdfast', module: new URL('./callers/held.mjs', import.meta.url) };
const wire = { name: 'its HTTP library alone', module: new URL('./callers/wire.mjs', import.meta.url) };
const link = { name: 'its link alone', module: new URL('./callers/link.mjs', import.meta.url) };

const node = asked.peers ? peersNode() : { execPath: process.execPath, version: process.versions.node };
const peers = asked.peers ? findPeers(node) : [];
function callersFor({ label }) {
  if (label === inMemory.label) return [bare, held, link];
  const others = peers.filter(({ module }) => module !== undefined);
  return [bare, held, ...(label === leanJson ? [wire] : []), ...others];
}

/** The failure of a peer is its result; holdfast and the SDK have to work. */
async function orFailure(client, work) {
  try {
    return await work();
  } catch (error) {
    if ([bare, held, link, wire].includes(client.caller))
      throw new Error(`${client.caller.name}: ${error.message}`, { cause: error });
    client.failure = error.message;
    return undefined;
  }
}

async function connected(callers, target) {
  const clients = callers.map((called) => ({ caller: called, process: undefined, failure: undefined }));
  for (const client of clients) {
    client.process = await orFailure(client, () => startCaller(client.caller.module, target, node.execPath));
    // Many at once, which makes the most calls in the time: it is calls that warm a process up.
    if (client.process !== undefined) await orFailure(client, () => client.process.run({ inFlight: 64, ms: warmUpMs }));
  }
  return clients;
}

/** One result for each client and each number in flight. */
async function compare({ label, budgets, start }) {
  const { stop, ...target } = await start();
  const clients = await connected(callersFor({ label }), target);
  const results = [];
  for (const [many, budget] of Object.entries(budgets)) {
    const inFlight = Number(many);
    const runs = new Map(clients.map((client) => [client, []]));
    for (let round = 0; round < rounds; round += 1) {
      for (const client of clients) {
        if (client.failure !== undefined) continue;
        const run = await orFailure(client, () => client.process.run({ inFlight, ms: runMs }));
        if (run !== undefined) runs.get(client).push(run);
      }
    }
    const bareRates = runs.get(clients[0]).map(({ perSecond }) => perSecond);
    for (const client of clients) {
      const measured = { server: label, inFlight, client: client.caller.name };
      if (client.failure !== undefined) {
        results.push({ ...measured, failure: client.failure });
        continue;
      }
      const rates = runs.get(client).map(({ perSecond }) => perSecond);
      const ratios = rates.map((rate, round) => rate / bareRates[round]);
      results.push({
        ...measured,
        perSecond: rates,
        ratios,
        ratioAbove: lowerBound(ratios),
        cpuUs: runs.get(client).map(({ cpuUs }) => cpuUs),
        p50Us: runs.get(client).map(({ p50Us }) => p50Us),
        budget: client.caller === held ? budget : {},
      });
    }
  }
  await Promise.all(clients.map((client) => client.process?.stop()));
  await stop();
  return results;
}

/** What a call costs through the manager above what it costs on the same link without it, round by round. */
function managersShare(results) {
  const of = (client, inFlight, what) =>
    results.find((result) => result.client === client && result.inFlight === inFlight)[what];
  const share = (inFlight, what) =>
    of(held.name, inFlight, what).map((us, round) => us - of(link.name, inFlight, what)[round]);
  return { p50Us: share(1, 'p50Us'), cpuUs: { 1: share(1, 'cpuUs'), 64: share(64, 'cpuUs') }, budgetUs: shareBudgetUs };
}

function verdict(isMet) {
  if (asked.quick) return '';
  return isMet ? 'met' : 'MISSED';
}

function ratioBudget({ ratios, ratioAbove, budget }) {
  if (budget.ratio !== undefined) return `≥ ${budget.ratio} ${verdict(median(ratios) >= budget.ratio)}`;
  if (budget.lowerBound === undefined) return '';
  return `bound ≥ ${budget.lowerBound} ${verdict(ratioAbove >= budget.lowerBound)}`;
}

function cells(result) {
  const { server: name, inFlight, client, failure } = result;
  if (failure !== undefined) return [name, client, `${inFlight}`, 'failed', '', '', '', '', '', ''];
  const { perSecond, ratios, ratioAbove, cpuUs, p50Us, budget } = result;
  const isReference = client === bare.name;
  return [
    name,
    client,
    `${inFlight}`,
    `${median(perSecond).toFixed(0)} (${range(perSecond, 0)})`,
    isReference ? '' : `${median(ratios).toFixed(2)} (${range(ratios, 2)})`,
    isReference ? '' : (ratioAbove?.toFixed(2) ?? '–'),
    ratioBudget(result),
    `${median(cpuUs).toFixed(0)}`,
    budget.cpuUs === undefined ? '' : `≤ ${budget.cpuUs} ${verdict(median(cpuUs) <= budget.cpuUs)}`,
    `${median(p50Us).toFixed(0)}`,
  ];
}

function report(all) {
  const head = [
    'server',
    'client',
    'in flight',
    'calls/s',
    'ratio',
    '95 % above',
    'budget',
    'CPU µs',
    'budget',
    'p50 µs',
  ];
  if (asked.quick) console.log('A quick run: nothing is warmed up, and the numbers mean nothing.');
  console.log(`medians (and ranges) of ${rounds} alternating runs of ${runMs} ms, Node ${node.version}`);
  console.log(
    "ratio: calls/s as a multiple of the bare SDK's in the same round; 95 % above: with that confidence, by sign test",
  );
  console.log("CPU: of the client's process, for each call\n");
  console.log(textTable([head, ...all.results.map(cells)], 2));
  if (all.share !== undefined) {
    const { p50Us, cpuUs, budgetUs } = all.share;
    console.log(
      `\nthe manager's own share of a call, in memory: p50 ${median(p50Us).toFixed(1)} µs (${range(p50Us, 1)}; ` +
        `budget ≤ ${budgetUs} ${verdict(median(p50Us) <= budgetUs)}); CPU ${median(cpuUs[1]).toFixed(1)} µs ` +
        `at 1 in flight, ${median(cpuUs[64]).toFixed(1)} µs at 64`,
    );
  }
  const failures = all.results.filter(({ failure }) => failure !== undefined);
  for (const line of new Set(failures.map((result) => `${result.client}, ${result.server}: ${result.failure}`)))
    console.log(line);
  for (const { name, reason } of all.leftOut) console.log(`${name}: ${reason}`);
}

const chosen = servers.filter(({ label }) => label.toLowerCase().includes(asked.only.toLowerCase()));
if (chosen.length === 0) {
  console.error(`There is no server ${asked.only}; known are ${servers.map(({ label }) => label).join('; ')}.`);
  process.exit(2);
}
const results = [];
for (const each of chosen) {
  console.error(`… ${each.label}`);
  results.push(...(await compare(each)));
}
const all = {
  node: node.version,
  rounds,
  runMs,
  results,
  share: chosen.includes(inMemory) ? managersShare(results) : undefined,
  leftOut: peers.filter(({ reason }) => reason !== undefined),
};
if (asked.json) console.log(JSON.stringify(all, undefined, 2));
else report(all);
