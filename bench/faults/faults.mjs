// What happens to a server, and when its client is asked to call it next.
import { readFileSync } from 'node:fs';
import { setTimeout as wait } from 'node:timers/promises';

const linesIn = (log) => readFileSync(log, 'utf8').trim().split('\n');
export const executionsIn = (log) => linesIn(log).filter((line) => line === 'executed').length;
export const startsIn = (log) => linesIn(log).filter((line) => line.startsWith('start ')).length;
const lastPidIn = (log) =>
  Number(
    linesIn(log)
      .findLast((line) => line.startsWith('start '))
      .slice('start '.length),
  );

const shortlyMs = 50;
const fate = (order) => async (server) => {
  await fetch(new URL('/fate', server.url), { method: 'POST', body: order });
};

/** `strike` is over when the fault has happened; the calls come at once, and a second later. */
export const faults = [
  {
    title: 'stdio: SIGKILL',
    kind: 'stdio',
    strike: async ({ log }) => {
      process.kill(lastPidIn(log), 'SIGKILL');
      await wait(shortlyMs);
    },
  },
  {
    title: 'HTTP: restarted, sessions gone',
    kind: 'http',
    strike: async (server) => {
      await server.kill();
      await server.start();
    },
  },
  { title: 'HTTP: session forgotten, 404', kind: 'http', strike: fate('forget') },
  {
    title: 'HTTP: down for a call, then back',
    kind: 'http',
    strike: async (server, call) => {
      await server.kill();
      await call();
      await server.start();
    },
  },
  { title: 'HTTP: 503 to a call', kind: 'http', strike: fate('busy-once') },
  { title: 'HTTP: executed, then cut off', kind: 'http', strike: fate('drop-once') },
];
