// Many in-memory sessions in one process: open, tick, lose every link at once, stop. Budgets for 10 000: open 2 s, 8 kB each,
// 1 000 checks a second in 15 % of a core, p99 15 ms above idle, longest stall 50 ms, stop 1 s.
import { spawnSync } from 'node:child_process';
import { monitorEventLoopDelay, performance } from 'node:perf_hooks';
import { fileURLToPath } from 'node:url';
import { custom, SessionManager } from '../dist/index.js';
import { createSimulatedServers } from '../dist/testing/index.js';

const realClock = (await import('../dist/host/clock.js')).hostClock;
const target = custom(() => {
  throw new Error('simulated');
});

function heap() {
  globalThis.gc?.();
  globalThis.gc?.();
  return process.memoryUsage().heapUsed;
}

/** Longest stall of the event loop while `work` runs, sampled every millisecond. */
async function withStalls(work) {
  const delay = monitorEventLoopDelay({ resolution: 1 });
  delay.enable();
  await new Promise((resolve) => setTimeout(resolve, 20));
  delay.reset();
  const result = await work();
  delay.disable();
  return { result, maxMs: delay.max / 1e6, p99Ms: delay.percentile(99) / 1e6 };
}

const wait = (ms) => new Promise((resolve) => setTimeout(resolve, ms));

async function until(predicate, maxMs) {
  const began = performance.now();
  while (!predicate()) {
    if (performance.now() - began > maxMs) throw new Error('not reached in time');
    await new Promise((resolve) => setImmediate(resolve));
  }
  return performance.now() - began;
}

async function fleet(count, idle) {
  const simulated = createSimulatedServers(realClock);
  const ids = Array.from({ length: count }, (_, index) => `server-${index}`);
  for (const id of ids) simulated.server(id);
  const before = heap();
  // The links alone, so that what holdfast adds can be told apart: open, checked once, and asked for their tools once.
  const probeLinks = ids.map((id) =>
    simulated.links(target).open({
      serverId: id,
      generation: 0,
      target,
      clientInfo: { name: 'bench', version: '1' },
      handlers: undefined,
      onEvent: () => undefined,
    }),
  );
  await wait(0);
  await Promise.all(probeLinks.map((link) => link.probe().answer));
  await Promise.all(probeLinks.map((link) => link.request('tools/list', undefined).answer));
  const linkBytes = (heap() - before) / count;
  await Promise.all(probeLinks.map((link) => link.close('kill')));
  probeLinks.length = 0;

  const base = heap();
  const manager = new SessionManager(
    {
      maxConnections: count,
      defaults: { healthCheck: { intervalMs: 10_000 } },
    },
    { links: simulated.links },
  );
  const began = performance.now();
  await Promise.all(ids.map((id) => manager.addServer(id, target)));
  const openMs = performance.now() - began;
  await wait(1_000);
  const bytes = (heap() - base) / count;
  let checks = 0;
  const counting = manager.events$.subscribe((event) => {
    if (event.type === 'healthChecked') checks += 1;
  });
  const tickMs = 10_000;
  const cpu = process.cpuUsage();
  await wait(tickMs);
  const used = process.cpuUsage(cpu);
  const counted = checks;
  // A window of its own: the sampler's thousand wake-ups a second are a load themselves.
  const ticking = await withStalls(() => wait(tickMs));
  counting.unsubscribe();

  const outage = await withStalls(async () => {
    const start = performance.now();
    let down = 0;
    const watching = manager.events$.subscribe((event) => {
      if (event.type === 'stateChanged' && event.phase === 'releasing') down += 1;
    });
    // As sockets do that break together: some hundreds in each round of the event loop.
    const servers = [...simulated.all()];
    while (servers.length > 0) {
      for (const server of servers.splice(0, 500)) server.breakLink();
      await new Promise((resolve) => setImmediate(resolve));
    }
    const noticed = await until(() => down === count, 20_000);
    watching.unsubscribe();
    const back = noticed + (await until(() => manager.sessionStats().healthy === count, 60_000));
    return { noticedMs: noticed, backMs: back, totalMs: performance.now() - start };
  });

  const stopBegan = performance.now();
  const stopping = await withStalls(() => manager.close({ drainMs: 0 }));
  const stopMs = performance.now() - stopBegan - 20;
  const lost = simulated.all().filter((server) => server.liveLinks > 0 || server.maxLiveLinks > 1).length;
  return {
    sessions: count,
    'open and connect ms': Math.round(openMs),
    'bytes per session above the link': Math.round(bytes - linkBytes),
    'checks per s': Math.round((counted / tickMs) * 1000),
    'CPU % of a core': Number((((used.user + used.system) / 1000 / tickMs) * 100).toFixed(1)),
    'loop p99 above idle ms': Number((ticking.p99Ms - idle).toFixed(2)),
    'outage: noticed ms': Math.round(outage.result.noticedMs),
    'outage: all back ms': Math.round(outage.result.backMs),
    'outage: longest stall ms': Number(outage.maxMs.toFixed(1)),
    'stop ms': Math.round(stopMs),
    'stop: longest stall ms': Number(stopping.maxMs.toFixed(1)),
    'links left or doubled': lost,
  };
}

const count = Number(process.argv[2]);
if (Number.isInteger(count)) {
  const idle = (await withStalls(() => wait(2_000))).p99Ms;
  console.table(await fleet(count, idle));
} else {
  // A process for each size: what one fleet leaves in the engine's caches would be counted with the next.
  for (const size of ['1000', '10000']) {
    const { status } = spawnSync(process.execPath, ['--expose-gc', fileURLToPath(import.meta.url), size], {
      stdio: 'inherit',
    });
    if (status !== 0) process.exit(1);
  }
}
