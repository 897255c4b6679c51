import { describe, expect, test } from 'vitest';
import { eventually } from '../support/eventually.ts';
import { askPids, failureOf, firstConnection, pidOf, recovery, Stage, textOf, unhurried, untiring } from './stage.ts';

const patience = { timeoutMs: 60_000 };

/** The tools that were executed, over all lives of the server, as the server itself wrote them down. */
const executed = (stage: Stage, id: string): string[] =>
  stage
    .log(id)
    .filter((line) => line.startsWith('call'))
    .map((line) => line.split(' ')[1] ?? '');

const beganToSleep = (stage: Stage, id: string): Promise<boolean> =>
  eventually(() => executed(stage, id).includes('sleep'), { ...patience, what: 'the server executes the call' });

describe('a call in flight when the process dies', unhurried, () => {
  test('is settled as of unknown outcome, and never repeated', async () => {
    const stage = new Stage();
    const session = await stage.add('mortal', stage.server('mortal'), untiring);
    const call = failureOf(session.callTool('sleep', { ms: 600_000 }));
    await beganToSleep(stage, 'mortal');
    process.kill(pidOf(session), 'SIGKILL');
    expect(await call).toEqual({
      name: 'OutcomeUnknownError',
      code: 'OUTCOME_UNKNOWN',
      outcome: 'unknown',
      tool: 'sleep',
      serverId: 'mortal',
      generation: 1,
      retryable: false,
      retryAfterMs: undefined,
    });
    await stage.reaches('mortal', 'connected.healthy', 2);
    // What is answered now has come after anything that a repetition would have sent.
    expect(await askPids(session)).toEqual({ pid: pidOf(session), grandchild: null });
    expect(executed(stage, 'mortal')).toEqual(['sleep', 'pid']);
    expect(session.info).toMatchObject({ successfulRequests: 1, failedRequests: 1, activeRequests: 0 });
    await stage.close();
  });

  test('is settled although a grandchild holds the pipe open', async () => {
    const stage = new Stage();
    const session = await stage.add('mortal', stage.server('mortal', 'grandchild'), untiring);
    const call = failureOf(session.callTool('sleep', { ms: 600_000 }));
    await beganToSleep(stage, 'mortal');
    process.kill(pidOf(session), 'SIGKILL');
    expect(await call).toMatchObject({ code: 'OUTCOME_UNKNOWN', generation: 1 });
    await stage.reaches('mortal', 'connected.healthy', 2);
    expect(executed(stage, 'mortal')).toEqual(['sleep']);
    await stage.close();
  });

  test('and a hundred others are settled once each', async () => {
    const stage = new Stage();
    const session = await stage.add('mortal', stage.server('mortal'), { ...untiring, maxInFlight: 101 });
    const settled: unknown[] = [];
    const calls = Array.from({ length: 100 }, async () => {
      settled.push((await failureOf(session.callTool('sleep', { ms: 600_000 })))['code']);
    });
    await eventually(() => executed(stage, 'mortal').length === 100, patience);
    process.kill(pidOf(session), 'SIGKILL');
    await Promise.all(calls);
    expect(settled).toEqual(Array.from({ length: 100 }, () => 'OUTCOME_UNKNOWN'));
    await stage.reaches('mortal', 'connected.healthy', 2);
    await session.ping();
    expect(executed(stage, 'mortal')).toHaveLength(100);
    expect(session.info).toMatchObject({ failedRequests: 100, activeRequests: 0 });
    await stage.close();
  });

  test('that the call itself killed is not sent to the next one', async () => {
    const stage = new Stage();
    const session = await stage.add('fragile', stage.server('fragile', 'exit-call:7'), untiring);
    expect(await failureOf(session.callTool('echo', { text: 'bang' }))).toMatchObject({
      code: 'OUTCOME_UNKNOWN',
      tool: 'echo',
      generation: 1,
    });
    await stage.reaches('fragile', 'connected.healthy', 2);
    await session.ping();
    expect(stage.story('fragile')).toEqual([...firstConnection, ...recovery(1, 1)]);
    expect(session.info.lastError).toMatchObject({ code: 'exit:7' });
    await stage.close();
  });

  test('but whose answer is in the pipe already gets its answer', async () => {
    const stage = new Stage();
    const session = await stage.add('swan', stage.server('swan', 'answer-exit:0'), untiring);
    expect(await textOf(session.callTool('echo', { text: 'my last words' }))).toBe('my last words');
    await stage.reaches('swan', 'connected.healthy', 2);
    expect(executed(stage, 'swan')).toEqual(['echo']);
    await stage.close();
  });

  test('is refused, unsent, from the loss to the recovery, if it will not wait', async () => {
    const stage = new Stage();
    const session = await stage.add('mortal', stage.server('mortal'), untiring);
    const refused: Promise<unknown>[] = [];
    session.state$.subscribe((state) => {
      if (state !== 'healthy')
        refused.push(failureOf(session.callTool('echo', { text: state }, { waitForReadyMs: 0 })));
    });
    process.kill(pidOf(session), 'SIGKILL');
    await stage.reaches('mortal', 'connected.healthy', 2);
    expect(await Promise.all(refused)).toMatchObject([
      { code: 'NOT_READY', outcome: 'not-sent', retryable: true },
      { code: 'NOT_READY', outcome: 'not-sent', retryable: true },
    ]);
    expect(executed(stage, 'mortal')).toEqual([]);
    await stage.close();
  });
});

