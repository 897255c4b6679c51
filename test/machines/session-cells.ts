import assert from 'node:assert/strict';
import { type Circuit, closedCircuit } from '../../src/machines/circuit-policy.ts';
import type { SessionContext } from '../../src/machines/session-context.ts';
import type { GenerationFact, SessionMachineEvent } from '../../src/machines/session-events.ts';
import type { Phase } from '../../src/machines/connection-state.ts';
import { facts, fault, SessionBench } from './session-bench.ts';

/** Every state of the session's table, and the real events that lead there. */
export const states = {
  idle: () => new SessionBench({ opened: false }),
  waiting: () => new SessionBench(),
  opening: () => new SessionBench().permit(),
  'verifying, asking': () => new SessionBench().permit().opened(),
  'verifying, pausing': () => new SessionBench().permit().opened().pingVoid(),
  'verifying, one answer to go': () => {
    const bench = new SessionBench({ memory: { everConnected: true } }).permit().opened().pingOk().hydrated(0);
    bench.send(timedOut('the proving pause', 'connecting.attempt.verifying.pausing'));
    return bench;
  },
  hydrating: () => new SessionBench().permit().opened().pingOk(),
  'hydrating, of a later connection': () =>
    new SessionBench({ memory: { everConnected: true } }).permit().opened().pingOk(),
  healthy: () => new SessionBench().connect(),
  degraded: () => new SessionBench().connect().failCheck(),
  'degraded, one good check to go': () => new SessionBench().connect().failCheck().passCheck(),
  'degraded, for every reason but its checks': () => {
    const bench = new SessionBench().connect();
    bench.send({ type: 'CALLS.FAILING' }, { type: 'LATENCY.HIGH' }, { type: 'OVERLOAD', retryAfterMs: undefined });
    return bench.passCheck(12, 4_500).passCheck(12, 4_500);
  },
  unhealthy: () => new SessionBench().connect().failCheck().failCheck().failCheck(),
  'unhealthy, one good check to go': () => new SessionBench().connect().failCheck().failCheck().failCheck().passCheck(),
  'unhealthy, at its last check': () => new SessionBench().connect().failCheck().failCheck().failCheck().failCheck(),
  draining: () => new SessionBench().connect().drain(),
  'releasing, bound for waiting': () => new SessionBench().connect().recycle(),
  'releasing, bound for backingOff': () => new SessionBench().connect().down(),
  'releasing, bound for closed': () => new SessionBench().connect().drain({ inFlight: 0 }),
  backingOff: () => new SessionBench().connect().down().released(),
  'parked.auth': () => new SessionBench().connect().down('auth').released(),
  'parked.config': () => new SessionBench().connect().down('config').released(),
  'parked.crashLoop': () => new SessionBench({ reconnect: { crashLoopExits: 0 } }).connect().down('exit').released(),
  'parked.incompatible': () => new SessionBench().connect().down('incompatible').released(),
  stopped: () => new SessionBench({ reconnect: { enabled: false } }).connect().down().released(),
  closed: () => new SessionBench().connect().drain({ inFlight: 0 }).released(),
} as const satisfies Readonly<Record<string, () => SessionBench>>;

export type StateName = keyof typeof states;

/** The circuit of a server that tripped once; its connection was given up a moment ago. */
export const tripped: Circuit = {
  phase: 'open',
  openings: 1,
  openUntilMs: 60_000,
  cause: '5 calls in a row failed',
  successes: 0,
  recycledAtMs: 0,
};

/** A healthy session whose circuit is remembered like this. */
const withCircuit = (circuit: Partial<Circuit>): SessionBench =>
  new SessionBench({ memory: { circuit: { ...closedCircuit, ...circuit } } }).connect();

/** Every state of the circuit but the first, all of a healthy session, and the real events that lead there. */
export const circuitStates = {
  open: () => withCircuit({ recycledAtMs: 0 }).trip(2),
  'open, with calls in flight that are waited for': () => withCircuit({}).trip(2),
  'open, of an earlier connection': () => withCircuit(tripped),
  'half open, asking': () => withCircuit({ ...tripped, openUntilMs: 0 }),
  'half open, pausing': () => withCircuit({ ...tripped, phase: 'halfOpen', openUntilMs: null }).pingOk(),
  'half open, one good check to go': () =>
    withCircuit({ ...tripped, phase: 'halfOpen', openUntilMs: null })
      .pingOk()
      .passCheck()
      .tick(),
  'on probation': () => withCircuit({ ...tripped, phase: 'probation', openUntilMs: null }),
} as const satisfies Readonly<Record<string, () => SessionBench>>;

export type CircuitStateName = keyof typeof circuitStates;

