/**
 * A seed that finds a bug that was, and what it was: it runs in the tests from then on. After a change of the simulator it is another
 * run: the mutant that plants the bug anew says which seed finds it now.
 */
export interface RegressionSeed {
  readonly seed: number;
  readonly minutes: number;
  readonly found: string;
}

export const regressionSeeds: readonly RegressionSeed[] = [
  {
    seed: 2,
    minutes: 5,
    found: 'a link whose end lay unread during a stall was given up as leaked, and the next one opened beside it',
  },
  {
    seed: 2,
    minutes: 10,
    found:
      'a member that a group failed back to by hand stayed degraded, since only the group forgave its failed calls',
  },
  {
    seed: 50_034,
    minutes: 10,
    found:
      'a person whom a connection had asked was waited for after the crash of its actor, and no time of a call passed',
  },
];
