import { inspect } from 'node:util';
import { afterEach, beforeEach, expect } from 'vitest';
import {
  custom,
  SessionManager,
  type Clock,
  type HoldfastError,
  isHoldfastError,
  type ManagerConfig,
  type ManagerEvent,
  type ManagerPorts,
  type ServerOptions,
  type Session,
} from '../../src/index.ts';
import {
  createSimulatedServers,
  createVirtualClock,
  type LeakCheck,
  type SimulatedBehaviour,
  type SimulatedServer,
  type SimulatedServers,
  startLeakCheck,
  type VirtualClock,
} from '../../src/testing/index.ts';

/** A target that only a simulated link can open. */
export const simulated = custom(() => {
  throw new Error('there is no transport in a simulation');
});

export interface Arrangement {
  readonly config?: Partial<ManagerConfig>;
  /** Laid over the behaviour of every simulated server. */
  readonly behaviour?: Partial<SimulatedBehaviour>;
  readonly ports?: Partial<ManagerPorts>;
}

export interface World {
  readonly clock: VirtualClock;
  readonly sim: SimulatedServers;
  readonly manager: SessionManager;
  readonly events: ManagerEvent[];
  /** Every event as one line: `time id generation what`. */
  readonly trace: string[];
  /** The chance that the manager sees; half of everything unless a test says otherwise. */
  random: () => number;
  /** Called with the delay of each timer that the manager sets; may throw. */
  onTimer: (delayMs: number) => void;
  /** The simulated server of this id; a given behaviour is laid over what it has. */
  server(id: string, behaviour?: Partial<SimulatedBehaviour>): SimulatedServer;
  /** Adds a server and waits, without time moving, until it is healthy. */
  add(id: string, options?: ServerOptions): Promise<Session>;
  /** The lines traced since the last time that this was asked. */
  news(): string[];
}

const worlds: World[] = [];
let leaks: LeakCheck | undefined;

beforeEach(() => {
  leaks = startLeakCheck();
});

afterEach(async () => {
  for (const { manager, clock } of worlds.splice(0)) {
    const closed = outcomeOf(manager.close({ drainMs: 0 }));
    await clock.advance(30_000);
    expect(closed.state, 'the manager closes').toBe('resolved');
    expect(clock.pendingTimers, 'timers left behind').toBe(0);
  }
  await leaks?.verify();
});

/** A manager on virtual time, among simulated servers. What a test leaves open is closed after it, and must leave no timer. */
export function world(arrangement: Arrangement = {}): World {
  const clock = createVirtualClock();
  const sim = createSimulatedServers(clock, { defaults: arrangement.behaviour ?? {} });
  const seen: Clock = {
    wall: () => clock.wall(),
    monotonic: () => clock.monotonic(),
    setTimeout: (callback, delayMs) => {
      self.onTimer(delayMs);
      return clock.setTimeout(callback, delayMs);
    },
    clearTimeout: (id) => {
      clock.clearTimeout(id);
    },
    nextMacrotask: (callback) => {
      clock.nextMacrotask(callback);
    },
    loopLag: () => clock.loopLag(),
  };
  const manager = new SessionManager(arrangement.config ?? {}, {
    clock: seen,
    links: sim.links,
    random: () => self.random(),
    ...arrangement.ports,
  });
  let told = 0;
  const self: World = {
    clock,
    sim,
    manager,
    events: [],
    trace: [],
    random: () => 0.5,
    onTimer: () => undefined,
    server: (id, behaviour) => sim.server(id, behaviour),
    async add(id, options) {
      const added = outcomeOf(manager.addServer(id, simulated, options));
      await clock.settle();
      return added.value();
    },
    news() {
      const lines = self.trace.slice(told);
      told = self.trace.length;
      return lines;
    },
  };
  manager.events$.subscribe((event) => {
    self.events.push(event);
    self.trace.push(line(event, clock.monotonic()));
  });
  worlds.push(self);
  return self;
}

