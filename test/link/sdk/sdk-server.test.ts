import { InMemoryTransport } from '@modelcontextprotocol/sdk/inMemory.js';
import { McpServer } from '@modelcontextprotocol/sdk/server/mcp.js';
import { ErrorCode, ListRootsResultSchema, McpError } from '@modelcontextprotocol/sdk/types.js';
import { describe, expect, it } from 'vitest';
import type { ServerRequestHandlers } from '../../../src/link/link.ts';
import { expectNothingLeft, failureOf, flush, Owner } from './owner.ts';
import { INITIALIZE_RESULT, ScriptedTransport } from './scripted-transport.ts';

const INTERNAL_ERROR = { code: -32603, message: 'MCP error -32603: The client failed to answer.' };

/** A real server of the SDK at the other end of memory. */
async function openServer(handlers?: ServerRequestHandlers): Promise<{ owner: Owner; server: McpServer }> {
  const server = new McpServer(
    { name: 'in-memory', version: '1.0.0' },
    { capabilities: { tools: { listChanged: true }, logging: {} }, instructions: 'Use the tools.' },
  );
  server.registerTool('greet', { description: 'Greets.' }, () => ({ content: [{ type: 'text', text: 'hello' }] }));
  server.registerTool('wait', {}, ({ signal }) => {
    return new Promise((_resolve, reject) => signal.addEventListener('abort', () => reject(new Error('cancelled'))));
  });
  const [client, peer] = InMemoryTransport.createLinkedPair();
  await server.connect(peer);
  const owner = await new Owner({ kind: 'once', transport: client }, handlers ? { handlers } : {}).opened();
  return { owner, server };
}

describe('a link to a server of the SDK', () => {
  expectNothingLeft();

  it('opens, calls, hears, and closes on both sides', async () => {
    const { owner, server } = await openServer();
    expect(await owner.call('tools/call', { name: 'greet', arguments: {} })).toEqual({
      content: [{ type: 'text', text: 'hello' }],
    });
    expect(await owner.probe()).toBeUndefined();
    await server.server.sendLoggingMessage({ level: 'info', data: 'noted' });
    const serverClosed = new Promise<void>((resolve) => (server.server.onclose = resolve));
    await owner.link.close('graceful');
    await serverClosed;
    expect(owner.events).toEqual([
      {
        type: 'opened',
        facts: {
          era: 'legacy',
          protocolVersion: '2025-11-25',
          info: { name: 'in-memory', version: '1.0.0' },
          capabilities: { tools: { listChanged: true }, logging: {} },
          instructions: 'Use the tools.',
          pid: null,
        },
      },
      { type: 'notice', method: 'notifications/message', params: { level: 'info', data: 'noted' } },
      { type: 'down', fault: { kind: 'closed', code: 'closed', message: 'The link was closed by its owner.' } },
    ]);
  });

  it('goes down when the server closes, and what was in flight rejects as possibly sent', async () => {
    const { owner, server } = await openServer();
    const call = failureOf(owner.call('tools/call', { name: 'wait', arguments: {} }));
    await server.close();
    const fault = { kind: 'transport', code: 'closed-by-peer', message: 'The transport was closed by the other side.' };
    expect(await call).toEqual({ kind: 'link', sent: true, fault });
    expect(owner.events.at(-1)).toEqual({ type: 'down', fault });
  });

  it('cancels at the server what is cancelled here', async () => {
    const { owner, server } = await openServer();
    const cancelled = new Promise<void>((resolve) => {
      server.registerTool('observe', {}, ({ signal }) => {
        return new Promise((_resolve, reject) => {
          signal.addEventListener('abort', () => {
            resolve();
            reject(new Error('cancelled'));
          });
          call.cancel();
        });
      });
    });
    const call = owner.ask('tools/call', { name: 'observe' });
    expect(await failureOf(call.answer)).toEqual({ kind: 'aborted', sent: true });
    await cancelled;
    await owner.link.close('graceful');
  });

  it('refuses an unknown method with the server’s own error', async () => {
    const { owner } = await openServer();
    expect(await failureOf(owner.call('no/such'))).toEqual({
      kind: 'rpc',
      sent: true,
      rpcCode: -32601,
      message: 'Method not found',
    });
    await owner.link.close('graceful');
  });
});

