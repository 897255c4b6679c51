import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { beforeAll, expect, it, onTestFinished } from 'vitest';
import { built } from '../support/built.ts';
import { isRunning } from '../support/processes.ts';
import { startCli } from './cli-process.ts';
import type { CliProcess } from './cli-process.ts';

const root = join(import.meta.dirname, '..', '..');
const everything = join(root, 'node_modules/@modelcontextprotocol/server-everything/dist/index.js');
const minimal = join(import.meta.dirname, 'fixtures', 'minimal-server.mjs');

beforeAll(async () => {
  await built();
}, 60_000);

const real = { command: process.execPath, args: [everything, 'stdio'] };
const small = (...args: readonly string[]): object => ({ command: process.execPath, args: [minimal, ...args] });

interface Edited {
  readonly cli: CliProcess;
  readonly file: string;
  write(content: object | string): void;
  /** The process of a server, once it is healthy; `after`: told from that line on. */
  pid(serverId: string, after?: number): Promise<number>;
}

async function upWith(content: object, ...args: readonly string[]): Promise<Edited> {
  const folder = mkdtempSync(join(tmpdir(), 'holdfast-reload-'));
  onTestFinished(() => {
    rmSync(folder, { recursive: true });
  });
  const file = join(folder, 'mcp.json');
  const write = (next: object | string): void => {
    writeFileSync(file, typeof next === 'string' ? next : JSON.stringify(next, null, 1));
  };
  write(content);
  const cli = await startCli(['up', '--no-listen', ...args, file], { env: { XDG_RUNTIME_DIR: folder } });
  return {
    cli,
    file,
    write,
    pid: async (serverId, after) =>
      Number((await cli.line({ type: 'stateChanged', to: 'healthy', serverId }, after))['pid']),
  };
}

it('an edit restarts what it changes and touches nothing else; a broken one changes nothing and says where', async () => {
  const pair = { primary: 'kept', backups: ['changed'] };
  const { cli, file, write, pid } = await upWith({
    mcpServers: { kept: real, changed: small(), gone: small() },
    holdfast: { groups: { pair } },
  });
  const before = { kept: await pid('kept'), changed: await pid('changed'), gone: await pid('gone') };
  const first = cli.lines.length;
  write({ mcpServers: { kept: real, changed: small('--new'), fresh: small() }, holdfast: { groups: { pair } } });
  expect(await cli.line({ type: 'configChanged' })).toMatchObject({
    servers: { added: ['fresh'], replaced: ['changed'], removed: ['gone'], refused: [] },
    groups: { added: [], replaced: [], removed: [], refused: [] },
  });
  const after = { changed: await pid('changed', first), fresh: await pid('fresh', first) };
  expect([isRunning(before.kept), isRunning(before.changed), isRunning(before.gone)]).toEqual([true, false, false]);
  expect(isRunning(after.changed) && isRunning(after.fresh)).toBe(true);

  const second = cli.lines.length;
  write('{\n "mcpServers": {\n  "kept": { "command": 7 },\n  "fresh": {} } }');
  expect(await cli.line({ type: 'configBroken' })).toMatchObject({
    problems: [
      { line: 3, column: 24, serverId: 'kept', field: 'mcpServers.kept.command' },
      { line: 4, column: 3, serverId: 'fresh' },
    ],
  });
  await cli.said(`${file}:3:24: mcpServers.kept.command: command must be a string, but it is a number`);
  write('{ "mcpServers": ');
  await cli.line({ type: 'configBroken' }, cli.lines.length);
  const telling = ['stateChanged', 'serverAdded', 'serverRemoved', 'configChanged', 'configBroken'];
  const told = cli.lines.slice(second).map(({ type }) => String(type));
  expect(told.filter((type) => telling.includes(type))).toEqual(['configBroken', 'configBroken']);
  expect([before.kept, after.changed, after.fresh].every(isRunning)).toBe(true);

  write({ mcpServers: { kept: real } });
  expect(await cli.line({ type: 'configChanged' }, second)).toMatchObject({
    servers: { removed: ['changed', 'fresh'] },
    groups: { removed: ['pair'] },
  });
  expect([before.kept, after.changed, after.fresh].map(isRunning)).toEqual([true, false, false]);
  cli.signal('SIGINT');
  expect((await cli.ended).code).toBe(130);
  expect(cli.leftovers()).toEqual([]);
});

it('a mistake that was there before does not stand in the way of other edits, and is told again', async () => {
  const { cli, write, pid } = await upWith({ mcpServers: { odd: {}, a: small() } });
  await pid('a');
  write({ mcpServers: { odd: {}, a: small(), b: small() } });
  expect(await cli.line({ type: 'configChanged' })).toMatchObject({
    servers: { added: ['b'], replaced: [], removed: [], refused: ['odd'] },
  });
  await cli.line({ type: 'stateChanged', to: 'healthy', serverId: 'b' });
  expect(cli.lines.filter(({ type }) => type === 'configProblem').map(({ serverId }) => serverId)).toEqual([
    'odd',
    'odd',
  ]);
  write({ mcpServers: { odd: small(), a: small(), b: small() } });
  expect(await cli.line({ type: 'stateChanged', to: 'healthy', serverId: 'odd' })).toBeDefined();
  cli.signal('SIGINT');
  expect((await cli.ended).code).toBe(130);
});
