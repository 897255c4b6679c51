import { closedCircuit } from '../../src/machines/circuit-policy.ts';
import { describe, expect, it } from 'vitest';
import type { Phase } from '../../src/machines/connection-state.ts';
import type { FaultKind } from '../../src/link/fault.ts';
import { benches, fault, type SessionBench } from './session-bench.ts';

const bench = benches();

/** Lets one attempt after another fail until `count` delays were seen. */
async function delays(
  session: SessionBench,
  count: number,
  fail: (session: SessionBench) => SessionBench,
): Promise<number[]> {
  const seen: number[] = [];
  while (seen.length < count) {
    fail(session.permit()).released();
    seen.push(session.context.restMs ?? Number.NaN);
    if (seen.length < count) await session.advance(session.context.restMs ?? Number.NaN);
  }
  return seen;
}

describe('backing off', () => {
  it.each([
    [0, [0, 500, 1_000, 2_000, 4_000, 8_000, 16_000, 30_000, 30_000]],
    [0.5, [250, 750, 1_500, 3_000, 6_000, 12_000, 24_000, 45_000, 45_000]],
    [1, [500, 1_000, 2_000, 4_000, 8_000, 16_000, 32_000, 60_000, 60_000]],
  ])(
    'first retries within 500 ms, then waits b/2 + U(0, b/2) with b doubling from 1 s to 60 s: random %f',
    async (random, expected) => {
      const session = bench({ random: () => random });
      expect(await delays(session, 9, (each) => each.down('unreachable'))).toEqual(expected);
      expect([session.phase, session.context.attempt, session.generation]).toEqual(['disconnected.backingOff', 9, 9]);
    },
  );

  it('follows the policy of its server', async () => {
    const session = bench({ reconnect: { delayMs: 100, maxDelayMs: 1_000, multiplier: 3 } });
    expect(await delays(session, 6, (each) => each.down())).toEqual([50, 75, 225, 675, 750, 750]);
  });

  it('counts a failed check and the connect timeout like a link that goes down', async () => {
    const session = bench();
    expect(await delays(session, 2, (each) => each.opened().pingFailed())).toEqual([250, 750]);
    await session.advance(750);
    session.permit();
    await session.advance(30_000);
    session.released();
    expect(session.context.restMs).toBe(1_500);
  });

  it('tells the next attempt and makes it on time', async () => {
    const session = bench().connect();
    await session.advance(1_000);
    session.down();
    session.take();
    session.released();
    expect([session.take(), session.timers, session.context.nextAttemptAt]).toEqual([
      [
        'remembered',
        'link 1 ended',
        { type: 'reconnectScheduled', generation: 1, attempt: 1, delayMs: 250, attemptAt: 1_001_250 },
      ],
      [250],
      1_001_250,
    ]);
    await session.advance(249);
    expect([session.phase, session.take()]).toEqual(['disconnected.backingOff', []]);
    await session.advance(1);
    expect([session.phase, session.take(), session.timers]).toEqual(['connecting.waiting', ['permit started'], []]);
  });

  it('remembers the attempt for the next actor of this session', () => {
    const session = bench({ memory: { attempt: 3, generation: 9 } })
      .permit()
      .down()
      .released();
    expect(session.context.restMs).toBe(3_000);
    expect(session.memory).toEqual({
      generation: 10,
      attempt: 4,
      everConnected: false,
      exits: [],
      losses: [],
      parkedFor: null,
      parks: 0,
      lastFault: fault('transport'),
      circuit: closedCircuit,
    });
  });
});