describe('the requests of a server', () => {
  expectNothingLeft();

  it('are refused as unknown methods, and no capability is declared, when there are no handlers', async () => {
    const { owner, server } = await openServer();
    expect(server.server.getClientCapabilities()).toEqual({});
    const refused = server.server.request({ method: 'roots/list' }, ListRootsResultSchema);
    await expect(refused).rejects.toMatchObject({ code: -32601 });
    await owner.link.close('graceful');
  });

  it('are answered by their handlers, whose capabilities are declared', async () => {
    const asked: unknown[] = [];
    const { owner, server } = await openServer({
      elicit: async (params, { signal }) => {
        asked.push(params, signal.aborted);
        return { action: 'accept', content: { name: 'Ada' } };
      },
      sample: async () => ({ model: 'm', role: 'assistant', content: { type: 'text', text: 'so be it' } }),
      roots: async () => [{ uri: 'file:///work', name: 'work' }],
    });
    expect(server.server.getClientCapabilities()).toEqual({
      elicitation: { form: {} },
      sampling: {},
      roots: { listChanged: true },
    });
    const requestedSchema = { type: 'object' as const, properties: { name: { type: 'string' as const } } };
    expect(await server.server.elicitInput({ message: 'Who?', requestedSchema })).toEqual({
      action: 'accept',
      content: { name: 'Ada' },
    });
    expect(asked).toEqual([{ mode: 'form', message: 'Who?', requestedSchema }, false]);
    expect(
      await server.server.createMessage({
        maxTokens: 5,
        messages: [{ role: 'user', content: { type: 'text', text: 'speak' } }],
      }),
    ).toEqual({ model: 'm', role: 'assistant', content: { type: 'text', text: 'so be it' } });
    expect(await server.server.listRoots()).toEqual({ roots: [{ uri: 'file:///work', name: 'work' }] });
    await owner.link.notify('notifications/roots/list_changed', undefined);
    await owner.link.close('graceful');
    expect(owner.types).toEqual(['opened', 'asking', 'asking', 'down']);
  });

  it.each<[string, unknown, object, number]>([
    ['an error of its own', new Error('secret path /home/me'), INTERNAL_ERROR, 1],
    ['a system error', Object.assign(new Error('no file'), { code: 'ENOENT' }), INTERNAL_ERROR, 1],
    ['nothing at all', undefined, INTERNAL_ERROR, 1],
    [
      'an error meant for the server',
      new McpError(ErrorCode.InvalidParams, 'no such root', { why: 1 }),
      { code: -32602, message: 'MCP error -32602: MCP error -32602: no such root', data: { why: 1 } },
      0,
    ],
  ])('get an error answer when their handler throws %s, and the link stands', async (_what, thrown, answer, faults) => {
    const { owner, server } = await openServer({
      roots: () => {
        throw thrown;
      },
    });
    await expect(server.server.listRoots()).rejects.toMatchObject(answer);
    expect(owner.events.filter(({ type }) => type === 'fault')).toHaveLength(faults);
    expect(owner.link.isOpen).toBe(true);
    await owner.link.close('graceful');
  });

  it('abort their handler’s signal when the link ends, and what it throws then is nobody’s business', async () => {
    let asked: () => void = () => undefined;
    const isAsked = new Promise<void>((resolve) => (asked = resolve));
    const { owner, server } = await openServer({
      sample: (_params, { signal }) =>
        new Promise((_resolve, reject) => {
          signal.addEventListener('abort', () => reject(new Error('too late')));
          asked();
        }),
    });
    const message = server.server.createMessage({
      maxTokens: 5,
      messages: [{ role: 'user', content: { type: 'text', text: 'speak' } }],
    });
    await isAsked;
    await Promise.all([owner.link.close('graceful'), expect(message).rejects.toMatchObject({ code: -32000 })]);
    expect(owner.types).toEqual(['opened', 'down']);
  });

  it('that the server takes back abort their handler’s signal, and what it throws then is not reported', async () => {
    const transport = new ScriptedTransport();
    const aborted: unknown[] = [];
    const handlers: ServerRequestHandlers = {
      sample: (_params, { signal }) =>
        new Promise((_resolve, reject) => {
          signal.addEventListener('abort', () => {
            aborted.push(signal.reason);
            reject(new Error('as I was told'));
          });
        }),
    };
    const owner = await new Owner({ kind: 'once', transport }, { handlers }).opened();
    const params = { maxTokens: 5, messages: [{ role: 'user', content: { type: 'text', text: 'speak' } }] };
    transport.receive({ jsonrpc: '2.0', id: 'q', method: 'sampling/createMessage', params });
    await flush();
    transport.receive({
      jsonrpc: '2.0',
      method: 'notifications/cancelled',
      params: { requestId: 'q', reason: 'never mind' },
    });
    await flush();
    expect([aborted, owner.types, transport.sent.length]).toEqual([['never mind'], ['opened'], 2]);
    await owner.link.close('graceful');
  });

  it('go unanswered, and that is reported, when the answer cannot be sent', async () => {
    const transport: ScriptedTransport = new ScriptedTransport({
      send: (message) => {
        if (message.method === 'initialize') queueMicrotask(() => transport.answer(message.id, INITIALIZE_RESULT));
        return message.result ? Promise.reject(new Error('pipe full')) : undefined;
      },
    });
    const owner = await new Owner({ kind: 'once', transport }).opened();
    transport.receive({ jsonrpc: '2.0', id: 'a', method: 'ping' });
    expect(await owner.first('fault')).toEqual({
      type: 'fault',
      fault: { kind: 'transport', code: 'transport-error', message: 'pipe full' },
    });
    await owner.link.close('graceful');
  });

  it('that would need a capability are not made: a roots notice without a roots handler is refused unsent', async () => {
    const { owner } = await openServer();
    expect(await failureOf(owner.link.notify('notifications/roots/list_changed', undefined))).toEqual({
      kind: 'link',
      sent: false,
      fault: {
        kind: 'config',
        code: 'capability-missing',
        message:
          'Client does not support roots list changed notifications (required for notifications/roots/list_changed)',
      },
    });
    await owner.link.close('graceful');
  });
});
