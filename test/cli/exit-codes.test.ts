import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import packageJson from '../../package.json' with { type: 'json' };
import { built } from '../support/built.ts';
import { runCli, startCli } from './cli-process.ts';

const server = join(import.meta.dirname, 'fixtures', 'minimal-server.mjs');
const minimal = { command: process.execPath, args: [server] };
const stubborn = { command: process.execPath, args: [server, 'stubborn'] };
const often = { defaults: { healthCheck: { intervalMs: 20 } } };
const preload = `--import ${pathToFileURL(join(import.meta.dirname, 'fixtures', 'on-sigusr2.mjs')).href}`;
const files: Readonly<Record<string, unknown>> = {
  'broken.json': '{ "mcpServers": { "a" ',
  'no-servers.json': {},
  'empty.json': { mcpServers: {} },
  'disabled.json': { mcpServers: { a: { command: 'node', disabled: true } } },
  'remote.json': { mcpServers: { a: { url: 'https://me:s3cr3t@example.com/mcp' } } },
  'unset.json': { mcpServers: { a: { command: '${HOLDFAST_TEST_UNSET}' } } },
  'bad-option.json': {
    mcpServers: { a: { command: 'node' } },
    holdfast: { servers: { a: { reconnect: { delayMs: 50, maxDelayMs: 10 } } } },
  },
  'minimal.json': { mcpServers: { minimal } },
  'some-well.json': { mcpServers: { minimal, b: { command: 'no-such-program-anywhere' } } },
  'stubborn.json': { mcpServers: { stubborn } },
  'busy.json': { mcpServers: { minimal }, holdfast: often },
  'secret.json': {
    mcpServers: { a: { command: 'node', env: { KEY: '${HOLDFAST_TEST_SECRET}', OTHER: '${NOT_SET}' } } },
  },
};
let folder: string;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'holdfast-cli-'));
  for (const [name, content] of Object.entries(files)) {
    await writeFile(join(folder, name), typeof content === 'string' ? content : JSON.stringify(content));
  }
  await built();
}, 60_000);

afterAll(async () => {
  await rm(folder, { recursive: true });
});