describe('failed attempts', () => {
  it('are forgotten after 60 s of continuous connection, not before', async () => {
    const session = bench({ memory: { attempt: 5 } }).connect();
    await session.advance(59_999);
    expect(session.context.attempt).toBe(5);
    session.take();
    await session.advance(1);
    expect([session.context.attempt, session.take(), session.memory?.attempt]).toEqual([0, ['remembered'], 0]);
  });

  it('are not forgotten by a connection that breaks before that', async () => {
    const session = bench({ memory: { attempt: 5 } }).connect();
    await session.advance(59_999);
    session.down().released();
    expect([session.context.attempt, session.context.restMs]).toEqual([6, 12_000]);
  });

  it('are forgotten by a session that is degraded or unhealthy all the while', async () => {
    const session = bench({ memory: { attempt: 5 } })
      .connect()
      .failCheck()
      .failCheck()
      .failCheck();
    await session.advance(60_000);
    expect(session.context.attempt).toBe(0);
  });

  it('do not include a recycling', () => {
    const session = bench().connect().recycle().released();
    expect([session.phase, session.context.attempt]).toEqual(['connecting.waiting', 0]);
  });
});

describe('a fault', () => {
  const rests: readonly (readonly [FaultKind, Phase, number])[] = [
    ['spawn', 'disconnected.parked.config', 300_000],
    ['exit', 'disconnected.backingOff', 250],
    ['unreachable', 'disconnected.backingOff', 250],
    ['transport', 'disconnected.backingOff', 250],
    ['timeout', 'disconnected.backingOff', 250],
    ['session-lost', 'disconnected.backingOff', 250],
    ['auth', 'disconnected.parked.auth', 300_000],
    ['overload', 'disconnected.backingOff', 250],
    ['incompatible', 'disconnected.parked.incompatible', 300_000],
    ['protocol', 'disconnected.backingOff', 250],
    ['config', 'disconnected.parked.config', 300_000],
    ['internal', 'disconnected.backingOff', 250],
    ['closed', 'disconnected.backingOff', 250],
  ];
  it.each(rests)('of kind %s leads to %s for %i ms, while connecting and once connected', (kind, phase, restMs) => {
    for (const session of [bench().permit(), bench().connect()]) {
      session.down(kind);
      expect([session.phase, session.context.release?.mode]).toEqual(['releasing', 'kill']);
      session.take();
      session.released();
      expect([session.phase, session.context.restMs, session.timers]).toEqual([phase, restMs, [restMs]]);
      expect(session.take().at(-1)).toEqual({
        type: 'reconnectScheduled',
        generation: 1,
        attempt: 1,
        delayMs: restMs,
        attemptAt: 1_000_000 + restMs,
      });
    }
  });
});

describe('a session parked for auth', () => {
  it('looks again after 5 min, 15 min, and then every hour', async () => {
    expect(await delays(bench(), 5, (session) => session.down('auth'))).toEqual([
      300_000, 900_000, 3_600_000, 3_600_000, 3_600_000,
    ]);
  });

  it('begins with 5 min again after a connection', async () => {
    const session = bench().permit().down('auth').released();
    await session.advance(300_000);
    session.connect().down('auth').released();
    expect(session.context.restMs).toBe(300_000);
  });

  it('begins with 5 min when it was parked for something else before', async () => {
    const session = bench().permit().down('config').released();
    await session.advance(300_000);
    session.permit().down('config').released();
    await session.advance(300_000);
    session.permit().down('auth').released();
    expect([session.phase, session.context.restMs]).toEqual(['disconnected.parked.auth', 300_000]);
  });

  it('looks again after 15 min when it looked in vain before, whatever failed in between', async () => {
    const session = bench().permit().down('auth').released();
    await session.advance(300_000);
    session.permit().down('unreachable').released();
    expect([session.phase, session.context.parkedFor]).toEqual(['disconnected.backingOff', 'auth']);
    await session.advance(session.context.restMs ?? 0);
    session.permit().down('auth').released();
    expect([session.context.restMs, session.context.parks]).toEqual([900_000, 2]);
  });

  it('is remembered as parked, with what for and how often', async () => {
    const session = bench().permit().down('auth').released();
    await session.advance(300_000);
    session.permit().down('auth').released();
    expect(session.memory).toMatchObject({ parkedFor: 'auth', parks: 2, lastFault: fault('auth') });
    const next = bench({ memory: { ...session.memory } })
      .permit()
      .down('auth')
      .released();
    expect(next.context.restMs).toBe(3_600_000);
    await next.advance(3_600_000);
    next.connect();
    expect(next.memory?.parkedFor).toBe(null);
  });

  it('is opened by hand at once', () => {
    const session = bench().permit().down('auth').released().open();
    expect([session.phase, session.timers]).toEqual(['connecting.waiting', []]);
  });
});

