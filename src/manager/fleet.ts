import type { ActorRefFrom } from 'xstate';
import { createFanOut, slicedTimers, type FanOut } from '../actors/fan-out.ts';
import type { Clock, TimerId } from '../actors/ports.ts';
import { tickerLogic } from '../actors/health-ticker.ts';
import { linkLogic } from '../actors/link-actor.ts';
import { permitLogic } from '../actors/permit-actor.ts';
import { releaseLogic } from '../actors/release-actor.ts';
import type { ManagerCommand } from '../machines/manager-events.ts';
import { createManagerMachine, type ManagerMachine } from '../machines/manager-machine.ts';
import { nextCrash, type ActorCrash } from '../machines/manager-setup.ts';
import { createSessionMachine, type SessionMachine } from '../machines/session-machine.ts';
import { phaseOf } from '../machines/session-phase.ts';
import { GroupFleet } from './group-fleet.ts';
import type { GroupRecord } from './group-record.ts';
import type { ManagerPorts } from './ports.ts';
import type { MadeRoot, RootMaker } from './root-maker.ts';
import type { SessionRecord } from './session-record.ts';

/**
 * Sessions per actor system. XState walks every timer of a system whenever one of its actors stops, and copies a parent's
 * children on each spawn and stop: 64 made the stop of ten thousand sessions half as long again, 16 costs memory.
 */
const sessionsPerRoot = 32;

/** A manager actor and how many sessions it has. */
export interface Root extends MadeRoot {
  sessions: number;
}

/**
 * The manager actors and which session lives under which. Each is the root of an actor system of its own;
 * one that throws takes none of the others with it, and its sessions are started anew under another.
 */
export class Fleet {
  /** The groups' actors, children of the same manager actors. */
  readonly groups: GroupFleet;
  readonly #ports: ManagerPorts;
  readonly #records: ReadonlyMap<string, SessionRecord>;
  readonly #machine: ManagerMachine;
  readonly #maker: RootMaker;
  readonly #actorClock: Pick<Clock, 'setTimeout' | 'clearTimeout'>;
  readonly #roots = new Set<Root>();
  readonly #rootOf = new Map<string, Root>();
  /** Asked first for room: when thousands are started together, all others are full. */
  #newest: Root | undefined;
  readonly #actorOf = new Map<string, ActorRefFrom<SessionMachine>>();
  /** Servers whose sessions wait for their turn to be started. */
  readonly #unstarted = new Set<string>();
  /** Not the one that links and timers share: ten thousand servers that are added must not keep a lost link waiting. */
  readonly #orders: FanOut;
  /** Timers of sessions that wait for another manager actor. */
  readonly #restarts = new Map<string, TimerId>();
  #paused: boolean;
  #stopped = false;
  #made = 0;
  #crash: ActorCrash | undefined;

