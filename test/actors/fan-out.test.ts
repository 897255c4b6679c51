import { describe, expect, it } from 'vitest';
import { createFanOut, slicedTimers } from '../../src/actors/fan-out.ts';
import { createVirtualClock } from '../../src/testing/index.ts';

/** A clock whose macrotasks the test runs one turn at a time. */
function turns(): {
  readonly nextMacrotask: (callback: () => void) => void;
  readonly turn: () => void;
  readonly asked: () => number;
} {
  let waiting: (() => void)[] = [];
  return {
    nextMacrotask: (callback) => {
      waiting.push(callback);
    },
    turn: () => {
      const now = waiting;
      waiting = [];
      for (const callback of now) callback();
    },
    asked: () => waiting.length,
  };
}

describe('a fan-out', () => {
  it('delivers at once while there is little to deliver', () => {
    const clock = turns();
    const fanOut = createFanOut(clock);
    const seen: number[] = [];
    for (let index = 0; index < 50; index += 1) {
      fanOut.deliver(() => seen.push(index));
      expect(seen).toHaveLength(index + 1);
    }
  });

  it('delivers what is more in slices of 50 per turn, in order, one turn asked for at a time', () => {
    const clock = turns();
    const fanOut = createFanOut(clock);
    const seen: number[] = [];
    for (let index = 0; index < 225; index += 1) fanOut.deliver(() => seen.push(index));
    const lengths: number[] = [];
    while (clock.asked() > 0) {
      expect(clock.asked()).toBe(1);
      lengths.push(seen.length);
      clock.turn();
    }
    expect(lengths).toEqual([50, 100, 150, 200, 225]);
    expect(seen).toEqual(Array.from({ length: 225 }, (_, index) => index));
  });

  it('lets nothing overtake what waits', () => {
    const clock = turns();
    const fanOut = createFanOut(clock);
    const seen: number[] = [];
    for (let index = 0; index < 120; index += 1) fanOut.deliver(() => seen.push(index));
    clock.turn();
    fanOut.deliver(() => seen.push(120));
    expect(seen).toHaveLength(100);
    clock.turn();
    expect(seen).toEqual(Array.from({ length: 121 }, (_, index) => index));
  });

  it('counts what it delivered late against the turn in which it did', () => {
    const clock = turns();
    const fanOut = createFanOut(clock);
    const seen: string[] = [];
    for (let index = 0; index < 80; index += 1) fanOut.deliver(() => seen.push(`first ${index}`));
    clock.turn();
    for (let index = 0; index < 30; index += 1) fanOut.deliver(() => seen.push(`second ${index}`));
    expect(seen).toHaveLength(100);
    clock.turn();
    expect(seen).toHaveLength(110);
  });

  it('delivers at once again after a turn with nothing to do, and asks for no more turns', () => {
    const clock = turns();
    const fanOut = createFanOut(clock);
    const seen: number[] = [];
    for (let index = 0; index < 70; index += 1) fanOut.deliver(() => seen.push(index));
    clock.turn();
    clock.turn();
    expect([clock.asked(), seen.length]).toEqual([0, 70]);
    fanOut.deliver(() => seen.push(70));
    expect(seen).toHaveLength(71);
  });

  it('delivers what a delivery brings about', () => {
    const clock = turns();
    const fanOut = createFanOut(clock);
    const seen: string[] = [];
    fanOut.deliver(() => {
      seen.push('outer');
      fanOut.deliver(() => seen.push('inner'));
    });
    expect(seen).toEqual(['outer', 'inner']);
  });
});

describe('sliced timers', () => {
  it('fire on time while few fall due together, in the order of their times', async () => {
    const clock = createVirtualClock();
    const timers = slicedTimers(clock, createFanOut(clock));
    const fired: string[] = [];
    for (const ms of [300, 100, 200]) timers.setTimeout(() => fired.push(`${ms} at ${clock.monotonic()}`), ms);
    await clock.advance(1_000);
    expect(fired).toEqual(['100 at 100', '200 at 200', '300 at 300']);
  });

  it('that fall due together by the hundred run 50 in a turn, all of them, in order', () => {
    const clock = turns();
    const due: (() => void)[] = [];
    const timers = slicedTimers(
      {
        monotonic: () => 0,
        setTimeout: (callback) => due.push(callback),
        clearTimeout: () => undefined,
        nextMacrotask: clock.nextMacrotask,
      },
      createFanOut(clock),
    );
    const fired: number[] = [];
    for (let index = 0; index < 120; index += 1) timers.setTimeout(() => fired.push(index), 250);
    for (const callback of due) callback();
    const lengths: number[] = [];
    while (clock.asked() > 0) {
      lengths.push(fired.length);
      clock.turn();
    }
    expect(lengths).toEqual([50, 100, 120]);
    expect(fired).toEqual(Array.from({ length: 120 }, (_, index) => index));
  });

  it('do not fire once they are cleared, and leave nothing behind', async () => {
    const clock = createVirtualClock();
    const timers = slicedTimers(clock, createFanOut(clock));
    const fired: string[] = [];
    timers.clearTimeout(timers.setTimeout(() => fired.push('cleared'), 100));
    expect(clock.pendingTimers).toBe(0);
    const kept = timers.setTimeout(() => fired.push('kept'), 100);
    await clock.advance(100);
    timers.clearTimeout(kept);
    await clock.advance(1_000);
    expect(fired).toEqual(['kept']);
  });

  it('do not fire when they are cleared between falling due and their turn', () => {
    const clock = turns();
    const due: (() => void)[] = [];
    const timers = slicedTimers(
      {
        monotonic: () => 0,
        setTimeout: (callback) => due.push(callback),
        clearTimeout: () => undefined,
        nextMacrotask: clock.nextMacrotask,
      },
      createFanOut(clock),
    );
    const fired: number[] = [];
    const made = Array.from({ length: 60 }, (_, index) => timers.setTimeout(() => fired.push(index), 250));
    for (const callback of due) callback();
    for (const timer of made.slice(50, 55)) timers.clearTimeout(timer);
    clock.turn();
    expect(fired).toEqual(Array.from({ length: 60 }, (_, index) => index).filter((n) => n < 50 || n >= 55));
  });

  it('that come late fire after what has arrived meanwhile, and not at all if that clears them', async () => {
    const clock = createVirtualClock();
    const timers = slicedTimers(clock, createFanOut(clock));
    const fired: string[] = [];
    const timeout = timers.setTimeout(() => fired.push('timeout'), 100);
    timers.setTimeout(() => fired.push('another'), 100);
    clock.arrive(() => {
      fired.push('answer');
      timers.clearTimeout(timeout);
    }, 50);
    await clock.stall(1_000);
    expect(fired).toEqual(['answer', 'another']);
    expect(clock.pendingTimers).toBe(0);
  });
});
