import type { Observable } from 'rxjs';
import type { Clock } from '../actors/ports.ts';
import type { ConnectionState } from '../machines/connection-state.ts';
import { CatalogKeeper } from './catalog-keeper.ts';
import type { ConnectionInfo, ManagerSnapshot } from './connection-info.ts';
import { EventBus } from './event-bus.ts';
import type { GroupInfo } from './group.ts';
import type { GroupRecord } from './group-record.ts';
import type { GroupFact, ManagerEvent, SessionFact } from './manager-events.ts';
import { conflatedValues, distinctValues, type Watched } from './observing.ts';
import type { SessionRecord } from './session-record.ts';

const listsEveryMs = 50;

/** What a manager shows of itself: its events, and the lists and counts that go with them. Each is made anew only after a change. */
export class Ledger {
  readonly events$: Observable<ManagerEvent>;
  readonly sessions$: Observable<readonly ConnectionInfo[]>;
  readonly groups$: Observable<readonly GroupInfo[]>;
  readonly stats$: Observable<Readonly<Record<ConnectionState, number>>>;
  readonly tools: CatalogKeeper;
  readonly #records: ReadonlyMap<string, SessionRecord>;
  readonly #groups: ReadonlyMap<string, GroupRecord>;
  readonly #bus: EventBus;
  readonly #listeners = new Set<() => void>();
  #stats: Readonly<Record<ConnectionState, number>> = Object.freeze({
    connecting: 0,
    healthy: 0,
    degraded: 0,
    unhealthy: 0,
    disconnected: 0,
  });
  #sessionInfos: readonly ConnectionInfo[] | undefined;
  #groupInfos: readonly GroupInfo[] | undefined;
  #snapshot: ManagerSnapshot | undefined;
  #over = false;

  constructor(records: ReadonlyMap<string, SessionRecord>, groups: ReadonlyMap<string, GroupRecord>, clock: Clock) {
    this.#records = records;
    this.#groups = groups;
    this.tools = new CatalogKeeper(records, groups, clock);
    this.#bus = new EventBus(() => clock.wall());
    this.events$ = this.#bus.events$;
    this.sessions$ = conflatedValues(
      this.#watched(() => this.sessionInfos),
      clock,
      listsEveryMs,
    );
    this.groups$ = conflatedValues(
      this.#watched(() => this.groupInfos),
      clock,
      listsEveryMs,
    );
    this.stats$ = distinctValues(this.#watched(() => this.#stats));
  }

  get sessionInfos(): readonly ConnectionInfo[] {
    this.#sessionInfos ??= Object.freeze([...this.#records.values()].map((record) => record.info));
    return this.#sessionInfos;
  }

  get groupInfos(): readonly GroupInfo[] {
    this.#groupInfos ??= Object.freeze([...this.#groups.values()].map(({ info }) => info));
    return this.#groupInfos;
  }

  get stats(): Readonly<Record<ConnectionState, number>> {
    return this.#stats;
  }

  get snapshot(): ManagerSnapshot {
    this.#snapshot ??= Object.freeze({
      seq: this.#bus.seq,
      sessions: this.sessionInfos,
      groups: this.groupInfos,
      stats: this.#stats,
    });
    return this.#snapshot;
  }

  /** The event's number is part of every snapshot from here on, and its change of state too, before anyone is told of either. */
  publish(record: SessionRecord, fact: SessionFact, from?: ConnectionState, to?: ConnectionState): void {
    const event = this.#bus.stamp(record.id, record.generation, fact);
    if (fact.type === 'serverAdded' || fact.type === 'serverRemoved') this.tools.changed();
    this.#snapshot = undefined;
    if (from !== undefined || to !== undefined) {
      if (from !== to) this.#count(from, to);
      this.sessionChanged();
      record.tell();
    }
    this.#bus.deliver(event);
  }

  publishOfGroup(group: GroupRecord, fact: GroupFact): void {
    const event = this.#bus.stampGroup(group.id, fact);
    if (fact.type === 'groupAdded' || fact.type === 'groupRemoved') this.tools.changed();
    this.groupChanged();
    this.#bus.deliver(event);
  }

  sessionChanged(): void {
    this.#sessionInfos = undefined;
    this.#snapshot = undefined;
    this.#tell();
  }

  groupChanged(): void {
    this.#groupInfos = undefined;
    this.#snapshot = undefined;
    this.#tell();
  }

  /** Nothing happens any more: every observable tells its last value and completes. */
  close(): void {
    this.#over = true;
    this.#tell();
    this.tools.close();
    this.#bus.complete();
    this.#listeners.clear();
  }

  #count(from: ConnectionState | undefined, to: ConnectionState | undefined): void {
    const next = { ...this.#stats };
    if (from !== undefined) next[from] -= 1;
    if (to !== undefined) next[to] += 1;
    this.#stats = Object.freeze(next);
  }

  #tell(): void {
    for (const listener of this.#listeners) listener();
  }

  #watched<T>(read: () => T): Watched<T> {
    return {
      read,
      onChange: (listener) => {
        this.#listeners.add(listener);
        return () => {
          this.#listeners.delete(listener);
        };
      },
      isOver: () => this.#over,
    };
  }
}
