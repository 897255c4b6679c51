// What becomes of calls when something happens to their server: each client in a process of its own, one server each, and the
// server's own word for how often it executed.
//
//   npm run bench -- faults [--peers] [--json] [--only <part of a fault's title>]
//
// --peers  other libraries too: `npm ci` in bench/peers first
import { fork } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as wait } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { executionsIn, faults, startsIn } from './faults/faults.mjs';
import { findPeers, peersNode } from './peers/peers.mjs';
import { startServer } from './servers/start-server.mjs';
import { textTable } from './text-table.mjs';

const { values: asked } = parseArgs({
  options: {
    peers: { type: 'boolean', default: false },
    json: { type: 'boolean', default: false },
    only: { type: 'string', default: '' },
  },
});
const patienceMs = 10_000;
const laterMs = 1_000;
const runner = fileURLToPath(new URL('./faults/run-calls.mjs', import.meta.url));
const overStdio = new URL('./servers/mortal-stdio.mjs', import.meta.url);
const overHttp = new URL('./servers/mortal-http.mjs', import.meta.url);
const folder = mkdtempSync(join(tmpdir(), 'holdfast-faults-'));
let logs = 0;

/** A server that can be killed and started again where it was. */
async function startMortal(kind) {
  const log = join(folder, `${(logs += 1)}.log`);
  if (kind === 'stdio') return { kind, log, args: [fileURLToPath(overStdio), log], stop: () => undefined };
  let life = await startServer(overHttp, log);
  const { url } = life;
  return {
    kind,
    log,
    url,
    kill: () => life.kill(),
    start: async () => {
      life = await startServer(overHttp, log, new URL(url).port);
    },
    stop: () => life.stop(),
  };
}

/** A client that makes one call at a time; what does not settle within 10 s is `nothing`. */
async function startClient(module, { kind, args, url }, execPath) {
  const child = fork(runner, [module.href, JSON.stringify({ kind, args, url })], {
    execPath,
    execArgv: ['--no-warnings'],
    stdio: ['ignore', 'ignore', 'ignore', 'ipc'],
  });
  const exited = once(child, 'exit');
  const told = async () => {
    const late = new AbortController();
    const end = await Promise.race([
      once(child, 'message').then(([message]) => message),
      exited.then(() => ({ error: 'its process ended', ms: 0 })),
      wait(patienceMs, { error: `nothing within ${patienceMs / 1_000} s`, ms: patienceMs }, { signal: late.signal }),
    ]);
    late.abort();
    return end;
  };
  const isReady = (await told()) === 'ready';
  return {
    isReady,
    call: () => {
      if (child.connected) child.send('call');
      return told();
    },
    stop: async () => {
      if (child.connected) child.disconnect();
      const late = setTimeout(() => child.kill('SIGKILL'), patienceMs);
      await exited;
      clearTimeout(late);
    },
  };
}

/** What one client makes of one fault. */
async function suffer({ name, module }, fault, execPath) {
  const server = await startMortal(fault.kind);
  const client = await startClient(module, server, execPath);
  try {
    if (!client.isReady || (await client.call()).text !== 'ok')
      return { fault: fault.title, client: name, failed: true };
    const starts = startsIn(server.log);
    await fault.strike(server, client.call);
    const before = executionsIn(server.log);
    const first = await client.call();
    const executions = executionsIn(server.log) - before;
    await wait(laterMs);
    return { fault: fault.title, client: name, starts, first, executions, later: await client.call() };
  } finally {
    await client.stop();
    await server.stop();
  }
}

const word = ({ text, error, ms }) => (error === undefined ? `${text} in ${ms.toFixed(0)} ms` : 'error');
const cells = ({ fault, client, failed, starts, first, executions, later }) =>
  failed
    ? [fault, client, 'could not connect', '–', '–', '–']
    : [fault, client, word(first), word(later), `${executions}`, `${starts}`];

const node = asked.peers ? peersNode() : { execPath: process.execPath, version: process.versions.node };
const clients = [
  { name: 'bare SDK', module: new URL('./callers/bare.mjs', import.meta.url) },
  { name: 'holdfast', module: new URL('./callers/held.mjs', import.meta.url) },
  ...(asked.peers ? findPeers(node) : []),
];
for (const { name, reason } of clients) if (reason !== undefined) console.error(`left out: ${name}, ${reason}`);
const chosen = faults.filter(({ title }) => title.toLowerCase().includes(asked.only.toLowerCase()));
const results = [];
try {
  for (const fault of chosen) {
    console.error(`… ${fault.title}`);
    for (const client of clients.filter(({ module }) => module !== undefined)) {
      results.push(await suffer(client, fault, node.execPath));
    }
  }
} finally {
  rmSync(folder, { recursive: true });
}
if (asked.json) console.log(JSON.stringify({ node: node.version, results }, undefined, 2));
else {
  console.log(
    `executed: by the server, for that one call; processes: started for one connection. Node ${node.version}\n`,
  );
  const head = ['fault', 'client', 'the next call', 'a call 1 s later', 'executed', 'processes'];
  console.log(textTable([head, ...results.map(cells)], 4));
}
