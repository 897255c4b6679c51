import { tripsOn, type CircuitBreakerConfig } from './circuit-policy.ts';
import { isSlow, type HealthCheckConfig } from './health-policy.ts';
import { windowFrom, withOutcomeIn, type OutcomeWindow } from './outcome-window.ts';

/** What one call came to, as far as the session's health is concerned. */
export type CallOutcome =
  /** The server answered this call, with a result (`ok`) or with an error of its own. */
  | { readonly kind: 'answered'; readonly ok: boolean; readonly latencyMs: number }
  /** The call may have reached the server and got no answer: it counts against the session. */
  | { readonly kind: 'failed' }
  /** The server asked to be left alone. */
  | { readonly kind: 'overload'; readonly retryAfterMs: number | undefined }
  /** It says nothing about the server: never sent, or given up by its caller. */
  | { readonly kind: 'void' };

/** What the session's actor hears of its calls: only that something changed, never each call. */
export type CallEdge =
  | { readonly type: 'CALLS.FAILING' }
  | { readonly type: 'CALLS.RECOVERED' }
  | { readonly type: 'LATENCY.HIGH' }
  | { readonly type: 'LATENCY.LOW' }
  | { readonly type: 'OVERLOAD'; readonly retryAfterMs: number | undefined }
  /** Too many calls failed: the circuit opens. */
  | { readonly type: 'CIRCUIT.TRIPPED'; readonly inFlight: number; readonly reason: string }
  /** Enough calls were answered on probation. */
  | { readonly type: 'CIRCUIT.PROVED' }
  | { readonly type: 'INFLIGHT.ZERO' };

/** The running count beside a session's record. One generation's failures do not burden the next. */
export interface SessionTally {
  readonly inFlight: number;
  /** Requests that were answered with a result. */
  readonly succeeded: number;
  /** Requests that ended in any other way. */
  readonly failed: number;
  /** Counted failures since the last answered call of this generation. */
  readonly failedInARow: number;
  readonly latency: { readonly last: number | null; readonly mean: number | null };
  /** Calls that count for the circuit, since it last changed or the connection is new. */
  readonly circuit: CircuitCount;
}

/** What the circuit is judged by. */
export interface CircuitCount {
  readonly answeredInARow: number;
  readonly failedInARow: number;
  /** How many calls there were, up to the size of the window: all of them answered, where there is no window. */
  readonly good: number;
  readonly window: OutcomeWindow | undefined;
}

/** What a call's outcome means to the circuit. `barred`: nothing, since it is open, or was when the call began. */
export type CircuitMode = 'normal' | 'probation' | 'barred';

const emptyCircuitCount: CircuitCount = Object.freeze({
  answeredInARow: 0,
  failedInARow: 0,
  good: 0,
  window: undefined,
});

export const emptyTally: SessionTally = Object.freeze({
  inFlight: 0,
  succeeded: 0,
  failed: 0,
  failedInARow: 0,
  latency: Object.freeze({ last: null, mean: null }),
  circuit: emptyCircuitCount,
});

/** Failed calls speak against a server until it executes one, but no longer than this: where no more calls go, none could. */
const failuresForgivenMs = 60_000;

/** The tally without its failed calls in a row, once the last of them is old; undefined while they count, or when there are none. */
export function forgiven(tally: SessionTally, lastFailureAgoMs: number): SessionTally | undefined {
  return tally.failedInARow > 0 && lastFailureAgoMs >= failuresForgivenMs
    ? changed(tally, { failedInARow: 0 })
    : undefined;
}

const weightOfLatest = 0.2;

export function withLatency(latency: SessionTally['latency'], ms: number): SessionTally['latency'] {
  return { last: ms, mean: latency.mean === null ? ms : latency.mean + weightOfLatest * (ms - latency.mean) };
}

export function callStarted(tally: SessionTally): SessionTally {
  return changed(tally, { inFlight: tally.inFlight + 1 });
}

/** The tally with a measured latency. */
export function measured(tally: SessionTally, ms: number): SessionTally {
  return changed(tally, { latency: withLatency(tally.latency, ms) });
}

/** The tally with which a new generation begins. */
export function begunAnew(tally: SessionTally): SessionTally {
  return tally === emptyTally
    ? tally
    : changed(tally, { failedInARow: 0, latency: emptyTally.latency, circuit: emptyCircuitCount });
}

/** The tally once the circuit has moved. */
export function withCircuitMoved(tally: SessionTally): SessionTally {
  return changed(tally, { circuit: emptyCircuitCount });
}

/** After a call of an older generation: it is counted, and says nothing about the present one. */
export function withoutVerdict(after: SessionTally, { failedInARow, latency, circuit }: SessionTally): SessionTally {
  return changed(after, { failedInARow, latency, circuit });
}

