/** When a server's circuit opens, for how long, and what closes it again: pure decisions. */
import type { CircuitState } from './connection-state.ts';
import type { OutcomeWindow } from './outcome-window.ts';

/** When a server that fails its calls gets none for a while. Every field has a default; see `defaultCircuitBreaker`. */
export interface CircuitBreakerConfig {
  /** Failed calls in a row that open the circuit; default 5. */
  readonly failureThreshold: number;
  /** Good checks that half-open needs to let calls through again, and answered calls that end the probation after it; default 3. */
  readonly successThreshold: number;
  /** How long the circuit stays open; default 60 000. Doubled each time that it opens again, up to 300 000 (or this, if it is longer). */
  readonly openMs: number;
  /** How many of the last calls are looked at: half of them failed opens the circuit, too; default 100. */
  readonly windowSize: number;
  /** With fewer calls than this among them only a run of failures opens it; default 10. */
  readonly minimumRequests: number;
}

export const defaultCircuitBreaker: CircuitBreakerConfig = Object.freeze({
  failureThreshold: 5,
  successThreshold: 3,
  openMs: 60_000,
  windowSize: 100,
  minimumRequests: 10,
});

/** The circuit as the session remembers it, over all its connections. */
export interface Circuit {
  /** `probation`: closed, but the next failed call opens it again. */
  readonly phase: 'normal' | 'probation' | 'open' | 'halfOpen';
  /** How often it has opened since it was last closed for good. */
  readonly openings: number;
  /** Until when it is open, monotonic; null while it is not. */
  readonly openUntilMs: number | null;
  /** What opened it; null while it is closed for good. */
  readonly cause: string | null;
  /** Good checks while half open. */
  readonly successes: number;
  /** When the connection was last given up since the circuit had opened, monotonic; null when it never was. */
  readonly recycledAtMs: number | null;
}

export const closedCircuit: Circuit = Object.freeze({
  phase: 'normal',
  openings: 0,
  openUntilMs: null,
  cause: null,
  successes: 0,
  recycledAtMs: null,
});

const longestOpenMs = 300_000;
/** Beyond this many doublings every open time is at its longest, and one of 0 stays 0. */
const mostDoublings = 30;
const recycleEveryMs = 10 * 60_000;

/** How long the calls that are under way are given before the connection of a server whose circuit opened is given up. */
export const lastCallsMs = 10_000;

/** How long the circuit stays open when it opens for the `openings`-th time in a row. */
export function openForMs(openings: number, { openMs }: CircuitBreakerConfig): number {
  return Math.min(Math.max(longestOpenMs, openMs), openMs * 2 ** Math.min(openings - 1, mostDoublings));
}

/** Open from now on, since what `cause` says happened. */
export function opened(circuit: Circuit, cause: string, nowMs: number, config: CircuitBreakerConfig): Circuit {
  const openings = circuit.openings + 1;
  return { ...circuit, phase: 'open', openings, openUntilMs: nowMs + openForMs(openings, config), cause, successes: 0 };
}

export function halfOpened(circuit: Circuit): Circuit {
  return { ...circuit, phase: 'halfOpen', openUntilMs: null, successes: 0 };
}

/** Closed until the first failed call. */
export function onProbation(circuit: Circuit): Circuit {
  return { ...circuit, phase: 'probation', openUntilMs: null, successes: 0 };
}

/** Closed for good: how often it had opened is forgotten. */
export function closedForGood(circuit: Circuit): Circuit {
  return { ...closedCircuit, recycledAtMs: circuit.recycledAtMs };
}

/** A new connection may help a server that fails its calls, but not every minute: at most one in ten minutes is tried. */
export function mayRecycle(circuit: Circuit, nowMs: number): boolean {
  return circuit.recycledAtMs === null || nowMs - circuit.recycledAtMs >= recycleEveryMs;
}

/** Enough good checks, with the one that has just come. */
export function hasShownThatItIsWell(circuit: Circuit, config: CircuitBreakerConfig): boolean {
  return circuit.successes + 1 >= config.successThreshold;
}

/** What the failures come to: too many in a row, or half of enough calls. */
export function tripsOn(
  failedInARow: number,
  window: Pick<OutcomeWindow, 'count' | 'failures'>,
  config: CircuitBreakerConfig,
): boolean {
  return (
    failedInARow >= config.failureThreshold ||
    (window.count >= config.minimumRequests && window.failures * 2 >= window.count)
  );
}

/** The public word for it. */
export function circuitStateOf({ phase }: Circuit): CircuitState {
  return phase === 'open' || phase === 'halfOpen' ? phase : 'closed';
}

/** Why a session with this circuit takes no calls; null when the circuit lets them through. */
export function barReason(circuit: Circuit): string | null {
  const state = circuitStateOf(circuit);
  if (state === 'closed') return null;
  return `the circuit is ${state === 'open' ? 'open' : 'half open'}: ${circuit.cause}`;
}
