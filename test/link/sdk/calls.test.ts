import { describe, expect, it, vi } from 'vitest';
import type { Progress } from '../../../src/link/link.ts';
import { expectNothingLeft, failureOf, flush, Owner } from './owner.ts';
import { INITIALIZE_RESULT, ScriptedTransport } from './scripted-transport.ts';
import type { WireMessage } from './scripted-transport.ts';

const NOT_OPEN = { kind: 'transport', code: 'not-open', message: 'The link is not open yet.' };
const CLOSED = { kind: 'closed', code: 'closed', message: 'The link was closed by its owner.' };
const BAD_MESSAGE = {
  kind: 'protocol',
  code: 'bad-message',
  message: 'The server sent something that is not a JSON-RPC message.',
};

async function openScripted(
  transport = new ScriptedTransport(),
): Promise<{ owner: Owner; transport: ScriptedTransport }> {
  const owner = await new Owner({ kind: 'custom', factory: () => transport }).opened();
  return { owner, transport };
}

/** Answers `initialize` as usual and leaves the rest to the test. */
function withSend(send: (message: WireMessage, transport: ScriptedTransport) => unknown): ScriptedTransport {
  const transport: ScriptedTransport = new ScriptedTransport({
    send: (message) => {
      if (message.method !== 'initialize') return send(message, transport);
      queueMicrotask(() => transport.answer(message.id, INITIALIZE_RESULT));
    },
  });
  return transport;
}

