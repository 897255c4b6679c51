import { describe, expect, it } from 'vitest';
import { LinkError } from '../../../src/link/fault.ts';
import { eventually } from '../../support/eventually.ts';
import { failureOf } from '../sdk/owner.ts';
import { INITIALIZE_RESULT } from '../sdk/scripted-transport.ts';
import { answerJson, answerStatus, eventOf, openEvents, resultFor } from './lean-server.ts';
import type { Asked } from './lean-server.ts';
import { Client, client, expectNothingLeft, link, serve } from './rig.ts';

const JSON_TYPE = { 'content-type': 'application/json' };
const NO_SESSION = JSON.stringify({ jsonrpc: '2.0', id: null, error: { code: -32000, message: 'No valid session' } });

describe('the session id', () => {
  expectNothingLeft();

  it('is taken from the answer to initialize and from no other response', async () => {
    const server = await serve({
      post: {
        'tools/call': (asked) => {
          asked.response.setHeader('mcp-session-id', 'stolen');
          answerJson(asked, {});
        },
        'prompts/get': answerStatus(500, { 'mcp-session-id': 'stolen' }),
      },
    });
    const rig = await client(server);
    await rig.request('tools/call');
    await failureOf(rig.request('prompts/get'));
    await rig.request('tools/list');
    expect(rig.transport.sessionId).toBe('session-1');
    expect(server.posts.map(({ headers }) => headers['mcp-session-id'])).toEqual([
      undefined,
      'session-1',
      'session-1',
      'session-1',
      'session-1',
    ]);
  });

  it('is taken when initialize is answered by an event, and not when it is answered by an error', async () => {
    const server = await serve({
      post: {
        initialize: (asked) => {
          asked.response.setHeader('mcp-session-id', 'from-events');
          openEvents(asked).end(eventOf(resultFor(asked, INITIALIZE_RESULT)));
        },
      },
    });
    const rig = await client(server);
    expect(rig.transport.sessionId).toBe('from-events');

    server.script.post['initialize'] = ({ response }) =>
      response.writeHead(200, { ...JSON_TYPE, 'mcp-session-id': 'never' }).end(NO_SESSION);
    const refused = new Client(server.url);
    await refused.transport.start();
    await refused.request('initialize');
    expect(refused.transport.sessionId).toBeUndefined();
  });

  it('that holds a space is refused, and the link does not open', async () => {
    const server = await serve({ sessionId: 'not good' });
    expect((await link(server).first('down')).fault).toMatchObject({ kind: 'protocol', code: 'bad-session-id' });
    expect(server.methods).toEqual(['initialize']);
  });

  it('that never came is never sent, and there is no goodbye', async () => {
    const server = await serve({ sessionId: null });
    const owner = await link(server).opened();
    await owner.call('tools/list');
    await owner.link.close('graceful');
    expect(server.received.map(({ verb, headers }) => [verb, headers['mcp-session-id']])).toEqual([
      ['POST', undefined],
      ['POST', undefined],
      ['GET', undefined],
      ['POST', undefined],
    ]);
  });
});

describe('a lost session', () => {
  expectNothingLeft();

  it('with 20 calls under way: each is refused by its own 404, nothing is unknown, and the end comes once', async () => {
    const waiting: Asked[] = [];
    const server = await serve({ post: { 'tools/call': (asked) => waiting.push(asked) } });
    const rig = await client(server);
    const calls = Array.from({ length: 20 }, () => failureOf(rig.request('tools/call')));
    await eventually(() => waiting.length === 20, { what: 'all calls are there' });
    for (const { response } of waiting) response.writeHead(404).end();
    const failures = await Promise.all(calls);
    expect(failures.map(({ kind }) => kind)).toEqual(Array.from({ length: 20 }, () => 'refused'));
    await eventually(() => rig.closed === 1, { what: 'the transport has ended' });
    expect(rig.transport.fault).toMatchObject({ kind: 'session-lost', code: 'http:404' });
  });

  it('cuts off what is not answered in a moment, as possibly sent, and takes nothing more', async () => {
    const server = await serve({ post: { 'tools/call': () => undefined, 'prompts/get': answerStatus(410) } });
    const rig = await client(server);
    const hanging = failureOf(rig.request('tools/call'));
    await server.posted('tools/call');
    expect(await failureOf(rig.request('prompts/get'))).toMatchObject({
      kind: 'refused',
      fault: { kind: 'session-lost', code: 'http:410' },
    });
    expect(rig.transport.isEnding).toBe(true);
    expect(await failureOf(rig.request('tools/list'))).toMatchObject({
      kind: 'link',
      sent: false,
      fault: { kind: 'session-lost', code: 'http:410' },
    });
    expect(await hanging).toMatchObject({
      kind: 'link',
      sent: true,
      fault: { kind: 'session-lost', code: 'http:410' },
    });
    await eventually(() => rig.closed === 1, { what: 'the transport has ended' });
    expect(server.received.some(({ verb }) => verb === 'DELETE')).toBe(false);
  });

  it('shows in a ping that is answered with 400', async () => {
    const server = await serve({ post: { ping: answerStatus(400, JSON_TYPE, NO_SESSION) } });
    const owner = await link(server).opened();
    expect(await failureOf(owner.probe())).toMatchObject({
      kind: 'refused',
      fault: { kind: 'session-lost', code: 'http:400' },
    });
    expect((await owner.first('down')).fault).toMatchObject({ kind: 'session-lost', code: 'http:400' });
  });

  it('does not show in a 404 where no session is held: the request alone is refused', async () => {
    const server = await serve({ sessionId: null, post: { 'tools/call': answerStatus(404) } });
    const rig = await client(server);
    expect(await failureOf(rig.request('tools/call'))).toMatchObject({
      kind: 'refused',
      fault: { kind: 'unreachable' },
    });
    await rig.request('tools/list');
  });
});

