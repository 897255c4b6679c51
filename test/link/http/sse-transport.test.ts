import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { describe, expect, it } from 'vitest';
import type { AuthProvider } from '../../../src/link/target.ts';
import { eventually } from '../../support/eventually.ts';
import { INITIALIZE_RESULT } from '../sdk/scripted-transport.ts';
import { answerStatus, openEvents, resultFor } from './lean-server.ts';
import { ENDPOINT, expectNothingLeft, failureOf, sseClient, SseClient, SseServer } from './sse-rig.ts';

expectNothingLeft();

/** A start that fails: its fault, once it was told in every way and everything is closed. */
async function faultOfStart(server: SseServer, client = new SseClient(server.url)): Promise<unknown> {
  const failure = await failureOf(client.transport.start());
  expect(client.ends).toHaveLength(1);
  expect(failure).toEqual({ kind: 'link', sent: false, fault: client.ends[0] });
  expect(client.transport.isEnding).toBe(true);
  await server.expectNoSockets();
  return client.ends[0];
}

describe('opening', () => {
  it('asks for the stream, and posts where the stream says', async () => {
    const server = await SseServer.start();
    const client = await sseClient(server, { headers: { Authorization: 'Bearer x' } });
    expect(server.lean.received.map(({ verb, path }) => `${verb} ${path}`)).toEqual([
      'GET /mcp',
      `POST ${ENDPOINT}`,
      `POST ${ENDPOINT}`,
    ]);
    const [get, initialize, initialized] = server.lean.received;
    expect(get?.headers).toMatchObject({ accept: 'text/event-stream', authorization: 'Bearer x' });
    expect(initialize?.headers).toMatchObject({ 'content-type': 'application/json', authorization: 'Bearer x' });
    expect(initialized?.headers).toMatchObject({ 'mcp-protocol-version': INITIALIZE_RESULT.protocolVersion });
    expect(client.faults).toEqual([]);
  });

  it('is over only when the stream has said where to post', async () => {
    const server = await SseServer.start({ get: (asked) => void server.streams.push(openEvents(asked)) });
    const client = new SseClient(server.url);
    let isStarted = false;
    const starting = client.transport.start().then(() => (isStarted = true));
    await eventually(() => server.streams.length === 1);
    server.stream.write('event: greeting\ndata: hello\n\n: comment\n\n');
    server.send({ jsonrpc: '2.0', method: 'notifications/early' });
    await eventually(() => client.messages.length === 1);
    expect(isStarted).toBe(false);
    expect(await failureOf(client.request('initialize'))).toMatchObject({
      sent: false,
      fault: { code: 'not-started' },
    });
    server.stream.write('event: endpoint\ndata: later\n\n');
    await starting;
    await client.request('initialize');
    expect(server.lean.posts.map(({ path }) => path)).toEqual(['/later']);
  });

  it('takes a whole address of the same origin', async () => {
    const server = await SseServer.start({ get: (asked) => server.open(asked, `${new URL(server.url).origin}/there`) });
    await sseClient(server);
    expect(server.lean.posts.map(({ path }) => path)).toEqual(['/there', '/there']);
  });

  it.each(['http://elsewhere.example/messages', '//elsewhere.example/', 'https://127.0.0.1/x', 'http://:/', 'data:,x'])(
    'refuses %s for an address to post to: the server breaks the protocol',
    async (endpoint) => {
      const server = await SseServer.start({ get: (asked) => server.open(asked, endpoint) });
      expect(await faultOfStart(server)).toMatchObject({ kind: 'protocol', code: 'bad-endpoint' });
      expect(server.lean.posts).toEqual([]);
    },
  );

  it.each([
    [401, 'auth'],
    [403, 'auth'],
    [404, 'unreachable'],
    [405, 'protocol'],
    [429, 'overload'],
    [500, 'unreachable'],
    [302, 'protocol'],
  ])('that is answered with %d is %s', async (status, kind) => {
    const server = await SseServer.start({ get: answerStatus(status, { location: '/elsewhere' }, 'sorry') });
    expect(await faultOfStart(server)).toMatchObject({ kind, code: `http:${status}` });
    expect(server.lean.gets).toHaveLength(1);
  });

  it('that is answered with another content breaks the protocol', async () => {
    const server = await SseServer.start({ get: answerStatus(200, { 'content-type': 'text/html' }, '<html>') });
    expect(await faultOfStart(server)).toMatchObject({ kind: 'protocol', code: 'content-type' });
  });

  it('that finds nobody there is unreachable', async () => {
    const server = await SseServer.start();
    await server.lean.stop();
    expect(await faultOfStart(server)).toMatchObject({ kind: 'unreachable', code: 'ECONNREFUSED' });
  });

  it('whose stream ends before it has said where to post has failed', async () => {
    const server = await SseServer.start({ get: (asked) => void openEvents(asked).end() });
    expect(await faultOfStart(server)).toMatchObject({ kind: 'transport', code: 'stream-ended' });
  });

  it('that is given up while the server says nothing is over at once', async () => {
    const server = await SseServer.start({ get: (asked) => void server.streams.push(openEvents(asked)) });
    const client = new SseClient(server.url);
    const starting = failureOf(client.transport.start());
    await eventually(() => server.streams.length === 1);
    await client.transport.end('graceful');
    expect(await starting).toMatchObject({ sent: false, fault: { kind: 'closed', code: 'closed' } });
    expect(client.ends).toHaveLength(1);
    await server.expectNoSockets();
  });

  it('happens once', async () => {
    const server = await SseServer.start();
    const client = await sseClient(server);
    expect(await failureOf(client.transport.start())).toMatchObject({ fault: { code: 'already-started' } });
    await client.transport.end('kill');
    expect(await failureOf(client.transport.start())).toMatchObject({ fault: { code: 'closed' } });
    expect(server.lean.gets).toHaveLength(1);
  });
});

