import type { ConnectionInfo, Fault, ManagerEvent, SessionEvent } from '../../src/index.ts';
import { createSeededRandom } from '../../src/testing/index.ts';
import { drawCast } from './cast.ts';
import type { CallEnd, Entry, History, PlannedCall, Seen } from './history.ts';

const cast = drawCast(createSeededRandom(1));
const [server] = cast.servers;
export const id = server?.id ?? '';
export const lazy = cast.servers.find(({ options }) => options.lazy === true)?.id ?? '';
export const other = cast.servers[1]?.id ?? '';
export const group = cast.groups[0] ?? { id: '', members: [] };
export const member = group.members[0] ?? '';
export const { failureThreshold, intervalMs } = server?.options.healthCheck ?? { failureThreshold: 0, intervalMs: 0 };
export const { openMs, failureThreshold: tripsAt } = server?.options.circuitBreaker ?? {
  openMs: 0,
  failureThreshold: 0,
};
export const maxInFlight = server?.options.maxInFlight ?? 0;

export type Moment = Seen | { readonly afterMs: number };

/** What is seen, one after the other; `afterMs`: after so much time. Without leftovers unless it says so. */
function seen(moments: readonly Moment[], remains: Partial<History['remains']> = {}): History {
  let atMs = 0;
  const entries: Entry[] = [];
  for (const moment of moments) {
    if ('afterMs' in moment) atMs += moment.afterMs;
    else entries.push({ ...moment, atMs });
  }
  return { cast, entries, remains: { closed: true, pendingTimers: 0, liveLinks: 0, pendingCalls: 0, ...remains } };
}

let seq = 0;
type FactOf<Type extends SessionEvent['type']> = Omit<
  Extract<SessionEvent, { readonly type: Type }>,
  'seq' | 'at' | 'serverId' | 'generation' | 'type'
>;

export function told<Type extends SessionEvent['type']>(
  type: Type,
  fact: FactOf<Type>,
  { serverId = id, generation = 1 }: { readonly serverId?: string; readonly generation?: number } = {},
): Seen {
  seq += 1;
  // A fact of this type and its stamp are an event of this type.
  const event = { seq, at: 0, serverId, generation, type, ...fact } as unknown as ManagerEvent;
  return { kind: 'event', event, linked: true };
}

/** The events of one history are numbered from 1. */
export function history(make: () => readonly Moment[], remains?: Partial<History['remains']>): History {
  seq = 0;
  return seen(make(), remains);
}

type Phase = ConnectionInfo['phase'];

export function moved(
  fromPhase: Phase,
  phase: Phase,
  of?: { readonly serverId?: string; readonly generation?: number },
): Seen {
  const [from, to] = [stateOf(fromPhase), stateOf(phase)];
  const rest = { pid: null, attempt: 0, nextAttemptAt: null, reason: null };
  return told('stateChanged', { from, to, fromPhase, phase, ...rest }, of);
}

function stateOf(phase: Phase): ConnectionInfo['state'] {
  if (phase === 'connected.healthy') return 'healthy';
  if (phase === 'connected.degraded') return 'degraded';
  if (phase === 'connected.unhealthy') return 'unhealthy';
  return phase.startsWith('connecting.') ? 'connecting' : 'disconnected';
}

export const added = (serverId = id): Seen => told('serverAdded', {}, { serverId, generation: 0 });

/** A server that is added and connected. */
export function connected(serverId = id): readonly Seen[] {
  return [
    added(serverId),
    moved('idle', 'connecting.opening', { serverId }),
    moved('connecting.opening', 'connected.healthy', { serverId }),
  ];
}

const check = (ok: boolean): Seen => told('healthChecked', { ok, latencyMs: null, void: false, error: null });

export function state(phase: Phase, more: Partial<ConnectionInfo> = {}): Seen {
  const info = {
    id,
    phase,
    state: stateOf(phase),
    failedHealthChecks: 0,
    circuit: 'closed',
    reason: null,
    lastError: null,
  };
  // The invariants read no more of an info than this.
  return { kind: 'state', sessions: [{ ...info, ...more } as ConnectionInfo] };
}

export function began(call: Partial<PlannedCall> = {}): Seen {
  const plain = {
    key: 'k1',
    tool: 'write',
    to: { server: id },
    timeoutMs: 500,
    insists: false,
    abortAfterMs: null,
  } as const;
  return { kind: 'began', call: { ...plain, ...call } };
}

