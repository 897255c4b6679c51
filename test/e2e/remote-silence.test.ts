import { describe, expect, test } from 'vitest';
import { eventually } from '../support/eventually.ts';
import { checkedOften, downAndOut, RemoteStage, unchecked } from './remote-stage.ts';
import { failureOf, secondConnection, textOf, unhurried } from './stage.ts';

/** From the first check that is not answered to the first retry. */
const givenUp = [
  '1 check failed: check-timeout',
  '1 connected.degraded',
  '1 check failed: check-timeout',
  '1 check failed: check-timeout',
  '1 connected.unhealthy',
  '1 check failed: check-timeout',
  '1 check failed: check-timeout',
  ...downAndOut(1),
];

const hasty = { ...checkedOften, connectTimeoutMs: 3_000 } as const;
const patient = { ...checkedOften, healthCheck: { ...checkedOften.healthCheck, failureThreshold: 1_000 } } as const;

/** What was told after the last check that was answered before the silence. */
function sinceTheSilence(story: readonly string[]): string[] {
  return story.slice(story.indexOf('1 check failed: check-timeout'));
}

describe('a remote server that is silent', unhurried, () => {
  test('since it is stopped (SIGSTOP) is given up after five checks, tried again, and held when it goes on', async () => {
    const stage = new RemoteStage();
    const server = await stage.fixture();
    const session = await stage.hold('frozen', server, hasty);
    const states: string[] = [];
    session.state$.subscribe((state) => states.push(state));
    server.stop();
    // Its system still accepts connections: an attempt ends by its own time limit.
    await stage.retries('frozen', 2);
    expect(sinceTheSilence(stage.story('frozen')).slice(0, 14)).toEqual([
      ...givenUp,
      '2 connecting.opening',
      '2 releasing',
      '2 attempt 2 scheduled',
    ]);
    server.continue();
    const last = await stage.recovers(session);
    expect(stage.story('frozen')).toEqual(expect.arrayContaining(secondConnection(last)));
    expect(states.slice(0, 5)).toEqual(['healthy', 'degraded', 'unhealthy', 'disconnected', 'connecting']);
    expect(stage.linkStory('frozen').slice(0, 3)).toEqual(['1 opened', '1 down closed closed', '2 down closed closed']);
    expect(server.starts()).toEqual([server.pid]);
    await stage.close();
  });

  test('since the network swallows everything is given up in the same way, with the call that is in flight', async () => {
    const stage = new RemoteStage();
    const server = await stage.fixture();
    const proxy = await stage.proxy(server);
    const session = await stage.hold('swallowed', proxy, hasty);
    const call = failureOf(session.callTool('hold', { tag: 'x' }));
    await server.executed('hold {"tag":"x"}');
    proxy.pass('neither');
    expect(await call).toMatchObject({ code: 'OUTCOME_UNKNOWN', outcome: 'unknown', generation: 1 });
    await stage.retries('swallowed', 2);
    expect(sinceTheSilence(stage.story('swallowed')).slice(0, givenUp.length)).toEqual(givenUp);
    proxy.pass('both');
    const last = await stage.recovers(session);
    expect(stage.story('swallowed')).toEqual(expect.arrayContaining(secondConnection(last)));
    expect(await textOf(session.callTool('echo', { text: 'hello' }))).toBe('hello');
    expect(server.executions()).toEqual(['hold {"tag":"x"}', 'echo {"text":"hello"}']);
    await stage.close();
  });

  test('and speaks again in time is degraded, then healthy again in the same generation and session', async () => {
    const stage = new RemoteStage();
    const server = await stage.fixture();
    const session = await stage.hold('drowsy', server, patient);
    const { sessions } = await server.truth();
    server.stop();
    const { seq } = await stage.reaches('drowsy', 'connected.degraded');
    server.continue();
    await stage.recovers(session);
    const recovered = stage.story('drowsy', seq);
    const failed = recovered.lastIndexOf('1 check failed: check-timeout');
    expect(recovered[0]).toBe('1 connected.degraded');
    expect(recovered.slice(Math.max(1, failed + 1), Math.max(1, failed + 1) + 3)).toEqual([
      '1 check ok',
      '1 check ok',
      '1 connected.healthy',
    ]);
    expect(stage.linkStory('drowsy')).toEqual(['1 opened']);
    expect((await server.truth()).sessions).toEqual(sessions);
    await stage.close();
  });

  test('and executes a call long after it was given up does so once: the call is of unknown outcome', async () => {
    const stage = new RemoteStage();
    const server = await stage.fixture();
    const proxy = await stage.proxy(server);
    const session = await stage.hold('late', proxy, { ...unchecked, callTimeoutMs: 300 });
    proxy.pass('neither');
    const call = await failureOf(session.callTool('echo', { text: 'late' }));
    expect(call).toMatchObject({ code: 'CALL_TIMEOUT', outcome: 'unknown' });
    expect(server.executions()).toEqual([]);
    // What the client's system has taken reaches the server whatever the client decides.
    proxy.pass('both');
    await server.executed('echo {"text":"late"}');
    expect(await textOf(session.callTool('echo', { text: 'next' }))).toBe('next');
    expect(server.executions()).toEqual(['echo {"text":"late"}', 'echo {"text":"next"}']);
    await stage.close();
  });

  test('on calls alone (a zombie) is degraded by the first that times out, checked, and never given up for it', async () => {
    const stage = new RemoteStage();
    const server = await stage.fixture({ faults: [{ on: 'tools/call', times: 1, do: 'hang' }] });
    const session = await stage.hold('zombie', server, { ...checkedOften, callTimeoutMs: 500 });
    const before = stage.now;
    const call = await failureOf(session.callTool('echo', { text: 'anyone?' }));
    expect(call).toMatchObject({ code: 'CALL_TIMEOUT', outcome: 'unknown' });
    const { seq } = await stage.reaches('zombie', 'connected.degraded');
    await eventually(() => stage.story('zombie', seq).filter((line) => line === '1 check ok').length >= 3);
    expect(session.state).toBe('degraded');
    expect(await textOf(session.callTool('echo', { text: 'hello' }))).toBe('hello');
    await stage.recovers(session);
    expect([...new Set(stage.story('zombie', before))]).toEqual(
      expect.arrayContaining(['1 check ok', '1 connected.degraded', '1 connected.healthy']),
    );
    expect(new Set(stage.story('zombie', before)).size).toBe(3);
    // The server was told that nobody waits for the first one any more.
    await eventually(async () => (await server.truth()).cancelled.length === 1);
    await stage.close();
  });

  test.each(['initialize', 'notifications/initialized', 'ping', 'tools/list'])(
    'to %s is not connected within the connect timeout, which addServer rejects with',
    async (method) => {
      const stage = new RemoteStage();
      const server = await stage.fixture({ faults: [{ on: method, do: 'hang' }] });
      const added = await failureOf(stage.hold('mute', server, { ...unchecked, connectTimeoutMs: 700 }));
      expect(added).toMatchObject({ code: 'CONNECT', outcome: 'not-sent', generation: 1, retryable: true });
      expect(stage.story('mute').at(-1)).toBe('1 serverRemoved');
      expect(stage.manager.sessionCount).toBe(0);
      await stage.close();
    },
  );

  test('to the DELETE with which a session is ended is not waited for without limit', async () => {
    const stage = new RemoteStage();
    const server = await stage.fixture({ faults: [{ on: 'DELETE', do: 'hang' }] });
    await stage.hold('clinging', server);
    await stage.close();
    expect((await server.truth()).requests['DELETE']).toBe(1);
  });
});
