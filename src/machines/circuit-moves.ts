/** What becomes of a session when its circuit moves: what it remembers, what it tells, and whether its connection is given up. */
import {
  circuitStateOf,
  closedForGood,
  halfOpened,
  lastCallsMs,
  mayRecycle,
  onProbation,
  opened,
  type Circuit,
} from './circuit-policy.ts';
import type { SessionContext } from './session-context.ts';
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
      return move(context, halfOpened(context.circuit), 'the open time is over', 'the circuit is half open', nowMs);
    case 'probation':
      return move(context, onProbation(context.circuit), 'checks have shown that the server is well', null, nowMs);
    case 'normal': {
      const why = event.type === 'CIRCUIT.RESET' ? 'asked for by hand' : 'calls are answered again';
      const wasOpen = circuitStateOf(context.circuit) !== 'closed';
      return move(context, closedForGood(context.circuit), why, wasOpen ? null : context.reason, nowMs);
    }
  }
}

function openingMove(context: SessionContext, event: SessionMachineEvent, nowMs: number): CircuitMove {
  const { policy } = context;
  const trip = event.type === 'CIRCUIT.TRIPPED' ? event : undefined;
  const why = trip?.reason ?? 'a check failed while it was half open';
  const circuit = opened(context.circuit, nowMs, policy.circuitBreaker);
  const recycling = trip !== undefined && policy.reconnect.enabled && mayRecycle(circuit, nowMs);
  const { changes, told } = move(
    context,
    recycling ? { ...circuit, recycledAtMs: nowMs } : circuit,
    why,
    `the circuit is open: ${why}`,
    nowMs,
  );
  return {
    changes: { ...changes, recycling },
    told,
    recycleInMs: recycling ? (trip.inFlight === 0 ? 0 : lastCallsMs) : undefined,
  };
}

function move(
  context: SessionContext,
  circuit: Circuit,
  why: string,
  reason: string | null,
  nowMs: number,
): CircuitMove {
  const hasMoved = circuit.phase !== context.circuit.phase;
  return {
    changes: { circuit, reason },
    told: hasMoved
      ? {
          type: 'circuitChanged',
          generation: context.generation,
          from: circuitStateOf(context.circuit),
          to: circuitStateOf(circuit),
          onProbation: circuit.phase === 'probation',
          openMs: circuit.openUntilMs === null ? null : circuit.openUntilMs - nowMs,
          reason: why,
        }
      : undefined,
    recycleInMs: undefined,
  };
}