/** Facts of a generation, as events; `generation` is the one that they tell of. */
export const generationFacts = {
  'LINK.SPAWNED': (generation) => ({ type: 'LINK.SPAWNED', generation, pid: 777 }),
  'LINK.OPENED': (generation) => ({ type: 'LINK.OPENED', generation, facts }),
  'LINK.FAULT': (generation) => ({ type: 'LINK.FAULT', generation, fault: fault('protocol') }),
  'LINK.DOWN': (generation, atMs) => ({ type: 'LINK.DOWN', generation, fault: fault('transport'), atMs }),
  'SESSION.LOST': (generation, atMs) => ({ type: 'SESSION.LOST', generation, fault: fault('session-lost'), atMs }),
  'LINK.RELEASED': (generation) => ({ type: 'LINK.RELEASED', generation, leaked: false }),
  'PING.OK': (generation, atMs) => ({ type: 'PING.OK', generation, atMs, latencyMs: 12, meanLatencyMs: 12 }),
  'PING.FAILED': (generation, atMs) => ({ type: 'PING.FAILED', generation, atMs, fault: fault('timeout') }),
  'PING.VOID': (generation, atMs) => ({ type: 'PING.VOID', generation, atMs }),
  HYDRATED: (generation) => ({ type: 'HYDRATED', generation, answers: 1 }),
  'HEALTH.TICK': (generation) => ({ type: 'HEALTH.TICK', generation, lateMs: 0, answeredAgoMs: 30_000 }),
} as const satisfies Readonly<Record<GenerationFact['type'], (generation: number, atMs: number) => GenerationFact>>;

/** What XState's own timer for a state sends when it has run down. */
function timedOut(delay: string, path: string): SessionMachineEvent {
  return { type: `xstate.after.${delay}.session.${path}` } as unknown as SessionMachineEvent;
}

/** Every event of the table's columns, at 5 s of the session's life. */
export const events = {
  OPEN: () => ({ type: 'SESSION.OPEN', id: 'weather', atMs: 5_000 }),
  REOPEN: () => ({ type: 'SESSION.REOPEN', id: 'weather' }),
  RECYCLE: () => ({ type: 'SESSION.RECYCLE', id: 'weather', atMs: 5_000, reason: 'asked for' }),
  DRAIN: () => ({ type: 'SESSION.DRAIN', id: 'weather', drainMs: 20_000, inFlight: 2 }),
  'DRAIN, nothing in flight': () => ({ type: 'SESSION.DRAIN', id: 'weather', drainMs: 20_000, inFlight: 0 }),
  'DRAIN, at once': () => ({ type: 'SESSION.DRAIN', id: 'weather', drainMs: 0, inFlight: 2 }),
  ABANDON: () => ({ type: 'SESSION.ABANDON', id: 'weather' }),
  'LINK.SPAWNED': generationFacts['LINK.SPAWNED'],
  'LINK.OPENED': generationFacts['LINK.OPENED'],
  'LINK.FAULT': generationFacts['LINK.FAULT'],
  'LINK.DOWN': generationFacts['LINK.DOWN'],
  'SESSION.LOST': generationFacts['SESSION.LOST'],
  'LINK.RELEASED': generationFacts['LINK.RELEASED'],
  'LINK.RELEASED, leaked': (generation: number) => ({ type: 'LINK.RELEASED', generation, leaked: true }),
  'PING.OK': generationFacts['PING.OK'],
  'PING.FAILED': generationFacts['PING.FAILED'],
  'PING.VOID': generationFacts['PING.VOID'],
  HYDRATED: generationFacts.HYDRATED,
  'HYDRATED, without tools': (generation: number) => ({ type: 'HYDRATED', generation, answers: 0 }),
  'HEALTH.TICK': generationFacts['HEALTH.TICK'],
  'HEALTH.TICK, answered lately': (generation: number) => ({
    type: 'HEALTH.TICK',
    generation,
    lateMs: 2_500,
    answeredAgoMs: 29_999,
  }),
  'HEALTH.TICK, late by our own stall': (generation: number) => ({
    type: 'HEALTH.TICK',
    generation,
    lateMs: 2_501,
    answeredAgoMs: 30_000,
  }),
  PERMIT: () => ({ type: 'PERMIT' }),
  'CALLS.FAILING': () => ({ type: 'CALLS.FAILING' }),
  'CALLS.RECOVERED': () => ({ type: 'CALLS.RECOVERED' }),
  'LATENCY.HIGH': () => ({ type: 'LATENCY.HIGH' }),
  'LATENCY.LOW': () => ({ type: 'LATENCY.LOW' }),
  OVERLOAD: () => ({ type: 'OVERLOAD', retryAfterMs: undefined }),
  'OVERLOAD, Retry-After 3 s': () => ({ type: 'OVERLOAD', retryAfterMs: 3_000 }),
  'INFLIGHT.ZERO': () => ({ type: 'INFLIGHT.ZERO' }),
  'RECYCLE.DUE': (generation: number) => ({ type: 'RECYCLE.DUE', generation, reason: 'asked for' }),
  'RECYCLE.DUE, of an older generation': (generation: number) => ({
    type: 'RECYCLE.DUE',
    generation: generation - 1,
    reason: 'asked for',
  }),
  'OVERLOAD.OVER': () => ({ type: 'OVERLOAD.OVER' }),
  'REST.OVER': () => ({ type: 'REST.OVER' }),
  STABLE: () => ({ type: 'STABLE' }),
  'TICKS.LOST': () => ({ type: 'TICKS.LOST' }),
  'CIRCUIT.TRIPPED': () => ({ type: 'CIRCUIT.TRIPPED', inFlight: 0, reason: 'calls failed' }),
  'CIRCUIT.TRIPPED, two in flight': () => ({ type: 'CIRCUIT.TRIPPED', inFlight: 2, reason: 'calls failed' }),
  'CIRCUIT.PROVED': () => ({ type: 'CIRCUIT.PROVED' }),
  'CIRCUIT.DUE': () => ({ type: 'CIRCUIT.DUE' }),
  'CIRCUIT.RECYCLE': (generation: number) => ({ type: 'CIRCUIT.RECYCLE', generation }),
  'CIRCUIT.RECYCLE, of an older generation': (generation: number) => ({
    type: 'CIRCUIT.RECYCLE',
    generation: generation - 1,
  }),
  'CIRCUIT.RESET': () => ({ type: 'CIRCUIT.RESET', id: 'weather' }),
  'after the connect timeout': () => timedOut('the connect timeout', 'connecting.attempt'),
  'after the proving pause': () => timedOut('the proving pause', 'connecting.attempt.verifying.pausing'),
  'after the drain time': () => timedOut('the drain time', 'draining'),
  'after the time between two trials': () =>
    timedOut('the time between two trials', 'connected.circuit.halfOpen.pausing'),
} as const satisfies Readonly<Record<string, (generation: number, atMs: number) => SessionMachineEvent>>;

