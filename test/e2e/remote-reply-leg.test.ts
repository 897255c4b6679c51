import { describe, expect, test } from 'vitest';
import { eventually } from '../support/eventually.ts';
import { downAndOut, RemoteStage, unchecked, vainAttempts } from './remote-stage.ts';
import { failureOf, firstConnection, secondConnection, textOf, unhurried } from './stage.ts';

const unknown = { code: 'OUTCOME_UNKNOWN', outcome: 'unknown', generation: 1, retryable: false, tool: 'hold' };
const held = 'hold {"tag":"x"}';

describe('a call in flight whose reply is lost', unhurried, () => {
  test.each([
    ['is reset', 'rst', 'broken'],
    ['breaks off', 'fin', 'broken'],
    ['ends in good order, but too early', 'end', 'reply-ended'],
  ])('when the reply %s is of unknown outcome at once, and was executed once', async (_how, how, code) => {
    const stage = new RemoteStage();
    const server = await stage.fixture({ replies: 'sse' });
    const options = { ...unchecked, healthCheck: { ...unchecked.healthCheck, successThreshold: 1 } };
    const session = await stage.hold('cut', server, options);
    const call = failureOf(session.callTool('hold', { tag: 'x' }));
    await server.executed(held);
    await server.order({ dropReplies: how });
    expect(await call).toMatchObject(unknown);
    // What the loss made doubtful is asked for at once: the server answers.
    await eventually(() => stage.story('cut').at(-1) === '1 check ok');
    await server.order({ release: 'x' });
    // And a call that is executed makes good for the one that failed.
    expect(await textOf(session.callTool('echo', { text: 'hello' }))).toBe('hello');
    await stage.recovers(session);

    expect(stage.story('cut')).toEqual([
      ...firstConnection,
      `1 linkFault ${code}`,
      '1 connected.degraded',
      '1 check ok',
      '1 connected.healthy',
    ]);
    expect(stage.linkStory('cut')).toEqual(['1 opened', `1 fault transport ${code}`]);
    expect(server.executions()).toEqual([held, 'echo {"text":"hello"}']);
    expect(session.info).toMatchObject({ generation: 1, activeRequests: 0, failedRequests: 1 });
    await stage.close();
  });

  test.each(['rst', 'fin', 'end'])('by %s, but that has event ids, is resumed and answered', async (how) => {
    const stage = new RemoteStage();
    const server = await stage.fixture({ replies: 'sse', eventIds: true, retry: 10 });
    const session = await stage.hold('resumed', server);
    await server.holdsStandby();
    const call = session.callTool('hold', { tag: 'x' });
    await server.executed(held);
    // Twice in a row, and the answer comes on the third leg.
    for (let leg = 1; leg <= 2; leg += 1) {
      await server.order({ dropReplies: how });
      await eventually(async () => {
        const { gets, open } = await server.truth();
        return gets.length === 1 + leg && open.replies === 1;
      });
    }
    await server.order({ release: 'x' });
    expect(await textOf(call)).toBe('released x');

    const [, first, second] = (await server.truth()).gets;
    expect(first?.lastEventId).toMatch(/^s\d+-0$/);
    expect(second?.lastEventId).toBe(first?.lastEventId);
    expect(server.executions()).toEqual([held]);
    expect(session.info).toMatchObject({ state: 'healthy', generation: 1, failedRequests: 0, successfulRequests: 1 });
    await stage.close();
  });

  test('gets the answer that came while it had no connection', async () => {
    const stage = new RemoteStage();
    const server = await stage.fixture({ replies: 'sse', eventIds: true, retry: 10 });
    const proxy = await stage.proxy(server);
    const session = await stage.hold('missed', proxy);
    await server.holdsStandby();
    const call = session.callTool('hold', { tag: 'x' });
    const isOpen = (reply: string): boolean => reply.includes('-0\ndata: \n\n') && !reply.includes('"result"');
    await eventually(() => proxy.openConnections.some(({ verb, lastReply }) => verb === 'POST' && isOpen(lastReply)));
    // It is told of the loss, but what it sends then goes nowhere until the answer is there.
    proxy.pass('neither');
    proxy.break('fin');
    await server.order({ release: 'x' });
    proxy.pass('both');
    expect([await textOf(call), server.executions()]).toEqual(['released x', [held]]);
    await stage.close();
  });

  test.each(['lost', 'silent'])('with event ids that lead nowhere (%s) is of unknown outcome', async (store) => {
    const stage = new RemoteStage();
    const server = await stage.fixture({ replies: 'sse', eventIds: true, retry: 10, store });
    const session = await stage.hold('forgotten', server, { ...unchecked, callTimeoutMs: 2_000 });
    await server.holdsStandby();
    const call = failureOf(session.callTool('hold', { tag: 'x' }));
    await server.executed(held);
    await server.order({ dropReplies: 'fin' });
    // The 404 to the resumption says nothing of the session; and on a stream that says nothing only the time limit helps.
    expect(await call).toMatchObject(
      store === 'lost' ? unknown : { code: 'CALL_TIMEOUT', outcome: 'unknown', generation: 1, timeoutMs: 2_000 },
    );
    expect(server.executions()).toEqual([held]);
    expect(session.info.generation).toBe(1);
    expect(await textOf(session.callTool('echo', { text: 'same session' }))).toBe('same session');
    expect((await server.truth()).requests['POST initialize']).toBe(1);
    await stage.close();
  });

  test.each(['rst', 'fin'] as const)('in the middle of a JSON body (%s) is of unknown outcome', async (how) => {
    const stage = new RemoteStage();
    const server = await stage.fixture();
    const proxy = await stage.proxy(server);
    const session = await stage.hold('json', proxy);
    const call = failureOf(session.callTool('hold', { tag: 'x' }));
    await server.executed(held);
    proxy.cutAfter(200, how);
    await server.order({ release: 'x' });
    expect(await call).toMatchObject(unknown);
    expect(server.executions()).toEqual([held]);
    await stage.close();
  });

  test('with sixteen others when the server is killed: all are unknown, each was executed once, and it comes back', async () => {
    const stage = new RemoteStage();
    const server = await stage.fixture();
    const session = await stage.hold('killed', server);
    const tags = Array.from({ length: 16 }, (_, n) => `hold {"tag":"${n}"}`);
    const calls = tags.map((_, n) => failureOf(session.callTool('hold', { tag: String(n) })));
    for (const tag of tags) await server.executed(tag);
    await server.kill();
    for (const failure of await Promise.all(calls)) expect(failure).toMatchObject(unknown);
    await stage.retries('killed', 2);
    await server.start();
    const last = await stage.recovers(session);

    expect(stage.story('killed').filter((line) => line !== '1 linkFault broken')).toEqual([
      ...firstConnection,
      '1 connected.degraded',
      ...downAndOut(1),
      ...vainAttempts(2, last - 1, 2),
      ...secondConnection(last),
    ]);
    expect(server.executions().toSorted()).toEqual(tags.toSorted());
    expect(server.starts()).toHaveLength(2);
    await stage.close();
  });
});
