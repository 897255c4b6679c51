import { describe, expect, it } from 'vitest';
import type { ServerRequestHandlers } from '../../../src/link/link.ts';
import { expectNothingLeft, failureOf, flush } from '../sdk/owner.ts';
import type { WireMessage } from '../sdk/scripted-transport.ts';
import { ModernServer, PROTOCOL } from './modern-rig.ts';

async function opened(handlers?: ServerRequestHandlers): Promise<ModernServer> {
  const server = new ModernServer({ tools: {} }, handlers);
  await server.owner.opened();
  return server;
}

const metaOf = ({ params }: WireMessage): Record<string, unknown> => params?.['_meta'] as Record<string, unknown>;

const question = { method: 'elicitation/create', params: { message: 'Who?', requestedSchema: { type: 'object' } } };

describe('the modern era over an open link', () => {
  expectNothingLeft();

  it('says with every request of which revision, client and capabilities it is, whatever the caller says', async () => {
    const server = await opened({ elicit: async () => ({ action: 'cancel' }), roots: async () => [] });
    const answer = server.owner.call('tools/call', { name: 'x', _meta: { own: 1, [PROTOCOL.version]: '1999' } });
    server.transport.answer(server.last('tools/call').id, { content: [] });
    expect(await answer).toEqual({ content: [] });
    expect(metaOf(server.last('tools/call'))).toEqual({
      own: 1,
      [PROTOCOL.version]: '2026-07-28',
      [PROTOCOL.client]: { name: 'holdfast-test', version: '1.2.3' },
      [PROTOCOL.capabilities]: { elicitation: { form: {} }, roots: { listChanged: true } },
    });
    await server.owner.link.close('graceful');
  });

  it('probes with server/discover, and any answer is proof', async () => {
    const server = await opened();
    const probe = server.owner.probe();
    const { id } = server.last('server/discover');
    server.transport.receive({ jsonrpc: '2.0', id, error: { code: -32_603, message: 'not now' } });
    expect(await probe).toBeUndefined();
    expect(server.requests('ping')).toEqual([]);
    await server.owner.link.close('graceful');
  });

  it('keeps a log level and says it with every request from then on', async () => {
    const server = await opened();
    const set = server.owner.ask('logging/setLevel', { level: 'error' });
    expect([await set.answer, set.isOwnAnswer]).toEqual([{}, true]);
    void server.owner.ask('tools/list').answer.catch(() => undefined);
    expect(metaOf(server.last('tools/list'))[PROTOCOL.logLevel]).toBe('error');
    expect(server.requests('logging/setLevel')).toEqual([]);
    await server.owner.link.close('graceful');
  });

  it('gives a list again that the server declared fresh, without asking, until it says that it changed', async () => {
    const server = await opened();
    const list = async (): Promise<boolean> => {
      const before = server.requests('tools/list').length;
      const pending = server.owner.ask('tools/list', {});
      if (server.requests('tools/list').length > before) {
        server.transport.answer(server.last('tools/list').id, { tools: [], ttlMs: 60_000, resultType: 'complete' });
      }
      expect(await pending.answer).toMatchObject({ tools: [] });
      return server.requests('tools/list').length > before;
    };
    expect([await list(), await list()]).toEqual([true, false]);
    server.transport.receive({ jsonrpc: '2.0', method: 'notifications/tools/list_changed' });
    expect([await list(), await list()]).toEqual([true, false]);
    await server.owner.link.close('graceful');
  });

  it('answers questions and sends the request again with the answers and the state, under another id', async () => {
    const server = await opened({ elicit: async ({ message }) => ({ action: 'accept', content: { to: message } }) });
    const answer = server.owner.call('tools/call', { name: 'x', arguments: { n: 1 } });
    const { id } = server.last('tools/call');
    server.transport.answer(id, { resultType: 'input_required', inputRequests: { who: question }, requestState: 's1' });
    await flush();
    const again = server.last('tools/call');
    expect(again.id).not.toBe(id);
    expect(again.params).toMatchObject({
      name: 'x',
      arguments: { n: 1 },
      inputResponses: { who: { action: 'accept', content: { to: 'Who?' } } },
      requestState: 's1',
    });
    server.transport.answer(again.id, { resultType: 'complete', content: [] });
    expect(await answer).toEqual({ content: [] });
    await server.owner.link.close('graceful');
  });

  it('gives up a request for which the server wants input an eleventh time', async () => {
    const server = await opened({ elicit: async () => ({ action: 'cancel' }) });
    const answer = failureOf(server.owner.call('tools/call', { name: 'x' }));
    for (let round = 0; round <= 10; round += 1) {
      server.transport.answer(server.last('tools/call').id, {
        resultType: 'input_required',
        inputRequests: { who: question },
      });
      await flush();
    }
    expect(await answer).toMatchObject({ kind: 'refused', fault: { code: 'too-many-rounds' } });
    expect(server.requests('tools/call')).toHaveLength(11);
    await server.owner.link.close('graceful');
  });

  const unanswerable: readonly [string, Record<string, unknown>, string][] = [
    ['that nobody answers', { inputRequests: { s: { method: 'sampling/createMessage', params: {} } } }, 'no-handler'],
    ['that is none', { inputRequests: {} }, 'nothing-asked'],
    ['whose handler fails', { inputRequests: { who: question } }, 'handler-threw'],
    ['in a kind of result that nobody knows', { resultType: 'riddle' }, 'result-type'],
  ];

  it.each(unanswerable)('refuses a request with a question %s', async (_which, result, code) => {
    const server = await opened({ elicit: () => Promise.reject(new Error('no')) });
    const answer = failureOf(server.owner.call('tools/call', { name: 'x' }));
    server.transport.answer(server.last('tools/call').id, { resultType: 'input_required', ...result });
    expect(await answer).toMatchObject({ kind: 'refused', fault: { code } });
    expect(server.requests('tools/call')).toHaveLength(1);
    await server.owner.link.close('graceful');
  });

  it('gives up the people whom it asks when the caller gives up', async () => {
    const signals: AbortSignal[] = [];
    const server = await opened({
      elicit: (_params, { signal }) => {
        signals.push(signal);
        return new Promise(() => undefined);
      },
    });
    const pending = server.owner.ask('tools/call', { name: 'x' });
    server.transport.answer(server.last('tools/call').id, {
      resultType: 'input_required',
      inputRequests: { who: question },
    });
    await flush();
    pending.cancel();
    expect(await failureOf(pending.answer)).toMatchObject({ kind: 'aborted' });
    expect(signals.map(({ aborted }) => aborted)).toEqual([true]);
    expect(server.owner.events.flatMap((event) => (event.type === 'asking' ? [event.people] : []))).toEqual([1, 0]);
    await server.owner.link.close('graceful');
  });
});
