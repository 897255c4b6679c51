import { describe, expect, it } from 'vitest';
import { createVirtualClock } from '../../src/testing/index.ts';

describe('a virtual clock', () => {
  it('starts at monotonic 0 and at the given wall time, and stands still by itself', async () => {
    const clock = createVirtualClock({ startWallMs: 1_000_000 });
    await clock.settle();
    expect([clock.monotonic(), clock.wall(), clock.loopLag(), clock.pendingTimers, clock.nextDueMs]).toEqual([
      0,
      1_000_000,
      0,
      0,
      null,
    ]);
  });

  it('runs timers by due time, then by insertion, and each sees its own due time', async () => {
    const clock = createVirtualClock();
    const seen: [string, number][] = [];
    const note = (name: string) => () => seen.push([name, clock.monotonic()]);
    clock.setTimeout(note('c'), 30);
    clock.setTimeout(note('a'), 10);
    clock.setTimeout(note('b1'), 20);
    clock.setTimeout(note('b2'), 20);
    clock.setTimeout(note('later'), 31);
    await clock.advance(30);
    expect(seen).toEqual([
      ['a', 10],
      ['b1', 20],
      ['b2', 20],
      ['c', 30],
    ]);
    expect([clock.monotonic(), clock.pendingTimers, clock.nextDueMs]).toEqual([30, 1, 31]);
  });

  it('runs a chain of delays link by link, not collapsed into one', async () => {
    const clock = createVirtualClock();
    const ticks: number[] = [];
    const tick = (): void => {
      ticks.push(clock.monotonic());
      clock.setTimeout(tick, 1_000);
    };
    clock.setTimeout(tick, 1_000);
    await clock.advance(5_500);
    expect(ticks).toEqual([1_000, 2_000, 3_000, 4_000, 5_000]);
    expect(clock.monotonic()).toBe(5_500);
  });

  it('flushes microtasks, however deep, and macrotasks before the first timer and after each', async () => {
    const clock = createVirtualClock();
    const seen: string[] = [];
    const deep = async (name: string): Promise<void> => {
      for (let depth = 0; depth < 100; depth += 1) await Promise.resolve();
      seen.push(`${name} microtask`);
      clock.nextMacrotask(() => {
        seen.push(`${name} macrotask`);
        void Promise.resolve().then(() => seen.push(`${name} after`));
      });
    };
    void deep('start');
    clock.setTimeout(() => void deep('one'), 10);
    clock.setTimeout(() => seen.push('two'), 10);
    await clock.advance(10);
    expect(seen).toEqual([
      'start microtask',
      'start macrotask',
      'start after',
      'one microtask',
      'one macrotask',
      'one after',
      'two',
    ]);
  });

  it('lets a promise chain set a timer that falls due within the same advance', async () => {
    const clock = createVirtualClock();
    const seen: number[] = [];
    const sleep = (ms: number): Promise<void> => new Promise((resolve) => clock.setTimeout(resolve, ms));
    void (async () => {
      for (let round = 0; round < 4; round += 1) {
        await sleep(250);
        seen.push(clock.monotonic());
      }
    })();
    await clock.advance(1_000);
    expect(seen).toEqual([250, 500, 750, 1_000]);
  });

  it('never runs a cleared timer, and clearing twice, late or something foreign does nothing', async () => {
    const clock = createVirtualClock();
    const seen: string[] = [];
    const cleared = clock.setTimeout(() => seen.push('cleared'), 5);
    const ran = clock.setTimeout(() => seen.push('ran'), 6);
    clock.setTimeout(() => clock.clearTimeout(rival), 7);
    const rival = clock.setTimeout(() => seen.push('rival'), 7);
    clock.clearTimeout(cleared);
    clock.clearTimeout(cleared);
    clock.clearTimeout(undefined);
    clock.clearTimeout(42);
    await clock.advance(10);
    clock.clearTimeout(ran);
    expect(seen).toEqual(['ran']);
    expect(clock.pendingTimers).toBe(0);
  });

  it('keeps its count and order through a hundred thousand cancelled timers', async () => {
    const clock = createVirtualClock();
    const seen: number[] = [];
    for (let index = 0; index < 100_000; index += 1) {
      const id = clock.setTimeout(() => seen.push(index), (index * 7_919) % 10_007);
      if (index % 10_000 !== 0) clock.clearTimeout(id);
    }
    expect(clock.pendingTimers).toBe(10);
    await clock.advance(10_007);
    const due = (index: number): number => (index * 7_919) % 10_007;
    expect(seen).toEqual(Array.from({ length: 10 }, (_, index) => index * 10_000).toSorted((a, b) => due(a) - due(b)));
  });

  it('takes a negative, NaN or missing delay as 0 and clamps one beyond 2 147 483 647 ms', async () => {
    const clock = createVirtualClock();
    const seen: string[] = [];
    clock.setTimeout(() => seen.push('NaN'), Number.NaN);
    clock.setTimeout(() => seen.push('negative'), -5);
    clock.setTimeout(() => seen.push('endless'), Infinity);
    await clock.advance(0);
    expect(seen).toEqual(['NaN', 'negative']);
    expect(clock.nextDueMs).toBe(2_147_483_647);
  });

  it('moves the wall clock alone on jumpWall', () => {
    const clock = createVirtualClock({ startWallMs: 1_000 });
    clock.jumpWall(3_600_000);
    expect([clock.wall(), clock.monotonic()]).toEqual([3_601_000, 0]);
    clock.jumpWall(-3_600_500);
    expect([clock.wall(), clock.monotonic()]).toEqual([500, 0]);
  });

  it('rejects the advance whose timer throws, with what was still due left pending', async () => {
    const clock = createVirtualClock();
    const seen: string[] = [];
    clock.setTimeout(() => {
      throw new Error('boom');
    }, 10);
    clock.setTimeout(() => seen.push('next'), 10);
    await expect(clock.advance(20)).rejects.toThrow('boom');
    expect([clock.monotonic(), clock.pendingTimers, seen]).toEqual([10, 1, []]);
    await clock.advance(10);
    expect(seen).toEqual(['next']);
  });

  it('rejects a second move while the first has not ended, and a duration that is none', async () => {
    const clock = createVirtualClock();
    const first = clock.advance(10);
    await expect(clock.advance(10)).rejects.toThrow(
      'advance: this virtual clock is already moving; await the earlier call first',
    );
    await first;
    await expect(clock.advance(Number.NaN)).rejects.toThrow(RangeError);
    await expect(clock.stall(-1)).rejects.toThrow(RangeError);
    expect(clock.monotonic()).toBe(10);
  });

  it('rejects instead of hanging when something reschedules itself without delay', async () => {
    const clock = createVirtualClock();
    const spin = (): void => {
      clock.setTimeout(spin, 0);
    };
    spin();
    await expect(clock.advance(1)).rejects.toThrow(
      'more than 250000 callbacks ran at 0 ms: something reschedules itself without delay',
    );
  });
});

