import { execFile } from 'node:child_process';
import { chmod, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { LinkError } from '../../../src/link/fault.ts';
import type { Fault } from '../../../src/link/fault.ts';
import { guardian } from '../../../src/link/stdio/guardian.ts';
import type { StdioTarget } from '../../../src/link/target.ts';
import { built } from '../../support/built.ts';
import { processEntry } from '../../support/processes.ts';
import { SERVER, TestServer, faultServer, leaveNothingBehind, targetOf } from './test-server.ts';

let directory: string;

beforeAll(async () => {
  directory = await mkdtemp(join(tmpdir(), 'holdfast-start-'));
  await writeFile(join(directory, 'plain-file'), 'text');
  await writeFile(join(directory, 'no-interpreter'), '#!/nonexistent/interpreter\n');
  await chmod(join(directory, 'no-interpreter'), 0o755);
});

afterAll(() => rm(directory, { recursive: true }));

async function startFault(target: StdioTarget): Promise<Fault> {
  const server = new TestServer(target);
  const error: unknown = await server.transport.start().then(
    () => new Error('It started.'),
    (reason: unknown) => reason,
  );
  if (!(error instanceof LinkError) || error.failure.kind !== 'link') throw error;
  expect(error.failure.sent).toBe(false);
  expect(server.transport.fault).toEqual(error.failure.fault);
  expect(server.events).toEqual(['close']);
  expect(server.transport.pid).toBeNull();
  expect(guardian.pid).toBeNull();
  await expect(server.transport.send({ method: 'ping' })).rejects.toThrow(error.failure.fault.message);
  return error.failure.fault;
}

describe('starting a stdio server', () => {
  leaveNothingBehind();

  test('leads a group of its own and tells its pid before start resolves', async () => {
    const pids: number[] = [];
    const server = new TestServer(faultServer(), { onSpawned: (pid) => pids.push(pid) });
    expect(server.transport.pid).toBeNull();
    await server.start();
    expect(pids).toEqual([server.transport.pid]);
    expect(processEntry(server.pgid)?.group).toBe(server.pgid);
    expect(await server.pids()).toEqual({ pid: server.pgid, grandchild: null });
  });

  test('gives the server the environment and directory of its target', async () => {
    const script = 'process.stderr.write(JSON.stringify([process.cwd(), process.env]) + "\\n")';
    const server = new TestServer(
      targetOf(process.execPath, ['-e', script], {
        cwd: directory,
        env: { KEY: 'value', PATH: null },
        inheritEnv: false,
      }),
    );
    await server.start();
    await server.closed;
    const [cwd, env] = JSON.parse(server.stderr[0] ?? '') as [string, Record<string, string>];
    expect(cwd).toBe(directory);
    expect(env['KEY']).toBe('value');
    expect(
      Object.keys(env).filter((name) => !['HOME', 'LOGNAME', 'SHELL', 'TERM', 'USER', 'KEY'].includes(name)),
    ).toEqual([]);
  });

  test('a transport starts once', async () => {
    const server = await new TestServer(faultServer()).start();
    await expect(server.transport.start()).rejects.toMatchObject({ failure: { fault: { code: 'already-started' } } });
    await server.transport.end('kill');
    await expect(server.transport.start()).rejects.toMatchObject({
      failure: { sent: false, fault: { kind: 'closed' } },
    });
  });

  test('a transport that was closed before its start never starts', async () => {
    const server = new TestServer(faultServer());
    await expect(server.transport.send({ method: 'ping' })).rejects.toMatchObject({
      failure: { sent: false, fault: { code: 'not-started' } },
    });
    await server.transport.close();
    expect(server.events).toEqual(['close']);
    await expect(server.transport.start()).rejects.toMatchObject({ failure: { fault: { kind: 'closed' } } });
    expect(server.transport.pid).toBeNull();
  });

  test('a command that is not on the PATH', async () => {
    expect(await startFault(targetOf('no-such-command-xyz', []))).toEqual({
      kind: 'spawn',
      code: 'ENOENT',
      message:
        'The command "no-such-command-xyz" was not found on the PATH that the server gets. Install it, or give its full path.',
    });
  });

  test('a path that does not exist', async () => {
    expect(await startFault(targetOf('/nonexistent/server', []))).toMatchObject({
      kind: 'spawn',
      code: 'ENOENT',
      message: 'The command "/nonexistent/server" does not exist. Install it or correct the path.',
    });
  });

  test('a script whose interpreter does not exist', async () => {
    const fault = await startFault(targetOf('./no-interpreter', [], { cwd: directory }));
    expect(fault).toMatchObject({ kind: 'spawn', code: 'ENOENT' });
    expect(fault.message).toContain('"./no-interpreter" exists, but the interpreter');
  });

  test('a file that may not be executed', async () => {
    const fault = await startFault(targetOf(join(directory, 'plain-file'), []));
    expect(fault).toMatchObject({ kind: 'spawn', code: 'EACCES' });
    expect(fault.message).toContain('chmod +x');
  });

  test('a working directory that does not exist is told apart from a missing command', async () => {
    expect(await startFault(targetOf(process.execPath, [], { cwd: '/nonexistent/directory' }))).toEqual({
      kind: 'spawn',
      code: 'cwd:ENOENT',
      message: `"${process.execPath}" was not started: its working directory "/nonexistent/directory" does not exist. Create it or correct "cwd".`,
    });
  });

  test('a working directory that is a file', async () => {
    const cwd = join(directory, 'plain-file');
    expect(await startFault(targetOf(process.execPath, [], { cwd }))).toMatchObject({
      kind: 'spawn',
      code: 'cwd:ENOTDIR',
    });
  });

  test.each([
    ['a NUL byte in an argument', targetOf('true', ['a\u0000b'])],
    ['a NUL byte in the command', targetOf('tr\u0000ue', [])],
    ['a NUL byte in the environment', targetOf('true', [], { env: { KEY: 'a\u0000b' } })],
    ['a NUL byte in the working directory', targetOf('true', [], { cwd: '/\u0000' })],
    ['an empty command', targetOf('', [])],
  ])('%s is the fault of the configuration', async (_, target) => {
    expect(await startFault(target)).toMatchObject({ kind: 'config', code: 'ERR_INVALID_ARG_VALUE' });
  });

  test('arguments that are too long for the machine are the fault of the configuration', async () => {
    expect(await startFault(targetOf('true', ['x'.repeat(4_000_000)]))).toMatchObject({
      kind: 'config',
      code: 'E2BIG',
    });
  });

  test(
    'running out of file descriptors is overload, and costs the sessions that stand nothing',
    { timeout: 30_000 },
    async () => {
      const owner = join(import.meta.dirname, '..', '..', 'fixtures', 'stdio-owner.mjs');
      const command = 'ulimit -n 60; exec "$0" "$@"';
      const { stdout } = await promisify(execFile)('/bin/sh', [
        '-c',
        command,
        process.execPath,
        owner,
        await built(),
        'crowd',
      ]);
      expect(JSON.parse(stdout)).toMatchObject({ kind: 'overload', code: 'EMFILE' });
    },
  );

  test('the fixture server answers the whole handshake', async () => {
    const server = await new TestServer(targetOf(process.execPath, [SERVER])).connect();
    expect(server.messages[0]?.['result']).toMatchObject({
      protocolVersion: '2025-11-25',
      capabilities: { tools: {} },
    });
    expect(await server.call('echo', { text: 'hello' })).toBe('hello');
    expect(await server.call('add', { a: 2, b: 3 })).toBe('5');
    expect(await server.call('sleep', { ms: 1 })).toBe('slept 1');
    expect(await server.request('ping')).toMatchObject({ result: {} });
  });
});
