import { Console } from 'node:console';
import { expect, it } from 'vitest';
import { cliLogger } from '../../src/cli/cli-logger.ts';
import { StderrLines } from '../../src/cli/stderr-lines.ts';

function stderrOf(isTTY: boolean) {
  const written: string[] = [];
  const stderr = new StderrLines({ isTTY, write: (text) => written.push(text) });
  return { written, stderr };
}

it('writes to a file what it is given, byte for byte', () => {
  const { written, stderr } = stderrOf(false);
  stderr.write('a\u001b[31mb\n');
  stderr.line('c');
  expect(written).toEqual(['a\u001b[31mb\n', 'c\n']);
});

it('writes to a terminal line by line, without what could steer it', () => {
  const { written, stderr } = stderrOf(true);
  stderr.line('a\u001b[31mb\r\nc');
  new Console(stderr).error('d\u202e%s', 'e');
  expect(written).toEqual(['ab \n', 'c\n', 'de\n']);
});

it('lets what owns the terminal show its lines', () => {
  const { written, stderr } = stderrOf(true);
  const above: string[] = [];
  stderr.showThrough((line) => above.push(line));
  stderr.write('a\nb\n');
  stderr.showThrough(undefined);
  stderr.line('c');
  expect({ above, written }).toEqual({ above: ['a', 'b'], written: ['c\n'] });
});

it('the logger writes JSON lines from its level on, and of an error nothing but name, code, message and stack', () => {
  const { written, stderr } = stderrOf(false);
  const logger = cliLogger('warn', stderr);
  const error = Object.assign(new Error('spawn node ENOENT'), { code: 'ENOENT', spawnargs: ['--token', 'hunter2'] });
  logger.info({}, 'not told');
  logger.error({ serverId: 'files', err: error }, 'it broke');
  expect(written).toHaveLength(1);
  expect(JSON.parse(written[0] ?? '')).toEqual({
    level: 'error',
    time: expect.stringMatching(/^\d{4}-.*Z$/),
    serverId: 'files',
    err: { name: 'Error', code: 'ENOENT', message: 'spawn node ENOENT', stack: error.stack },
    msg: 'it broke',
  });
});