/** Written out field by field: a copy by spread of what is frozen has a shape of its own each time, which is half a kilobyte. */
function changed(tally: SessionTally, changes: Partial<SessionTally>): SessionTally {
  return {
    inFlight: changes.inFlight ?? tally.inFlight,
    succeeded: changes.succeeded ?? tally.succeeded,
    failed: changes.failed ?? tally.failed,
    failedInARow: changes.failedInARow ?? tally.failedInARow,
    latency: changes.latency ?? tally.latency,
    circuit: changes.circuit ?? tally.circuit,
  };
}

/** How a server's calls are judged. */
export interface CallPolicy {
  readonly healthCheck: HealthCheckConfig;
  readonly circuitBreaker: CircuitBreakerConfig;
}

/** The tally after a call, and what of it the session's actor must hear. */
export function recordOutcome(
  tally: SessionTally,
  outcome: CallOutcome,
  policy: CallPolicy,
  mode: CircuitMode = 'normal',
): { readonly tally: SessionTally; readonly edges: readonly CallEdge[] } {
  const { kind } = outcome;
  const isAnswered = kind === 'answered';
  const isResult = isAnswered && outcome.ok;
  const countsForCircuit = mode !== 'barred' && (isAnswered || kind === 'failed');
  // Written out: every call makes one, and a spread costs as much as all the rest.
  const next: SessionTally = {
    inFlight: tally.inFlight - 1,
    succeeded: tally.succeeded + (isResult ? 1 : 0),
    failed: tally.failed + (isResult ? 0 : 1),
    failedInARow: isAnswered ? 0 : tally.failedInARow + (kind === 'failed' ? 1 : 0),
    latency: isAnswered ? withLatency(tally.latency, outcome.latencyMs) : tally.latency,
    circuit: countsForCircuit
      ? countedFor(tally.circuit, kind === 'failed', mode, policy.circuitBreaker)
      : tally.circuit,
  };
  const edges: CallEdge[] = [];
  if (isAnswered && tally.failedInARow > 0) edges.push({ type: 'CALLS.RECOVERED' });
  if (isAnswered) tellLatency(edges, tally.latency.mean, next.latency.mean, policy.healthCheck);
  if (kind === 'failed' && tally.failedInARow === 0) edges.push({ type: 'CALLS.FAILING' });
  if (kind === 'overload') edges.push({ type: 'OVERLOAD', retryAfterMs: outcome.retryAfterMs });
  if (countsForCircuit) tellCircuit(edges, next, kind === 'failed', mode, policy.circuitBreaker);
  if (next.inFlight === 0) edges.push({ type: 'INFLIGHT.ZERO' });
  return { tally: next, edges };
}

function countedFor(
  count: CircuitCount,
  failed: boolean,
  mode: 'normal' | 'probation',
  { windowSize }: CircuitBreakerConfig,
): CircuitCount {
  const { window } = count;
  // Where all is well and has been for long there is nothing to count: how many were answered matters on probation alone.
  if (!failed && window === undefined && count.good === windowSize && mode === 'normal') {
    return count;
  }
  return {
    answeredInARow: failed ? 0 : count.answeredInARow + 1,
    failedInARow: failed ? count.failedInARow + 1 : 0,
    good: Math.min((window?.count ?? count.good) + 1, windowSize),
    window:
      window !== undefined
        ? withOutcomeIn(window, failed, windowSize)
        : failed
          ? windowFrom(count.good, windowSize)
          : undefined,
  };
}

function tellCircuit(
  edges: CallEdge[],
  { inFlight, circuit: { answeredInARow, failedInARow, window } }: SessionTally,
  failed: boolean,
  mode: 'normal' | 'probation',
  config: CircuitBreakerConfig,
): void {
  if (mode === 'probation') {
    if (failed) edges.push({ type: 'CIRCUIT.TRIPPED', inFlight, reason: 'a call failed on probation' });
    else if (answeredInARow === config.successThreshold) edges.push({ type: 'CIRCUIT.PROVED' });
    return;
  }
  if (!failed || window === undefined || !tripsOn(failedInARow, window, config)) return;
  const reason =
    failedInARow >= config.failureThreshold
      ? `${failedInARow} calls in a row failed`
      : `${window.failures} of the last ${window.count} calls failed`;
  edges.push({ type: 'CIRCUIT.TRIPPED', inFlight, reason });
}

function tellLatency(edges: CallEdge[], before: number | null, after: number | null, policy: HealthCheckConfig): void {
  if (after === null) return;
  const wasSlow = before !== null && before > policy.degradedLatencyMs;
  if (!wasSlow && isSlow(false, after, policy)) edges.push({ type: 'LATENCY.HIGH' });
  else if (before !== null && isSlow(true, before, policy) && !isSlow(true, after, policy)) {
    edges.push({ type: 'LATENCY.LOW' });
  }
}
