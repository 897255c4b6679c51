import { describe, expect, it } from 'vitest';
import { benches, facts, fault, type SessionBench } from './session-bench.ts';

const bench = benches();

const checkedOk = { type: 'healthChecked', generation: 1, ok: true, latencyMs: 12, void: false, error: null };

describe('the first connection', () => {
  it('goes from the permit over initialize, one check and the list of tools to healthy', async () => {
    const session = bench();
    expect([session.phase, session.generation, session.take(), session.timers]).toEqual([
      'connecting.waiting',
      0,
      ['permit started'],
      [],
    ]);
    session.permit();
    expect([session.phase, session.generation, session.take(), session.timers]).toEqual([
      'connecting.opening',
      1,
      ['remembered', 'permit ended', 'link 1 started'],
      [30_000],
    ]);
    await session.advance(400);
    session.opened();
    expect([session.phase, session.take(), session.timers]).toEqual([
      'connecting.verifying',
      ['link 1: PROBE.REQUEST'],
      [30_000],
    ]);
    session.pingOk();
    expect([session.phase, session.take(), session.timers]).toEqual([
      'connecting.hydrating',
      [checkedOk, 'link 1: HYDRATE.REQUEST'],
      [30_000],
    ]);
    session.hydrated();
    expect([session.phase, session.take(), session.timers]).toEqual([
      'connected.healthy',
      ['permit returned', 'remembered', 'weather: tick of generation 1 in 15000'],
      [],
    ]);
    expect(session.context).toMatchObject({
      generation: 1,
      attempt: 0,
      everConnected: true,
      hydrated: true,
      facts,
      pid: 4_242,
      health: { failures: 0, successes: 2, reasons: [] },
      lastFault: null,
      reason: null,
      restMs: null,
      nextAttemptAt: null,
    });
  });

  it('needs one answer: a server without tools is healthy after its first check', () => {
    const session = bench().permit();
    session.tell('link', { type: 'LINK.OPENED', generation: 1, facts: { ...facts, capabilities: { prompts: {} } } });
    session.pingOk();
    expect(session.take().at(-1)).toBe('link 1: HYDRATE.REQUEST without tools');
    session.hydrated(0);
    expect([session.phase, session.context.hydrated]).toEqual(['connected.healthy', true]);
  });

  it('asks for no permit when the target is exempt from the connect limiter', () => {
    const session = bench({ policy: { limited: false } });
    expect([session.phase, session.generation, session.take(), session.timers]).toEqual([
      'connecting.opening',
      1,
      ['remembered', 'link 1 started'],
      [30_000],
    ]);
  });

  it('continues the generations that it remembers', () => {
    expect(bench({ memory: { generation: 41 } }).permit().running).toEqual(['link 42']);
  });

  it('knows the process id before the server answers, and keeps it when the server tells none', () => {
    const session = bench().permit();
    session.tell('link', { type: 'LINK.SPAWNED', generation: 1, pid: 777 });
    expect(session.context.pid).toBe(777);
    session.tell('link', { type: 'LINK.OPENED', generation: 1, facts: { ...facts, pid: null } });
    expect(session.context.pid).toBe(777);
    session.down().released();
    expect(session.context.pid).toBe(null);
  });
});

