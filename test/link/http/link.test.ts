import { describe, expect, it, vi } from 'vitest';
import { eventually } from '../../support/eventually.ts';
import { driverUnderTest, failureOf, Owner } from '../sdk/owner.ts';
import { answerStatus } from './lean-server.ts';
import { expectNothingLeft, link, serve, targetOf } from './rig.ts';

describe('a link over Streamable HTTP', () => {
  expectNothingLeft();

  it('shakes hands, calls, and says goodbye by DELETE, all of it in the session that the server gave', async () => {
    const server = await serve();
    const owner = await link(server).opened();
    expect(await owner.call('tools/list')).toEqual({ method: 'tools/list' });
    await owner.link.close('graceful');
    expect(
      server.received.map(({ verb, headers, message }) => [
        verb,
        message.method,
        headers['mcp-session-id'],
        headers['mcp-protocol-version'],
        headers.accept,
      ]),
    ).toEqual([
      ['POST', 'initialize', undefined, undefined, 'application/json, text/event-stream'],
      ['POST', 'notifications/initialized', 'session-1', '2025-11-25', 'application/json, text/event-stream'],
      ['GET', undefined, 'session-1', '2025-11-25', 'text/event-stream'],
      ['POST', 'tools/list', 'session-1', '2025-11-25', 'application/json, text/event-stream'],
      ['DELETE', undefined, 'session-1', '2025-11-25', undefined],
    ]);
    expect(owner.types).toEqual(['opened', 'down']);
  });

  it('goes down as session-lost when the server knows the session no more, and the call that met it was refused', async () => {
    const server = await serve({ post: { 'tools/call': answerStatus(404) } });
    const owner = await link(server).opened();
    const failure = await failureOf(owner.call('tools/call'));
    expect(failure).toMatchObject({ kind: 'refused', sent: true, fault: { kind: 'session-lost', code: 'http:404' } });
    expect((await owner.first('down')).fault).toMatchObject({ kind: 'session-lost', code: 'http:404' });
    expect(owner.types).toEqual(['opened', 'down']);
    expect(server.received.some(({ verb }) => verb === 'DELETE')).toBe(false);
  });

  it('does not tell the server that a call was cancelled which it has turned away itself, and forgets the call', async () => {
    const server = await serve({ post: { 'tools/call': answerStatus(503) } });
    const owner = await link(server).opened();
    expect(await failureOf(owner.call('tools/call'))).toMatchObject({
      kind: 'link',
      sent: true,
      fault: { kind: 'transport', code: 'http:503' },
    });
    await owner.call('tools/list');
    expect(server.methods).toEqual(['initialize', 'notifications/initialized', 'tools/call', 'tools/list']);
    expect(owner.types).toEqual(['opened']);
  });

  it('tells the server that a call is cancelled when it times out, and frees its connection', async () => {
    let isClosed = false;
    const server = await serve({
      post: {
        'tools/call': ({ response }) => {
          response.on('close', () => {
            isClosed = true;
          });
        },
      },
    });
    const owner = await link(server).opened();
    const call = owner.ask('tools/call', {});
    const { message } = await server.posted('tools/call');
    call.cancel();
    expect(await failureOf(call.answer)).toEqual({ kind: 'aborted', sent: true });
    expect((await server.posted('notifications/cancelled')).message.params).toMatchObject({ requestId: message.id });
    await eventually(() => isClosed, { what: 'the connection of the call is closed' });
    expect(owner.types).toEqual(['opened']);
  });

  it('keeps nothing in the client of the SDK of calls that failed in whatever way', async () => {
    const connect = vi.spyOn(driverUnderTest.client.prototype, 'connect');
    const server = await serve({
      post: {
        'tools/call': ({ message, response }) => {
          const how = Number(message.params?.['how']);
          if (how === 0) response.writeHead(503).end();
          else if (how === 1) response.writeHead(429).end();
          else if (how === 2) response.writeHead(202).end();
          else response.destroy();
        },
      },
    });
    const owner = await link(server).opened();
    const [client] = connect.mock.contexts;
    connect.mockRestore();
    const calls = Array.from({ length: 100 }, (_, index) => failureOf(owner.call('tools/call', { how: index % 4 })));
    expect((await Promise.all(calls)).map(({ kind }) => kind)).toEqual(
      Array.from({ length: 25 }, () => ['link', 'refused', 'link', 'link']).flat(),
    );
    const handlers: unknown = Reflect.get(client ?? {}, '_responseHandlers');
    expect(handlers instanceof Map && handlers.size).toBe(0);
    // Only what the server may still be at work on is cancelled.
    const unknown = server.posts.filter(({ message }) => Number(message.params?.['how']) >= 2);
    const cancelled = (): unknown[] =>
      server.posts
        .filter(({ message }) => message.method === 'notifications/cancelled')
        .map(({ message }) => message.params?.['requestId']);
    await eventually(() => cancelled().length >= 50, { what: 'the cancellations are there' });
    expect(new Set(cancelled())).toEqual(new Set(unknown.map(({ message }) => message.id)));
    expect(cancelled()).toHaveLength(50);
  });

  it('answers a probe by its fault when the server answers by anything but JSON-RPC', async () => {
    const server = await serve({ post: { ping: answerStatus(503) } });
    const owner = await link(server).opened();
    expect(await failureOf(owner.probe())).toMatchObject({
      kind: 'link',
      sent: true,
      fault: { kind: 'transport', code: 'http:503' },
    });
    server.script.post['ping'] = ({ response, message }) =>
      response
        .writeHead(200, { 'content-type': 'application/json' })
        .end(JSON.stringify({ jsonrpc: '2.0', id: message.id, error: { code: -32601, message: 'no ping here' } }));
    await owner.probe();
  });

  it('passes a notification’s failure on as it is', async () => {
    const server = await serve({ post: { 'notifications/x': answerStatus(429, { 'retry-after': '2' }) } });
    const owner = await link(server).opened();
    expect(await failureOf(owner.link.notify('notifications/x', undefined))).toMatchObject({
      kind: 'refused',
      fault: { kind: 'overload', retryAfterMs: 2000 },
    });
  });

  it('opens again in a new session after the old one was lost', async () => {
    const server = await serve();
    const first = await link(server).opened();
    server.script.post['tools/call'] = answerStatus(404);
    await failureOf(first.call('tools/call'));
    await first.first('down');
    delete server.script.post['tools/call'];
    server.script.sessionId = 'session-2';
    const second = await link(server).opened();
    expect(await second.call('tools/call')).toEqual({ method: 'tools/call' });
    expect(server.posts.at(-1)?.headers['mcp-session-id']).toBe('session-2');
  });

  it.each(['', 'not a url', 'ftp://127.0.0.1/', 'ws://127.0.0.1/'])(
    'to %j is a matter of configuration',
    async (url) => {
      const owner = new Owner(targetOf(url));
      expect((await owner.first('down')).fault).toMatchObject({ kind: 'config', code: 'bad-url' });
      expect(owner.types).toEqual(['down']);
    },
  );
});
