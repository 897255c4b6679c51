import { describe, expect, test } from 'vitest';
import type { Session } from '../../src/index.ts';
import { eventually } from '../support/eventually.ts';
import { checkedOften, downAndOut, RemoteStage, vainAttempts } from './remote-stage.ts';
import { firstConnection, secondConnection, textOf, unhurried } from './stage.ts';

/** The loss of a session that is made anew at once. */
const lostAndRenewed = (lost: number, code: string): string[] => [
  `${lost} sessionLost ${code}`,
  `${lost} releasing`,
  `${lost} connecting.waiting`,
  ...secondConnection(lost + 1),
];

const echo = (session: Session, text: string): Promise<string> => textOf(session.callTool('echo', { text }));

describe('without any call by its user, a session comes back to a remote server', unhurried, () => {
  test('that was restarted and offers no standby stream, with its next check, which is no failed one', async () => {
    // Without chance the checks begin at once when they are taken up again, instead of some time within 5 s.
    const stage = new RemoteStage({}, { random: () => 0 });
    const server = await stage.fixture({ standby: 'refused' });
    const session = await stage.hold('restarted', server, checkedOften);
    const states: string[] = [];
    session.state$.subscribe((state) => states.push(state));
    stage.manager.stopHealthMonitoring();
    const before = stage.now;
    await server.restart();
    stage.manager.startHealthMonitoring();
    await stage.reaches('restarted', 'connected.healthy', 2);
    stage.manager.stopHealthMonitoring();

    expect(stage.story('restarted', before).slice(0, 8)).toEqual(lostAndRenewed(1, 'http:404'));
    expect(stage.linkStory('restarted')).toEqual(['1 opened', '1 down session-lost http:404', '2 opened']);
    expect(states).toEqual(['healthy', 'disconnected', 'connecting', 'healthy']);
    expect(session.info).toMatchObject({ generation: 2, attempt: 0, failedHealthChecks: 0, failedRequests: 0 });
    expect(await echo(session, 'hello')).toBe('hello');
    // One session was made in the new life, and it was the 404 to a ping that brought it about.
    expect((await server.truth()).statuses).toMatchObject({ 'POST ping 404': 1, 'POST initialize 200': 1 });
    await stage.close();
  });

  test.each([
    ['a server', 404],
    ['server-everything', 400],
  ])('that is %s, restarted, and says %i to the old session, as soon as its stream ends', async (which, status) => {
    const stage = new RemoteStage();
    const server = status === 404 ? await stage.fixture() : await stage.everything();
    const proxy = await stage.proxy(server);
    await stage.hold(which, proxy);
    await eventually(() => proxy.openConnections.some(({ verb, toClient }) => verb === 'GET' && toClient > 0));
    // Nobody hears of the end of the stream before the server is back.
    const streams = proxy.openConnections.filter(({ verb }) => verb === 'GET');
    const others = proxy.openConnections.filter(({ verb }) => verb !== 'GET');
    proxy.halfOpen(streams);
    proxy.break('fin', others);
    await server.restart();
    proxy.break('fin', streams);
    await stage.reaches(which, 'connected.healthy', 2);

    expect(stage.story(which)).toEqual([
      ...firstConnection,
      '1 linkFault broken',
      ...lostAndRenewed(1, `http:${status}`),
    ]);
    expect(stage.linkStory(which).filter((line) => !line.includes('notice'))).toEqual([
      '1 opened',
      '1 fault transport broken',
      `1 down session-lost http:${status}`,
      '2 opened',
    ]);
    await stage.close();
  });

  test('that forgets its sessions again and again: at once, and at once, and the third time in a minute after a pause', async () => {
    const stage = new RemoteStage();
    const server = await stage.fixture();
    await stage.hold('forgetful', server);
    for (let generation = 2; generation <= 4; generation += 1) {
      await server.holdsStandby();
      await server.order({ forget: true });
      await stage.reaches('forgetful', 'connected.healthy', generation);
    }
    expect(stage.story('forgetful')).toEqual([
      ...firstConnection,
      '1 linkFault broken',
      ...lostAndRenewed(1, 'http:404'),
      '2 linkFault broken',
      ...lostAndRenewed(2, 'http:404'),
      '3 linkFault broken',
      '3 sessionLost http:404',
      ...downAndOut(3),
      ...secondConnection(4),
    ]);
    await stage.close();
  });

  test('that was away behind a proxy, which said 404 to everything: tried again and again until it is back', async () => {
    const stage = new RemoteStage();
    const server = await stage.fixture();
    const session = await stage.hold('deployed', server);
    await server.holdsStandby();
    await server.set({ window: {} });
    await server.order({ dropStandby: 'fin' });
    await stage.retries('deployed', 3);
    await server.set({ window: null });
    const last = await stage.recovers(session);

    expect(stage.story('deployed')).toEqual([
      ...firstConnection,
      '1 linkFault broken',
      '1 sessionLost http:404',
      '1 releasing',
      '1 connecting.waiting',
      ...vainAttempts(2, last - 1, 1),
      ...secondConnection(last),
    ]);
    expect(stage.linkStory('deployed')).toEqual([
      '1 opened',
      '1 fault transport broken',
      '1 down session-lost http:404',
      ...Array.from({ length: last - 2 }, (_, n) => `${n + 2} down unreachable http:404`),
      `${last} opened`,
    ]);
    expect(await echo(session, 'hello')).toBe('hello');
    await stage.close();
  });

  test('that was away behind a proxy, which said 502: the session is kept, degraded, and as healthy as before', async () => {
    const stage = new RemoteStage();
    const server = await stage.fixture();
    const options = { ...checkedOften, healthCheck: { ...checkedOften.healthCheck, failureThreshold: 1_000 } };
    const session = await stage.hold('gateway', server, options);
    const [id] = (await server.truth()).sessions;
    await server.set({ window: { status: 502 } });
    const { seq } = await stage.reaches('gateway', 'connected.degraded');
    await server.set({ window: null });
    await stage.recovers(session);

    const story = stage.story('gateway', seq);
    const failed = story.filter((line) => line === '1 check failed: http:502').length;
    expect(story.slice(0, failed + 4)).toEqual([
      '1 connected.degraded',
      ...Array.from({ length: failed }, () => '1 check failed: http:502'),
      '1 check ok',
      '1 check ok',
      '1 connected.healthy',
    ]);
    expect(stage.linkStory('gateway')).toEqual(['1 opened']);
    expect((await server.truth()).sessions).toEqual([id]);
    await stage.close();
  });

  test.each(['fault server', 'server-everything'])('the %s, killed with -9 and started again later', async (which) => {
    const stage = new RemoteStage();
    const server = which === 'fault server' ? await stage.fixture() : await stage.everything();
    const proxy = await stage.proxy(server);
    const session = await stage.hold('killed', proxy);
    // Its end is what gives the death away.
    await eventually(() => proxy.openConnections.some(({ verb, toClient }) => verb === 'GET' && toClient > 0));
    proxy.refuse();
    await server.kill();
    await stage.retries('killed', 3);
    await server.start();
    await proxy.accept();
    const last = await stage.recovers(session);

    expect(stage.story('killed')).toEqual([
      ...firstConnection,
      '1 linkFault broken',
      ...downAndOut(1),
      ...vainAttempts(2, last - 1, 2),
      ...secondConnection(last),
    ]);
    expect(stage.linkStory('killed').filter((line) => !line.includes('notice'))).toEqual([
      '1 opened',
      '1 fault transport broken',
      ...Array.from({ length: last - 1 }, (_, n) => `${n + 1} down unreachable ECONNREFUSED`),
      `${last} opened`,
    ]);
    expect(session.info).toMatchObject({ attempt: last - 1, lastError: { code: 'ECONNREFUSED' } });
    expect(session.catalog.tools.length).toBeGreaterThan(0);
    await stage.close();
  });
});
