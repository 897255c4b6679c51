import { describe, expect, it } from 'vitest';
import type { Phase } from '../../src/machines/connection-state.ts';
import { benches, fault, type SessionBench } from './session-bench.ts';

const bench = benches();

const ticks = (session: SessionBench): readonly unknown[] =>
  session.take().filter((entry) => typeof entry === 'string' && entry.includes('tick of generation'));

describe('failed checks', () => {
  it.each([1, 2, 3, 5])(
    'degrade a session at once, make it unhealthy at exactly %i, and hopeless two later',
    (failureThreshold) => {
      const session = bench({ healthCheck: { failureThreshold } }).connect();
      const phases: Phase[] = [];
      for (let failures = 1; failures <= failureThreshold + 2; failures += 1) {
        session.failCheck();
        phases.push(session.phase);
        expect(session.context.health).toEqual({ failures, successes: 0, reasons: [] });
      }
      expect(phases).toEqual([
        ...Array.from({ length: failureThreshold - 1 }, () => 'connected.degraded'),
        'connected.unhealthy',
        'connected.unhealthy',
        'releasing',
      ]);
      expect(session.context.release).toEqual({ mode: 'kill', next: 'backingOff' });
      expect(session.context.lastFault).toEqual(fault('timeout'));
    },
  );

  it('tell the whole story of a server that stops answering', () => {
    const session = bench().connect();
    session.take();
    for (let check = 0; check < 5; check += 1) session.failCheck();
    const round = [
      { type: 'healthTicked', generation: 1 },
      'link 1: PROBE.REQUEST',
      {
        type: 'healthChecked',
        generation: 1,
        ok: false,
        latencyMs: null,
        void: false,
        error: { code: 'code of timeout', message: 'a fault of kind timeout' },
      },
      'weather: tick of generation 1 in 5000',
    ];
    const last = [...round.slice(0, 2), 'remembered', ...round.slice(2), 'link 1: LINK.RELEASE kill'];
    expect(session.take()).toEqual([...round, ...round, ...round, ...round, ...last]);
  });

  it('count from nothing after every good check', () => {
    const session = bench().connect();
    session.failCheck().failCheck().passCheck().failCheck().failCheck();
    expect([session.phase, session.context.health.failures]).toEqual(['connected.degraded', 2]);
    session.failCheck();
    expect(session.phase).toBe('connected.unhealthy');
  });

  it('of an earlier generation do not burden the next', async () => {
    const session = bench().connect().failCheck().failCheck().down().released();
    await session.advance(250);
    session.permit().connect();
    expect([session.phase, session.context.health]).toEqual([
      'connected.healthy',
      { failures: 0, successes: 2, reasons: [] },
    ]);
    session.failCheck().failCheck();
    expect(session.phase).toBe('connected.degraded');
  });
});

describe('recovery', () => {
  it('from degraded takes two good checks in a row', () => {
    const session = bench().connect().failCheck().passCheck();
    expect([session.phase, session.context.reason]).toEqual(['connected.degraded', 'a fault of kind timeout']);
    session.failCheck().passCheck();
    expect(session.phase).toBe('connected.degraded');
    session.passCheck();
    expect([session.phase, session.context.reason]).toEqual(['connected.healthy', null]);
  });

  it('from unhealthy takes two good checks in a row and goes straight to healthy', () => {
    const session = bench().connect().failCheck().failCheck().failCheck();
    session.passCheck().failCheck().passCheck();
    expect(session.phase).toBe('connected.unhealthy');
    session.passCheck();
    expect([session.phase, session.context.reason]).toEqual(['connected.healthy', null]);
  });

  it('from unhealthy stops at degraded while a reason remains', () => {
    const session = bench().connect().failCheck().failCheck().failCheck();
    session.send({ type: 'CALLS.FAILING' });
    session.passCheck().passCheck();
    expect(session.phase).toBe('connected.degraded');
    session.send({ type: 'CALLS.RECOVERED' });
    expect([session.phase, session.context.reason]).toEqual(['connected.healthy', null]);
  });

  it.each([1, 2, 4])('takes successThreshold %i good checks', (successThreshold) => {
    const session = bench({ healthCheck: { successThreshold } }).connect().failCheck();
    for (let check = 1; check < successThreshold; check += 1) {
      session.passCheck();
      expect(session.phase).toBe('connected.degraded');
    }
    session.passCheck();
    expect(session.phase).toBe('connected.healthy');
  });
});