/** An event as one line: `time id generation what`. */
export function line(event: ManagerEvent, atMs: number): string {
  const head =
    event.groupId === undefined ? `${atMs} ${event.serverId} ${event.generation}` : `${atMs} group ${event.groupId}`;
  switch (event.type) {
    case 'stateChanged':
      return `${head} ${event.fromPhase} > ${event.phase}${event.reason === null ? '' : `: ${event.reason}`}`;
    case 'healthChecked':
      return `${head} check ${event.void ? 'void' : event.ok ? `ok in ${String(event.latencyMs)}` : `failed: ${String(event.error?.code)}`}`;
    case 'reconnectScheduled':
      return `${head} attempt ${event.attempt} in ${event.delayMs}`;
    case 'sessionCrashed':
      return `${head} sessionCrashed, again in ${event.restartMs}`;
    case 'catalogChanged':
      return `${head} tools +[${event.added.join()}] -[${event.removed.join()}] ~[${event.changed.join()}]`;
    case 'toolChanged':
      return `${head} ${event.tool} changed${event.blocked ? ', blocked' : ''}`;
    case 'authRequired':
      return `${head} authRequired ${event.url ?? 'nowhere'}`;
    case 'linkFault':
      return `${head} linkFault ${event.error.code}`;
    case 'circuitChanged':
      return `${head} circuit ${event.from} > ${event.to}${event.onProbation ? ' on probation' : ''}${event.openMs === null ? '' : ` for ${event.openMs}`}: ${event.reason}`;
    case 'resultUnchecked':
      return `${head} resultUnchecked ${event.tool}: ${event.reason}`;
    case 'resourceUpdated':
      return `${head} ${event.uri} updated${event.gap ? ', perhaps' : ''}`;
    case 'wishRefused':
      return `${head} wish for ${event.wish.kind === 'subscription' ? event.wish.uri : event.wish.level} refused: ${event.error.code}`;
    case 'serverChanged':
      return `${head} serverChanged from ${event.before.info?.version} to ${event.after.info?.version}`;
    case 'sessionLost':
      return `${head} sessionLost ${event.code}`;
    case 'healthTicked':
      return `${head} tick`;
    case 'failedOver':
      return `${head} failedOver ${event.from} > ${event.to}${event.byHand ? ' by hand' : ''}: ${event.reason}`;
    case 'failedBack':
      return `${head} failedBack ${event.from} > ${event.to}${event.byHand ? ' by hand' : ''}`;
    case 'failbackScheduled':
      return `${head} failback to ${event.to} in ${event.delayMs}`;
    case 'failbackCancelled':
      return `${head} failback to ${event.to} cancelled`;
    case 'memberChanged':
      return `${head} ${event.memberId} ${event.admits ? 'takes calls' : 'takes no calls'}`;
    case 'groupAvailable':
      return `${head} groupAvailable: ${event.active}`;
    case 'groupCrashed':
      return `${head} groupCrashed, again in ${event.restartMs}`;
    case 'serverAdded':
    case 'serverRemoved':
    case 'linkLeaked':
    case 'groupAdded':
    case 'groupRemoved':
    case 'groupUnavailable':
      return `${head} ${event.type}`;
  }
}

/** What has become of a promise so far. */
export interface Settlement<T> {
  readonly state: 'pending' | 'resolved' | 'rejected';
  /** The virtual time at which it settled, where a clock was given. */
  readonly atMs: number | undefined;
  /** Throws unless it has resolved. */
  value(): T;
  /** The error as plain data. Throws unless it was rejected. */
  error(): HoldfastError;
}

export function outcomeOf<T>(promise: Promise<T>, clock?: VirtualClock): Settlement<T> {
  let state: 'pending' | 'resolved' | 'rejected' = 'pending';
  let value: T;
  let thrown: unknown;
  let atMs: number | undefined;
  promise.then(
    (result) => {
      state = 'resolved';
      value = result;
      atMs = clock?.monotonic();
    },
    (error: unknown) => {
      state = 'rejected';
      thrown = error;
      atMs = clock?.monotonic();
    },
  );
  return {
    get state() {
      return state;
    },
    get atMs() {
      return atMs;
    },
    value() {
      if (state !== 'resolved') throw new Error(`not resolved but ${state}: ${inspect(thrown)}`);
      return value;
    },
    error() {
      if (state !== 'rejected') throw new Error(`not rejected but ${state}`);
      if (!isHoldfastError(thrown)) throw new Error(`not one of holdfast's errors: ${inspect(thrown)}`);
      return thrown;
    },
  };
}

/** What is thrown at once, or the error that the promise rejects with; it must be one of holdfast's own. */
export async function failureOf(run: () => unknown): Promise<HoldfastError & Record<string, unknown>> {
  let thrown: unknown;
  try {
    await run();
  } catch (error) {
    thrown = error;
  }
  if (!isHoldfastError(thrown)) throw new Error(`not one of holdfast's errors: ${inspect(thrown)}`);
  return thrown as HoldfastError & Record<string, unknown>;
}

/** Runs while uncaught exceptions and unhandled rejections go into a list, not to the test runner. */
export async function collectingUncaught(run: () => Promise<void>): Promise<unknown[]> {
  const caught: unknown[] = [];
  const names = ['uncaughtException', 'unhandledRejection'] as const;
  const before = names.map((name) => process.listeners(name as 'uncaughtException'));
  const collect = (error: unknown): void => {
    caught.push(error);
  };
  for (const name of names) {
    process.removeAllListeners(name);
    process.on(name, collect);
  }
  try {
    await run();
    // RxJS reports by a timer of the host; unhandled rejections come after the microtasks.
    await new Promise((resolve) => {
      setTimeout(resolve, 5);
    });
  } finally {
    for (const [index, name] of names.entries()) {
      process.removeAllListeners(name);
      for (const listener of before[index] ?? []) process.on(name, listener);
    }
  }
  return caught;
}

/** Everything that can be reached of it, as text: JSON, inspection, and the chain of causes. */
export function allTextOf(value: unknown): string {
  const parts = [
    inspect(value, { depth: 12, showHidden: true, maxStringLength: null, maxArrayLength: null }),
    safeJson(value),
  ];
  for (
    let cause = value instanceof Error ? value.cause : undefined;
    cause !== undefined;
    cause = cause instanceof Error ? cause.cause : undefined
  ) {
    parts.push(inspect(cause, { depth: 12, showHidden: true }), safeJson(cause));
  }
  if (value instanceof Error) parts.push(value.message, String(value.stack));
  return parts.join('\n');
}

function safeJson(value: unknown): string {
  try {
    return JSON.stringify(value) ?? '';
  } catch {
    return '';
  }
}

/** What a link makes of a request whose answer is this promise, and which nobody can cancel. */
export function pending<T>(answer: Promise<T>): { readonly answer: Promise<T>; cancel(): void } {
  return { answer, cancel: () => undefined };
}
