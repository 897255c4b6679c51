import { describe, expect, it } from 'vitest';
import { createConnectLimiter } from '../../src/host/connect-limiter.ts';
import { SessionManager, stdio, type ManagerEvent } from '../../src/index.ts';
import { createSimulatedServers, createVirtualClock } from '../../src/testing/index.ts';
import { allTextOf, failureOf, outcomeOf, simulated, world } from './support.ts';

describe('getHealthySession', () => {
  it('prefers healthy over degraded, then fewest in flight, then fewest ever, then the first added', async () => {
    const w = world();
    const a = await w.add('a');
    const b = await w.add('b');
    await w.add('c');
    const pick = (): string | undefined => w.manager.getHealthySession()?.id;
    expect(pick()).toBe('a');
    await a.callTool('echo');
    expect(pick()).toBe('b');
    w.server('b').answersCalls = false;
    const pending = outcomeOf(b.callTool('echo'));
    await w.clock.settle();
    expect(pick()).toBe('c');
    expect(w.manager.getHealthySession({ among: ['a', 'b'] })?.id).toBe('a');
    expect(w.manager.getHealthySession({ among: ['b'] })).toBe(b);
    expect(w.manager.getHealthySession({ among: [] })).toBeUndefined();
    w.server('c').answersPing = false;
    await w.clock.advance(20_000);
    expect(w.manager.session('c').state).toBe('degraded');
    expect(pick()).toBe('a');
    expect(w.manager.getHealthySession({ among: ['b', 'c'] })).toBe(b);
    expect(w.manager.getHealthySession({ among: ['c'] })?.id).toBe('c');
    expect(pending.state).toBe('pending');
    await w.clock.advance(20_000);
    expect(w.manager.session('c').state).toBe('unhealthy');
    expect(w.manager.getHealthySession({ among: ['c'] })).toBeUndefined();
  });

  it('knows who offers a tool', async () => {
    const w = world();
    w.server('b').tools = [{ name: 'paint', inputSchema: { type: 'object' } }];
    await w.add('a');
    const b = await w.add('b');
    expect(w.manager.getHealthySession({ tool: 'paint' })).toBe(b);
    expect(w.manager.getHealthySession({ tool: 'echo' })?.id).toBe('a');
    expect(w.manager.getHealthySession({ tool: 'sing' })).toBeUndefined();
  });

  it('gives nobody who is not connected', async () => {
    const w = world();
    expect(w.manager.getHealthySession()).toBeUndefined();
    await w.add('a');
    w.server('a').exit();
    expect(w.manager.getHealthySession()).toBeUndefined();
    await w.add('b', { lazy: true });
    await w.clock.settle();
    expect(w.manager.getHealthySession()).toBeUndefined();
  });
});

describe('health monitoring', () => {
  it('can be stopped and resumed; repeats do nothing; what was due is spread over 5 s', async () => {
    const w = world();
    for (const id of ['a', 'b', 'c']) await w.add(id);
    const probes = (): number => w.sim.all().reduce((sum, server) => sum + server.probes, 0);
    expect(probes()).toBe(3);
    w.manager.stopHealthMonitoring();
    w.manager.stopHealthMonitoring();
    w.server('a').hang();
    await w.clock.advance(600_000);
    expect(probes()).toBe(3);
    expect(w.manager.session('a').state).toBe('healthy');
    expect(w.clock.pendingTimers).toBe(0);
    const chances = [0.1, 0.5, 0.9];
    w.random = () => chances.shift() ?? 0.5;
    w.news();
    w.manager.startHealthMonitoring();
    w.manager.startHealthMonitoring();
    await w.clock.advance(5_000);
    expect(w.news().filter((line) => line.endsWith('tick'))).toEqual([
      '600500 a 1 tick',
      '602500 b 1 tick',
      '604500 c 1 tick',
    ]);
    await w.clock.advance(5_000);
    expect(w.manager.session('a').state).toBe('degraded');
  });

  it('can be off from the start', async () => {
    const w = world({ config: { healthMonitoring: false } });
    await w.add('a');
    await w.clock.advance(600_000);
    expect(w.server('a').probes).toBe(1);
    w.manager.startHealthMonitoring();
    await w.clock.advance(60_000);
    expect(w.server('a').probes).toBeGreaterThan(1);
  });

  it('that is stopped keeps nobody from reconnecting', async () => {
    const w = world();
    const session = await w.add('a');
    w.manager.stopHealthMonitoring();
    w.server('a').exit();
    await w.clock.advance(1_000);
    expect(session.info).toMatchObject({ state: 'healthy', generation: 2 });
  });

  it('spreads the first checks over the interval, and never probes one session twice at once', async () => {
    const w = world();
    const chances = [0, 0.25, 0.5, 0.99];
    w.random = () => chances.shift() ?? 0.5;
    for (const id of ['a', 'b', 'c', 'd']) await w.add(id);
    w.news();
    await w.clock.advance(30_000);
    expect(
      w
        .news()
        .filter((line) => line.endsWith('tick'))
        .slice(0, 4),
    ).toEqual(['0 a 1 tick', '7500 b 1 tick', '15000 c 1 tick', '29700 d 1 tick']);
  });
});

