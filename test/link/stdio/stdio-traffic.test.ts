import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { LinkError } from '../../../src/link/fault.ts';
import type { JsonRpcMessage } from '../../../src/link/stdio/frame-reader.ts';
import { TRICKLE_INTERVAL_MS } from '../../../src/link/stdio/read-gate.ts';
import { StdioTransport } from '../../../src/link/stdio/stdio-transport.ts';
import { eventually } from '../../support/eventually.ts';
import { TestServer, faultServer, leaveNothingBehind } from './test-server.ts';

const MB = 2 ** 20;

/** Answers every ping of the server, as an SDK's client does, and counts what became of the answers. */
function answerPings(server: TestServer) {
  const count = { pings: 0, refused: 0 };
  server.transport.onmessage = (message: JsonRpcMessage) => {
    server.receive(message);
    if (message['method'] !== 'ping') return;
    count.pings += 1;
    server.transport.send({ jsonrpc: '2.0', id: message['id'], result: {} }).catch(() => {
      count.refused += 1;
    });
  };
  return count;
}

/** `sent`, or whether it may have been sent and why it failed. */
function outcomeOf(sending: Promise<void>): Promise<string> {
  return sending.then(
    () => 'sent',
    (error: unknown) => {
      if (!(error instanceof LinkError) || error.failure.kind !== 'link') throw error;
      return `${error.failure.sent} ${error.failure.fault.kind} ${error.failure.fault.code}`;
    },
  );
}

