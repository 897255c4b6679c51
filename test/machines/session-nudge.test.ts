import { describe, expect, it } from 'vitest';
import { benches, type SessionBench } from './session-bench.ts';

const bench = benches();

describe('a nudge by hand', () => {
  it('starts the next attempt at once', async () => {
    const session = bench({ memory: { attempt: 9 } })
      .permit()
      .down()
      .released();
    await session.advance(5_000);
    session.open();
    expect([session.phase, session.timers, session.context.nextAttemptAt]).toEqual(['connecting.waiting', [], null]);
  });

  it('within 1 s of the last one is put off to the end of that second, not lost, and not repeated', async () => {
    const session = bench({ memory: { attempt: 9 } })
      .permit()
      .down()
      .released()
      .open()
      .permit()
      .down()
      .released();
    expect(session.timers).toEqual([45_000]);
    await session.advance(300);
    session.take();
    session.open();
    expect([session.phase, session.timers, session.context.restMs, session.context.nextAttemptAt]).toEqual([
      'disconnected.backingOff',
      [700],
      700,
      1_001_000,
    ]);
    await session.advance(200);
    session.recycle().open();
    expect([session.timers.length, session.context.restEndsAtMs]).toEqual([1, 1_000]);
    await session.advance(499);
    expect([session.phase, session.take()]).toEqual(['disconnected.backingOff', []]);
    await session.advance(1);
    expect([session.phase, session.timers, session.take()]).toEqual(['connecting.waiting', [], ['permit started']]);
  });

  it('1 s after the last one is heeded', async () => {
    const session = bench({ memory: { attempt: 9 } })
      .permit()
      .down()
      .released()
      .open()
      .permit()
      .down()
      .released();
    await session.advance(999);
    session.open();
    expect(session.phase).toBe('disconnected.backingOff');
    const other = bench({ memory: { attempt: 9 } })
      .permit()
      .down()
      .released()
      .open()
      .permit()
      .down()
      .released();
    await other.advance(1_000);
    other.open();
    expect(other.phase).toBe('connecting.waiting');
  });

  it('that is put off never makes an attempt later than it was', async () => {
    const session = bench({ random: () => 0 })
      .permit()
      .down()
      .released()
      .open()
      .permit()
      .down()
      .released();
    expect(session.timers).toEqual([500]);
    await session.advance(100);
    session.open();
    expect(session.context.nextAttemptAt).toBe(1_000_500);
    await session.advance(400);
    expect(session.phase).toBe('connecting.waiting');
  });

  it('that would come no sooner than the attempt changes nothing at all', async () => {
    const session = bench({ random: () => 0.999 })
      .permit()
      .down()
      .released()
      .open()
      .permit()
      .down()
      .released();
    await session.advance(1);
    const { restMs, restEndsAtMs } = session.context;
    expect([restMs, restEndsAtMs]).toEqual([999.5, 999.5]);
    session.take();
    const before = session.context;
    session.open();
    session.recycle();
    expect([session.context, session.take(), session.timers]).toEqual([before, [], [999.5]]);
    await session.advance(998.5);
    expect(session.phase).toBe('connecting.waiting');
  });

  it('tells when the rest ends, by both clocks', async () => {
    const session = bench({ memory: { attempt: 9 } });
    await session.advance(7_000);
    session.permit().down().released();
    expect(session.context).toMatchObject({ restMs: 45_000, restEndsAtMs: 52_000, nextAttemptAt: 1_052_000 });
    session.open();
    expect(session.context).toMatchObject({ restMs: null, restEndsAtMs: null, nextAttemptAt: null });
    session.permit().down().released();
    await session.advance(400);
    session.open();
    expect(session.context).toMatchObject({ restMs: 600, restEndsAtMs: 8_000, nextAttemptAt: 1_008_000 });
  });

  it('reaches a stopped session that was nudged a moment ago', async () => {
    const session = bench({ reconnect: { enabled: false } })
      .connect()
      .down()
      .released()
      .open()
      .connect()
      .down()
      .released();
    await session.advance(400);
    session.open();
    expect([session.phase, session.timers]).toEqual(['disconnected.stopped', [600]]);
    await session.advance(600);
    expect(session.phase).toBe('connecting.waiting');
  });

  it('put off does not outlive the session', () => {
    const session = bench({ memory: { attempt: 9 } })
      .permit()
      .down()
      .released()
      .open()
      .permit()
      .down()
      .released();
    session.open().drain();
    expect([session.phase, session.timers]).toEqual(['closed', []]);
  });
});