describe('a later connection', () => {
  it('is healthy with two answers: that of the check and that of the list of tools', () => {
    const session = bench({ memory: { everConnected: true } })
      .permit()
      .opened()
      .pingOk();
    expect(session.phase).toBe('connecting.hydrating');
    session.hydrated();
    expect(session.phase).toBe('connected.healthy');
  });

  it('is checked again after 250 ms until it has given successThreshold answers', async () => {
    const session = bench({ memory: { everConnected: true, generation: 6 }, healthCheck: { successThreshold: 4 } });
    session.permit().opened().pingOk().hydrated();
    session.take();
    expect([session.phase, session.context.answers, session.timers]).toEqual([
      'connecting.verifying',
      2,
      [250, 30_000],
    ]);
    await session.advance(249);
    expect(session.take()).toEqual([]);
    await session.advance(1);
    expect([session.take(), session.timers]).toEqual([['link 7: PROBE.REQUEST'], [30_000]]);
    session.pingOk();
    expect([session.phase, session.context.answers, session.timers]).toEqual([
      'connecting.verifying',
      3,
      [250, 30_000],
    ]);
    await session.advance(250);
    session.pingOk();
    expect(session.phase).toBe('connected.healthy');
  });

  it('lists the tools once, however many checks follow', async () => {
    const session = bench({ memory: { everConnected: true }, healthCheck: { successThreshold: 5 } });
    session.take();
    session.permit().opened().pingOk().hydrated();
    for (let check = 0; check < 3; check += 1) {
      await session.advance(250);
      session.pingOk();
    }
    expect(session.phase).toBe('connected.healthy');
    const asked = session.take().filter((entry) => typeof entry === 'string' && entry.includes('REQUEST'));
    const probe = 'link 1: PROBE.REQUEST';
    expect(asked).toEqual([probe, 'link 1: HYDRATE.REQUEST', probe, probe, probe]);
  });

  it('of a server without tools needs two checks', async () => {
    const session = bench({ memory: { everConnected: true } })
      .permit()
      .opened()
      .pingOk()
      .hydrated(0);
    expect([session.phase, session.context.answers, session.timers]).toEqual([
      'connecting.verifying',
      1,
      [250, 30_000],
    ]);
    await session.advance(250);
    session.pingOk();
    expect(session.phase).toBe('connected.healthy');
  });
});

describe('a void check while connecting', () => {
  it('proves nothing and is asked again after 250 ms', async () => {
    const session = bench().permit().opened();
    session.take();
    session.pingVoid();
    expect([session.phase, session.context.answers, session.take(), session.timers]).toEqual([
      'connecting.verifying',
      0,
      [{ type: 'healthChecked', generation: 1, ok: false, latencyMs: null, void: true, error: null }],
      [250, 30_000],
    ]);
    await session.advance(250);
    expect(session.take()).toEqual(['link 1: PROBE.REQUEST']);
    session.pingOk().hydrated();
    expect(session.phase).toBe('connected.healthy');
  });
});

describe('a session that takes the place of one that crashed', () => {
  it.each([
    ['connects, where it was connected before', { memory: { generation: 3 } }, 'connecting.waiting'],
    ['connects, where it had not yet begun to', {}, 'connecting.waiting'],
    ['stays idle, where it is lazy and never was opened', { policy: { lazy: true } }, 'idle'],
    [
      'connects, where it is lazy and was opened',
      { policy: { lazy: true }, memory: { generation: 3 } },
      'connecting.waiting',
    ],
    [
      'stays stopped, where it is never to be reconnected',
      { reconnect: { enabled: false }, memory: { generation: 1 } },
      'disconnected.stopped',
    ],
    [
      'connects, where it is never to be reconnected but never was connected',
      { reconnect: { enabled: false } },
      'connecting.waiting',
    ],
  ] as const)('%s', (_what, options, phase) => {
    const session = bench({ ...options, opened: false });
    session.send({ type: 'SESSION.REOPEN', id: 'weather' });
    expect([session.phase, session.timers, session.context.nextAttemptAt]).toEqual([phase, [], null]);
  });
});