describe('runUntil', () => {
  it('jumps from timer to timer and stops at the moment the predicate holds', async () => {
    const clock = createVirtualClock();
    let count = 0;
    const tick = (): void => {
      count += 1;
      clock.setTimeout(tick, 1_000);
    };
    clock.setTimeout(tick, 1_000);
    await clock.runUntil(() => count === 3, { maxMs: 60_000 });
    expect([count, clock.monotonic()]).toEqual([3, 3_000]);
  });

  it('does not move when the predicate holds after the flush', async () => {
    const clock = createVirtualClock();
    let done = false;
    clock.setTimeout(() => undefined, 5);
    clock.nextMacrotask(() => {
      done = true;
    });
    await clock.runUntil(() => done, { maxMs: 100 });
    expect([clock.monotonic(), clock.pendingTimers]).toEqual([0, 1]);
  });

  it('rejects at maxMs with the time reached and the next due time', async () => {
    const clock = createVirtualClock();
    clock.setTimeout(() => undefined, 400);
    clock.setTimeout(() => undefined, 800);
    await expect(clock.runUntil(() => false, { maxMs: 500 })).rejects.toThrow(
      'runUntil: the predicate does not hold at 500 ms of virtual time (maxMs 500); the next timer is due at 800 ms',
    );
  });

  it('rejects as soon as no timer is left', async () => {
    const clock = createVirtualClock();
    clock.setTimeout(() => undefined, 400);
    await expect(clock.runUntil(() => false, { maxMs: 500 })).rejects.toThrow(
      'runUntil: the predicate does not hold at 400 ms of virtual time (maxMs 500); no timer is left',
    );
  });
});

