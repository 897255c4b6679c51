import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it, onTestFinished, vi } from 'vitest';
import packageJson from '../../package.json' with { type: 'json' };
import { startLeakCheck } from '../../src/testing/index.ts';
import type { LeakCheck } from '../../src/testing/index.ts';
import { built } from '../support/built.ts';
import { eventually } from '../support/eventually.ts';
import { isRunning } from '../support/processes.ts';
import { expectWholeFeed, startNode } from './cli-process.ts';
import type { CliProcess } from './cli-process.ts';

const root = join(import.meta.dirname, '..', '..');
const ids = ['everything', 'everything-http', 'filesystem', 'memory', 'memory-standby', 'sequential-thinking'];
const args = ['--import', './examples/with-http-server.mjs', 'dist/cli/main.js', 'up', 'examples/servers.json'];
let leaks: LeakCheck;

beforeAll(async () => {
  await built();
  leaks = startLeakCheck();
}, 60_000);
afterAll(() => leaks.verify());

it('examples/embed.ts connects to a real server, watches it, calls a tool and lets go', async () => {
  const log = vi.spyOn(console, 'log').mockImplementation(() => undefined);
  await import('../../examples/embed.ts');
  const printed = log.mock.calls;
  log.mockRestore();
  expect(printed).toEqual([
    ['everything is healthy'],
    [[{ type: 'text', text: 'Echo: hello' }]],
    ['everything is disconnected'],
  ]);
}, 20_000);

/** What `npm start` runs once it has built, up to where every server is healthy. */
async function npmStart(): Promise<CliProcess> {
  const temporary = await mkdtemp(join(tmpdir(), 'holdfast-up-'));
  onTestFinished(() => rm(temporary, { recursive: true }));
  expect(packageJson.scripts.start).toBe(`npm run build && node ${args.join(' ')}`);
  const cli = await startNode(args, { cwd: root, env: { TMPDIR: temporary, XDG_RUNTIME_DIR: temporary } });
  expect(await cli.line({ type: 'started' })).toEqual({
    type: 'started',
    time: expect.stringMatching(/^\d{4}-\d\d-\d\dT[\d:.]+Z$/),
    servers: ids,
    groups: ['knowledge'],
    pid: cli.pid,
    service: expect.stringMatching(/^http:\/\/127\.0\.0\.1:\d+\/$/),
    inspector: null,
  });
  for (const serverId of ids) await cli.line({ type: 'stateChanged', to: 'healthy', serverId });
  return cli;
}

/** The processes that the HTTP server has been so far. */
function httpPids({ stderr }: CliProcess): readonly number[] {
  return [...stderr.matchAll(/^http server: pid (\d+), http:\/\/127\.0\.0\.1:\d+\/mcp; /gm)].map(([, pid]) =>
    Number(pid),
  );
}

it('npm start holds six real servers, replaces those that are killed, and leaves nothing behind', async () => {
  const cli = await npmStart();

  const { pid: first } = await cli.line({ type: 'stateChanged', to: 'healthy', serverId: 'memory' });
  let soFar = cli.lines.length;
  process.kill(Number(first), 'SIGKILL');
  expect(await cli.line({ type: 'stateChanged', serverId: 'memory', from: 'healthy' }, soFar)).toMatchObject({
    to: 'disconnected',
    generation: 1,
  });
  await cli.line({ type: 'failedOver', groupId: 'knowledge', from: 'memory', to: 'memory-standby' }, soFar);
  const again = await cli.line({ type: 'stateChanged', serverId: 'memory', to: 'healthy', generation: 2 }, soFar);
  expect(isRunning(Number(again['pid']))).toBe(true);

  soFar = cli.lines.length;
  process.kill(httpPids(cli)[0] ?? 0, 'SIGKILL');
  await cli.line({ type: 'stateChanged', serverId: 'everything-http', to: 'disconnected' }, soFar);
  await cli.line({ type: 'stateChanged', serverId: 'everything-http', to: 'healthy' }, soFar);
  const [killed, running, ...others] = httpPids(cli);
  expect(others).toEqual([]);
  expect(cli.stderr).toContain(`http server: pid ${killed} is gone (SIGKILL)\n`);
  expect(isRunning(running ?? 0)).toBe(true);

  cli.signal('SIGINT');
  expect((await cli.ended).code).toBe(130);
  expect(cli.stderr.trimEnd().split('\n')).toHaveLength(3);
  expect(cli.leftovers()).toEqual([]);
  await eventually(() => !isRunning(running ?? 0));
  expectWholeFeed(cli);
}, 60_000);

it('the HTTP server of npm start does not outlive a kill -9 of the command', async () => {
  const cli = await npmStart();
  const [pid = 0] = httpPids(cli);
  expect(isRunning(pid)).toBe(true);
  cli.signal('SIGKILL');
  await cli.ended;
  await eventually(() => !isRunning(pid) && cli.leftovers().length === 0);
}, 60_000);
