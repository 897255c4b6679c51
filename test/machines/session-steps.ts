import fc from 'fast-check';
import type { FaultKind } from '../../src/link/fault.ts';
import type { Phase } from '../../src/machines/connection-state.ts';
import type { SessionMachineEvent } from '../../src/machines/session-events.ts';
import { sessionEventTypes } from './event-types.ts';
import { facts, fault, policyOf } from './session-bench.ts';

type EventType = SessionMachineEvent['type'];

const rarely = fc.integer({ min: 0, max: 11 }).map((n) => n === 0);
const often = fc.integer({ min: 0, max: 5 }).map((n) => n > 0);

/** What may be done to a session, and what its events may carry. */
export const step = fc.record({
  /** `onward`: an event that takes a session through its life. `enabled`: one that its state reacts to. `fail`: its link goes down. `any`: any at all. */
  choice: fc.oneof(
    { weight: 7, arbitrary: fc.constant('onward' as const) },
    { weight: 4, arbitrary: fc.constant('enabled' as const) },
    { weight: 1, arbitrary: fc.constant('fail' as const) },
    { weight: 1, arbitrary: fc.constant('any' as const) },
  ),
  pick: fc.nat(1_000),
  /** Ending a session ends the run too, so that it is rarely allowed. */
  mayEnd: rarely,
  isCurrent: often,
  kind: fc.constantFrom<FaultKind>('exit', 'exit', 'exit', 'auth', 'config', 'spawn', 'incompatible', 'transport'),
  /** Often within the second in which nudges are put off. */
  ms: fc.oneof({ weight: 4, arbitrary: fc.nat(150) }, { weight: 1, arbitrary: fc.nat(40_000) }),
  latencyMs: fc.constantFrom(10, 3_999, 4_500, 5_001),
  lateMs: fc.constantFrom(0, 100, 9_000),
  answeredAgoMs: fc.constantFrom(0, 100_000),
  retryAfterMs: fc.constantFrom(undefined, 0, 3_000),
  inFlight: fc.constantFrom(0, 3, 3),
  drainMs: fc.constantFrom(0, 20_000, 20_000),
  /** Whether its circuit is moved where it can be, in the place of its life going on. */
  ofCircuit: fc.integer({ min: 0, max: 3 }).map((n) => n === 0),
  answers: fc.constantFrom<0 | 1>(0, 1),
  leaked: fc.boolean(),
});

export type Step = typeof step extends fc.Arbitrary<infer T> ? T : never;

/** Policies with small thresholds, so that each is passed within a few steps. */
export const sessionPolicy = fc
  .record({
    failureThreshold: fc.integer({ min: 1, max: 4 }),
    successThreshold: fc.integer({ min: 1, max: 3 }),
    crashLoopExits: fc.integer({ min: 0, max: 3 }),
    trials: fc.integer({ min: 1, max: 3 }),
    multiplier: fc.constantFrom(1, 2, 3.5),
    delayMs: fc.constantFrom(100, 1_000),
    maxDelayMs: fc.constantFrom(1_000, 60_000),
    enabled: often,
    limited: often,
  })
  .map(({ failureThreshold, successThreshold, trials, limited, ...reconnect }) =>
    policyOf({
      healthCheck: { failureThreshold, successThreshold },
      reconnect,
      circuitBreaker: { successThreshold: trials },
      policy: { limited },
    }),
  );

export const eventTypes = Object.keys(sessionEventTypes) as readonly EventType[];

