// One client under one attack in a process of its own, which tells ten times a second how it fares, and at last what came of it.
import { monitorEventLoopDelay, performance } from 'node:perf_hooks';
import { quantile } from '../statistics.mjs';
import { attacks } from './attacks.mjs';
import { callSteadily } from './neighbour.mjs';
import { victims } from './victims.mjs';

const warmUpMs = 500;
const aftermathMs = 1_000;
const everyMs = 100;

const wait = (ms) => new Promise((resolve) => setTimeout(resolve, ms));
const peakRssMb = () => process.resourceUsage().maxRSS / 1_024;

const [victimName, attackName, server, neighbour] = process.argv.slice(2);
const target = JSON.parse(server);
const victim = victims[victimName]();
const { connectsFirst, strike } = attacks.find(({ name }) => name === attackName);

const healthy = await victim.connect('neighbour', JSON.parse(neighbour));
const warmUp = callSteadily(healthy);
await wait(warmUpMs);
warmUp.stop();
const connect = () => victim.connect('hostile', target);
const session = connectsFirst ? await connect() : undefined;

const loop = monitorEventLoopDelay({ resolution: 1 });
loop.enable();
await wait(20);
loop.reset();
const rssBefore = peakRssMb();
const calls = callSteadily(healthy);
const fares = () => ({
  rssMb: peakRssMb() - rssBefore,
  stallMs: loop.max / 1e6,
  neighbourP99Ms: quantile(calls.latencies(), 0.99) ?? 0,
  neighbourLost: calls.lost(),
});
const reporting = setInterval(() => process.send(fares()), everyMs);

const began = performance.now();
let got;
try {
  got = await strike({ session, connect, describe: victim.describe, url: target.url });
} catch (error) {
  got = victim.describe(error);
}
const ms = performance.now() - began;
await wait(aftermathMs);
clearInterval(reporting);
calls.stop();
const result = { ...fares(), got, ms };
process.send(result);
await victim.close();
// It stays until what it left behind is counted.
process.once('disconnect', () => process.exit(0));
process.send({ ...result, isClosed: true });
