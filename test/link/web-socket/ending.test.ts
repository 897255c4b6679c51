import { describe, expect, it } from 'vitest';
import { expectSoon } from '../../support/expect-soon.ts';
import { opcodes, WebSocketServer } from '../../support/web-socket-server.ts';
import type { ServerConnection, WebSocketServerOptions } from '../../support/web-socket-server.ts';
import { compressed, compressing, expectNoSockets, expectNothingLeft, failureOf, TestTransport } from './opened.ts';

expectNothingLeft();

interface Stage {
  readonly server: WebSocketServer;
  readonly peer: ServerConnection;
  readonly opened: TestTransport;
}

async function open(
  options: ConstructorParameters<typeof TestTransport>[1] = {},
  serverOptions: WebSocketServerOptions = {},
): Promise<Stage> {
  const server = await WebSocketServer.start(serverOptions);
  const opened = await new TestTransport(server.url, options).started();
  return { server, opened, peer: await server.connection() };
}

/** How it ended: with nothing but `onclose`, with what `fault` said by then, and with nothing left on either side. */
async function endOf({ server, opened }: Stage): Promise<unknown> {
  const fault = await opened.end();
  expect(opened.events).toEqual(['close']);
  expect(opened.transport.isEnding).toBe(true);
  expect(await failureOf(opened.transport.send({ id: 1 }))).toEqual({ kind: 'link', sent: false, fault });
  await opened.transport.end('kill');
  await expectNoSockets(server);
  expect(opened.events).toEqual(['close']);
  expect(opened.transport.fault).toEqual(fault);
  return fault;
}

describe('a server that closes the WebSocket', () => {
  it.each([
    [1000, 'transport'],
    [1001, 'transport'],
    [1002, 'protocol'],
    [1003, 'protocol'],
    [1007, 'protocol'],
    [1008, 'transport'],
    [1009, 'protocol'],
    [1011, 'transport'],
    [1012, 'transport'],
    [1013, 'overload'],
    [3000, 'auth'],
    [3003, 'auth'],
    [4000, 'transport'],
  ])('with code %d is down at once, as %s, by the code alone', async (code, kind) => {
    const stage = await open();
    stage.peer.close(code, 'Unauthorized: 401');
    expect(await endOf(stage)).toEqual({
      kind,
      code: `close:${code}`,
      message: `The server closed the WebSocket with code ${code}: "Unauthorized: 401".`,
    });
    expect(stage.peer.goodbye).toBe(code);
  });

  it('without a code is down at once', async () => {
    const stage = await open();
    stage.peer.sayGoodbye();
    stage.peer.end();
    expect(await endOf(stage)).toEqual({
      kind: 'transport',
      code: 'close:1005',
      message: 'The server closed the WebSocket with code 1005.',
    });
  });

  it('and leaves the connection open is down all the same, by its goodbye alone', async () => {
    const stage = await open();
    stage.peer.sayGoodbye(1001);
    expect(await endOf(stage)).toMatchObject({ kind: 'transport', code: 'close:1001' });
    expect(stage.peer.goodbye).toBe(1001);
  });

  it('right behind a compressed message, and leaves the connection open, is down too', async () => {
    const { peer, opened } = await open({}, compressing);
    peer.together(() => {
      peer.frame(opcodes.text, compressed('{"id":1}'), { rsv1: true });
      peer.sayGoodbye(1001);
    });
    expect(await opened.end()).toMatchObject({ kind: 'transport', code: 'close:1001' });
    expect(opened.events).toEqual(['message', 'close']);
  });

  it('and leaves the connection open without reading on is not waited for beyond the grace', async () => {
    const stage = await open({ closeGraceMs: 50 });
    stage.peer.stopReading();
    for (let sent = 0; sent < 100; sent += 1) {
      await stage.opened.transport.send({ text: 'x'.repeat(64 * 1024) }).catch(() => undefined);
    }
    stage.peer.sayGoodbye(1001);
    expect(await stage.opened.end()).toMatchObject({ kind: 'transport', code: 'close:1001' });
    stage.peer.terminate();
  });
});