describe('the connect timeout', () => {
  it('does not count the wait for the permit', async () => {
    const session = bench();
    await session.advance(600_000);
    session.permit();
    await session.advance(29_999);
    expect(session.phase).toBe('connecting.opening');
    session.take();
    await session.advance(1);
    expect([session.phase, session.context.release, session.take(), session.timers]).toEqual([
      'releasing',
      { mode: 'kill', next: 'backingOff' },
      ['permit returned', 'remembered', 'link 1: LINK.RELEASE kill'],
      [],
    ]);
  });

  const steps: readonly (readonly [string, (session: SessionBench) => SessionBench])[] = [
    ['its answer to initialize', (session) => session],
    ['its answer to a first check', (session) => session.opened()],
    ['its list of tools', (session) => session.opened().pingOk()],
    ['its answer to one more check', (session) => session.opened().pingOk().hydrated()],
  ];
  it.each(steps)('says that it waited for %s', async (waitedFor, reach) => {
    const session = reach(
      bench({
        memory: { everConnected: true },
        healthCheck: { successThreshold: 4 },
        policy: { connectTimeoutMs: 7_000 },
      }).permit(),
    );
    await session.advance(7_000);
    expect(session.phase).toBe('releasing');
    const message = `not ready within 7000 ms: waited for ${waitedFor}`;
    expect(session.context.lastFault).toEqual({ kind: 'timeout', code: 'connect-timeout', message });
    expect(session.context.reason).toBe(message);
  });

  it('bounds everything from the permit on: steps do not start it anew', async () => {
    const session = bench().permit();
    await session.advance(20_000);
    session.opened();
    await session.advance(9_000);
    session.pingOk();
    await session.advance(999);
    expect(session.phase).toBe('connecting.hydrating');
    await session.advance(1);
    expect(session.phase).toBe('releasing');
  });
});

describe('the permit', () => {
  const ways: readonly (readonly [string, (session: SessionBench) => unknown])[] = [
    ['connected', (session) => session.opened().pingOk().hydrated()],
    ['RECYCLE', (session) => session.recycle()],
    ['DRAIN', (session) => session.drain()],
    ['LINK.DOWN', (session) => session.down()],
    ['SESSION.LOST', (session) => session.lost()],
    ['a failed check', (session) => session.opened().pingFailed()],
    ['the connect timeout', (session) => session.advance(30_000)],
    ['SESSION.ABANDON', (session) => session.send({ type: 'SESSION.ABANDON', id: 'weather' })],
  ];
  it.each(ways)('is given back once when connecting ends by %s', async (_way, leave) => {
    const session = bench().permit();
    session.take();
    await leave(session);
    expect(session.phase).not.toMatch(/^connecting/);
    expect(session.take().filter((entry) => entry === 'permit returned')).toEqual(['permit returned']);
  });

  it('is held through opening, verifying and hydrating', () => {
    const session = bench().permit().opened().pingVoid();
    expect(session.take()).not.toContain('permit returned');
  });

  it('is not asked for again by another nudge while it is waited for', () => {
    const session = bench();
    session.take();
    session.open().recycle();
    expect([session.phase, session.take()]).toEqual(['connecting.waiting', []]);
  });
});

describe('a connection that fails while connecting', () => {
  it('waits before the next attempt, which is the next generation with nothing of the last', async () => {
    const session = bench().permit().opened().pingOk().down();
    expect(session.context.release).toEqual({ mode: 'kill', next: 'backingOff' });
    session.released();
    expect([session.phase, session.running]).toEqual(['disconnected.backingOff', []]);
    await session.advance(250);
    session.permit();
    expect(session.context).toMatchObject({
      generation: 2,
      attempt: 1,
      answers: 0,
      hydrated: false,
      opened: false,
      pid: null,
      release: null,
      restMs: null,
      nextAttemptAt: null,
      lastFault: fault('transport'),
    });
    expect(session.running).toEqual(['link 2']);
  });

  it('counts answers of the new generation only', async () => {
    const session = bench({ memory: { everConnected: true } })
      .permit()
      .opened()
      .pingOk()
      .down()
      .released();
    await session.advance(250);
    session.permit().opened().pingOk();
    expect([session.phase, session.context.answers]).toEqual(['connecting.hydrating', 1]);
    session.hydrated(0);
    expect(session.phase).toBe('connecting.verifying');
  });

  it('schedules no attempt while one is under way, with and without the limiter', async () => {
    for (const limited of [true, false]) {
      const session = bench({ policy: { limited } });
      if (limited) session.permit();
      session.down().released();
      expect(session.context.nextAttemptAt).toBe(1_000_250);
      await session.advance(250);
      expect(session.phase).toBe(limited ? 'connecting.waiting' : 'connecting.opening');
      expect([session.context.restMs, session.context.nextAttemptAt]).toEqual([null, null]);
    }
  });
});
