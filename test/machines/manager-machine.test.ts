import { describe, expect, it } from 'vitest';
import { tickerLogic } from '../../src/actors/health-ticker.ts';
import { nextCrash } from '../../src/machines/manager-setup.ts';
import { policyOf } from './session-bench.ts';
import { managerBenches } from './manager-bench.ts';

const bench = managerBenches();

const tick = (id: string, lateMs = 0) => ({ id, generation: 1, lateMs });

describe('SERVER.ADD', () => {
  it('starts the session and opens it at once', () => {
    const manager = bench();
    manager.take();
    manager.add('a');
    expect([manager.take(), manager.phase('a')]).toEqual([['a: watched', 'a: link 1 started'], 'connecting.opening']);
  });

  it('leaves a lazy session idle until it is opened', () => {
    const manager = bench().add('a', { lazy: true });
    expect(manager.phase('a')).toBe('idle');
    manager.send({ type: 'SESSION.OPEN', id: 'a', atMs: 0 });
    expect(manager.phase('a')).toBe('connecting.opening');
  });

  it('of a session that is there does nothing', () => {
    const manager = bench().add('a');
    const before = manager.session('a');
    manager.take();
    manager.send({ type: 'SERVER.ADD', id: 'a' });
    expect([manager.session('a') === before, manager.take({ ticks: true })]).toEqual([true, []]);
  });

  it('of a server that was removed meanwhile does nothing', () => {
    const manager = bench().send({ type: 'SERVER.ADD', id: 'gone' });
    expect([manager.children, manager.take()]).toEqual([[], ['ticker started']]);
  });

  it.each([
    'weather.eu',
    'a b',
    '*',
    'health ticker',
    'a release',
    'restart a',
    'hasOwnProperty',
    'toString',
    'valueOf',
  ])('takes the id "%s" like any other: started, ordered, crashed, restarted and closed', async (id) => {
    const manager = bench();
    manager.take();
    manager.add(id);
    expect([manager.take(), manager.phase(id)]).toEqual([
      [`${id}: watched`, `${id}: link 1 started`],
      'connecting.opening',
    ]);
    manager.crash(id);
    await manager.released(id);
    await manager.advance(250);
    expect(manager.phase(id)).toBe('connecting.opening');
    manager.remove(id);
    manager.tell(id, 'link', { type: 'LINK.RELEASED', generation: 2, leaked: false });
    expect([manager.take().at(-1), manager.children]).toEqual([`${id}: closed`, []]);
  });
});

describe('orders', () => {
  it('reach the session that they are for, and no other', () => {
    const manager = bench().add('a').add('b').connect('a').connect('b');
    const b = manager.session('b')?.getSnapshot();
    manager.send({ type: 'SESSION.RECYCLE', id: 'a', atMs: 0, reason: 'asked for' });
    expect([manager.phase('a'), manager.phase('b')]).toEqual(['releasing', 'connected.healthy']);
    expect(manager.session('b')?.getSnapshot()).toBe(b);
  });

  it('to unknown sessions do nothing', () => {
    const manager = bench().add('a').connect('a');
    const a = manager.session('a')?.getSnapshot();
    manager.take();
    manager.send(
      { type: 'SESSION.OPEN', id: 'nobody', atMs: 0 },
      { type: 'SESSION.RECYCLE', id: 'nobody', atMs: 0, reason: 'asked for' },
      { type: 'SESSION.ABANDON', id: 'nobody' },
      { type: 'CALL.EDGE', id: 'nobody', edge: { type: 'CALLS.FAILING' } },
      { type: 'TICKS.DUE', ticks: [{ id: 'nobody', generation: 1, lateMs: 0 }] },
      { type: 'SERVER.RESTART', id: 'nobody' },
    );
    expect([manager.take({ ticks: true }), manager.children]).toEqual([[], ['a']]);
    expect(manager.session('a')?.getSnapshot()).toBe(a);
  });

  it('DRAIN to a session that is not there is answered: it is closed', () => {
    const manager = bench();
    manager.take();
    manager.remove('a');
    expect(manager.take()).toEqual(['a: closed']);
  });
});

