import { inspect, isDeepStrictEqual } from 'node:util';
import { fromCallback, getNextTransitions, initialTransition, type SnapshotFrom, transition } from 'xstate';
import { circuitStateOf, openForMs } from '../../src/machines/circuit-policy.ts';
import type { Phase } from '../../src/machines/connection-state.ts';
import { blankMemory, type SessionPolicy, type TickKeeper } from '../../src/machines/session-context.ts';
import type { TickArm } from '../../src/machines/manager-events.ts';
import type { LinkCommand, SessionMachineEvent } from '../../src/machines/session-events.ts';
import { createSessionMachine, type SessionMachine } from '../../src/machines/session-machine.ts';
import { phaseOf } from '../../src/machines/session-phase.ts';
import type { SessionWorld } from '../../src/machines/session-world.ts';
import { eventOf, eventTypes, type Step, typeOf } from './session-steps.ts';

type Snapshot = SnapshotFrom<SessionMachine>;

interface Action {
  readonly type: string;
  readonly params?: unknown;
}

const wallMs = 1_000_000;

/** One session, stepped by the pure `transition()`. Throws as soon as one of its invariants does not hold. */
export class SessionRun {
  readonly #machine: SessionMachine;
  readonly #policy: SessionPolicy;
  /** Timers that the machine asked for, by id. */
  readonly #timers = new Map<string, number>();
  /** True while a tick of the current generation is on its way. */
  #tickArmed = false;
  /** What the link of the current generation was asked for and has not answered yet. */
  readonly #asked = new Set<'PROBE.REQUEST' | 'HYDRATE.REQUEST'>();
  #atMs = 0;
  #snapshot: Snapshot;
  #says = 'at the start';