describe('a call that is answered with 400 in a session', () => {
  expectNothingLeft();

  it('is refused when a ping proves that the session stands, and one ping answers for all who ask', async () => {
    const waiting: Asked[] = [];
    const server = await serve({ post: { 'tools/call': (asked) => waiting.push(asked) } });
    const rig = await client(server);
    const calls = Array.from({ length: 5 }, () => failureOf(rig.request('tools/call')));
    await eventually(() => waiting.length === 5, { what: 'all calls are there' });
    const pings: Asked[] = [];
    server.script.post['ping'] = (asked) => pings.push(asked);
    for (const { response } of waiting) response.writeHead(400).end();
    await eventually(() => pings.length === 1, { what: 'the session is checked' });
    await rig.request('tools/list'); // All five refusals have been read by now, or will be before the answer to the ping.
    for (const asked of pings) answerJson(asked, {});
    expect((await Promise.all(calls)).map(({ kind }) => kind)).toEqual(Array.from({ length: 5 }, () => 'refused'));
    expect(server.methods.filter((method) => method === 'ping')).toEqual(['ping']);
    expect(rig.messages).toEqual([{ jsonrpc: '2.0', id: rig.lastId, result: { method: 'tools/list' } }]);
    expect(rig.transport.isEnding).toBe(false);
  });

  it('is answered by the JSON-RPC error that came along, once the session has proved to stand', async () => {
    const server = await serve({
      post: {
        'tools/call': answerStatus(
          400,
          JSON_TYPE,
          '{"jsonrpc":"2.0","id":null,"error":{"code":-32600,"message":"bad"}}',
        ),
      },
    });
    const owner = await link(server).opened();
    expect(await failureOf(owner.call('tools/call'))).toEqual({
      kind: 'rpc',
      sent: true,
      rpcCode: -32600,
      message: 'bad',
    });
    expect(server.methods.at(-1)).toBe('ping');
  });

  it.each([
    ['400', answerStatus(400, JSON_TYPE, NO_SESSION), 'http:400'],
    ['404', answerStatus(404), 'http:404'],
  ])('is refused with the session, which is lost, when the ping is answered with %s', async (_status, ping, code) => {
    const server = await serve({ post: { 'tools/call': answerStatus(400, JSON_TYPE, NO_SESSION), ping } });
    const owner = await link(server).opened();
    expect(await failureOf(owner.call('tools/call'))).toMatchObject({
      kind: 'refused',
      sent: true,
      fault: { kind: 'session-lost', code },
    });
    expect((await owner.first('down')).fault).toMatchObject({ kind: 'session-lost', code });
  });

  it('has an unknown outcome when the ping proves nothing', async () => {
    const server = await serve({ post: { 'tools/call': answerStatus(400), ping: answerStatus(500) } });
    const rig = await client(server);
    expect(await failureOf(rig.request('tools/call'))).toMatchObject({
      kind: 'link',
      sent: true,
      fault: { code: 'http:400' },
    });
    expect(rig.transport.isEnding).toBe(false);
  });
});

