import { once } from 'node:events';
import { createServer } from 'node:net';
import type { AddressInfo } from 'node:net';
import { describe, expect, it } from 'vitest';
import type { HeaderSource } from '../../../src/link/target.ts';
import { expectSoon } from '../../support/expect-soon.ts';
import { WebSocketServer } from '../../support/web-socket-server.ts';
import type { WebSocketServerOptions } from '../../support/web-socket-server.ts';
import { expectNoSockets, expectNothingLeft, failureOf, TestTransport } from './opened.ts';

expectNothingLeft();

const refusingWith = (status: string, headers = ''): WebSocketServerOptions => ({
  refuse: (_request, socket) => {
    socket.end(`HTTP/1.1 ${status}\r\n${headers}content-length: 0\r\n\r\n`);
    return true;
  },
});

const silent: WebSocketServerOptions = { refuse: () => true };

/** A start that fails: its fault, once everything is closed on both sides. */
async function faultOf(server: WebSocketServer, opened = new TestTransport(server.url)): Promise<unknown> {
  const failure = await failureOf(opened.transport.start());
  expect(opened.events).toEqual(['close']);
  expect(failure).toEqual({ kind: 'link', sent: false, fault: opened.faultAtClose });
  expect(opened.transport.isEnding).toBe(true);
  await expectNoSockets(server);
  return opened.faultAtClose;
}

describe('the opening request', () => {
  it('asks for the subprotocol mcp and carries the headers of the target', async () => {
    const server = await WebSocketServer.start();
    const { transport } = await new TestTransport(server.url, {
      headers: { Authorization: 'Bearer secret', 'X-Trace': 'caf\u00e9' },
    }).started();
    expect(server.requests).toEqual([
      expect.objectContaining({
        upgrade: 'websocket',
        'sec-websocket-protocol': 'mcp',
        authorization: 'Bearer secret',
        'x-trace': 'caf\u00e9',
      }),
    ]);
    expect(transport.fault).toBeUndefined();
    expect(transport.isEnding).toBe(false);
    await transport.close();
  });

  it('asks a function for its headers, anew for each attempt', async () => {
    const server = await WebSocketServer.start();
    let asked = 0;
    const headers: HeaderSource = async () => {
      asked += 1;
      return await Promise.resolve({ 'x-attempt': String(asked) });
    };
    for (const attempt of ['1', '2']) {
      const { transport } = await new TestTransport(server.url, { headers }).started();
      expect(server.requests.at(-1)).toMatchObject({ 'x-attempt': attempt });
      await transport.close();
    }
    expect(asked).toBe(2);
  });

  it('is not made when the function throws: that attempt fails, and what it threw is in no message', async () => {
    const server = await WebSocketServer.start();
    for (const headers of [
      () => {
        throw new Error('no token today');
      },
      () => Promise.reject(new Error('no token today')),
    ]) {
      expect(await faultOf(server, new TestTransport(server.url, { headers }))).toEqual({
        kind: 'internal',
        code: 'headers-threw',
        message: 'The function that gives the headers of a request failed.',
      });
    }
    expect(server.requests).toEqual([]);
  });

  it.each([
    [null, 'headers-threw'],
    ['x-key: secret', 'headers-threw'],
    [{ 'x key': 'secret' }, 'bad-header'],
    [{ 'x-key': 'secret\r\nhost: b' }, 'bad-header'],
    [{ 'x-key': 'secret \u20ac' }, 'bad-header'],
  ])('is not made with the headers %j of a function, whose values are in no message', async (headers, code) => {
    const server = await WebSocketServer.start();
    const opened = new TestTransport(server.url, { headers: () => headers as never });
    const fault = await faultOf(server, opened);
    expect(fault).toMatchObject({ code });
    expect(JSON.stringify(fault)).not.toContain('secret');
    expect(server.requests).toEqual([]);
  });

  it('leaves out the headers of a function that are not its to set', async () => {
    const server = await WebSocketServer.start();
    const own = { host: 'elsewhere', Connection: 'close', 'Sec-WebSocket-Protocol': 'soap', 'x-key': 'kept' };
    const { transport } = await new TestTransport(server.url, { headers: () => own }).started();
    expect(server.requests).toEqual([
      expect.objectContaining({
        host: `127.0.0.1:${server.port}`,
        connection: 'upgrade',
        'sec-websocket-protocol': 'mcp',
        'x-key': 'kept',
      }),
    ]);
    await transport.close();
  });
});