describe('a connection that is lost', () => {
  it('by its end without a goodbye is down at once', async () => {
    const stage = await open();
    stage.peer.end();
    expect(await endOf(stage)).toEqual({
      kind: 'transport',
      code: 'closed-by-peer',
      message: 'The server closed the connection without closing the WebSocket.',
    });
  });

  it('by a reset is down at once, with the code of the system', async () => {
    const stage = await open();
    stage.peer.reset();
    expect(await endOf(stage)).toMatchObject({ kind: 'transport', code: 'ECONNRESET' });
  });

  it('by its end is down although what we have sent was never read', async () => {
    const { server, peer, opened } = await open();
    peer.stopReading();
    for (let sent = 0; sent < 100; sent += 1) {
      await opened.transport.send({ text: 'x'.repeat(64 * 1024) }).catch(() => undefined);
    }
    peer.end();
    expect(await opened.end()).toMatchObject({ kind: 'transport', code: 'closed-by-peer' });
    await server.stop();
  });

  it.each([
    ['a frame of an unknown kind', (peer: ServerConnection) => peer.frame(3, 'x')],
    ['a compressed frame that was not agreed on', (peer: ServerConnection) => peer.frame(1, 'x', { rsv1: true })],
    ['text that is none', (peer: ServerConnection) => peer.frame(1, Buffer.from([0xff, 0xfe]))],
  ])('since the server broke the protocol, with %s, is down at once', async (_, violate) => {
    const stage = await open();
    violate(stage.peer);
    expect(await endOf(stage)).toMatchObject({ kind: 'protocol', code: 'bad-frame' });
  });
});

describe('an end of ours', () => {
  it('says goodbye, and is over when the server has answered', async () => {
    const stage = await open();
    await stage.opened.transport.end('graceful');
    expect(stage.peer.goodbye).toBe(1000);
    expect(await endOf(stage)).toEqual({
      kind: 'closed',
      code: 'closed',
      message: 'The connection to the server was closed by us.',
    });
  });

  it('lets go out first what was handed over before', async () => {
    const stage = await open();
    for (let id = 0; id < 100; id += 1) void stage.opened.transport.send({ id, text: 'x'.repeat(10_000) });
    await stage.opened.transport.close();
    await stage.peer.closed;
    expect(stage.peer.received).toHaveLength(100);
  });

  it('is not held up by a server that does not answer the goodbye', async () => {
    const stage = await open({ closeGraceMs: 50 }, { answersGoodbye: false });
    await stage.opened.transport.end('graceful');
    expect(stage.peer.goodbye).toBe(1000);
    expect(await endOf(stage)).toMatchObject({ kind: 'closed' });
  });

  it('is not held up by a server that does not read', async () => {
    const { server, peer, opened } = await open({ closeGraceMs: 50 });
    peer.stopReading();
    for (let sent = 0; sent < 100; sent += 1) {
      await opened.transport.send({ text: 'x'.repeat(64 * 1024) }).catch(() => undefined);
    }
    await opened.transport.end('graceful');
    expect(opened.events).toEqual(['close']);
    await server.stop();
  });

  it('by kill says nothing and waits for nothing', async () => {
    const stage = await open({ closeGraceMs: 1_000_000 }, { answersGoodbye: false });
    await stage.opened.transport.end('kill');
    expect(await endOf(stage)).toMatchObject({ kind: 'closed' });
    await stage.peer.closed;
    expect(stage.peer.goodbye).toBeUndefined();
  });

  it('by kill hastens a goodbye that is under way, and all of them end', async () => {
    const stage = await open({ closeGraceMs: 1_000_000 }, { answersGoodbye: false });
    const ends = [stage.opened.transport.end('graceful'), stage.opened.transport.end('graceful')];
    await expectSoon(() => stage.peer.goodbye).toBe(1000);
    await stage.opened.transport.end('kill');
    await Promise.all(ends);
    expect(await endOf(stage)).toMatchObject({ kind: 'closed' });
  });

  it('at the same moment as the server goes tells one end', async () => {
    const stage = await open();
    const end = stage.opened.transport.end('graceful');
    stage.peer.close(1001);
    await end;
    expect(await endOf(stage)).toMatchObject({ kind: 'closed' });
  });

  it('lets nothing in any more', async () => {
    const { peer, opened } = await open({ closeGraceMs: 50 }, { answersGoodbye: false });
    const end = opened.transport.end('graceful');
    peer.send({ id: 1 });
    await end;
    expect(opened.events).toEqual(['close']);
  });
});
