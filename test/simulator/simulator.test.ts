import { describe, expect, it } from 'vitest';
import type { ConnectionInfo, Fault, ManagerEvent, SessionEvent } from '../../src/index.ts';
import { createSeededRandom } from '../../src/testing/index.ts';
import { drawCast } from './cast.ts';
import {
  type CallEnd,
  type Entry,
  type History,
  lateMark,
  type PlannedCall,
  secretMark,
  type Seen,
} from './history.ts';
import { type InvariantName, invariants, violationsOf } from './invariants.ts';
import { regressionSeeds } from './regression-seeds.ts';
import { simulate } from './simulate.ts';

const cast = drawCast(createSeededRandom(1));
const [server] = cast.servers;
const id = server?.id ?? '';
const other = cast.servers[1]?.id ?? '';
const group = cast.groups[0] ?? { id: '', members: [] };
const member = group.members[0] ?? '';
const { failureThreshold } = server?.options.healthCheck ?? { failureThreshold: 0 };
const { openMs, failureThreshold: tripsAt } = server?.options.circuitBreaker ?? { openMs: 0, failureThreshold: 0 };
const maxInFlight = server?.options.maxInFlight ?? 0;

type Moment = Seen | { readonly afterMs: number };

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

function told<Type extends SessionEvent['type']>(
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
function history(make: () => readonly Moment[], remains?: Partial<History['remains']>): History {
  seq = 0;
  return seen(make(), remains);
}

type Phase = ConnectionInfo['phase'];

function moved(
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

const added = (serverId = id): Seen => told('serverAdded', {}, { serverId, generation: 0 });

/** A server that is added and connected. */
function connected(serverId = id): readonly Seen[] {
  return [
    added(serverId),
    moved('idle', 'connecting.opening', { serverId }),
    moved('connecting.opening', 'connected.healthy', { serverId }),
  ];
}

const check = (ok: boolean): Seen => told('healthChecked', { ok, latencyMs: null, void: false, error: null });

function state(phase: Phase, more: Partial<ConnectionInfo> = {}): Seen {
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

function began(call: Partial<PlannedCall> = {}): Seen {
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

function sent(more: Partial<Extract<Seen, { readonly kind: 'sent' }>> = {}): Seen {
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

const over = (wire = 1, how: 'answered' | 'lost' | 'cancelled' = 'answered'): Seen => ({ kind: 'over', wire, how });
const executed = (serverId = id): Seen => ({ kind: 'executed', serverId, generation: 1, key: 'k1' });

function ended(end: Partial<CallEnd> = {}): Seen {
  const good = { ok: true, outcome: 'executed', code: '', isTyped: true, echoed: 'k1', text: '' } as const;
  return { kind: 'ended', key: 'k1', end: { ...good, ...end } };
}

const opened = (generation: number, live = 1): Seen => ({ kind: 'opened', serverId: id, generation, live });
const lost: Fault = { kind: 'transport', code: 'ECONNRESET', message: 'reset' };

function circuit(
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

function switched(): Seen {
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

const answered = [began(), sent(), executed(), over(), ended()];

/** For each invariant a history in which it holds, and one that differs in what breaks it. */
const examples: Readonly<
  Record<InvariantName, readonly [good: () => readonly Moment[], bad: () => readonly Moment[]]>
> = {
  'one-link': [() => [opened(1), opened(2)], () => [opened(1), opened(2, 2)]],
  'generations-rise': [() => [opened(1), opened(2)], () => [opened(1), opened(1)]],
  'stale-generation': [
    () => [...connected(), { kind: 'late word', serverId: id, generation: 1 }, state('connected.healthy')],
    () => [...connected(), told('linkFault', { error: { code: 'late', message: lateMark } })],
  ],
  'one-probe': [
    () => [
      { kind: 'probe', serverId: id, generation: 1, wire: 1 },
      over(1),
      { kind: 'probe', serverId: id, generation: 1, wire: 2 },
    ],
    () => [
      { kind: 'probe', serverId: id, generation: 1, wire: 1 },
      { kind: 'probe', serverId: id, generation: 1, wire: 2 },
    ],
  ],
  'settles-in-time': [
    () => [began(), { afterMs: 500 }, ended({ ok: false, outcome: 'not-sent' })],
    () => [began(), { afterMs: 502 }, ended({ ok: false, outcome: 'not-sent' })],
  ],
  'nothing-written-after-settlement': [() => answered, () => [...answered, { afterMs: 1 }, sent({ wire: 2 }), over(2)]],
  'unsafe-once': [
    () => answered,
    () => [began(), sent(), executed(), over(1, 'lost'), sent({ wire: 2 }), executed(), over(2), ended()],
  ],
  'safe-bounded': [
    () => [
      began({ tool: 'repeat' }),
      sent(),
      executed(),
      over(1, 'lost'),
      sent({ wire: 2 }),
      executed(),
      over(2),
      ended(),
    ],
    () => [began({ tool: 'repeat' }), sent(), executed(), executed(), executed(), over(), ended()],
  ],
  'outcome-true': [
    () => answered,
    () => [began(), sent(), executed(), over(), ended({ ok: false, outcome: 'not-sent' })],
  ],
  'typed-errors': [() => answered, () => [...answered, { kind: 'uncaught', text: 'a TypeError' }]],
  'retry-budget': [() => repetitions(7), () => repetitions(12)],
  admits: [
    () => [
      began({ insists: true }),
      sent({ standing: { phase: 'connected.unhealthy', circuit: 'closed' } }),
      executed(),
      over(),
      ended(),
    ],
    () => [
      began(),
      sent({ standing: { phase: 'connected.unhealthy', circuit: 'closed' } }),
      executed(),
      over(),
      ended(),
    ],
  ],
  'circuit-honest': [
    () => [
      began({ insists: true }),
      sent({ standing: { phase: 'connected.healthy', circuit: 'open' } }),
      executed(),
      over(),
      ended(),
    ],
    () => [began(), sent({ standing: { phase: 'connected.healthy', circuit: 'open' } }), executed(), over(), ended()],
  ],
  'selects-admissible': [
    () => [began({ to: { group: group.id } }), sent({ serverId: member }), executed(member), over(), ended()],
    () => [
      began({ to: { group: group.id } }),
      sent({ serverId: member, better: other }),
      executed(member),
      over(),
      ended(),
    ],
  ],
  caps: [() => calls(maxInFlight), () => calls(maxInFlight + 1)],
  'failed-checks': [
    () => [...connected(), ...failedChecks(failureThreshold), moved('connected.healthy', 'connected.unhealthy')],
    () => [...connected(), ...failedChecks(failureThreshold - 1), moved('connected.healthy', 'connected.unhealthy')],
  ],
  bystander: [
    () => connected('bystander'),
    () => [...connected('bystander'), moved('connected.healthy', 'connected.degraded', { serverId: 'bystander' })],
  ],
  recovers: [() => [{ kind: 'calm', sessions: [] }], () => [{ kind: 'calm', sessions: [] }, { kind: 'stop' }]],
  'wakes-up': [
    () => [...waiting(400), { afterMs: 400 }, state('disconnected.backingOff')],
    () => [...waiting(400), { afterMs: 60_000 }, state('disconnected.backingOff')],
  ],
  'backoff-bounds': [() => waiting(400), () => waiting(700)],
  'circuit-moves': [
    () => [
      added(),
      ...silences(tripsAt),
      circuit('closed', 'open', { openMs }),
      { afterMs: openMs },
      circuit('open', 'halfOpen'),
    ],
    () => [
      added(),
      ...silences(tripsAt),
      circuit('closed', 'open', { openMs }),
      { afterMs: openMs - 2 },
      circuit('open', 'halfOpen'),
    ],
  ],
  'events-complete': [
    () => connected(),
    () => connected().slice(0, 2).concat(moved('connecting.verifying', 'connected.healthy')),
  ],
  'closed-final': [
    () => [...connected(), moved('connected.healthy', 'closed'), told('serverRemoved', {})],
    () => [...connected(), moved('connected.healthy', 'closed'), told('serverRemoved', {}), opened(2)],
  ],
  'switch-rate': [
    () => [switched(), { afterMs: 10_000 }, switched()],
    () => [switched(), { afterMs: 9_999 }, switched()],
  ],
  secrets: [
    () => [{ kind: 'log', text: 'Bearer [redacted]' }],
    () => [{ kind: 'log', text: `Bearer ${secretMark}-1` }],
  ],
  'leaves-nothing': [() => [], () => []],
};

function calls(count: number): readonly Seen[] {
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
function silences(count: number): readonly Seen[] {
  return Array.from({ length: count }, (_, index) => {
    const key = `s${index}`;
    const end = { ok: false, outcome: 'unknown', code: 'CALL_TIMEOUT', isTyped: true, echoed: null, text: '' } as const;
    return [began({ key }), sent({ key, wire: index }), over(index, 'cancelled'), { kind: 'ended', key, end } as const];
  }).flat();
}

/** A call that is sent so often in all. */
function repetitions(count: number): readonly Seen[] {
  const wires = Array.from({ length: count }, (_, wire) => [sent({ wire }), over(wire, 'lost')]);
  return [began(), ...wires.flat(), ended({ ok: false, outcome: 'unknown' })];
}

const failedChecks = (count: number): readonly Seen[] => Array.from({ length: count }, () => check(false));

/** A server that has lost its link and tries again after so long. */
function waiting(delayMs: number): readonly Seen[] {
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