export type EventName = keyof typeof events;
export type CircuitEventName = Extract<EventName, `CIRCUIT.${string}`>;
export type HealthEventName = Exclude<EventName, CircuitEventName>;

export function isOfCircuit(name: EventName): name is CircuitEventName {
  return name.startsWith('CIRCUIT.');
}

/** What an event does to a session: a cell of the table. What is left out does not change. */
export interface Effect {
  /** The phase afterwards. */
  readonly to: Phase;
  /** Fields of the context that change. */
  readonly changed?: Partial<Record<keyof SessionContext, unknown>>;
  /** What is told, ordered and started, in order. */
  readonly log?: readonly unknown[];
  /** Delays of the timers that run afterwards; left out: those that ran before. */
  readonly timers?: readonly number[];
}

/** Delays of the timers that run in each state. */
export const timersOf: Readonly<Record<StateName | CircuitStateName, readonly number[]>> = {
  idle: [],
  waiting: [],
  opening: [30_000],
  'verifying, asking': [30_000],
  'verifying, pausing': [250, 30_000],
  'verifying, one answer to go': [30_000],
  hydrating: [30_000],
  'hydrating, of a later connection': [30_000],
  healthy: [],
  degraded: [],
  'degraded, one good check to go': [],
  'degraded, for every reason but its checks': [10_000],
  unhealthy: [],
  'unhealthy, one good check to go': [],
  'unhealthy, at its last check': [],
  draining: [20_000],
  'releasing, bound for waiting': [],
  'releasing, bound for backingOff': [],
  'releasing, bound for closed': [],
  backingOff: [250],
  'parked.auth': [300_000],
  'parked.config': [300_000],
  'parked.crashLoop': [300_000],
  'parked.incompatible': [300_000],
  stopped: [],
  closed: [],
  open: [60_000],
  'open, with calls in flight that are waited for': [10_000, 60_000],
  'open, of an earlier connection': [60_000],
  'half open, asking': [],
  'half open, pausing': [5_000],
  'half open, one good check to go': [5_000],
  'on probation': [],
};

/** What the event does in the state, or 'nothing': neither value nor context, timers or log are any different. */
export async function effectOf(
  state: StateName | CircuitStateName,
  eventOf: (generation: number, atMs: number) => SessionMachineEvent,
): Promise<Effect | 'nothing'> {
  const bench = { ...states, ...circuitStates }[state]();
  assert.deepEqual(bench.timers, timersOf[state]);
  await bench.advance(bench.timers.some((ms) => ms <= 5_000) ? 100 : 5_000);
  bench.take();
  const before = bench.actor.getSnapshot();
  const { phase, timers } = bench;
  bench.send(eventOf(bench.generation, 5_000));
  const after = bench.actor.getSnapshot();
  const changed = difference(before.context, after.context);
  const log = bench.take();
  const effect: Effect = {
    to: bench.phase,
    ...(Object.keys(changed).length > 0 && { changed }),
    ...(log.length > 0 && { log }),
    timers: bench.timers,
  };
  const isSame =
    phase === effect.to &&
    JSON.stringify(before.value) === JSON.stringify(after.value) &&
    before.status === after.status &&
    bench.timers.join() === timers.join() &&
    Object.keys(effect).length === 2;
  bench.stop();
  return isSame ? 'nothing' : effect;
}

function difference(before: SessionContext, after: SessionContext): Partial<Record<keyof SessionContext, unknown>> {
  const keys = Object.keys(after).filter((key) => key !== 'manager') as (keyof SessionContext)[];
  return Object.fromEntries(
    keys.flatMap((key) => (JSON.stringify(before[key]) === JSON.stringify(after[key]) ? [] : [[key, after[key]]])),
  );
}
