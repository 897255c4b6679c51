import type { GroupInfo } from '../../src/index.ts';

/** A group of `a` and its backup `b`, both healthy, with the calls on `a`, but for what is given. */
export function groupInfo(id: string, given: Partial<GroupInfo> = {}): GroupInfo {
  return {
    id,
    state: 'onPrimary',
    active: 'a',
    members: [
      { id: 'a', priority: 0, active: true, state: 'healthy', admits: true, failures: 0 },
      { id: 'b', priority: 1, active: false, state: 'healthy', admits: true, failures: 0 },
    ],
    failoverThreshold: 3,
    failback: 'auto',
    since: 90_000,
    switches: 0,
    lastSwitch: null,
    failbackAt: null,
    failbackTo: null,
    heldByHand: false,
    ...given,
  };
}
