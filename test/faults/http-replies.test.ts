import { describe, expect, test } from 'vitest';
import type { Session } from '../../src/index.ts';
import { failureOf, firstConnection, textOf, unhurried } from '../e2e/stage.ts';
import { eventually } from '../support/eventually.ts';
import type { HttpFixture } from '../support/http-fixture.ts';
import { StockClient } from '../support/stock-http-client.ts';
import { FaultStage } from './fault-stage.ts';

const answer = (text: string, id: unknown = '$id'): object => ({
  jsonrpc: '2.0',
  id,
  result: { content: [{ type: 'text', text }] },
});

interface Scene {
  readonly stage: FaultStage;
  readonly server: HttpFixture;
  readonly session: Session;
}

/** A server that does this to the next call of a tool. */
async function openScene(fault: object): Promise<Scene> {
  const stage = await FaultStage.withNeighbour();
  const server = await stage.fixture({ standby: 'refused', faults: [{ on: 'tools/call', times: 1, ...fault }] });
  return { stage, server, session: await stage.hold('odd', server) };
}

describe.each(['sse', 'json'])('a call that is answered by %s', unhurried, (as) => {
  test.each([
    { what: 'twice', messages: [answer('first'), answer('second')], got: 'first' },
    {
      what: 'after an answer that nobody asked for',
      messages: [answer('nobody', 987_654), answer('mine')],
      got: 'mine',
    },
    { what: 'after what is no message', messages: [{ hello: 'world' }, answer('mine')], got: 'mine' },
  ])('$what gets its own answer, once', async ({ messages, got }) => {
    const { stage, session } = await openScene({ do: 'utter', as, messages });
    expect(await textOf(session.callTool('echo', { text: 'hello' }))).toBe(got);
    expect(await textOf(session.callTool('echo', { text: 'next' }))).toBe('next');
    expect(session.info).toMatchObject({ state: 'healthy', generation: 1, successfulRequests: 2, failedRequests: 0 });
    // What is no message is reported, and whoever sends such a thing is asked whether it is well; no state changes.
    const story = stage.story('odd');
    expect(story.slice(0, firstConnection.length)).toEqual(firstConnection);
    expect(story.filter((line) => /connected|releasing/.test(line))).toEqual(['1 connected.healthy']);
    await stage.close();
  });

  test('with an error for nobody is answered by that error', async () => {
    const error = { code: -32_603, message: 'it broke' };
    const { stage, session } = await openScene({ do: 'utter', as, messages: [{ jsonrpc: '2.0', id: null, error }] });
    const failure = await failureOf(session.callTool('echo', { text: 'hello' }));
    expect(failure).toMatchObject({ code: 'RPC', rpcCode: -32_603, outcome: 'executed' });
    expect(stage.story('odd')).toEqual(firstConnection);
    await stage.close();
  });

  test.each([
    // Whether such a thing answers the call at all is not known.
    ['no object', 'unknown', 'done'],
    ['nothing', 'unknown', null],
    ['an object without content', 'executed', {}],
    ['content that is no list', 'executed', { content: 'done' }],
  ])('with a result that is %s is an error, of %s outcome, and the session stands', async (_what, outcome, result) => {
    const { stage, session } = await openScene({ do: 'utter', as, messages: [{ jsonrpc: '2.0', id: '$id', result }] });
    const failure = await failureOf(session.callTool('echo', { text: 'hello' }));
    expect(failure).toMatchObject({ outcome, generation: 1 });
    expect(await textOf(session.callTool('echo', { text: 'next' }))).toBe('next');
    expect(session.info.generation).toBe(1);
    await stage.close();
  });

  test('with names that reach for prototypes changes nothing but its own result', async () => {
    const result = '{"content":[{"type":"text","text":"hi","__proto__":{"polluted":1}}],"constructor":{"polluted":1}}';
    const { stage, session } = await openScene({
      do: 'utter',
      as,
      messages: [{ jsonrpc: '2.0', id: '$id', result: JSON.parse(result) as object }],
    });
    expect(await textOf(session.callTool('echo', { text: 'hello' }))).toBe('hi');
    expect([Object.hasOwn(Object.prototype, 'polluted'), Object.hasOwn(Object, 'polluted')]).toEqual([false, false]);
    await stage.close();
  });
});

