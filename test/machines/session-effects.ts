import type { Phase } from '../../src/machines/connection-state.ts';
import type { AfterRelease, Release } from '../../src/machines/session-events.ts';
import { facts, fault } from './session-bench.ts';
import type { Effect, HealthEventName, StateName } from './session-cells.ts';

type Row = Partial<Record<HealthEventName, Effect>>;

const sessionLost = { type: 'sessionLost', generation: 1, code: 'code of session-lost' };
const leaked = { type: 'linkLeaked', generation: 1 };
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
const noted = {
  transport: { lastFault: fault('transport'), reason: 'a fault of kind transport' },
  lost: { lastFault: fault('session-lost'), reason: 'a fault of kind session-lost' },
  timeout: { lastFault: fault('timeout'), reason: 'a fault of kind timeout' },
  recycle: { reason: 'asked for', nudgedAtMs: 5_000 },
  /** It comes 1 s after the last nudge, which was none here. */
  recycleDue: { reason: 'asked for', nudgedAtMs: 1_000 },
  drain: { reason: 'draining' },
};

const tick = (ms: number): string => `weather: tick of generation 1 in ${ms}`;

/** To `releasing`: the permit goes back and calls are cancelled first, then it is remembered, then actors and link hear of it. */
function letGo(
  mode: Release['mode'],
  next: AfterRelease,
  changed: Effect['changed'],
  { first = [], after = [] }: { readonly first?: readonly unknown[]; readonly after?: readonly unknown[] } = {},
): Effect {
  return {
    to: 'releasing',
    changed: { release: { mode, next }, ...changed },
    log: [...first, 'remembered', ...after, `link 1: LINK.RELEASE ${mode}`],
    timers: [],
  };
}

function idleRow(): Row {
  const closed: Effect = { to: 'closed' };
  return {
    OPEN: { to: 'connecting.waiting', log: ['permit started'] },
    REOPEN: { to: 'connecting.waiting', log: ['permit started'] },
    ABANDON: closed,
    'LINK.SPAWNED': { to: 'idle', changed: { pid: 777 } },
    DRAIN: closed,
    'DRAIN, nothing in flight': closed,
    'DRAIN, at once': closed,
  };
}

function waitingRow(): Row {
  const closed: Effect = { to: 'closed', log: ['permit returned', 'permit ended'] };
  return {
    PERMIT: {
      to: 'connecting.opening',
      changed: { generation: 1 },
      log: ['remembered', 'permit ended', 'link 1 started'],
      timers: [30_000],
    },
    ABANDON: closed,
    'LINK.SPAWNED': { to: 'connecting.waiting', changed: { pid: 777 } },
    DRAIN: closed,
    'DRAIN, nothing in flight': closed,
    'DRAIN, at once': closed,
  };
}

/** What `opening`, `verifying` and `hydrating` have in common. */
function attemptRow(phase: Phase, waitedFor: string): Row {
  const first = ['permit returned'];
  const message = `not ready within 30000 ms: waited for ${waitedFor}`;
  const late = { lastFault: { kind: 'timeout', code: 'connect-timeout', message }, reason: message };
  const after = [sessionLost];
  return {
    RECYCLE: letGo('kill', 'waiting', noted.recycle, { first }),
    'RECYCLE.DUE': letGo('kill', 'waiting', noted.recycleDue, { first }),
    DRAIN: letGo('kill', 'closed', noted.drain, { first }),
    'DRAIN, nothing in flight': letGo('kill', 'closed', noted.drain, { first }),
    'DRAIN, at once': letGo('kill', 'closed', { reason: 'draining' }, { first }),
    'LINK.DOWN': letGo('kill', 'backingOff', noted.transport, { first }),
    'SESSION.LOST': letGo('lost', 'backingOff', { ...noted.lost, losses: [5_000] }, { first, after }),
    'after the connect timeout': letGo('kill', 'backingOff', late, { first }),
    ABANDON: { to: 'closed', log: ['permit returned', 'link 1 ended'], timers: [] },
    'LINK.SPAWNED': { to: phase, changed: { pid: 777 } },
  };
}

function askingRow(waitedFor: string = 'its answer to a first check'): Row {
  return {
    ...attemptRow('connecting.verifying', waitedFor),
    'PING.OK': {
      to: 'connecting.hydrating',
      changed: { answers: 1 },
      log: [checkedOk, 'link 1: HYDRATE.REQUEST'],
    },
    'PING.FAILED': letGo('kill', 'backingOff', noted.timeout, { first: ['permit returned'], after: [checkFailed] }),
    'PING.VOID': { to: 'connecting.verifying', log: [checkedVoid], timers: [250, 30_000] },
  };
}