describe('a server that exits again and again', () => {
  it('is in a crash loop with the sixth exit within 300 s', async () => {
    const session = bench();
    expect(await delays(session, 6, (each) => each.opened().down('exit'))).toEqual([
      250, 750, 1_500, 3_000, 6_000, 300_000,
    ]);
    expect([session.phase, session.context.exits]).toEqual([
      'disconnected.parked.crashLoop',
      [0, 250, 1_000, 2_500, 5_500, 11_500],
    ]);
  });

  it('is started every 300 s from then on, for as long as it exits', async () => {
    const session = bench();
    await delays(session, 6, (each) => each.down('exit'));
    await session.advance(300_000);
    session.permit().down('exit').released();
    expect([session.phase, session.context.restMs]).toEqual(['disconnected.parked.crashLoop', 300_000]);
  });

  it('is held in its loop by one more exit, until a connection was stable for 60 s', async () => {
    for (const [connectedMs, phase] of [
      [59_999, 'disconnected.parked.crashLoop'],
      [60_000, 'disconnected.backingOff'],
    ] as const) {
      const session = bench();
      await delays(session, 6, (each) => each.down('exit'));
      await session.advance(300_000);
      session.connect();
      expect([session.context.parkedFor, session.context.reason]).toEqual(['crashLoop', null]);
      await session.advance(connectedMs);
      session.down('exit').released();
      expect([session.phase, session.context.exits.length]).toEqual([phase, 1]);
    }
  });

  it('is not held in its loop by a fault of another kind, nor once it was parked for something else', async () => {
    const session = bench({ memory: { attempt: 7, parkedFor: 'crashLoop', parks: 3 } })
      .permit()
      .down('transport')
      .released();
    expect([session.phase, session.context.parkedFor]).toEqual(['disconnected.backingOff', 'crashLoop']);
    await session.advance(60_000);
    session.permit().down('auth').released();
    expect([session.phase, session.context.restMs, session.context.parks]).toEqual([
      'disconnected.parked.auth',
      300_000,
      1,
    ]);
    await session.advance(300_000);
    session.permit().down('exit').released();
    expect(session.phase).toBe('disconnected.backingOff');
  });

  it('counts exits after a connection too', async () => {
    const session = bench();
    expect(await delays(session, 6, (each) => each.connect().down('exit'))).toEqual([
      250, 750, 1_500, 3_000, 6_000, 300_000,
    ]);
  });

  it('is in no crash loop when five exits are within any 300 s', async () => {
    const session = bench({ memory: { exits: [0, 10_000, 20_000, 30_000, 40_000] } });
    await session.advance(300_000);
    session.permit().down('exit').released();
    expect([session.phase, session.context.exits]).toEqual([
      'disconnected.backingOff',
      [10_000, 20_000, 30_000, 40_000, 300_000],
    ]);
  });

  it('is in a crash loop when the sixth comes a moment before the first is 300 s old', async () => {
    const session = bench({ memory: { exits: [0, 10_000, 20_000, 30_000, 40_000] } });
    await session.advance(299_999);
    session.permit().down('exit').released();
    expect(session.phase).toBe('disconnected.parked.crashLoop');
  });

  it('does not count faults of any other kind', async () => {
    const session = bench();
    await delays(session, 7, (each) => each.down('transport'));
    expect([session.phase, session.context.exits]).toEqual(['disconnected.backingOff', []]);
  });

  it('is counted on by the next actor of its session', () => {
    const session = bench({ memory: { exits: [0, 0, 0, 0, 0] } })
      .permit()
      .down('exit')
      .released();
    expect([session.phase, session.memory?.exits]).toEqual(['disconnected.parked.crashLoop', [0, 0, 0, 0, 0, 0]]);
  });
});

