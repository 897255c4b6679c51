import { describe, expect, it } from 'vitest';
import { expectSoon } from '../../support/expect-soon.ts';
import { opcodes, WebSocketServer } from '../../support/web-socket-server.ts';
import type { ServerConnection, WebSocketServerOptions } from '../../support/web-socket-server.ts';
import { compressed, compressing, expectNothingLeft, failureOf, TestTransport } from './opened.ts';

expectNothingLeft();

async function open(
  options: ConstructorParameters<typeof TestTransport>[1] = {},
  serverOptions: WebSocketServerOptions = {},
): Promise<{ server: WebSocketServer; peer: ServerConnection; opened: TestTransport }> {
  const server = await WebSocketServer.start(serverOptions);
  const opened = await new TestTransport(server.url, options).started();
  return { server, opened, peer: await server.connection() };
}

/** A message of exactly that many bytes. */
const messageOf = (bytes: number): string => `{"a":"${'x'.repeat(bytes - 8)}"}`;

describe('messages', () => {
  it('are one text frame each, both ways, in order', async () => {
    const { peer, opened } = await open();
    for (const id of [1, 2, 3]) void opened.transport.send({ jsonrpc: '2.0', id, method: 'ping' });
    await expectSoon(() => peer.received).toEqual(
      [1, 2, 3].map((id) => JSON.stringify({ jsonrpc: '2.0', id, method: 'ping' })),
    );
    for (const id of [1, 2, 3]) peer.send({ jsonrpc: '2.0', id, result: { text: 'caf\u00e9 \u20ac \u{1f600}' } });
    await expectSoon(() => opened.messages).toHaveLength(3);
    expect(opened.messages).toEqual(
      [1, 2, 3].map((id) => ({ jsonrpc: '2.0', id, result: { text: 'caf\u00e9 \u20ac \u{1f600}' } })),
    );
    expect(opened.events).toEqual(['message', 'message', 'message']);
    await opened.transport.close();
  });

  it('may come in pieces, with pings between them, which are answered', async () => {
    const { peer, opened } = await open();
    const bytes = Buffer.from('{"a":"\u20ac"}');
    peer.frame(opcodes.text, bytes.subarray(0, 7), { fin: false });
    peer.frame(opcodes.ping, 'still there?');
    peer.frame(opcodes.continuation, bytes.subarray(7, 8), { fin: false });
    peer.frame(opcodes.continuation, bytes.subarray(8));
    await expectSoon(() => opened.messages).toEqual([{ a: '\u20ac' }]);
    await expectSoon(() => peer.pongs).toBe(1);
    await opened.transport.close();
  });

  it('may come compressed', async () => {
    const { peer, opened } = await open({}, compressing);
    peer.frame(opcodes.text, compressed('{"a":1}'), { rsv1: true });
    peer.frame(opcodes.text, '{"a":2}');
    await expectSoon(() => opened.messages).toEqual([{ a: 1 }, { a: 2 }]);
    await opened.transport.close();
  });

  it.each([
    ['and a goodbye', (peer: ServerConnection) => peer.close(1001), 'close:1001'],
    ['and nothing more', (peer: ServerConnection) => peer.end(), 'closed-by-peer'],
  ])(
    'that came compressed right before the connection ended, %s, are delivered before its end is told',
    async (_, end, code) => {
      const { peer, opened } = await open({}, compressing);
      peer.together(() => {
        for (const id of [1, 2]) peer.frame(opcodes.text, compressed(JSON.stringify({ id })), { rsv1: true });
        end(peer);
      });
      expect(await opened.end()).toMatchObject({ code });
      expect(opened.messages).toEqual([{ id: 1 }, { id: 2 }]);
    },
  );

  it('that came before the connection was lost are delivered before its end is told', async () => {
    const { peer, opened } = await open();
    for (const id of [1, 2]) peer.send({ id });
    peer.end();
    await opened.closed;
    expect(opened.events).toEqual(['message', 'message', 'close']);
  });

  it('that are none are skipped and reported, at most five of them, without their text', async () => {
    const { peer, opened } = await open();
    for (const text of ['secret', '', '[{"id":1}]', '"text"', 'null', '{"broken":', '7']) peer.send(text);
    peer.frame(opcodes.binary, '{"id":1}');
    peer.send({ id: 1 });
    await expectSoon(() => opened.messages).toEqual([{ id: 1 }]);
    expect(opened.events).toEqual(['error', 'error', 'error', 'error', 'error', 'message']);
    expect(opened.transport.noiseCount).toBe(8);
    const message = 'The server sent something over the WebSocket that is no JSON-RPC message. It was ignored.';
    expect(opened.faults).toEqual([
      ...Array.from({ length: 4 }, () => ({ kind: 'protocol', code: 'not-a-message', message })),
      { kind: 'protocol', code: 'not-a-message', message: `${message} Further ones are counted and not reported.` },
    ]);
    expect(opened.transport.fault).toBeUndefined();
    await opened.transport.close();
  });

  it('that a handler chokes on do no harm beyond a report', async () => {
    const { peer, opened } = await open();
    const { onmessage } = opened.transport;
    opened.transport.onmessage = (message) => {
      onmessage?.(message);
      throw new Error('cannot swallow');
    };
    for (const id of [1, 2]) peer.send({ id });
    await expectSoon(() => opened.messages).toEqual([{ id: 1 }, { id: 2 }]);
    const fault = {
      kind: 'internal',
      code: 'handler-threw',
      message: 'A handler of the transport threw: cannot swallow',
    };
    expect(opened.faults).toEqual([fault, fault]);
    await opened.transport.close();
  });
});

