// A stdio server killed with SIGKILL: from Node's `exit` event to the session's state change, twenty times.
import { subscribe } from 'node:diagnostics_channel';
import { performance } from 'node:perf_hooks';
import { fileURLToPath } from 'node:url';
import { SessionManager, stdio } from '../dist/index.js';
import { median, quantile } from './statistics.mjs';

const server = fileURLToPath(new URL('../test/fixtures/stdio-server.mjs', import.meta.url));
const times = 20;

/** When each process ended, as its own `exit` event told. */
const exits = new Map();
subscribe('child_process', ({ process: child }) => {
  child.once('exit', () => {
    exits.set(child.pid, performance.now());
  });
});

async function crashes(label, args, budgetMs) {
  const manager = new SessionManager({
    defaults: { reconnect: { delayMs: 20, maxDelayMs: 20, crashLoopExits: 1_000 } },
  });
  const session = await manager.addServer('server', stdio({ command: process.execPath, args: [server, ...args] }));
  const noticed = [];
  const back = [];
  for (let round = 0; round < times; round += 1) {
    const { pid, generation } = session.info;
    let changedAt = 0;
    const watching = manager.events$.subscribe((event) => {
      if (event.type === 'stateChanged' && event.phase === 'releasing') changedAt = performance.now();
    });
    const killedAt = performance.now();
    process.kill(pid, 'SIGKILL');
    await new Promise((resolve) => {
      const following = session.info$.subscribe((info) => {
        if (info.generation > generation && info.state === 'healthy')
          setImmediate(() => {
            following.unsubscribe();
            resolve();
          });
      });
    });
    watching.unsubscribe();
    noticed.push(changedAt - exits.get(pid));
    back.push(performance.now() - killedAt);
  }
  await manager.close({ drainMs: 0 });
  console.log(
    `${label}: exit → state change median ${median(noticed).toFixed(2)} ms, p95 ${quantile(noticed, 0.95).toFixed(2)} ms ` +
      `(budget ${budgetMs}); killed → healthy again median ${median(back).toFixed(0)} ms`,
  );
}

await crashes('direct', [], 20);
await crashes('with a grandchild on the pipe', ['grandchild'], 300);
