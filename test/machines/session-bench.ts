import assert from 'node:assert/strict';
import { afterEach } from 'vitest';
import { createActor, fromCallback, setup, type ActorRefFrom } from 'xstate';
import type { Fault } from '../../src/link/fault.ts';
import type { ServerFacts } from '../../src/link/link.ts';
import { type CircuitBreakerConfig, defaultCircuitBreaker } from '../../src/machines/circuit-policy.ts';
import { defaultHealthCheck, type HealthCheckConfig } from '../../src/machines/health-policy.ts';
import type { TickArm } from '../../src/machines/manager-events.ts';
import { defaultReconnect, type ReconnectConfig } from '../../src/machines/reconnect-policy.ts';
import {
  blankMemory,
  type SessionContext,
  type SessionMemory,
  type SessionPolicy,
  tickerId,
} from '../../src/machines/session-context.ts';
import type { LinkCommand, SessionMachineEvent } from '../../src/machines/session-events.ts';
import { createSessionMachine, type SessionMachine } from '../../src/machines/session-machine.ts';
import { phaseOf } from '../../src/machines/session-phase.ts';
import type { GenerationInput, SessionWorld } from '../../src/machines/session-world.ts';
import type { Phase } from '../../src/machines/connection-state.ts';
import { createVirtualClock, type VirtualClock } from '../../src/testing/index.ts';

/** A running I/O actor of a session, played by the test. */
export interface Double {
  readonly name: string;
  /** Tells the session something, as the real actor would. */
  readonly tell: (event: SessionMachineEvent) => void;
  /** What a link was asked for and has not answered yet. */
  readonly asked: Set<'probe' | 'tools'>;
  ended: boolean;
}

export interface BenchOptions {
  readonly healthCheck?: Partial<HealthCheckConfig>;
  readonly reconnect?: Partial<ReconnectConfig>;
  readonly circuitBreaker?: Partial<CircuitBreakerConfig>;
  readonly policy?: Partial<Omit<SessionPolicy, 'healthCheck' | 'reconnect' | 'circuitBreaker'>>;
  readonly memory?: Partial<SessionMemory>;
  readonly random?: () => number;
  /** False: it is left idle, as a lazy session. Default true: it is opened at once, as its manager does. */
  readonly opened?: boolean;
}

export const facts: ServerFacts = {
  era: 'legacy',
  protocolVersion: '2025-11-25',
  info: { name: 'weather', version: '1.0.0' },
  capabilities: { tools: {} },
  instructions: null,
  pid: 4_242,
};

export function fault(kind: Fault['kind'], message = `a fault of kind ${kind}`): Fault {
  return { kind, code: `code of ${kind}`, message };
}

export function policyOf({ healthCheck, reconnect, circuitBreaker, policy }: BenchOptions = {}): SessionPolicy {
  return {
    healthCheck: { ...defaultHealthCheck, ...healthCheck },
    reconnect: { ...defaultReconnect, ...reconnect },
    circuitBreaker: { ...defaultCircuitBreaker, ...circuitBreaker },
    connectTimeoutMs: 30_000,
    limited: true,
    lazy: false,
    ...policy,
  };
}

/** A command to a link, as the logs tell it. */
export function wordsOf(command: LinkCommand): string {
  switch (command.type) {
    case 'PROBE.REQUEST':
      return command.type;
    case 'HYDRATE.REQUEST':
      return command.offersTools ? command.type : `${command.type} without tools`;
    case 'LINK.RELEASE':
      return `${command.type} ${command.mode}`;
  }
}

/** A real session machine on a virtual clock, with everything around it recorded in one log. */
export class SessionBench {
  readonly clock: VirtualClock = createVirtualClock({ startWallMs: 1_000_000 });
  readonly actor: ActorRefFrom<SessionMachine>;
  readonly #manager: { stop(): void };
  readonly #timers = new Map<unknown, number>();
  #log: unknown[] = [];
  readonly doubles: Double[] = [];
  staleEvents = 0;
  memory: SessionMemory | undefined;
  random: () => number;
  errors: unknown[] = [];