describe('a message', () => {
  it('is sent when the server has taken it; its answer comes over the stream, before or after', async () => {
    const server = await SseServer.start({
      post: {
        hasty: (asked) => {
          server.send(resultFor(asked, 'first'));
          return eventually(() => client.messages.length === 1).then(() => asked.response.writeHead(202).end());
        },
      },
    });
    const client = await sseClient(server);
    await client.request('plain');
    await eventually(() => client.messages.length === 1);
    expect(client.messages).toEqual([{ jsonrpc: '2.0', id: client.lastId, result: { method: 'plain' } }]);
    client.messages.length = 0;
    await client.request('hasty');
    expect(client.messages).toEqual([{ jsonrpc: '2.0', id: client.lastId, result: 'first' }]);
    expect(client.faults).toEqual([]);
    expect(client.transport.fault).toBeUndefined();
  });

  it('that is answered while the server keeps its POST open does not keep a connection for long', async () => {
    let released: Promise<unknown> | undefined;
    const server = await SseServer.start({
      post: {
        kept: (asked) => {
          released = once(asked.request.socket, 'close');
          server.send(resultFor(asked));
        },
      },
    });
    const client = await sseClient(server);
    await client.request('kept');
    await released;
    expect(client.transport.fault).toBeUndefined();
  });

  it.each([
    [400, 'refused', 'protocol'],
    [403, 'refused', 'auth'],
    [405, 'refused', 'protocol'],
    [413, 'refused', 'protocol'],
    [429, 'refused', 'overload'],
    [302, 'refused', 'protocol'],
    [408, 'link', 'timeout'],
    [500, 'link', 'transport'],
    [503, 'link', 'transport'],
  ])('that is answered with %d fails as %s, of kind %s', async (status, kind, faultKind) => {
    const server = await SseServer.start({ post: { bad: answerStatus(status, {}, 'sorry') } });
    const client = await sseClient(server);
    expect(await failureOf(client.request('bad'))).toMatchObject({
      kind,
      sent: true,
      fault: { kind: faultKind, code: `http:${status}` },
    });
    await client.request('good');
    await eventually(() => client.messages.length === 1);
    expect(client.ends).toEqual([]);
  });

  it('that is answered with 401 fails, and ends the session as auth', async () => {
    const server = await SseServer.start({ post: { bad: answerStatus(401) } });
    const client = await sseClient(server);
    expect(await failureOf(client.request('bad'))).toMatchObject({ kind: 'refused', fault: { code: 'http:401' } });
    expect(await client.end()).toMatchObject({ kind: 'auth', code: 'http:401' });
  });

  it('that is refused with a JSON-RPC error in the body is answered by it', async () => {
    const error = { code: -32_600, message: 'no' };
    const body = JSON.stringify({ jsonrpc: '2.0', id: null, error });
    const server = await SseServer.start({
      post: { bad: answerStatus(400, { 'content-type': 'application/json' }, body) },
    });
    const client = await sseClient(server);
    await client.request('bad');
    expect(client.messages).toEqual([{ jsonrpc: '2.0', id: client.lastId, error }]);
  });

  it('that cannot reach the server although the stream is open is unsent; a ping that cannot is the end', async () => {
    const http = createServer((_request, response) => {
      response.writeHead(200, { 'content-type': 'text/event-stream' });
      response.write(`event: endpoint\ndata: ${ENDPOINT}\n\n`);
    });
    await new Promise<void>((resolve) => http.listen(0, '127.0.0.1', resolve));
    const client = new SseClient(`http://127.0.0.1:${(http.address() as AddressInfo).port}/sse`);
    await client.transport.start();
    const stopped = new Promise((resolve) => http.close(resolve));
    const refused = { kind: 'link', sent: false, fault: { kind: 'unreachable', code: 'ECONNREFUSED' } };
    expect(await failureOf(client.request('late'))).toMatchObject(refused);
    expect(client.ends).toEqual([]);
    expect(client.faults).toMatchObject([{ kind: 'unreachable' }]);
    expect(await failureOf(client.request('ping'))).toMatchObject(refused);
    expect(await client.end()).toMatchObject({ kind: 'unreachable', code: 'ECONNREFUSED' });
    await stopped;
  });

  it('whose connection breaks before it is taken has perhaps been sent', async () => {
    const server = await SseServer.start({ post: { bad: ({ request }) => request.socket.destroy() } });
    const client = await sseClient(server);
    expect(await failureOf(client.request('bad'))).toMatchObject({
      kind: 'link',
      sent: true,
      fault: { kind: 'transport' },
    });
    expect(client.ends).toEqual([]);
  });

  it('that nobody wants any more when it is its turn is not sent, nor is its cancellation', async () => {
    const server = await SseServer.start();
    let give: (token: string) => void = () => undefined;
    let isSlow = false;
    const auth: AuthProvider = {
      token: () => (isSlow ? new Promise((resolve) => (give = resolve)) : 'quick'),
    };
    const client = await sseClient(server, { auth });
    isSlow = true;
    const dropped = failureOf(client.request('unwanted'));
    await client.transport.send({
      jsonrpc: '2.0',
      method: 'notifications/cancelled',
      params: { requestId: client.lastId },
    });
    expect(await dropped).toEqual({ kind: 'aborted', sent: false });
    give('slow');
    const refused = failureOf(client.request('unwanted too', undefined, { stillWanted: () => false }));
    give('slow');
    expect(await refused).toEqual({ kind: 'aborted', sent: false });
    isSlow = false;
    await client.request('wanted');
    expect(server.lean.methods).toEqual(['initialize', 'notifications/initialized', 'wanted']);
  });

  it('that is cancelled after it went is followed by its cancellation', async () => {
    const server = await SseServer.start({ post: { slow: ({ response }) => response.writeHead(202).end() } });
    const client = await sseClient(server);
    await client.request('slow');
    const params = { requestId: client.lastId };
    await client.transport.send({ jsonrpc: '2.0', method: 'notifications/cancelled', params });
    expect(server.lean.methods.slice(2)).toEqual(['slow', 'notifications/cancelled']);
  });
});

