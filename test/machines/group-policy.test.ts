import { describe, expect, it } from 'vitest';
import {
  absentMember,
  backByHand,
  defaultGroupPolicy,
  dwellMs,
  failbackMs,
  failbackTarget,
  failoverTarget,
  hesitationAfter,
  isServing,
  nextByHand,
  select,
  type MemberView,
} from '../../src/machines/group-policy.ts';
import { as, type Kind } from './group-bench.ts';

const policy = defaultGroupPolicy;

/** `healthy gone lazy` is three members, `a`, `b` and `c`, in these states. */
function membersOf(kinds: string): readonly MemberView[] {
  return kinds.split(' ').map((kind, index) => as[kind as Kind]('abcdef'.charAt(index)));
}

describe('the defaults', () => {
  it('are a threshold of 3, failback by itself after a minute, and 10 s between two switches', () => {
    expect(defaultGroupPolicy).toEqual({ failoverThreshold: 3, failback: 'auto', failbackDelayMs: 60_000 });
    expect(Object.isFrozen(defaultGroupPolicy)).toBe(true);
    expect(dwellMs).toBe(10_000);
  });

  it('an absent member takes no calls and has no link', () => {
    expect(absentMember('x')).toEqual({
      id: 'x',
      state: 'absent',
      starting: false,
      linked: false,
      admits: false,
      failures: 0,
      reason: null,
    });
  });
});

describe('isServing', () => {
  it.each<[MemberView, number, boolean]>([
    [as.healthy('a'), 3, true],
    [as.degraded('a', 2), 3, true],
    [as.degraded('a', 3), 3, false],
    [as.degraded('a', 4), 3, false],
    [as.degraded('a', 1), 1, false],
    [as.degraded('a', 2), 5, true],
    [as.lazy('a'), 1, true],
    [as.unhealthy('a', 0), 3, false],
    [as.gone('a'), 3, false],
    [as.starting('a'), 3, false],
    [as.absent('a'), 3, false],
  ])('of %j at the threshold %i is %s', (member, failoverThreshold, serves) => {
    expect(isServing(member, { ...policy, failoverThreshold })).toBe(serves);
  });
});

describe('failoverTarget', () => {
  it.each([
    // The active member serves, or is on its first way up: it stays, whatever the others are.
    ['healthy healthy', 'a', undefined],
    ['healthy healthy', 'b', undefined],
    ['degraded healthy', 'a', undefined],
    ['gone degraded healthy', 'b', undefined],
    ['lazy healthy', 'a', undefined],
    ['starting healthy', 'a', undefined],
    ['healthy starting', 'b', undefined],
    // It does not: the first in the order of priority that does.
    ['gone healthy healthy', 'a', 'b'],
    ['gone gone healthy', 'a', 'c'],
    ['healthy gone healthy', 'b', 'a'],
    ['healthy healthy gone', 'c', 'a'],
    ['gone healthy gone', 'c', 'b'],
    ['unhealthy degraded healthy', 'a', 'b'],
    ['failing degraded', 'a', 'b'],
    ['failing lazy', 'a', 'b'],
    ['absent healthy', 'a', 'b'],
    ['gone failing healthy', 'a', 'c'],
    // Nobody serves: one that takes calls but fails them is better than one that takes none, and no better than another such.
    ['gone failing', 'a', 'b'],
    ['unhealthy gone failing', 'a', 'c'],
    ['failing failing', 'a', undefined],
    ['failing gone', 'a', undefined],
    ['failing unhealthy', 'a', undefined],
    // Nobody takes calls: it stays.
    ['gone gone', 'a', undefined],
    ['gone unhealthy', 'a', undefined],
    ['gone starting', 'a', undefined],
    ['gone absent', 'a', undefined],
    ['gone', 'a', undefined],
    // But one that was removed does not.
    ['absent gone', 'a', 'b'],
    ['absent absent unhealthy', 'a', 'c'],
    ['gone absent', 'b', 'a'],
    ['absent starting', 'a', 'b'],
    ['absent absent', 'a', undefined],
    ['absent', 'a', undefined],
  ])('%s with %s active: %s', (kinds, active, target) => {
    expect(failoverTarget(membersOf(kinds), active, policy)?.id).toBe(target);
  });

  it('with no active member is the first that serves', () => {
    expect(failoverTarget(membersOf('gone healthy healthy'), null, policy)?.id).toBe('b');
    expect(failoverTarget(membersOf('gone gone'), null, policy)?.id).toBe('a');
    expect(failoverTarget([], null, policy)).toBeUndefined();
  });

  it('counts failures up to its own threshold', () => {
    const members = [as.degraded('a', 1), as.healthy('b')];
    expect(failoverTarget(members, 'a', { ...policy, failoverThreshold: 1 })?.id).toBe('b');
    expect(failoverTarget(members, 'a', { ...policy, failoverThreshold: 2 })).toBeUndefined();
  });
});

