import assert from 'node:assert/strict';
import { afterEach } from 'vitest';
import { type ActorRefFrom, type CallbackActorLogic, createActor, fromCallback, fromPromise } from 'xstate';
import type { Phase } from '../../src/machines/connection-state.ts';
import type { ManagerMachineEvent, TickerCommand } from '../../src/machines/manager-events.ts';
import type { GroupInput, GroupMemory } from '../../src/machines/group-events.ts';
import { createGroupMachine, type GroupMachine } from '../../src/machines/group-machine.ts';
import { absentMember, defaultGroupPolicy, type MemberView } from '../../src/machines/group-policy.ts';
import { createManagerMachine, type ManagerMachine } from '../../src/machines/manager-machine.ts';
import { blankMemory, type SessionMemory, type SessionPolicy, tickerId } from '../../src/machines/session-context.ts';
import type { LinkCommand, SessionMachineEvent } from '../../src/machines/session-events.ts';
import { createSessionMachine, type SessionMachine } from '../../src/machines/session-machine.ts';
import { phaseOf } from '../../src/machines/session-phase.ts';
import type { GenerationInput, SessionWorld } from '../../src/machines/session-world.ts';
import { createVirtualClock, type VirtualClock } from '../../src/testing/index.ts';
import { wordsOf as wordsOfGroup } from './group-bench.ts';
import { facts, policyOf, wordsOf } from './session-bench.ts';

interface Double {
  readonly id: string;
  readonly name: string;
  readonly tell: (event: SessionMachineEvent) => void;
  ended: boolean;
}

export type TickerLogic = CallbackActorLogic<TickerCommand, { readonly paused: boolean }>;

export interface ManagerBenchOptions {
  readonly paused?: boolean;
  /** Default: one that only records what it is told. */
  readonly ticker?: (clock: VirtualClock) => TickerLogic;
}

/** A real manager machine with real session and group machines on a virtual clock; what they ask of the world is recorded in one log. */
export class ManagerBench {
  readonly clock: VirtualClock = createVirtualClock({ startWallMs: 1_000_000 });
  readonly actor: ActorRefFrom<ManagerMachine>;
  /** Servers that exist, with the policy of their session. */
  readonly servers = new Map<string, SessionPolicy>();
  /** Servers that are being removed. */
  readonly closing = new Set<string>();
  readonly memories = new Map<string, SessionMemory>();
  readonly answeredAgoMs = new Map<string, number>();
  /** Groups that exist, and their members. */
  readonly groups = new Map<string, readonly string[]>();
  /** What groups see of servers; those that are not here are absent. */
  readonly views = new Map<string, MemberView>();
  readonly groupMemories = new Map<string, GroupMemory>();
  readonly errors: unknown[] = [];
  /** Servers whose failed calls are forgiven at their next tick. */
  readonly forgiven = new Set<string>();
  readonly #doubles: Double[] = [];
  readonly #releases = new Map<string, () => void>();
  readonly #failing = new Set<string>();
  readonly #failingGroups = new Set<string>();
  #tickerFails = false;
  #log: unknown[] = [];