  constructor(policy: SessionPolicy, random: () => number) {
    // Its actors never run: `transition()` only says which would.
    const inert = fromCallback(() => undefined);
    this.#policy = policy;
    this.#machine = createSessionMachine({
      random,
      wall: () => wallMs,
      monotonic: () => this.#atMs,
      actors: { permit: inert, link: inert } as unknown as SessionWorld['actors'],
      remember: () => undefined,
      releasePermit: () => undefined,
      cancelCalls: () => undefined,
      countStaleEvent: () => undefined,
    });
    const manager = { getSnapshot: () => ({ children: {} }), send: () => undefined } as unknown as TickKeeper;
    [this.#snapshot] = initialTransition(this.#machine, { id: 'weather', policy, memory: blankMemory, manager });
  }

  get phase(): Phase {
    return phaseOf(this.#snapshot.value);
  }

  /** The state of the circuit's region; undefined while there is no connection. */
  get circuit(): string | undefined {
    const { value } = this.#snapshot;
    const circuit = typeof value === 'object' && 'connected' in value ? value.connected.circuit : undefined;
    return circuit === undefined || typeof circuit === 'string' ? circuit : 'halfOpen';
  }

  get isOver(): boolean {
    return this.#snapshot.status !== 'active';
  }

  take(step: Step): void {
    const before = this.#snapshot;
    const enabled = new Set(getNextTransitions(before).map(({ eventType }) => String(eventType)));
    enabled.delete(''); // Of `always` transitions.
    const type = typeOf(step, this.phase, [...enabled]);
    if (type === undefined) return;
    this.#atMs += step.ms;
    const event = eventOf(type, step, before.context.generation, this.#atMs);
    const timer = timerOf[event.type];
    if (timer !== undefined && !this.#timers.has(timer)) return;
    this.#says = `${type} in ${this.phase}`;
    if (event.type === 'HEALTH.TICK' && event.generation === before.context.generation) this.#tickArmed = false;
    if (event.type === 'TICKS.LOST') this.#tickArmed = false;
    if (timer !== undefined && !('generation' in event)) this.#timers.delete(timer);
    if (isCurrent(event, before)) {
      if (timer !== undefined) this.#timers.delete(timer);
      if (event.type.startsWith('PING.')) this.#asked.delete('PROBE.REQUEST');
      if (event.type === 'HYDRATED') this.#asked.delete('HYDRATE.REQUEST');
    }
    const [after, actions] = transition(this.#machine, before, event);
    this.#snapshot = after;
    for (const action of actions) this.#follow(action);
    this.#checkGeneration(before, event, actions);
    this.#checkHealth(before, event);
    this.#checkCircuit(before, event, actions);
    this.#checkEnd();
    if (this.isOver) return;
    this.#checkChildren(before, actions);
    this.#checkTimers();
    this.#checkRest(before);
  }

  #holds(what: string, condition: boolean): void {
    if (!condition) throw new Error(`${this.#says} led to ${this.phase}, and it is not true that ${what}`);
  }

  #equal(what: string, actual: unknown, expected: unknown): void {
    if (isDeepStrictEqual(actual, expected)) return;
    const values = `${inspect(actual, { depth: 3 })} instead of ${inspect(expected, { depth: 3 })}`;
    throw new Error(`${this.#says} led to ${this.phase}, and ${what} is ${values}`);
  }

  /** Keeps account of the timers and ticks that an action asks for. */
  #follow({ type, params }: Action): void {
    if (isFor('xstate.spawnChild', 'link', { type, params })) {
      this.#asked.clear();
    } else if (type === 'xstate.raise') {
      const { id, delay } = params as { readonly id?: string; readonly delay?: number };
      if (delay !== undefined && id !== undefined) this.#timers.set(id, delay);
    } else if (type === 'xstate.cancel') {
      this.#timers.delete((params as { readonly sendId: string }).sendId);
    } else if (type === 'xstate.sendTo') {
      const { event } = params as { readonly event: LinkCommand | TickArm };
      if (event.type === 'LINK.RELEASE') this.#asked.clear();
      if (event.type === 'PROBE.REQUEST' || event.type === 'HYDRATE.REQUEST') this.#asked.add(event.type);
      if (event.type !== 'TICK.ARM') return;
      this.#equal('the generation of the tick', event.generation, this.#snapshot.context.generation);
      const mostMs = 1.1 * this.#policy.healthCheck.intervalMs;
      this.#holds(`a tick in ${event.dueMs} ms is within bounds`, event.dueMs >= 0 && event.dueMs <= mostMs);
      this.#tickArmed = true;
    }
  }

  #checkGeneration(before: Snapshot, event: SessionMachineEvent, actions: readonly Action[]): void {
    const risenBy = this.#snapshot.context.generation - before.context.generation;
    const opened = actions.filter((action) => isFor('xstate.spawnChild', 'link', action)).length;
    this.#holds('one link at most is opened', opened <= 1);
    this.#equal('the rise of the generation', risenBy, opened);
    const names = actions.map(({ type }) => type);
    if ('generation' in event && event.generation !== before.context.generation) {
      this.#equal(
        'what an older generation causes',
        names,
        event.type === 'RECYCLE.DUE' || event.type === 'CIRCUIT.RECYCLE' ? [] : ['count a stale event'],
      );
      this.#equal('the state after an older event', this.#snapshot.value, before.value);
      this.#holds('an older event changes nothing', this.#snapshot.context === before.context);
    } else {
      this.#holds('only older events are counted', !names.includes('count a stale event'));
    }
  }

  #checkHealth(before: Snapshot, event: SessionMachineEvent): void {
    const { failureThreshold, successThreshold } = this.#policy.healthCheck;
    const { failures, successes, reasons } = this.#snapshot.context.health;
    const { phase } = this;
    const isCheck = phaseOf(before.value).startsWith('connected.') && isCurrent(event, before);
    if (isCheck && event.type === 'PING.OK') this.#equal('the failures after a success', failures, 0);
    if (isCheck && event.type === 'PING.FAILED') {
      this.#equal('the failures', failures, before.context.health.failures + 1);
      this.#equal('the successes', successes, 0);
      this.#equal('giving up', phase === 'releasing', failures === failureThreshold + 2);
      this.#holds('it is healthy no more', phase !== 'connected.healthy');
      if (failures >= failureThreshold && phase !== 'releasing') this.#equal('the phase', phase, 'connected.unhealthy');
    }
    if (phase === 'connected.unhealthy' && phaseOf(before.value) !== phase) {
      this.#equal('the failures that made it unhealthy', failures, failureThreshold);
    }
    if (phase === 'connected.degraded') this.#holds('too few failed for unhealthy', failures < failureThreshold);
    if (phase === 'connected.healthy') {
      this.#equal('what speaks against healthy', { failures, reasons }, { failures: 0, reasons: [] });
      this.#holds('enough succeeded', successes >= successThreshold);
    }
  }

  /** The circuit is where its memory says; calls open it, checks and time close it, a hand closes it; nothing else moves it. */
  #checkCircuit(before: Snapshot, event: SessionMachineEvent, actions: readonly Action[]): void {
    const was = before.context.circuit;
    const { circuit: is, reason, recycling, policy } = this.#snapshot.context;
    this.#equal('where its circuit is', this.circuit, this.phase.startsWith('connected.') ? is.phase : undefined);
    const way = `${was.phase} → ${is.phase}`;
    const allowed = was.phase === is.phase || waysOfCircuit[way]?.includes(event.type) === true;
    this.#holds(`it may go the way ${way}`, allowed);
    const told = actions.filter(({ params }) => isEmission(params, 'circuitChanged')).length;
    this.#equal('how often that is told', told, was.phase === is.phase ? 0 : 1);
    const rose = is.phase === 'open' && was.phase !== 'open';
    this.#equal('how often it opened', is.openings, is.phase === 'normal' ? 0 : was.openings + (rose ? 1 : 0));
    if (rose)
      this.#equal('how long it is open', is.openUntilMs, this.#atMs + openForMs(is.openings, policy.circuitBreaker));
    this.#equal('that it knows until when', is.openUntilMs !== null, is.phase === 'open');
    this.#equal('that it knows why', is.cause !== null, is.phase !== 'normal');
    this.#holds('too few checks were good', is.successes < policy.circuitBreaker.successThreshold);
    if (is.recycledAtMs !== was.recycledAtMs) {
      this.#equal('when the connection was given up', [this.phase, is.recycledAtMs], ['releasing', this.#atMs]);
      this.#holds('that is done once in ten minutes', this.#atMs - (was.recycledAtMs ?? -600_000) >= 600_000);
      this.#holds('it may be connected again', policy.reconnect.enabled);
    }
    this.#equal('that giving it up is timed', this.#timers.has('circuit recycle'), recycling);
    this.#holds('what is given up is open', !recycling || this.circuit === 'open');
    this.#equal('that the open time is timed', this.#timers.has('circuit'), this.circuit === 'open');
    const trials = [...this.#timers.keys()].some((id) => id.startsWith('xstate.after.the time between two trials.'));
    this.#holds('another trial will come', this.circuit !== 'halfOpen' || trials || this.#asked.has('PROBE.REQUEST'));
    this.#holds('only half open are there trials', this.circuit === 'halfOpen' || !trials);
    const isBarred = this.circuit !== undefined && circuitStateOf(is) !== 'closed';
    this.#equal('that it bars calls', this.#snapshot.hasTag('bars calls'), isBarred);
    this.#holds('whoever takes no calls says why', !isBarred || reason !== null);
  }

  #checkEnd(): void {
    const { status } = this.#snapshot;
    this.#equal('the status', status, this.phase === 'closed' ? 'done' : 'active');
    if (!this.isOver) return;
    // An actor that is done is sent nothing; the pure transition() would still take these two.
    for (const type of eventTypes.filter((each) => each !== 'SESSION.ABANDON' && each !== 'CIRCUIT.RESET')) {
      const [after, actions] = transition(this.#machine, this.#snapshot, { type } as SessionMachineEvent);
      const names = actions.map((action): string => action.type).filter((name) => name !== 'xstate.stopChild');
      this.#equal(`what ${type} does to it`, [after.value, after.status, names], ['closed', 'done', []]);
      this.#holds(`${type} changes nothing more`, after.context === this.#snapshot.context);
    }
  }

  #checkChildren(before: Snapshot, actions: readonly Action[]): void {
    const { phase } = this;
    const isAttempt = phase.startsWith('connecting.') && phase !== 'connecting.waiting';
    const expected = {
      link: isAttempt || phase.startsWith('connected.') || phase === 'draining' || phase === 'releasing',
      permit: phase === 'connecting.waiting',
    };
    const names = Object.entries(expected).flatMap(([name, isThere]) => (isThere ? [name] : []));
    this.#equal('what runs', Object.keys(this.#snapshot.children).toSorted(), names);
    const opens = actions.some((action) => isFor('xstate.spawnChild', 'link', action));
    const ends = actions.some((action) => isFor('xstate.stopChild', 'link', action));
    this.#holds('the last link ended before this one', !opens || ends || !('link' in before.children));
    this.#holds('a link ends in releasing alone', !ends || phaseOf(before.value) === 'releasing');
  }

  #checkTimers(): void {
    const { phase } = this;
    const { attempt, release } = this.#snapshot.context;
    const after = (name: string): number | undefined =>
      [...this.#timers].find(([id]) => id.startsWith(`xstate.after.${name}.`))?.[1];
    const isAttempt = phase.startsWith('connecting.') && phase !== 'connecting.waiting';
    const isConnected = phase.startsWith('connected.');
    this.#equal('the connect timeout', after('the connect timeout'), isAttempt ? 30_000 : undefined);
    this.#equal('the proving pause', after('the proving pause'), this.#verifies('pausing') ? 250 : undefined);
    this.#equal('that a drain time runs', after('the drain time') !== undefined, phase === 'draining');
    this.#equal('that stability is timed', this.#timers.has('stability'), isConnected && attempt > 0);
    this.#holds('another check will come', !isConnected || this.#tickArmed || this.#asked.has('PROBE.REQUEST'));
    this.#holds(
      'the check that it waits for was asked for',
      !this.#verifies('asking') || this.#asked.has('PROBE.REQUEST'),
    );
    const isHydrating = phase === 'connecting.hydrating';
    this.#equal('that the tools were asked for', this.#asked.has('HYDRATE.REQUEST'), isHydrating);
    this.#holds('an overload is timed while connected alone', isConnected || !this.#timers.has('overload'));
    const { reasons } = this.#snapshot.context.health;
    this.#holds('an overload ends', !isConnected || !reasons.includes('overload') || this.#timers.has('overload'));
    this.#holds(
      'no recycle is due of a link that is gone',
      isAttempt || isConnected || phase === 'draining' || !this.#timers.has('recycle'),
    );
    this.#holds('it is known where releasing leads', phase !== 'releasing' || release !== null);
    this.#holds('attempts are a whole number', Number.isInteger(attempt) && attempt >= 0);
  }

  /** Whoever rests has a next attempt, at the time that its context tells, within the bounds of its policy. */
  #checkRest(before: Snapshot): void {
    const { phase } = this;
    const { restMs, restEndsAtMs, nextAttemptAt, attempt } = this.#snapshot.context;
    const rest = this.#timers.get('rest');
    if (!phase.startsWith('disconnected.')) {
      const none = { rest: undefined, restMs: null, restEndsAtMs: null, nextAttemptAt: null };
      this.#equal('the rest', { rest, restMs, restEndsAtMs, nextAttemptAt }, none);
      return;
    }
    const endedAtMs = before.context.restEndsAtMs;
    const isSame = phaseOf(before.value) === phase;
    this.#holds(
      'a nudge makes no attempt later',
      !isSame || endedAtMs === null || (restEndsAtMs ?? Infinity) <= endedAtMs,
    );
    if (phase === 'disconnected.stopped') return;
    this.#holds('a session without reconnection is stopped', this.#policy.reconnect.enabled);
    this.#holds('it rests for a time', restMs !== null && rest === restMs && nextAttemptAt === wallMs + restMs);
    if (restEndsAtMs !== before.context.restEndsAtMs)
      this.#equal('when it ends', restEndsAtMs, this.#atMs + (restMs ?? 0));
    if (isSame) {
      this.#holds('a nudge is put off by at most 1 s', restMs === before.context.restMs || (restMs ?? 0) <= 1_000);
      return;
    }
    this.#equal('the attempt', attempt, before.context.attempt + 1);
    const [leastMs, mostMs] = this.#restBounds(attempt);
    this.#holds(
      `a rest of ${restMs} ms is within ${leastMs} and ${mostMs}`,
      (restMs ?? -1) >= leastMs && (restMs ?? Infinity) <= mostMs,
    );
  }

  #restBounds(attempt: number): readonly [number, number] {
    const { delayMs, maxDelayMs, multiplier, crashLoopDelayMs } = this.#policy.reconnect;
    switch (this.phase) {
      case 'disconnected.backingOff': {
        const baseMs = Math.min(maxDelayMs, delayMs * multiplier ** (attempt - 2));
        return attempt === 1 ? [0, Math.min(500, delayMs)] : [baseMs / 2, baseMs];
      }
      case 'disconnected.parked.auth':
        return [300_000, 3_600_000];
      case 'disconnected.parked.crashLoop':
        return [crashLoopDelayMs, crashLoopDelayMs];
      default:
        return [300_000, 300_000];
    }
  }

  #verifies(state: 'asking' | 'pausing'): boolean {
    return this.phase === 'connecting.verifying' && JSON.stringify(this.#snapshot.value).includes(`"${state}"`);
  }
}

