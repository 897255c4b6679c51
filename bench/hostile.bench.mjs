// One hostile server each: what its caller gets and what it costs the process that holds it, while a healthy server beside it
// is called a hundred times a second. Every case in a process of its own with a heap of at most 512 MB and at most 30 s.
//
//   npm run bench -- hostile [--sdk] [--json] [--only <part of an attack's name>]
//
// --sdk  the bare SDK client under the same attacks too
import { fork, spawnSync } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { once } from 'node:events';
import { performance } from 'node:perf_hooks';
import { setTimeout as wait } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { attacks } from './hostile/attacks.mjs';
import { startServer } from './servers/start-server.mjs';
import { textTable } from './text-table.mjs';

const { values: asked } = parseArgs({
  options: {
    sdk: { type: 'boolean', default: false },
    json: { type: 'boolean', default: false },
    only: { type: 'string', default: '' },
  },
});
const patienceMs = 30_000;
const goneWithinMs = 500;
const heapMb = 512;
const runner = fileURLToPath(new URL('./hostile/run-victim.mjs', import.meta.url));
const healthy = fileURLToPath(new URL('./servers/lean-stdio.mjs', import.meta.url));

/** The processes that were started with this mark and still live, but for the one that started them. */
function marked(mark, starter) {
  const { stdout } = spawnSync('ps', ['-A', '-ww', '-o', 'pid=,stat=,args='], { encoding: 'utf8' });
  return stdout
    .split('\n')
    .filter((line) => line.includes(mark))
    .map((line) => /^\s*(?<pid>\d+)\s+(?<stat>\S+)/.exec(line).groups)
    .filter(({ pid, stat }) => Number(pid) !== starter && !stat.startsWith('Z'))
    .map(({ pid }) => Number(pid));
}

/** What a victim told last before it closed everything, ended, or ran out of time. */
async function lastWordsOf(child) {
  let told = { rssMb: 0, stallMs: 0, neighbourP99Ms: 0, neighbourLost: 0 };
  let toldAt = performance.now();
  const closed = new Promise((resolve) => {
    child.on('message', (message) => {
      told = message;
      toldAt = performance.now();
      if (message.isClosed) resolve();
    });
  });
  const late = new AbortController();
  const end = await Promise.race([
    closed.then(() => undefined),
    once(child, 'exit').then(([code, signal]) => `THE PROCESS DIED (${signal ?? code})`),
    wait(patienceMs, `NOTHING within ${patienceMs / 1_000} s`, { signal: late.signal }),
  ]);
  late.abort();
  if (end === undefined) return told;
  const got = told.got === undefined ? end : `${told.got}, but close: ${end}`;
  return { ...told, got, stallMs: Math.max(told.stallMs, performance.now() - toldAt) };
}

/** What came of one client under one attack. */
async function suffer(victim, { name, title, file, isHttp }) {
  const mark = `mark=${randomUUID()}`;
  const server = isHttp ? await startServer(file, name) : undefined;
  const target = isHttp ? { url: server.url } : { args: [fileURLToPath(file), name, mark] };
  const child = fork(runner, [victim, name, JSON.stringify(target), JSON.stringify({ args: [healthy, mark] })], {
    execArgv: [`--max-old-space-size=${heapMb}`, '--no-warnings'],
    stdio: ['ignore', 'ignore', 'pipe', 'ipc'],
  });
  let complaint = '';
  child.stderr.setEncoding('utf8').on('data', (chunk) => (complaint = (complaint + chunk).slice(-2_000)));
  const exited = once(child, 'exit');
  const told = await lastWordsOf(child);
  if (!told.isClosed) {
    child.kill('SIGKILL');
    await exited;
  }
  await wait(goneWithinMs);
  const left = marked(mark, child.pid);
  if (child.connected) child.disconnect();
  await exited;
  for (const pid of left) process.kill(pid, 'SIGKILL');
  await server?.stop();
  // Not a process that ran out of memory: one that something was thrown in.
  if (child.exitCode > 0) console.error(complaint);
  return { attack: name, title, victim, ...told, left: left.length };
}

const cells = ({ title, victim, got, ms, rssMb, stallMs, neighbourP99Ms, neighbourLost, left }) => [
  title,
  victim,
  got,
  ms === undefined ? '–' : ms.toFixed(0),
  `+${rssMb.toFixed(0)}`,
  stallMs.toFixed(0),
  neighbourP99Ms.toFixed(0),
  `${neighbourLost}`,
  `${left}`,
];

const head = ['attack', 'client', 'the caller got', 'after ms', 'RSS MB', 'stall ms', 'p99 ms', 'lost', 'left'];
const chosen = attacks.filter(({ title, name }) => `${name} ${title}`.toLowerCase().includes(asked.only.toLowerCase()));
if (chosen.length === 0) {
  console.error(`There is no attack ${asked.only}; known are ${attacks.map(({ name }) => name).join(', ')}.`);
  process.exit(2);
}
const results = [];
for (const attack of chosen) {
  for (const victim of asked.sdk ? ['holdfast', 'sdk'] : ['holdfast']) {
    console.error(`… ${attack.title}, ${victim}`);
    results.push(await suffer(victim, attack));
  }
}
if (asked.json) {
  console.log(JSON.stringify({ node: process.versions.node, results }, undefined, 2));
} else {
  console.log(
    'RSS: growth of the peak; stall: longest of the event loop; p99, lost: calls to a healthy server in the same process;',
  );
  console.log(
    `left: processes after close, or after the end of the process. Heap at most ${heapMb} MB, Node ${process.versions.node}\n`,
  );
  console.log(textTable([head, ...results.map(cells)], 3));
}