  constructor({ paused = false, ticker }: ManagerBenchOptions = {}) {
    this.actor = createActor(this.#machine(ticker?.(this.clock)), {
      input: { paused },
      clock: {
        setTimeout: (callback, ms) => this.clock.setTimeout(callback, ms),
        clearTimeout: (id) => {
          this.clock.clearTimeout(id);
        },
      },
    });
    this.actor.subscribe({ error: (error) => this.errors.push(error) });
    this.actor.start();
  }

  #machine(ticker: TickerLogic | undefined): ManagerMachine {
    return createManagerMachine({
      random: () => 0.5,
      monotonic: () => this.clock.monotonic(),
      session: createSessionMachine(this.#sessionWorld()),
      actors: {
        ticker: ticker ?? this.#tickerDouble(),
        release: fromPromise<void, { readonly id: string }>(({ input }) => {
          this.#log.push(`${input.id}: release asked for`);
          return new Promise((resolve) => {
            this.#releases.set(input.id, resolve);
          });
        }),
      },
      sessionInput: (id, manager) => {
        const policy = this.servers.get(id);
        return policy === undefined ? undefined : { id, policy, memory: this.memories.get(id) ?? blankMemory, manager };
      },
      watch: (id, session) => {
        this.#log.push(`${id}: watched`);
        session.subscribe({ error: () => undefined });
      },
      forgivesCalls: (id) => this.forgiven.delete(id),
      answeredAgoMs: (id) => this.answeredAgoMs.get(id) ?? Number.POSITIVE_INFINITY,
      sessionCrashed: (id, error, restartMs) =>
        this.#log.push(`${id}: crashed, ${String(error)}, restart in ${restartMs}`),
      isClosing: (id) => this.closing.has(id),
      sessionClosed: (id) => this.#log.push(`${id}: closed`),
      group: this.#groupMachine(),
      memberView: (id) => this.views.get(id) ?? absentMember(id),
      groupInput: (id) => this.#groupInput(id),
      watchGroup: (id, group) => {
        this.#log.push(`${id}: group watched`);
        group.on('*', (event) => this.#log.push(`${id}: ${wordsOfGroup(event)}`));
        group.subscribe({ error: () => undefined });
      },
      groupCrashed: (id, error, restartMs) =>
        this.#log.push(`${id}: group crashed, ${String(error)}, restart in ${restartMs}`),
      groupClosed: (id) => {
        this.groups.delete(id);
        this.#log.push(`${id}: group closed`);
      },
    });
  }

  #groupMachine(): GroupMachine {
    return createGroupMachine({
      random: () => 0.5,
      wall: () => this.clock.wall(),
      monotonic: () => this.clock.monotonic(),
      managerOf: () => this.actor,
      remember: (id, memory) => {
        this.groupMemories.set(id, memory);
        if (this.#failingGroups.delete(id)) throw new Error(`${id} broke`);
      },
    });
  }

  #groupInput(id: string): GroupInput | undefined {
    const members = this.groups.get(id)?.map((member) => this.views.get(member) ?? absentMember(member));
    return members && { id, policy: defaultGroupPolicy, members, memory: this.groupMemories.get(id) };
  }

  #tickerDouble(): TickerLogic {
    return fromCallback(({ input, receive }) => {
      this.#log.push(input.paused ? 'ticker started, paused' : 'ticker started');
      receive((command) => {
        this.#log.push(command);
        if (!this.#tickerFails) return;
        this.#tickerFails = false;
        throw new Error('the ticker broke');
      });
    });
  }

  #sessionWorld(): SessionWorld {
    const play = (id: string, name: string, sendBack: (event: SessionMachineEvent) => void): (() => void) => {
      const double: Double = { id, name, tell: sendBack, ended: false };
      this.#doubles.push(double);
      this.#log.push(`${id}: ${name} started`);
      return () => {
        double.ended = true;
      };
    };
    return {
      random: () => 0.5,
      wall: () => this.clock.wall(),
      monotonic: () => this.clock.monotonic(),
      actors: {
        permit: fromCallback(({ input, sendBack }) => play(input.id, 'permit', sendBack)),
        link: fromCallback<LinkCommand, GenerationInput>(({ input: { id, generation }, sendBack, receive }) => {
          receive((command) => this.#log.push(`${id}: link ${generation}: ${wordsOf(command)}`));
          return play(id, `link ${generation}`, sendBack);
        }),
      },
      remember: (id, memory) => this.memories.set(id, memory),
      releasePermit: () => undefined,
      cancelCalls: () => undefined,
      countStaleEvent: (id) => {
        if (this.#failing.delete(id)) throw new Error(`${id} broke`);
      },
    };
  }

  send(...events: readonly ManagerMachineEvent[]): this {
    for (const event of events) this.actor.send(event);
    return this;
  }

  /** What happened since it was last asked for; ticks are left out unless `ticks` says otherwise. */
  take({ ticks = false } = {}): readonly unknown[] {
    const log = this.#log;
    this.#log = [];
    return ticks ? log : log.filter((entry) => typeof entry === 'string');
  }

  add(id: string, policy: Partial<SessionPolicy> = {}): this {
    this.servers.set(id, { ...policyOf({ policy: { limited: false } }), ...policy });
    return this.send({ type: 'SERVER.ADD', id });
  }

  addGroup(id: string, ...members: readonly string[]): this {
    this.groups.set(id, members);
    return this.send({ type: 'GROUP.ADD', id });
  }

  /** A server has become this, and its manager hears of it. */
  observe(member: MemberView): this {
    this.views.set(member.id, member);
    return this.send({ type: 'MEMBER.OBSERVED', id: member.id, member });
  }

  group(id: string): ActorRefFrom<GroupMachine> | undefined {
    const { children } = this.actor.getSnapshot();
    return children[`${id} group\u0000`] as ActorRefFrom<GroupMachine> | undefined;
  }

  activeOf(id: string): string | null | undefined {
    return this.group(id)?.getSnapshot().context.active;
  }

  /** How many groups watch each server. */
  get watchers(): Readonly<Record<string, number>> {
    const { watchers } = this.actor.getSnapshot().context;
    return Object.fromEntries(Object.entries(watchers).map(([id, list]) => [id, list.length]));
  }

  session(id: string): ActorRefFrom<SessionMachine> | undefined {
    const { children } = this.actor.getSnapshot();
    return Object.hasOwn(children, id) ? (children[id] as ActorRefFrom<SessionMachine> | undefined) : undefined;
  }

  get children(): readonly string[] {
    return Object.keys(this.actor.getSnapshot().children).filter((id) => id !== tickerId);
  }

  phase(id: string): Phase | undefined {
    const session = this.session(id);
    return session === undefined ? undefined : phaseOf(session.getSnapshot().value);
  }

  /** The server is being removed: told as its record would be, then its session is drained at once. */
  remove(id: string): this {
    this.closing.add(id);
    return this.send({ type: 'SESSION.DRAIN', id, drainMs: 0, inFlight: 0 });
  }

  tell(id: string, name: string, event: SessionMachineEvent): void {
    const double = this.#doubles.findLast((each) => !each.ended && each.id === id && each.name.startsWith(name));
    if (double === undefined) throw new Error(`${id} has no ${name} running`);
    double.tell(event);
  }

  /** From `opening` to `healthy`. */
  connect(id: string): this {
    const generation = this.session(id)?.getSnapshot().context.generation ?? Number.NaN;
    const check = { atMs: this.clock.monotonic(), latencyMs: 1, meanLatencyMs: 1 };
    this.tell(id, 'link', { type: 'LINK.OPENED', generation, facts });
    this.tell(id, 'link', { type: 'PING.OK', generation, ...check });
    this.tell(id, 'link', { type: 'HYDRATED', generation, answers: 1 });
    return this;
  }

  /** The session's actor throws in the middle of a step. */
  crash(id: string): this {
    this.#failing.add(id);
    this.session(id)?.send({
      type: 'LINK.FAULT',
      generation: -1,
      fault: { kind: 'internal', code: 'x', message: 'x' },
    });
    return this;
  }

  /** The group's actor throws when it next hears of a member. */
  crashGroup(id: string): this {
    this.#failingGroups.add(id);
    this.group(id)?.send({ type: 'MEMBER.CHANGED', members: [absentMember('nobody')] });
    return this;
  }

  /** The ticker throws at the next thing that it is told. */
  crashTicker(): this {
    this.#tickerFails = true;
    return this;
  }

  /** The release that was asked for after a crash has come to its end. */
  async released(id: string): Promise<void> {
    const resolve = this.#releases.get(id);
    if (resolve === undefined) throw new Error(`no release of ${id} was asked for`);
    this.#releases.delete(id);
    resolve();
    await this.clock.settle();
  }

  advance(ms: number): Promise<void> {
    return this.clock.advance(ms);
  }

  stop(): void {
    this.actor.stop();
    assert.deepEqual({ errors: this.errors, timers: this.clock.pendingTimers }, { errors: [], timers: 0 });
  }
}

/** Makes benches for the tests of a file. After each test they are stopped, and none may leave anything behind. */
export function managerBenches(): (options?: ManagerBenchOptions) => ManagerBench {
  const made: ManagerBench[] = [];
  afterEach(() => {
    for (const bench of made.splice(0)) bench.stop();
  });
  return (options) => {
    const bench = new ManagerBench(options);
    made.push(bench);
    return bench;
  };
}
