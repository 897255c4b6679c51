import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  afterRetry,
  afterSuccess,
  allowsRetry,
  backoffMs,
  defaultRetry,
  freshBudget,
  retryDelayMs,
  type AttemptFailure,
  type RetryView,
} from '../../src/machines/retry-policy.ts';

const first: RetryView = {
  attempts: 1,
  unknowns: 0,
  losses: 0,
  isSafe: false,
  isForbidden: false,
  elsewhere: false,
  budget: freshBudget,
  leftMs: 60_000,
};

function delay(failure: AttemptFailure, view: Partial<RetryView> = {}): number | undefined {
  return retryDelayMs(failure, { ...first, ...view }, defaultRetry, 0.5);
}

const failures: readonly AttemptFailure[] = [
  { kind: 'not-sent' },
  { kind: 'overload', retryAfterMs: undefined },
  { kind: 'session-lost' },
  { kind: 'refused' },
  { kind: 'unknown', retryAfterMs: undefined },
  { kind: 'final' },
];

describe('whether and when a call is sent again', () => {
  it.each<[AttemptFailure['kind'], Partial<RetryView>, number | undefined]>([
    ['not-sent', {}, 100],
    ['not-sent', { attempts: 2 }, 200],
    ['not-sent', { attempts: 3 }, undefined],
    ['not-sent', { isForbidden: true }, undefined],
    ['not-sent', { elsewhere: true }, 0],
    ['not-sent', { elsewhere: true, isForbidden: true, attempts: 7, budget: 0 }, 0],
    ['not-sent', { leftMs: 99 }, undefined],
    ['not-sent', { budget: 5 }, undefined],
    ['overload', {}, 100],
    ['overload', { elsewhere: true }, 0],
    ['overload', { elsewhere: true, budget: 0 }, 0],
    ['overload', { elsewhere: true, isForbidden: true }, undefined],
    ['session-lost', {}, 0],
    ['session-lost', { losses: 1 }, undefined],
    ['session-lost', { losses: 1, elsewhere: true }, 0],
    ['session-lost', { isForbidden: true }, undefined],
    ['refused', {}, undefined],
    ['refused', { elsewhere: true }, 0],
    ['unknown', {}, undefined],
    ['unknown', { elsewhere: true }, undefined],
    ['unknown', { isSafe: true }, 100],
    ['unknown', { isSafe: true, elsewhere: true }, 0],
    ['unknown', { isSafe: true, unknowns: 1 }, undefined],
    ['unknown', { isSafe: true, isForbidden: true }, undefined],
    ['unknown', { isSafe: true, elsewhere: true, budget: 5 }, undefined],
    ['final', { isSafe: true, elsewhere: true }, undefined],
  ])('%s, %j: %s', (kind, view, expected) => {
    const failure = failures.find((each) => each.kind === kind);
    expect(failure && delay(failure, view)).toBe(expected);
  });

  it('waits as long as the server asks for, unless that is longer than the call has', () => {
    expect(delay({ kind: 'overload', retryAfterMs: 7_000 })).toBe(7_000);
    expect(delay({ kind: 'overload', retryAfterMs: 60_000 })).toBeUndefined();
    expect(delay({ kind: 'overload', retryAfterMs: 7_000 }, { elsewhere: true })).toBe(0);
    expect(delay({ kind: 'unknown', retryAfterMs: 3_000 }, { isSafe: true })).toBe(3_000);
  });

  it('never repeats what may have been executed unless that is safe, nor what is final, whatever else holds', () => {
    const views = fc.record({
      attempts: fc.integer({ min: 1, max: 5 }),
      unknowns: fc.integer({ min: 0, max: 2 }),
      losses: fc.integer({ min: 0, max: 2 }),
      isSafe: fc.boolean(),
      isForbidden: fc.boolean(),
      elsewhere: fc.boolean(),
      budget: fc.double({ min: 0, max: 10, noNaN: true }),
      leftMs: fc.integer({ min: -10, max: 100_000 }),
    });
    fc.assert(
      fc.property(
        fc.constantFrom(...failures),
        views,
        fc.double({ min: 0, max: 1, noNaN: true }),
        (failure, view, random) => {
          const delayMs = retryDelayMs(failure, view, defaultRetry, random);
          const mayBe =
            failure.kind !== 'final' &&
            (failure.kind !== 'unknown' || (view.isSafe && !view.isForbidden && view.unknowns === 0));
          const isWithinLimits =
            delayMs === undefined ||
            (delayMs >= 0 &&
              delayMs < view.leftMs &&
              (view.elsewhere || (view.attempts < defaultRetry.maxAttempts && allowsRetry(view.budget))));
          return (mayBe || delayMs === undefined) && isWithinLimits;
        },
      ),
    );
  });
});

describe('the pause between two attempts', () => {
  it('doubles from 100 ms and ends at maxDelayMs, ± 10 %', () => {
    const bounds = (attempts: number, config = defaultRetry): readonly number[] =>
      [0, 0.5, 1].map((random) => Math.round(backoffMs(attempts, config, random)));
    expect(bounds(1)).toEqual([90, 100, 110]);
    expect(bounds(2)).toEqual([180, 200, 220]);
    expect(bounds(3)).toEqual([360, 400, 440]);
    expect(bounds(30)).toEqual([27_000, 30_000, 33_000]);
    expect(bounds(2, { ...defaultRetry, multiplier: 5, jitter: 0 })).toEqual([500, 500, 500]);
  });
});

describe('the retry budget', () => {
  it('allows five repetitions without a success, and one more after ten successes', () => {
    let budget = freshBudget;
    let repetitions = 0;
    while (allowsRetry(budget)) {
      budget = afterRetry(budget);
      repetitions += 1;
    }
    expect([repetitions, budget]).toEqual([5, 5]);
    for (let success = 0; success < 10; success += 1) budget = afterSuccess(budget);
    expect(allowsRetry(budget)).toBe(true);
    expect(allowsRetry(afterRetry(budget))).toBe(false);
  });

  it('never leaves [0, 10]', () => {
    fc.assert(
      fc.property(fc.array(fc.boolean()), (events) => {
        let budget = freshBudget;
        for (const success of events) budget = success ? afterSuccess(budget) : afterRetry(budget);
        expect(budget).toBeGreaterThanOrEqual(0);
        expect(budget).toBeLessThanOrEqual(10);
      }),
    );
  });
});