describe('an order to a session of an inherited name that is not there', () => {
  it.each(['toString', 'hasOwnProperty'])('"%s" harms no other session', (id) => {
    const manager = bench().add('a').connect('a');
    manager.send({ type: 'SESSION.OPEN', id, atMs: 0 });
    expect([manager.errors, manager.actor.getSnapshot().status, manager.phase('a')]).toEqual([
      [],
      'active',
      'connected.healthy',
    ]);
  });
});

describe('edges of calls', () => {
  it('reach the session whose calls they are', () => {
    const manager = bench().add('a').add('b').connect('a').connect('b');
    manager.send({ type: 'CALL.EDGE', id: 'a', edge: { type: 'CALLS.FAILING' } });
    expect([manager.phase('a'), manager.phase('b')]).toEqual(['connected.degraded', 'connected.healthy']);
  });
});

describe('ticks', () => {
  it('reach each session with their lateness and with how long ago its server answered', () => {
    const manager = bench();
    for (const id of ['silent', 'answered', 'late', 'idle']) manager.add(id).connect(id);
    manager.answeredAgoMs.set('silent', 30_000).set('answered', 29_999).set('late', 30_000).set('idle', 0);
    manager.take();
    manager.send({ type: 'TICKS.DUE', ticks: [tick('silent'), tick('answered'), tick('late', 2_501), tick('nobody')] });
    expect(manager.take({ ticks: true })).toEqual([
      'silent: link 1: PROBE.REQUEST',
      { type: 'TICK.ARM', id: 'answered', generation: 1, dueMs: 1_501 },
      { type: 'TICK.ARM', id: 'late', generation: 1, dueMs: 2_500 },
    ]);
  });

  it('are armed with the ticker by the sessions themselves', () => {
    const manager = bench().add('a');
    manager.take();
    manager.connect('a');
    expect(manager.take({ ticks: true }).at(-1)).toEqual({ type: 'TICK.ARM', id: 'a', generation: 1, dueMs: 15_000 });
  });

  it('come every 5 s to a server that keeps saying that it is overloaded', async () => {
    const manager = bench({ ticker: (clock) => tickerLogic(clock, () => 0.5) })
      .add('a')
      .connect('a');
    manager.take();
    for (let refused = 0; refused < 15; refused += 1) {
      manager.send({ type: 'CALL.EDGE', id: 'a', edge: { type: 'OVERLOAD', retryAfterMs: undefined } });
      await manager.advance(4_000);
    }
    expect(manager.take()).toContain('a: link 1: PROBE.REQUEST');
  });

  it('stop and go on with MONITORING.STOP and MONITORING.START', () => {
    const manager = bench();
    manager.take();
    manager.send({ type: 'MONITORING.STOP' }, { type: 'MONITORING.START' });
    expect(manager.take({ ticks: true })).toEqual([{ type: 'TICKER.PAUSE' }, { type: 'TICKER.RESUME' }]);
  });

  it('are paused from the start when monitoring is off', () => {
    expect(bench({ paused: true }).take()).toEqual(['ticker started, paused']);
  });
});