describe('stall', () => {
  it('runs overdue timers late and in order, the others on time', async () => {
    const clock = createVirtualClock();
    const seen: [string, number][] = [];
    const note = (name: string) => () => seen.push([name, clock.monotonic()]);
    clock.setTimeout(note('due 20'), 20);
    clock.setTimeout(note('due 10'), 10);
    clock.setTimeout(note('due 150'), 150);
    await clock.stall(100);
    expect(seen).toEqual([
      ['due 10', 100],
      ['due 20', 100],
    ]);
    await clock.advance(50);
    expect(seen).toEqual([
      ['due 10', 100],
      ['due 20', 100],
      ['due 150', 150],
    ]);
  });

  it('shows the worst lateness in loopLag before the late callback runs and for 5 virtual seconds', async () => {
    const clock = createVirtualClock();
    const lags: number[] = [];
    clock.setTimeout(() => lags.push(clock.loopLag()), 1_000);
    clock.setTimeout(() => lags.push(clock.loopLag()), 1_400);
    await clock.stall(2_500);
    expect(lags).toEqual([1_500, 1_500]);
    await clock.advance(5_000);
    expect(clock.loopLag()).toBe(1_500);
    await clock.advance(1);
    expect(clock.loopLag()).toBe(0);
  });

  it('remembers a smaller, newer lateness when the older one has gone', async () => {
    const clock = createVirtualClock();
    clock.setTimeout(() => undefined, 0);
    await clock.stall(900);
    await clock.advance(4_000);
    clock.setTimeout(() => undefined, 0);
    await clock.stall(200);
    expect(clock.loopLag()).toBe(900);
    await clock.advance(1_000);
    expect(clock.loopLag()).toBe(200);
  });

  it('delivers what arrived meanwhile after every overdue timer and before their macrotasks, as a real loop does', async () => {
    const clock = createVirtualClock();
    const seen: string[] = [];
    clock.arrive(() => seen.push('answer'), 50);
    clock.arrive(() => seen.push('later answer'), 150);
    clock.setTimeout(() => {
      seen.push('timeout 1');
      clock.nextMacrotask(() => seen.push('judged 1'));
    }, 100);
    clock.setTimeout(() => {
      seen.push('timeout 2');
      clock.nextMacrotask(() => seen.push('judged 2'));
      clock.setTimeout(() => seen.push('set while late'), 0);
    }, 120);
    await clock.stall(200);
    expect(seen).toEqual([
      'timeout 1',
      'timeout 2',
      'answer',
      'later answer',
      'judged 1',
      'judged 2',
      'set while late',
    ]);
  });
});

describe('arrive', () => {
  it('keeps the order of due times among timers, counts as no pending timer and can be taken back', async () => {
    const clock = createVirtualClock();
    const seen: string[] = [];
    clock.setTimeout(() => seen.push('timer 10'), 10);
    clock.arrive(() => seen.push('arrival 10'), 10);
    clock.arrive(() => seen.push('arrival 5'), 5);
    const lost = clock.arrive(() => seen.push('lost'), 6);
    clock.clearTimeout(lost);
    expect([clock.pendingTimers, clock.nextDueMs]).toEqual([1, 5]);
    await clock.advance(10);
    expect(seen).toEqual(['arrival 5', 'timer 10', 'arrival 10']);
  });
});

describe('settle', () => {
  it('shares one flush among overlapping callers, none of which returns early', async () => {
    const clock = createVirtualClock();
    const seen: string[] = [];
    const first = clock.settle().then(() => seen.push('first settled'));
    clock.nextMacrotask(() => {
      seen.push('outer');
      clock.nextMacrotask(() => seen.push('inner'));
    });
    const second = clock.settle().then(() => seen.push('second settled'));
    await Promise.all([first, second]);
    expect(seen).toEqual(['outer', 'inner', 'first settled', 'second settled']);
  });
});
