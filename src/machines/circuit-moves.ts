/** What becomes of a session when its circuit moves: what it remembers, what it tells, and whether its connection is given up. */
import {
  barReason,
  circuitStateOf,
  closedForGood,
  halfOpened,
  lastCallsMs,
  mayRecycle,
  onProbation,
  opened,
  type Circuit,
} from './circuit-policy.ts';
import { healthReason, type SessionContext } from './session-context.ts';
import type { SessionEmitted, SessionMachineEvent } from './session-events.ts';

export interface CircuitMove {
  readonly changes: Partial<Pick<SessionContext, 'circuit' | 'reason' | 'recycling'>>;
  /** Undefined when nothing moved. */
  readonly told: Extract<SessionEmitted, { readonly type: 'circuitChanged' }> | undefined;
  /** In how many milliseconds the connection is given up; undefined when it is not. */
  readonly recycleInMs: number | undefined;
}

export function circuitMove(
  context: SessionContext,
  event: SessionMachineEvent,
  to: Circuit['phase'],
  nowMs: number,
): CircuitMove {
  switch (to) {
    case 'open':
      return openingMove(context, event, nowMs);
    case 'halfOpen':
      return move(context, halfOpened(context.circuit), 'the open time is over', nowMs);
    case 'probation':
      return move(context, onProbation(context.circuit), 'checks have shown that the server is well', nowMs);
    case 'normal': {
      const why = event.type === 'CIRCUIT.RESET' ? 'asked for by hand' : 'calls are answered again';
      return move(context, closedForGood(context.circuit), why, nowMs);
    }
  }
}

function openingMove(context: SessionContext, event: SessionMachineEvent, nowMs: number): CircuitMove {
  const { policy } = context;
  const trip = event.type === 'CIRCUIT.TRIPPED' ? event : undefined;
  const cause = trip?.reason ?? 'a check failed while it was half open';
  const circuit = opened(context.circuit, cause, nowMs, policy.circuitBreaker);
  const recycling = trip !== undefined && policy.reconnect.enabled && mayRecycle(circuit, nowMs);
  const { changes, told } = move(context, circuit, cause, nowMs);
  return {
    changes: { ...changes, recycling },
    told,
    recycleInMs: recycling ? (trip.inFlight === 0 ? 0 : lastCallsMs) : undefined,
  };
}

function move(context: SessionContext, circuit: Circuit, why: string, nowMs: number): CircuitMove {
  if (circuit.phase === context.circuit.phase) return { changes: { circuit }, told: undefined, recycleInMs: undefined };
  // Once the circuit is closed it is no reason any more; what else speaks against the session is one again.
  const wasReason = context.reason === barReason(context.circuit);
  return {
    changes: { circuit, reason: barReason(circuit) ?? (wasReason ? healthReason(context) : context.reason) },
    told: {
      type: 'circuitChanged',
      generation: context.generation,
      from: circuitStateOf(context.circuit),
      to: circuitStateOf(circuit),
      onProbation: circuit.phase === 'probation',
      // What was added to the time of a clock that counts in fractions does not come out of it again to the last digit.
      openMs: circuit.openUntilMs === null ? null : Math.round(circuit.openUntilMs - nowMs),
      reason: why,
    },
    recycleInMs: undefined,
  };
}