describe('a call that is aborted', unhurried, () => {
  test('while the server works on it ends at once; the connection stays, and so does the process', async () => {
    const stage = new Stage();
    const session = await stage.add('patient', stage.server('patient'));
    const pid = pidOf(session);
    const abort = new AbortController();
    const call = session.callTool('sleep', { ms: 600_000 }, { signal: abort.signal });
    const failure = failureOf(call);
    await beganToSleep(stage, 'patient');
    const reason = new Error('changed my mind');
    abort.abort(reason);
    expect(await failure).toEqual({
      name: 'AbortError',
      code: 'CALL_ABORTED',
      outcome: 'unknown',
      serverId: 'patient',
      generation: 1,
      retryable: false,
      retryAfterMs: undefined,
    });
    await expect(call).rejects.toHaveProperty('cause', reason);
    expect(await askPids(session)).toEqual({ pid, grandchild: null });
    expect(stage.story('patient')).toEqual(firstConnection);
    await stage.close({ drainMs: 0 });
  });

  test('before it is made is not sent', async () => {
    const stage = new Stage();
    const session = await stage.add('patient', stage.server('patient'));
    const call = session.callTool('echo', { text: 'never' }, { signal: AbortSignal.abort() });
    expect(await failureOf(call)).toMatchObject({ code: 'CALL_ABORTED', outcome: 'not-sent' });
    await session.ping();
    expect(executed(stage, 'patient')).toEqual([]);
    await stage.close();
  });
});

describe('a call that takes too long', unhurried, () => {
  test('times out as of unknown outcome and degrades the session, until calls and checks succeed again', async () => {
    const stage = new Stage();
    const healthCheck = { intervalMs: 200, timeoutMs: 60_000 };
    const session = await stage.add('slow', stage.server('slow'), { healthCheck });
    const { now } = stage;
    expect(await failureOf(session.callTool('sleep', { ms: 600_000 }, { timeoutMs: 100 }))).toEqual({
      name: 'CallTimeoutError',
      code: 'CALL_TIMEOUT',
      outcome: 'unknown',
      timeoutMs: 100,
      serverId: 'slow',
      generation: 1,
      retryable: false,
      retryAfterMs: undefined,
    });
    expect(session.info).toMatchObject({ state: 'degraded', reason: 'calls get no answer', failedHealthChecks: 0 });
    expect(await textOf(session.callTool('echo', { text: 'still there' }))).toBe('still there');
    await eventually(() => session.state === 'healthy', patience);
    expect(stage.story('slow', now).filter((line) => line !== '1 check ok')).toEqual([
      '1 connected.degraded',
      '1 connected.healthy',
    ]);
    expect(executed(stage, 'slow')).toEqual(['sleep', 'echo']);
    await stage.close({ drainMs: 0 });
  });

  test('because the server reads nothing is unsent as long as no byte of it was given to the pipe, and is never sent later', async () => {
    const stage = new Stage();
    const session = await stage.add('stuck', stage.server('stuck'));
    const pid = pidOf(session);
    process.kill(pid, 'SIGSTOP');
    // Far more than a pipe holds: whatever follows it has to wait in our own queue.
    const first = failureOf(session.callTool('echo', { text: 'x'.repeat(2 ** 20) }, { timeoutMs: 300 }));
    const second = failureOf(session.callTool('add', { a: 1, b: 1 }, { timeoutMs: 300 }));
    expect(await first).toMatchObject({ code: 'CALL_TIMEOUT', outcome: 'unknown', retryable: false });
    expect(await second).toMatchObject({ code: 'CALL_TIMEOUT', outcome: 'not-sent', retryable: true });
    process.kill(pid, 'SIGCONT');
    expect(await askPids(session)).toEqual({ pid, grandchild: null });
    expect(executed(stage, 'stuck')).toEqual(['echo', 'pid']);
    await stage.close();
  });
});
