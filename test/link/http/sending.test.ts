import { createServer } from 'node:net';
import type { AddressInfo } from 'node:net';
import { describe, expect, it } from 'vitest';
import { eventually } from '../../support/eventually.ts';
import { failureOf } from '../sdk/owner.ts';
import { answerJson } from './lean-server.ts';
import type { Asked } from './lean-server.ts';
import { Client, client, expectNothingLeft, serve } from './rig.ts';

/** Takes connections and counts what comes on them. */
async function listen(): Promise<{
  url: string;
  count: () => { connections: number; bytes: number };
  stop: () => Promise<void>;
}> {
  let connections = 0;
  let bytes = 0;
  const server = createServer((socket) => {
    connections += 1;
    socket.on('data', (chunk) => (bytes += chunk.length)).on('error', () => undefined);
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/`,
    count: () => ({ connections, bytes }),
    stop: () => new Promise((resolve) => server.close(() => resolve())),
  };
}

describe('a message', () => {
  expectNothingLeft();

  it.each(['tools/call', 'ping'])(
    '%s that is not wanted any more when its connection stands is not written',
    async (method) => {
      const server = await listen();
      const rig = new Client(server.url);
      await rig.transport.start();
      let asked = 0;
      const sending = rig.request(method, undefined, {
        stillWanted: () => {
          asked += 1;
          return asked === 1; // Asked once before it is dispatched, then before the write.
        },
        onHandedOver: () => expect.unreachable(),
      });
      expect(await failureOf(sending)).toEqual({ kind: 'aborted', sent: false });
      await eventually(() => server.count().connections === 1, { what: 'the connection is there' });
      await rig.transport.end('kill');
      expect([asked, server.count()]).toEqual([2, { connections: 1, bytes: 0 }]);
      await server.stop();
    },
  );

  it('that is dropped while its connection comes about is not written', async () => {
    const server = await listen();
    const rig = new Client(server.url);
    await rig.transport.start();
    let drop: () => void = () => undefined;
    const failure = failureOf(rig.request('tools/call', undefined, { whenSettled: (callback) => (drop = callback) }));
    drop();
    expect(await failure).toEqual({ kind: 'aborted', sent: false });
    await eventually(() => server.count().connections === 1, { what: 'the connection is there' });
    await rig.transport.end('kill');
    expect(server.count()).toEqual({ connections: 1, bytes: 0 });
    await server.stop();
  });

  it('whose headers come too late is not sent', async () => {
    const server = await serve();
    let late: (headers: Record<string, string>) => void = () => undefined;
    let isSlow = false;
    const rig = await client(server, {
      headers: () => (isSlow ? new Promise<Record<string, string>>((resolve) => (late = resolve)) : {}),
    });
    isSlow = true;
    let drop: () => void = () => undefined;
    const failure = failureOf(rig.request('tools/call', undefined, { whenSettled: (callback) => (drop = callback) }));
    drop();
    expect(await failure).toEqual({ kind: 'aborted', sent: false });
    late({});
    isSlow = false;
    await rig.request('tools/list');
    expect(server.methods).toEqual(['initialize', 'notifications/initialized', 'tools/list']);
  });

  it('is cancelled by the SDK’s notification: what was sent is told to the server, what was not is forgotten in silence', async () => {
    const server = await serve({ post: { 'tools/call': () => undefined } });
    let isSlow = false;
    const rig = await client(server, { headers: () => (isSlow ? new Promise<never>(() => undefined) : {}) });
    const sent = failureOf(rig.request('tools/call'));
    await server.posted('tools/call');
    await rig.notify('notifications/cancelled', { requestId: rig.lastId });
    expect(await sent).toEqual({ kind: 'aborted', sent: true });
    expect((await server.posted('notifications/cancelled')).message.params).toEqual({ requestId: rig.lastId });

    isSlow = true;
    const unsent = failureOf(rig.request('prompts/get'));
    await rig.notify('notifications/cancelled', { requestId: rig.lastId });
    expect(await unsent).toEqual({ kind: 'aborted', sent: false });
    isSlow = false;
    await rig.request('tools/list');
    expect(server.methods.slice(2)).toEqual(['tools/call', 'notifications/cancelled', 'tools/list']);
  });

  it.each([
    ['is no JSON object', { toJSON: () => undefined }],
    ['refers to itself', selfReferring()],
    ['holds a BigInt', { jsonrpc: '2.0', method: 'x', params: 1n }],
  ])('that %s fails unsent', async (_what, message) => {
    const rig = await client(await serve());
    expect(await failureOf(rig.transport.send(message))).toMatchObject({
      kind: 'link',
      sent: false,
      fault: { code: 'not-json' },
    });
  });

  it('fails unsent before the start and after the end', async () => {
    const server = await serve();
    const rig = new Client(server.url);
    expect(await failureOf(rig.request('ping'))).toMatchObject({ sent: false, fault: { code: 'not-started' } });
    await rig.transport.end('graceful');
    expect(await failureOf(rig.request('ping'))).toMatchObject({ sent: false, fault: { kind: 'closed' } });
    expect(await failureOf(rig.transport.start())).toMatchObject({ sent: false, fault: { kind: 'closed' } });
    expect([server.received, rig.closed]).toEqual([[], 1]);
  });

  it('whose callbacks throw is sent all the same, and the throw is reported', async () => {
    const server = await serve();
    const rig = await client(server);
    const boom = (): never => {
      throw new Error('boom');
    };
    await rig.request('tools/list', undefined, { onHandedOver: boom, whenSettled: boom });
    rig.transport.onmessage = boom;
    await rig.request('tools/list');
    expect(rig.faultCodes).toEqual(['internal handler-threw', 'internal handler-threw', 'internal handler-threw']);
  });
});

describe('64 calls that the server does not answer', () => {
  expectNothingLeft();

  it('let nothing else wait: pings, notifications and answers go past them; the 65th call waits and may be dropped', async () => {
    const hanging: Asked[] = [];
    const server = await serve({ post: { 'tools/call': (asked) => hanging.push(asked) } });
    const rig = await client(server);
    const calls = Array.from({ length: 64 }, () => rig.request('tools/call'));
    await eventually(() => hanging.length === 64, { what: 'all calls are there' });
    let drop: () => void = () => undefined;
    const dropped = failureOf(rig.request('tools/list', undefined, { whenSettled: (callback) => (drop = callback) }));
    const last = rig.request('prompts/list');
    await rig.request('ping');
    await rig.notify('notifications/roots/list_changed');
    await rig.transport.send({ jsonrpc: '2.0', id: 'from-server', result: {} });
    drop();
    expect(await dropped).toEqual({ kind: 'aborted', sent: false });
    expect(server.methods.slice(-3)).toEqual(['ping', 'notifications/roots/list_changed', undefined]);
    for (const asked of hanging) answerJson(asked, {});
    await Promise.all([...calls, last]);
    expect(server.methods.at(-1)).toBe('prompts/list');
    expect(server.methods).not.toContain('tools/list');
  });
});

describe('the headers', () => {
  expectNothingLeft();

  it('of the caller go out with every request, but for those that are the transport’s', async () => {
    const server = await serve();
    const rig = await client(server, {
      headers: {
        'X-Key': 'k',
        Authorization: 'Bearer mine',
        Accept: 'text/plain',
        'Content-Type': 'text/plain',
        'Mcp-Session-Id': 'forged',
        'MCP-Protocol-Version': '1',
        'Last-Event-ID': '9',
        Host: 'elsewhere',
        'Content-Length': '1',
        'Transfer-Encoding': 'chunked',
        Connection: 'close',
      },
    });
    await rig.request('tools/list');
    await rig.transport.end('graceful');
    for (const { verb, headers } of server.received) {
      expect([verb, headers['x-key'], headers.authorization, headers.host]).toEqual([
        verb,
        'k',
        'Bearer mine',
        new URL(server.url).host,
      ]);
      expect(headers['last-event-id']).toBeUndefined();
      expect(headers.connection).toBe('keep-alive');
    }
    expect(server.posts.map(({ headers }) => [headers['content-type'], headers['mcp-session-id']])).toEqual([
      ['application/json', undefined],
      ['application/json', 'session-1'],
      ['application/json', 'session-1'],
    ]);
  });

  it('that a function gives are asked for before each request', async () => {
    const server = await serve();
    let count = 0;
    const rig = await client(server, {
      headers: () => {
        count += 1;
        return count % 2 === 0 ? { 'x-count': String(count) } : Promise.resolve({ 'x-count': String(count) });
      },
    });
    await rig.request('tools/list');
    await rig.request('tools/list');
    expect(server.posts.map(({ headers }) => headers['x-count'])).toEqual(['1', '2', '4', '5']);
  });

  it.each([
    [
      'throws',
      () => {
        throw new Error('secret-1');
      },
    ],
    ['rejects', () => Promise.reject(new Error('secret-1'))],
    ['gives no object', () => 'secret-1'],
  ])('whose function %s fail that request, unsent, without a word of what was thrown', async (_how, bad) => {
    const server = await serve();
    let fails = false;
    const rig = await client(server, { headers: (() => (fails ? bad() : {})) as () => Record<string, string> });
    fails = true;
    const failure = await failureOf(rig.request('tools/list'));
    expect(failure).toMatchObject({ kind: 'link', sent: false, fault: { kind: 'internal', code: 'headers-threw' } });
    expect(JSON.stringify(failure)).not.toContain('secret-1');
    fails = false;
    await rig.request('prompts/list');
    expect(server.methods).not.toContain('tools/list');
  });

  it('that HTTP does not allow fail the request, unsent, as a matter of configuration', async () => {
    const server = await serve();
    const rig = new Client(server.url, { headers: { 'x-key': 'two\r\nlines: 1' } });
    await rig.transport.start();
    expect(await failureOf(rig.request('initialize'))).toMatchObject({
      kind: 'link',
      sent: false,
      fault: { kind: 'config', code: 'bad-header' },
    });
    expect(server.received).toEqual([]);
  });
});

function selfReferring(): Record<string, unknown> {
  const message: Record<string, unknown> = { jsonrpc: '2.0', method: 'x' };
  message['params'] = message;
  return message;
}