describe('failbackTarget', () => {
  it.each([
    ['healthy healthy', 'a', undefined],
    ['healthy healthy', 'b', 'a'],
    ['healthy healthy healthy', 'c', 'a'],
    ['gone healthy healthy', 'c', 'b'],
    ['gone gone healthy', 'c', undefined],
    ['healthy gone healthy', 'b', 'a'],
    ['gone healthy healthy', 'b', undefined],
    ['degraded healthy', 'b', undefined],
    ['degraded healthy healthy', 'c', 'b'],
    ['failing healthy', 'b', undefined],
    ['unhealthy healthy', 'b', undefined],
    ['starting healthy', 'b', undefined],
    // Not yet proved: it is no reason to leave one that works.
    ['lazy healthy', 'b', undefined],
    ['absent healthy', 'b', undefined],
  ])('%s with %s active: %s', (kinds, active, target) => {
    expect(failbackTarget(membersOf(kinds), active, policy)?.id).toBe(target);
  });

  it('is none that is healthy but at the threshold', () => {
    const members = [as.healthy('a', { failures: 2 }), as.healthy('b')];
    expect(failbackTarget(members, 'b', { ...policy, failoverThreshold: 2 })).toBeUndefined();
    expect(failbackTarget(members, 'b', { ...policy, failoverThreshold: 3 })?.id).toBe('a');
  });
});

describe('nextByHand', () => {
  it.each([
    ['healthy healthy healthy', 'a', 'b'],
    ['healthy healthy healthy', 'b', 'c'],
    ['healthy healthy healthy', 'c', 'a'],
    ['healthy gone healthy', 'a', 'c'],
    ['healthy gone healthy', 'c', 'a'],
    ['healthy failing healthy', 'a', 'c'],
    ['healthy failing gone', 'a', 'b'],
    ['healthy lazy healthy', 'a', 'b'],
    ['healthy unhealthy starting', 'a', undefined],
    ['gone gone gone', 'b', undefined],
    ['absent healthy gone', 'a', 'b'],
    ['healthy', 'a', undefined],
  ])('%s with %s active: %s', (kinds, active, target) => {
    expect(nextByHand(membersOf(kinds), active, policy)?.id).toBe(target);
  });

  it('with no active member is the first', () => {
    expect(nextByHand(membersOf('healthy healthy'), null, policy)?.id).toBe('a');
  });
});

describe('backByHand', () => {
  it.each([
    ['healthy healthy healthy', 'c', 'a'],
    ['gone healthy healthy', 'c', 'b'],
    ['degraded healthy', 'b', 'a'],
    ['lazy healthy', 'b', 'a'],
    ['failing healthy healthy', 'c', 'b'],
    ['failing healthy', 'b', 'a'],
    ['gone unhealthy healthy', 'c', undefined],
    ['healthy healthy', 'a', undefined],
    ['gone healthy', 'b', undefined],
  ])('%s with %s active: %s', (kinds, active, target) => {
    expect(backByHand(membersOf(kinds), active, policy)?.id).toBe(target);
  });
});