describe('sending', () => {
  it('before the start and after the end is refused, unsent', async () => {
    const server = await WebSocketServer.start();
    const opened = new TestTransport(server.url);
    const early = await failureOf(opened.transport.send({ id: 1 }));
    expect(early).toMatchObject({ kind: 'link', sent: false, fault: { kind: 'internal', code: 'not-started' } });
    await opened.started();
    await opened.transport.close();
    const late = await failureOf(opened.transport.send({ id: 2 }));
    expect(late).toMatchObject({ kind: 'link', sent: false, fault: { kind: 'closed', code: 'closed' } });
    expect(server.connections[0]?.received).toEqual([]);
  });

  it('while it opens is refused, unsent', async () => {
    const server = await WebSocketServer.start({ refuse: () => true });
    const opened = new TestTransport(server.url);
    const starting = failureOf(opened.transport.start());
    await expectSoon(() => server.requests.length).toBe(1);
    expect(await failureOf(opened.transport.send({ id: 1 }))).toMatchObject({
      sent: false,
      fault: { code: 'not-started' },
    });
    await opened.transport.end('kill');
    await starting;
  });

  it('asks whether the message is still wanted right before it hands it over, and tells right before it does', async () => {
    const { peer, opened } = await open();
    const asked: string[] = [];
    const send = (id: number, isWanted: boolean): Promise<void> =>
      opened.transport.send(
        { id },
        {
          stillWanted: () => {
            asked.push(`wanted ${id}`);
            return isWanted;
          },
          onHandedOver: () => asked.push(`handed over ${id}`),
        },
      );
    const dropped = send(1, false);
    const sent = send(2, true);
    expect(asked).toEqual(['wanted 1', 'wanted 2', 'handed over 2']);
    expect(await failureOf(dropped)).toEqual({ kind: 'aborted', sent: false });
    await sent;
    await expectSoon(() => peer.received).toEqual(['{"id":2}']);
    await opened.transport.close();
  });

  it('what has no JSON form is refused, unsent', async () => {
    const { peer, opened } = await open();
    const circular: Record<string, unknown> = {};
    circular['self'] = circular;
    for (const message of [circular, { n: 1n }, [1], 'text', undefined]) {
      expect(await failureOf(opened.transport.send(message as never))).toMatchObject({
        sent: false,
        fault: { kind: 'internal', code: 'not-json' },
      });
    }
    await opened.transport.send({ id: 1 });
    await expectSoon(() => peer.received).toEqual(['{"id":1}']);
    await opened.transport.close();
  });

  it('to a server that does not read ends in a refusal, not in our memory, and goes on once it reads', async () => {
    const { peer, opened } = await open({ maxUnsentBytes: 1024 * 1024 });
    peer.stopReading();
    const text = 'x'.repeat(64 * 1024);
    let sent = 0;
    let refusal: unknown;
    for (; refusal === undefined && sent < 1000; sent += 1) {
      refusal = await failureOf(opened.transport.send({ text })).catch(() => undefined);
    }
    expect(refusal).toMatchObject({ kind: 'link', sent: false, fault: { kind: 'overload', code: 'send-buffer-full' } });
    expect(opened.transport.fault).toBeUndefined();
    peer.resumeReading();
    await expectSoon(() => peer.received.length).toBe(sent - 1);
    await opened.transport.send({ text: 'again' });
    await expectSoon(() => peer.received.at(-1)).toBe('{"text":"again"}');
    await opened.transport.close();
  });

  it('answers to a server that asks without end and does not read holds back what it asks, instead of refusing them', async () => {
    const { peer, opened } = await open({ maxUnsentBytes: 1024 * 1024 });
    let refused = 0;
    opened.transport.onmessage = ({ id }) => {
      opened.events.push('message');
      opened.transport.send({ id, result: 'x'.repeat(200) }).catch(() => (refused += 1));
    };
    peer.stopReading();
    const questions = 100_000;
    const pad = 'x'.repeat(60);
    for (let id = 0; id < questions; id += 1) peer.send({ id, method: 'ping', params: { pad } });
    let heard = -1;
    await expectSoon(() => {
      const isHeld = opened.events.length === heard;
      heard = opened.events.length;
      return isHeld && heard > 0;
    }).toBe(true);
    expect(heard).toBeLessThan(questions);
    peer.resumeReading();
    await expectSoon(() => peer.received.length).toBe(questions);
    expect(refused).toBe(0);
    await opened.transport.close();
  });

  it('a message that is larger than what may wait is refused', async () => {
    const { opened } = await open({ maxUnsentBytes: 1000 });
    expect(await failureOf(opened.transport.send({ text: 'x'.repeat(1000) }))).toEqual({
      kind: 'link',
      sent: false,
      fault: {
        kind: 'overload',
        code: 'send-buffer-full',
        message:
          'A message of 1011 bytes is larger than the 1000 bytes that may wait to be sent. Raise that limit or send less.',
      },
    });
    await opened.transport.close();
  });
});

