import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { guardian } from '../../../src/link/stdio/guardian.ts';
import { eventually } from '../../support/eventually.ts';
import { membersOf, processEntry } from '../../support/processes.ts';
import { TestServer, behindShell, faultServer, leaveNothingBehind, targetOf } from './test-server.ts';

let directory: string;

beforeAll(async () => {
  directory = await mkdtemp(join(tmpdir(), 'holdfast-end-'));
});

afterAll(() => rm(directory, { recursive: true }));

describe('ending a stdio server', () => {
  leaveNothingBehind();

  test('gracefully: the end of stdin is enough for a server that behaves', async () => {
    const server = await new TestServer(faultServer(), { graceMs: 600_000 }).connect();
    await server.transport.close();
    expect(server.events.at(-1)).toBe('close');
    expect(server.transport.fault).toEqual({
      kind: 'closed',
      code: 'closed',
      message: 'The connection to the server was closed by us.',
    });
    expect(membersOf(server.pgid)).toEqual([]);
    expect(guardian.pid).toBeNull();
  });

  test('gracefully: what waits for stdin is still sent, and its answer delivered', async () => {
    const log = join(directory, 'flush');
    const server = await new TestServer(faultServer(`log=${log}`), { graceMs: 600_000 }).connect();
    const answers = [1, 2, 3].map((n) => server.call('echo', { text: 'x'.repeat(300_000) + n }));
    await server.transport.close();
    expect((await Promise.all(answers)).map((text) => text.length)).toEqual([300_001, 300_001, 300_001]);
    expect((await readFile(log, 'utf8')).match(/call echo/g)).toHaveLength(3);
  });

  test('gracefully: a grandchild that stays is killed as soon as the server has gone', async () => {
    const server = await new TestServer(faultServer('fault=grandchild-ignore-term'), { graceMs: 600_000 }).connect();
    await server.pids();
    await server.transport.close();
    expect(membersOf(server.pgid)).toEqual([]);
  });

  test('gracefully: a server behind a shell goes with it', async () => {
    const server = await new TestServer(behindShell(), { graceMs: 600_000 }).connect();
    await server.transport.close();
    expect(membersOf(server.pgid)).toEqual([]);
  });

  test('a server that ignores the end of stdin and SIGTERM gets both, in this order, and then SIGKILL', async () => {
    const log = join(directory, 'ladder');
    const server = await new TestServer(faultServer('fault=ignore-term', `log=${log}`), { graceMs: 100 }).connect();
    await server.transport.close();
    expect((await readFile(log, 'utf8')).split('\n').slice(1)).toEqual(['EOF', 'SIGTERM', '']);
    expect(server.transport.fault).toMatchObject({ kind: 'closed' });
  });

  test('a stubborn server behind a shell, with a stubborn grandchild', async () => {
    const target = behindShell('fault=ignore-term,grandchild-ignore-term');
    const server = await new TestServer(target, { graceMs: 50 }).connect();
    await server.pids();
    expect(membersOf(server.pgid).length).toBeGreaterThanOrEqual(3);
    await server.transport.close();
    expect(membersOf(server.pgid)).toEqual([]);
  });

  test('kill does not ask', async () => {
    const log = join(directory, 'kill');
    const server = await new TestServer(faultServer('fault=ignore-term', `log=${log}`), { graceMs: 600_000 }).connect();
    await server.transport.end('kill');
    expect((await readFile(log, 'utf8')).trim().split('\n')).toEqual([`start ${server.pgid}`]);
    expect(server.events.at(-1)).toBe('close');
  });

  test('kill hastens a graceful end, and both resolve once it is gone', async () => {
    const server = await new TestServer(faultServer('fault=ignore-term'), { graceMs: 600_000 }).connect();
    const first = server.transport.close();
    const second = server.transport.close();
    await server.transport.end('kill');
    expect(membersOf(server.pgid)).toEqual([]);
    await Promise.all([first, second]);
    await server.transport.end('graceful');
  });

  test.each(['graceful', 'kill'] as const)('a stopped server is ended without waiting for it: %s', async (mode) => {
    const server = await new TestServer(faultServer(), { graceMs: 600_000 }).connect();
    process.kill(server.pgid, 'SIGSTOP');
    await eventually(() => processEntry(server.pgid)?.state === 'T');
    await server.transport.end(mode);
    expect(membersOf(server.pgid)).toEqual([]);
  });

  test('a server that never starts to talk is ended', async () => {
    const server = await new TestServer(faultServer('fault=never-starts'), { graceMs: 50 }).start();
    await server.transport.close();
    expect(membersOf(server.pgid)).toEqual([]);
  });

  test('a server that does not read is ended although its stdin never drains', async () => {
    const server = await new TestServer(faultServer('fault=stop-initialized'), { graceMs: 50 }).start();
    await server.request('initialize', { protocolVersion: '2025-11-25' });
    const outcome = server.transport.send({ method: 'x', params: 'x'.repeat(4_000_000) });
    await Promise.all([
      server.transport.close(),
      expect(outcome).rejects.toMatchObject({ failure: { sent: true, fault: { kind: 'closed' } } }),
    ]);
  });

  test('after the end was asked for, nothing more is taken', async () => {
    const server = await new TestServer(faultServer()).connect();
    const end = server.transport.close();
    await expect(server.transport.send({ method: 'ping' })).rejects.toMatchObject({
      failure: { kind: 'link', sent: false, fault: { kind: 'closed' } },
    });
    await end;
  });

  test('a process that left the group holds neither the end nor the close up', async () => {
    // It escapes, as the documentation says; the test ends it itself.
    const script = 'setsid sleep 1000 & echo $! >&2; exec sleep 1000';
    const server = await new TestServer(targetOf('/bin/sh', ['-c', script])).start();
    const escaped = Number(await eventually(() => server.stderr[0]));
    await eventually(() => processEntry(escaped)?.group === escaped);
    await server.transport.end('kill');
    expect(server.events.at(-1)).toBe('close');
    process.kill(escaped, 'SIGKILL');
    await eventually(() => (processEntry(escaped)?.state ?? 'Z') === 'Z');
  });

  test('many at once leave nothing behind', async () => {
    const servers = await Promise.all(
      Array.from({ length: 10 }, () => new TestServer(faultServer('fault=grandchild')).connect()),
    );
    const shell = guardian.pid;
    expect(shell).not.toBeNull();
    await Promise.all(servers.map(({ transport }) => transport.end('kill')));
    expect(servers.flatMap(({ pgid }) => membersOf(pgid))).toEqual([]);
    expect(processEntry(shell ?? 0)).toBeNull();
  });

  test('a start that is not awaited before the end leaves no process', async () => {
    const server = new TestServer(faultServer('fault=ignore-term'));
    const started = server.transport.start();
    await server.transport.end('kill');
    await started;
    expect(server.events).toEqual(['close']);
    expect(membersOf(server.pgid)).toEqual([]);
  });
});