export function sent(more: Partial<Extract<Seen, { readonly kind: 'sent' }>> = {}): Seen {
  const standing = { phase: 'connected.healthy', circuit: 'closed' } as const;
  return {
    kind: 'sent',
    serverId: id,
    generation: 1,
    key: 'k1',
    wire: 1,
    standing,
    better: null,
    lastResort: false,
    ...more,
  };
}

export const over = (wire = 1, how: 'answered' | 'lost' | 'cancelled' = 'answered'): Seen => ({
  kind: 'over',
  wire,
  how,
});
export const executed = (serverId = id): Seen => ({ kind: 'executed', serverId, generation: 1, key: 'k1' });

export function ended(end: Partial<CallEnd> = {}): Seen {
  const good = { ok: true, outcome: 'executed', code: '', isTyped: true, echoed: 'k1', text: '' } as const;
  return { kind: 'ended', key: 'k1', end: { ...good, ...end } };
}

/** The first link of this server. */
export const openedBy = (serverId: string): Seen => ({ kind: 'opened', serverId, generation: 1, live: 1 });
export const opened = (generation: number, live = 1): Seen => ({ kind: 'opened', serverId: id, generation, live });
const lost: Fault = { kind: 'transport', code: 'ECONNRESET', message: 'reset' };

export function circuit(
  from: ConnectionInfo['circuit'],
  to: ConnectionInfo['circuit'],
  more: { openMs?: number; onProbation?: boolean } = {},
): Seen {
  return told('circuitChanged', {
    from,
    to,
    onProbation: more.onProbation ?? false,
    openMs: more.openMs ?? null,
    reason: '',
  });
}

export function switched(): Seen {
  seq += 1;
  const event = {
    seq,
    at: 0,
    groupId: group.id,
    type: 'failedOver',
    from: member,
    to: id,
    reason: '',
    byHand: false,
  } as const;
  return { kind: 'event', event, linked: true };
}

export const answered = [began(), sent(), executed(), over(), ended()];

export function calls(count: number): readonly Seen[] {
  const keys = Array.from({ length: count }, (_, index) => `k${index}`);
  return [
    ...keys.map((key) => began({ key })),
    ...keys.map((key, wire) => sent({ key, wire })),
    ...keys.map((_, wire) => over(wire)),
    ...keys.map((key): Seen => ({
      kind: 'ended',
      key,
      end: { ok: false, outcome: 'unknown', code: '', isTyped: true, echoed: null, text: '' },
    })),
  ];
}

/** Calls that get no answer in their time, one after the other. */
export function silences(count: number): readonly Seen[] {
  return Array.from({ length: count }, (_, index) => {
    const key = `s${index}`;
    const end = { ok: false, outcome: 'unknown', code: 'CALL_TIMEOUT', isTyped: true, echoed: null, text: '' } as const;
    return [began({ key }), sent({ key, wire: index }), over(index, 'cancelled'), { kind: 'ended', key, end } as const];
  }).flat();
}

/** A call that is sent so often in all. */
export function repetitions(count: number): readonly Seen[] {
  const wires = Array.from({ length: count }, (_, wire) => [sent({ wire }), over(wire, 'lost')]);
  return [began(), ...wires.flat(), ended({ ok: false, outcome: 'unknown' })];
}

export const failedChecks = (count: number): readonly Seen[] => Array.from({ length: count }, () => check(false));

/** A server that has lost its link and tries again after so long. */
export function waiting(delayMs: number): readonly Seen[] {
  return [
    ...connected(),
    { kind: 'down', serverId: id, generation: 1, fault: lost },
    moved('connected.healthy', 'releasing'),
    told('reconnectScheduled', { attempt: 1, delayMs, attemptAt: 0 }),
    told('stateChanged', {
      from: 'disconnected',
      to: 'disconnected',
      fromPhase: 'releasing',
      phase: 'disconnected.backingOff',
      pid: null,
      attempt: 1,
      nextAttemptAt: 1,
      reason: null,
    }),
  ];
}

/** A group whose active member is down for so long, while its next one is well. */
export function apart(ms: number): readonly Moment[] {
  const [first = '', second = ''] = group.members;
  const both: Seen = {
    kind: 'state',
    sessions: [state('disconnected.stopped', { id: first }), state('connected.healthy', { id: second })].flatMap(
      (each) => (each.kind === 'state' ? each.sessions : []),
    ),
  };
  const events = [...connected(first), moved('connected.healthy', 'disconnected.stopped', { serverId: first })];
  return [...events, ...connected(second), both, { afterMs: ms }, both];
}