function hydrated(changed: NonNullable<Effect['changed']>): Effect {
  return {
    to: 'connected.healthy',
    changed,
    log: ['permit returned', 'remembered', tick(15_000)],
    timers: [],
  };
}

interface HealthCells {
  readonly phase: Phase;
  readonly failures: number;
  readonly successes: number;
  /** Default: when nothing failed and enough succeeded. */
  readonly isSound?: boolean;
  /** Failed checks and good ones lead here. */
  readonly afterOk: Effect;
  readonly afterFailed: Effect;
}

/** What the three states of health have in common. A reason to be degraded asks for a check soon, unless one is due soon anyway. */
function connectedRow({ phase, failures, successes, isSound, afterOk, afterFailed }: HealthCells): Row {
  const sound = isSound ?? (failures === 0 && successes >= 2);
  const asked: Effect = { to: phase, log: [ticked, 'link 1: PROBE.REQUEST'] };
  const degradedBy = (reason: string, text: string): Effect => ({
    to: sound ? 'connected.degraded' : phase,
    changed: { health: { failures, successes: 0, reasons: [reason] }, ...(failures === 0 && { reason: text }) },
    ...(sound && { log: [tick(5_000)] }),
  });
  return {
    RECYCLE: letGo('kill', 'waiting', noted.recycle),
    'RECYCLE.DUE': letGo('kill', 'waiting', noted.recycleDue),
    ABANDON: { to: 'closed', log: ['link 1 ended'], timers: [] },
    'LINK.SPAWNED': { to: phase, changed: { pid: 777 } },
    DRAIN: { to: 'draining', changed: noted.drain, timers: [20_000] },
    'DRAIN, nothing in flight': letGo('graceful', 'closed', noted.drain),
    'DRAIN, at once': letGo('kill', 'closed', { reason: 'draining' }, { first: ['calls cancelled'] }),
    'LINK.DOWN': letGo('kill', 'backingOff', noted.transport),
    'SESSION.LOST': letGo('lost', 'waiting', { ...noted.lost, losses: [5_000] }, { after: [sessionLost] }),
    'LINK.FAULT': { to: phase, log: ['link 1: PROBE.REQUEST'] },
    'PING.OK': afterOk,
    'PING.FAILED': afterFailed,
    'PING.VOID': { to: phase, log: [checkedVoid, tick(2_500)] },
    STABLE: { to: phase, log: ['remembered'] },
    'TICKS.LOST': { to: phase, log: [tick(2_500)] },
    'HEALTH.TICK': asked,
    'HEALTH.TICK, answered lately': sound ? { to: phase, log: [ticked, tick(1_501)] } : asked,
    'HEALTH.TICK, late by our own stall': { to: phase, log: [ticked, tick(2_500)] },
    'CALLS.FAILING': degradedBy('calls', 'calls get no answer'),
    'LATENCY.HIGH': degradedBy('latency', 'answers are slow'),
    OVERLOAD: { ...degradedBy('overload', 'the server is overloaded'), timers: [10_000] },
    'OVERLOAD, Retry-After 3 s': { ...degradedBy('overload', 'the server is overloaded'), timers: [3_000] },
  };
}

const healthy: HealthCells = {
  phase: 'connected.healthy',
  failures: 0,
  successes: 2,
  afterOk: {
    to: 'connected.healthy',
    log: [checkedOk, tick(30_000)],
  },
  afterFailed: {
    to: 'connected.degraded',
    changed: { health: { failures: 1, successes: 0, reasons: [] }, ...noted.timeout },
    log: [checkFailed, tick(5_000)],
  },
};

const degraded: HealthCells = {
  phase: 'connected.degraded',
  failures: 1,
  successes: 0,
  afterOk: {
    to: 'connected.degraded',
    changed: { health: { failures: 0, successes: 1, reasons: [] } },
    log: [checkedOk, tick(5_000)],
  },
  afterFailed: {
    to: 'connected.degraded',
    changed: { health: { failures: 2, successes: 0, reasons: [] } },
    log: [checkFailed, tick(5_000)],
  },
};

const unhealthy: HealthCells = {
  phase: 'connected.unhealthy',
  failures: 3,
  successes: 0,
  afterOk: {
    to: 'connected.unhealthy',
    changed: { health: { failures: 0, successes: 1, reasons: [] } },
    log: [checkedOk, tick(5_000)],
  },
  afterFailed: {
    to: 'connected.unhealthy',
    changed: { health: { failures: 4, successes: 0, reasons: [] } },
    log: [checkFailed, tick(5_000)],
  },
};

/** The last of the good checks that health takes. */
const recovered: Effect = {
  to: 'connected.healthy',
  changed: { health: { failures: 0, successes: 2, reasons: [] }, reason: null },
  log: [checkedOk, tick(30_000)],
};