describe('what comes over the stream', () => {
  it('is delivered in order, and what is no message is reported', async () => {
    const server = await SseServer.start();
    const client = await sseClient(server);
    server.send({ jsonrpc: '2.0', method: 'notifications/a' });
    server.stream.write('event: message\ndata: {"broken\n\nevent: message\ndata: [1]\n\nevent: other\ndata: {}\n\n');
    server.stream.write('data: {"jsonrpc":"2.0",\ndata: "method":"notifications/b"}\n\n');
    await eventually(() => client.messages.length === 2);
    expect(client.messages).toEqual([
      { jsonrpc: '2.0', method: 'notifications/a' },
      { jsonrpc: '2.0', method: 'notifications/b' },
    ]);
    expect(client.faults.map(({ kind, code }) => `${kind} ${code}`)).toEqual([
      'protocol bad-message',
      'protocol bad-message',
    ]);
  });

  it('ends the session when it is too large', async () => {
    const server = await SseServer.start();
    const client = await sseClient(server, { maxMessageBytes: 1000 });
    server.stream.write(`data: ${'x'.repeat(2000)}`);
    expect(await client.end()).toMatchObject({ kind: 'protocol', code: 'message-too-large' });
    await server.expectNoSockets();
  });

  it('may name the same address again, but not another one: that would be another session', async () => {
    const server = await SseServer.start();
    const client = await sseClient(server);
    server.stream.write(`event: endpoint\ndata: ${ENDPOINT}\n\n`);
    await client.request('fine');
    server.stream.write('event: endpoint\ndata: /messages?session=2\n\n');
    expect(await client.end()).toMatchObject({ kind: 'session-lost', code: 'endpoint-moved' });
  });
});