describe('a fleet of 200', () => {
  it('that loses all its links at once recovers, every server in its next generation', async () => {
    const w = world({ config: { maxConnections: 200 } });
    const sessions = [];
    for (let n = 0; n < 200; n += 1) sessions.push(await w.add(`s${n}`));
    expect(w.manager.sessionStats()).toMatchObject({ healthy: 200 });
    let seed = 1;
    w.random = () => {
      seed = (seed * 48_271) % 2_147_483_647;
      return seed / 2_147_483_647;
    };
    for (const server of w.sim.all()) server.exit();
    for (const session of sessions) {
      const error = await failureOf(() => session.callTool('echo', {}, { waitForReadyMs: 0 }));
      expect(error).toMatchObject({ code: 'NOT_READY', outcome: 'not-sent' });
    }
    await w.clock.settle();
    expect(w.manager.sessionStats()).toMatchObject({ disconnected: 200 });
    await w.clock.advance(500);
    expect(w.manager.sessionStats()).toEqual({
      connecting: 0,
      healthy: 200,
      degraded: 0,
      unhealthy: 0,
      disconnected: 0,
    });
    expect(w.sim.all().every((server) => server.maxLiveLinks === 1 && server.opens === 2)).toBe(true);
    expect(w.events.map((event) => event.seq)).toEqual(w.events.map((_, index) => index + 1));
    const closed = outcomeOf(w.manager.close());
    await w.clock.settle();
    closed.value();
    expect(w.clock.pendingTimers).toBe(0);
  });
});

describe('the connect limiter', () => {
  it('paces the starts of stdio servers: 16 at once after a quiet time, 8 at the same time, then 10 a second', async () => {
    const clock = createVirtualClock();
    const sim = createSimulatedServers(clock, { defaults: { connectMs: 10 } });
    const manager = new SessionManager(
      { maxConnections: 40 },
      { clock, links: sim.links, random: () => 0.5, connectLimiter: createConnectLimiter({ clock }) },
    );
    const openings: number[] = [];
    manager.events$.subscribe((event: ManagerEvent) => {
      if (event.type === 'stateChanged' && event.phase === 'connecting.opening') openings.push(clock.monotonic());
    });
    const added = Array.from({ length: 40 }, (_, n) => outcomeOf(manager.addServer(`s${n}`, stdio({ command: 'x' }))));
    await clock.settle();
    expect(openings).toHaveLength(8);
    expect(manager.listSessions().filter((info) => info.phase === 'connecting.waiting')).toHaveLength(32);
    await clock.advance(2_410);
    expect(added.every((each) => each.state === 'resolved')).toBe(true);
    expect(openings).toEqual([
      ...Array.from({ length: 8 }, () => 0),
      ...Array.from({ length: 8 }, () => 10),
      ...Array.from({ length: 24 }, (_, n) => (n + 1) * 100),
    ]);
    const closed = outcomeOf(manager.close());
    await clock.settle();
    closed.value();
    expect(clock.pendingTimers).toBe(0);
  });

  it('waiting for it is no part of the connect timeout; giving up leaves the queue', async () => {
    const clock = createVirtualClock();
    const sim = createSimulatedServers(clock);
    const manager = new SessionManager(
      {},
      { clock, links: sim.links, random: () => 0.5, connectLimiter: createConnectLimiter({ clock, atOnce: 1 }) },
    );
    sim.server('slow').connectMs = 50_000;
    const slow = outcomeOf(manager.addServer('slow', stdio({ command: 'x' })));
    const patient = outcomeOf(
      manager.addServer('patient', stdio({ command: 'x' }), { connectTimeoutMs: 1_000 }),
      clock,
    );
    const abort = new AbortController();
    const hasty = outcomeOf(manager.addServer('hasty', stdio({ command: 'x' }), { signal: abort.signal }));
    await clock.advance(10_000);
    abort.abort();
    await clock.advance(40_000);
    expect(slow.state).toBe('resolved');
    expect(patient.atMs).toBe(50_000);
    expect(hasty.error()).toMatchObject({ code: 'CALL_ABORTED' });
    expect(sim.server('hasty').opens).toBe(0);
    const closed = outcomeOf(manager.close());
    await clock.settle();
    closed.value();
    expect(clock.pendingTimers).toBe(0);
  });

  it('gets its permit back when an attempt fails, crashes or is given up', async () => {
    const clock = createVirtualClock();
    const sim = createSimulatedServers(clock);
    let chance = (): number => 0.5;
    const manager = new SessionManager(
      {},
      {
        clock,
        links: sim.links,
        random: () => chance(),
        connectLimiter: createConnectLimiter({ clock, atOnce: 1, perSecond: Infinity }),
      },
    );
    sim.server('a').refuse = { kind: 'unreachable', code: 'x', message: 'x' };
    const a = outcomeOf(manager.addServer('a', stdio({ command: 'x' })));
    await clock.settle();
    expect(a.state).toBe('rejected');
    chance = () => {
      chance = () => 0.5;
      throw new Error('no chance');
    };
    const b = outcomeOf(manager.addServer('b', stdio({ command: 'x' })));
    await clock.settle();
    expect(b.state).toBe('rejected');
    sim.server('c').answersInitialize = false;
    const c = outcomeOf(manager.addServer('c', stdio({ command: 'x' })));
    await clock.settle();
    const removed = outcomeOf(manager.removeServer('c'));
    await clock.settle();
    expect([c.state, removed.state]).toEqual(['rejected', 'resolved']);
    const d = outcomeOf(manager.addServer('d', stdio({ command: 'x' })));
    await clock.settle();
    expect(d.state).toBe('resolved');
    const closed = outcomeOf(manager.close());
    await clock.settle();
    closed.value();
  });

  it('does not pace servers behind custom transports', async () => {
    const clock = createVirtualClock();
    const sim = createSimulatedServers(clock);
    const manager = new SessionManager(
      { maxConnections: 40 },
      { clock, links: sim.links, random: () => 0.5, connectLimiter: createConnectLimiter({ clock }) },
    );
    for (let n = 0; n < 40; n += 1) outcomeOf(manager.addServer(`s${n}`, simulated));
    await clock.settle();
    expect(manager.sessionStats().healthy).toBe(40);
    const closed = outcomeOf(manager.close());
    await clock.settle();
    closed.value();
  });
});