describe('a server that is gone', () => {
  expectNothingLeft();

  it('fails a call unsent and reports it, and ends the transport when a ping meets it', async () => {
    const server = await serve();
    const rig = await client(server);
    await server.stop();
    await eventually(() => server.sockets.size === 0);
    const failure = await failureOf(callAfresh(rig));
    expect(failure).toMatchObject({ kind: 'link', sent: false, fault: { kind: 'unreachable', code: 'ECONNREFUSED' } });
    expect(rig.transport.isEnding).toBe(false);
    expect(rig.faultCodes).toContain('unreachable ECONNREFUSED');
    expect(await failureOf(rig.request('ping'))).toMatchObject({
      kind: 'link',
      sent: false,
      fault: { kind: 'unreachable' },
    });
    await eventually(() => rig.closed === 1, { what: 'the transport has ended' });
    expect(rig.transport.fault).toMatchObject({ kind: 'unreachable', code: 'ECONNREFUSED' });
    await server.listen();
  });

  it('that dies in the middle of a call: the call fails at once as possibly sent, and a probe finds it gone', async () => {
    const server = await serve({ post: { 'tools/call': () => undefined } });
    const owner = await link(server).opened();
    const call = failureOf(owner.call('tools/call'));
    await server.posted('tools/call');
    await server.stop();
    expect(await call).toMatchObject({ kind: 'link', sent: true, fault: { kind: 'transport' } });
    await owner.first('fault');
    expect(await failureOf(owner.probe())).toMatchObject({
      fault: { kind: 'unreachable' },
    });
    expect((await owner.first('down')).fault).toMatchObject({ kind: 'unreachable', code: 'ECONNREFUSED' });
    await server.listen();
  });

  it.each([
    ['a port that nobody listens on', () => 'http://127.0.0.1:1/mcp', 'ECONNREFUSED'],
    ['a name that does not exist', () => 'http://no-such-host.invalid/mcp', 'ENOTFOUND|EAI_AGAIN'],
    ['TLS to a plain port', (port: string) => `https://127.0.0.1:${port}/mcp`, 'ERR_SSL_[A-Z_]+|EPROTO|ECONNRESET'],
  ])('%s is unreachable, and nothing was sent', async (_what, urlOf, code) => {
    const server = await serve();
    const rig = new Client(urlOf(new URL(server.url).port));
    await rig.transport.start();
    const failure = await failureOf(rig.request('initialize'));
    expect(failure).toMatchObject({ kind: 'link', sent: false, fault: { kind: 'unreachable' } });
    expect(failure.kind === 'link' && failure.fault.code).toMatch(new RegExp(`^(${code})$`));
    expect(server.received).toEqual([]);
  });
});

describe('a ping whose connection breaks', () => {
  expectNothingLeft();

  it('is sent once more, since the server may just have closed an idle connection, and nothing is wrong', async () => {
    let breaks = 1;
    const server = await serve({
      post: {
        ping: (asked) => {
          if (breaks > 0) asked.response.socket?.resetAndDestroy();
          else answerJson(asked, {});
          breaks -= 1;
        },
      },
    });
    const rig = await client(server);
    await rig.request('ping');
    expect(server.methods.filter((method) => method === 'ping')).toHaveLength(2);
    expect([rig.faultCodes, rig.transport.isEnding]).toEqual([[], false]);
  });

  it('and then the next one ends the transport, as when a proxy has no server behind it', async () => {
    const server = await serve({ post: { ping: (asked) => asked.response.socket?.resetAndDestroy() } });
    const rig = await client(server);
    expect(await failureOf(rig.request('ping'))).toMatchObject({
      kind: 'link',
      sent: true,
      fault: { kind: 'transport' },
    });
    await eventually(() => rig.closed === 1, { what: 'the transport has ended' });
    expect(server.methods.filter((method) => method === 'ping')).toHaveLength(2);
    expect([rig.faultCodes, rig.transport.fault?.code]).toEqual([[], 'ECONNRESET']);
  });
});

describe('a ping without an answer', () => {
  expectNothingLeft();

  it('has the idle connections of its time used no more; what is under way on others goes on', async () => {
    const slow: Asked[] = [];
    const server = await serve({ post: { ping: () => undefined, 'tools/call': (asked) => slow.push(asked) } });
    const rig = await client(server);
    const call = rig.request('tools/call');
    await eventually(() => slow.length === 1, { what: 'the call is under way' });
    await rig.request('tools/list');
    const before = new Set(server.sockets);
    const waiting: { drop?: () => void } = {};
    const ping = failureOf(rig.request('ping', undefined, { whenSettled: (drop) => (waiting.drop = drop) }));
    await server.posted('ping');
    waiting.drop?.();
    await ping;
    let socket: unknown;
    server.script.post['prompts/list'] = (asked) => {
      socket = asked.request.socket;
      answerJson(asked, {});
    };
    await rig.request('prompts/list');
    expect([...before].includes(socket as never)).toBe(false);
    for (const asked of slow) answerJson(asked, { late: true });
    await call;
    expect(rig.faultCodes).toEqual([]);
  });
});

/** Calls until a connection has to be made: the first calls may still meet old ones, which were reset. */
async function callAfresh(rig: Client): Promise<void> {
  for (;;) {
    const failure = await failureOf(rig.request('tools/list'));
    if (failure.kind === 'link' && !failure.sent) throw new LinkError(failure);
  }
}
