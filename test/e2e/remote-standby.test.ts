import { describe, expect, test } from 'vitest';
import { eventually } from '../support/eventually.ts';
import type { HttpFixture } from '../support/http-fixture.ts';
import { checkedOften, RemoteStage } from './remote-stage.ts';
import { firstConnection, textOf, unhurried } from './stage.ts';

const listChanged = { notify: { method: 'notifications/tools/list_changed' } };
const heard = 'notice notifications/tools/list_changed';

/** The n-th opening of the standby stream is there and stands. */
async function openedAgain(server: HttpFixture, times: number): Promise<void> {
  await eventually(async () => {
    const { gets, open } = await server.truth();
    return gets.length === times && open.standby === 1;
  });
}

describe('the stream on which a remote server tells what nobody asked for', unhurried, () => {
  test.each([
    ['is reset', 'rst'],
    ['breaks off', 'fin'],
  ])('%s: is opened again where it left off, after a check, and no state changes', async (_how, how) => {
    const stage = new RemoteStage();
    const server = await stage.fixture({ eventIds: true, retry: 10 });
    const session = await stage.hold('dropped', server);
    await openedAgain(server, 1);
    await server.order(listChanged);
    await eventually(() => stage.linkStory('dropped').includes(`1 ${heard}`));
    await server.order({ dropStandby: how });
    await openedAgain(server, 2);
    await server.order(listChanged);
    await eventually(() => stage.linkStory('dropped').filter((line) => line === `1 ${heard}`).length === 2);

    expect(stage.story('dropped')).toEqual([...firstConnection, '1 linkFault broken', '1 check ok']);
    expect(stage.linkStory('dropped')).toEqual(['1 opened', `1 ${heard}`, '1 fault transport broken', `1 ${heard}`]);
    const ids = (await server.truth()).gets.map(({ lastEventId }) => lastEventId);
    expect(ids).toEqual([null, 's1-1']);
    expect(session.info).toMatchObject({ state: 'healthy', generation: 1, failedHealthChecks: 0 });
    await stage.close();
  });

  test('ends in good order, as behind proxies that limit its time: is opened again, and that is all', async () => {
    const stage = new RemoteStage();
    const server = await stage.fixture({ retry: 10 });
    await stage.hold('limited', server);
    for (let round = 1; round <= 3; round += 1) {
      await openedAgain(server, round);
      await server.order({ dropStandby: 'end' });
    }
    await openedAgain(server, 4);
    await server.order(listChanged);
    await eventually(() => stage.linkStory('limited').includes(`1 ${heard}`));
    expect(stage.story('limited')).toEqual(firstConnection);
    expect(stage.linkStory('limited')).toEqual(['1 opened', `1 ${heard}`]);
    await stage.close();
  });

  test('and that ends as soon as it is there, with `retry: 0`, is opened five times in a row and then once a second', async () => {
    const stage = new RemoteStage();
    const server = await stage.fixture({ standby: { dropAfterMs: 0, how: 'end' }, eventIds: true, retry: 0 });
    const session = await stage.hold('storming', server);
    // Calls get through all the while; each of them is worth hundreds of GETs of a client that does as it is told.
    for (let call = 0; call < 200; call += 1) await session.callTool('echo', { text: 'x' });
    await eventually(async () => (await server.truth()).gets.length >= 8, { timeoutMs: 60_000 });
    const { gets, requests } = await server.truth();
    expect(requests['POST tools/call']).toBe(200);
    const spanMs = Math.max(...gets.map(({ at }) => at)) - Math.min(...gets.map(({ at }) => at));
    // One second is for what the server noticed late.
    expect(gets.length).toBeLessThanOrEqual(5 + spanMs / 1_000 + 1);
    expect(stage.story('storming')).toEqual(firstConnection);
    await stage.close();
  });

  test('of a server that does not offer it is asked for once', async () => {
    const stage = new RemoteStage();
    const server = await stage.fixture({ standby: 'refused' });
    const session = await stage.hold('plain', server, checkedOften);
    await eventually(() => stage.story('plain').length >= firstConnection.length + 5);
    expect(await textOf(session.callTool('echo', { text: 'hello' }))).toBe('hello');
    expect((await server.truth()).gets).toMatchObject([{ lastEventId: null, status: 405 }]);
    expect(new Set(stage.story('plain').slice(firstConnection.length))).toEqual(new Set(['1 check ok']));
    await stage.close();
  });

  test('is closed, with all else, when the server is removed, and the session is ended', async () => {
    const stage = new RemoteStage();
    const server = await stage.fixture();
    await stage.hold('removed', server);
    await server.holdsStandby();
    expect(await stage.manager.removeServer('removed')).toBe(true);
    const { requests, sessions, open } = await server.truth();
    expect([requests['DELETE'], sessions, open]).toEqual([1, [], { standby: 0, replies: 0 }]);
    await stage.close();
  });
});

describe('connections that a middlebox has forgotten', unhurried, () => {
  test('are found out by a check, and the stream and the next calls take new ones', async () => {
    const stage = new RemoteStage();
    const server = await stage.fixture();
    const proxy = await stage.proxy(server);
    const session = await stage.hold('half-open', proxy, checkedOften);
    await Promise.all(Array.from({ length: 4 }, () => session.callTool('echo', { text: 'warm' })));
    await server.holdsStandby();
    const before = stage.now;
    proxy.halfOpen();
    await stage.reaches('half-open', 'connected.degraded');
    await stage.recovers(session);
    const story = stage.story('half-open', before);
    const failed = story.indexOf('1 check failed: check-timeout');
    expect(story.slice(failed, failed + 5)).toEqual([
      '1 check failed: check-timeout',
      '1 connected.degraded',
      '1 check ok',
      '1 check ok',
      '1 connected.healthy',
    ]);
    expect(await textOf(session.callTool('echo', { text: 'hello' }, { timeoutMs: 2_000 }))).toBe('hello');
    await server.holdsStandby();
    await server.order(listChanged);
    await eventually(() => stage.linkStory('half-open').includes(`1 ${heard}`));
    expect(session.info.generation).toBe(1);
    await stage.close();
  });

  test.each([
    ['ended', 'fin'],
    ['reset', 'rst'],
  ] as const)('that are %s while idle cost neither a ping nor a call', async (_what, how) => {
    const stage = new RemoteStage();
    const server = await stage.fixture({ standby: 'refused' });
    const proxy = await stage.proxy(server);
    const session = await stage.hold('idle', proxy);
    const inFlight = Promise.allSettled([textOf(session.callTool('hold', { tag: 'x' }))]);
    await server.executed('hold {"tag":"x"}');
    const breakIdle = (): void => {
      const idle = proxy.openConnections.filter(({ toClient }) => toClient > 0);
      proxy.break(how, idle);
    };
    const ping = session.ping();
    breakIdle();
    expect(await ping).toHaveProperty('ms');
    const call = session.callTool('echo', { text: 'hello' });
    breakIdle();
    expect(await textOf(call)).toBe('hello');
    await server.order({ release: 'x' });
    expect(await inFlight).toEqual([{ status: 'fulfilled', value: 'released x' }]);
    expect(session.info).toMatchObject({ generation: 1, failedRequests: 0 });
    expect(server.executions()).toEqual(['hold {"tag":"x"}', 'echo {"text":"hello"}']);
    await stage.close();
  });
});