describe('the end', () => {
  it.each([
    ['in order', 'stream-ended', (server: SseServer) => void server.stream.end()],
    ['by a reset', 'ECONNRESET', (server: SseServer) => server.stream.socket?.resetAndDestroy()],
    [
      'in the middle of an event',
      'UND_ERR_SOCKET',
      (server: SseServer) => {
        server.stream.write('data: {"json');
        server.stream.socket?.destroySoon();
      },
    ],
  ])('of the stream %s is the end of the session, at once, with nothing opened again', async (_, code, finish) => {
    const server = await SseServer.start({ post: { held: () => undefined } });
    const client = await sseClient(server);
    const held = failureOf(client.request('held'));
    await server.lean.posted('held');
    finish(server);
    const fault = await client.end();
    expect(fault).toMatchObject({ kind: 'transport', code });
    expect(await held).toEqual({ kind: 'link', sent: true, fault });
    expect(await failureOf(client.request('late'))).toEqual({ kind: 'link', sent: false, fault });
    expect(client.ends).toEqual([fault]);
    await server.expectNoSockets();
    expect(server.lean.gets).toHaveLength(1);
  });

  it.each([404, 410])(
    'is a POST that is answered with %d: the session is lost although the stream is open',
    async (status) => {
      const server = await SseServer.start({ post: { gone: answerStatus(status) } });
      const client = await sseClient(server);
      expect(await failureOf(client.request('gone'))).toMatchObject({
        kind: 'refused',
        sent: true,
        fault: { kind: 'session-lost', code: `http:${status}` },
      });
      expect(await client.end()).toMatchObject({ kind: 'session-lost', code: `http:${status}` });
      await server.expectNoSockets();
    },
  );

  it.each(['graceful', 'kill'] as const)(
    'by us (%s) closes every connection, and fails what is under way',
    async (mode) => {
      const server = await SseServer.start({ post: { held: () => undefined } });
      const client = await sseClient(server);
      const held = failureOf(client.request('held'));
      await server.lean.posted('held');
      await client.transport.end(mode);
      expect(await held).toMatchObject({ kind: 'link', sent: true, fault: { kind: 'closed' } });
      await client.transport.end('kill');
      expect(client.ends).toEqual([
        { kind: 'closed', code: 'closed', message: 'The connection to the server was closed by us.' },
      ]);
      await server.expectNoSockets();
    },
  );

  it('before the start dials nothing', async () => {
    const server = await SseServer.start();
    const client = new SseClient(server.url);
    await client.transport.end('graceful');
    expect(await failureOf(client.transport.start())).toMatchObject({ fault: { code: 'closed' } });
    expect(client.ends).toHaveLength(1);
    expect(server.lean.received).toEqual([]);
  });

  it('is not undone by a handler that throws', async () => {
    const server = await SseServer.start();
    const client = await sseClient(server);
    client.transport.onclose = () => {
      client.ends.push(client.transport.fault);
      throw new Error('choked');
    };
    server.stream.end();
    expect(await client.end()).toMatchObject({ code: 'stream-ended' });
    expect(client.faults).toMatchObject([{ kind: 'internal', code: 'handler-threw' }]);
    await server.expectNoSockets();
  });
});