/** Its checks are good, but its calls fail, its answers are slow and it is overloaded: each of these ends by itself. */
function everyReasonRow(): Row {
  const left = (successes: number, ...reasons: readonly string[]) => ({ failures: 0, successes, reasons });
  const slow = 'answers are slow';
  const overloaded = 'the server is overloaded';
  const failing = 'calls get no answer';
  const row = connectedRow({
    ...degraded,
    failures: 0,
    successes: 2,
    isSound: false,
    afterOk: {
      to: 'connected.degraded',
      changed: {
        health: left(2, 'calls', 'overload'),
        reason: `${failing}, ${overloaded}`,
      },
      log: [checkedOk, tick(5_000)],
    },
    afterFailed: {
      to: 'connected.degraded',
      changed: {
        health: { failures: 1, successes: 0, reasons: ['calls', 'latency', 'overload'] },
        ...noted.timeout,
      },
      log: [checkFailed, tick(5_000)],
    },
  });
  const { 'CALLS.FAILING': _calls, 'LATENCY.HIGH': _latency, OVERLOAD: _overload, ...others } = row;
  return {
    ...others,
    'CALLS.RECOVERED': {
      to: 'connected.degraded',
      changed: { health: left(2, 'latency', 'overload'), reason: `${slow}, ${overloaded}` },
    },
    'LATENCY.LOW': {
      to: 'connected.degraded',
      changed: { health: left(2, 'calls', 'overload'), reason: `${failing}, ${overloaded}` },
    },
    'OVERLOAD.OVER': {
      to: 'connected.degraded',
      changed: { health: left(2, 'calls', 'latency'), reason: `${failing}, ${slow}` },
    },
    'OVERLOAD, Retry-After 3 s': { to: 'connected.degraded', timers: [3_000] },
  };
}

function drainingRow(): Row {
  const killed = letGo('kill', 'closed', {}, { first: ['calls cancelled'] });
  return {
    DRAIN: killed,
    'DRAIN, nothing in flight': killed,
    'DRAIN, at once': killed,
    'LINK.DOWN': letGo('kill', 'closed', noted.transport),
    'SESSION.LOST': letGo('lost', 'closed', noted.lost, { after: [sessionLost] }),
    'INFLIGHT.ZERO': letGo('graceful', 'closed', {}),
    'after the drain time': letGo('graceful', 'closed', {}, { first: ['calls cancelled'] }),
    ABANDON: { to: 'closed', log: ['link 1 ended'], timers: [] },
    'LINK.SPAWNED': { to: 'draining', changed: { pid: 777 } },
  };
}

const anyReleasingRow: Row = {
  ABANDON: { to: 'closed', changed: { pid: null }, log: ['link 1 ended'] },
  'LINK.SPAWNED': { to: 'releasing', changed: { pid: 777 } },
};

/** `releasing` on its way to anywhere but the end. */
function releasingRow(next: AfterRelease, released: { readonly kept: Effect; readonly leaked: Effect }): Row {
  const rebound = (to: AfterRelease): Effect => ({ to: 'releasing', changed: { release: { mode: 'kill', next: to } } });
  return {
    ...anyReleasingRow,
    ...(next === 'waiting' ? {} : { OPEN: rebound('waiting'), RECYCLE: rebound('waiting') }),
    DRAIN: rebound('closed'),
    'DRAIN, nothing in flight': rebound('closed'),
    'DRAIN, at once': rebound('closed'),
    'LINK.RELEASED': released.kept,
    'LINK.RELEASED, leaked': released.leaked,
  };
}

function releasingForGoodRow(): Row {
  const killed: Effect = { to: 'releasing', log: ['link 1: LINK.RELEASE kill'] };
  return {
    ...anyReleasingRow,
    DRAIN: killed,
    'DRAIN, nothing in flight': killed,
    'DRAIN, at once': killed,
    'LINK.RELEASED': { to: 'closed', changed: { pid: null }, log: ['link 1 ended'] },
    'LINK.RELEASED, leaked': { to: 'closed', changed: { pid: null }, log: ['link 1 ended', leaked] },
  };
}

/** `backingOff`, `parked` and `stopped`: `resting` says whether a next attempt was scheduled. */
function disconnectedRow(phase: Phase, resting: boolean): Row {
  const forgotten = resting ? { restMs: null, restEndsAtMs: null, nextAttemptAt: null } : {};
  const timers = resting ? { timers: [] } : {};
  const closed: Effect = { to: 'closed', ...(resting && { changed: forgotten }), ...timers };
  return {
    OPEN: {
      to: 'connecting.waiting',
      changed: { ...forgotten, nudgedAtMs: 5_000 },
      log: ['permit started'],
      ...timers,
    },
    RECYCLE: {
      to: 'connecting.waiting',
      changed: { ...forgotten, ...noted.recycle },
      log: ['permit started'],
      ...timers,
    },
    'REST.OVER': {
      to: 'connecting.waiting',
      ...(resting && { changed: forgotten }),
      log: ['permit started'],
      ...timers,
    },
    ABANDON: closed,
    'LINK.SPAWNED': { to: phase, changed: { pid: 777 } },
    DRAIN: closed,
    'DRAIN, nothing in flight': closed,
    'DRAIN, at once': closed,
  };
}

