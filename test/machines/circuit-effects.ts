import { type Circuit, closedCircuit } from '../../src/machines/circuit-policy.ts';
import type { AfterRelease, Release } from '../../src/machines/session-events.ts';
import { fault } from './session-bench.ts';
import { type CircuitStateName, type Effect, type EventName, type StateName, tripped } from './session-cells.ts';

type Row = Partial<Record<EventName, Effect>>;
type Changes = NonNullable<Effect['changed']>;

export const healthy = 'connected.healthy';
const byCalls = '5 calls in a row failed';

const tick = (ms: number): string => `weather: tick of generation 1 in ${ms}`;
const probe = 'link 1: PROBE.REQUEST';
const ticked = { type: 'healthTicked', generation: 1 };
const checkedOk = { type: 'healthChecked', generation: 1, ok: true, latencyMs: 12, void: false, error: null };
const checkedVoid = { type: 'healthChecked', generation: 1, ok: false, latencyMs: null, void: true, error: null };
const checkFailed = {
  type: 'healthChecked',
  generation: 1,
  ok: false,
  latencyMs: null,
  void: false,
  error: { code: 'code of timeout', message: 'a fault of kind timeout' },
};

interface Told {
  readonly from: string;
  readonly to: string;
  readonly reason: string;
  readonly openMs?: number;
  readonly onProbation?: boolean;
}

const moved = ({ onProbation = false, openMs, ...told }: Told): unknown => ({
  type: 'circuitChanged',
  generation: 1,
  ...told,
  onProbation,
  openMs: openMs ?? null,
});

function letGo(mode: Release['mode'], next: AfterRelease, changed: Changes): Effect {
  return {
    to: 'releasing',
    changed: { release: { mode, next }, ...changed },
    log: ['remembered', `link 1: LINK.RELEASE ${mode}`],
    timers: [],
  };
}

const failed = (reason: string): Changes => ({
  health: { failures: 1, successes: 0, reasons: [] },
  lastFault: fault('timeout'),
  reason,
});

/** What the circuit's being open or half open makes of events that it does not wait for itself: no check is skipped, and it stays the reason. */
function barredRow(timers: readonly number[]): Row {
  const degradedBy = (reason: string): Effect => ({
    to: 'connected.degraded',
    changed: { health: { failures: 0, successes: 0, reasons: [reason] } },
    log: [tick(5_000)],
    timers,
  });
  return {
    'HEALTH.TICK, answered lately': { to: healthy, log: [ticked, probe], timers },
    'CALLS.FAILING': degradedBy('calls'),
    'LATENCY.HIGH': degradedBy('latency'),
    OVERLOAD: { ...degradedBy('overload'), timers: inOrder(...timers, 10_000) },
    'OVERLOAD, Retry-After 3 s': { ...degradedBy('overload'), timers: inOrder(...timers, 3_000) },
    'CIRCUIT.TRIPPED': nothing,
    'CIRCUIT.TRIPPED, two in flight': nothing,
  };
}

/** An event that does nothing here, though a closed circuit makes something of it. */
export const nothing: Effect = { to: healthy };

export function inOrder(...timers: readonly number[]): readonly number[] {
  return timers.toSorted((a, b) => a - b);
}

/** `changed`: what else becomes different when it is left. */
function openRow(timers: readonly number[], circuit: Circuit, changed: Changes = {}): Row {
  return {
    ...barredRow(timers),
    'PING.OK': { to: healthy, log: [checkedOk, tick(5_000)], timers },
    'PING.FAILED': {
      to: 'connected.degraded',
      changed: failed('a fault of kind timeout'),
      log: [checkFailed, tick(5_000)],
      timers,
    },
    'CIRCUIT.DUE': {
      to: healthy,
      changed: {
        circuit: { ...circuit, phase: 'halfOpen', openUntilMs: null },
        reason: `the circuit is half open: ${byCalls}`,
        ...changed,
      },
      log: ['remembered', moved({ from: 'open', to: 'halfOpen', reason: 'the open time is over' }), probe],
      timers: [],
    },
    'CIRCUIT.RECYCLE': letGo('kill', 'waiting', { circuit: { ...circuit, recycledAtMs: 5_000 }, ...changed }),
    'CIRCUIT.RESET': {
      to: healthy,
      changed: { circuit: { ...closedCircuit, recycledAtMs: circuit.recycledAtMs }, reason: null, ...changed },
      log: ['remembered', moved({ from: 'open', to: 'closed', reason: 'asked for by hand' })],
      timers: [],
    },
  };
}

const waited: Circuit = { ...tripped, recycledAtMs: null };
const halfOpen: Circuit = { ...tripped, phase: 'halfOpen', openUntilMs: null };
const onProbation: Circuit = { ...tripped, phase: 'probation', openUntilMs: null };
const forGood: Circuit = { ...closedCircuit, recycledAtMs: 0 };