describe('messages of a stdio server', () => {
  leaveNothingBehind();

  test('come through with every character, however large, many at a time', async () => {
    const server = await new TestServer(faultServer()).connect();
    const texts = Array.from({ length: 50 }, (_, n) => `č\n"${n}"🐎`.repeat(n * 40));
    expect(await Promise.all(texts.map((text) => server.call('echo', { text })))).toEqual(texts);
  });

  test('text on stdout is reported five times, counted after that, and does no harm', async () => {
    const server = await new TestServer(faultServer('fault=banner=8')).connect();
    expect(await server.call('echo', { text: 'fine' })).toBe('fine');
    expect(server.faults.map(({ code }) => code)).toEqual(Array(5).fill('not-a-message'));
    expect(server.transport.noiseCount).toBe(8);
  });

  test('bytes that are no text do no harm', async () => {
    const server = await new TestServer(faultServer('fault=garbage')).connect();
    expect(await server.call('echo', { text: 'fine' })).toBe('fine');
    expect(server.transport.noiseCount).toBe(1);
  });

  test('a log line in the middle of an answer costs that answer alone', async () => {
    const server = await new TestServer(faultServer('fault=interleave')).connect();
    void server.call('echo', { text: 'lost' });
    await eventually(() => server.faults.length === 2);
    expect(await server.request('ping')).toMatchObject({ result: {} });
    expect(server.faults.map(({ code }) => code)).toEqual(['not-a-message', 'not-a-message']);
  });

  test('half an answer that stalls is visible as such', async () => {
    const server = await new TestServer(faultServer('fault=partial')).connect();
    expect(server.transport.partialBytes).toBe(0);
    void server.call('echo', { text: 'half' });
    await eventually(() => server.transport.partialBytes > 0);
  });

  test('a line over the limit ends the transport, long before it is read to its end', { timeout: 20_000 }, async () => {
    const server = await new TestServer(faultServer('fault=huge-line=100'), { maxFrameBytes: MB }).connect();
    void server.call('echo', { text: '' });
    await server.closed;
    expect(server.transport.fault).toEqual({
      kind: 'protocol',
      code: 'frame-too-large',
      message: `The server sent a message of more than ${MB} bytes. Have the server send less at a time.`,
    });
    expect(server.transport.partialBytes).toBe(0);
  });

  test('a line of 16 MB passes by default, and one of 100 MB under a higher limit', { timeout: 30_000 }, async () => {
    const large = await new TestServer(faultServer('fault=huge-line=15')).connect();
    expect((await large.call('echo', { text: '' })).length).toBe(15 * MB);
    const huge = await new TestServer(faultServer('fault=huge-line=100'), { maxFrameBytes: 128 * MB }).connect();
    expect((await huge.request('tools/call', { name: 'echo', arguments: {} }))['result']).toBeDefined();
  });

  test('a flood on stderr never blocks the server, and its end is kept', async () => {
    const server = await new TestServer(faultServer('fault=stderr-flood=8')).connect();
    expect(await server.call('echo', { text: 'fine' })).toBe('fine');
    await eventually(() => server.stderr.at(-1) === 'end of flood');
    expect(server.stderr.length).toBeGreaterThan(8 * 10_000);
    expect(server.transport.stderrTail(2)).toBe(`${'e'.repeat(99)}\nend of flood`);
    process.kill(server.pgid, 'SIGKILL');
    await server.closed;
    expect(server.transport.fault?.stderrTail?.split('\n')).toHaveLength(20);
  });

  test('more than the bound may not wait for a server that does not read', async () => {
    const server = await new TestServer(faultServer('fault=stop-initialized'), { maxQueuedBytes: 2 * MB }).start();
    await server.request('initialize', { protocolVersion: '2025-11-25' });
    const outcomes = Array.from({ length: 10 }, () =>
      outcomeOf(server.transport.send({ jsonrpc: '2.0', method: 'x', params: { text: 'x'.repeat(500_000) } })),
    );
    // The first four settle only when it ends.
    expect(await Promise.all(outcomes.slice(4))).toEqual(Array(6).fill('false overload stdin-queue-full'));
    await server.transport.end('kill');
    expect(await Promise.all(outcomes.slice(0, 4))).toEqual([
      'true closed closed',
      ...Array(3).fill('false closed closed'),
    ]);
  });

  test('no byte of a message that is no longer wanted is written', async () => {
    const directory = await mkdtemp(join(tmpdir(), 'holdfast-traffic-'));
    const log = join(directory, 'truth');
    const server = await new TestServer(faultServer('fault=slow-start=100', `log=${log}`)).start();
    const call = (id: string, text: string): JsonRpcMessage => ({
      jsonrpc: '2.0',
      id,
      method: 'tools/call',
      params: { name: 'echo', arguments: { text } },
    });
    let isWanted = true;
    const first = server.transport.send(call('wanted', 'x'.repeat(MB)));
    const second = server.transport.send(call('given-up', 'x'), { stillWanted: () => isWanted });
    isWanted = false;
    await expect(second).rejects.toMatchObject({ failure: { kind: 'aborted', sent: false } });
    await first;
    await server.request('ping');
    expect((await readFile(log, 'utf8')).match(/call .*/g)).toEqual(['call echo wanted']);
    await rm(directory, { recursive: true });
  });

  test(
    'a server that pings without end and reads nothing is held back, and then ended like any other',
    { timeout: 20_000 },
    async () => {
      const server = new TestServer(faultServer('fault=ping-flood'), { graceMs: 50 });
      const count = answerPings(server);
      await server.connect();
      await eventually(() => server.transport.isHeldBack);
      const { pings } = count;
      // At most one chunk of 64 kB passes every 250 ms: 5000 pings are more than three, and free they would take a few ms.
      const start = performance.now();
      await eventually(() => count.pings > pings + 5000, { timeoutMs: 15_000 });
      expect(performance.now() - start).toBeGreaterThan(TRICKLE_INTERVAL_MS);
      expect(count.refused).toBe(0);
      await server.transport.close();
    },
  );

  test(
    'a server that must finish a long message before it can read is let finish it',
    { timeout: 30_000 },
    async () => {
      const server = new TestServer(faultServer('fault=talk-first=10000'));
      const count = answerPings(server);
      await server.connect();
      let wasHeldBack = false;
      const answer = server.call('echo', { text: 'at last' });
      await eventually(() => (wasHeldBack = server.transport.isHeldBack));
      expect(await answer).toBe('at last');
      expect(wasHeldBack).toBe(true);
      expect(count).toEqual({ pings: 10_000, refused: 0 });
      await eventually(() => !server.transport.isHeldBack);
      expect(await server.request('ping')).toMatchObject({ result: {} });
    },
  );

  test('a large request and a large answer on their way at once do not wait for each other', async () => {
    const server = await new TestServer(faultServer('fault=huge-line=8')).connect();
    const first = server.request('tools/call', { name: 'echo', arguments: {} });
    const second = server.request('tools/call', { name: 'echo', arguments: { text: 'x'.repeat(4 * MB) } });
    await Promise.all([first, second]);
    expect(server.transport.isHeldBack).toBe(false);
  });

  test('what has no JSON form is refused and not thrown', async () => {
    const server = await new TestServer(faultServer()).connect();
    const circular: Record<string, unknown> = { method: 'x' };
    circular['self'] = circular;
    for (const message of [circular, { method: 'x', params: 1n }, { toJSON: () => undefined }]) {
      await expect(server.transport.send(message)).rejects.toMatchObject({
        failure: { kind: 'link', sent: false, fault: { kind: 'internal', code: 'not-json' } },
      });
    }
    expect(await server.request('ping')).toMatchObject({ result: {} });
  });

  test('handlers that throw are reported, and break nothing', async () => {
    const boom = (name: string) => () => {
      throw new Error(`boom in ${name}`);
    };
    const codes: string[] = [];
    const transport = new StdioTransport({
      target: faultServer('fault=banner=1', 'stderr-flood=0'),
      onStderr: boom('onStderr'),
      onSpawned: boom('onSpawned'),
      onFault: ({ code, message }) => {
        codes.push(`${code} ${/boom.*/.exec(message)?.[0] ?? ''}`.trim());
        throw new Error('boom in onFault');
      },
    });
    let closes = 0;
    transport.onerror = boom('onerror');
    transport.onmessage = boom('onmessage');
    transport.onclose = () => {
      closes += 1;
      throw new Error('boom in onclose');
    };
    await transport.start();
    await transport.send({ jsonrpc: '2.0', id: 1, method: 'ping' }, { onHandedOver: boom('onHandedOver') });
    await eventually(
      () => codes.some((code) => code.includes('onmessage')) && codes.some((code) => code.includes('onStderr')),
    );
    await transport.end('kill');
    expect(closes).toBe(1);
    expect(codes.toSorted()).toEqual(
      [
        'handler-threw boom in onSpawned',
        'handler-threw boom in onHandedOver',
        'not-a-message',
        'handler-threw boom in onFault',
        'handler-threw boom in onerror',
        'handler-threw boom in onStderr',
        'handler-threw boom in onmessage',
        'handler-threw boom in onclose',
      ].toSorted(),
    );
  });

  test('every reported fault reaches onerror as a typed error', async () => {
    const server = new TestServer(faultServer('fault=banner=1'));
    const errors: Error[] = [];
    server.transport.onerror = (error) => errors.push(error);
    await server.connect();
    expect(errors).toMatchObject([{ name: 'LinkError', failure: { sent: false, fault: { code: 'not-a-message' } } }]);
  });
});