describe('RECYCLE', () => {
  it.each([
    ['opening', (session: SessionBench) => session.permit()],
    ['verifying', (session: SessionBench) => session.permit().opened()],
    ['hydrating', (session: SessionBench) => session.permit().opened().pingOk()],
    ['healthy', (session: SessionBench) => session.connect()],
    ['unhealthy', (session: SessionBench) => session.connect().failCheck().failCheck().failCheck()],
  ] as const)('in %s kills the link and connects anew in the next generation', (_state, reach) => {
    const session = reach(bench()).recycle();
    expect([session.phase, session.context.release, session.context.reason]).toEqual([
      'releasing',
      { mode: 'kill', next: 'waiting' },
      'asked for',
    ]);
    session.released().connect();
    expect([session.phase, session.generation, session.context.attempt, session.running]).toEqual([
      'connected.healthy',
      2,
      0,
      ['link 2'],
    ]);
  });

  it('connects anew without a permit when the target is exempt', () => {
    const session = bench({ policy: { limited: false } })
      .opened()
      .pingOk()
      .hydrated()
      .recycle();
    session.take();
    session.released();
    expect([session.phase, session.take()]).toEqual([
      'connecting.opening',
      ['remembered', 'link 1 ended', 'link 2 started'],
    ]);
  });

  it('unparks a session', () => {
    const session = bench().permit().down('config').released().recycle();
    expect([session.phase, session.context.reason]).toEqual(['connecting.waiting', 'asked for']);
  });

  it('a moment after the last nudge is put off, not lost, while connecting and once connected', async () => {
    const sessions = [
      bench().connect().recycle().released().permit(),
      bench().connect().recycle().released().permit().connect(),
    ];
    for (const session of sessions) {
      await session.advance(300);
      session.recycle();
      await session.advance(700);
      expect([session.phase, session.context.release]).toEqual(['releasing', { mode: 'kill', next: 'waiting' }]);
    }
  });
  it('that was put off is made once, 1 s after the last nudge, for the reason of the last who asked', async () => {
    const session = bench().connect().recycle().released().permit().connect();
    await session.advance(300);
    const recycle = { type: 'SESSION.RECYCLE', id: 'weather' } as const;
    session.send({ ...recycle, atMs: 300, reason: 'first' });
    expect([session.phase, session.timers]).toEqual(['connected.healthy', [700]]);
    await session.advance(200);
    session.send({ ...recycle, atMs: 500, reason: 'second' });
    expect([session.phase, session.timers, session.context.reason]).toEqual(['connected.healthy', [500], null]);
    await session.advance(499);
    expect(session.phase).toBe('connected.healthy');
    await session.advance(1);
    expect([session.phase, session.context.reason, session.context.nudgedAtMs, session.timers]).toEqual([
      'releasing',
      'second',
      1_000,
      [],
    ]);
    session.released().permit().connect();
    await session.advance(60_000);
    expect([session.phase, session.generation]).toEqual(['connected.healthy', 3]);
  });

  it('that was put off and is asked for again while connecting is timed once', async () => {
    const session = bench().connect().recycle().released().permit();
    await session.advance(300);
    session.recycle();
    await session.advance(200);
    session.recycle();
    expect([session.phase, session.timers]).toEqual(['connecting.opening', [500, 30_000]]);
    await session.advance(500);
    expect([session.phase, session.timers]).toEqual(['releasing', []]);
  });

  it('that was put off while connecting is made once connected', async () => {
    const session = bench().connect().recycle().released().permit();
    await session.advance(300);
    session.recycle().connect();
    expect([session.phase, session.timers]).toEqual(['connected.healthy', [700]]);
    await session.advance(700);
    expect([session.phase, session.context.release]).toEqual(['releasing', { mode: 'kill', next: 'waiting' }]);
  });

  it('that was put off counts as a nudge: the next is put off in its turn', async () => {
    const session = bench().connect().recycle().released().permit().connect().recycle();
    await session.advance(1_000);
    session.released().permit().connect();
    await session.advance(999);
    session.recycle();
    expect([session.phase, session.timers]).toEqual(['connected.healthy', [1]]);
    await session.advance(1);
    expect(session.phase).toBe('releasing');
  });

  it.each([
    ['goes down', (session: SessionBench) => session.down()],
    ['is lost', (session: SessionBench) => session.lost()],
    ['is drained', (session: SessionBench) => session.drain({ inFlight: 0 })],
  ] as const)('that was put off is forgotten with its link when that %s', async (_how, end) => {
    const session = end(bench().connect().recycle().released().permit().connect().recycle());
    expect([session.phase, session.timers]).toEqual(['releasing', []]);
    await session.advance(1_000);
    expect(session.phase).toBe('releasing');
  });

  it('that was put off does not end a draining', async () => {
    const session = bench().connect().recycle().released().permit().connect().recycle().drain();
    await session.advance(1_000);
    expect(session.phase).toBe('draining');
  });
});
