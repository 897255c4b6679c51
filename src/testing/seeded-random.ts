/** Chance that can be repeated: the same seed gives the same numbers, on every machine. Never for secrets. */
export interface SeededRandom {
  /** The next number in [0, 1). Bound: it can be given away as a manager's `random` port. */
  readonly next: () => number;
  /** A number in [from, to). */
  between(from: number, to: number): number;
  /** A whole number from `from` to `to`, both included. */
  whole(from: number, to: number): number;
  /** True with this probability, from 0 to 1. */
  chance(probability: number): boolean;
  /** One of these. Throws a `RangeError` when there is none. */
  pick<T>(list: readonly T[]): T;
  /** The same things in another order. */
  shuffled<T>(list: readonly T[]): readonly T[];
  /**
   * A source of its own, which depends on the seed and the name alone: what is drawn from one does not move the other. Use one
   * for each thing that draws, and a change in one of them leaves the others as they were.
   */
  fork(name: string): SeededRandom;
}

/** Creates a source of repeatable chance (mulberry32). The seed is a whole number; of larger ones the lower 32 bits count. */
export function createSeededRandom(seed: number): SeededRandom {
  let state = seed >>> 0;
  const next = (): number => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = state;
    mixed = Math.imul(mixed ^ (mixed >>> 15), mixed | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
  const whole = (from: number, to: number): number => from + Math.floor(next() * (to - from + 1));
  return {
    next,
    between: (from, to) => from + next() * (to - from),
    whole,
    chance: (probability) => next() < probability,
    pick<T>(list: readonly T[]): T {
      const found = list[whole(0, list.length - 1)];
      if (found === undefined) throw new RangeError('pick: there is nothing to pick from');
      return found;
    },
    shuffled<T>(list: readonly T[]): readonly T[] {
      return list
        .map((item) => ({ item, rank: next() }))
        .toSorted((one, other) => one.rank - other.rank)
        .map(({ item }) => item);
    },
    fork: (name) => createSeededRandom(hashOf(name, seed)),
  };
}

/** FNV-1a, begun with the seed. */
function hashOf(name: string, seed: number): number {
  let hash = (0x811c9dc5 ^ Math.imul(seed >>> 0, 0x9e3779b1)) >>> 0;
  for (let at = 0; at < name.length; at += 1) hash = Math.imul(hash ^ name.charCodeAt(at), 0x01000193) >>> 0;
  return hash;
}