describe('a request', () => {
  expectNothingLeft();

  it('resolves with the result as the server sent it, fields that nobody knows included', async () => {
    const { owner, transport } = await openScripted();
    const answer = owner.call('tools/call', { name: 'x', arguments: { a: 1 } });
    const { id } = await transport.sentMethod('tools/call');
    transport.answer(id, {
      content: [],
      extra: { deep: [1, { two: 2 }] },
      _meta: { progressToken: { not: 'a token' } },
    });
    expect(await answer).toEqual({
      content: [],
      extra: { deep: [1, { two: 2 }] },
      _meta: { progressToken: { not: 'a token' } },
    });
    expect(transport.sent.map(({ method, params }) => ({ method, params }))).toEqual([
      {
        method: 'initialize',
        params: {
          protocolVersion: '2025-11-25',
          capabilities: {},
          clientInfo: { name: 'holdfast-test', version: '1.2.3' },
        },
      },
      { method: 'notifications/initialized', params: undefined },
      { method: 'tools/call', params: { name: 'x', arguments: { a: 1 } } },
    ]);
    await owner.link.close('graceful');
  });

  it('accepts an answer whose id came back as a string', async () => {
    const { owner, transport } = await openScripted();
    const answer = owner.call('tools/list');
    transport.answer(String((await transport.sentMethod('tools/list')).id), { tools: [] });
    expect(await answer).toEqual({ tools: [] });
    await owner.link.close('graceful');
  });

  it.each([-32603, -32000, -32001, -32042, 7])(
    'that the server answers with the error %i fails as that error, with the server’s own words and data',
    async (code) => {
      const { owner, transport } = await openScripted();
      const answer = failureOf(owner.call('tools/call'));
      const { id } = await transport.sentMethod('tools/call');
      transport.receive({
        jsonrpc: '2.0',
        id,
        error: { code, message: 'MCP error -32603: as said', data: { elicitations: [1] } },
      });
      expect(await answer).toEqual({
        kind: 'rpc',
        sent: true,
        rpcCode: code,
        message: 'MCP error -32603: as said',
        data: { elicitations: [1] },
      });
      await owner.link.close('graceful');
    },
  );

  it('that is cancelled is told apart from a server that answers -32001', async () => {
    const { owner, transport } = await openScripted();
    const cancelled = owner.ask('tools/call', { name: 'a' });
    const answered = failureOf(owner.call('prompts/get'));
    cancelled.cancel();
    const { id } = await transport.sentMethod('prompts/get');
    transport.receive({ jsonrpc: '2.0', id, error: { code: -32001, message: 'Request timed out' } });
    expect(await Promise.all([failureOf(cancelled.answer), answered])).toEqual([
      { kind: 'aborted', sent: true },
      { kind: 'rpc', sent: true, rpcCode: -32001, message: 'Request timed out' },
    ]);
    await owner.link.close('graceful');
  });

  it.each([
    ['neither result nor error', { result: 'text' }],
    ['an error without a code', { error: { message: 'no code' } }],
    ['an error that is null', { error: null }],
    ['nothing at all', {}],
  ])('that is answered with %s fails at once instead of waiting for its time limit', async (_what, body) => {
    const { owner, transport } = await openScripted();
    const answer = failureOf(owner.call('tools/call'));
    const { id } = await transport.sentMethod('tools/call');
    transport.receive({ jsonrpc: '2.0', id, ...body });
    expect(await answer).toEqual({
      kind: 'link',
      sent: true,
      fault: {
        kind: 'protocol',
        code: 'bad-answer',
        message: 'The server answered with neither a result nor an error.',
      },
    });
    expect(owner.link.isOpen).toBe(true);
    await owner.link.close('graceful');
  });

  it('settles once: a second answer, a late answer and an answer to nothing change and report nothing', async () => {
    const { owner, transport } = await openScripted();
    const first = owner.call('tools/list');
    const late = owner.ask('prompts/list', {});
    const [{ id: firstId }, { id: lateId }] = [
      await transport.sentMethod('tools/list'),
      await transport.sentMethod('prompts/list'),
    ];
    transport.answer(firstId, { n: 1 });
    transport.answer(firstId, { n: 2 });
    late.cancel();
    transport.answer(lateId, { n: 3 });
    transport.answer(999, {});
    expect(await Promise.all([first, failureOf(late.answer)])).toEqual([{ n: 1 }, { kind: 'aborted', sent: true }]);
    await flush();
    await owner.link.close('graceful');
    expect(owner.types).toEqual(['opened', 'down']);
  });

  it('cancelled after it was sent rejects and tells the server, once, however often it is cancelled', async () => {
    const { owner, transport } = await openScripted();
    const call = owner.ask('tools/call', { name: 'slow' });
    const { id } = await transport.sentMethod('tools/call');
    call.cancel();
    call.cancel();
    expect(await failureOf(call.answer)).toEqual({ kind: 'aborted', sent: true });
    expect(transport.sent.slice(3)).toEqual([
      {
        jsonrpc: '2.0',
        method: 'notifications/cancelled',
        params: { requestId: id, reason: 'The caller no longer waits for the answer.' },
      },
    ]);
    await owner.link.close('graceful');
  });

  it.each([
    ['answered', (transport: ScriptedTransport, id: WireMessage['id']) => transport.answer(id, { n: 1 })],
    [
      'refused',
      (transport: ScriptedTransport, id: WireMessage['id']) =>
        transport.receive({ jsonrpc: '2.0', id, error: { code: 1, message: 'no' } }),
    ],
    ['cut off', (transport: ScriptedTransport) => transport.onclose?.()],
  ])('that is cancelled after it was %s sends nothing, and its verdict stands', async (_how, settle) => {
    const { owner, transport } = await openScripted();
    const call = owner.ask('tools/list', {});
    const verdict = call.answer.catch((error: unknown) => error);
    settle(transport, (await transport.sentMethod('tools/list')).id);
    const first = await verdict;
    call.cancel();
    call.cancel();
    await flush();
    expect(await call.answer.catch((error: unknown) => error)).toBe(first);
    expect(first).not.toMatchObject({ failure: { kind: 'aborted' } });
    expect(transport.sent.map(({ method }) => method)).toEqual([
      'initialize',
      'notifications/initialized',
      'tools/list',
    ]);
    await owner.link.close('graceful');
  });

  it('needs no timer, whether it is answered, refused, malformed, cancelled or not sent', async () => {
    const transport = withSend((message) =>
      message.method === 'no/send' ? Promise.reject(new Error('x')) : undefined,
    );
    const { owner } = await openScripted(transport);
    const timers = vi.spyOn(globalThis, 'setTimeout');
    const cancelled = owner.ask('cancelled', {});
    const calls = [
      owner.call('answered'),
      owner.call('refused'),
      owner.call('malformed'),
      cancelled.answer,
      owner.call('no/send'),
    ];
    const idOf = async (method: string): Promise<WireMessage['id']> => (await transport.sentMethod(method)).id;
    transport.answer(await idOf('answered'));
    transport.receive({ jsonrpc: '2.0', id: await idOf('refused'), error: { code: 1, message: 'no' } });
    transport.receive({ jsonrpc: '2.0', id: await idOf('malformed'), result: 0 });
    cancelled.cancel();
    const settled = await Promise.allSettled(calls);
    expect(settled.map(({ status }) => status)).toEqual(['fulfilled', ...Array.from({ length: 4 }, () => 'rejected')]);
    await flush();
    expect(timers).not.toHaveBeenCalled();
    timers.mockRestore();
    await owner.link.close('graceful');
  });

  it('hears of its progress, also of that which comes in the same turn as the answer, and of none afterwards', async () => {
    const { owner, transport } = await openScripted();
    const heard: Progress[] = [];
    const call = owner.ask(
      'tools/call',
      { name: 'x', _meta: { mine: 1 } },
      { onProgress: (progress) => heard.push(progress) },
    );
    const { id, params } = await transport.sentMethod('tools/call');
    expect(params).toEqual({ name: 'x', _meta: { mine: 1, progressToken: id } });
    const progress = (step: number): void =>
      transport.receive({
        jsonrpc: '2.0',
        method: 'notifications/progress',
        params: { progressToken: id, progress: step, total: 3, message: `step ${step}` },
      });
    progress(1);
    progress(2);
    transport.answer(id, {});
    progress(3);
    await call.answer;
    expect(heard).toEqual([
      { progress: 1, total: 3, message: 'step 1' },
      { progress: 2, total: 3, message: 'step 2' },
    ]);
    await owner.link.close('graceful');
    expect(owner.types).toEqual(['opened', 'down']);
  });

  it('survives a progress callback that throws, which is reported', async () => {
    const { owner, transport } = await openScripted();
    const call = owner.ask(
      'tools/call',
      {},
      {
        onProgress: () => {
          throw new Error('callback broke');
        },
      },
    );
    const { id } = await transport.sentMethod('tools/call');
    transport.receive({ jsonrpc: '2.0', method: 'notifications/progress', params: { progressToken: id, progress: 1 } });
    transport.answer(id, { ok: true });
    expect(await call.answer).toEqual({ ok: true });
    expect(owner.events.slice(1)).toEqual([
      { type: 'fault', fault: { kind: 'internal', code: 'handler-threw', message: 'callback broke' } },
    ]);
    await owner.link.close('graceful');
  });

  it('before the link has opened is refused, provably unsent', async () => {
    const owner = new Owner({ kind: 'custom', factory: () => new ScriptedTransport({ send: () => undefined }) });
    expect(owner.link.isOpen).toBe(false);
    const refused = { kind: 'link', sent: false, fault: NOT_OPEN };
    expect(await failureOf(owner.call('tools/list'))).toEqual(refused);
    expect(await failureOf(owner.probe())).toEqual(refused);
    expect(await failureOf(owner.link.notify('notifications/x', {}))).toEqual(refused);
    await owner.link.close('kill');
  });

  it.each([
    [
      'throws',
      () => {
        throw new TypeError('no wire');
      },
    ],
    ['rejects', () => Promise.reject(new TypeError('no wire'))],
  ])('fails as possibly sent when the transport’s send %s, and the link stands', async (_how, fail) => {
    const transport = withSend((message) => (message.method === 'tools/call' ? fail() : undefined));
    const { owner } = await openScripted(transport);
    expect(await failureOf(owner.call('tools/call'))).toEqual({
      kind: 'link',
      sent: true,
      fault: { kind: 'transport', code: 'transport-error', message: 'no wire' },
    });
    await transport.sentMethod('notifications/cancelled');
    expect(owner.link.isOpen).toBe(true);
    await owner.link.close('kill');
  });

  it('is answered even if the transport answers before its send has returned', async () => {
    const transport = withSend((message, wire) => {
      if (message.method === 'tools/list') wire.answer(message.id, { tools: ['sync'] });
    });
    const { owner } = await openScripted(transport);
    expect(await owner.call('tools/list')).toEqual({ tools: ['sync'] });
    await owner.link.close('kill');
  });

  it('in flight when the owner closes rejects before close resolves, and the server hears nothing more', async () => {
    const { owner, transport } = await openScripted();
    const call = failureOf(owner.call('tools/call'));
    await transport.sentMethod('tools/call');
    await owner.link.close('graceful');
    expect(await call).toEqual({ kind: 'link', sent: true, fault: CLOSED });
    expect(await failureOf(owner.call('tools/call'))).toEqual({ kind: 'link', sent: false, fault: CLOSED });
    expect(transport.sent).toHaveLength(3);
  });
});

