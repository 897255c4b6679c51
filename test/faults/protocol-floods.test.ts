import { getEventListeners } from 'node:events';
import { afterEach, describe, expect, test, vi } from 'vitest';
import { errorOf, failureOf, textOf, unhurried } from '../e2e/stage.ts';
import { NeighbourStage, unchecked } from './neighbour-stage.ts';

const hourMs = 3_600_000;

afterEach(() => {
  vi.restoreAllMocks();
});

describe('a server that talks without end', unhurried, () => {
  test('in 50 000 notifications before its answer is heard to the end, in order, and others are heard meanwhile', async () => {
    const stage = await NeighbourStage.open();
    const session = await stage.add('chatty', stage.ruleBreaker('chatty'), unchecked);
    const heard: unknown[] = [];
    session.notifications$.subscribe(({ params }) => heard.push((params as { data: unknown }).data));
    const call = textOf(session.callTool('chatter', { count: 50_000 }));
    await stage.neighbourAnswers();
    expect(await call).toBe('said 50000');
    expect(heard).toEqual(Array.from({ length: 50_000 }, (_, n) => n));
    expect(session.info).toMatchObject({ state: 'healthy', failedRequests: 0 });
    await stage.close();
  });

  test('of progress has as long as a call may take in all', async () => {
    const stage = await NeighbourStage.open();
    const session = await stage.add('busy', stage.ruleBreaker('busy'), unchecked);
    const seen: number[] = [];
    const onProgress = ({ progress }: { progress: number }): void => void seen.push(progress);
    const options = { timeoutMs: 1_000, maxTimeoutMs: 1_200, onProgress };
    expect(await failureOf(session.callTool('progress', {}, options))).toMatchObject({
      code: 'CALL_TIMEOUT',
      outcome: 'unknown',
      timeoutMs: 1_200,
    });
    const count = seen.length;
    expect(seen).toEqual(Array.from({ length: count }, (_, n) => n + 1));
    expect(await textOf(session.callTool('echo', { text: 'next' }))).toBe('next');
    // What still comes for that call is nobody's.
    expect(seen).toHaveLength(count);
    await stage.close();
  });
});

describe('a clock that is set', unhurried, () => {
  test.each([
    ['forward', hourMs],
    ['back', -hourMs],
  ])('%s by an hour while a call makes progress neither ends the call nor prolongs it', async (_, jumpMs) => {
    const stage = await NeighbourStage.open();
    const session = await stage.add('busy', stage.ruleBreaker('busy'), unchecked);
    const now = Date.now.bind(Date);
    let seen = 0;
    const abort = new AbortController();
    const onProgress = (): void => {
      seen += 1;
      if (seen === 2) vi.spyOn(Date, 'now').mockImplementation(() => now() + jumpMs);
      if (seen === 20) abort.abort();
    };
    // It outlives eighteen updates after the jump, and then ends because it is told to.
    const outlasting = session.callTool('progress', {}, { maxTimeoutMs: 300_000, onProgress, signal: abort.signal });
    expect(await failureOf(outlasting)).toMatchObject({ code: 'CALL_ABORTED' });
    const limited = session.callTool('progress', {}, { timeoutMs: 1_000, maxTimeoutMs: 1_200, onProgress });
    expect(await failureOf(limited)).toMatchObject({ code: 'CALL_TIMEOUT', timeoutMs: 1_200 });
    expect(session.info.generation).toBe(1);
    await stage.close();
  });
});

describe('one signal for 200 calls, fifty at a time', unhurried, () => {
  test('that aborts when all are answered tells the server nothing, and has nobody left who listens to it', async () => {
    const stage = await NeighbourStage.open();
    const session = await stage.add('calm', stage.ruleBreaker('calm'), unchecked);
    const abort = new AbortController();
    const { signal } = abort;
    for (let round = 0; round < 4; round += 1) {
      const texts = Array.from({ length: 50 }, (_, n) => `${round}/${n}`);
      expect(await Promise.all(texts.map((text) => textOf(session.callTool('echo', { text }, { signal }))))).toEqual(
        texts,
      );
    }
    expect(getEventListeners(signal, 'abort')).toEqual([]);
    abort.abort();
    await session.ping();
    expect(stage.log('calm').filter((line) => line === 'read notifications/cancelled')).toEqual([]);
    expect(session.info).toMatchObject({ successfulRequests: 201, failedRequests: 0 });
    await stage.close();
  });
});

describe('what the application gave, and what throws, costs one call:', unhurried, () => {
  test('a handler that throws is an error answer to its server, and the call goes on', async () => {
    const stage = await NeighbourStage.open();
    const boom = (): never => {
      throw new Error('the secret reason');
    };
    const handlers = { elicit: async () => boom(), sample: async () => boom(), roots: async () => boom() };
    const session = await stage.add('asking', stage.ruleBreaker('asking'), { ...unchecked, handlers });
    const questions = [
      ['elicitation/create', { message: 'who?', requestedSchema: { type: 'object', properties: {} } }],
      ['sampling/createMessage', { messages: [], maxTokens: 1 }],
      ['roots/list', undefined],
    ];
    for (const [method, params] of questions) {
      const told = JSON.parse(await textOf(session.callTool('ask', { method, params }))) as Record<string, unknown>;
      expect([method, told]).toEqual([method, { code: -32_603, message: 'The client failed to answer.' }]);
    }
    expect(stage.story('asking').filter((line) => line.includes('Fault'))).toContain('1 linkFault handler-threw');
    expect(session.info).toMatchObject({ state: 'healthy', successfulRequests: 3, failedRequests: 0 });
    await stage.close();
  });

  test('an `onProgress` that throws ends its call, and an `onServed` that throws nothing', async () => {
    const stage = await NeighbourStage.open();
    const session = await stage.add('calm', stage.ruleBreaker('calm'), unchecked);
    const reason = new Error('cannot show that');
    const boom = (): never => {
      throw reason;
    };
    const error = await errorOf(session.callTool('progress', {}, { onProgress: boom }));
    expect(error).toMatchObject({ code: 'CALL_ABORTED', outcome: 'unknown', cause: reason });
    expect(await textOf(session.callTool('echo', { text: 'served' }, { onServed: boom }))).toBe('served');
    expect(session.info).toMatchObject({ generation: 1, successfulRequests: 1, activeRequests: 0 });
    await stage.close();
  });
});
