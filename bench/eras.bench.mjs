// How long it takes until a server of either era is healthy, over stdio and over HTTP, with `protocol: 'auto'`; and how often it is started.
// The SDKs are loaded before. Bare: the SDK v2's client over stdio, in its mode `auto`, which starts a server twice to find its era out.
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { performance } from 'node:perf_hooks';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { Client } from '@modelcontextprotocol/client';
import { StdioClientTransport } from '@modelcontextprotocol/client/stdio';
import { SessionManager, http, stdio } from '../dist/index.js';
import { median } from './statistics.mjs';

const rounds = 11;
const fixtures = fileURLToPath(new URL('../test/e2e/fixtures/', import.meta.url));
const directory = mkdtempSync(join(tmpdir(), 'holdfast-eras-'));
const log = join(directory, 'starts');
const env = { ...process.env, STARTS: log };

const servers = {
  'dual, stdio': ['eras-server.mjs', 'dual'],
  'modern only, stdio': ['eras-server.mjs', 'modern'],
  'legacy only, stdio': ['eras-server.mjs', 'legacy'],
  'silent, stdio': ['odd-era-server.mjs', 'silent'],
  'exits when asked, stdio': ['odd-era-server.mjs', 'exits'],
  'dual, HTTP': ['eras-server.mjs', 'dual', 'http'],
  'modern only, HTTP': ['eras-server.mjs', 'modern', 'http'],
  'legacy only, HTTP': ['eras-server.mjs', 'legacy', 'http'],
};

async function held(target) {
  const manager = new SessionManager();
  const began = performance.now();
  const session = await manager.addServer('a', target);
  const ms = performance.now() - began;
  const { era } = session.info;
  await manager.close({ drainMs: 0 });
  return { ms, era };
}

async function bare(args) {
  const client = new Client(
    { name: 'bench', version: '1' },
    { versionNegotiation: { mode: 'auto', probe: { timeoutMs: 1_500 } } },
  );
  const began = performance.now();
  await client.connect(new StdioClientTransport({ command: process.execPath, args, env }));
  const ms = performance.now() - began;
  await client.close();
  return { ms };
}

function starts() {
  const count = readFileSync(log, 'utf8').trimEnd().split('\n').length;
  rmSync(log);
  return count;
}

async function measured(run) {
  const runs = [];
  for (let round = 0; round <= rounds; round += 1) runs.push({ ...(await run()), starts: starts() });
  // The first one loads what is loaded once.
  const counted = runs.slice(1);
  return {
    ms: median(counted.map(({ ms }) => ms)),
    starts: median(counted.map((each) => each.starts)),
    era: counted[0].era,
  };
}

const shown = ({ ms, starts: count }) => `${ms.toFixed(0).padStart(6)} ms, ${count} start${count === 1 ? '' : 's'}`;

console.log(`medians of ${rounds} connections, from addServer to the first healthy moment`);
for (const [name, [program, ...argv]] of Object.entries(servers)) {
  const args = [join(fixtures, program), ...argv];
  if (argv.at(-1) === 'http') {
    const child = spawn(process.execPath, args, { stdio: ['ignore', 'pipe', 'inherit'] });
    const [port] = await once(createInterface({ input: child.stdout }), 'line');
    const times = [];
    let era;
    for (let round = 0; round <= rounds; round += 1) {
      const one = await held(http({ url: `http://127.0.0.1:${port}/mcp` }));
      era = one.era;
      if (round > 0) times.push(one.ms);
    }
    child.kill('SIGKILL');
    console.log(`${name.padEnd(26)} ${era.padEnd(7)} holdfast ${median(times).toFixed(0).padStart(6)} ms`);
  } else {
    const target = stdio({ command: process.execPath, args, env: { STARTS: log } });
    const one = await measured(() => held(target));
    const other = await measured(() => bare(args));
    console.log(`${name.padEnd(26)} ${one.era.padEnd(7)} holdfast ${shown(one)}   bare SDK v2 ${shown(other)}`);
  }
}
rmSync(directory, { recursive: true });
