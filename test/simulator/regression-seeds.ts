/** A seed that once found a bug, and what it was: it runs in the tests from then on. */
export interface RegressionSeed {
  readonly seed: number;
  readonly minutes: number;
  readonly found: string;
}

export const regressionSeeds: readonly RegressionSeed[] = [
  {
    seed: 45,
    minutes: 2,
    found: 'a link whose end lay unread during a stall was given up as leaked, and the next one opened beside it',
  },
  {
    seed: 28,
    minutes: 10,
    found:
      'a member that a group failed back to by hand stayed degraded, since only the group forgave its failed calls',
  },
];