describe('secrets', () => {
  it('of a stdio target’s environment are in no event, info, snapshot, log or error', async () => {
    const secret = 's3cret-v4lue';
    const logged: unknown[] = [];
    const log = (...entry: unknown[]): void => void logged.push(entry);
    const w = world({ behaviour: { pid: 5 }, ports: { logger: { debug: log, info: log, warn: log, error: log } } });
    const target = stdio({ command: 'x', env: { API_TOKEN: secret } });
    const errors: unknown[] = [];
    const values: unknown[] = [];
    const attempt = async (run: () => unknown): Promise<void> => {
      const outcome = outcomeOf(Promise.resolve().then(run));
      await w.clock.advance(100);
      if (outcome.state === 'rejected') errors.push(outcome.error());
    };
    const added = outcomeOf(w.manager.addServer('a', target));
    await w.clock.settle();
    const session = added.value();
    w.manager.sessions$.subscribe((each) => values.push(each));
    session.info$.subscribe((each) => values.push(each));
    await attempt(() => w.manager.addServer('a', target));
    await attempt(() => w.manager.addServer('b', target, { signal: AbortSignal.abort() }));
    w.server('c').refuse = { kind: 'config', code: 'ENOENT', message: 'no such program' };
    await attempt(() => w.manager.addServer('c', target));
    w.server('a').answersCalls = false;
    await attempt(() => session.callTool('echo', {}, { timeoutMs: 5 }));
    const lost = outcomeOf(session.callTool('echo'));
    await w.clock.settle();
    w.server('a').exit();
    await w.clock.settle();
    errors.push(lost.error());
    await attempt(() => session.callTool('echo'));
    w.random = () => {
      w.random = () => 0.5;
      throw new Error('no chance');
    };
    w.server('a').exit();
    await w.clock.advance(60_000);
    values.push(
      w.manager.snapshot(),
      w.manager.listSessions(),
      session.info,
      session.server,
      session.catalog,
      w.manager.config,
      session,
      w.manager,
    );
    await attempt(() => w.manager.removeServer('a'));
    await attempt(() => session.callTool('echo'));
    expect(errors.length).toBeGreaterThan(5);
    for (const each of [...w.events, ...values, ...errors, ...logged]) expect(allTextOf(each)).not.toContain(secret);
  });
});
