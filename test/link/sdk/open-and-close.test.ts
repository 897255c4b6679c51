import { afterEach, describe, expect, it, vi } from 'vitest';
import type { LinkEvent } from '../../../src/link/link.ts';
import type { Transport } from '../../../src/link/target.ts';
import { expectNothingLeft, failureOf, flush, Owner } from './owner.ts';
import { INITIALIZE_RESULT, ScriptedTransport } from './scripted-transport.ts';
import type { WireMessage } from './scripted-transport.ts';

const CLOSED_EVENT = {
  type: 'down',
  fault: { kind: 'closed', code: 'closed', message: 'The link was closed by its owner.' },
};
const CLOSED_BY_PEER_EVENT = {
  type: 'down',
  fault: { kind: 'transport', code: 'closed-by-peer', message: 'The transport was closed by the other side.' },
};
const never = (): Promise<never> => new Promise(() => undefined);

/** What a factory in JavaScript may do in spite of its type. */
function untyped(make: () => unknown): () => Transport {
  return make as () => Transport;
}

/** JavaScript rejects with anything. */
function rejectWith(reason: unknown): Promise<never> {
  return Reflect.apply(Promise.reject<never>, Promise, [reason]);
}

async function eventsOf(factory: () => Transport | Promise<Transport>): Promise<LinkEvent[]> {
  const owner = new Owner({ kind: 'custom', factory });
  await owner.first('down');
  await owner.link.close('kill');
  await flush();
  return owner.events;
}

function answering(answer: (message: WireMessage, transport: ScriptedTransport) => unknown): ScriptedTransport {
  const transport: ScriptedTransport = new ScriptedTransport({ send: (message) => answer(message, transport) });
  return transport;
}

describe('open', () => {
  expectNothingLeft();

  it('returns before anything happens: no factory is asked and no event delivered', async () => {
    const factory = vi.fn<() => Transport>(() => new ScriptedTransport());
    const owner = new Owner({ kind: 'custom', factory });
    expect([factory.mock.calls.length, owner.events, owner.link.isOpen]).toEqual([0, [], false]);
    await owner.opened();
    expect(owner.link.isOpen).toBe(true);
    await owner.link.close('graceful');
    expect(owner.link.isOpen).toBe(false);
  });

  it('works with a factory that takes its time', async () => {
    const owner = await new Owner({ kind: 'custom', factory: async () => new ScriptedTransport() }).opened();
    await owner.link.close('graceful');
    expect(owner.types).toEqual(['opened', 'down']);
  });

  it('reports everything that the server said of itself, capabilities unknown to the SDK included', async () => {
    const transport = answering((message, wire) => {
      if (message.method === 'initialize') {
        wire.answer(message.id, {
          protocolVersion: '2024-11-05',
          capabilities: { tools: { listChanged: true }, extensions: { 'x/y': { z: 1 } }, novel: true },
          serverInfo: { name: 's', version: '9', title: 'Ess', novel: 1 },
          instructions: 'Be kind.',
        });
      }
    });
    const owner = await new Owner({ kind: 'once', transport }).opened();
    expect(owner.events).toEqual([
      {
        type: 'opened',
        facts: {
          era: 'legacy',
          protocolVersion: '2024-11-05',
          info: { name: 's', version: '9' },
          capabilities: { tools: { listChanged: true }, extensions: { 'x/y': { z: 1 } }, novel: true },
          instructions: 'Be kind.',
          pid: null,
        },
      },
    ]);
    await owner.link.close('graceful');
  });

  it('tells the transport the negotiated protocol version, and reports a transport that throws at that', async () => {
    const heard: string[] = [];
    const transport = Object.assign(new ScriptedTransport(), {
      setProtocolVersion: (version: string) => {
        heard.push(version);
        throw new Error('not interested');
      },
    });
    const owner = await new Owner({ kind: 'custom', factory: () => transport }).opened();
    expect(heard).toEqual(['2025-11-25']);
    expect(owner.events[0]).toEqual({
      type: 'fault',
      fault: { kind: 'internal', code: 'handler-threw', message: 'not interested' },
    });
    await owner.link.close('graceful');
  });

  it('leaves the callbacks working that its caller had set on the transport, and survives that they throw', async () => {
    const heard: unknown[] = [];
    const transport = new ScriptedTransport();
    transport.onmessage = (message: { id?: unknown }) => heard.push(message.id);
    transport.onclose = () => {
      heard.push('closed');
      throw new Error('caller broke');
    };
    const owner = await new Owner({ kind: 'once', transport }).opened();
    transport.onclose();
    await owner.link.close('lost');
    expect(heard).toEqual([0, 'closed']);
    expect(owner.types).toEqual(['opened', 'fault', 'down']);
  });
});

