import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  afterFailedCheck,
  afterGoodCheck,
  answersNeeded,
  attentiveMs,
  defaultHealthCheck,
  failuresBeyondUnhealthy,
  firstTickMs,
  hasRecovered,
  type HealthCount,
  isGivenUp,
  isOwnStall,
  isSlow,
  isSound,
  isUnhealthy,
  nextTickMs,
  provenCount,
  respreadMs,
  tickAfterAnswerMs,
  withoutReason,
  withReason,
} from '../../src/machines/health-policy.ts';

const policy = defaultHealthCheck;
const count = (failures: number, successes: number, ...reasons: HealthCount['reasons']): HealthCount => ({
  failures,
  successes,
  reasons,
});

describe('the defaults', () => {
  it('are those of the documentation', () => {
    expect(policy).toEqual({
      intervalMs: 30_000,
      timeoutMs: 5_000,
      failureThreshold: 3,
      successThreshold: 2,
      degradedLatencyMs: 5_000,
    });
    expect([failuresBeyondUnhealthy, attentiveMs(policy), attentiveMs({ ...policy, intervalMs: 800 })]).toEqual([
      2, 5_000, 800,
    ]);
  });
});

describe('the count of checks', () => {
  it('of a proven connection is sound', () => {
    expect(provenCount(policy)).toEqual(count(0, 2));
    expect(isSound(provenCount(policy), policy)).toBe(true);
  });

  it.each([
    [count(0, 0), count(0, 1)],
    [count(0, 1), count(0, 2)],
    [count(0, 2), count(0, 2)],
    [count(4, 0), count(0, 1)],
    [count(1, 0, 'calls'), count(0, 1, 'calls')],
  ])('%j after a good check is %j', (before, after) => {
    expect(afterGoodCheck(before, 10, policy)).toEqual(after);
  });

  it('is the same object after a good check that shows nothing new', () => {
    for (const before of [count(0, 2), count(0, 2, 'calls')]) expect(afterGoodCheck(before, 10, policy)).toBe(before);
  });

  it.each([
    [count(0, 2), count(1, 0)],
    [count(2, 0, 'overload'), count(3, 0, 'overload')],
  ])('%j after a failed check is %j', (before, after) => {
    expect(afterFailedCheck(before)).toEqual(after);
  });

  it.each([
    [count(0, 2), 5_001, count(0, 0, 'latency')],
    [count(0, 2), 5_000, count(0, 2)],
    [count(0, 1, 'latency'), 4_000, count(0, 2, 'latency')],
    [count(0, 1, 'latency'), 3_999.9, count(0, 2)],
    [count(0, 1, 'calls', 'latency'), 10, count(0, 2, 'calls')],
    [count(0, 5, 'calls'), 6_000, count(0, 0, 'calls', 'latency')],
  ])('%j after a good check at a mean of %f ms is %j', (before, mean, after) => {
    expect(afterGoodCheck(before, mean, policy)).toEqual(after);
  });

  it('is never changed in place', () => {
    const frozen = Object.freeze({ failures: 1, successes: 0, reasons: Object.freeze(['calls' as const]) });
    afterGoodCheck(frozen, 9_000, policy);
    afterFailedCheck(frozen);
    withReason(frozen, 'latency');
    withoutReason(frozen, 'calls');
    expect(frozen).toEqual({ failures: 1, successes: 0, reasons: ['calls'] });
  });
});

describe('reasons', () => {
  it.each([
    [count(0, 7), 'calls', count(0, 0, 'calls')],
    [count(2, 0, 'overload'), 'calls', count(2, 0, 'calls', 'overload')],
    [count(0, 7, 'calls'), 'calls', count(0, 7, 'calls')],
  ] as const)('%j with %s is %j', (before, reason, after) => {
    expect(withReason(before, reason)).toEqual(after);
  });

  it.each([
    [count(0, 7, 'calls', 'latency'), 'calls', count(0, 7, 'latency')],
    [count(0, 7, 'latency'), 'calls', count(0, 7, 'latency')],
  ] as const)('%j without %s is %j', (before, reason, after) => {
    expect(withoutReason(before, reason)).toEqual(after);
  });
});