describe('a lost session', () => {
  it('is restored at once, twice in a minute; the third waits', async () => {
    const session = bench().connect();
    session.take();
    const phases: Phase[] = [];
    for (let loss = 1; loss <= 3; loss += 1) {
      session.lost();
      expect(session.context.release?.mode).toBe('lost');
      session.released();
      phases.push(session.phase);
      if (loss < 3) session.connect();
      await session.advance(1_000);
    }
    expect(phases).toEqual(['connecting.waiting', 'connecting.waiting', 'disconnected.backingOff']);
    expect(session.take().filter((entry) => typeof entry === 'object')).toContainEqual({
      type: 'sessionLost',
      generation: 3,
      code: 'code of session-lost',
    });
  });

  it('is no failed attempt', () => {
    const session = bench().connect().lost().released();
    expect([session.phase, session.context.attempt, session.context.losses]).toEqual(['connecting.waiting', 0, [0]]);
  });

  it('is restored at once when the first of three is 60 s old', async () => {
    const session = bench().connect().lost().released().connect();
    await session.advance(30_000);
    session.lost().released().connect();
    await session.advance(30_000);
    session.lost().released();
    expect([session.phase, session.context.losses]).toEqual(['connecting.waiting', [30_000, 60_000]]);
  });

  it('waits when the first of three is a moment younger', async () => {
    const session = bench().connect().lost().released().connect();
    await session.advance(59_999);
    session.lost().released().connect().lost().released();
    expect(session.phase).toBe('disconnected.backingOff');
  });

  it('is counted on by the next actor', () => {
    const session = bench({ memory: { losses: [0, 0] } })
      .connect()
      .lost()
      .released();
    expect([session.phase, session.memory?.losses]).toEqual(['disconnected.backingOff', [0, 0, 0]]);
  });

  it('that is lost again while connecting waits', () => {
    const session = bench().connect().lost().released().permit().opened().lost();
    expect(session.context.release).toEqual({ mode: 'lost', next: 'backingOff' });
    session.released();
    expect([session.phase, session.context.losses]).toEqual(['disconnected.backingOff', [0, 0]]);
  });
});

describe('with reconnection disabled', () => {
  const failures: readonly (readonly [string, (session: SessionBench) => unknown])[] = [
    ['the connect timeout', (session) => session.permit().advance(30_000)],
    ['a first check that fails', (session) => session.permit().opened().pingFailed()],
    ['an exit while connecting', (session) => session.permit().down('exit')],
    ['a refused token', (session) => session.permit().down('auth')],
    ['a session lost while connecting', (session) => session.permit().opened().lost()],
    ['a link that breaks', (session) => session.connect().down()],
    ['hopelessness', (session) => session.connect().failCheck().failCheck().failCheck().failCheck().failCheck()],
    ['a session lost', (session) => session.connect().lost()],
  ];
  it.each(failures)('%s stops the session', async (_failure, fail) => {
    const session = bench({ reconnect: { enabled: false } });
    await fail(session);
    session.take();
    session.released();
    expect([session.phase, session.timers, session.context.nextAttemptAt, session.take()]).toEqual([
      'disconnected.stopped',
      [],
      null,
      ['link 1 ended'],
    ]);
  });

  it('a stopped session waits for ever, and is opened by hand', async () => {
    const session = bench({ reconnect: { enabled: false } })
      .connect()
      .down()
      .released();
    await session.advance(86_400_000);
    expect(session.phase).toBe('disconnected.stopped');
    session.open();
    session.connect();
    expect([session.phase, session.generation]).toEqual(['connected.healthy', 2]);
  });
});

describe('a lazy session', () => {
  it('is idle with nothing pending until it is opened', async () => {
    const session = bench({ opened: false });
    await session.advance(86_400_000);
    expect([session.phase, session.timers, session.running, session.take()]).toEqual(['idle', [], [], []]);
    session.open().connect();
    expect(session.phase).toBe('connected.healthy');
  });
});
