import type { Clock } from '../actors/ports.ts';
import { circuitStateOf } from '../machines/circuit-policy.ts';
import { stateOfPhase, type CircuitState, type ConnectionState, type Phase } from '../machines/connection-state.ts';
import { initialData, type SessionData, type SessionInput } from '../machines/session-context.ts';
import type { Fault } from '../link/fault.ts';
import type { SessionFact } from './manager-events.ts';

/** A session as seen from outside its actor, after the last macrostep. */
export interface SessionView {
  readonly phase: Phase;
  readonly state: ConnectionState;
  readonly since: number;
  readonly establishedAt: number | null;
  /** When it next acts by itself, monotonic; null when it does not. */
  readonly wakesAtMs: number | null;
  readonly context: SessionData;
  /** Tags of the session machine, a `SessionTag` each. */
  readonly tags: ReadonlySet<string>;
}

/** The tags of a session that no actor speaks for. */
export const noTags: ReadonlySet<string> = new Set();

/** A session before its actor has taken a step. */
export function firstView(input: Omit<SessionInput, 'manager'>, clock: Clock): SessionView {
  return {
    phase: 'idle',
    state: 'disconnected',
    since: clock.wall(),
    establishedAt: null,
    wakesAtMs: null,
    context: initialData(input),
    tags: noTags,
  };
}

/** The view after a step of the actor. */
export function nextView(
  before: SessionView,
  step: Pick<SessionView, 'phase' | 'context' | 'tags'>,
  clock: Clock,
): SessionView {
  const { phase, context, tags } = step;
  const state = stateOfPhase(phase, circuitStateOf(context.circuit));
  const since = hasMoved(before, { ...step, state }) ? clock.wall() : before.since;
  return {
    phase,
    state,
    since,
    establishedAt: establishedAt(before, phase, since),
    wakesAtMs: wakesAt(before, context, clock),
    context,
    tags,
  };
}

/** Whether it is in another state, for the world or for whoever looks closely. */
export function hasMoved(before: SessionView, after: Pick<SessionView, 'phase' | 'state' | 'context'>): boolean {
  return (
    before.phase !== after.phase ||
    before.state !== after.state ||
    before.context.generation !== after.context.generation
  );
}

/** What is told of a move. */
export function moveFact(before: SessionView, { phase, state, context }: SessionView): SessionFact {
  return {
    type: 'stateChanged',
    from: before.state,
    to: state,
    fromPhase: before.phase,
    phase,
    pid: context.pid,
    attempt: context.attempt,
    nextAttemptAt: context.nextAttemptAt,
    reason: context.reason,
  };
}

/** The circuit as a call sees it. */
export interface CircuitView {
  readonly state: CircuitState;
  /** What opened it; null when it is closed for good. */
  readonly cause: string | null;
  /** The time until it is half open; undefined unless it is open. */
  readonly retryAfterMs: number | undefined;
}

export function circuitOf({ context: { circuit } }: SessionView, clock: Clock): CircuitView {
  const { openUntilMs, cause } = circuit;
  return {
    state: circuitStateOf(circuit),
    cause,
    retryAfterMs: openUntilMs === null ? undefined : Math.max(0, Math.ceil(openUntilMs - clock.monotonic())),
  };
}

function establishedAt(before: SessionView, phase: Phase, since: number): number | null {
  if (phase === 'draining') return before.establishedAt;
  if (!phase.startsWith('connected.')) return null;
  return before.phase.startsWith('connected.') ? before.establishedAt : since;
}

function wakesAt(before: SessionView, context: SessionData, clock: Clock): number | null {
  if (context.nextAttemptAt === before.context.nextAttemptAt) return before.wakesAtMs;
  return context.restMs === null ? null : clock.monotonic() + context.restMs;
}

/** What a session is whose actor has just thrown: it rests, until it is started anew. */
export function afterCrash(data: SessionData, fault: Fault, restartMs: number, wallMs: number): SessionData {
  const rest = { pid: null, restMs: restartMs, nextAttemptAt: wallMs + restartMs };
  return { ...data, ...rest, lastFault: fault, reason: fault.message };
}
