import assert from 'node:assert/strict';
import { afterEach } from 'vitest';
import { createActor, fromTransition, type ActorRefFrom, type AnyActorRef } from 'xstate';
import type { GroupEmitted, GroupMachineEvent, GroupMemory } from '../../src/machines/group-events.ts';
import { createGroupMachine, type GroupMachine } from '../../src/machines/group-machine.ts';
import {
  absentMember,
  defaultGroupPolicy,
  type GroupPolicy,
  type MemberView,
} from '../../src/machines/group-policy.ts';
import type { GroupContext } from '../../src/machines/group-context.ts';
import { createVirtualClock, type VirtualClock } from '../../src/testing/index.ts';

type Rest = Partial<Omit<MemberView, 'id'>>;

/** Members as they may be; a healthy one unless the rest says otherwise. */
export const as = {
  healthy: (id: string, rest: Rest = {}): MemberView => ({
    id,
    state: 'healthy',
    starting: false,
    linked: true,
    admits: true,
    failures: 0,
    reason: null,
    ...rest,
  }),
  degraded: (id: string, failures = 1): MemberView =>
    as.healthy(id, { state: 'degraded', failures, reason: 'calls get no answer' }),
  /** It takes calls and fails them: at the threshold. */
  failing: (id: string): MemberView => as.degraded(id, 3),
  unhealthy: (id: string, failures = 3): MemberView =>
    as.healthy(id, { state: 'unhealthy', admits: false, failures, reason: 'no answer to a check' }),
  gone: (id: string): MemberView =>
    as.healthy(id, { state: 'disconnected', linked: false, admits: false, reason: 'the process exited' }),
  starting: (id: string): MemberView =>
    as.healthy(id, { state: 'connecting', starting: true, linked: false, admits: false }),
  lazy: (id: string): MemberView => as.healthy(id, { state: 'disconnected', starting: true, linked: false }),
  absent: absentMember,
} as const;

export type Kind = keyof typeof as;

export interface GroupBenchOptions {
  /** In the order of priority; default: `a`, `b` and `c`, all healthy. */
  readonly members?: readonly MemberView[];
  readonly policy?: Partial<GroupPolicy>;
  readonly memory?: GroupMemory;
  readonly random?: () => number;
}

/** What a group tells, as one line. */
export function wordsOf(event: GroupEmitted): string {
  switch (event.type) {
    case 'memberChanged':
      return `${event.memberId} ${event.admits ? 'takes calls' : 'takes no calls'}`;
    case 'failedOver':
      return `failedOver ${event.from} > ${event.to}${event.byHand ? ' by hand' : ''}: ${event.reason}`;
    case 'failedBack':
      return `failedBack ${event.from} > ${event.to}${event.byHand ? ' by hand' : ''}`;
    case 'failbackScheduled':
      return `failback to ${event.to} in ${event.delayMs}`;
    case 'failbackCancelled':
      return `failback to ${event.to} cancelled`;
    case 'groupUnavailable':
      return 'groupUnavailable';
    case 'groupAvailable':
      return `groupAvailable: ${event.active}`;
  }
}

/** A real group machine on a virtual clock; the managers of its members are played by the test. */
export class GroupBench {
  readonly clock: VirtualClock = createVirtualClock({ startWallMs: 1_000_000 });
  readonly actor: ActorRefFrom<GroupMachine>;
  /** Everything that it told so far. */
  readonly emitted: GroupEmitted[] = [];
  readonly errors: unknown[] = [];
  /** Servers that have no manager now. */
  readonly unmanaged = new Set<string>();
  memory: GroupMemory | undefined;
  random: () => number;
  readonly #timers = new Map<unknown, number>();
  readonly #manager: AnyActorRef;
  #log: string[] = [];

  constructor({
    members = ['a', 'b', 'c'].map((id) => as.healthy(id)),
    policy,
    memory,
    random,
  }: GroupBenchOptions = {}) {
    this.random = random ?? (() => 0.5);
    this.#manager = createActor(
      fromTransition((state: null, { type, id }: { type: string; id?: string }) => {
        this.#log.push(`${type} ${id}`);
        return state;
      }, null),
    ).start();
    const machine = createGroupMachine({
      random: () => this.random(),
      wall: () => this.clock.wall(),
      monotonic: () => this.clock.monotonic(),
      managerOf: (id) => (this.unmanaged.has(id) ? undefined : this.#manager),
      remember: (_id, kept) => {
        this.memory = kept;
      },
    });
    this.actor = createActor(machine, {
      input: { id: 'g', policy: { ...defaultGroupPolicy, ...policy }, members, memory },
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
    this.actor.on('*', (event) => {
      this.emitted.push(event);
      this.#log.push(wordsOf(event));
    });
    this.actor.subscribe({ error: (error) => this.errors.push(error) });
    this.actor.start();
  }

  get context(): GroupContext {
    return this.actor.getSnapshot().context;
  }

  get active(): string | null {
    return this.context.active;
  }

  /** The state's name; within `onBackup` that of the part. */
  get state(): string {
    const { value } = this.actor.getSnapshot();
    return typeof value === 'string' ? value : Object.values(value).join();
  }

  /** Delays of the timers that run, in ascending order. */
  get timers(): readonly number[] {
    return [...this.#timers.values()].toSorted((one, other) => one - other);
  }

  send(...events: readonly GroupMachineEvent[]): this {
    for (const event of events) this.actor.send(event);
    return this;
  }

  /** The members of these ids have become this. */
  is(kind: Kind, ...ids: readonly string[]): this {
    for (const id of ids) this.send({ type: 'MEMBER.CHANGED', members: [as[kind](id)] });
    return this;
  }

  failOver(reason = 'maintenance'): this {
    return this.send({ type: 'GROUP.FAILOVER', id: 'g', reason });
  }

  failBack(): this {
    return this.send({ type: 'GROUP.FAILBACK', id: 'g' });
  }

  /** What it told and ordered since it was last asked for. */
  take(): readonly string[] {
    const log = this.#log;
    this.#log = [];
    return log;
  }

  /** Virtual time moves on; what is told meanwhile comes with its moment. */
  async advance(ms: number): Promise<this> {
    const until = this.clock.monotonic() + ms;
    const stamped: string[] = [];
    const before = this.take();
    while (this.clock.nextDueMs !== null && this.clock.nextDueMs <= until) {
      await this.clock.advance(this.clock.nextDueMs - this.clock.monotonic());
      stamped.push(...this.take().map((line) => `${this.clock.monotonic()} ${line}`));
    }
    await this.clock.advance(until - this.clock.monotonic());
    this.#log = [...before, ...stamped];
    return this;
  }

  stop(): void {
    this.actor.stop();
    assert.deepEqual({ errors: this.errors, timers: this.clock.pendingTimers }, { errors: [], timers: 0 });
  }
}

/** Makes benches for the tests of a file. After each test they are stopped, and none may leave anything behind. */
export function groupBenches(): (options?: GroupBenchOptions) => GroupBench {
  const made: GroupBench[] = [];
  afterEach(() => {
    for (const bench of made.splice(0)) bench.stop();
  });
  return (options) => {
    const bench = new GroupBench(options);
    made.push(bench);
    return bench;
  };
}