describe('select', () => {
  it.each([
    // The active member first, then the order of priority.
    ['healthy healthy healthy', 'a', 'abc'],
    ['healthy healthy healthy', 'b', 'bac'],
    ['healthy healthy healthy', 'c', 'cab'],
    ['healthy degraded healthy', 'b', 'bac'],
    // Whatever takes no calls is left out.
    ['gone healthy healthy', 'a', 'bc'],
    ['unhealthy healthy starting', 'a', 'b'],
    ['absent lazy gone', 'a', 'b'],
    // One that fails its calls comes after all that do not, the active one before others like it.
    ['failing healthy healthy', 'a', 'bca'],
    ['failing failing healthy', 'b', 'cba'],
    ['failing failing failing', 'c', 'cab'],
    // The last resort.
    ['unhealthy unhealthy gone', 'a', 'ab'],
    ['gone gone gone', 'a', ''],
    ['starting absent gone', 'a', ''],
  ])('%s with %s active: %s', (kinds, active, order) => {
    expect(
      select(membersOf(kinds), active, policy)
        .map(({ id }) => id)
        .join(''),
    ).toBe(order);
  });

  it('as a last resort takes those with a link, the one with the fewest failures first, then by priority', () => {
    const members = [as.unhealthy('a', 5), as.unhealthy('b', 3), as.unhealthy('c', 3), as.gone('d')];
    expect(select(members, 'a', policy).map(({ id }) => id)).toEqual(['b', 'c', 'a']);
  });

  it('with no active member keeps to the order of priority', () => {
    expect(select(membersOf('healthy healthy'), null, policy).map(({ id }) => id)).toEqual(['a', 'b']);
  });

  it('leaves the list that it is given as it is', () => {
    const members = Object.freeze(membersOf('failing healthy'));
    select(members, 'a', policy);
    expect(members.map(({ id }) => id)).toEqual(['a', 'b']);
  });
});

describe('hesitationAfter', () => {
  it.each([
    [null, 0, 0],
    [null, 3_600_000, 0],
    [0, 0, 1],
    [0, 599_999, 1],
    [0, 600_000, 0],
    [1, 60_000, 2],
    [4, 1_199_999, 4],
    [4, 1_200_000, 3],
    [4, 3_000_000, 0],
    [4, 36_000_000, 0],
  ])('of %j steps after %i ms is %i', (steps, activeForMs, after) => {
    expect(hesitationAfter(steps, activeForMs)).toBe(after);
  });
});

describe('failbackMs', () => {
  it.each([
    [0, 0.5, 60_000],
    [1, 0.5, 120_000],
    [2, 0.5, 240_000],
    [3, 0.5, 480_000],
    [4, 0.5, 900_000],
    [5, 0.5, 900_000],
    [60, 0.5, 900_000],
    [0, 0, 48_000],
    [0, 1, 72_000],
    [4, 0, 720_000],
    [4, 1, 1_080_000],
  ])('after %i steps with the chance %d is %i', (steps, random, ms) => {
    expect(failbackMs(policy, steps, random)).toBeCloseTo(ms, 6);
  });

  it.each([
    [0, 0, 0],
    [0, 20, 0],
    [1, 3, 8],
    [1_800_000, 0, 1_800_000],
    [1_800_000, 9, 1_800_000],
  ])('of a delay of %i after %i steps is %i', (failbackDelayMs, steps, ms) => {
    expect(failbackMs({ ...policy, failbackDelayMs }, steps, 0.5)).toBe(ms);
  });

  it('of no delay is none, however often the group had to move', () => {
    expect(failbackMs({ ...policy, failbackDelayMs: 0 }, 5_000, 0.5)).toBe(0);
  });
});
