/**
 * Faults of the SDK's own client that our requests do not share: each is shown on the bare client first, over the same transport.
 * One that a newer SDK has mended fails here, and its half of the test can go.
 */
import { getEventListeners } from 'node:events';
import { Client } from '@modelcontextprotocol/sdk/client/index.js';
import type { Transport } from '@modelcontextprotocol/sdk/shared/transport.js';
import { McpError, ResultSchema } from '@modelcontextprotocol/sdk/types.js';
import { describe, expect, it, vi } from 'vitest';
import type { Pending } from '../../../src/link/link.ts';
import { expectNothingLeft, failureOf, flush, Owner } from '../sdk/owner.ts';
import { ScriptedTransport } from '../sdk/scripted-transport.ts';
import type { WireMessage } from '../sdk/scripted-transport.ts';

type RequestOptions = NonNullable<Parameters<Client['request']>[2]>;

/** The bare client of the SDK. */
class Bare {
  readonly transport = new ScriptedTransport();
  readonly client = new Client({ name: 'bare', version: '1.0.0' });
  /** What its `onerror` was told, in order. */
  readonly complaints: string[] = [];

  async opened(): Promise<this> {
    this.client.onerror = ({ message }) => this.complaints.push(message);
    await this.client.connect(this.transport as Transport);
    return this;
  }

  request(method: string, options?: RequestOptions): Promise<Record<string, unknown>> {
    return this.client.request({ method }, ResultSchema, options);
  }

  async close(): Promise<void> {
    await this.client.close();
    this.transport.onclose?.();
  }
}

/** Our link over the same transport. */
class Ours {
  readonly transport = new ScriptedTransport();
  readonly owner = new Owner({ kind: 'once', transport: this.transport });

  async opened(): Promise<this> {
    await this.owner.opened();
    return this;
  }

  request(method: string): Pending<Record<string, unknown>> {
    return this.owner.ask(method);
  }
}

function cancelledIds({ sent }: ScriptedTransport): unknown[] {
  return sent.filter(({ method }) => method === 'notifications/cancelled').map(({ params }) => params?.['requestId']);
}

function idsOf({ sent }: ScriptedTransport): WireMessage['id'][] {
  return sent.filter(({ method }) => method === 'tools/call').map(({ id }) => id);
}

/** What a promise fails with, as far as a caller can tell one failure from another. */
async function tellOf(promise: Promise<unknown>): Promise<unknown> {
  const error = await promise.catch((reason: unknown) => reason);
  return error instanceof McpError ? { code: error.code, message: error.message, data: error.data } : error;
}

/** How a promise stands once everything that is due has happened. */
async function standingOf(promise: Promise<unknown>): Promise<string> {
  let standing = 'pending';
  promise.then(
    () => (standing = 'resolved'),
    () => (standing = 'rejected'),
  );
  await flush();
  return standing;
}