describe('a session whose actor throws', () => {
  it('is released first, and starts anew only after that and after the backoff', async () => {
    const manager = bench().add('a').connect('a');
    manager.take();
    manager.crash('a');
    expect(manager.take({ ticks: true })).toEqual([
      'a: crashed, Error: a broke, restart in 250',
      { type: 'TICK.DISARM', id: 'a' },
      'a: release asked for',
    ]);
    expect(manager.children).toEqual(['a release\u0000']);
    await manager.advance(60_000);
    expect([manager.take({ ticks: true }), manager.children]).toEqual([[], ['a release\u0000']]);
    await manager.released('a');
    await manager.advance(249);
    expect([manager.take({ ticks: true }), manager.children]).toEqual([[], []]);
    await manager.advance(1);
    expect([manager.take(), manager.phase('a')]).toEqual([['a: watched', 'a: link 2 started'], 'connecting.opening']);
  });

  it('continues its generations and all else that it remembers', async () => {
    const manager = bench().add('a').connect('a');
    manager.tell('a', 'link', {
      type: 'LINK.DOWN',
      generation: 1,
      fault: { kind: 'exit', code: 'exit:1', message: 'gone' },
      atMs: 0,
    });
    manager.tell('a', 'link', { type: 'LINK.RELEASED', generation: 1, leaked: false });
    manager.crash('a');
    await manager.released('a');
    await manager.advance(250);
    expect(manager.session('a')?.getSnapshot().context).toMatchObject({
      generation: 2,
      attempt: 1,
      everConnected: true,
      exits: [0],
    });
  });

  it('touches no other session', async () => {
    const manager = bench().add('a').add('b').connect('a').connect('b');
    const b = manager.session('b');
    const snapshot = b?.getSnapshot();
    manager.crash('a');
    await manager.released('a');
    await manager.advance(250);
    expect([manager.session('b') === b, b?.getSnapshot() === snapshot]).toEqual([true, true]);
    manager.send({ type: 'CALL.EDGE', id: 'b', edge: { type: 'CALLS.FAILING' } });
    expect(manager.phase('b')).toBe('connected.degraded');
  });

  it('that throws again and again waits longer each time, and quickly again after 300 s without', async () => {
    const manager = bench().add('a');
    const restarts: (string | undefined)[] = [];
    const crash = async (restartMs: number): Promise<void> => {
      manager.take();
      manager.crash('a');
      restarts.push(
        manager
          .take()
          .map(String)
          .find((entry) => entry.startsWith('a: crashed')),
      );
      await manager.released('a');
      await manager.advance(restartMs);
    };
    await crash(250);
    await crash(750);
    await crash(1_500);
    await manager.advance(298_500);
    await crash(250);
    expect(restarts).toEqual([
      'a: crashed, Error: a broke, restart in 250',
      'a: crashed, Error: a broke, restart in 750',
      'a: crashed, Error: a broke, restart in 1500',
      'a: crashed, Error: a broke, restart in 250',
    ]);
  });

  it('hears no orders meanwhile, and is opened all the same', async () => {
    const manager = bench().add('a');
    manager.crash('a');
    manager.send(
      { type: 'SESSION.OPEN', id: 'a', atMs: 0 },
      { type: 'CALL.EDGE', id: 'a', edge: { type: 'CALLS.FAILING' } },
    );
    await manager.released('a');
    manager.send({ type: 'SESSION.RECYCLE', id: 'a', atMs: 0, reason: 'asked for' });
    await manager.advance(250);
    expect(manager.phase('a')).toBe('connecting.opening');
  });

  it.each([
    ['idle', 'idle'],
    ['connected', 'connecting.opening'],
  ] as const)('that is lazy and was %s is %s again', async (was, phase) => {
    const manager = bench().add('a', { lazy: true });
    if (was === 'connected') manager.send({ type: 'SESSION.OPEN', id: 'a', atMs: 0 }).connect('a');
    manager.crash('a');
    await manager.released('a');
    await manager.advance(250);
    expect(manager.phase('a')).toBe(phase);
  });

  it('that is never to be reconnected stays disconnected', async () => {
    const policy = policyOf({ reconnect: { enabled: false }, policy: { limited: false } });
    const manager = bench().add('a', policy).connect('a');
    manager.crash('a');
    await manager.released('a');
    await manager.advance(250);
    expect([manager.phase('a'), manager.clock.pendingTimers]).toEqual(['disconnected.stopped', 0]);
  });

  it('is not restarted once its server was removed', async () => {
    const manager = bench().add('a');
    manager.crash('a');
    await manager.released('a');
    manager.servers.delete('a');
    manager.take();
    await manager.advance(1_000);
    expect([manager.children, manager.take()]).toEqual([[], []]);
  });

  it('drained while its link is being released is closed when that is done, once, and not restarted', async () => {
    const manager = bench().add('a');
    manager.crash('a').take();
    manager.remove('a').remove('a');
    expect(manager.take()).toEqual([]);
    await manager.released('a');
    expect(manager.take()).toEqual(['a: closed']);
    await manager.advance(60_000);
    expect([manager.take(), manager.children]).toEqual([[], []]);
  });

  it('drained while it waits for its restart is closed at once, and not restarted', async () => {
    const manager = bench().add('a');
    manager.crash('a');
    await manager.released('a');
    manager.take();
    manager.remove('a');
    expect([manager.take(), manager.clock.pendingTimers]).toEqual([['a: closed'], 0]);
    await manager.advance(60_000);
    expect([manager.take(), manager.children]).toEqual([[], []]);
  });

  it.each([
    ['while its link is being released', true],
    ['while it waits for its restart', false],
  ])('has its crashes forgotten when it is closed %s', async (_when, isReleasing) => {
    const manager = bench().add('a');
    manager.crash('a');
    if (!isReleasing) await manager.released('a');
    manager.remove('a');
    if (isReleasing) await manager.released('a');
    expect(manager.actor.getSnapshot().context).toEqual({ crashes: {}, watchers: {}, paused: false });
  });

  it('two at once are cleaned up independently', async () => {
    const manager = bench().add('a').add('b');
    manager.crash('a').crash('b');
    expect(manager.children).toEqual(['a release\u0000', 'b release\u0000']);
    await manager.released('b');
    await manager.advance(250);
    expect([manager.phase('a'), manager.phase('b')]).toEqual([undefined, 'connecting.opening']);
    await manager.released('a');
    await manager.advance(250);
    expect([manager.phase('a'), manager.phase('b')]).toEqual(['connecting.opening', 'connecting.opening']);
  });
});