/** The timers that these events come from. */
const timerOf: Readonly<Partial<Record<SessionMachineEvent['type'], string>>> = {
  STABLE: 'stability',
  'OVERLOAD.OVER': 'overload',
  'RECYCLE.DUE': 'recycle',
  'REST.OVER': 'rest',
  'CIRCUIT.DUE': 'circuit',
  'CIRCUIT.RECYCLE': 'circuit recycle',
};

/** What moves a circuit, by its way. A connection that is made when the open time is over begins half open. */
const waysOfCircuit: Readonly<Partial<Record<string, readonly SessionMachineEvent['type'][]>>> = {
  'normal → open': ['CIRCUIT.TRIPPED'],
  'probation → open': ['CIRCUIT.TRIPPED'],
  'open → halfOpen': ['CIRCUIT.DUE', 'PING.OK', 'HYDRATED'],
  'halfOpen → open': ['PING.FAILED'],
  'halfOpen → probation': ['PING.OK'],
  'probation → normal': ['CIRCUIT.PROVED', 'CIRCUIT.RESET'],
  'open → normal': ['CIRCUIT.RESET'],
  'halfOpen → normal': ['CIRCUIT.RESET'],
};

function isEmission(params: unknown, type: string): boolean {
  const event: unknown = typeof params === 'object' && params !== null && 'event' in params ? params.event : undefined;
  return typeof event === 'object' && event !== null && 'type' in event && event.type === type;
}

function isFor(type: string, id: string, action: Action): boolean {
  return action.type === type && (action.params as { readonly id: string }).id === id;
}

function isCurrent(event: SessionMachineEvent, { context }: Snapshot): boolean {
  return 'generation' in event && event.generation === context.generation;
}