describe('the bare client of the SDK, unlike our link,', () => {
  expectNothingLeft();

  it('keeps a listener of every finished call on their signal, and tells the server that each is cancelled when that aborts', async () => {
    const bare = await new Bare().opened();
    const abort = new AbortController();
    const calls = ['tools/call', 'tools/call', 'tools/call'].map((method) =>
      bare.request(method, { signal: abort.signal }),
    );
    for (const id of idsOf(bare.transport)) bare.transport.answer(id);
    await Promise.all(calls);
    expect(getEventListeners(abort.signal, 'abort')).toHaveLength(3);
    abort.abort();
    expect(cancelledIds(bare.transport)).toEqual([1, 2, 3]);
    await bare.close();

    const ours = await new Ours().opened();
    const pending = ['tools/call', 'tools/call', 'tools/call'].map((method) => ours.request(method));
    for (const id of idsOf(ours.transport)) ours.transport.answer(id);
    await Promise.all(pending.map(({ answer }) => answer));
    for (const call of pending) call.cancel();
    await flush();
    expect(cancelledIds(ours.transport)).toEqual([]);
    await ours.owner.link.close('graceful');
  });

  it('tells the server the caller’s own words for the abort', async () => {
    const bare = await new Bare().opened();
    const abort = new AbortController();
    const call = bare.request('tools/call', { signal: abort.signal });
    abort.abort(new Error('secret: user 7 closed the tab'));
    await expect(call).rejects.toThrow('secret');
    expect(bare.transport.sent.at(-1)?.params?.['reason']).toBe('Error: secret: user 7 closed the tab');
    await bare.close();

    const ours = await new Ours().opened();
    const pending = ours.request('tools/call');
    pending.cancel();
    expect(await failureOf(pending.answer)).toEqual({ kind: 'aborted', sent: true });
    expect(ours.transport.sent.at(-1)?.params?.['reason']).toBe('The caller no longer waits for the answer.');
    await ours.owner.link.close('graceful');
  });

  it.each([Infinity, 2 ** 31])('takes a time limit of %d ms for one of 1 ms', async (timeout) => {
    const bare = await new Bare().opened();
    expect(await tellOf(bare.request('tools/call', { timeout }))).toEqual({
      code: -32001,
      message: 'MCP error -32001: Request timed out',
      data: { timeout },
    });
    await bare.close();

    const ours = await new Ours().opened();
    const timers = vi.spyOn(globalThis, 'setTimeout');
    const { answer } = ours.request('tools/call');
    expect([await standingOf(answer), timers.mock.calls]).toEqual(['pending', []]);
    timers.mockRestore();
    ours.transport.answer(idsOf(ours.transport)[0], { late: true });
    expect(await answer).toEqual({ late: true });
    await ours.owner.link.close('graceful');
  });

  it('has one error for a limit of its own, for an abort and for a server that answers -32001', async () => {
    const error = { code: -32001, message: 'Request timed out', data: { timeout: 1 } };
    const bare = await new Bare().opened();
    const abort = new AbortController();
    const answered = tellOf(bare.request('tools/call'));
    bare.transport.receive({ jsonrpc: '2.0', id: idsOf(bare.transport)[0], error });
    const aborted = tellOf(bare.request('tools/call', { signal: abort.signal }));
    abort.abort('Request timed out');
    const timedOut = await tellOf(bare.request('tools/call', { timeout: 1 }));
    expect(await answered).toEqual(timedOut);
    expect(await aborted).toEqual({ code: -32001, message: 'MCP error -32001: Request timed out', data: undefined });
    await bare.close();

    const ours = await new Ours().opened();
    const [refused, cancelled] = [ours.request('tools/call'), ours.request('tools/call')];
    ours.transport.receive({ jsonrpc: '2.0', id: idsOf(ours.transport)[0], error });
    cancelled.cancel();
    expect(await Promise.all([failureOf(refused.answer), failureOf(cancelled.answer)])).toEqual([
      { kind: 'rpc', sent: true, rpcCode: -32001, message: 'Request timed out', data: { timeout: 1 } },
      { kind: 'aborted', sent: true },
    ]);
    await ours.owner.link.close('graceful');
  });

  it.each([
    ['a result that is text', { result: 'secret' }],
    ['an error without a code', { error: { message: 'secret' } }],
    ['an error whose code is no integer', { error: { code: 1.5, message: 'secret' } }],
  ])(
    'never settles a call that is answered with %s, and complains of it with the whole payload',
    async (_what, body) => {
      const bare = await new Bare().opened();
      const call = bare.request('tools/call');
      bare.transport.receive({ jsonrpc: '2.0', id: 1, ...body });
      expect(await standingOf(call)).toBe('pending');
      expect(bare.complaints).toEqual([`Unknown message type: ${JSON.stringify({ jsonrpc: '2.0', id: 1, ...body })}`]);
      await bare.close();
      await expect(call).rejects.toThrow('Connection closed');

      const ours = await new Ours().opened();
      const { answer } = ours.request('tools/call');
      ours.transport.receive({ jsonrpc: '2.0', id: idsOf(ours.transport)[0], ...body });
      expect(await failureOf(answer)).toMatchObject({ kind: 'link', sent: true, fault: { code: 'bad-answer' } });
      await ours.owner.link.close('graceful');
      expect(ours.owner.types).toEqual(['opened', 'down']);
    },
  );

  it('fails a tool call with an error without a code when its result has a field of the wrong shape, though it was executed', async () => {
    const result = { content: 'secret text' };
    const bare = await new Bare().opened();
    const call = bare.client.callTool({ name: 'x' });
    bare.transport.answer(1, result);
    const error: unknown = await call.catch((reason: unknown) => reason);
    expect([error instanceof McpError, error instanceof Error && 'code' in error]).toEqual([false, false]);
    expect(error).toMatchObject({ name: expect.stringMatching(/ZodError$/) });
    await bare.close();

    const ours = await new Ours().opened();
    const { answer } = ours.request('tools/call');
    ours.transport.answer(idsOf(ours.transport)[0], result);
    expect(await answer).toEqual(result);
    await ours.owner.link.close('graceful');
  });

  it('complains of an answer that comes twice, or after the caller has gone, with the whole payload in the message', async () => {
    const result = { content: [{ type: 'text', text: 'secret' }] };
    const bare = await new Bare().opened();
    const answered = bare.request('tools/call');
    for (let time = 0; time < 2; time += 1) bare.transport.answer(1, result);
    await answered;
    await expect(bare.request('tools/call', { timeout: 1 })).rejects.toThrow('Request timed out');
    bare.transport.answer(2, result);
    const payload = (id: number): string => JSON.stringify({ jsonrpc: '2.0', id, result });
    expect(bare.complaints).toEqual([
      `Received a response for an unknown message ID: ${payload(1)}`,
      `Received a response for an unknown message ID: ${payload(2)}`,
    ]);
    await bare.close();

    const ours = await new Ours().opened();
    const [twice, late] = [ours.request('tools/call'), ours.request('tools/call')];
    const [twiceId, lateId] = idsOf(ours.transport);
    for (let time = 0; time < 2; time += 1) ours.transport.answer(twiceId, result);
    late.cancel();
    ours.transport.answer(lateId, result);
    expect(await Promise.all([twice.answer, failureOf(late.answer)])).toEqual([
      result,
      { kind: 'aborted', sent: true },
    ]);
    await ours.owner.link.close('graceful');
    expect(ours.owner.types).toEqual(['opened', 'down']);
  });

  it('loses the progress that comes in the same turn as the answer, and complains of it', async () => {
    const progressOf = (token: WireMessage['id']): unknown => ({
      jsonrpc: '2.0',
      method: 'notifications/progress',
      params: { progressToken: token, progress: 1 },
    });
    const heard: string[] = [];
    const bare = await new Bare().opened();
    const call = bare.request('tools/call', { onprogress: () => heard.push('bare') });
    bare.transport.receive(progressOf(1));
    bare.transport.answer(1);
    await call;
    await flush();
    expect([heard, bare.complaints]).toEqual([
      [],
      [expect.stringMatching(/^Received a progress notification for an unknown token: /)],
    ]);
    await bare.close();

    const ours = await new Ours().opened();
    const { answer } = ours.owner.ask('tools/call', {}, { onProgress: () => heard.push('ours') });
    const [id] = idsOf(ours.transport);
    ours.transport.receive(progressOf(id));
    ours.transport.answer(id);
    await answer;
    await ours.owner.link.close('graceful');
    expect([heard, ours.owner.types]).toEqual([['ours'], ['opened', 'down']]);
  });
});
