import { afterEach, beforeEach, describe, expect, it, onTestFinished } from 'vitest';
import type { ConnectLimiter, ConnectPermit } from '../../src/actors/ports.ts';
import { createConnectLimiter, processConnectLimiter } from '../../src/host/connect-limiter.ts';
import { createVirtualClock, type LeakCheck, startLeakCheck, type VirtualClock } from '../../src/testing/index.ts';

let clock: VirtualClock;
let leaks: LeakCheck;
beforeEach(() => {
  clock = createVirtualClock();
  leaks = startLeakCheck({ clock });
});
afterEach(() => leaks.verify());

/** Asks under a name; keeps what was granted, with its time. */
function asker(limiter: ConnectLimiter): {
  ask(name: string, origin?: string | null): () => void;
  release(name: string): void;
  readonly log: string[];
} {
  const permits = new Map<string, ConnectPermit>();
  const log: string[] = [];
  return {
    log,
    ask: (name, origin = null) =>
      limiter.request({ origin }, (permit) => {
        permits.set(name, permit);
        log.push(`${name}@${clock.monotonic()}`);
      }),
    release: (name) => permits.get(name)?.release(),
  };
}

describe('a connect limiter', () => {
  it('grants the burst at once and then ten a second, by a timer that exists only while somebody waits', async () => {
    const { ask, release, log } = asker(createConnectLimiter({ clock, burst: 3, atOnce: Infinity }));
    for (const name of ['a', 'b', 'c']) ask(name);
    expect([log, clock.pendingTimers]).toEqual([['a@0', 'b@0', 'c@0'], 0]);
    for (const name of ['d', 'e']) ask(name);
    expect(clock.pendingTimers).toBe(1);
    await clock.advance(1_000);
    expect(log).toEqual(['a@0', 'b@0', 'c@0', 'd@100', 'e@200']);
    expect(clock.pendingTimers).toBe(0);
    release('a');
  });

  it('has a burst of 16 and 8 permits at once by default', async () => {
    const { ask, release, log } = asker(createConnectLimiter({ clock }));
    for (let index = 0; index < 20; index += 1) ask(`n${index}`);
    expect([log.length, clock.pendingTimers]).toEqual([8, 0]);
    for (let index = 0; index < 20; index += 1) release(`n${index}`);
    expect(log.slice(8)).toEqual(['n8@0', 'n9@0', 'n10@0', 'n11@0', 'n12@0', 'n13@0', 'n14@0', 'n15@0']);
    await clock.advance(400);
    expect(log.slice(16)).toEqual(['n16@100', 'n17@200', 'n18@300', 'n19@400']);
  });

  it('fills its bucket up again over time, to no more than the burst', async () => {
    const { ask, release, log } = asker(createConnectLimiter({ clock, burst: 2 }));
    const names = ['a', 'b', 'c', 'd', 'e'];
    for (const name of names.slice(0, 2)) ask(name);
    await clock.advance(3_600_000);
    for (const name of names.slice(2)) ask(name);
    expect(log).toEqual(['a@0', 'b@0', 'c@3600000', 'd@3600000']);
    await clock.advance(100);
    expect(log.at(-1)).toBe('e@3600100');
    for (const name of names) release(name);
  });

  it('grants two at a time for one origin, lets others pass it, and serves it in order when it releases', () => {
    const { ask, release, log } = asker(createConnectLimiter({ clock }));
    for (const name of ['x1', 'x2', 'x3', 'x4']) ask(name, 'https://x');
    ask('y1', 'https://y');
    ask('n1');
    expect(log).toEqual(['x1@0', 'x2@0', 'y1@0', 'n1@0']);
    release('x2');
    release('x2');
    expect(log.slice(4)).toEqual(['x3@0']);
    release('x1');
    expect(log.slice(5)).toEqual(['x4@0']);
  });

  it('does not wait for tokens on behalf of an origin that is full', () => {
    const { ask } = asker(createConnectLimiter({ clock, burst: 2 }));
    for (const name of ['x1', 'x2', 'x3']) ask(name, 'https://x');
    expect(clock.pendingTimers).toBe(0);
  });

  it('forgets a request that leaves the queue, and its timer with the last one', async () => {
    const { ask, log } = asker(createConnectLimiter({ clock, burst: 1 }));
    const leaveA = ask('a');
    const leaveB = ask('b');
    const leaveC = ask('c');
    leaveA();
    leaveB();
    leaveB();
    await clock.advance(100);
    expect(log).toEqual(['a@0', 'c@100']);
    leaveC();
    ask('d')();
    expect(clock.pendingTimers).toBe(0);
  });

  it('takes the permit back from a callback that throws, warns without its text, and serves the others', async () => {
    const warnings: Error[] = [];
    const onWarning = (warning: Error): void => void warnings.push(warning);
    process.on('warning', onWarning);
    onTestFinished(() => void process.off('warning', onWarning));
    const limiter = createConnectLimiter({ clock, atOnce: 1 });
    const { ask, log } = asker(limiter);
    limiter.request({ origin: null }, () => {
      throw new Error('secret');
    });
    ask('next');
    expect(log).toEqual(['next@0']);
    await clock.settle();
    expect(warnings.map(String)).toEqual([
      'Warning: a connect permit was lost: the callback that was granted it threw',
    ]);
    process.off('warning', onWarning);
  });

  it('stands requests, releases and departures from within a granted callback', () => {
    const limiter = createConnectLimiter({ clock, atOnce: 1, burst: Infinity });
    const log: string[] = [];
    let leave = (): void => undefined;
    limiter.request({ origin: 'o' }, (first) => {
      log.push('first');
      leave = limiter.request({ origin: 'o' }, () => log.push('left'));
      limiter.request({ origin: 'o' }, (second) => {
        log.push('second');
        second.release();
      });
      leave();
      first.release();
      log.push('first ends');
    });
    expect(log).toEqual(['first', 'first ends', 'second']);
  });

  it('stands thousands that release at once from within their callbacks', () => {
    const limiter = createConnectLimiter({ clock, burst: Infinity, perSecond: Infinity });
    let granted = 0;
    for (let index = 0; index < 20_000; index += 1) {
      limiter.request({ origin: 'o' }, (permit) => {
        granted += 1;
        permit.release();
      });
    }
    expect(granted).toBe(20_000);
  });

  it.each([{ burst: 0 }, { atOnce: 0 }, { perOrigin: Number.NaN }, { perSecond: 0 }])(
    'refuses limits that let nothing through: %o',
    (limits) => {
      expect(() => createConnectLimiter({ clock, ...limits })).toThrow(RangeError);
    },
  );
});

describe('the limiter of the process', () => {
  it('is one and the same for everybody', () => {
    expect(processConnectLimiter()).toBe(processConnectLimiter());
  });
});
