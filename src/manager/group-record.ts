import type { GroupFact } from './manager-events.ts';
import type { GroupInput, GroupMemory, GroupPhase } from '../machines/group-events.ts';
import { initialGroup, memoryOf, phaseThatFits, type GroupContext } from '../machines/group-context.ts';
import type { Clock } from '../actors/ports.ts';
import type { MemberView } from '../machines/group-policy.ts';
import { freshBudget, type RetryBudget } from '../machines/retry-policy.ts';
import type { Catalog } from './catalog.ts';
import type { GroupInfo } from './group.ts';
import { memberViewOf } from './member-view.ts';
import type { ResolvedGroup } from './server-group.ts';
import type { SessionRecord } from './session-record.ts';

/** What a group's record needs of the manager that keeps it. */
export interface GroupOwner {
  readonly clock: Clock;
  readonly records: ReadonlyMap<string, SessionRecord>;
  publish(group: GroupRecord, fact: GroupFact): void;
  /** Something that shows in the group's info changed. */
  changed(group: GroupRecord): void;
}

/** Everything of one group that outlives its actor. */
export class GroupRecord {
  readonly id: string;
  readonly config: ResolvedGroup;
  readonly #owner: GroupOwner;
  readonly #listeners = new Set<() => void>();
  /** The last known tools of each member; a member that was removed is still a reference. */
  readonly #catalogs = new Map<string, Catalog>();
  #view: { readonly phase: GroupPhase; readonly context: GroupContext };
  #info: GroupInfo;
  memory: GroupMemory;
  retryBudget: RetryBudget = freshBudget;
  finished = false;

  constructor(id: string, config: ResolvedGroup, owner: GroupOwner) {
    this.id = id;
    this.config = config;
    this.#owner = owner;
    const { policy } = config;
    // Its actor begins with the same, as soon as it can be started.
    const context = initialGroup({ id, policy, members: this.views(), memory: undefined }, owner.clock);
    this.memory = memoryOf(context);
    this.#view = { phase: phaseThatFits(context), context };
    this.#info = this.#describe();
  }

  /** The member that new calls go to; null when every member was removed. */
  get active(): string | null {
    const { context } = this.#view;
    const member = context.members.find(({ id }) => id === context.active);
    return member !== undefined && member.state !== 'absent' && this.#owner.records.has(member.id) ? member.id : null;
  }

  /** The members as they are at this moment, in the order of priority. */
  views(): readonly MemberView[] {
    return this.config.members.map((id) => memberViewOf(id, this.#owner.records.get(id)));
  }

  input(): GroupInput {
    return { id: this.id, policy: this.config.policy, members: this.views(), memory: this.memory };
  }

  record(id: string): SessionRecord | undefined {
    return this.#owner.records.get(id);
  }

  /** The group's actor has taken a step. */
  observe(phase: GroupPhase, context: GroupContext): void {
    if (this.#view.phase === phase && this.#view.context === context) return;
    this.#view = { phase, context };
    this.#noteCatalogs();
    const info = this.#describe();
    if (JSON.stringify(info) === JSON.stringify(this.#info)) return;
    this.#info = info;
    this.#changed();
  }

  publish(fact: GroupFact): void {
    if (!this.finished) this.#owner.publish(this, fact);
  }

  get info(): GroupInfo {
    return this.#info;
  }

  #describe(): GroupInfo {
    const { policy, members } = this.config;
    const { active } = this;
    const { phase, context } = this.#view;
    return Object.freeze({
      id: this.id,
      state: phase,
      active,
      members: Object.freeze(
        context.members.map((view) =>
          Object.freeze({
            id: view.id,
            priority: members.indexOf(view.id),
            active: view.id === active,
            state: view.state,
            admits: view.admits,
            failures: Math.min(view.failures, policy.failoverThreshold),
          }),
        ),
      ),
      failoverThreshold: policy.failoverThreshold,
      failback: policy.failback,
      since: context.activeSince,
      switches: context.switches,
      lastSwitch: context.lastSwitch,
      failbackAt: context.failback?.at ?? null,
      failbackTo: context.failback?.to ?? null,
      heldByHand: context.heldByHand,
    });
  }

  /**
   * The member whose tools are the reference for the others, and those tools: the configured one, else the most wanted one whose
   * tools have ever been known, else the primary, with none.
   */
  reference(): { readonly id: string; readonly catalog: Catalog | undefined } {
    this.#noteCatalogs();
    const { catalogFrom, members } = this.config;
    const id = catalogFrom ?? members.find((member) => this.#catalogs.has(member)) ?? members[0] ?? '';
    return { id, catalog: this.#catalogs.get(id) };
  }

  #noteCatalogs(): void {
    for (const id of this.config.members) {
      const catalog = this.#owner.records.get(id)?.catalog;
      if (catalog?.known === true) this.#catalogs.set(id, catalog);
    }
  }

  /** Calls the listener after every change of the info; returns the way to stop. */
  onChange(listener: () => void): () => void {
    this.#listeners.add(listener);
    return () => {
      this.#listeners.delete(listener);
    };
  }

  finish(): void {
    if (this.finished) return;
    this.finished = true;
    this.#changed();
    this.#listeners.clear();
  }

  #changed(): void {
    this.#owner.changed(this);
    for (const listener of this.#listeners) listener();
  }
}
