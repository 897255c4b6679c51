import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  attemptDelayMs,
  backoffMs,
  defaultReconnect,
  isCrashLoop,
  losesSessionsTooOften,
  nudgeIntervalMs,
  parkMs,
  withExit,
  withSessionLoss,
} from '../../src/machines/reconnect-policy.ts';

describe('the defaults', () => {
  it('are those of the documentation', () => {
    expect(defaultReconnect).toEqual({
      enabled: true,
      delayMs: 1_000,
      maxDelayMs: 60_000,
      multiplier: 2,
      stableMs: 60_000,
      crashLoopExits: 5,
      crashLoopWindowMs: 300_000,
      crashLoopDelayMs: 300_000,
    });
    expect(nudgeIntervalMs).toBe(1_000);
  });
});

describe('attemptDelayMs', () => {
  it.each([
    // attempt, asked for, random, delay
    [1, undefined, 0.5, 750],
    [1, 0, 0.5, 750],
    [1, 700, 0.5, 750],
    [1, 10_000, 0, 10_000],
    [1, 10_000, 0.5, 10_500],
    [7, 10_000, 0.5, 45_000],
    [0, 60_000, 0.5, 63_000],
    [0, 3_600_000, 0.5, 315_000],
  ])(
    'after %i attempts, when the server asked for %s ms, with random %f, is %f ms',
    (attempt, asked, random, delay) => {
      expect(attemptDelayMs(attempt, asked, defaultReconnect, random)).toBe(delay);
    },
  );
});

describe('backoffMs', () => {
  it.each([
    // attempt, random, delay
    [0, 0, 0],
    [0, 0.5, 250],
    [0, 0.999, 499.5],
    [1, 0, 500],
    [1, 0.5, 750],
    [1, 0.999, 999.5],
    [2, 0, 1_000],
    [2, 0.25, 1_250],
    [3, 0.5, 3_000],
    [6, 0, 16_000],
    [7, 0, 30_000],
    [7, 0.5, 45_000],
    [8, 0, 30_000],
    [1_000_000, 0.5, 45_000],
  ])('after %i failed attempts at random %f is %f ms', (attempt, random, ms) => {
    expect(backoffMs(attempt, defaultReconnect, random)).toBeCloseTo(ms, 9);
  });

  it('retries for the first time within delayMs when that is less than 500 ms', () => {
    const policy = { delayMs: 40, maxDelayMs: 1_000, multiplier: 2 };
    expect([backoffMs(0, policy, 0.5), backoffMs(0, policy, 0.999)]).toEqual([20, 39.96]);
  });

  it('is never less than half its base nor more than the base, whatever the policy and however many attempts', () => {
    fc.assert(
      fc.property(
        fc.record({
          delayMs: fc.integer({ min: 1, max: 100_000 }),
          maxDelayMs: fc.integer({ min: 1, max: 2_147_483_647 }),
          multiplier: fc.double({ min: 1, max: 10, noNaN: true }),
        }),
        fc.oneof(fc.integer({ min: 1, max: 12 }), fc.integer({ min: 1, max: 1_000_000 })),
        fc.double({ min: 0, max: 1, maxExcluded: true, noNaN: true }),
        (policy, attempt, random) => {
          const base = Math.min(policy.maxDelayMs, policy.delayMs * policy.multiplier ** (attempt - 1));
          const ms = backoffMs(attempt, policy, random);
          expect(ms).toBeGreaterThanOrEqual(base / 2);
          expect(ms).toBeLessThanOrEqual(base);
          expect(backoffMs(attempt + 1, policy, random)).toBeGreaterThanOrEqual(ms);
        },
      ),
    );
  });

  it('disperses a thousand sessions that fail together: each tenth of the range gets its share', () => {
    let seed = 1;
    const random = (): number => {
      seed = (seed * 48_271) % 2_147_483_647;
      return seed / 2_147_483_647;
    };
    for (const attempt of [0, 1, 4, 20]) {
      const [least, most] = [backoffMs(attempt, defaultReconnect, 0), backoffMs(attempt, defaultReconnect, 1)];
      const delays = Array.from({ length: 1_000 }, () => backoffMs(attempt, defaultReconnect, random()));
      const tenths = Array.from({ length: 10 }, () => 0);
      for (const ms of delays) {
        const tenth = Math.floor((10 * (ms - least)) / (most - least));
        tenths[tenth] = (tenths[tenth] ?? 0) + 1;
      }
      expect(Math.min(...tenths), `attempt ${attempt}: ${tenths.join(' ')}`).toBeGreaterThanOrEqual(70);
      expect(Math.max(...tenths), `attempt ${attempt}: ${tenths.join(' ')}`).toBeLessThanOrEqual(130);
      expect(new Set(delays).size).toBe(1_000);
    }
  });
});

describe('exits', () => {
  it('are forgotten when they are as old as the window', () => {
    expect(withExit([0, 1, 250_000], 300_000, defaultReconnect)).toEqual([1, 250_000, 300_000]);
  });

  it('are kept as far as they matter', () => {
    expect(withExit([1, 2, 3, 4, 5, 6], 7, defaultReconnect)).toEqual([2, 3, 4, 5, 6, 7]);
  });

  it.each([
    [0, 0, false],
    [5, 5, false],
    [6, 5, true],
    [1, 0, true],
    [1, 1, false],
  ])('%i of them with crashLoopExits %i are a crash loop: %s', (count, crashLoopExits, isLoop) => {
    const exits = Array.from({ length: count }, (_, at) => at);
    expect(isCrashLoop(exits, { ...defaultReconnect, crashLoopExits })).toBe(isLoop);
  });
});

describe('session losses', () => {
  it('are too many with the third in 60 s', () => {
    const first = withSessionLoss([], 1_000);
    const second = withSessionLoss(first, 2_000);
    const third = withSessionLoss(second, 60_999);
    expect([first, second, third]).toEqual([[1_000], [1_000, 2_000], [1_000, 2_000, 60_999]]);
    expect([first, second, third].map(losesSessionsTooOften)).toEqual([false, false, true]);
    expect(losesSessionsTooOften(withSessionLoss(second, 61_000))).toBe(false);
  });

  it('are kept as far as they matter', () => {
    expect(withSessionLoss([1, 2, 3], 4)).toEqual([2, 3, 4]);
  });
});

describe('parkMs', () => {
  it.each([
    ['auth', 0, 300_000],
    ['auth', 1, 900_000],
    ['auth', 2, 3_600_000],
    ['auth', 3, 3_600_000],
    ['auth', 1_000, 3_600_000],
    ['config', 0, 300_000],
    ['config', 9, 300_000],
    ['incompatible', 0, 300_000],
    ['incompatible', 9, 300_000],
    ['crashLoop', 0, 300_000],
    ['crashLoop', 9, 300_000],
  ] as const)('for %s after %i parks is %i ms', (reason, parks, ms) => {
    expect(parkMs(reason, parks, defaultReconnect)).toBe(ms);
  });

  it('follows crashLoopDelayMs for a crash loop alone', () => {
    const policy = { ...defaultReconnect, crashLoopDelayMs: 7 };
    expect([parkMs('crashLoop', 0, policy), parkMs('config', 0, policy), parkMs('auth', 0, policy)]).toEqual([
      7, 300_000, 300_000,
    ]);
  });
});
