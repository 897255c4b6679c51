import { describe, expect, it } from 'vitest';
import { benches } from './session-bench.ts';

const bench = benches();

describe('draining', () => {
  it('waits for the calls in flight, then says goodbye', async () => {
    const session = bench().connect();
    session.take();
    session.drain({ drainMs: 20_000, inFlight: 2 });
    await session.advance(19_999);
    expect([session.phase, session.take(), session.timers]).toEqual(['draining', [], [20_000]]);
    session.send({ type: 'INFLIGHT.ZERO' });
    expect([session.phase, session.context.release, session.take(), session.timers]).toEqual([
      'releasing',
      { mode: 'graceful', next: 'closed' },
      ['remembered', 'link 1: LINK.RELEASE graceful'],
      [],
    ]);
    session.released();
    expect([session.phase, session.actor.getSnapshot().status, session.running]).toEqual(['closed', 'done', []]);
  });

  it('cancels the rest after drainMs, then says goodbye', async () => {
    const session = bench().connect();
    session.take();
    session.drain({ drainMs: 20_000, inFlight: 2 });
    await session.advance(20_000);
    expect([session.phase, session.context.release, session.take()]).toEqual([
      'releasing',
      { mode: 'graceful', next: 'closed' },
      ['calls cancelled', 'remembered', 'link 1: LINK.RELEASE graceful'],
    ]);
  });

  it('is over at once with nothing in flight', () => {
    const session = bench().connect().drain({ inFlight: 0 });
    expect([session.phase, session.context.release]).toEqual(['releasing', { mode: 'graceful', next: 'closed' }]);
  });

  it('for 0 ms cancels and kills', () => {
    const session = bench().connect();
    session.take();
    session.drain({ drainMs: 0, inFlight: 0 });
    expect([session.context.release, session.take()]).toEqual([
      { mode: 'kill', next: 'closed' },
      ['calls cancelled', 'remembered', 'link 1: LINK.RELEASE kill'],
    ]);
  });

  it('asked for a second time cancels and kills', () => {
    const session = bench().connect().drain();
    session.take();
    session.drain();
    expect([session.phase, session.context.release, session.take(), session.timers]).toEqual([
      'releasing',
      { mode: 'kill', next: 'closed' },
      ['calls cancelled', 'remembered', 'link 1: LINK.RELEASE kill'],
      [],
    ]);
  });

  it('holds the link but admits nothing, is checked no more, and is not opened or recycled', () => {
    const session = bench().connect().tick().drain();
    session.take();
    session.open().recycle().tick();
    session.send({ type: 'LINK.FAULT', generation: 1, fault: { kind: 'protocol', code: 'x', message: 'x' } });
    const snapshot = session.actor.getSnapshot();
    expect([session.phase, session.running, session.take()]).toEqual(['draining', ['link 1'], []]);
    expect([snapshot.hasTag('holds a link'), snapshot.hasTag('admits calls')]).toEqual([true, false]);
  });

  it.each([
    ['LINK.DOWN', 'kill'],
    ['SESSION.LOST', 'lost'],
  ] as const)('ends with %s: the link is let go (%s) and nothing is reopened', (type, mode) => {
    const session = bench().connect().drain();
    if (type === 'LINK.DOWN') session.down('exit');
    else session.lost();
    expect([session.phase, session.context.release]).toEqual(['releasing', { mode, next: 'closed' }]);
    session.open().released();
    expect(session.phase).toBe('closed');
  });
});

describe('releasing', () => {
  it('leads to waiting instead of backing off when it is nudged meanwhile', () => {
    const session = bench().connect().down().open();
    expect([session.phase, session.context.release]).toEqual(['releasing', { mode: 'kill', next: 'waiting' }]);
    session.released();
    expect([session.phase, session.timers, session.context.attempt]).toEqual(['connecting.waiting', [], 0]);
  });

  it('keeps its mode when it is bound anew', () => {
    const session = bench({ memory: { losses: [0, 0] } })
      .connect()
      .lost();
    expect(session.context.release).toEqual({ mode: 'lost', next: 'backingOff' });
    session.recycle();
    expect(session.context.release).toEqual({ mode: 'lost', next: 'waiting' });
    session.drain();
    expect(session.context.release).toEqual({ mode: 'lost', next: 'closed' });
  });

  it('leads to closed once it was drained, whatever else is asked for', () => {
    const session = bench().connect().recycle().drain().open().recycle();
    expect(session.context.release?.next).toBe('closed');
    session.released();
    expect(session.phase).toBe('closed');
  });

  it('is hastened by a second DRAIN, and only then', () => {
    const session = bench().connect().drain({ inFlight: 0 });
    session.take();
    session.drain();
    expect([session.phase, session.take()]).toEqual(['releasing', ['link 1: LINK.RELEASE kill']]);
    const other = bench().connect().down();
    other.take();
    other.drain();
    expect(other.take()).toEqual([]);
    other.drain();
    expect(other.take()).toEqual(['link 1: LINK.RELEASE kill']);
  });

  it('tells of a link that did not go, and goes on', () => {
    const session = bench().connect().down();
    session.take();
    session.released(true);
    expect([session.phase, session.take().slice(0, 3)]).toEqual([
      'disconnected.backingOff',
      ['remembered', 'link 1 ended', { type: 'linkLeaked', generation: 1 }],
    ]);
  });

  it('is not moved by what the old link still says', () => {
    const session = bench().connect().recycle();
    session.take();
    session.down().lost();
    expect([session.phase, session.context.release, session.take()]).toEqual([
      'releasing',
      { mode: 'kill', next: 'waiting' },
      [],
    ]);
  });

  it('never has two links: the next opens after the last has ended', () => {
    const session = bench().connect();
    session.take();
    session.recycle().released().permit();
    const links = session.take().filter((entry) => typeof entry === 'string' && entry.startsWith('link'));
    expect(links).toEqual(['link 1: LINK.RELEASE kill', 'link 1 ended', 'link 2 started']);
  });
});
