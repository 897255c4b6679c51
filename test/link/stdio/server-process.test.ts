import type { ChildProcessWithoutNullStreams } from 'node:child_process';
import { EventEmitter } from 'node:events';
import { PassThrough } from 'node:stream';
import { describe, expect, test } from 'vitest';
import { ServerProcess } from '../../../src/link/stdio/server-process.ts';
import { Guardian } from '../../../src/link/stdio/guardian.ts';
import { eventually } from '../../support/eventually.ts';
import { targetOf } from './test-server.ts';

/** Beyond the largest process id of Linux: signals to it reach nobody. */
const NOBODY = 2 ** 23;

/** A process whose streams and end are in the hands of the test: their order cannot be had for real at will. */
class StandIn extends EventEmitter {
  readonly stdin = new PassThrough();
  readonly stdout = new PassThrough();
  readonly stderr = new PassThrough();
  unref(): void {}
}

function running() {
  const child = new StandIn();
  const log: string[] = [];
  const process = new ServerProcess(
    child as unknown as ChildProcessWithoutNullStreams,
    NOBODY,
    { guard: () => {}, release: async () => void log.push('released') },
    {
      target: targetOf('stand-in', []),
      steps: { stdinGraceMs: 10, termGraceMs: 10, killGraceMs: 30 },
      guardian: new Guardian(),
      endStdin: () => log.push('end stdin'),
      events: {
        onStdout: (chunk) => log.push(`stdout ${chunk.toString()}`),
        onStdoutEnd: () => log.push('stdout end'),
        onStderr: (chunk) => log.push(`stderr ${chunk.toString()}`),
        onStdinError: (error) => log.push(`stdin ${error.message}`),
        onStdoutLost: () => log.push('stdout lost'),
        onExit: ({ code, signal }) => log.push(`exit ${code} ${signal}`),
        onDown: () => log.push('down'),
      },
    },
  );
  const until = (entry: string): Promise<unknown> => eventually(() => log.includes(entry));
  return { child, process, log, until };
}

describe('a server process is down', () => {
  test('as soon as it has exited and its streams have ended', async () => {
    const { child, log, until } = running();
    child.stdout.end('answer');
    child.stderr.end('reason');
    await until('stdout end');
    child.emit('exit', 1, null);
    await until('released');
    expect(log.toSorted()).toEqual(['down', 'exit 1 null', 'released', 'stderr reason', 'stdout answer', 'stdout end']);
    expect(log.slice(-3)).toEqual(['exit 1 null', 'down', 'released']);
  });

  test('only after the last words on stderr, when these lag behind', async () => {
    const { child, log, until } = running();
    child.stdout.end();
    await until('stdout end');
    child.emit('exit', 1, null);
    expect(log).not.toContain('down');
    child.stderr.end('last words');
    await until('released');
    expect(log).toEqual(['stdout end', 'exit 1 null', 'stderr last words', 'down', 'released']);
  });

  test('although somebody else holds stderr open', async () => {
    const { child, log, until } = running();
    child.emit('exit', null, 'SIGKILL');
    child.stdout.end('late answer');
    await until('released');
    expect(log).toEqual(['exit null SIGKILL', 'stdout late answer', 'stdout end', 'down', 'released']);
    expect(child.stderr.destroyed).toBe(true);
  });

  test('although somebody else holds stdout open', async () => {
    const { child, log, until } = running();
    child.stderr.end();
    child.emit('exit', 0, null);
    await until('released');
    expect(log).toEqual(['exit 0 null', 'down', 'released']);
    expect(child.stdout.destroyed).toBe(true);
  });

  test('although a stream fails instead of ending, and an error of stdin is told apart', async () => {
    const { child, log, until } = running();
    child.stdin.destroy(new Error('EPIPE'));
    child.stdout.destroy(new Error('ECONNRESET'));
    child.stderr.destroy(new Error('EIO'));
    await until('stdout end');
    child.emit('exit', 0, null);
    await until('released');
    expect(log.toSorted()).toEqual(['down', 'exit 0 null', 'released', 'stdin EPIPE', 'stdout end']);
  });

  test('when not even SIGKILL ended it: the end is bounded, and comes once', async () => {
    const { child, process, log } = running();
    await process.end('graceful');
    await process.end('kill');
    expect(log).toEqual(['end stdin', 'down', 'released']);
    child.emit('exit', 0, null);
    child.stdout.end();
    await eventually(() => child.stdout.destroyed);
    expect(log).toEqual(['end stdin', 'down', 'released']);
  });

  test('not yet, but lost, when stdout has ended and it runs on', async () => {
    const { child, process, log, until } = running();
    child.stdout.end();
    await until('stdout lost');
    expect(log).toEqual(['stdout end', 'stdout lost']);
    await process.end('kill');
  });
});
