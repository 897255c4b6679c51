import { describe, expect, test } from 'vitest';
import { LinkError } from '../../../src/link/fault.ts';
import { guardian } from '../../../src/link/stdio/guardian.ts';
import { eventually } from '../../support/eventually.ts';
import { isRunning, membersOf } from '../../support/processes.ts';
import { TestServer, behindShell, faultServer, leaveNothingBehind, targetOf } from './test-server.ts';

const failureOf = (promise: Promise<unknown>): Promise<unknown> =>
  promise.then(
    () => 'sent',
    (error: unknown) => (error instanceof LinkError ? error.failure : error),
  );

describe('a stdio server that ends by itself', () => {
  leaveNothingBehind();

  test('at its start: the fault carries the exit code and the last words on stderr', async () => {
    const server = await new TestServer(faultServer('fault=exit-start:3')).start();
    const { pid } = server.transport;
    await server.closed;
    expect(server.transport.fault).toEqual({
      kind: 'exit',
      code: 'exit:3',
      message: `exited with code 3 (pid ${pid})`,
      exit: { code: 3, signal: null },
      stderrTail: 'fatal: refusing to start',
    });
    expect(server.transport.pid).toBeNull();
    expect(server.events).toEqual(['stderr', 'close']);
  });

  test('while it initializes', async () => {
    const server = await new TestServer(faultServer('fault=exit-init')).start();
    void server.request('initialize', { protocolVersion: '2025-11-25' });
    await server.closed;
    expect(server.transport.fault).toMatchObject({ code: 'exit:1', stderrTail: 'fatal: no configuration found' });
  });

  test('in a call', async () => {
    const server = await new TestServer(faultServer('fault=exit-call:7')).connect();
    void server.call('echo', { text: 'x' });
    await server.closed;
    expect(server.transport.fault).toMatchObject({
      code: 'exit:7',
      stderrTail: 'fatal: the tool took the process with it',
    });
  });

  test('after its first ping, whose answer is delivered', async () => {
    const server = await new TestServer(faultServer('fault=crash-loop')).connect();
    expect(await server.request('ping')).toMatchObject({ result: {} });
    await server.closed;
    expect(server.transport.fault).toMatchObject({ code: 'exit:1' });
  });

  test('right after a large answer: it is delivered before the close', async () => {
    const server = await new TestServer(faultServer('fault=answer-exit,huge-line=4')).connect();
    const text = await server.call('echo', { text: '' });
    expect(text.length).toBe(4 * 2 ** 20);
    await server.closed;
    expect(server.events.slice(-2)).toEqual(['message', 'close']);
  });

  test('without a newline behind its last answer', async () => {
    const server = await new TestServer(faultServer('fault=no-newline')).connect();
    expect(await server.call('echo', { text: 'last' })).toBe('last');
    await server.closed;
    expect(server.transport.fault).toMatchObject({ code: 'exit:0' });
  });

  test('by kill -9', async () => {
    const server = await new TestServer(faultServer()).connect();
    process.kill(server.pgid, 'SIGKILL');
    await server.closed;
    expect(server.transport.fault).toMatchObject({
      kind: 'exit',
      code: 'signal:SIGKILL',
      exit: { code: null, signal: 'SIGKILL' },
      message: expect.stringContaining('ended by SIGKILL'),
    });
  });

  test('by kill -9 of the shell in front of it: the server behind is killed too', async () => {
    const server = await new TestServer(behindShell()).connect();
    const { pid } = await server.pids();
    expect(pid).not.toBe(server.pgid);
    process.kill(server.pgid, 'SIGKILL');
    await server.closed;
    expect(server.transport.fault).toMatchObject({ code: 'signal:SIGKILL' });
    await eventually(() => !isRunning(pid));
    expect(membersOf(server.pgid)).toEqual([]);
  });

  test('by kill -9 of the server behind a shell', async () => {
    const server = await new TestServer(behindShell()).connect();
    process.kill((await server.pids()).pid, 'SIGKILL');
    await server.closed;
    // The shell says "; true": that is how it ends.
    expect(server.transport.fault).toMatchObject({ code: 'exit:0' });
  });

  test('by kill -9 while a grandchild holds the pipe: down no later than 250 ms after the exit, and the grandchild killed', async () => {
    const server = await new TestServer(faultServer('fault=grandchild-ignore-term')).connect();
    const { grandchild } = await server.pids();
    expect(isRunning(grandchild ?? 0)).toBe(true);
    process.kill(server.pgid, 'SIGKILL');
    await eventually(() => server.transport.exitedAt !== undefined);
    expect(server.closedAt).toBeUndefined();
    await server.closed;
    expect(server.transport.fault).toMatchObject({ code: 'signal:SIGKILL' });
    await eventually(() => !isRunning(grandchild ?? 0) && guardian.pid === null);
    expect(membersOf(server.pgid)).toEqual([]);
  });

  test('what a grandchild still says on the pipe after the exit is delivered before the close', async () => {
    const script = `(sleep 0.05; echo '{"late":true}'; exec sleep 1000) & exit 0`;
    const server = await new TestServer(targetOf('/bin/sh', ['-c', script])).start();
    await server.closed;
    expect(server.messages).toEqual([{ late: true }]);
    expect(server.events).toEqual(['message', 'close']);
  });

  test('sends that wait when it dies settle: those handed over as perhaps sent, the others as unsent', async () => {
    const server = await new TestServer(faultServer('fault=stop-initialized')).start();
    await server.request('initialize', { protocolVersion: '2025-11-25' });
    const handedOver: number[] = [];
    const sends = Array.from({ length: 6 }, (_, n) =>
      failureOf(
        server.transport.send(
          { jsonrpc: '2.0', method: 'notifications/x', params: { text: 'x'.repeat(1_000_000) } },
          { onHandedOver: () => handedOver.push(n) },
        ),
      ),
    );
    expect(handedOver).toEqual([0]);
    process.kill(server.pgid, 'SIGKILL');
    await server.closed;
    const { fault } = server.transport;
    expect(fault).toMatchObject({ code: 'signal:SIGKILL' });
    expect(await Promise.all(sends)).toEqual([
      { kind: 'link', sent: true, fault },
      ...Array.from({ length: 5 }, () => ({ kind: 'link', sent: false, fault })),
    ]);
    expect(await failureOf(server.transport.send({ method: 'ping' }))).toEqual({ kind: 'link', sent: false, fault });
  });

  test('a send between the exit and the close is refused, unsent', async () => {
    const server = await new TestServer(faultServer('fault=grandchild')).connect();
    await server.pids();
    process.kill(server.pgid, 'SIGKILL');
    await eventually(() => server.transport.exitedAt !== undefined);
    expect(await failureOf(server.transport.send({ method: 'ping' }))).toMatchObject({
      sent: false,
      fault: { code: 'signal:SIGKILL' },
    });
    await server.closed;
  });

  test('a server that closes its stdin and runs on is reported, and what cannot be sent settles', async () => {
    const server = await new TestServer(faultServer('fault=close-stdin')).start();
    await server.request('initialize', { protocolVersion: '2025-11-25' });
    const failure = await eventually(async () => {
      const outcome = await failureOf(server.transport.send({ jsonrpc: '2.0', method: 'ping' }));
      return outcome === 'sent' ? null : outcome;
    });
    expect(failure).toMatchObject({ kind: 'link', sent: true, fault: { kind: 'transport', code: 'EPIPE' } });
    expect(server.faults).toMatchObject([{ kind: 'transport', code: 'EPIPE' }]);
    expect(await failureOf(server.transport.send({ jsonrpc: '2.0', method: 'ping' }))).toMatchObject({ sent: false });
    expect(server.events).not.toContain('close');
    expect(membersOf(server.pgid)).toEqual([server.pgid]);
  });

  test('a server that closes its stdout and runs on can never answer: it is killed', async () => {
    const server = await new TestServer(faultServer('fault=close-stdout')).connect();
    void server.call('echo', { text: 'x' });
    await server.closed;
    expect(server.transport.fault).toMatchObject({ kind: 'transport', code: 'stdout-closed' });
  });
});
