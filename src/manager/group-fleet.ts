import type { ActorRefFrom, AnyActorRef } from 'xstate';
import type { GroupCommand, GroupPhase } from '../machines/group-events.ts';
import { createGroupMachine, type GroupMachine } from '../machines/group-machine.ts';
import type { ManagerWorld } from '../machines/manager-setup.ts';
import type { Root } from './fleet.ts';
import type { GroupRecord } from './group-record.ts';
import { shownCrash } from './manager-events.ts';
import { memberViewOf } from './member-view.ts';
import type { ManagerPorts } from './ports.ts';
import type { SessionRecord } from './session-record.ts';

/** Where sessions live, as far as groups need to know. */
export interface Roots {
  /** The manager actor that a server lives under; undefined while it has none. */
  of(serverId: string): Root | undefined;
  /** Any manager actor that takes one more. */
  withRoom(): Root;
}

/** The groups' actors: each is a child of its primary's manager, and moves to another when that one is lost. */
export class GroupFleet {
  readonly machine: GroupMachine;
  readonly #groups: ReadonlyMap<string, GroupRecord>;
  readonly #records: ReadonlyMap<string, SessionRecord>;
  readonly #roots: Roots;
  readonly #ports: ManagerPorts;
  readonly #rootOf = new Map<string, Root>();
  readonly #actorOf = new Map<string, ActorRefFrom<GroupMachine>>();
  /** The groups that have had an actor of their own. */
  readonly #begun = new WeakSet<GroupRecord>();
  /** The last order by hand to a group whose actor is to be started anew. */
  readonly #waiting = new Map<string, GroupCommand>();

  constructor(
    groups: ReadonlyMap<string, GroupRecord>,
    records: ReadonlyMap<string, SessionRecord>,
    roots: Roots,
    ports: ManagerPorts,
  ) {
    this.#groups = groups;
    this.#records = records;
    this.#roots = roots;
    this.#ports = ports;
    const { clock, random } = ports;
    this.machine = createGroupMachine({
      random,
      wall: () => clock.wall(),
      monotonic: () => clock.monotonic(),
      managerOf: (serverId): AnyActorRef | undefined => roots.of(serverId)?.actor,
      remember: (id, memory) => {
        const group = groups.get(id);
        // A group of the same id may have been removed just now, and its actor be on its way out.
        if (group !== undefined && this.#begun.has(group)) group.memory = memory;
      },
    });
  }

  /** What the managers need of it. */
  readonly world: Pick<ManagerWorld, 'memberView' | 'groupInput' | 'watchGroup' | 'groupCrashed' | 'groupClosed'> = {
    memberView: (id) => memberViewOf(id, this.#records.get(id)),
    groupInput: (id) => this.#groups.get(id)?.input(),
    watchGroup: (id, actor) => {
      this.#watch(id, actor);
    },
    groupCrashed: (id, error, restartMs) => {
      this.#actorOf.delete(id);
      this.#ports.logger.error({ groupId: id, err: error, restartMs }, 'a group actor crashed; it is started anew');
      this.#groups.get(id)?.publish({ type: 'groupCrashed', error: shownCrash('group-crashed', error), restartMs });
    },
    groupClosed: (id) => {
      this.#actorOf.delete(id);
      if (this.#groups.has(id)) return;
      this.#rootOf.delete(id);
      this.#waiting.delete(id);
    },
  };

  start(group: GroupRecord): void {
    const root = this.#roots.of(group.config.members[0] ?? '') ?? this.#roots.withRoom();
    this.#rootOf.set(group.id, root);
    root.actor.send({ type: 'GROUP.ADD', id: group.id });
  }

  send(command: GroupCommand): void {
    const isByHand = command.type === 'GROUP.FAILOVER' || command.type === 'GROUP.FAILBACK';
    if (isByHand && !this.#actorOf.has(command.id)) this.#waiting.set(command.id, command);
    else this.#rootOf.get(command.id)?.actor.send(command);
  }

  /** A server was started under a manager: its groups watch it there. */
  moved(serverId: string): void {
    for (const id of this.#records.get(serverId)?.groups ?? [])
      this.send({ type: 'MEMBER.MOVED', id, memberId: serverId });
  }

  /** These servers have no manager that could tell their groups of them. */
  tell(records: readonly SessionRecord[]): void {
    for (const id of new Set(records.flatMap(({ groups }) => groups))) {
      const members = records
        .filter(({ groups }) => groups.includes(id))
        .map((record) => memberViewOf(record.id, record));
      this.#actorOf.get(id)?.send({ type: 'MEMBER.CHANGED', members });
    }
  }

  /** A manager actor is lost, and the groups that lived under it are started anew under others. */
  rootCrashed(root: Root): void {
    for (const [id, of] of this.#rootOf) {
      if (of !== root) continue;
      const actor = this.#actorOf.get(id);
      this.#actorOf.delete(id);
      actor?.send({ type: 'GROUP.REMOVE', id });
      const group = this.#groups.get(id);
      if (group === undefined) this.#rootOf.delete(id);
      else this.start(group);
    }
  }

  #watch(id: string, actor: ActorRefFrom<GroupMachine>): void {
    const group = this.#groups.get(id);
    if (group === undefined) return;
    this.#actorOf.set(id, actor);
    this.#begun.add(group);
    const order = this.#waiting.get(id);
    this.#waiting.delete(id);
    if (order !== undefined) actor.send(order);
    const actorOf = this.#actorOf;
    const observe = (): void => {
      const { value, context } = actor.getSnapshot();
      const phase = phaseOf(value);
      if (phase !== undefined && actorOf.get(id) === actor) group.observe(phase, context);
    };
    actor.on('*', (fact) => {
      // Whoever hears of a switch finds it in the info already.
      observe();
      if (actorOf.get(id) === actor) group.publish(fact);
    });
    actor.subscribe({ next: observe, error: heardByItsManager });
  }
}

/** The public word for a state; undefined for those that no one waits in. */
function phaseOf(value: string | object): GroupPhase | undefined {
  if (typeof value === 'object') return 'onBackup';
  return value === 'onPrimary' || value === 'unavailable' ? value : undefined;
}

/** A crash reaches the manager actor, which deals with it; without any handler here it would be thrown as well. */
function heardByItsManager(): void {}