describe('credentials', () => {
  const only = (good: string, server: () => SseServer): Parameters<typeof SseServer.start>[0] => ({
    get: (asked) => {
      if (asked.headers.authorization === `Bearer ${good}`) server().open(asked);
      else answerStatus(401, { 'www-authenticate': 'Bearer' }, 'who are you?')(asked);
    },
  });

  it('are renewed once when the stream is refused, and the stream is asked for again', async () => {
    const server: SseServer = await SseServer.start(only('new', () => server));
    let token = 'old';
    let renewals = 0;
    const auth: AuthProvider = {
      token: () => token,
      onUnauthorized: () => {
        renewals += 1;
        token = 'new';
      },
    };
    const client = await sseClient(server, { auth });
    expect(renewals).toBe(1);
    expect(server.lean.gets.map(({ headers }) => headers.authorization)).toEqual(['Bearer old', 'Bearer new']);
    await client.request('fine');
    expect(server.lean.posts.map(({ headers }) => headers.authorization)).toEqual(Array(3).fill('Bearer new'));
  });

  it('that are refused again end it as auth', async () => {
    const server: SseServer = await SseServer.start(only('unknown', () => server));
    let count = 0;
    const auth: AuthProvider = { token: () => `token ${count}`, onUnauthorized: () => void (count += 1) };
    expect(await faultOfStart(server, new SseClient(server.url, { auth }))).toMatchObject({
      kind: 'auth',
      code: 'http:401',
    });
    expect(server.lean.gets).toHaveLength(2);
  });

  it('that cannot be had fail the start, and nothing is asked', async () => {
    const server = await SseServer.start();
    const auth: AuthProvider = { token: () => Promise.reject(new Error('secret')) };
    const fault = await faultOfStart(server, new SseClient(server.url, { auth }));
    expect(fault).toMatchObject({ kind: 'internal', code: 'token-threw' });
    expect(JSON.stringify(fault)).not.toContain('secret');
    expect(server.lean.received).toEqual([]);
  });

  it('are renewed for a POST too, which is then sent again, once', async () => {
    let token = 'old';
    const server = await SseServer.start({
      post: {
        guarded: (asked) => {
          if (asked.headers.authorization === 'Bearer new') server.answer(asked, 'in');
          else answerStatus(401)(asked);
        },
      },
    });
    const client = await sseClient(server, {
      auth: { token: () => token, onUnauthorized: () => void (token = 'new') },
    });
    await client.request('guarded');
    await eventually(() => client.messages.length === 1);
    expect(client.messages).toEqual([{ jsonrpc: '2.0', id: client.lastId, result: 'in' }]);
    expect(server.lean.methods.slice(2)).toEqual(['guarded', 'guarded']);
  });

  it('from a function that throws fail the start', async () => {
    const server = await SseServer.start();
    const headers = () => {
      throw new Error('secret');
    };
    const fault = await faultOfStart(server, new SseClient(server.url, { headers }));
    expect(fault).toMatchObject({ kind: 'internal', code: 'headers-threw' });
    expect(JSON.stringify(fault)).not.toContain('secret');
  });
});
