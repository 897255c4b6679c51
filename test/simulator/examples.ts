import {
  added,
  answered,
  apart,
  began,
  calls,
  circuit,
  connected,
  ended,
  executed,
  failedChecks,
  failureThreshold,
  group,
  id,
  intervalMs,
  lazy,
  maxInFlight,
  member,
  moved,
  openMs,
  opened,
  openedBy,
  other,
  over,
  repetitions,
  sent,
  silences,
  state,
  switched,
  told,
  tripsAt,
  waiting,
  type Moment,
} from './example-histories.ts';
import { lateMark, secretMark } from './history.ts';
import type { InvariantName } from './invariants.ts';

/** For each invariant a history in which it holds, and one that differs in what breaks it. */
export const examples: Readonly<
  Record<InvariantName, readonly [good: () => readonly Moment[], bad: () => readonly Moment[]]>
> = {
  'one-link': [() => [opened(1), opened(2)], () => [opened(1), opened(2, 2)]],
  'generations-rise': [() => [opened(1), opened(2)], () => [opened(1), opened(1)]],
  'stale-generation': [
    () => [...connected(), { kind: 'late word', serverId: id, generation: 1 }, state('connected.healthy')],
    () => [...connected(), told('linkFault', { error: { code: 'late', message: lateMark } })],
  ],
  'connects-as-told': [
    () => [added(lazy), began({ to: { server: lazy } }), openedBy(lazy), ended({ ok: false, outcome: 'unknown' })],
    () => [added(lazy), openedBy(lazy)],
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
  'checks-go-on': [
    () => [...connected(), { afterMs: 2 * intervalMs }, told('healthTicked', {}), state('connected.healthy')],
    () => [...connected(), { afterMs: 2 * intervalMs + 20_000 }, state('connected.healthy')],
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
  'group-follows': [() => apart(10_000), () => apart(10_001)],
  secrets: [
    () => [{ kind: 'log', text: 'Bearer [redacted]' }],
    () => [{ kind: 'log', text: `Bearer ${secretMark}-1` }],
  ],
  'leaves-nothing': [() => [], () => []],
};
