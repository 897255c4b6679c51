import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { beforeAll, expect, it, onTestFinished } from 'vitest';
import { built } from '../support/built.ts';
import { isRunning } from '../support/processes.ts';
import { startCli } from './cli-process.ts';
import type { CliProcess } from './cli-process.ts';

const root = join(import.meta.dirname, '..', '..');
const ids = ['everything', 'filesystem', 'memory', 'sequential-thinking'];

beforeAll(async () => {
  await built();
}, 60_000);

it('up examples/servers.json holds four real servers, replaces one that is killed, and leaves nothing behind', async () => {
  const temporary = await mkdtemp(join(tmpdir(), 'holdfast-up-'));
  onTestFinished(() => rm(temporary, { recursive: true }));
  const cli = await startCli(['up', 'examples/servers.json'], { cwd: root, env: { TMPDIR: temporary } });
  expect(await cli.line({ type: 'started' })).toEqual({
    type: 'started',
    time: expect.stringMatching(/^\d{4}-\d\d-\d\dT[\d:.]+Z$/),
    servers: ids,
    pid: cli.pid,
  });
  for (const serverId of ids) await cli.line({ type: 'stateChanged', to: 'healthy', serverId, generation: 1 });

  const { pid: first } = await cli.line({ type: 'stateChanged', to: 'healthy', serverId: 'memory' });
  const soFar = cli.lines.length;
  process.kill(Number(first), 'SIGKILL');
  const ofMemory = { type: 'stateChanged', serverId: 'memory' };
  expect(await cli.line({ ...ofMemory, from: 'healthy' }, soFar)).toMatchObject({ to: 'disconnected', generation: 1 });
  const { pid: second } = await cli.line({ ...ofMemory, to: 'healthy', generation: 2 }, soFar);
  expect(second).not.toBe(first);
  expect(isRunning(Number(second))).toBe(true);

  cli.signal('SIGINT');
  const { code, stderr } = await cli.ended;
  expect({ code, stderr }).toEqual({ code: 130, stderr: '' });
  expect(cli.leftovers()).toEqual([]);
  expectWholeFeed(cli);
}, 30_000);

it('a server that the configuration keeps out is told in one line, and the others are held', async () => {
  const config = join(import.meta.dirname, 'fixtures', 'mixed.json');
  const cli = await startCli(['up', config], { cwd: root });
  await cli.line({ type: 'stateChanged', to: 'healthy', serverId: 'good' });
  cli.signal('SIGTERM');
  const { code, stderr } = await cli.ended;
  expect(code).toBe(143);
  expect(cli.lines[0]).toMatchObject({ type: 'started', servers: ['good'] });
  expect(cli.lines.slice(1, 4).map(({ time: _, ...line }) => line)).toEqual([
    {
      type: 'configProblem',
      file: config,
      line: 4,
      column: 5,
      field: null,
      serverId: 'remote',
      problem: 'this is a remote server (HTTP), which is not supported yet',
      fix: 'leave it out, or set "disabled": true',
    },
    {
      type: 'configProblem',
      file: config,
      line: 5,
      column: 27,
      field: 'mcpServers.unset.command',
      serverId: 'unset',
      problem: 'the variable HOLDFAST_TEST_UNSET is not set and has no default',
      fix: 'set HOLDFAST_TEST_UNSET in the environment, or write ${HOLDFAST_TEST_UNSET:-value}',
    },
    {
      type: 'configProblem',
      file: config,
      line: 6,
      column: 5,
      field: null,
      serverId: 'hasty',
      problem: 'reconnect.maxDelayMs must be at least reconnect.delayMs (50), but it is 10',
      fix: 'change or remove this setting',
    },
  ]);
  expect(stderr.trimEnd().split('\n')).toEqual([
    `${config}:4:5: this is a remote server (HTTP), which is not supported yet; leave it out, or set "disabled": true`,
    `${config}:5:27: mcpServers.unset.command: the variable HOLDFAST_TEST_UNSET is not set and has no default; set HOLDFAST_TEST_UNSET in the environment, or write \${HOLDFAST_TEST_UNSET:-value}`,
    `${config}:6:5: reconnect.maxDelayMs must be at least reconnect.delayMs (50), but it is 10; change or remove this setting`,
  ]);
  expectWholeFeed(cli);
}, 20_000);

/** Every line is JSON with a type and a time, the events are numbered without a gap, and it ends with `stopped`. */
function expectWholeFeed({ lines }: CliProcess): void {
  const seqs = lines.flatMap(({ seq }) => (seq === undefined ? [] : [seq]));
  expect(seqs).toEqual(seqs.map((_, index) => index + 1));
  expect(lines.every(({ type, time }) => typeof type === 'string' && typeof time === 'string')).toBe(true);
  expect(lines.at(-1)).toMatchObject({ type: 'stopped' });
}
