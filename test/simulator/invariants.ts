import type { History } from './history.ts';
import { admissionInvariants } from './invariants/admission.ts';
import { callInvariants } from './invariants/calls.ts';
import { circuitInvariants } from './invariants/circuit.ts';
import { eventInvariants } from './invariants/events.ts';
import { groupInvariants } from './invariants/groups.ts';
import { healthInvariants } from './invariants/health.ts';
import type { Breach, Invariant } from './invariants/invariant.ts';
import { linkInvariants } from './invariants/links.ts';
import { recoveryInvariants } from './invariants/recovery.ts';

/** A breach of the invariant of this name. */
export interface Violation extends Breach {
  readonly invariant: string;
}

/** Everything that must hold in every run, by its name. */
export const invariants = {
  ...linkInvariants,
  ...callInvariants,
  ...admissionInvariants,
  ...healthInvariants,
  ...recoveryInvariants,
  ...circuitInvariants,
  ...groupInvariants,
  ...eventInvariants,
} as const satisfies Record<string, Invariant>;

export type InvariantName = keyof typeof invariants;

/** What no single history can show: the same seed gives the same trace. Each seed runs twice for it. */
export const sameTrace = 'same-trace';

/** Enough to see what is wrong; a broken invariant tends to be broken at every step from there on. */
const mostOfEach = 5;

/** Holds a history against every invariant. */
export function violationsOf(history: History): readonly Violation[] {
  return Object.entries(invariants).flatMap(([invariant, { check }]) => {
    const found: Violation[] = [];
    for (const breach of check(history)) {
      found.push({ invariant, ...breach });
      if (found.length === mostOfEach) break;
    }
    return found;
  });
}