describe('a failed open', () => {
  expectNothingLeft();

  const factoryThrew = { type: 'down', fault: { kind: 'internal', code: 'factory-threw', message: 'no server today' } };
  const badTransport = (message: string): object => ({
    type: 'down',
    fault: { kind: 'config', code: 'bad-transport', message },
  });

  it.each<[string, () => unknown, object]>([
    [
      'throws',
      () => {
        throw new Error('no server today');
      },
      factoryThrew,
    ],
    ['rejects', () => Promise.reject(new Error('no server today')), factoryThrew],
    ['rejects with a string', () => rejectWith('no server today'), factoryThrew],
    [
      'rejects with nothing',
      () => rejectWith(undefined),
      {
        type: 'down',
        fault: { kind: 'internal', code: 'factory-threw', message: 'A thrown undefined has no message.' },
      },
    ],
    [
      'cannot reach its server',
      () =>
        Promise.reject(Object.assign(new Error('connect ECONNREFUSED'), { code: 'ECONNREFUSED', syscall: 'connect' })),
      { type: 'down', fault: { kind: 'unreachable', code: 'ECONNREFUSED', message: 'connect ECONNREFUSED' } },
    ],
    ['returns undefined', () => undefined, badTransport('Expected a transport, got undefined.')],
    ['returns null', () => null, badTransport('Expected a transport, got null.')],
    ['returns a number', () => 7, badTransport('Expected a transport, got number.')],
    ['returns an empty object', () => ({}), badTransport('The transport has no start() and no send() and no close().')],
    [
      'returns half a transport',
      () => ({ start: () => undefined, close: 'yes' }),
      badTransport('The transport has no send() and no close().'),
    ],
  ])('through a factory that %s is down with its reason, and nothing else', async (_how, make, down) => {
    expect(await eventsOf(untyped(make))).toEqual([down]);
  });

  it.each<[string, () => unknown]>([
    [
      'throws',
      () => {
        throw new TypeError('cannot start');
      },
    ],
    ['rejects', () => Promise.reject(new TypeError('cannot start'))],
  ])('because start %s closes the transport and is down with the reason', async (_how, start) => {
    const transport = new ScriptedTransport({ start });
    expect(await eventsOf(() => transport)).toEqual([
      { type: 'down', fault: { kind: 'transport', code: 'start-failed', message: 'cannot start' } },
    ]);
    expect(transport.closeCount).toBe(1);
  });

  it.each<[string, () => unknown]>([
    [
      'throws',
      () => {
        throw new Error('cannot send');
      },
    ],
    ['rejects', () => Promise.reject(new Error('cannot send'))],
  ])('because send %s during the handshake closes the transport and is down with the reason', async (_how, send) => {
    const transport = new ScriptedTransport({ send });
    expect(await eventsOf(() => transport)).toEqual([
      { type: 'down', fault: { kind: 'transport', code: 'handshake-failed', message: 'cannot send' } },
    ]);
    expect(transport.closeCount).toBe(1);
  });

  it.each<[string, object, object]>([
    [
      'a JSON-RPC error',
      { error: { code: -32603, message: 'boom' } },
      { kind: 'protocol', code: 'rpc:-32603', message: 'boom' },
    ],
    [
      'the code that the SDK gives to its own time limit',
      { error: { code: -32001, message: 'Session not found' } },
      { kind: 'protocol', code: 'rpc:-32001', message: 'Session not found' },
    ],
    [
      'the refusal of a modern-only server',
      { error: { code: -32022, message: 'Unsupported protocol version', data: { supported: ['2026-07-28'] } } },
      { kind: 'incompatible', code: 'rpc:-32022', message: 'Unsupported protocol version' },
    ],
    [
      'a protocol version that we do not speak',
      { result: { ...INITIALIZE_RESULT, protocolVersion: '1999-01-01' } },
      {
        kind: 'incompatible',
        code: 'protocol-version',
        message:
          'The server speaks protocol version "1999-01-01", this client 2025-11-25, 2025-06-18, 2025-03-26, 2024-11-05, 2024-10-07.',
      },
    ],
    [
      'something that is no JSON-RPC answer',
      { result: INITIALIZE_RESULT, secret: 'payload' },
      {
        kind: 'protocol',
        code: 'bad-handshake',
        message: 'The server answered initialize with something that is not a JSON-RPC answer.',
      },
    ],
  ])('because initialize is answered with %s', async (_what, body, fault) => {
    const transport = answering((message, wire) => {
      queueMicrotask(() => wire.receive({ jsonrpc: '2.0', id: message.id, ...body }));
    });
    expect(await eventsOf(() => transport)).toEqual([{ type: 'down', fault }]);
    expect(transport.closeCount).toBe(1);
  });

  it('because the answer to initialize is no JSON-RPC, and nested too deeply for the SDK to say so, is a fault of the handshake', async () => {
    const deep: unknown = JSON.parse(`${'['.repeat(50_000)}${']'.repeat(50_000)}`);
    const transport = answering((message, wire) => queueMicrotask(() => wire.answer(message.id, deep)));
    const [down] = await eventsOf(() => transport);
    expect(down).toMatchObject({ type: 'down', fault: { kind: 'protocol', code: 'bad-handshake' } });
  });

  it.each([
    ['of another version', { jsonrpc: '1.0', result: {} }],
    ['without a version, a result and an error', {}],
  ])('because the answer to initialize is a message %s is a fault of the handshake', async (_what, body) => {
    const transport = answering(({ id }, wire) => queueMicrotask(() => wire.receive({ id, ...body })));
    const [down] = await eventsOf(() => transport);
    expect(down).toMatchObject({ type: 'down', fault: { kind: 'protocol', code: 'bad-handshake' } });
  });

  it('because the result of initialize has the wrong shape is a fault of the protocol', async () => {
    const transport = answering((message, wire) => queueMicrotask(() => wire.answer(message.id, { capabilities: 7 })));
    const [down] = await eventsOf(() => transport);
    expect(down).toMatchObject({ type: 'down', fault: { kind: 'protocol', code: 'bad-message' } });
  });

  it('whose transport closes during the handshake is down once, by that and not by what the SDK made of it', async () => {
    const transport = answering((_message, wire) => queueMicrotask(() => wire.onclose?.()));
    expect(await eventsOf(() => transport)).toEqual([CLOSED_BY_PEER_EVENT]);
  });

  it('whose transport also fails to close leaves no unhandled rejection', async () => {
    for (const close of [
      () => Promise.reject(new Error('stuck')),
      () => {
        throw new Error('stuck');
      },
    ]) {
      const transport = new ScriptedTransport({ send: () => Promise.reject(new Error('cannot send')), close });
      expect(await eventsOf(() => transport)).toEqual([
        { type: 'down', fault: { kind: 'transport', code: 'handshake-failed', message: 'cannot send' } },
      ]);
    }
  });

  it('of a transport that was used before is a fault of the configuration, and the first link does not notice', async () => {
    const transport = new ScriptedTransport();
    const first = await new Owner({ kind: 'once', transport }).opened();
    const reused = {
      type: 'down',
      fault: {
        kind: 'config',
        code: 'transport-reused',
        message: 'The transport was already used. A new connection needs a new one: return it from the factory.',
      },
    };
    expect(await eventsOf(() => transport)).toEqual([reused]);
    expect([first.link.isOpen, first.types, transport.closeCount]).toEqual([true, ['opened'], 0]);
    await first.link.close('graceful');
    const again = new Owner({ kind: 'once', transport });
    expect(await again.first('down')).toEqual(reused);
  });
});