describe('failing calls', () => {
  it('degrade a session; good checks alone cannot hide them', () => {
    const session = bench().connect();
    session.send({ type: 'CALLS.FAILING' });
    expect([session.phase, session.context.reason]).toEqual(['connected.degraded', 'calls get no answer']);
    session.passCheck().passCheck().passCheck();
    expect([session.phase, session.context.health]).toEqual([
      'connected.degraded',
      { failures: 0, successes: 2, reasons: ['calls'] },
    ]);
    session.send({ type: 'CALLS.RECOVERED' });
    expect([session.phase, session.context.reason]).toEqual(['connected.healthy', null]);
  });

  it('are over with the next generation', () => {
    const session = bench().connect();
    session.send({ type: 'CALLS.FAILING' });
    session.recycle().released().permit().connect();
    expect([session.phase, session.context.health.reasons, session.context.reason]).toEqual([
      'connected.healthy',
      [],
      null,
    ]);
  });

  it('after they have recovered, recovery has still to be shown by two checks', () => {
    const session = bench().connect();
    session.send({ type: 'CALLS.FAILING' }, { type: 'CALLS.RECOVERED' });
    expect(session.phase).toBe('connected.degraded');
    session.passCheck();
    expect(session.phase).toBe('connected.degraded');
    session.passCheck();
    expect(session.phase).toBe('connected.healthy');
  });

  it('never count as failed checks', () => {
    const session = bench().connect();
    for (let edge = 0; edge < 20; edge += 1) session.send({ type: 'CALLS.FAILING' }, { type: 'CALLS.RECOVERED' });
    expect([session.phase, session.context.health.failures]).toEqual(['connected.degraded', 0]);
  });
});

describe('slow answers', () => {
  it('degrade a session above degradedLatencyMs and clear below 80 % of it', () => {
    const session = bench().connect();
    const reasonsAt = (mean: number): readonly string[] => session.passCheck(mean, mean).context.health.reasons;
    expect(reasonsAt(5_000)).toEqual([]);
    expect(session.phase).toBe('connected.healthy');
    expect(reasonsAt(5_001)).toEqual(['latency']);
    expect(session.phase).toBe('connected.degraded');
    expect(reasonsAt(4_500)).toEqual(['latency']);
    expect(reasonsAt(4_000)).toEqual(['latency']);
    expect(session.phase).toBe('connected.degraded');
    expect(reasonsAt(3_999)).toEqual([]);
    expect(session.phase).toBe('connected.healthy');
    expect(reasonsAt(4_999)).toEqual([]);
    expect(session.phase).toBe('connected.healthy');
  });

  it('of calls degrade and clear by their edges', () => {
    const session = bench().connect();
    session.send({ type: 'LATENCY.HIGH' });
    expect([session.phase, session.context.reason]).toEqual(['connected.degraded', 'answers are slow']);
    session.send({ type: 'LATENCY.LOW' });
    session.passCheck().passCheck();
    expect([session.phase, session.context.reason]).toEqual(['connected.healthy', null]);
  });

  it('to checks are told as the reason, as those of calls are', () => {
    const session = bench().connect().passCheck(6_000);
    expect([session.phase, session.context.reason]).toEqual(['connected.degraded', 'answers are slow']);
  });
});

