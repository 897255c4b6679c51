import { serverOf } from '../history.ts';
import { callsOf, groupOf } from './call-table.ts';
import { breach, type Invariant } from './invariant.ts';

export const admissionInvariants = {
  admits: {
    meaning:
      'No call is sent on a session that does not take calls, unless it insists or nothing else is left of its group.',
    *check(history) {
      const rows = callsOf(history);
      for (const entry of history.entries) {
        if (entry.kind !== 'sent') continue;
        const { phase } = entry.standing;
        const row = rows.get(entry.key);
        if (phase === 'connected.healthy' || phase === 'connected.degraded' || row === undefined) continue;
        if (phase === 'connected.unhealthy' && (row.call.insists || mayBeLastResort(entry, row.beganMs))) continue;
        yield breach(entry, `${entry.key} was sent to ${entry.serverId}, which is ${phase}`);
      }
    },
  },
  'circuit-honest': {
    meaning:
      'No call is sent while the circuit is open or half open, unless it insists or nothing else is left of its group.',
    *check(history) {
      const rows = callsOf(history);
      for (const entry of history.entries) {
        if (entry.kind !== 'sent' || entry.standing.circuit === 'closed') continue;
        const row = rows.get(entry.key);
        if (row === undefined || row.call.insists || mayBeLastResort(entry, row.beganMs)) continue;
        yield breach(entry, `${entry.key} was sent to ${entry.serverId}, whose circuit is ${entry.standing.circuit}`);
      }
    },
  },
  'selects-admissible': {
    meaning: 'A call to a group never goes to a member that takes no calls while another one takes them.',
    *check(history) {
      const rows = callsOf(history);
      /** Calls since whose beginning nothing has happened: one that waited for its turn was chosen for as things were before. */
      const fresh = new Set<string>();
      for (const entry of history.entries) {
        if (entry.kind === 'event') fresh.clear();
        if (entry.kind === 'began') fresh.add(entry.call.key);
        if (entry.kind !== 'sent' || entry.better === null || !fresh.has(entry.key)) continue;
        const row = rows.get(entry.key);
        if (row === undefined || groupOf(history, row.call) === null || row.sent[0]?.sent !== entry) continue;
        yield breach(entry, `${entry.key} was sent to ${entry.serverId}, though ${entry.better} takes calls`);
      }
    },
  },
  caps: {
    meaning: 'A server has no more calls at a time than `maxInFlight`.',
    *check(history) {
      const underWay = new Map<number, string>();
      for (const entry of history.entries) {
        if (entry.kind === 'over') underWay.delete(entry.wire);
        if (entry.kind !== 'sent') continue;
        underWay.set(entry.wire, entry.serverId);
        const count = [...underWay.values()].filter((id) => id === entry.serverId).length;
        const { maxInFlight } = serverOf(history.cast, entry.serverId).options;
        if (count > maxInFlight) yield breach(entry, `${entry.serverId} has ${count} calls, at most ${maxInFlight}`);
      }
    },
  },
} satisfies Record<string, Invariant>;

/** Nobody takes calls now, or did when a call that has waited for its turn was chosen for. */
function mayBeLastResort(
  entry: { readonly atMs: number; readonly lastResort: boolean; readonly better: string | null },
  beganMs: number,
): boolean {
  return entry.lastResort || (entry.better !== null && entry.atMs > beganMs);
}