describe('a call', unhurried, () => {
  test('whose server tells of progress for ever ends at its absolute limit', async () => {
    const { stage, server, session } = await openScene({ do: 'tick', everyMs: 20 });
    const heard: number[] = [];
    const call = session.callTool(
      'echo',
      { text: 'hello' },
      { timeoutMs: 300, maxTimeoutMs: 900, onProgress: ({ progress }) => heard.push(progress) },
    );
    expect(await failureOf(call)).toMatchObject({ code: 'CALL_TIMEOUT', outcome: 'unknown', timeoutMs: 900 });
    expect(heard.slice(0, 3)).toEqual([1, 2, 3]);
    await eventually(async () => (await server.truth()).cancelled.length === 1, { timeoutMs: 60_000 });
    await stage.close();
  });

  test('that is answered by a redirect reaches nobody else', async () => {
    const stage = await FaultStage.withNeighbour();
    const elsewhere = await stage.fixture();
    const location = `${elsewhere.url}?stolen`;
    const server = await stage.fixture({
      standby: 'refused',
      faults: [{ on: 'tools/call', times: 1, do: 'status', status: 307, headers: { location } }],
    });
    const session = await stage.hold('moved', server);
    const call = failureOf(session.callTool('echo', { text: 'hello' }));
    expect(await call).toMatchObject({ code: 'PROTOCOL', outcome: 'rejected' });
    expect(await textOf(session.callTool('echo', { text: 'next' }))).toBe('next');
    expect((await elsewhere.truth()).requests).toEqual({});
    await stage.close();
  });

  test('that finds its session forgotten is sent once more on the new one: it was not executed', async () => {
    const stage = await FaultStage.withNeighbour();
    const server = await stage.fixture({ standby: 'refused' });
    const session = await stage.hold('forgotten', server);
    await server.order({ forget: true });
    expect(await textOf(session.callTool('echo', { text: 'hello' }))).toBe('hello');
    expect(server.executions()).toEqual(['echo {"text":"hello"}']);
    await stage.reaches('forgotten', 'connected.healthy', 2);
    expect(await textOf(session.callTool('echo', { text: 'next' }))).toBe('next');
    expect((await server.truth()).requests['POST initialize']).toBe(2);
    await stage.close();
  });
});

describe('a session id that comes with anything but the answer to initialize', unhurried, () => {
  const stolen = { 'mcp-session-id': 'stolen' };
  const replies = [
    ['an answer', { do: 'utter', messages: [answer('hi')], headers: stolen }],
    ['an error', { do: 'status', status: 500, headers: stolen }],
  ] as const;

  test.each(replies)('%s is not taken', async (_what, fault) => {
    const { stage, server, session } = await openScene(fault);
    const { sessions } = await server.truth();
    await Promise.allSettled([session.callTool('echo', { text: 'hello' })]);
    expect(await textOf(session.callTool('echo', { text: 'next' }))).toBe('next');
    expect([session.info.generation, (await server.truth()).sessions]).toEqual([1, sessions]);
    await stage.close();
  });

  test.each(replies)('%s is taken by the stock client, which has lost its own session then', async (_what, fault) => {
    const stage = await FaultStage.withNeighbour();
    const server = await stage.fixture({ standby: 'refused', faults: [{ on: 'tools/call', times: 1, ...fault }] });
    const stock = new StockClient(server.url);
    await stock.connect();
    await Promise.allSettled([stock.call('echo', { text: 'hello' }, { timeout: 60_000 })]);
    expect(stock.transport.sessionId).toBe('stolen');
    await expect(stock.call('echo', { text: 'next' }, { timeout: 60_000 })).rejects.toMatchObject({ code: 404 });
    await stock.client.close();
    await stage.close();
  });
});