  constructor(
    records: ReadonlyMap<string, SessionRecord>,
    groups: ReadonlyMap<string, GroupRecord>,
    ports: ManagerPorts,
    paused: boolean,
    maker: RootMaker,
  ) {
    this.#records = records;
    this.#ports = ports;
    this.#paused = paused;
    this.#maker = maker;
    maker.onLost(() => {
      this.#abandoned();
    });
    this.#orders = createFanOut(ports.clock);
    const fanOut = createFanOut(ports.clock);
    this.#actorClock = slicedTimers(ports.clock, fanOut);
    const roots = { of: (id: string) => this.#rootOf.get(id), withRoom: () => this.#rootWithRoom() };
    this.groups = new GroupFleet(groups, records, roots, ports);
    this.#machine = this.#createMachine(fanOut);
  }

  /** Starts a server's session: at once, or in a later turn of the event loop when many are started together. */
  start(id: string): void {
    this.#unstarted.add(id);
    this.#orders.deliver(() => {
      this.#startNow(id);
    });
  }

  /** Carries out an order: at once, or in a later turn of the event loop when there are many together. */
  inTurn(order: () => void): void {
    this.#orders.deliver(order);
  }

  #startNow(id: string): void {
    if (!this.#unstarted.delete(id)) return;
    const record = this.#records.get(id);
    // One that is being removed is closed by the order to drain, which finds no actor of it.
    if (record === undefined || record.removing !== undefined) return;
    const root = this.#rootWithRoom();
    root.sessions += 1;
    this.#rootOf.set(id, root);
    root.actor.send({ type: 'SERVER.ADD', id });
    this.groups.moved(id);
  }

  send(command: Extract<ManagerCommand, { readonly id: string }>): void {
    if (command.type !== 'SESSION.DRAIN') this.#startNow(command.id);
    const root = this.#rootOf.get(command.id);
    if (root !== undefined) root.actor.send(command);
    else if (command.type === 'SESSION.DRAIN') this.#closeOrphan(command.id);
  }

  monitor(on: boolean): void {
    this.#paused = !on;
    for (const { actor } of this.#roots) actor.send({ type: on ? 'MONITORING.START' : 'MONITORING.STOP' });
  }

  stop(): void {
    this.#stopped = true;
    for (const timer of this.#restarts.values()) this.#ports.clock.clearTimeout(timer);
    for (const root of this.#roots) root.stop();
    this.#roots.clear();
    this.#unstarted.clear();
  }

  #rootWithRoom(): Root {
    const newest = this.#newest;
    if (newest !== undefined && newest.sessions < sessionsPerRoot && this.#roots.has(newest)) return newest;
    for (const root of this.#roots) {
      if (root.sessions < sessionsPerRoot) return root;
    }
    this.#made += 1;
    const made = this.#maker.make({
      machine: this.#machine,
      id: `manager ${this.#made}`,
      input: { paused: this.#paused },
      clock: this.#actorClock,
    });
    const root: Root = { ...made, sessions: 0 };
    root.actor.subscribe({
      error: (error) => {
        this.#rootCrashed(root, error);
      },
    });
    this.#roots.add(root);
    this.#newest = root;
    root.start();
    return root;
  }

  #createMachine(fanOut: FanOut): ManagerMachine {
    const { clock, random, connectLimiter, logger } = this.#ports;
    const find = (id: string): SessionRecord | undefined => this.#records.get(id);
    const session = createSessionMachine({
      random,
      wall: () => clock.wall(),
      monotonic: () => clock.monotonic(),
      actors: {
        permit: permitLogic(find, connectLimiter),
        link: linkLogic(find, clock, fanOut),
      },
      remember: (id, memory) => {
        const record = find(id);
        if (record !== undefined) record.memory = memory;
      },
      releasePermit: (id) => find(id)?.releasePermit(),
      cancelCalls: (id) => find(id)?.cancelCalls(),
      countStaleEvent: (id) => {
        const record = find(id);
        if (record !== undefined) record.staleEvents += 1;
      },
    });
    return createManagerMachine({
      random: () => total(random, 0.5),
      monotonic: () => clock.monotonic(),
      session,
      group: this.groups.machine,
      ...this.groups.world,
      actors: { ticker: tickerLogic(clock, () => total(random, 0.5)), release: releaseLogic(find) },
      sessionInput: (id, manager) => {
        const record = find(id);
        return record === undefined ? undefined : { id, policy: record.policy, memory: record.memory, manager };
      },
      watch: (id, actor) => {
        this.#watch(id, actor);
      },
      forgivesCalls: (id) => find(id)?.forgiveCalls('old') ?? false,
      answeredAgoMs: (id) => clock.monotonic() - (find(id)?.lastAnswerMs ?? Number.NEGATIVE_INFINITY),
      sessionCrashed: (id, error, restartMs) => {
        this.#actorOf.delete(id);
        logger.error({ serverId: id, err: error, restartMs }, 'a session actor crashed; it is started anew');
        find(id)?.crashed(error, restartMs);
      },
      isClosing: (id) => find(id)?.removing !== undefined,
      sessionClosed: (id) => {
        this.#sessionClosed(id);
      },
    });
  }

  #watch(id: string, actor: ActorRefFrom<SessionMachine>): void {
    const record = this.#records.get(id);
    if (record === undefined) return;
    this.#actorOf.set(id, actor);
    const actorOf = this.#actorOf;
    actor.on('*', ({ generation: _, ...fact }) => {
      if (actorOf.get(record.id) === actor) record.publish(fact);
    });
    actor.subscribe({
      next: (snapshot) => {
        if (actorOf.get(record.id) !== actor) return;
        const phase = phaseOf(snapshot.value);
        // An actor in the place of one that crashed begins in `idle`, and goes on at once.
        if (phase !== 'idle' || record.generation === 0) record.observe(phase, snapshot.context, snapshot.tags);
      },
      error: heardByItsManager,
    });
  }

  #sessionClosed(id: string): void {
    this.#actorOf.delete(id);
    const root = this.#rootOf.get(id);
    if (root !== undefined) root.sessions -= 1;
    this.#rootOf.delete(id);
    const record = this.#records.get(id);
    record?.finish();
    if (root === undefined && record !== undefined) this.groups.tell([record]);
  }

  /** Its sessions' actors live on without it, with all their timers: they are ended, their links released, and each session started anew. */
  #rootCrashed(root: Root, error: unknown): void {
    const { clock, random, logger } = this.#ports;
    this.#roots.delete(root);
    this.#crash = nextCrash(this.#crash, clock.monotonic(), total(random, 0.5));
    const { restartMs } = this.#crash;
    logger.error(
      { err: error, sessions: root.sessions, restartMs },
      'a manager actor crashed; its sessions are started anew',
    );
    const ids = new Set([...this.#rootOf].filter(([, of]) => of === root).map(([id]) => id));
    const lost: SessionRecord[] = [];
    for (const id of ids) {
      this.#rootOf.delete(id);
      this.#actorOf.delete(id);
      const record = this.#records.get(id);
      if (record === undefined) continue;
      record.crashed(error, restartMs);
      lost.push(record);
      const timer = clock.setTimeout(() => {
        this.#restarts.delete(id);
        void record.lease.release('kill').then(() => {
          this.#restart(record);
        });
      }, restartMs);
      this.#restarts.set(id, timer);
      void record.lease.release('kill');
    }
    for (const [id, child] of Object.entries(root.actor.getSnapshot().children)) {
      child?.send(ids.has(id) ? { type: 'SESSION.ABANDON', id } : { type: 'TICKER.PAUSE' });
    }
    this.groups.rootCrashed(root);
    this.groups.tell(lost);
  }

  /** The manager actors were stopped from outside, and their sessions with them: what these held is let go. Nothing is started anew. */
  #abandoned(): void {
    const ids = [...this.#rootOf.keys(), ...this.#unstarted];
    this.#unstarted.clear();
    this.#rootOf.clear();
    this.#actorOf.clear();
    this.#roots.clear();
    for (const id of ids) this.#closeOrphan(id);
  }

  #restart(record: SessionRecord): void {
    const { id } = record;
    if (this.#stopped || this.#records.get(id) !== record || this.#rootOf.has(id)) return;
    if (record.removing === undefined) this.start(id);
    else this.#sessionClosed(id);
  }

  /** Closes a session that no manager actor has at the moment. */
  #closeOrphan(id: string): void {
    this.#ports.clock.clearTimeout(this.#restarts.get(id));
    this.#restarts.delete(id);
    void this.#records
      .get(id)
      ?.lease.release('kill')
      .then(() => {
        this.#sessionClosed(id);
      });
  }
}

/** A crash reaches the manager actor, which deals with it; without any handler here it would be thrown as well. */
function heardByItsManager(): void {}

/** What a supervisor calls must not throw, whoever wrote it. */
function total(random: () => number, otherwise: number): number {
  try {
    return random();
  } catch {
    return otherwise;
  }
}
