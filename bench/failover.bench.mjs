// Two servers in a group under an open loop of 200 calls a second, the primary killed with SIGKILL twenty times: from Node's
// `exit` event to the first call that the backup answered, and what became of every call.
import { subscribe } from 'node:diagnostics_channel';
import { performance } from 'node:perf_hooks';
import { fileURLToPath } from 'node:url';
import { http, SessionManager, stdio } from '../dist/index.js';
import { startServer } from './servers/start-server.mjs';
import { median, quantile } from './statistics.mjs';

const fixture = fileURLToPath(new URL('../test/fixtures/stdio-server.mjs', import.meta.url));
const lean = new URL('./servers/lean-http.mjs', import.meta.url);
const times = 20;
const perSecond = 200;

/** When each process ended, as its own `exit` event told. */
const exits = new Map();
subscribe('child_process', ({ process: child }) => {
  child.once('exit', () => {
    exits.set(child.pid, performance.now());
  });
});

const wait = (ms) => new Promise((resolve) => setTimeout(resolve, ms));

async function until(predicate, what) {
  const began = performance.now();
  while (!predicate()) {
    if (performance.now() - began > 20_000) throw new Error(`not within 20 s: ${what}`);
    await wait(1);
  }
}

/** Servers that holdfast starts itself. */
async function stdioPair(manager, primaryArgs) {
  const add = (id, args) => manager.addServer(id, stdio({ command: process.execPath, args: [fixture, ...args] }));
  const sessions = { primary: await add('primary', primaryArgs), backup: await add('backup', []) };
  return {
    pid: (id) => sessions[id].info.pid,
    restore: () => undefined,
    stop: () => undefined,
  };
}

/** Servers behind HTTP: what was killed is started again on its port. */
async function httpPair(manager) {
  const servers = { primary: await startServer(lean, 'json'), backup: await startServer(lean, 'json') };
  const { port } = new URL(servers.primary.url);
  for (const [id, { url }] of Object.entries(servers)) await manager.addServer(id, http({ url }));
  return {
    pid: (id) => servers[id].pid,
    restore: async () => {
      servers.primary = await startServer(lean, 'json', 'stream', port);
    },
    stop: () => Promise.all(Object.values(servers).map((server) => server.stop())),
  };
}

/** Calls at their due times, however long the earlier ones take. */
function openLoop(group) {
  const calls = [];
  const call = async () => {
    const record = { startedAt: performance.now(), settledAt: undefined, pid: undefined, error: undefined };
    calls.push(record);
    try {
      const { content } = await group.callTool('pid');
      record.pid = Number(/\d+/.exec(content[0].text)[0]);
    } catch (error) {
      record.error = error;
    }
    record.settledAt = performance.now();
  };
  let due = performance.now();
  const timer = setInterval(() => {
    for (; due <= performance.now(); due += 1_000 / perSecond) void call();
  }, 1);
  return {
    calls,
    servedBy: (pid, since) => calls.findLast((record) => record.pid === pid && record.startedAt >= since),
    stop: async () => {
      clearInterval(timer);
      await until(() => calls.every(({ settledAt }) => settledAt !== undefined), 'every call has settled');
    },
  };
}

async function failovers(label, budgetMs, makePair) {
  const manager = new SessionManager({
    defaults: { reconnect: { delayMs: 50, maxDelayMs: 50, crashLoopExits: 1_000 } },
  });
  const pair = await makePair(manager);
  const group = manager.addGroup('group', { primary: 'primary', backups: ['backup'] });
  let switches = 0;
  group.events$.subscribe(({ type }) => {
    if (type === 'failedOver') switches += 1;
  });
  const load = openLoop(group);
  const deaths = [];
  for (let round = 0; round < times; round += 1) {
    const began = performance.now();
    const [primary, backup] = [pair.pid('primary'), pair.pid('backup')];
    await until(() => load.servedBy(primary, began), 'the primary serves');
    await wait(50 + round);
    const switchesBefore = switches;
    const killedAt = performance.now();
    process.kill(primary, 'SIGKILL');
    await until(() => exits.has(primary), 'the process is gone');
    await until(() => load.servedBy(backup, killedAt), 'the backup serves');
    // A call may be served elsewhere before its server counts as down: a grandchild holds the pipe for 250 ms.
    await until(() => group.active === 'backup', 'failed over');
    await wait(200);
    deaths.push({ killedAt, exitedAt: exits.get(primary), backup, switches: switches - switchesBefore });
    await pair.restore();
    await until(() => manager.session('primary').state === 'healthy', 'the primary is back');
    group.failBack();
    await until(() => group.active === 'primary', 'failed back');
  }
  await load.stop();
  await manager.close({ drainMs: 0 });
  await pair.stop();
  report(label, budgetMs, load.calls, deaths);
}

function report(label, budgetMs, calls, deaths) {
  const firstServed = ({ backup, killedAt }) =>
    Math.min(
      ...calls.filter(({ pid, settledAt }) => pid === backup && settledAt > killedAt).map((call) => call.settledAt),
    );
  const servedAfter = deaths.map((death) => firstServed(death) - death.exitedAt);
  const failed = calls.filter(({ error }) => error !== undefined);
  const wasInFlight = ({ startedAt, settledAt, error }) =>
    error.outcome === 'unknown' &&
    deaths.some(({ killedAt, exitedAt }) => startedAt <= exitedAt && settledAt >= killedAt);
  const lost = failed.filter((call) => !wasInFlight(call));
  const once = deaths.filter(({ switches }) => switches === 1).length;
  console.log(
    `${label}: exit → call served by the backup median ${median(servedAfter).toFixed(1)} ms, ` +
      `p95 ${quantile(servedAfter, 0.95).toFixed(1)} ms (budget ${budgetMs})`,
  );
  console.log(
    `  ${calls.length} calls, lost ${lost.length} (budget 0), outcome unknown since in flight ${failed.length - lost.length}; ` +
      `exactly one failover event in ${once} of ${times} kills`,
  );
  for (const reason of new Set(lost.map(({ error }) => `${error.code} (${error.outcome}): ${error.message}`))) {
    console.log(`  lost: ${reason}`);
  }
}

await failovers('stdio', 30, (manager) => stdioPair(manager, []));
await failovers('stdio with a grandchild on the pipe', 300, (manager) => stdioPair(manager, ['grandchild']));
await failovers('HTTP', 30, httpPair);
