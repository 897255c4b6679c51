// What clients do when nobody calls: how they start many servers, whether they look after idle ones, how they let go of them. Each
// in a process of its own; the servers' own logs and the list of processes are the evidence.
//
//   npm run bench -- lifecycle [--peers] [--json] [--idle <seconds, 40>]
//
// --peers  other libraries too: `npm ci` in bench/peers first
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as wait } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { startClient } from './callers/start-client.mjs';
import { findClients } from './clients.mjs';
import { startServer } from './servers/start-server.mjs';
import { textTable } from './text-table.mjs';

const { values: asked } = parseArgs({
  options: {
    peers: { type: 'boolean', default: false },
    json: { type: 'boolean', default: false },
    idle: { type: 'string', default: '40' },
  },
});
const idleMs = Number(asked.idle) * 1_000;
const patienceMs = 30_000;
const slowMs = 1_000;
const slowServers = 6;
/** A process that was told to end has ended by then, or was not told. */
const lingerMs = 1_000;

const overStdio = fileURLToPath(new URL('./servers/mortal-stdio.mjs', import.meta.url));
const overHttp = new URL('./servers/mortal-http.mjs', import.meta.url);
const folder = mkdtempSync(join(tmpdir(), 'holdfast-lifecycle-'));
let logs = 0;
const newLog = () => join(folder, `${(logs += 1)}.log`);
const linesIn = (log) => readFileSync(log, 'utf8').trim().split('\n');
const pidsIn = (log) =>
  linesIn(log)
    .filter((line) => line.startsWith('start '))
    .map((line) => Number(line.slice('start '.length)));

const stdio = (log, ...more) => ({ kind: 'stdio', command: process.execPath, args: [overStdio, log, ...more] });
/** As `npx` and its like do: a shell that waits for the server. */
const behindShell = (log, ...more) => ({
  kind: 'stdio',
  command: '/bin/sh',
  args: ['-c', '"$0" "$@"; true', process.execPath, overStdio, log, ...more],
});

function isRunning(pid) {
  try {
    process.kill(pid, 0);
    return true;
  } catch {
    return false;
  }
}

/** Connected to these servers, does what is asked of it, and leaves no process behind that is not counted. */
async function withClient({ module }, execPath, servers, act) {
  const client = await startClient(module, servers, execPath, patienceMs);
  try {
    return client.opened.error === undefined ? await act(client) : undefined;
  } finally {
    await client.stop();
  }
}

async function startMany(client, execPath) {
  const servers = Object.fromEntries(
    Array.from({ length: slowServers }, (_, index) => [`server${index}`, stdio(newLog(), `${slowMs}`)]),
  );
  const opened = await withClient(client, execPath, servers, ({ opened: { ms } }) => ms);
  return { startMs: opened };
}

/** All of them at once: idle processes are in nobody's way. */
async function idle(client, execPath) {
  const log = newLog();
  const remote = newLog();
  const server = await startServer(overHttp, remote);
  const watched = await withClient(
    client,
    execPath,
    { a: stdio(log), b: { kind: 'http', url: server.url } },
    async () => {
      await wait(lingerMs);
      const before = linesIn(log).length + linesIn(remote).length;
      await wait(idleMs);
      return linesIn(log).length + linesIn(remote).length - before;
    },
  );
  await server.stop();
  return { idleQuestions: watched };
}

async function letGo(client, execPath) {
  const remote = newLog();
  const server = await startServer(overHttp, remote);
  await withClient(client, execPath, { b: { kind: 'http', url: server.url } }, (opened) => opened.close());
  await server.stop();
  return { deletes: linesIn(remote).includes('DELETE') };
}

async function letGoOfStubborn(client, execPath) {
  const direct = newLog();
  const wrapped = newLog();
  const ms = await withClient(
    client,
    execPath,
    { a: stdio(direct, '0', 'stubborn'), b: behindShell(wrapped, '0', 'stubborn') },
    async (opened) => {
      const closed = await opened.close();
      await wait(lingerMs);
      return closed.ms;
    },
  );
  const left = [...pidsIn(direct), ...pidsIn(wrapped)].filter(isRunning);
  for (const pid of left) process.kill(pid, 'SIGKILL');
  return { closeMs: ms, left: left.length };
}

const { node, clients } = findClients(asked.peers);
const results = new Map(clients.map(({ name }) => [name, { client: name }]));
const note = (name, found) => Object.assign(results.get(name), found);
try {
  console.error(`… idle for ${asked.idle} s`);
  await Promise.all(clients.map(async (client) => note(client.name, await idle(client, node.execPath))));
  for (const client of clients) {
    console.error(`… ${client.name}`);
    note(client.name, await startMany(client, node.execPath));
    note(client.name, await letGo(client, node.execPath));
    note(client.name, await letGoOfStubborn(client, node.execPath));
  }
} finally {
  rmSync(folder, { recursive: true });
}

const ms = (value) => (value === undefined ? 'failed' : `${Math.round(value)} ms`);
const rows = [...results.values()].map(({ client, startMs, idleQuestions, deletes, closeMs, left }) => [
  client,
  ms(startMs),
  `${idleQuestions ?? 'failed'}`,
  deletes ? 'yes' : 'no',
  ms(closeMs),
  `${left}`,
]);
if (asked.json) console.log(JSON.stringify({ node: node.version, results: [...results.values()] }, undefined, 2));
else {
  console.log(`Node ${node.version}\n`);
  const head = ['client', 'six slow servers', 'asked while idle', 'DELETE at close', 'stubborn: close', 'left'];
  console.log(textTable([head, ...rows], 1));
}
