import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { beforeAll, expect, it, onTestFinished } from 'vitest';
import { built } from '../support/built.ts';
import { startCli } from './cli-process.ts';
import type { CliProcess, JsonRecord } from './cli-process.ts';

const root = join(import.meta.dirname, '..', '..');
const memoryServer = join(root, 'node_modules', '@modelcontextprotocol', 'server-memory', 'dist', 'index.js');
const minimalServer = join(import.meta.dirname, 'fixtures', 'minimal-server.mjs');

beforeAll(async () => {
  await built();
}, 60_000);

/** `holdfast up` with this configuration, in a folder of its own. */
async function upWith(config: (folder: string) => object): Promise<{ cli: CliProcess; file: string }> {
  const folder = await mkdtemp(join(tmpdir(), 'holdfast-failover-'));
  onTestFinished(() => rm(folder, { recursive: true }));
  const file = join(folder, 'mcp.json');
  await writeFile(file, JSON.stringify(config(folder), null, 1));
  return { cli: await startCli(['up', file]), file };
}

function ofPair(lines: readonly JsonRecord[]): readonly JsonRecord[] {
  return lines
    .filter(({ groupId, type }) => groupId === 'pair' && type !== 'memberChanged')
    .map(({ time: _time, seq: _seq, at: _at, groupId: _groupId, delayMs: _delay, failbackAt: _when, ...rest }) => rest);
}

it('kill -9 of a real primary: calls go to the backup, and back when the primary has been healthy for a while', async () => {
  const { cli } = await upWith((folder) => {
    const server = {
      command: process.execPath,
      args: [memoryServer],
      env: { MEMORY_FILE_PATH: join(folder, 'memory.json') },
    };
    return {
      mcpServers: { main: server, spare: server },
      holdfast: { groups: { pair: { primary: 'main', backups: ['spare'], failbackDelayMs: 200 } } },
    };
  });
  expect(await cli.line({ type: 'started' })).toMatchObject({ servers: ['main', 'spare'], groups: ['pair'] });
  expect(await cli.line({ type: 'groups' })).toMatchObject({
    groups: [{ id: 'pair', active: 'main', members: [{ id: 'main' }, { id: 'spare' }], switches: 0 }],
  });
  const { pid } = await cli.line({ type: 'stateChanged', to: 'healthy', serverId: 'main' });
  await cli.line({ type: 'memberChanged', memberId: 'spare', admits: true });
  process.kill(Number(pid), 'SIGKILL');
  await cli.line({ type: 'failedBack' });
  cli.signal('SIGINT');
  expect((await cli.ended).code).toBe(130);
  expect(ofPair(cli.lines)).toEqual([
    { type: 'groupAdded' },
    { type: 'groupAvailable', active: 'main' },
    {
      type: 'failedOver',
      from: 'main',
      to: 'spare',
      reason: `it has no connection: ended by SIGKILL (pid ${Number(pid)})`,
      byHand: false,
    },
    { type: 'failbackScheduled', to: 'main' },
    { type: 'failedBack', from: 'spare', to: 'main', byHand: false },
    { type: 'groupRemoved' },
  ]);
  expect(cli.leftovers()).toEqual([]);
}, 60_000);

it('a group with a member that could not be added is left out, and its other servers are held', async () => {
  const server = { command: process.execPath, args: [minimalServer] };
  const { cli, file } = await upWith(() => ({
    mcpServers: { good: server, other: server, named: { url: 'https://me:s3cr3t@example.com/mcp' } },
    holdfast: {
      groups: {
        lame: { primary: 'good', backups: ['named'] },
        typo: { primary: 'good', backups: ['othr'] },
        pair: { primary: 'good', backups: ['other'] },
      },
    },
  }));
  expect(await cli.line({ type: 'started' })).toMatchObject({ servers: ['good', 'other'], groups: ['pair'] });
  await cli.line({ type: 'groupAvailable', groupId: 'pair' });
  cli.signal('SIGTERM');
  const { code, stderr } = await cli.ended;
  expect(code).toBe(143);
  expect(stderr.replaceAll(file, 'mcp.json').trimEnd().split('\n')).toEqual([
    expect.stringMatching(
      /^mcp\.json:\d+:\d+: holdfast\.groups\.typo\.backups\[0\]: there is no server "othr" in this configuration; did you mean "other"\?$/,
    ),
    expect.stringMatching(/^mcp\.json:\d+:\d+: url must be an address without a user name /),
    expect.stringMatching(
      /^mcp\.json:\d+:\d+: the group "lame" is left out: the server "named" could not be added; mend what is wrong /,
    ),
  ]);
  expect(cli.lines.filter(({ type }) => type === 'configProblem')).toHaveLength(3);
}, 60_000);