describe('the verdict', () => {
  it.each([
    // count, recovered, sound, unhealthy, given up
    [count(0, 2), true, true, false, false],
    [count(0, 1), false, false, false, false],
    [count(0, 2, 'calls'), true, false, false, false],
    [count(1, 0), false, false, false, false],
    [count(2, 0), false, false, false, false],
    [count(3, 0), false, false, true, false],
    [count(4, 0), false, false, true, false],
    [count(5, 0), false, false, true, true],
    [count(6, 0), false, false, true, true],
  ])('on %j: recovered %s, sound %s, unhealthy %s, given up %s', (of, recovered, sound, unhealthy, givenUp) => {
    expect([hasRecovered(of, policy), isSound(of, policy), isUnhealthy(of, policy), isGivenUp(of, policy)]).toEqual([
      recovered,
      sound,
      unhealthy,
      givenUp,
    ]);
  });

  it('falls at exactly the thresholds for any run of checks', () => {
    fc.assert(
      fc.property(
        fc.integer({ min: 1, max: 5 }),
        fc.integer({ min: 1, max: 5 }),
        fc.array(fc.boolean(), { maxLength: 40 }),
        (failureThreshold, successThreshold, checks) => {
          const of = { ...policy, failureThreshold, successThreshold };
          const last = checks.reduce(
            (each, ok) => (ok ? afterGoodCheck(each, 10, of) : afterFailedCheck(each)),
            provenCount(of),
          );
          const failedInARow = checks.length - 1 - checks.lastIndexOf(true);
          const sinceFailure = checks.length - 1 - checks.lastIndexOf(false);
          const goodInARow = checks.includes(false) ? sinceFailure : checks.length + successThreshold;
          expect(last).toEqual(count(failedInARow, Math.min(goodInARow, successThreshold)));
          expect(isUnhealthy(last, of)).toBe(failedInARow >= failureThreshold);
          expect(isGivenUp(last, of)).toBe(failedInARow >= failureThreshold + 2);
          expect(isSound(last, of)).toBe(goodInARow >= successThreshold);
        },
      ),
    );
  });
});

describe('a mean latency', () => {
  it.each([
    [false, 5_000, false],
    [false, 5_000.1, true],
    [true, 4_000, true],
    [true, 3_999.9, false],
    [false, 4_500, false],
    [true, 4_500, true],
  ])('that was slow (%s) is slow at %f ms: %s', (wasSlow, mean, slow) => {
    expect(isSlow(wasSlow, mean, policy)).toBe(slow);
  });
});

describe('the answers that prove a connection', () => {
  it('are one on the very first, successThreshold on every later one', () => {
    const of = { ...policy, successThreshold: 4 };
    expect([answersNeeded(false, of), answersNeeded(true, of)]).toEqual([1, 4]);
  });
});

describe('the time to the next check', () => {
  it.each([
    [count(0, 2), 30_000, 0, 27_000],
    [count(0, 2), 30_000, 0.5, 30_000],
    [count(0, 2), 30_000, 1, 33_000],
    [count(1, 0), 30_000, 0, 4_500],
    [count(3, 0), 30_000, 1, 5_500],
    [count(0, 5, 'calls'), 30_000, 0.5, 5_000],
    [count(1, 0), 2_000, 0.5, 2_000],
  ])('with %j and an interval of %i ms at random %f is %f ms', (of, intervalMs, random, ms) => {
    expect(nextTickMs(of, { ...policy, intervalMs }, random)).toBeCloseTo(ms, 9);
  });

  it('from a new connection on is anywhere in the interval', () => {
    expect([0, 0.5, 0.999].map((random) => firstTickMs(policy, random))).toEqual([0, 15_000, 29_970]);
  });

  it('after our own stall is anywhere in 5 s, or in the interval if that is shorter', () => {
    expect([0, 0.5, 1].map((random) => respreadMs(policy, random))).toEqual([0, 2_500, 5_000]);
    expect(respreadMs({ ...policy, intervalMs: 600 }, 0.5)).toBe(300);
  });
});

describe('our own stall', () => {
  it('begins above half the timeout', () => {
    expect([2_500, 2_500.1].map((ms) => isOwnStall(ms, policy))).toEqual([false, true]);
  });
});

it.each([
  [29_999, 0, 1],
  [29_999, 0.5, 1_501],
  [0, 0, 30_000],
  [0, 1, 33_000],
])(
  'an answer %i ms old puts the next check off until it is as old as the interval (random %d)',
  (ago, random, dueMs) => {
    expect(tickAfterAnswerMs(defaultHealthCheck, ago, random)).toBeCloseTo(dueMs, 6);
  },
);
