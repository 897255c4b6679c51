import { describe, expect, test } from 'vitest';
import type { Session } from '../../src/index.ts';
import { eventually } from '../support/eventually.ts';
import { errorOf, textOf, unhurried } from '../e2e/stage.ts';
import { NeighbourStage, patience, unchecked } from './neighbour-stage.ts';

async function held(stage: NeighbourStage): Promise<Session> {
  return stage.add('odd', stage.ruleBreaker('odd'), unchecked);
}

/** The session stands: the same process in the same generation answers the next call. */
async function expectStands(stage: NeighbourStage, session: Session): Promise<void> {
  expect(await textOf(session.callTool('pid'))).toBe(String(session.info.pid));
  expect(stage.log('odd').filter((line) => line.startsWith('start'))).toEqual([`start ${session.info.pid}`]);
  expect(session.info).toMatchObject({ generation: 1, activeRequests: 0 });
  expect(['healthy', 'degraded']).toContain(session.state);
}

describe('a call gets its answer', unhurried, () => {
  test.each([
    ['twice', 'that comes twice: the first one', 'first', []],
    ['string-id', 'whose id has become a string', 'yours all the same', []],
    ['broken-text', 'in which bytes are no UTF-8, with a mark in their place', 'good\ufffd\ufffd(bad', []],
    ['strangers', 'among others that nobody asked for', 'for you', ['1 linkFault bad-message', '1 check ok']],
  ])('(%s) %s', async (tool, _, text, told) => {
    const stage = await NeighbourStage.open();
    const session = await held(stage);
    const { now } = stage;
    expect(await textOf(session.callTool(tool))).toBe(text);
    await expectStands(stage, session);
    await eventually(() => stage.story('odd', now).length === told.length, patience);
    expect(stage.story('odd', now)).toEqual(told);
    expect(session.info).toMatchObject({ successfulRequests: 2, failedRequests: 0, state: 'healthy' });
    await stage.close();
  });

  test('with keys that are dangerous to copy as it is, and nothing is polluted by it', async () => {
    const stage = await NeighbourStage.open();
    const session = await stage.add('odd', stage.ruleBreaker('odd', 'names'), unchecked);
    const result = await session.callTool('prototype');
    expect(JSON.stringify(result.structuredContent)).toBe(
      '{"__proto__":{"polluted":1},"constructor":{"prototype":{"polluted":1}}}',
    );
    expect([Reflect.get({}, 'polluted'), Reflect.get(Object, 'polluted')]).toEqual([undefined, undefined]);
    const names = session.catalog.tools.map(({ tool }) => tool.name);
    expect(names.filter((name) => name in {})).toEqual(['__proto__', 'constructor']);
    for (const name of ['__proto__', 'constructor']) {
      expect(await textOf(session.callTool(name))).toBe(`called ${name}`);
    }
    await expectStands(stage, session);
    await stage.close();
  });
});

describe('a call is failed at once, and the session stands, by an answer', unhurried, () => {
  test.each([
    ['no-content', 'that is no result of a tool', 'ProtocolError', 'executed'],
    ['text-result', 'whose result is a text', 'OutcomeUnknownError', 'unknown'],
    ['no-code', 'that is an error without a code', 'OutcomeUnknownError', 'unknown'],
  ])('(%s) %s', async (tool, _, name, outcome) => {
    const stage = await NeighbourStage.open();
    const session = await held(stage);
    const { now } = stage;
    const error = await errorOf(session.callTool(tool));
    expect(error).toMatchObject({ name, outcome, serverId: 'odd', generation: 1, retryable: false });
    await expectStands(stage, session);
    expect(stage.story('odd', now)).toEqual(['1 connected.degraded']);
    expect(session.info).toMatchObject({ successfulRequests: 1, failedRequests: 1 });
    await stage.close();
  });
});

describe('a call is of unknown outcome when its time is over, and the session stands, if', unhurried, () => {
  const degraded = '1 connected.degraded';

  test.each([
    ['silent', 'it is never answered', [degraded]],
    ['null-id', 'it is answered by an error for nobody', ['1 linkFault bad-message', '1 check ok', degraded]],
    ['torn', 'a line of log is in the middle of its answer', ['1 linkFault not-a-message', '1 check ok', degraded]],
  ])('(%s) %s', async (tool, _, told) => {
    const stage = await NeighbourStage.open();
    const session = await held(stage);
    const { now } = stage;
    const error = await errorOf(session.callTool(tool, {}, { timeoutMs: 300 }));
    expect(error).toMatchObject({ code: 'CALL_TIMEOUT', outcome: 'unknown', retryable: false });
    await expectStands(stage, session);
    // The check that follows a fault may be over before the call or after it.
    await eventually(() => stage.story('odd', now).length === told.length, patience);
    expect(stage.story('odd', now).toSorted()).toEqual(told.toSorted());
    expect(session.info).toMatchObject({ successfulRequests: 1, failedRequests: 1 });
    expect(error.message).not.toContain('debug');
    await stage.close();
  });

  test('(half) half of its answer comes: the rest of that line is the answer to a check, and no other call is lost', async () => {
    const stage = await NeighbourStage.open();
    const session = await held(stage);
    const half = session.callTool('half', {}, { timeoutMs: 300 });
    expect(await errorOf(half)).toMatchObject({ code: 'CALL_TIMEOUT', outcome: 'unknown' });
    expect(stage.story('odd')).toContain('1 linkFault half-message');
    await expectStands(stage, session);
    await stage.close();
  });
});

describe('a zombie, which answers checks and no calls', unhurried, () => {
  test('is degraded by the first call that times out, and healthy again once it answers calls', async () => {
    const stage = await NeighbourStage.open();
    const healthCheck = { intervalMs: 200, timeoutMs: 60_000 };
    const session = await stage.add('odd', stage.ruleBreaker('odd'), { healthCheck });
    const { now } = stage;
    for (const timeoutMs of [200, 300]) {
      const error = await errorOf(session.callTool('silent', {}, { timeoutMs }));
      expect(error).toMatchObject({ code: 'CALL_TIMEOUT', outcome: 'unknown', retryable: false });
      expect(session.info).toMatchObject({ state: 'degraded', reason: 'calls get no answer', failedHealthChecks: 0 });
    }
    const checksOf = (): number => stage.story('odd', now).filter((line) => line === '1 check ok').length;
    const checks = checksOf();
    await eventually(() => checksOf() >= checks + 3, patience);
    expect(session.state).toBe('degraded');
    await expectStands(stage, session);
    await eventually(() => session.state === 'healthy', patience);
    expect(stage.story('odd', now).filter((line) => line !== '1 check ok')).toEqual([
      '1 connected.degraded',
      '1 connected.healthy',
    ]);
    await stage.close();
  });
});