describe('an overloaded server', () => {
  it('is degraded for 10 s when it does not say how long', async () => {
    const session = bench().connect();
    session.send({ type: 'OVERLOAD', retryAfterMs: undefined });
    session.passCheck().passCheck();
    await session.advance(9_999);
    expect([session.phase, session.context.reason]).toEqual(['connected.degraded', 'the server is overloaded']);
    await session.advance(1);
    expect([session.phase, session.context.reason]).toEqual(['connected.healthy', null]);
  });

  it('is degraded for its Retry-After', async () => {
    const session = bench().connect();
    session.send({ type: 'OVERLOAD', retryAfterMs: 45_000 });
    session.passCheck().passCheck();
    await session.advance(44_999);
    expect(session.phase).toBe('connected.degraded');
    await session.advance(1);
    expect(session.phase).toBe('connected.healthy');
  });

  it('that says so again is given the time anew, and one timer runs', async () => {
    const session = bench().connect();
    session.send({ type: 'OVERLOAD', retryAfterMs: 3_000 });
    await session.advance(2_000);
    session.send({ type: 'OVERLOAD', retryAfterMs: 8_000 });
    expect(session.timers).toEqual([8_000]);
    session.passCheck().passCheck();
    await session.advance(7_999);
    expect(session.context.health.reasons).toEqual(['overload']);
    await session.advance(1);
    expect(session.context.health.reasons).toEqual([]);
  });

  it('is timed no more once it is not connected', async () => {
    for (const leave of [
      (session: SessionBench) => session.recycle(),
      (session: SessionBench) => session.down(),
      (session: SessionBench) => session.drain({ inFlight: 0 }),
    ]) {
      const session = bench().connect();
      session.send({ type: 'OVERLOAD', retryAfterMs: 8_000 });
      expect([leave(session).phase, session.timers]).toEqual(['releasing', []]);
    }
  });

  it('keeps its time when that of its last generation runs out', async () => {
    const session = bench().connect();
    session.send({ type: 'OVERLOAD', retryAfterMs: 8_000 });
    session.recycle().released().permit().connect();
    await session.advance(1_000);
    session.send({ type: 'OVERLOAD', retryAfterMs: 20_000 });
    await session.advance(8_000);
    expect(session.context.health.reasons).toEqual(['overload']);
  });

  it('is told by the reason that remains once it is over', async () => {
    const session = bench().connect();
    session.send({ type: 'CALLS.FAILING' }, { type: 'OVERLOAD', retryAfterMs: 1_000 });
    await session.advance(1_000);
    expect([session.phase, session.context.health.reasons, session.context.reason]).toEqual([
      'connected.degraded',
      ['calls'],
      'calls get no answer',
    ]);
  });
});

describe('the reason', () => {
  it('is every reason there is, in one order, as they come and go', async () => {
    const session = bench().connect();
    session.send({ type: 'OVERLOAD', retryAfterMs: 1_000 });
    expect(session.context.reason).toBe('the server is overloaded');
    session.send({ type: 'LATENCY.HIGH' }, { type: 'CALLS.FAILING' });
    expect(session.context.reason).toBe('calls get no answer, answers are slow, the server is overloaded');
    session.send({ type: 'LATENCY.LOW' });
    expect(session.context.reason).toBe('calls get no answer, the server is overloaded');
    await session.advance(1_000);
    expect(session.context.reason).toBe('calls get no answer');
  });

  it('is the failed check while there is one, and then what else speaks against the session', () => {
    const session = bench().connect().failCheck();
    session.send({ type: 'CALLS.FAILING' });
    expect(session.context.reason).toBe('a fault of kind timeout');
    session.passCheck();
    expect(session.context.reason).toBe('calls get no answer');
    session.failCheck();
    expect(session.context.reason).toBe('a fault of kind timeout');
  });

  it('goes with what it told of: a session that connects anew has none', async () => {
    const session = bench().connect().failCheck().down().released();
    expect(session.context.reason).toBe('a fault of kind transport');
    await session.advance(250);
    session.permit().connect();
    expect([session.context.reason, session.context.lastFault]).toEqual([null, fault('transport')]);
  });

  it.each(['CALLS.FAILING', 'LATENCY.HIGH', 'OVERLOAD'] as const)(
    'asks for a check soon when it is the first (%s), and not once a check is due soon anyway',
    (type) => {
      const session = bench().connect();
      session.take();
      const event = type === 'OVERLOAD' ? { type, retryAfterMs: undefined } : { type };
      session.send(event);
      expect(ticks(session)).toEqual(['weather: tick of generation 1 in 5000']);
      for (let edge = 0; edge < 10; edge += 1) session.send(event);
      expect(ticks(session)).toEqual([]);
    },
  );

  it('that comes again and again does not put the next check off', () => {
    const session = bench().connect();
    session.send({ type: 'OVERLOAD', retryAfterMs: 60_000 });
    session.take();
    for (let edge = 0; edge < 10; edge += 1) session.send({ type: 'CALLS.FAILING' }, { type: 'CALLS.RECOVERED' });
    expect(ticks(session)).toEqual([]);
  });
});