describe('what ends at once', { timeout: 20_000 }, () => {
  const table: readonly (readonly [args: string, code: number, stdout: RegExp, stderr: RegExp])[] = [
    ['--version', 0, new RegExp(`^${packageJson.version}\n$`), /^$/],
    ['--help', 0, /Exit codes:\n {2}0 .*\n {2}1 .*\n {2}2 .*\n {2}3 .*\n {2}4 .*\n {2}130 .*\n {2}143 /, /^$/],
    ['up --help', 0, /--drain-ms[\s\S]*Exit codes:/, /^$/],
    ['', 2, /^$/, /^Usage: holdfast/],
    ['hold', 2, /^$/, /^error: unknown command 'hold'/],
    ['up --frobnicate', 2, /^$/, /^error: unknown option '--frobnicate'/],
    ['up a b', 2, /^$/, /^.*\/a:1:1: the file does not exist; [^\n]+\n$/],
    ['up --drain-ms soon', 2, /^$/, /^error: option '--drain-ms <ms>' argument 'soon' is invalid/],
    ['up --drain-ms -1', 2, /^$/, /^error: /],
    ['up --log-level loud', 2, /^$/, /^error: option '--log-level <level>' argument 'loud' is invalid/],
    ['up --', 2, /^$/, /^error: there is no command after --\n$/],
    ['config check none.json', 2, /^$/, /^\S+none\.json:1:1: the file does not exist; [^\n]*\n$/],
    ['config check unset.json', 2, /: 0 servers, 0 groups, 1 problem\n$/, /^\S+unset\.json:1:\d+: [^\n]*\n$/],
    ['config check disabled.json', 0, /disabled\.json: 1 server, 0 groups, 0 problems\n$/, /^$/],
    ['config check unset.json --json', 2, /^\{"schema":"holdfast\/v1",.*"problems":\[\{/, /^$/],
    ['config check none.json --json', 2, /"problem":"the file does not exist"/, /^$/],
    ['diagram', 0, /^stateDiagram-v2\n/, /^$/],
    ['diagram group --format svg', 0, /^<svg /, /^$/],
    ['diagram nothing', 2, /^$/, /Allowed choices are session, manager, group/],
    ['doctor --help', 0, /\[server\][\s\S]*--timeout <ms>[\s\S]*Exit codes:/, /^$/],
    ['doctor minimal -c minimal.json', 0, /\n1 server, all ok\n$/, /^$/],
    ['doctor -c some-well.json', 3, /\n2 servers, 1 ok, 1 failed\n$/, /^$/],
    ['doctor b -c some-well.json', 4, /\n1 server, 0 ok, 1 failed\n$/, /^$/],
    ['doctor -c unset.json', 2, /^a: configuration: failed /, /^$/],
    ['doctor -c none.json', 2, /^$/, /^\S+none\.json:1:1: the file does not exist; [^\n]*\n$/],
    ['doctor -c disabled.json', 2, /^$/, /disabled\.json: there is no server to look at \(disabled: 1\)\n$/],
    ['doctor nobody -c minimal.json', 2, /^$/, /minimal\.json: there is no server "nobody" in it\n$/],
    ['doctor a b', 2, /^$/, /^error: too many arguments/],
    ['doctor --timeout soon', 2, /^$/, /^error: option '--timeout <ms>' argument 'soon' is invalid/],
    ['completion bash', 0, /^# bash completion for holdfast\n/, /^$/],
    ['completion zsh', 0, /^#compdef holdfast\n/, /^$/],
    ['completion fish', 0, /^# fish completion for holdfast\n/, /^$/],
    ['completion tcsh', 2, /^$/, /Allowed choices are bash, zsh, fish/],
    ['completion', 2, /^$/, /^error: missing required argument 'shell'/],
    ['up a.json -- node', 2, /^$/, /^error: give a file or a command after --, not both\n$/],
    ['up', 2, /^$/, /^\S+:1:1: there is no configuration here; looked for [^\n]*\n$/],
    ['up none.json', 2, /^$/, /^\S+none\.json:1:1: the file does not exist; [^\n]*\n$/],
    ['up broken.json', 2, /^$/, /^\S+broken\.json:1:\d+: this is not JSON: [^\n]*; [^\n]*\n$/],
    ['up no-servers.json', 2, /^$/, /^\S+no-servers\.json:1:1: [^\n]*\n$/],
    ['up empty.json', 2, /^$/, /^empty\.json: there is no server to hold\n$/],
    ['up disabled.json', 2, /^$/, /^disabled\.json: there is no server to hold \(disabled: 1\)\n$/],
    [
      'up remote.json',
      2,
      /^$/,
      /^\S+remote\.json:1:\d+: url must be an address without a user name or a password in it: [^\n]*\nremote\.json: there is no server to hold\n$/,
    ],
    [
      'up unset.json',
      2,
      /^$/,
      /^\S+unset\.json:1:\d+: mcpServers\.a\.command: the variable HOLDFAST_TEST_UNSET is not set [^\n]*\nunset\.json: there is no server to hold\n$/,
    ],
    [
      'up bad-option.json',
      2,
      /^$/,
      /^\S+bad-option\.json:1:\d+: holdfast\.servers\.a\.reconnect\.delayMs: delayMs must be at most maxDelayMs \(10\), but it is 50; write at most 10, or raise maxDelayMs\nbad-option\.json: there is no server to hold\n$/,
    ],
  ];

  it.each(table)('holdfast %s: %i', async (args, code, stdout, stderr) => {
    const end = await runCli(args === '' ? [] : args.split(' '), { cwd: folder });
    expect(end).toEqual({ code, stdout: expect.stringMatching(stdout), stderr: expect.stringMatching(stderr) });
  });

  it('never prints the value of a variable', async () => {
    const end = await runCli(['up', '--log-level', 'debug', 'secret.json'], {
      cwd: folder,
      env: { HOLDFAST_TEST_SECRET: 'hunter2' },
    });
    expect(end.code).toBe(2);
    expect(end.stderr).toContain('NOT_SET');
    expect(end.stdout + end.stderr).not.toContain('hunter2');
  });
});

describe('what runs until it is stopped', { timeout: 20_000 }, () => {
  const table: readonly (readonly [signal: NodeJS.Signals, code: number])[] = [
    ['SIGINT', 130],
    ['SIGTERM', 143],
    ['SIGHUP', 143],
  ];

  it.each(table)('%s drains and exits with %i, leaving no process behind', async (signal, code) => {
    const cli = await startCli(['up', 'minimal.json'], { cwd: folder });
    await cli.line({ type: 'stateChanged', to: 'healthy' });
    cli.signal(signal);
    expect((await cli.ended).code).toBe(code);
    expect(cli.lines.at(-1)).toMatchObject({ type: 'stopped' });
    expect(cli.leftovers()).toEqual([]);
  });

  it('a second signal ends at once what will not end by itself, and the first decides the code', async () => {
    const cli = await startCli(['up', 'stubborn.json'], { cwd: folder });
    await cli.line({ type: 'stateChanged', to: 'healthy' });
    cli.signal('SIGINT');
    await cli.line({ type: 'stateChanged', phase: 'releasing' });
    cli.signal('SIGTERM');
    expect((await cli.ended).code).toBe(130);
    expect(cli.leftovers()).toEqual([]);
  });

  it('an uncaught error is told, stops everything at once and exits with 1', async () => {
    const env = { NODE_OPTIONS: preload, HOLDFAST_TEST_ON_SIGUSR2: 'throw' };
    const cli = await startCli(['up', 'stubborn.json'], { cwd: folder, env });
    await cli.line({ type: 'stateChanged', to: 'healthy' });
    cli.signal('SIGUSR2');
    const { code, stderr } = await cli.ended;
    expect(code).toBe(1);
    expect(stderr).toMatch(/^holdfast: this is a bug, everything is stopped: Error: out of the blue\n/);
    expect(cli.leftovers()).toEqual([]);
  });

  it('a reader of standard output that goes away is no failure', async () => {
    const cli = await startCli(['up', 'busy.json'], { cwd: folder });
    await cli.line({ type: 'healthChecked', ok: true });
    cli.stopReading();
    expect(await cli.ended).toMatchObject({ code: 0, stderr: '' });
    expect(cli.leftovers()).toEqual([]);
  });

  it('nothing but data reaches standard output, whatever prints to the console', async () => {
    const cli = await startCli(['up', 'busy.json'], { cwd: folder, env: { NODE_OPTIONS: preload } });
    await cli.line({ type: 'stateChanged', to: 'healthy' });
    cli.signal('SIGUSR2');
    await cli.said('noise\n');
    cli.signal('SIGINT');
    expect((await cli.ended).stderr).toBe('noise\n');
    expect(cli.lines.at(-1)).toMatchObject({ type: 'stopped' });
  });

  it('a command after -- is held under its base name, with the environment that we have', async () => {
    const cli = await startCli(['up', '--', process.execPath, server]);
    expect(await cli.line({ type: 'started' })).toMatchObject({ servers: ['node'] });
    await cli.line({ type: 'stateChanged', to: 'healthy', serverId: 'node' });
    cli.signal('SIGTERM');
    expect((await cli.ended).code).toBe(143);
  });
});