  constructor(options: BenchOptions = {}) {
    this.random = options.random ?? (() => 0.5);
    const ticker = fromCallback<TickArm>(({ receive }) => {
      receive(({ id, generation, dueMs }) => this.#log.push(`${id}: tick of generation ${generation} in ${dueMs}`));
    });
    const manager = createActor(
      setup({ types: { events: {} as TickArm }, actors: { ticker } }).createMachine({
        invoke: { id: tickerId, src: 'ticker' },
      }),
    ).start();
    this.#manager = manager;
    this.actor = createActor(createSessionMachine(this.#world()), {
      input: { id: 'weather', policy: policyOf(options), memory: { ...blankMemory, ...options.memory }, manager },
      clock: {
        setTimeout: (callback, ms) => {
          const id = this.clock.setTimeout(() => {
            this.#timers.delete(id);
            callback();
          }, ms);
          this.#timers.set(id, ms);
          return id;
        },
        clearTimeout: (id) => {
          this.#timers.delete(id);
          this.clock.clearTimeout(id);
        },
      },
    });
    this.actor.on('*', (emitted) => this.#log.push(emitted));
    this.actor.subscribe({ error: (error) => this.errors.push(error) });
    this.actor.start();
    if (options.opened !== false) this.open();
  }

  #world(): SessionWorld {
    const play = (name: string, tell: (event: SessionMachineEvent) => void): Double => {
      const double: Double = { name, tell, asked: new Set(), ended: false };
      this.doubles.push(double);
      this.#log.push(`${name} started`);
      return double;
    };
    const endOf = (double: Double) => (): void => {
      double.ended = true;
      this.#log.push(`${double.name} ended`);
    };
    return {
      random: () => this.random(),
      wall: () => this.clock.wall(),
      monotonic: () => this.clock.monotonic(),
      actors: {
        permit: fromCallback(({ sendBack }) => endOf(play('permit', sendBack))),
        link: fromCallback<LinkCommand, GenerationInput>(({ input, sendBack, receive }) => {
          const double = play(`link ${input.generation}`, sendBack);
          receive((command) => {
            this.#log.push(`${double.name}: ${wordsOf(command)}`);
            if (command.type === 'LINK.RELEASE') double.asked.clear();
            else double.asked.add(command.type === 'PROBE.REQUEST' ? 'probe' : 'tools');
          });
          return endOf(double);
        }),
      },
      remember: (_id, memory) => {
        this.memory = memory;
        this.#log.push('remembered');
      },
      releasePermit: () => this.#log.push('permit returned'),
      cancelCalls: () => this.#log.push('calls cancelled'),
      countStaleEvent: () => {
        this.staleEvents += 1;
        this.#log.push('stale event counted');
      },
    };
  }

  get context(): SessionContext {
    return this.actor.getSnapshot().context;
  }

  get generation(): number {
    return this.context.generation;
  }

  get phase(): Phase {
    return phaseOf(this.actor.getSnapshot().value);
  }

  /** Delays of the timers that the machine has running, as it asked for them. */
  get timers(): readonly number[] {
    return [...this.#timers.values()].toSorted((a, b) => a - b);
  }

  get running(): readonly string[] {
    return this.doubles.filter(({ ended }) => !ended).map(({ name }) => name);
  }

  /** What the link was asked for and has not answered yet. */
  get asked(): readonly string[] {
    return this.doubles.flatMap(({ ended, asked }) => (ended ? [] : [...asked]));
  }

  /** What happened since it was last asked for. */
  take(): readonly unknown[] {
    const log = this.#log;
    this.#log = [];
    return log;
  }

  send(...events: readonly SessionMachineEvent[]): void {
    for (const event of events) this.actor.send(event);
  }

  /** The I/O actor of this name that is running tells the session something. */
  tell(name: string, event: SessionMachineEvent): void {
    const double = this.doubles.findLast((each) => !each.ended && each.name.startsWith(name));
    if (double === undefined) throw new Error(`no ${name} is running, only: ${this.running.join(', ')}`);
    double.tell(event);
  }

  /** The link answers what it was asked for, and nothing else. */
  #answer(what: 'probe' | 'tools', event: SessionMachineEvent): this {
    const link = this.doubles.findLast(({ ended, asked }) => !ended && asked.has(what));
    if (link === undefined) throw new Error(`no link was asked for a ${what} in ${this.phase}`);
    link.asked.delete(what);
    link.tell(event);
    return this;
  }

  advance(ms: number): Promise<void> {
    return this.clock.advance(ms);
  }

  /** Ends the session and whatever it left behind comes to light here. */
  stop(): void {
    this.actor.stop();
    this.#manager.stop();
    const left = { errors: this.errors, running: this.running, timers: this.clock.pendingTimers };
    assert.deepEqual(left, { errors: [], running: [], timers: 0 });
  }

  // The usual steps of a connection, told by the actor whose business they are.

  permit(): this {
    this.tell('permit', { type: 'PERMIT' });
    return this;
  }

  opened(): this {
    this.tell('link', { type: 'LINK.OPENED', generation: this.generation, facts });
    return this;
  }

  pingOk(latencyMs = 12, meanLatencyMs = latencyMs): this {
    const atMs = this.clock.monotonic();
    return this.#answer('probe', { type: 'PING.OK', generation: this.generation, atMs, latencyMs, meanLatencyMs });
  }

  pingFailed(): this {
    return this.#answer('probe', {
      type: 'PING.FAILED',
      generation: this.generation,
      atMs: this.clock.monotonic(),
      fault: fault('timeout'),
    });
  }

  pingVoid(): this {
    return this.#answer('probe', { type: 'PING.VOID', generation: this.generation, atMs: this.clock.monotonic() });
  }

  hydrated(answers: 0 | 1 = 1): this {
    return this.#answer('tools', { type: 'HYDRATED', generation: this.generation, answers });
  }

  /** A tick that asks for a probe: on time, and nothing was heard of the server in its interval. */
  tick({ lateMs = 0, answeredAgoMs = 30_000 } = {}): this {
    this.send({ type: 'HEALTH.TICK', generation: this.generation, lateMs, answeredAgoMs });
    return this;
  }

  down(kind: Fault['kind'] = 'transport'): this {
    this.tell('link', {
      type: 'LINK.DOWN',
      generation: this.generation,
      fault: fault(kind),
      atMs: this.clock.monotonic(),
    });
    return this;
  }

  lost(): this {
    this.tell('link', {
      type: 'SESSION.LOST',
      generation: this.generation,
      fault: fault('session-lost'),
      atMs: this.clock.monotonic(),
    });
    return this;
  }

  released(leaked = false): this {
    this.tell('link', { type: 'LINK.RELEASED', generation: this.generation, leaked });
    return this;
  }

  open(): this {
    this.send({ type: 'SESSION.OPEN', id: 'weather', atMs: this.clock.monotonic() });
    return this;
  }

  recycle(): this {
    this.send({ type: 'SESSION.RECYCLE', id: 'weather', atMs: this.clock.monotonic(), reason: 'asked for' });
    return this;
  }

  /** Enough calls failed; so many are still in flight. */
  trip(inFlight = 0): this {
    this.send({ type: 'CIRCUIT.TRIPPED', inFlight, reason: '5 calls in a row failed' });
    return this;
  }

  drain({ drainMs = 20_000, inFlight = 2 } = {}): this {
    this.send({ type: 'SESSION.DRAIN', id: 'weather', drainMs, inFlight });
    return this;
  }

  /** From `waiting` to `healthy`. */
  connect(): this {
    if (this.phase === 'connecting.waiting') this.permit();
    this.opened().pingOk();
    if (this.phase === 'connecting.hydrating') this.hydrated();
    return this;
  }

  /** A failed check, from the tick on. */
  failCheck(): this {
    return this.tick().pingFailed();
  }

  passCheck(latencyMs = 12, meanLatencyMs = latencyMs): this {
    return this.tick().pingOk(latencyMs, meanLatencyMs);
  }
}

/** Makes benches for the tests of a file. After each test they are stopped, and none may leave anything behind. */
export function benches(): (options?: BenchOptions) => SessionBench {
  const made: SessionBench[] = [];
  afterEach(() => {
    for (const bench of made.splice(0)) bench.stop();
  });
  return (options) => {
    const bench = new SessionBench(options);
    made.push(bench);
    return bench;
  };
}
