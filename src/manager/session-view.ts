import type { Clock } from '../actors/ports.ts';
import { stateOfPhase, type ConnectionState, type Phase } from '../machines/connection-state.ts';
import type { SessionData } from '../machines/session-context.ts';

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

/** A session whose actor has not taken a step yet. */
export function firstView(context: SessionData, clock: Clock): SessionView {
  return {
    phase: 'idle',
    state: 'disconnected',
    since: clock.wall(),
    establishedAt: null,
    wakesAtMs: null,
    context,
    tags: noTags,
  };
}

/** Whether the session went to another phase or generation. */
export function hasMoved(before: SessionView, { phase, context }: Pick<SessionView, 'phase' | 'context'>): boolean {
  return before.phase !== phase || before.context.generation !== context.generation;
}

/** The session after its actor has taken a step. */
export function nextView(
  before: SessionView,
  { phase, context, tags }: Pick<SessionView, 'phase' | 'context' | 'tags'>,
  clock: Clock,
): SessionView {
  const since = hasMoved(before, { phase, context }) ? clock.wall() : before.since;
  const wasConnected = before.phase.startsWith('connected.');
  const establishedAt = phase.startsWith('connected.')
    ? wasConnected
      ? before.establishedAt
      : since
    : phase === 'draining'
      ? before.establishedAt
      : null;
  const wakesAtMs =
    context.nextAttemptAt === before.context.nextAttemptAt
      ? before.wakesAtMs
      : context.restMs === null
        ? null
        : clock.monotonic() + context.restMs;
  return { phase, state: stateOfPhase(phase, 'closed'), since, establishedAt, wakesAtMs, context, tags };
}
