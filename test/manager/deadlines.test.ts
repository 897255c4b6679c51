import { describe, expect, it } from 'vitest';
import { Deadlines, type Due } from '../../src/manager/deadlines.ts';
import { createVirtualClock } from '../../src/testing/index.ts';

function deadlines() {
  const clock = createVirtualClock();
  const all = new Deadlines(clock);
  const told: string[] = [];
  const begin = (name: string, ms: number, then: () => void = () => undefined): Due => {
    const due = {
      dueMs: clock.monotonic() + ms,
      due: () => {
        told.push(`${clock.monotonic()} ${name}`);
        then();
      },
    };
    all.add(due, ms);
    return due;
  };
  return { clock, all, told, begin };
}

describe('deadlines', () => {
  it('tell each of its own time, with one timer for all of a length', async () => {
    const { clock, told, begin } = deadlines();
    begin('a', 1_000);
    await clock.advance(10);
    begin('b', 1_000);
    begin('short', 50);
    await clock.advance(10);
    begin('c', 1_000);
    expect(clock.pendingTimers).toBe(2);
    await clock.advance(2_000);
    expect(told).toEqual(['60 short', '1000 a', '1010 b', '1020 c']);
    expect(clock.pendingTimers).toBe(0);
  });

  it('say nothing of what was removed, and leave no timer when nothing waits', async () => {
    const { clock, all, told, begin } = deadlines();
    const a = begin('a', 1_000);
    const b = begin('b', 1_000);
    begin('c', 1_000);
    all.remove(a, 1_000);
    await clock.advance(1_000);
    expect(told).toEqual(['1000 b', '1000 c']);
    all.remove(b, 1_000);
    const d = begin('d', 1_000);
    expect(clock.pendingTimers).toBe(1);
    all.remove(d, 1_000);
    expect(clock.pendingTimers).toBe(0);
    await clock.advance(5_000);
    expect(told).toHaveLength(2);
  });

  it('take what is added again, and what others remove, while they tell', async () => {
    const { clock, all, told, begin } = deadlines();
    begin('a', 100, () => {
      if (told.length < 3) begin('again', 100);
      all.remove(b, 100);
    });
    const b = begin('b', 100);
    await clock.advance(1_000);
    expect(told).toEqual(['100 a', '100 b', '200 again']);
    expect(clock.pendingTimers).toBe(0);
  });

  it('that are late are told all at once, in the order in which they began', async () => {
    const { clock, told, begin } = deadlines();
    for (let n = 0; n < 5; n += 1) {
      begin(`${n}`, 100);
      await clock.advance(10);
    }
    await clock.stall(500);
    expect(told).toEqual(['550 0', '550 1', '550 2', '550 3', '550 4']);
  });

  it('of a thousand lengths leave nothing behind', async () => {
    const { clock, told, begin } = deadlines();
    for (let ms = 1; ms <= 1_000; ms += 1) begin(`${ms}`, ms);
    await clock.advance(1_000);
    expect(told).toEqual(Array.from({ length: 1_000 }, (_, index) => `${index + 1} ${index + 1}`));
    expect(clock.pendingTimers).toBe(0);
  });
});
