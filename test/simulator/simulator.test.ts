import { describe, expect, it } from 'vitest';
import { history } from './example-histories.ts';
import { examples } from './examples.ts';
import { invariants, violationsOf } from './invariants.ts';
import { regressionSeeds } from './regression-seeds.ts';
import { simulate } from './simulate.ts';

describe('an invariant of the simulator', () => {
  const names = Object.keys(invariants);

  it.each(Object.entries(examples))('%s holds in a good history and does not in a bad one', (name, [good, bad]) => {
    const remains = name === 'leaves-nothing' ? { pendingTimers: 1 } : {};
    expect(violationsOf(history(good))).toEqual([]);
    expect(violationsOf(history(bad, remains)).map(({ invariant }) => invariant)).toContain(name);
  });

  it('is held against examples, each of them', () => {
    expect(Object.keys(examples).toSorted()).toEqual(names.toSorted());
  });
});

describe('a simulation', () => {
  it('of the same seed has the same trace, and of another seed another', async () => {
    const [first, again, another] = [
      await simulate(1, { minutes: 2 }),
      await simulate(1, { minutes: 2 }),
      await simulate(2, { minutes: 2 }),
    ];
    expect(again).toEqual(first);
    expect(another.hash).not.toBe(first.hash);
    expect([first.violations, another.violations]).toEqual([[], []]);
  });

  it.each(regressionSeeds)('of seed $seed breaks nothing any more: $found', async ({ seed, minutes }) => {
    expect((await simulate(seed, { minutes })).violations).toEqual([]);
  });
});