/** `good`: the good checks while half open; `atMs`: when the event comes. */
function halfOpenRow(timers: readonly number[], good: number, atMs: number): Row {
  const twice = 'a check failed while it was half open';
  return {
    ...barredRow(timers),
    'PING.OK':
      good < 2
        ? {
            to: healthy,
            changed: { circuit: { ...halfOpen, successes: good + 1 } },
            log: [checkedOk, tick(5_000)],
            timers: [5_000],
          }
        : {
            to: healthy,
            changed: { circuit: onProbation, reason: null },
            log: [
              'remembered',
              checkedOk,
              tick(5_000),
              moved({
                from: 'halfOpen',
                to: 'closed',
                onProbation: true,
                reason: 'checks have shown that the server is well',
              }),
            ],
            timers: [],
          },
    'PING.VOID': { to: healthy, log: [checkedVoid, tick(2_500)], timers: [5_000] },
    'PING.FAILED': {
      to: 'connected.degraded',
      changed: {
        ...failed(`the circuit is open: ${twice}`),
        circuit: { ...tripped, openings: 2, openUntilMs: atMs + 120_000, cause: twice },
      },
      log: [
        'remembered',
        checkFailed,
        tick(5_000),
        moved({ from: 'halfOpen', to: 'open', openMs: 120_000, reason: twice }),
        tick(5_000),
      ],
      timers: [120_000],
    },
    ...(timers.length > 0 && { 'after the time between two trials': { to: healthy, log: [probe], timers: [] } }),
    'CIRCUIT.RESET': {
      to: healthy,
      changed: { circuit: forGood, reason: null },
      log: ['remembered', moved({ from: 'halfOpen', to: 'closed', reason: 'asked for by hand' })],
      timers: [],
    },
  };
}

function probationRow(): Row {
  const trippedAgain: Effect = {
    to: healthy,
    changed: {
      circuit: { ...tripped, openings: 2, openUntilMs: 125_000, cause: 'calls failed' },
      reason: 'the circuit is open: calls failed',
    },
    log: ['remembered', moved({ from: 'closed', to: 'open', openMs: 120_000, reason: 'calls failed' }), tick(5_000)],
    timers: [120_000],
  };
  const closed = (reason: string): Effect => ({
    to: healthy,
    changed: { circuit: forGood },
    log: ['remembered', moved({ from: 'closed', to: 'closed', reason })],
    timers: [],
  });
  return {
    'CIRCUIT.TRIPPED': trippedAgain,
    'CIRCUIT.TRIPPED, two in flight': trippedAgain,
    'CIRCUIT.PROVED': closed('calls are answered again'),
    'CIRCUIT.RESET': closed('asked for by hand'),
  };
}

export const waitedFor = 'open, with calls in flight that are waited for';

/** What each state of the circuit makes of an event; what is left out is what a closed circuit makes of it. */
export const circuitTable: Readonly<Record<CircuitStateName, Row>> = {
  open: openRow([60_000], tripped),
  [waitedFor]: {
    ...openRow([10_000, 60_000], waited, { recycling: false }),
    'INFLIGHT.ZERO': letGo('kill', 'waiting', { circuit: { ...waited, recycledAtMs: 5_000 }, recycling: false }),
  },
  'open, of an earlier connection': openRow([60_000], tripped),
  'half open, asking': halfOpenRow([], 0, 5_000),
  'half open, pausing': halfOpenRow([5_000], 1, 100),
  'half open, one good check to go': halfOpenRow([5_000], 2, 100),
  'on probation': probationRow(),
};

/** A circuit that is closed for good and trips. Without calls in flight there is nothing to wait for. */
function trippedRow(
  phase: 'connected.healthy' | 'connected.degraded' | 'connected.unhealthy',
  timers: readonly number[] = [],
): Row {
  const circuit: Circuit = { ...waited, openUntilMs: 65_000, cause: 'calls failed' };
  const reason = 'the circuit is open: calls failed';
  const told = moved({ from: 'closed', to: 'open', openMs: 60_000, reason: 'calls failed' });
  return {
    'CIRCUIT.TRIPPED, two in flight': {
      to: phase,
      changed: { circuit, reason, recycling: true },
      log: ['remembered', told, tick(5_000)],
      timers: inOrder(10_000, 60_000, ...timers),
    },
    'CIRCUIT.TRIPPED': {
      to: 'releasing',
      changed: {
        circuit: { ...circuit, recycledAtMs: 5_000 },
        reason,
        release: { mode: 'kill', next: 'waiting' },
      },
      log: ['remembered', 'remembered', told, tick(5_000), 'link 1: LINK.RELEASE kill'],
      timers: [],
    },
  };
}

/** What a circuit that is closed for good makes of its own events in each state of the session; what is left out does nothing at all. */
export const closedCircuitTable: Readonly<Partial<Record<StateName, Row>>> = {
  healthy: trippedRow('connected.healthy'),
  degraded: trippedRow('connected.degraded'),
  'degraded, one good check to go': trippedRow('connected.degraded'),
  'degraded, for every reason but its checks': trippedRow('connected.degraded', [10_000]),
  unhealthy: trippedRow('connected.unhealthy'),
  'unhealthy, one good check to go': trippedRow('connected.unhealthy'),
  'unhealthy, at its last check': trippedRow('connected.unhealthy'),
};