describe('ticks', () => {
  it.each([
    [0, 0],
    [0.25, 7_500],
    [0.75, 22_500],
  ])('begin anywhere in the interval: at random %f after %i ms', (random, ms) => {
    const session = bench({ random: () => random }).connect();
    expect(ticks(session)).toEqual([`weather: tick of generation 1 in ${ms}`]);
  });

  it.each([
    [0, 27_000],
    [0.5, 30_000],
    [1, 33_000],
  ])('of a healthy session come every interval ± 10 %: at random %f after %i ms', (random, ms) => {
    const session = bench({ random: () => random }).connect();
    session.take();
    expect(ticks(session.passCheck())).toEqual([`weather: tick of generation 1 in ${ms}`]);
  });

  it.each([
    [30_000, 0, 4_500],
    [30_000, 0.5, 5_000],
    [30_000, 1, 5_500],
    [2_000, 0.5, 2_000],
  ])(
    'of a session in trouble come every 5 s ± 10 %, or every interval if that is shorter: %i ms',
    (intervalMs, random, ms) => {
      const session = bench({ healthCheck: { intervalMs }, random: () => random }).connect();
      session.take();
      expect(ticks(session.failCheck())).toEqual([`weather: tick of generation 1 in ${ms}`]);
      expect(ticks(session.passCheck())).toEqual([`weather: tick of generation 1 in ${ms}`]);
      expect(ticks(session.failCheck().failCheck().failCheck())).toHaveLength(3);
      expect(ticks(session.passCheck())).toEqual([`weather: tick of generation 1 in ${ms}`]);
    },
  );

  it('that come late by more than half the timeout ask nothing and are spread over at most 5 s', () => {
    const session = bench({ random: () => 0.999 }).connect();
    session.take();
    session.tick({ lateMs: 2_501 });
    expect([session.phase, session.asked, session.take()]).toEqual([
      'connected.healthy',
      [],
      [{ type: 'healthTicked', generation: 1 }, 'weather: tick of generation 1 in 4995'],
    ]);
    session.tick({ lateMs: 2_500 });
    expect(session.asked).toEqual(['probe']);
  });

  it('spread over the interval after a stall when it is shorter than 5 s', () => {
    const session = bench({ healthCheck: { intervalMs: 1_000 } }).connect();
    session.take();
    expect(ticks(session.tick({ lateMs: 9_000 }))).toEqual(['weather: tick of generation 1 in 500']);
  });

  it('ask nothing while an answer younger than the interval proves life', () => {
    const session = bench().connect();
    session.take();
    session.tick({ answeredAgoMs: 29_999 });
    expect([session.asked, session.take()]).toEqual([
      [],
      [{ type: 'healthTicked', generation: 1 }, 'weather: tick of generation 1 in 1501'],
    ]);
    session.tick({ answeredAgoMs: 30_000 });
    expect(session.asked).toEqual(['probe']);
  });

  it('of a session in trouble ask, whatever else was answered', () => {
    const session = bench().connect().failCheck();
    session.tick({ answeredAgoMs: 0 });
    expect(session.asked).toEqual(['probe']);
  });
});

describe('checks', () => {
  it('are asked of the link by ticks and complaints alike; how many it makes at a time is its own business', () => {
    const session = bench().connect().failCheck();
    session.take();
    session.tick().tick();
    session.send({ type: 'LINK.FAULT', generation: 1, fault: fault('protocol') });
    const asked = session.take().filter((entry) => typeof entry === 'string');
    expect(asked).toEqual(Array.from({ length: 3 }, () => 'link 1: PROBE.REQUEST'));
    session.pingOk();
    expect([session.asked, session.context.health.successes, ticks(session).length]).toEqual([[], 1, 1]);
  });

  it('are asked at once when the link complains', () => {
    const session = bench().connect();
    session.take();
    session.tell('link', { type: 'LINK.FAULT', generation: 1, fault: fault('protocol') });
    expect(session.take()).toEqual(['link 1: PROBE.REQUEST']);
    session.pingFailed();
    expect(session.phase).toBe('connected.degraded');
  });

  it('that are void count neither way, and the next comes within 5 s', () => {
    const session = bench().connect().failCheck().failCheck();
    session.take();
    session.tick().pingVoid();
    expect([session.phase, session.context.health]).toEqual([
      'connected.degraded',
      { failures: 2, successes: 0, reasons: [] },
    ]);
    expect(ticks(session)).toEqual(['weather: tick of generation 1 in 2500']);
    session.failCheck();
    expect(session.phase).toBe('connected.unhealthy');
  });
});

describe('a session that admits calls', () => {
  it.each([
    ['healthy', (session: SessionBench) => session, true],
    ['degraded', (session: SessionBench) => session.failCheck(), true],
    ['unhealthy', (session: SessionBench) => session.failCheck().failCheck().failCheck(), false],
    ['draining', (session: SessionBench) => session.drain(), false],
    ['releasing', (session: SessionBench) => session.down(), false],
  ] as const)('%s', (_phase, reach, admits) => {
    const session = reach(bench().connect());
    expect(session.actor.getSnapshot().hasTag('admits calls')).toBe(admits);
  });
});
