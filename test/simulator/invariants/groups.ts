import type { Phase } from '../../../src/index.ts';
import { managerCrash, stalledWithin } from '../history.ts';
import { breach, type Invariant } from './invariant.ts';

/** Until the actor of a group is started anew that has crashed more than once. */
const patienceMs = 10_000;

export const groupInvariants = {
  'group-follows': {
    meaning: 'A group does not stay with a member that has no connection while another one has been well for long.',
    *check(history) {
      const active = new Map(history.cast.groups.map(({ id, members }) => [id, members[0] ?? ''] as const));
      const sinceMs = new Map<string, number>();
      for (const entry of history.entries) {
        if (entry.kind === 'stop') return;
        if (entry.kind === 'event' && (entry.event.type === 'failedOver' || entry.event.type === 'failedBack'))
          active.set(entry.event.groupId, entry.event.to);
        // Its groups go with it.
        if (entry.kind === 'fault' && entry.name === managerCrash) sinceMs.clear();
        if (entry.kind !== 'state') continue;
        const phases = new Map(entry.sessions.map(({ id, phase, circuit }) => [id, { phase, circuit }] as const));
        for (const { id, members } of history.cast.groups) {
          const present = active.get(id) ?? '';
          const isWell = members.some((member) => {
            const { phase, circuit } = phases.get(member) ?? { phase: 'closed', circuit: 'closed' };
            return member !== present && phase === 'connected.healthy' && circuit === 'closed';
          });
          if (isConnected(phases.get(present)?.phase) || !isWell) {
            sinceMs.delete(id);
            continue;
          }
          const began = sinceMs.get(id) ?? entry.atMs;
          sinceMs.set(id, began);
          if (entry.atMs - began - stalledWithin(history, began, entry.atMs) > patienceMs)
            yield breach(entry, `${id} stays with ${present}, which has no connection`);
        }
      }
    },
  },
} satisfies Record<string, Invariant>;

function isConnected(phase: Phase | undefined): boolean {
  return phase?.startsWith('connected.') === true;
}