const backOff = { type: 'reconnectScheduled', generation: 1, attempt: 1, delayMs: 250, attemptAt: 1_005_250 };
const backedOff = { attempt: 1, pid: null, restMs: 250, restEndsAtMs: 5_250, nextAttemptAt: 1_005_250 };

/** What each state makes of each event; what is left out does nothing at all. Events of the circuit have tables of their own. */
export const sessionTable: Readonly<Record<StateName, Row>> = {
  idle: idleRow(),
  waiting: waitingRow(),
  opening: {
    ...attemptRow('connecting.opening', 'its answer to initialize'),
    'LINK.OPENED': {
      to: 'connecting.verifying',
      changed: { opened: true, facts, pid: 4_242 },
      log: ['link 1: PROBE.REQUEST'],
    },
  },
  'verifying, asking': askingRow(),
  'verifying, pausing': {
    ...attemptRow('connecting.verifying', 'its answer to a first check'),
    'after the proving pause': { to: 'connecting.verifying', log: ['link 1: PROBE.REQUEST'], timers: [30_000] },
  },
  'verifying, one answer to go': {
    ...askingRow('its answer to one more check'),
    'PING.OK': {
      to: 'connected.healthy',
      log: ['permit returned', 'remembered', checkedOk, tick(15_000)],
      timers: [],
    },
  },
  hydrating: {
    ...attemptRow('connecting.hydrating', 'its list of tools'),
    HYDRATED: hydrated({ everConnected: true, hydrated: true }),
    'HYDRATED, without tools': hydrated({ everConnected: true, hydrated: true }),
  },
  'hydrating, of a later connection': {
    ...attemptRow('connecting.hydrating', 'its list of tools'),
    HYDRATED: hydrated({ hydrated: true }),
    'HYDRATED, without tools': {
      to: 'connecting.verifying',
      changed: { hydrated: true },
      timers: [250, 30_000],
    },
  },
  healthy: connectedRow(healthy),
  degraded: connectedRow(degraded),
  'degraded, one good check to go': connectedRow({
    ...degraded,
    failures: 0,
    successes: 1,
    afterOk: recovered,
    afterFailed: {
      to: 'connected.degraded',
      changed: { health: { failures: 1, successes: 0, reasons: [] } },
      log: [checkFailed, tick(5_000)],
    },
  }),
  'degraded, for every reason but its checks': everyReasonRow(),
  unhealthy: connectedRow(unhealthy),
  'unhealthy, one good check to go': connectedRow({
    ...unhealthy,
    failures: 0,
    successes: 1,
    afterOk: recovered,
    afterFailed: {
      to: 'connected.unhealthy',
      changed: { health: { failures: 1, successes: 0, reasons: [] } },
      log: [checkFailed, tick(5_000)],
    },
  }),
  'unhealthy, at its last check': connectedRow({
    ...unhealthy,
    failures: 4,
    afterFailed: letGo(
      'kill',
      'backingOff',
      { health: { failures: 5, successes: 0, reasons: [] } },
      { after: [checkFailed, tick(5_000)] },
    ),
  }),
  draining: drainingRow(),
  'releasing, bound for waiting': releasingRow('waiting', {
    kept: { to: 'connecting.waiting', changed: { pid: null }, log: ['link 1 ended', 'permit started'] },
    leaked: { to: 'connecting.waiting', changed: { pid: null }, log: ['link 1 ended', leaked, 'permit started'] },
  }),
  'releasing, bound for backingOff': releasingRow('backingOff', {
    kept: {
      to: 'disconnected.backingOff',
      changed: backedOff,
      log: ['remembered', 'link 1 ended', backOff],
      timers: [250],
    },
    leaked: {
      to: 'disconnected.backingOff',
      changed: backedOff,
      log: ['remembered', 'link 1 ended', leaked, backOff],
      timers: [250],
    },
  }),
  'releasing, bound for closed': releasingForGoodRow(),
  backingOff: disconnectedRow('disconnected.backingOff', true),
  'parked.auth': disconnectedRow('disconnected.parked.auth', true),
  'parked.config': disconnectedRow('disconnected.parked.config', true),
  'parked.crashLoop': disconnectedRow('disconnected.parked.crashLoop', true),
  'parked.incompatible': disconnectedRow('disconnected.parked.incompatible', true),
  stopped: disconnectedRow('disconnected.stopped', false),
  closed: {},
};
