import { chmodSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { beforeAll, expect, it, onTestFinished } from 'vitest';
import { built } from '../support/built.ts';
import { startCli } from './cli-process.ts';
import type { CliEnd, CliProcess } from './cli-process.ts';
import { Viewer } from '../inspect/viewer.ts';

const root = join(import.meta.dirname, '..', '..');
const everything = join(root, 'node_modules/@modelcontextprotocol/server-everything/dist/index.js');
const canary = 'canary-7b1f0c6e2d';

beforeAll(async () => {
  await built();
}, 60_000);

interface Project {
  readonly folder: string;
  readonly config: string;
  readonly env: Readonly<Record<string, string>>;
  run(...args: readonly string[]): Promise<CliEnd>;
  up(): Promise<CliProcess>;
  /** The word that a running `up` has left; the names of the files. */
  words(): readonly string[];
}

/** A project with two real servers, of which `lame` never starts where that is asked for, and a folder of its own for what `up` leaves. */
function project(lame = false): Project {
  const folder = mkdtempSync(join(tmpdir(), 'holdfast-attach-'));
  onTestFinished(() => {
    rmSync(folder, { recursive: true });
  });
  const config = join(folder, 'mcp.json');
  const good = { command: process.execPath, args: [everything, 'stdio'], env: { API_KEY: canary } };
  const bad = { command: process.execPath, args: ['-e', 'process.exit(3)'] };
  writeFileSync(
    config,
    JSON.stringify({
      mcpServers: { good, other: lame ? bad : good },
      holdfast: { groups: { pair: { primary: 'good', backups: ['other'] } } },
    }),
  );
  const env = { XDG_RUNTIME_DIR: folder };
  return {
    folder,
    config,
    env,
    run: async (...args) => (await startCli([...args], { cwd: folder, env })).ended,
    up: async () => {
      const cli = await startCli(['up', '--listen', '0', config], { cwd: folder, env });
      for (const serverId of ['good', 'other']) await cli.line({ type: 'stateChanged', to: 'healthy', serverId });
      return cli;
    },
    words: () => readdirSync(join(folder, 'holdfast')),
  };
}

it('status, tools, call and restart reach a running up, which takes its word back when it ends', async () => {
  const { run, up, words, folder } = project();
  const cli = await up();
  const [word = ''] = words();
  expect((statSync(join(folder, 'holdfast', word)).mode & 0o777).toString(8)).toBe('600');
  const left: Record<string, unknown> = JSON.parse(readFileSync(join(folder, 'holdfast', word), 'utf8'));
  const pids = async (): Promise<readonly unknown[]> => {
    const { stdout, code } = await run('status', '--json');
    expect(code).toBe(0);
    return JSON.parse(stdout).sessions.map(({ pid }: { pid: unknown }) => pid);
  };
  const before = await pids();
  expect(await pids()).toEqual(before);

  const table = await run('status');
  expect([table.code, table.stderr]).toEqual([0, '']);
  expect(table.stdout).toMatch(/^holdfast: 2 servers, 2 healthy; 1 group {2}mcp\.json\n/u);

  const tools = await run('tools', 'good');
  expect(tools.stdout).toContain('echo  message=<string>\n');
  expect((await run('tools')).stdout).toContain('pair__echo  message=<string>\n');

  expect(await run('call', 'good', 'echo', 'message=hello there')).toEqual({
    code: 0,
    stdout: 'Echo: hello there\n',
    stderr: '',
  });
  expect(await run('call', 'pair', 'get-sum', 'a=2', 'b=3')).toMatchObject({
    code: 0,
    stdout: 'The sum of 2 and 3 is 5.\n',
  });
  const whole: unknown = JSON.parse((await run('call', 'pair', 'echo', 'message=1', '--json')).stdout);
  expect(whole).toMatchObject({
    result: { content: [{ text: 'Echo: 1' }] },
    served: { serverId: 'good', attempts: 1 },
  });

  expect(await run('restart', 'good')).toEqual({ code: 0, stdout: '', stderr: '' });
  await cli.line({ type: 'stateChanged', to: 'healthy', serverId: 'good', generation: 2 });
  const after = await pids();
  expect([after[0] === before[0], after[1] === before[1]]).toEqual([false, true]);

  cli.signal('SIGTERM');
  const { code, stdout, stderr } = await cli.ended;
  expect(code).toBe(143);
  expect(words()).toEqual([]);
  for (const secret of [String(left['token']), canary]) {
    expect(stdout).not.toContain(secret);
    expect(stderr).not.toContain(secret);
  }
  expect(cli.leftovers()).toEqual([]);
}, 60_000);

it('without a running up they start the servers, act, and leave nothing', async () => {
  const { run } = project(true);
  const status = await run('status', '--timeout', '3000', '--json');
  expect([
    status.code,
    JSON.parse(status.stdout).sessions.map(({ id, state }: { id: string; state: string }) => [id, state]),
  ]).toEqual([
    3,
    [
      ['good', 'healthy'],
      // Between two attempts, or at one.
      ['other', expect.stringMatching(/^(?:disconnected|connecting)$/u)],
    ],
  ]);
  expect(status.stdout).not.toContain(canary);
  expect(await run('call', 'good', 'echo', 'message=alone')).toEqual({ code: 0, stdout: 'Echo: alone\n', stderr: '' });
}, 60_000);

it('after an up that was killed they do not take its word', async () => {
  const { run, up, words } = project();
  const cli = await up();
  cli.signal('SIGKILL');
  await cli.ended;
  expect(words()).toHaveLength(1);
  expect((await run('restart', 'good')).stderr).toBe(
    'holdfast: nobody holds this configuration: start `holdfast up` with it first\n',
  );
  expect((await run('call', 'good', 'echo', 'message=again')).stdout).toBe('Echo: again\n');
}, 60_000);

const wrong: readonly [string, readonly string[], number, RegExp][] = [
  ['a server that is not there', ['call', 'nobody', 'echo'], 2, /there is no server or group "nobody"/u],
  ['an argument that is none', ['call', 'good', 'echo', 'hello'], 2, /"hello" is no argument: write name=value/u],
  ['an argument of another type', ['call', 'good', 'get-sum', 'a=x', 'b=1'], 2, /"a" must be number/u],
  ['a place that is none', ['up', '--listen', 'here:there'], 2, /Write 7500/u],
  ['a port that is none', ['up', '--listen', '99999'], 2, /Write 7500/u],
  [
    'an address for everybody without a token',
    ['up', '--listen', '0.0.0.0:0'],
    2,
    /which others can reach, without a token/u,
  ],
  ['a token file that is not there', ['up', '--token-file', 'none'], 2, /"none" cannot be read \(ENOENT\)/u],
  ['a configuration that is not there', ['status', '-c', 'none.json'], 2, /none\.json/u],
  ['a file and a command', ['status', '-c', 'mcp.json', '--', 'x'], 2, /not both/u],
];

it('a result that the tool calls an error is written, and the exit code is 1', async () => {
  const { run } = project();
  const { code, stdout } = await run('call', 'good', 'nothing');
  expect([code, stdout]).toEqual([1, 'MCP error -32602: Tool nothing not found\n']);
}, 30_000);

it.each(wrong)(
  '%s ends with its exit code and says why',
  async (_what, args, code, said) => {
    const { run } = project();
    const end = await run(...args);
    expect([end.code, end.stdout]).toEqual([code, '']);
    expect(end.stderr).toMatch(said);
  },
  30_000,
);

it('a folder that others could write to is not trusted, and up goes on without leaving word', async () => {
  const { folder, config, run, env } = project();
  mkdirSync(join(folder, 'holdfast'));
  chmodSync(join(folder, 'holdfast'), 0o777);
  const cli = await startCli(['up', '--listen', '0', config], { cwd: folder, env });
  await cli.line({ type: 'stateChanged', to: 'healthy', serverId: 'good' });
  expect((await run('restart', 'good')).code).toBe(1);
  cli.signal('SIGTERM');
  const { code, stderr } = await cli.ended;
  expect([code, stderr]).toEqual([
    143,
    `holdfast: other commands cannot find this one: ${join(folder, 'holdfast')} can be written by others\n`,
  ]);
}, 60_000);

it('logs tells what servers wrote and what happened to them, and with -f what comes, until the up ends', async () => {
  const { run, up, folder, env } = project();
  expect(await run('logs')).toMatchObject({ code: 1, stderr: expect.stringContaining('nobody holds this') });
  const cli = await up();
  const following = await startCli(['logs', 'good', '-f'], { cwd: folder, env });
  const written = (await run('logs', 'good', '--json')).stdout.trim().split('\n');
  const lines = written.map((line): { id: string; source: string; text: string } => JSON.parse(line));
  expect(new Set(lines.map(({ id }) => id))).toEqual(new Set(['good']));
  expect(lines.filter(({ source }) => source === 'stderr').map(({ text }) => text)).toContainEqual(
    expect.stringContaining('Starting'),
  );
  const { pid } = await cli.line({ type: 'stateChanged', to: 'healthy', serverId: 'good' });
  process.kill(Number(pid), 'SIGKILL');
  await expect
    .poll(() => following.stdout, { timeout: 20_000 })
    .toMatch(/good went down \(pid \d+\): [\s\S]*good is back/u);
  expect(following.stdout).not.toContain(canary);
  cli.signal('SIGINT');
  expect((await cli.ended).code).toBe(130);
  expect((await following.ended).code).toBe(0);
});

it('top needs a terminal and a running up', async () => {
  const { run } = project();
  expect(await run('top')).toMatchObject({ code: 2, stdout: '', stderr: expect.stringContaining('needs a terminal') });
});

it('up --inspect tells viewers of the actors, of one server where that is asked for, and ends with the rest', async () => {
  const { folder, config, env } = project();
  const token = 'a-token-of-my-own-1';
  const args = ['up', '--listen', '0', '--inspect-server', 'good', config];
  const cli = await startCli(args, { cwd: folder, env: { ...env, HOLDFAST_TOKEN: token } });
  const { inspector } = await cli.line({ type: 'started' });
  const url = String(inspector).replace('http', 'ws');
  const viewer = new Viewer(`${url}frames`, ['holdfast', `token.${token}`]);
  const isHealthy = (frame: (typeof viewer.frames)[number]): boolean =>
    frame.type === '@xstate.snapshot' && JSON.stringify(frame.snapshot).includes('"health":"healthy"');
  await viewer.until((frames) => frames.some(isHealthy));
  const names = viewer.frames.flatMap((frame) => (frame.type === '@xstate.actor' ? [frame.name] : []));
  expect(names).toEqual(expect.arrayContaining(['holdfast', 'good', 'pair group\u0000']));
  expect(names).not.toContain('other');
  expect(viewer.frames.map((frame) => JSON.stringify(frame)).join()).not.toContain(canary);
  cli.signal('SIGINT');
  expect((await cli.ended).code).toBe(130);
  expect(await viewer.ended).toMatch(/^1001 |^1006 /u);
});