describe('a probe', () => {
  expectNothingLeft();

  it.each([
    ['a result', { result: {} }],
    ['a JSON-RPC error', { error: { code: -32601, message: 'Method not found' } }],
    ['nonsense with the right id', { result: 'pong' }],
  ])('is satisfied by %s', async (_what, body) => {
    const { owner, transport } = await openScripted();
    const probe = owner.probe();
    const { id } = await transport.sentMethod('ping');
    transport.receive({ jsonrpc: '2.0', id, ...body });
    expect(await probe).toBeUndefined();
    await owner.link.close('graceful');
  });

  it('that is not answered rejects as aborted when it is cancelled', async () => {
    const { owner, transport } = await openScripted();
    const probe = owner.link.probe();
    await transport.sentMethod('ping');
    probe.cancel();
    expect(await failureOf(probe.answer)).toEqual({ kind: 'aborted', sent: true });
    await owner.link.close('graceful');
  });

  it('rejects when the link goes down under it', async () => {
    const { owner, transport } = await openScripted();
    const probe = failureOf(owner.probe());
    await transport.sentMethod('ping');
    transport.onclose?.();
    expect(await probe).toEqual({
      kind: 'link',
      sent: true,
      fault: { kind: 'transport', code: 'closed-by-peer', message: 'The transport was closed by the other side.' },
    });
  });
});

