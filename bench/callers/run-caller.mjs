// A client in a process of its own: connects with one of the callers, and makes calls whenever it is told to.
import { performance } from 'node:perf_hooks';
import { median } from '../statistics.mjs';

/** Calls with `inFlight` at once for `ms`, and what they cost this process. */
async function measure(call, { inFlight, ms }) {
  const latencies = [];
  const cpu = process.cpuUsage();
  const began = performance.now();
  const worker = async () => {
    for (let now = performance.now(); now - began < ms; now = performance.now()) {
      const answer = await call('server');
      latencies.push(performance.now() - now);
      if (answer !== 'ok') throw new Error(`the answer is ${JSON.stringify(answer)}`);
    }
  };
  await Promise.all(Array.from({ length: inFlight }, worker));
  const elapsedMs = performance.now() - began;
  const { user, system } = process.cpuUsage(cpu);
  return {
    perSecond: (latencies.length / elapsedMs) * 1_000,
    cpuUs: (user + system) / latencies.length,
    p50Us: median(latencies) * 1_000,
  };
}

const [module, server] = process.argv.slice(2);
process.once('disconnect', () => process.exit(0));
const { connect } = await import(module);
const { call } = await connect({ server: JSON.parse(server) });
process.on('message', (run) => void measure(call, run).then((measured) => process.send(measured)));
process.send('ready');