const onwardFrom: Readonly<Record<Phase, readonly EventType[]>> = {
  idle: ['SESSION.OPEN'],
  'connecting.waiting': ['PERMIT'],
  'connecting.opening': ['LINK.OPENED'],
  'connecting.verifying': ['PING.OK'],
  'connecting.hydrating': ['HYDRATED'],
  'connected.healthy': ['HEALTH.TICK', 'PING.OK'],
  'connected.degraded': ['HEALTH.TICK', 'PING.OK', 'PING.FAILED'],
  'connected.unhealthy': ['HEALTH.TICK', 'PING.OK', 'PING.FAILED'],
  releasing: ['LINK.RELEASED'],
  'disconnected.backingOff': ['REST.OVER'],
  'disconnected.parked.auth': ['REST.OVER'],
  'disconnected.parked.config': ['REST.OVER'],
  'disconnected.parked.crashLoop': ['REST.OVER'],
  'disconnected.parked.incompatible': ['REST.OVER'],
  'disconnected.stopped': ['SESSION.OPEN'],
  draining: ['INFLIGHT.ZERO'],
  closed: [],
};

/** What takes a circuit through its life. */
const circuitTypes: ReadonlySet<string> = new Set<EventType>(['CIRCUIT.TRIPPED', 'CIRCUIT.PROVED', 'CIRCUIT.DUE']);

/** The type of the step's event; undefined when there is none, or when it would end the run too early. */
export function typeOf(
  { choice, pick, mayEnd, ofCircuit }: Step,
  phase: Phase,
  enabled: readonly string[],
): string | undefined {
  const ofItsCircuit = enabled.filter((each) => circuitTypes.has(each));
  const types: readonly string[] = {
    onward: ofCircuit && ofItsCircuit.length > 0 ? ofItsCircuit : onwardFrom[phase],
    enabled,
    fail: ['LINK.DOWN'],
    any: eventTypes,
  }[choice];
  const type = types[pick % Math.max(1, types.length)];
  const isEnd = type === 'SESSION.ABANDON' || (type === 'SESSION.DRAIN' && !phase.startsWith('connected.'));
  return isEnd && !mayEnd ? undefined : type;
}

export function eventOf(type: string, of: Step, current: number, atMs: number): SessionMachineEvent {
  const generation = of.isCurrent ? current : current - 1;
  const id = 'weather';
  switch (type) {
    case 'SESSION.OPEN':
      return { type, id, atMs };
    case 'SESSION.REOPEN':
    case 'SESSION.ABANDON':
    case 'CIRCUIT.RESET':
      return { type, id };
    case 'SESSION.RECYCLE':
      return { type, id, atMs, reason: 'asked for' };
    case 'SESSION.DRAIN':
      return { type, id, drainMs: of.drainMs, inFlight: of.inFlight };
    case 'LINK.SPAWNED':
      return { type, generation, pid: 7 };
    case 'LINK.OPENED':
      return { type, generation, facts };
    case 'LINK.FAULT':
      return { type, generation, fault: fault('protocol') };
    case 'LINK.DOWN':
      return { type, generation, fault: fault(of.kind), atMs };
    case 'SESSION.LOST':
      return { type, generation, fault: fault('session-lost'), atMs };
    case 'LINK.RELEASED':
      return { type, generation, leaked: of.leaked };
    case 'PING.OK':
      return { type, generation, atMs, latencyMs: of.latencyMs, meanLatencyMs: of.latencyMs };
    case 'PING.FAILED':
      return { type, generation, atMs, fault: fault('timeout') };
    case 'PING.VOID':
      return { type, generation, atMs };
    case 'HYDRATED':
      return { type, generation, answers: of.answers };
    case 'HEALTH.TICK':
      return { type, generation, lateMs: of.lateMs, answeredAgoMs: of.answeredAgoMs };
    case 'RECYCLE.DUE':
      return { type, generation, reason: 'asked for' };
    case 'OVERLOAD':
      return { type, retryAfterMs: of.retryAfterMs };
    case 'CIRCUIT.TRIPPED':
      return { type, inFlight: of.inFlight, reason: 'calls failed' };
    case 'CIRCUIT.RECYCLE':
      return { type, generation };
    default:
      // Events without data, those of XState's own timers among them.
      return { type } as SessionMachineEvent;
  }
}