describe('what the server sends by itself', () => {
  expectNothingLeft();

  it('arrives as events in the order of the wire, a notification right before the end included', async () => {
    const { owner, transport } = await openScripted();
    transport.receive({ jsonrpc: '2.0', method: 'notifications/tools/list_changed' });
    transport.onerror?.(new Error('a hiccup'));
    transport.receive({ jsonrpc: '2.0', method: 'notifications/message', params: { level: 'info', data: 'bye' } });
    transport.onclose?.();
    transport.receive({ jsonrpc: '2.0', method: 'notifications/tools/list_changed' });
    transport.onerror?.(new Error('after the end'));
    transport.onclose?.();
    await flush();
    expect(owner.events).toEqual([
      {
        type: 'opened',
        facts: {
          era: 'legacy',
          protocolVersion: '2025-11-25',
          info: { name: 'scripted', version: '0.0.1' },
          capabilities: { tools: {} },
          instructions: null,
          pid: null,
        },
      },
      { type: 'notice', method: 'notifications/tools/list_changed', params: undefined },
      { type: 'fault', fault: { kind: 'transport', code: 'transport-error', message: 'a hiccup' } },
      { type: 'notice', method: 'notifications/message', params: { level: 'info', data: 'bye' } },
      {
        type: 'down',
        fault: { kind: 'transport', code: 'closed-by-peer', message: 'The transport was closed by the other side.' },
      },
    ]);
  });

  it.each<[string, unknown]>([
    ['a string', 'hello'],
    ['null', null],
    ['an array', [{ jsonrpc: '2.0', id: 0, result: {} }]],
    ['an object of another kind', { hello: 'world' }],
    ['an error that answers nobody', { jsonrpc: '2.0', id: null, error: { code: -32700, message: 'secret payload' } }],
    ['a request with fields too many', { jsonrpc: '2.0', id: 5, method: 'ping', secret: 'payload' }],
    ['progress without a number', { jsonrpc: '2.0', method: 'notifications/progress', params: { progressToken: 1 } }],
    ['a cancellation of nothing', { jsonrpc: '2.0', method: 'notifications/cancelled', params: {} }],
    [
      'an object that bites',
      {
        get jsonrpc(): string {
          throw new Error('bite');
        },
      },
    ],
  ])('is reported without its payload when it is %s, and the link stands', async (_what, message) => {
    const { owner, transport } = await openScripted();
    transport.receive(message);
    await flush();
    expect(owner.events.slice(1)).toEqual([{ type: 'fault', fault: BAD_MESSAGE }]);
    expect(owner.link.isOpen).toBe(true);
    await owner.link.close('graceful');
  });

  it('cannot be harmed by an owner whose onEvent throws', async () => {
    const transport = new ScriptedTransport();
    const owner = await new Owner(
      { kind: 'custom', factory: () => transport },
      {
        onEvent: () => {
          throw new Error('owner broke');
        },
      },
    ).opened();
    const call = failureOf(owner.call('tools/call'));
    transport.receive({ jsonrpc: '2.0', method: 'notifications/x' });
    transport.onclose?.();
    expect((await call).kind).toBe('link');
    expect(owner.types).toEqual(['opened', 'notice', 'down']);
  });
});
