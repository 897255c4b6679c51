import { join } from 'node:path';
import { beforeAll, expect, it } from 'vitest';
import { built } from '../support/built.ts';
import { expectWholeFeed, startCli } from './cli-process.ts';

const root = join(import.meta.dirname, '..', '..');

beforeAll(async () => {
  await built();
}, 60_000);

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
      line: 9,
      column: 67,
      field: 'holdfast.servers.hasty.reconnect.delayMs',
      serverId: 'hasty',
      problem: 'delayMs must be at most maxDelayMs (10), but it is 50',
      fix: 'write at most 10, or raise maxDelayMs',
    },
    {
      type: 'configProblem',
      file: config,
      line: 4,
      column: 5,
      field: null,
      serverId: 'remote',
      problem:
        'url must be an address without a user name or a password in it: send them in a header, such as Authorization',
      fix: 'change or remove this setting',
    },
  ]);
  expect(stderr.trimEnd().split('\n')).toEqual([
    `${config}:5:27: mcpServers.unset.command: the variable HOLDFAST_TEST_UNSET is not set and has no default; set HOLDFAST_TEST_UNSET in the environment, or write \${HOLDFAST_TEST_UNSET:-value}`,
    `${config}:9:67: holdfast.servers.hasty.reconnect.delayMs: delayMs must be at most maxDelayMs (10), but it is 50; write at most 10, or raise maxDelayMs`,
    `${config}:4:5: url must be an address without a user name or a password in it: send them in a header, such as Authorization; change or remove this setting`,
  ]);
  expectWholeFeed(cli);
}, 20_000);
