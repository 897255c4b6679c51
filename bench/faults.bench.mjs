// What becomes of calls when something happens to their server: each client in a process of its own, one server each, and the
// server's own word for how often it executed.
//
//   npm run bench -- faults [--peers] [--json] [--only <part of a fault's title>]
//
// --peers  other libraries too: `npm ci` in bench/peers first
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as wait } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { startClient } from './callers/start-client.mjs';
import { findClients } from './clients.mjs';
import { executionsIn, faults, startsIn } from './faults/faults.mjs';
import { startServer } from './servers/start-server.mjs';
import { textTable } from './text-table.mjs';

const { values: asked } = parseArgs({
  options: {
    peers: { type: 'boolean', default: false },
    json: { type: 'boolean', default: false },
    only: { type: 'string', default: '' },
  },
});
const laterMs = 1_000;
const overStdio = new URL('./servers/mortal-stdio.mjs', import.meta.url);
const overHttp = new URL('./servers/mortal-http.mjs', import.meta.url);
const folder = mkdtempSync(join(tmpdir(), 'holdfast-faults-'));
let logs = 0;

/** A server that can be killed and started again where it was. */
async function startMortal(kind) {
  const log = join(folder, `${(logs += 1)}.log`);
  if (kind === 'stdio')
    return { kind, log, command: process.execPath, args: [fileURLToPath(overStdio), log], stop: () => undefined };
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

/** What one client makes of one fault. */
async function suffer({ name, module }, fault, execPath) {
  const server = await startMortal(fault.kind);
  const { kind, command, args, url } = server;
  const client = await startClient(module, { server: { kind, command, args, url } }, execPath);
  const call = () => client.call('server');
  try {
    if (client.opened.error !== undefined || (await call()).text !== 'ok')
      return { fault: fault.title, client: name, failed: true };
    const starts = startsIn(server.log);
    await fault.strike(server, call);
    const before = executionsIn(server.log);
    const first = await call();
    const executions = executionsIn(server.log) - before;
    await wait(laterMs);
    return { fault: fault.title, client: name, starts, first, executions, later: await call() };
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

const { node, clients } = findClients(asked.peers);
const chosen = faults.filter(({ title }) => title.toLowerCase().includes(asked.only.toLowerCase()));
const results = [];
try {
  for (const fault of chosen) {
    console.error(`… ${fault.title}`);
    for (const client of clients) {
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