describe('a message that is too large', () => {
  const tooLarge = {
    kind: 'protocol',
    code: 'message-too-large',
    message: 'The server sent a message of more than 1000 bytes. Have the server send less at a time.',
  };

  it('is one byte larger than the limit', async () => {
    const { peer, opened } = await open({ maxMessageBytes: 1000 });
    peer.send(messageOf(1000));
    await expectSoon(() => opened.messages).toHaveLength(1);
    peer.send(messageOf(1001));
    expect(await opened.end()).toEqual(tooLarge);
    expect(opened.events).toEqual(['message', 'close']);
    await peer.closed;
    expect(peer.goodbye).toBe(1009);
  });

  it('is too large in pieces too', async () => {
    const { peer, opened } = await open({ maxMessageBytes: 1000 });
    const bytes = Buffer.from(messageOf(1001));
    peer.frame(opcodes.text, bytes.subarray(0, 1000), { fin: false });
    peer.frame(opcodes.continuation, bytes.subarray(1000));
    expect(await opened.end()).toEqual(tooLarge);
  });

  it('is refused by what it claims to be, before it has come', async () => {
    const { peer, opened } = await open({ maxMessageBytes: 1000 });
    peer.frame(opcodes.text, '{"a":', { length: 100 * 1024 * 1024 });
    expect(await opened.end()).toEqual(tooLarge);
  });

  it('of 100 MB ends the connection at the default limit of 16 MB, without being taken in', async () => {
    const { peer, opened } = await open();
    const piece = Buffer.alloc(1024 * 1024, 'x');
    peer.frame(opcodes.text, piece, { fin: false });
    for (let sent = 1; sent < 100; sent += 1) peer.frame(opcodes.continuation, piece, { fin: sent === 99 });
    expect(await opened.end()).toMatchObject({
      code: 'message-too-large',
      message: expect.stringContaining('16777216'),
    });
    peer.terminate();
  });

  it('is too large once it is decompressed: a bomb is refused', async () => {
    const { peer, opened } = await open({}, compressing);
    const bomb = compressed(Buffer.alloc(100 * 1024 * 1024, 'x'));
    expect(bomb.length).toBeLessThan(200 * 1024);
    peer.frame(opcodes.text, bomb, { rsv1: true });
    expect(await opened.end()).toMatchObject({ kind: 'protocol', code: 'message-too-large' });
    expect(opened.events).toEqual(['close']);
  });
});