describe('an opening that fails', () => {
  it.each([
    ['401 Unauthorized', 'auth', 401],
    ['403 Forbidden', 'auth', 403],
    ['404 Not Found', 'unreachable', 404],
    ['410 Gone', 'unreachable', 410],
    ['429 Too Many Requests', 'overload', 429],
    ['500 Internal Server Error', 'unreachable', 500],
    ['503 Service Unavailable', 'unreachable', 503],
    ['400 Bad Request', 'protocol', 400],
    ['426 Upgrade Required', 'protocol', 426],
    ['200 OK', 'protocol', 200],
    ['302 Found', 'protocol', 302],
  ])('with %s is %s, by its status alone', async (status, kind, code) => {
    const server = await WebSocketServer.start(refusingWith(status, 'location: /elsewhere\r\n'));
    expect(await faultOf(server)).toEqual({
      kind,
      code: `http:${code}`,
      message: expect.stringContaining(`HTTP status ${code}`),
    });
    expect(server.requests).toHaveLength(1);
  });

  it('since nothing listens is unreachable', async () => {
    const server = await WebSocketServer.start();
    const { url } = server;
    await server.stop();
    expect(await faultOf(server, new TestTransport(url))).toMatchObject({ kind: 'unreachable', code: 'ECONNREFUSED' });
  });

  it('since the name does not exist is unreachable', async () => {
    const opened = new TestTransport('ws://holdfast.invalid/mcp');
    expect(await failureOf(opened.transport.start())).toMatchObject({ fault: { kind: 'unreachable' } });
    await opened.transport.end('kill');
  });

  it('since the server speaks no TLS is unreachable', async () => {
    const server = await WebSocketServer.start();
    const opened = new TestTransport(server.url.replace('ws:', 'wss:'));
    expect(await faultOf(server, opened)).toMatchObject({ kind: 'unreachable' });
  });

  it('asks for no more than the server says it may: 503 with Retry-After is overload', async () => {
    const server = await WebSocketServer.start(refusingWith('503 Service Unavailable', 'retry-after: 7\r\n'));
    expect(await faultOf(server)).toMatchObject({ kind: 'overload', code: 'http:503', retryAfterMs: 7_000 });
  });

  it('since the connection closes without an answer is a broken transport', async () => {
    const server = await WebSocketServer.start({
      refuse: (_request, socket) => {
        socket.destroy();
        return true;
      },
    });
    expect(await faultOf(server)).toMatchObject({ kind: 'transport', code: 'UND_ERR_SOCKET' });
  });

  it('since what answers speaks no HTTP is over at once', async () => {
    const server = await WebSocketServer.start({
      refuse: (_request, socket) => {
        socket.end('220 mail.example ESMTP\r\n');
        return true;
      },
    });
    expect(await faultOf(server)).toMatchObject({ kind: expect.stringMatching(/^(transport|protocol)$/) });
  });

  it.each([
    ['without the subprotocol', { 'sec-websocket-protocol': undefined }],
    ['with another subprotocol', { 'sec-websocket-protocol': 'soap' }],
    ['with a wrong proof', { 'sec-websocket-accept': 'x' }],
    ['with an extension that was not asked for', { 'sec-websocket-extensions': 'x-secret-sauce' }],
    ['for another protocol', { upgrade: 'h2c' }],
  ])('since the server switches protocols %s breaks the protocol, and the connection is closed', async (_, answer) => {
    const server = await WebSocketServer.start({ answer });
    expect(await faultOf(server)).toEqual({
      kind: 'protocol',
      code: 'bad-upgrade',
      message: 'The server switched protocols, but not to a WebSocket with the subprotocol mcp.',
    });
  });

  it('since the port is one that is blocked says so', async () => {
    const opened = new TestTransport('ws://127.0.0.1:6000/');
    expect(await failureOf(opened.transport.start())).toMatchObject({
      fault: { kind: 'config', code: 'blocked-port' },
    });
  });
});

describe('an end before it is open', () => {
  it.each(['graceful', 'kill'] as const)('while the server does not answer: %s closes the connection', async (mode) => {
    const server = await WebSocketServer.start(silent);
    const opened = new TestTransport(server.url);
    const starting = failureOf(opened.transport.start());
    await expectSoon(() => server.requests.length).toBe(1);
    await opened.transport.end(mode);
    expect(await starting).toMatchObject({ kind: 'link', sent: false, fault: { kind: 'closed', code: 'closed' } });
    expect(opened.events).toEqual(['close']);
    await expectNoSockets(server);
  });

  it('while it dials closes the connection, and leaves no timer', async () => {
    // Takes the connection and never answers the TLS handshake.
    const mute = createServer((socket) => socket.on('error', () => undefined).resume());
    await new Promise<void>((resolve) => mute.listen(0, '127.0.0.1', resolve));
    const connected = once(mute, 'connection');
    const opened = new TestTransport(`wss://127.0.0.1:${(mute.address() as AddressInfo).port}/`);
    const starting = failureOf(opened.transport.start());
    await connected;
    await opened.transport.end('kill');
    expect(await starting).toMatchObject({ fault: { code: 'closed' } });
    expect(opened.events).toEqual(['close']);
    await new Promise((resolve) => mute.close(resolve));
  });

  it('while the function for the headers is still asked: nothing is dialled', async () => {
    const server = await WebSocketServer.start();
    let answer: (headers: Record<string, string>) => void = () => undefined;
    const headers = () => new Promise<Record<string, string>>((resolve) => (answer = resolve));
    const opened = new TestTransport(server.url, { headers });
    const starting = failureOf(opened.transport.start());
    await opened.transport.end('graceful');
    expect(await starting).toMatchObject({ fault: { code: 'closed' } });
    answer({});
    await opened.closed;
    expect(server.requests).toEqual([]);
  });

  it('before the start: the start is refused, and nothing is dialled', async () => {
    const server = await WebSocketServer.start();
    const opened = new TestTransport(server.url);
    await opened.transport.end('graceful');
    expect(await failureOf(opened.transport.start())).toMatchObject({ fault: { code: 'closed' } });
    expect(opened.events).toEqual(['close']);
    expect(server.requests).toEqual([]);
  });

  it('starts only once', async () => {
    const server = await WebSocketServer.start();
    const { transport } = await new TestTransport(server.url).started();
    expect(await failureOf(transport.start())).toMatchObject({ fault: { kind: 'internal', code: 'already-started' } });
    expect(server.requests).toHaveLength(1);
    await transport.close();
  });
});
