import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { createSeededRandom, type SeededRandom } from '../../src/testing/index.ts';

const five = ({ next }: SeededRandom): readonly number[] => Array.from({ length: 5 }, () => Math.floor(next() * 1_000));

describe('seeded random', () => {
  it('gives the same numbers for the same seed, and others for another', () => {
    expect(five(createSeededRandom(1))).toEqual(five(createSeededRandom(1)));
    expect(five(createSeededRandom(1))).toEqual([627, 2, 527, 981, 968]);
    expect(five(createSeededRandom(2))).not.toEqual(five(createSeededRandom(1)));
  });

  it('forks into sources that depend on the seed and the name alone', () => {
    const random = createSeededRandom(7);
    const early = five(random.fork('calls'));
    const other = five(random.fork('faults'));
    five(random);
    expect(five(random.fork('calls'))).toEqual(early);
    expect(other).not.toEqual(early);
    expect(five(createSeededRandom(8).fork('calls'))).not.toEqual(early);
  });

  it('stays within what is asked for, both ends of whole numbers included', () => {
    fc.assert(
      fc.property(
        fc.integer(),
        fc.integer({ min: -50, max: 50 }),
        fc.integer({ min: 0, max: 3 }),
        (seed, from, span) => {
          const random = createSeededRandom(seed);
          const whole = new Set(Array.from({ length: 200 }, () => random.whole(from, from + span)));
          expect([...whole].toSorted((one, another) => one - another)).toEqual(
            Array.from({ length: span + 1 }, (_, index) => from + index),
          );
          const between = random.between(from, from + 10);
          expect(between >= from && between < from + 10).toBe(true);
          const next = random.next();
          expect(next >= 0 && next < 1).toBe(true);
        },
      ),
    );
  });

  it('shuffles without loss, picks one of the list, and refuses to pick from nothing', () => {
    const random = createSeededRandom(3);
    const list = ['a', 'b', 'c', 'd'];
    expect([...random.shuffled(list)].toSorted()).toEqual(list);
    expect(list).toContain(random.pick(list));
    expect([random.chance(0), random.chance(1)]).toEqual([false, true]);
    expect(() => random.pick([])).toThrow(new RangeError('pick: there is nothing to pick from'));
  });
});
