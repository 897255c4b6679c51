import { DuplicateServerError, UnknownServerError } from '../errors/usage-errors.ts';
import { UnknownGroupError } from '../errors/group-errors.ts';
import type { GroupFleet } from './group-fleet.ts';
import { GroupHandle, type GroupWorld } from './group-handle.ts';
import { GroupRecord, type GroupOwner } from './group-record.ts';
import type { Group } from './group.ts';
import { resolveGroup, type ResolvedGroup, type ServerGroup, type ServerGroupConfig } from './server-group.ts';
import type { SessionRecord } from './session-record.ts';

/** The groups of one manager. */
export class GroupRegistry {
  readonly #groups: Map<string, GroupRecord>;
  readonly #handles = new Map<string, GroupHandle>();
  readonly #owner: GroupOwner;
  readonly #fleet: GroupFleet;
  readonly #world: Omit<GroupWorld, 'send'>;

  constructor(groups: Map<string, GroupRecord>, owner: GroupOwner, fleet: GroupFleet, world: Omit<GroupWorld, 'send'>) {
    this.#groups = groups;
    this.#fleet = fleet;
    this.#world = world;
    this.#owner = owner;
  }

  /** What the group would be. Throws `InvalidOptionError`, `DuplicateServerError` for the id of a server, or `UnknownServerError`. */
  check(id: string, group: ServerGroup | ServerGroupConfig): ResolvedGroup {
    const config = resolveGroup(group, id);
    const { records } = this.#owner;
    if (records.has(id)) throw new DuplicateServerError(id);
    for (const member of config.members) {
      if (!records.has(member)) throw new UnknownServerError(member, [...records.keys()]);
    }
    return config;
  }

  /** Throws `InvalidOptionError`, `DuplicateServerError` or `UnknownServerError`; then nothing was changed. */
  add(id: string, group: ServerGroup | ServerGroupConfig): Group {
    const config = this.check(id, group);
    if (this.#groups.has(id)) throw new DuplicateServerError(id);
    const { records } = this.#owner;
    const record = new GroupRecord(id, config, this.#owner);
    const handle = new GroupHandle(record, {
      ...this.#world,
      send: (command) => {
        this.#fleet.send(command);
      },
    });
    this.#groups.set(id, record);
    this.#handles.set(id, handle);
    for (const member of config.members) this.enlist(records.get(member));
    this.#owner.publish(record, { type: 'groupAdded' });
    this.#fleet.start(record);
    return handle;
  }

  get(id: string): Group {
    const handle = this.#handles.get(id);
    if (handle === undefined) throw new UnknownGroupError(id, [...this.#groups.keys()]);
    return handle;
  }

  find(id: string): Group | undefined {
    return this.#handles.get(id);
  }

  has(id: string): boolean {
    return this.#groups.has(id);
  }

  remove(id: string): boolean {
    const record = this.#groups.get(id);
    if (record === undefined) return false;
    this.#groups.delete(id);
    this.#handles.delete(id);
    this.#fleet.send({ type: 'GROUP.REMOVE', id });
    for (const member of record.config.members) this.enlist(this.#owner.records.get(member));
    this.#owner.publish(record, { type: 'groupRemoved' });
    record.finish();
    return true;
  }

  removeAll(): void {
    for (const id of this.#groups.keys()) this.remove(id);
  }

  /** Tells a server's record which groups it is a member of. */
  enlist(record: SessionRecord | undefined): void {
    if (record === undefined) return;
    const groups = [...this.#groups.values()].filter(({ config }) => config.members.includes(record.id));
    if (groups.length === 0 && record.groups.length === 0) return;
    record.joinGroups(
      groups.map(({ id }) => id),
      Math.max(0, ...groups.map(({ config }) => config.policy.failoverThreshold)),
    );
  }
}