describe('a session that has closed', () => {
  it('is forgotten with its tick and its crashes, and its id may be used again', async () => {
    const manager = bench().add('a');
    manager.crash('a');
    await manager.released('a');
    await manager.advance(250);
    manager.take();
    manager.remove('a');
    manager.tell('a', 'link', { type: 'LINK.RELEASED', generation: 2, leaked: false });
    expect(manager.take({ ticks: true })).toEqual([
      'a: link 2: LINK.RELEASE kill',
      'a: closed',
      { type: 'TICK.DISARM', id: 'a' },
    ]);
    expect([manager.children, manager.actor.getSnapshot().context.crashes]).toEqual([[], {}]);
    manager.memories.clear();
    manager.add('a');
    expect([manager.phase('a'), manager.take()]).toEqual(['connecting.opening', ['a: watched', 'a: link 1 started']]);
  });
});

describe('a ticker that throws', () => {
  it('is replaced, and the sessions arm their ticks with the new one', () => {
    const manager = bench().add('a').connect('a');
    const a = manager.session('a');
    manager.take();
    manager.crashTicker();
    manager.send({ type: 'MONITORING.START' });
    expect(manager.take({ ticks: true })).toEqual([
      { type: 'TICKER.RESUME' },
      'ticker started',
      { type: 'TICK.ARM', id: 'a', generation: 1, dueMs: 2_500 },
    ]);
    manager.send({ type: 'CALL.EDGE', id: 'a', edge: { type: 'CALLS.FAILING' } });
    expect(manager.take({ ticks: true })).toEqual([{ type: 'TICK.ARM', id: 'a', generation: 1, dueMs: 5_000 }]);
    expect(manager.session('a')).toBe(a);
  });

  it('while monitoring is off is replaced by one that is paused', () => {
    const manager = bench();
    manager.take();
    manager.crashTicker();
    manager.send({ type: 'MONITORING.STOP' });
    expect(manager.take()).toEqual(['ticker started, paused']);
  });

  it('does not silence the checks of the sessions whose ticks it held', async () => {
    let isBroken = false;
    const random = (): number => {
      if (!isBroken) return 0.5;
      isBroken = false;
      throw new Error('no more chance');
    };
    const manager = bench({ ticker: (clock) => tickerLogic(clock, random) })
      .add('a')
      .connect('a');
    manager.send({ type: 'MONITORING.STOP' });
    await manager.advance(20_000);
    isBroken = true;
    manager.send({ type: 'MONITORING.START' });
    expect(isBroken).toBe(false);
    manager.take();
    await manager.advance(60_000);
    expect(manager.take()).toContain('a: link 1: PROBE.REQUEST');
  });
});

describe('nextCrash', () => {
  it.each([
    [undefined, 0, { count: 1, atMs: 0, restartMs: 250 }],
    [{ count: 1, atMs: 0, restartMs: 250 }, 299_999, { count: 2, atMs: 299_999, restartMs: 750 }],
    [{ count: 1, atMs: 0, restartMs: 250 }, 300_000, { count: 1, atMs: 300_000, restartMs: 250 }],
    [{ count: 40, atMs: 0, restartMs: 1 }, 1, { count: 41, atMs: 1, restartMs: 45_000 }],
  ])('after %j at %i ms is %j', (last, atMs, next) => {
    expect(nextCrash(last, atMs, 0.5)).toEqual(next);
  });
});