describe('close', () => {
  expectNothingLeft();
  afterEach(() => vi.useRealTimers());

  it.each(['graceful', 'kill', 'lost'] as const)(
    '(%s) delivers down, then resolves once the transport is closed',
    async (mode) => {
      const order: string[] = [];
      const transport = new ScriptedTransport({ close: async () => void order.push('transport closed') });
      const owner = await new Owner(
        { kind: 'custom', factory: () => transport },
        { onEvent: ({ type }) => order.push(type) },
      ).opened();
      await owner.link.close(mode);
      order.push('close resolved');
      expect(order).toEqual(['opened', 'down', 'transport closed', 'close resolved']);
      expect(owner.events.at(-1)).toEqual(CLOSED_EVENT);
      expect(transport.closeCount).toBe(1);
    },
  );

  it('may be called again, at once and after the end, and closes the transport once', async () => {
    const transport = new ScriptedTransport();
    const owner = await new Owner({ kind: 'custom', factory: () => transport }).opened();
    await Promise.all([owner.link.close('graceful'), owner.link.close('kill')]);
    await owner.link.close('lost');
    expect([owner.types, transport.closeCount]).toEqual([['opened', 'down'], 1]);
  });

  it('in the same turn as open never asks the factory', async () => {
    const factory = vi.fn<() => Transport>(() => new ScriptedTransport());
    const owner = new Owner({ kind: 'custom', factory });
    await owner.link.close('graceful');
    await flush();
    expect([factory.mock.calls.length, owner.events]).toEqual([0, [CLOSED_EVENT]]);
  });

  it('while the factory is at work waits for its transport and closes that unstarted', async () => {
    const start = vi.fn<() => Promise<void>>(async () => undefined);
    const transport = new ScriptedTransport({ start });
    let deliver: (transport: Transport) => void = () => undefined;
    const owner = new Owner({ kind: 'custom', factory: () => new Promise((resolve) => (deliver = resolve)) });
    await flush();
    const closed = owner.link.close('graceful');
    expect(owner.events).toEqual([CLOSED_EVENT]);
    deliver(transport);
    await closed;
    expect([start.mock.calls.length, transport.closeCount, owner.events]).toEqual([0, 1, [CLOSED_EVENT]]);
  });

  it('while the factory hangs resolves after two seconds, and a transport that comes later is closed', async () => {
    vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] });
    const transport = new ScriptedTransport();
    let deliver: (transport: Transport) => void = () => undefined;
    const owner = new Owner({ kind: 'custom', factory: () => new Promise((resolve) => (deliver = resolve)) });
    await flush();
    let isClosed = false;
    const closed = owner.link.close('graceful').then(() => (isClosed = true));
    await vi.advanceTimersByTimeAsync(1999);
    expect(isClosed).toBe(false);
    await vi.advanceTimersByTimeAsync(1);
    await closed;
    deliver(transport);
    await flush();
    expect([transport.closeCount, owner.events, vi.getTimerCount()]).toEqual([1, [CLOSED_EVENT], 0]);
  });

  it('of a transport whose close never settles resolves after two seconds', async () => {
    vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] });
    const owner = await new Owner({
      kind: 'custom',
      factory: () => new ScriptedTransport({ close: never }),
    }).opened();
    let isClosed = false;
    const closed = owner.link.close('graceful').then(() => (isClosed = true));
    expect(owner.types).toEqual(['opened', 'down']);
    await vi.advanceTimersByTimeAsync(1999);
    expect(isClosed).toBe(false);
    await vi.advanceTimersByTimeAsync(1);
    await closed;
    expect(vi.getTimerCount()).toBe(0);
  });

  it.each<[string, () => unknown]>([
    [
      'throws',
      () => {
        throw new Error('stuck');
      },
    ],
    ['rejects', () => Promise.reject(new Error('stuck'))],
    ['returns nothing', () => undefined],
  ])('of a transport whose close %s resolves', async (_how, close) => {
    const owner = await new Owner({ kind: 'custom', factory: () => new ScriptedTransport({ close }) }).opened();
    await owner.link.close('graceful');
    expect(owner.types).toEqual(['opened', 'down']);
  });

  it('settles everything at once although the transport’s start hangs, and closes what comes up later', async () => {
    let started: (value: undefined) => void = () => undefined;
    const transport = new ScriptedTransport({ start: () => new Promise((resolve) => (started = resolve)) });
    const owner = new Owner({ kind: 'custom', factory: () => transport });
    await flush();
    await owner.link.close('kill');
    expect([owner.events, transport.closeCount]).toEqual([[CLOSED_EVENT], 1]);
    started(undefined);
    await flush();
    expect([owner.events, transport.closeCount, transport.sent]).toEqual([[CLOSED_EVENT], 2, []]);
  });

  it('settles everything at once although notifications/initialized never gets through', async () => {
    const transport = answering((message, wire) => {
      if (message.method === 'initialize') wire.answer(message.id, INITIALIZE_RESULT);
      return message.method === 'notifications/initialized' ? never() : undefined;
    });
    const owner = new Owner({ kind: 'custom', factory: () => transport });
    await transport.sentMethod('notifications/initialized');
    expect(await failureOf(owner.call('tools/list'))).toMatchObject({ kind: 'link', sent: false });
    await owner.link.close('kill');
    await flush();
    expect(owner.events).toEqual([CLOSED_EVENT]);
  });

  it('stays closed when the handshake comes to its end afterwards', async () => {
    let delivered: (value: undefined) => void = () => undefined;
    const transport = answering((message, wire) => {
      if (message.method === 'initialize') wire.answer(message.id, INITIALIZE_RESULT);
      return message.method === 'notifications/initialized'
        ? new Promise((resolve) => (delivered = resolve))
        : undefined;
    });
    const owner = new Owner({ kind: 'custom', factory: () => transport });
    await transport.sentMethod('notifications/initialized');
    await owner.link.close('kill');
    delivered(undefined);
    await flush();
    expect([owner.events, owner.link.isOpen]).toEqual([[CLOSED_EVENT], false]);
  });

  it('rejects a notify whose send never settles', async () => {
    const transport = answering((message, wire) => {
      if (message.method === 'initialize') wire.answer(message.id, INITIALIZE_RESULT);
      return message.method === 'notifications/x' ? never() : undefined;
    });
    const owner = await new Owner({ kind: 'custom', factory: () => transport }).opened();
    const notified = failureOf(owner.link.notify('notifications/x', { a: 1 }));
    await owner.link.close('kill');
    expect(await notified).toEqual({ kind: 'link', sent: true, fault: CLOSED_EVENT.fault });
  });

  it('may be called from inside the event that tells of the end', async () => {
    const transport = new ScriptedTransport();
    const closing: Promise<void>[] = [];
    const owner: Owner = new Owner(
      { kind: 'custom', factory: () => transport },
      { onEvent: ({ type }) => type === 'down' && closing.push(owner.link.close('lost')) },
    );
    await owner.opened();
    transport.onclose?.();
    await Promise.all(closing);
    expect([owner.types, closing.length, transport.closeCount]).toEqual([['opened', 'down'], 1, 1]);
  });
});
