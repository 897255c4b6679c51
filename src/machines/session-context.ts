import type { Fault } from '../link/fault.ts';
import type { ServerFacts } from '../link/link.ts';
import type { ActorRef, AnyActorRef, Snapshot } from 'xstate';
import { barReason, closedCircuit, type Circuit, type CircuitBreakerConfig } from './circuit-policy.ts';
import {
  afterFailedCheck,
  afterGoodCheck,
  isSound,
  provenCount,
  type DegradedReason,
  type HealthCheckConfig,
  type HealthCount,
} from './health-policy.ts';
import type { TickArm } from './manager-events.ts';
import type { ParkedFor, ReconnectConfig } from './reconnect-policy.ts';
import type { Release, SessionMachineEvent } from './session-events.ts';

/** Everything that a session's decisions depend on, resolved from its options. */
export interface SessionPolicy {
  readonly healthCheck: HealthCheckConfig;
  readonly reconnect: ReconnectConfig;
  readonly circuitBreaker: CircuitBreakerConfig;
  /** Bounds everything between the permit and the connection. */
  readonly connectTimeoutMs: number;
  /** True when the connect limiter paces this server's attempts. */
  readonly limited: boolean;
  /** True: stay idle until the first call. */
  readonly lazy: boolean;
}

/** What outlives a session's actor and is handed to the next one. */
export interface SessionMemory {
  readonly generation: number;
  readonly attempt: number;
  readonly everConnected: boolean;
  readonly exits: readonly number[];
  readonly losses: readonly number[];
  /** What it was last parked for; null once that is over. */
  readonly parkedFor: ParkedFor | null;
  /** How often in a row it was parked for that. */
  readonly parks: number;
  readonly lastFault: Fault | null;
  readonly circuit: Circuit;
}

export const blankMemory: SessionMemory = Object.freeze({
  generation: 0,
  attempt: 0,
  everConnected: false,
  exits: Object.freeze([]),
  losses: Object.freeze([]),
  parkedFor: null,
  parks: 0,
  lastFault: null,
  circuit: closedCircuit,
});

/** What a session needs of its manager: the ticker among its children. */
export type TickKeeper = ActorRef<
  Snapshot<unknown> & { readonly children?: Readonly<Record<string, AnyActorRef | undefined>> },
  TickArm
>;

/** Id of the ticker among the manager's children. It ends in a control character, which no server's id may contain. */
export const tickerId = 'health ticker\u0000';

/** Where ticks are armed; asked anew each time, since a ticker that crashed is replaced. */
export function tickerOf(manager: TickKeeper): AnyActorRef {
  return manager.getSnapshot().children?.[tickerId] ?? manager;
}

export interface SessionInput {
  readonly id: string;
  readonly policy: SessionPolicy;
  readonly memory: SessionMemory;
  readonly manager: TickKeeper;
}

/** The session's own data: plain, small, and without secrets, since inspectors show it. */
export interface SessionContext extends SessionMemory {
  readonly id: string;
  readonly policy: SessionPolicy;
  readonly manager: TickKeeper;
  /** What the server said of itself when it was last connected. */
  readonly facts: ServerFacts | null;
  /** Answers that prove this generation's connection so far. */
  readonly answers: number;
  /** The link of this generation is open. */
  readonly opened: boolean;
  /** The connection is about to be given up since the circuit has opened. */
  readonly recycling: boolean;
  readonly hydrated: boolean;
  readonly health: HealthCount;
  readonly pid: number | null;
  readonly release: Release | null;
  /** Delay of the next attempt, or of the next look of a parked session; null when there is none. */
  readonly restMs: number | null;
  /** When that is, monotonic. */
  readonly restEndsAtMs: number | null;
  /** When that is, in milliseconds since the epoch. */
  readonly nextAttemptAt: number | null;
  /** When it was last nudged by hand, monotonic; null when it never was. */
  readonly nudgedAtMs: number | null;
  /** Why the session is where it is, in a few words; null when nothing is wrong. */
  readonly reason: string | null;
}

/** A session's context as others may see it: without the way to its manager. */
export type SessionData = Omit<SessionContext, 'manager'>;

export function initialContext(input: SessionInput): SessionContext {
  return { ...initialData(input), manager: input.manager };
}

export function initialData(input: Omit<SessionInput, 'manager'>): SessionData {
  return {
    ...input.memory,
    id: input.id,
    policy: input.policy,
    answers: 0,
    opened: false,
    recycling: false,
    hydrated: false,
    health: provenCount(input.policy.healthCheck),
    facts: null,
    pid: null,
    release: null,
    restMs: null,
    restEndsAtMs: null,
    nextAttemptAt: null,
    nudgedAtMs: null,
    reason: null,
  };
}

export function memoryOf(context: SessionContext): SessionMemory {
  const { generation, attempt, everConnected, exits, losses, parkedFor, parks, lastFault, circuit } = context;
  return { generation, attempt, everConnected, exits, losses, parkedFor, parks, lastFault, circuit };
}

/** The answers that prove this generation's connection, with the one that this event brings. */
export function answersWith(context: SessionContext, event: SessionMachineEvent): number {
  if (event.type === 'PING.OK') return context.answers + 1;
  return event.type === 'HYDRATED' ? context.answers + event.answers : context.answers;
}

/** The health count after the check that this event reports. */
export function healthAfter(context: SessionContext, event: SessionMachineEvent): HealthCount {
  if (event.type === 'PING.OK') return afterGoodCheck(context.health, event.meanLatencyMs, context.policy.healthCheck);
  return event.type === 'PING.FAILED' ? afterFailedCheck(context.health) : context.health;
}

export function connectTimeout(context: SessionContext): Fault {
  return {
    kind: 'timeout',
    code: 'connect-timeout',
    message: `not ready within ${context.policy.connectTimeoutMs} ms: waited for ${whatItWaitsFor(context)}`,
  };
}

function whatItWaitsFor({ opened, hydrated, answers }: SessionContext): string {
  if (!opened) return 'its answer to initialize';
  if (hydrated) return 'its answer to one more check';
  return answers === 0 ? 'its answer to a first check' : 'its list of tools';
}

/**
 * The health count with the reason that goes with it: the failed check, while there is one, then the circuit, then what else speaks
 * against the session.
 */
export function explained(context: SessionContext, health: HealthCount): Pick<SessionContext, 'health' | 'reason'> {
  if (health.failures > 0) return { health, reason: context.reason };
  return { health, reason: barReason(context.circuit) ?? reasonsOf(health) ?? context.reason };
}

/** What speaks against the session apart from its circuit; null when nothing does. */
export function healthReason({ health, lastFault, policy }: SessionContext): string | null {
  if (isSound(health, policy.healthCheck)) return null;
  return (health.failures === 0 ? reasonsOf(health) : null) ?? lastFault?.message ?? null;
}

function reasonsOf({ reasons }: HealthCount): string | null {
  return reasons.length === 0 ? null : reasons.map((each) => reasonText[each]).join(', ');
}

const reasonText: Readonly<Record<DegradedReason, string>> = {
  calls: 'calls get no answer',
  latency: 'answers are slow',
  overload: 'the server is overloaded',
};
