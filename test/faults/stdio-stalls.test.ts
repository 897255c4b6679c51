import { describe, expect, test } from 'vitest';
import { eventually } from '../support/eventually.ts';
import { isRunning } from '../support/processes.ts';
import {
  askPids,
  failureOf,
  firstConnection,
  ofAnotherVersion,
  pidOf,
  recovery,
  secondConnection,
  textOf,
  unhurried,
} from '../e2e/stage.ts';
import { checkedOften, NeighbourStage, patience, unchecked } from './neighbour-stage.ts';

/** From the first check that fails to the next connection, for a server that was healthy and does not answer any more. */
const givenUp = [
  '1 check failed: check-timeout',
  '1 connected.degraded',
  '1 check failed: check-timeout',
  '1 check failed: check-timeout',
  '1 connected.unhealthy',
  '1 check failed: check-timeout',
  '1 check failed: check-timeout',
  '1 releasing',
  '1 attempt 1 scheduled',
  '1 disconnected.backingOff',
  '1 connecting.waiting',
  ...secondConnection(2),
];

describe('a server that stands still', unhurried, () => {
  test('(SIGSTOP) during a call is found by the checks and killed: the call is of unknown outcome, and ran once', async () => {
    const stage = await NeighbourStage.open();
    const session = await stage.add('frozen', stage.server('frozen'), checkedOften);
    const pid = pidOf(session);
    const call = failureOf(session.callTool('sleep', { ms: 600_000 }));
    await eventually(() => stage.log('frozen').some((line) => line.startsWith('call sleep')), patience);
    process.kill(pid, 'SIGSTOP');
    expect(await call).toMatchObject({ code: 'OUTCOME_UNKNOWN', outcome: 'unknown', generation: 1 });
    await stage.neighbourAnswers();
    await stage.reaches('frozen', 'connected.healthy', 2);
    expect(isRunning(pid)).toBe(false);
    const story = stage.story('frozen').slice(firstConnection.length);
    expect(story.slice(story.indexOf(givenUp[0] ?? ''))).toEqual(givenUp);
    expect(await askPids(session)).toEqual({ pid: pidOf(session), grandchild: null });
    expect(stage.log('frozen').filter((line) => line.startsWith('call sleep'))).toHaveLength(1);
    await stage.close();
  });

  test('and reads nothing any more holds 8 MB of ours at most: what is beyond is refused unsent, and all of it settles', async () => {
    const stage = await NeighbourStage.open();
    const session = await stage.add('deaf', stage.ruleBreaker('deaf'), unchecked);
    const limit = { timeoutMs: 300 };
    const text = 'x'.repeat(3 * 2 ** 20);
    expect(await failureOf(session.callTool('deaf', {}, limit))).toMatchObject({ code: 'CALL_TIMEOUT' });
    const calls = [limit, limit, {}].map((options) => failureOf(session.callTool('echo', { text }, options)));
    const notice = failureOf(session.notify('notifications/news'));
    expect(await Promise.all(calls)).toMatchObject([
      { code: 'CALL_TIMEOUT', outcome: 'unknown' },
      { code: 'CALL_TIMEOUT', outcome: 'not-sent' },
      { code: 'OVERLOADED', outcome: 'not-sent' },
    ]);
    await stage.neighbourAnswers();
    session.reconnect();
    expect(await notice).toMatchObject({ code: 'NOT_READY', outcome: 'not-sent', generation: 1 });
    await stage.reaches('deaf', 'connected.healthy', 2);
    expect(await textOf(session.callTool('pid'))).toBe(String(pidOf(session)));
    const calledTools = stage.log('deaf').filter((line) => line.startsWith('read tools/call'));
    expect(calledTools).toEqual(['read tools/call deaf', 'read tools/call pid']);
    await stage.close();
  });
});

describe('a message', unhurried, () => {
  test('of 15 MB arrives whole', async () => {
    const stage = await NeighbourStage.open();
    const session = await stage.add('large', stage.ruleBreaker('large'), unchecked);
    const call = textOf(session.callTool('large', { mb: 15 }));
    await stage.neighbourAnswers();
    expect(await call).toBe('x'.repeat(15 * 2 ** 20));
    expect(stage.story('large')).toEqual(firstConnection);
    await stage.close();
  });

  test('of 17 MB ends its connection by name, and its call is of unknown outcome', async () => {
    const stage = await NeighbourStage.open();
    const session = await stage.add('large', stage.ruleBreaker('large'), unchecked);
    const call = failureOf(session.callTool('large', { mb: 17 }));
    await stage.neighbourAnswers();
    expect(await call).toMatchObject({ code: 'OUTCOME_UNKNOWN', outcome: 'unknown', generation: 1 });
    await stage.reaches('large', 'connected.healthy', 2);
    expect(stage.story('large')).toEqual([...firstConnection, ...ofAnotherVersion(recovery(1, 1))]);
    expect(session.info.lastError).toMatchObject({ code: 'frame-too-large' });
    expect(await textOf(session.callTool('echo', { text: 'less' }))).toBe('less');
    await stage.close();
  });
});
