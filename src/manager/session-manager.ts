/// <reference lib="esnext.disposable" preserve="true" />
import type { Observable } from 'rxjs';
import { CallAbortedError } from '../errors/request-errors.ts';
import {
  ClosedError,
  DuplicateServerError,
  InvalidOptionError,
  SessionLimitError,
  UnknownServerError,
} from '../errors/usage-errors.ts';
import { serverIdFault } from '../config/server-id.ts';
import { connectionStates, type ConnectionState } from '../machines/connection-state.ts';
import type { ConnectionInfo, ManagerSnapshot } from './connection-info.ts';
import { defaultPorts } from './default-ports.ts';
import { Fleet } from './fleet.ts';
import type { Group, GroupInfo } from './group.ts';
import type { GroupRecord } from './group-record.ts';
import { GroupRegistry } from './group-registry.ts';
import { resolveManagerConfig, type ManagerConfig } from './manager-config.ts';
import { Inspecting } from './inspecting.ts';
import type { InspectionObserver } from './inspection-events.ts';
import { Ledger } from './ledger.ts';
import type { ManagerEvent } from './manager-events.ts';
import type { OutputValidator } from '../validation/validator.ts';
import { abortSignal, atLeast, objectValue, sections, type Rules } from './option-rules.ts';
import type { ManagerPorts } from './ports.ts';
import { rootMakerOf } from './root-maker.ts';
import {
  resolveServerOptions,
  type Optional,
  type ResolvedServerOptions,
  type ServerOptions,
} from './server-options.ts';
import type { Session } from './session.ts';
import type { ServerGroup, ServerGroupConfig } from './server-group.ts';
import { SessionHandle, type HandleWorld } from './session-handle.ts';
import { SessionRecord, type RecordOwner } from './session-record.ts';
import { checkTarget, type ServerTarget } from './targets.ts';
import { whenReady } from './when-ready.ts';

const removalRules: Rules = { drainMs: atLeast(0), signal: abortSignal };

/** Holds many MCP servers at once: connected, checked, recovered, and truthful about all of it. */
export class SessionManager {
  readonly config: Readonly<ManagerConfig>;
  /** Every event of every server and group. Hot; `seq` is gap-free. Completes after `close`; never errors. */
  readonly events$: Observable<ManagerEvent>;
  /** All infos, the present ones first, then at most one list per 50 ms. Completes after `close`; never errors. */
  readonly sessions$: Observable<readonly ConnectionInfo[]>;
  /** All groups, the present ones first, then at most one list per 50 ms. Completes after `close`; never errors. */
  readonly groups$: Observable<readonly GroupInfo[]>;
  /** How many servers are in which state; the present counts first, then every change. */
  readonly stats$: Observable<Readonly<Record<ConnectionState, number>>>;
  /** Resolves when the manager is closed; never rejects. */
  readonly closed: Promise<void>;

  readonly #ports: ManagerPorts;
  /** One that nobody gave, and nobody else closes. */
  readonly #ownValidator: OutputValidator | undefined;
  readonly #records = new Map<string, SessionRecord>();
  readonly #groups: GroupRegistry;
  readonly #ledger: Ledger;
  readonly #inspecting: Inspecting;
  readonly #fleet: Fleet;
  readonly #world: HandleWorld;
  readonly #owner: RecordOwner;
  readonly #defaults: ResolvedServerOptions;
  #closing: Promise<void> | undefined;
  #markClosed: () => void = () => undefined;

  /** Throws `InvalidOptionError` when a setting makes no sense, or when an alias and a default disagree. */
  constructor(config: Optional<ManagerConfig> = {}, ports: Optional<ManagerPorts> = {}) {
    this.config = resolveManagerConfig(config);
    this.#ports = defaultPorts(ports);
    this.#ownValidator = ports.validator === undefined ? this.#ports.validator : undefined;
    const { clock } = this.#ports;
    const groups = new Map<string, GroupRecord>();
    this.#ledger = new Ledger(this.#records, groups, clock);
    const { events$, sessions$, groups$, stats$ } = this.#ledger;
    this.events$ = events$;
    this.sessions$ = sessions$;
    this.groups$ = groups$;
    this.stats$ = stats$;
    this.#inspecting = new Inspecting(this.#ports.logger);
    this.#fleet = new Fleet(
      this.#records,
      groups,
      this.#ports,
      !this.config.healthMonitoring,
      this.#inspecting.noting(rootMakerOf(ports)),
    );
    this.#world = {
      ports: this.#ports,
      events$: this.events$,
      open: (record) => {
        this.#fleet.send({ type: 'SESSION.OPEN', id: record.id, atMs: clock.monotonic() });
      },
      recycle: (record, reason) => {
        const told = this.#ports.secrets.scrub(reason);
        this.#fleet.send({ type: 'SESSION.RECYCLE', id: record.id, atMs: clock.monotonic(), reason: told });
      },
      resetCircuit: (record) => {
        record.forgetOutcomes();
        this.#fleet.send({ type: 'CIRCUIT.RESET', id: record.id });
      },
      tellEdge: (record, edge) => {
        this.#fleet.send({ type: 'CALL.EDGE', id: record.id, edge });
      },
    };
    this.#groups = new GroupRegistry(
      groups,
      {
        clock,
        records: this.#records,
        publish: (group, fact) => {
          this.#ledger.publishOfGroup(group, fact);
        },
        changed: () => {
          this.#ledger.groupChanged();
        },
      },
      this.#fleet.groups,
      this.#world,
    );
    this.#owner = {
      ports: this.#ports,
      clientInfo: this.config.clientInfo,
      publish: (record, fact, from) => {
        if (from === undefined) this.#ledger.publish(record, fact);
        else this.#ledger.publish(record, fact, from, record.view.state);
      },
      changed: () => {
        this.#ledger.sessionChanged();
      },
      memberChanged: ({ id }, member) => {
        this.#fleet.send({ type: 'MEMBER.OBSERVED', id, member });
      },
    };
    this.#defaults = resolveServerOptions({}, this.config.defaults);
    this.closed = new Promise((resolve) => {
      this.#markClosed = resolve;
    });
  }

  /**
   * Adds a server and connects it. Resolves when its session is first healthy; with `waitForReady: false`, or for a lazy server, at once.
   *
   * Rejects, and keeps nothing: `InvalidOptionError`, `DuplicateServerError`, `SessionLimitError` before anything is started;
   * `ConnectError` when the first attempt fails, `AuthRequiredError` when it fails for want of credentials; `CallAbortedError` when the signal aborts; `ClosedError` after `close`.
   */
  async addServer(
    id: string,
    target: ServerTarget,
    options: ServerOptions & { readonly signal?: AbortSignal | undefined } = {},
  ): Promise<Session> {
    if (this.#closing !== undefined) throw new ClosedError('manager');
    checkId(id);
    objectValue(options, 'options', id);
    const { signal, ...serverOptions } = options;
    if (signal !== undefined) abortSignal(signal, 'signal', id);
    const resolved =
      Object.keys(serverOptions).length === 0
        ? this.#defaults
        : resolveServerOptions(serverOptions, this.config.defaults, id);
    const checkedTarget = checkTarget(target, id);
    if (this.#records.has(id) || this.#groups.has(id)) throw new DuplicateServerError(id);
    if (this.#records.size >= this.config.maxConnections) throw new SessionLimitError(id, this.config.maxConnections);
    if (signal?.aborted === true) throw abortedAdd(id, signal.reason);

    const record = new SessionRecord(id, checkedTarget, resolved, this.#owner);
    const handle = new SessionHandle(record, this.#world);
    record.session = handle;
    this.#records.set(id, record);
    this.#groups.enlist(record);
    this.#ledger.publish(record, { type: 'serverAdded' }, undefined, record.view.state);
    this.#fleet.start(id);
    if (!resolved.waitForReady || resolved.lazy) return handle;
    try {
      await whenReady(record, { firstAttemptOnly: true, signal });
      return handle;
    } catch (error) {
      await this.#remove(record, 0);
      throw error instanceof CallAbortedError ? abortedAdd(id, error.cause) : error;
    }
  }

  /**
   * Stops admitting calls, lets those in flight finish for up to `drainMs` (default: the manager's), closes and forgets the server.
   * Aborting the signal cuts the draining short. Resolves to false when there is no such server.
   */
  async removeServer(
    id: string,
    options: { readonly drainMs?: number | undefined; readonly signal?: AbortSignal | undefined } = {},
  ): Promise<boolean> {
    objectValue(options, 'options', id);
    sections(options, removalRules, '', id);
    const record = this.#records.get(id);
    if (record === undefined) return false;
    const drainMs = options.drainMs ?? this.config.drainMs;
    const hasten = (): void => {
      this.#drain(record, 0);
    };
    options.signal?.addEventListener('abort', hasten, { once: true });
    const removed = this.#remove(record, options.signal?.aborted === true ? 0 : drainMs);
    await removed.finally(() => {
      options.signal?.removeEventListener('abort', hasten);
    });
    return true;
  }

  /** Throws `UnknownServerError`. */
  session(id: string): Session {
    const handle = this.#records.get(id)?.session;
    if (handle === undefined) throw new UnknownServerError(id, [...this.#records.keys()]);
    return handle;
  }

  getSessionInfo(id: string): ConnectionInfo | undefined {
    return this.#records.get(id)?.info;
  }

  listSessions(): ConnectionInfo[] {
    return [...this.#ledger.sessionInfos];
  }

  /**
   * A session that admits calls: healthy ones before degraded ones, then the one with the fewest calls in flight, then with the fewest ever.
   * `among` limits the choice to these ids, `tool` to servers that offer this tool.
   */
  getHealthySession(
    options: { readonly among?: readonly string[] | undefined; readonly tool?: string | undefined } = {},
  ): Session | undefined {
    const { among, tool } = options;
    let best: SessionRecord | undefined;
    for (const record of this.#records.values()) {
      if (among !== undefined && !among.includes(record.id)) continue;
      if (!record.admits || record.lease.link?.isOpen !== true) continue;
      if (tool !== undefined && !record.catalog.tools.some((listed) => listed.tool.name === tool)) continue;
      if (best === undefined || comesBefore(record, best)) best = record;
    }
    return best?.session;
  }

  /**
   * Makes servers stand in for each other; see `Group`. The members must exist. Its active member is known when this returns.
   *
   * Throws, and changes nothing: `InvalidOptionError`, `DuplicateServerError` (servers and groups share their ids),
   * `UnknownServerError` for a member that does not exist, `ClosedError` after `close`.
   */
  addGroup(id: string, group: ServerGroup | ServerGroupConfig): Group {
    if (this.#closing !== undefined) throw new ClosedError('manager');
    checkId(id);
    return this.#groups.add(id, group);
  }

  /** Throws `UnknownGroupError`. */
  group(id: string): Group {
    return this.#groups.get(id);
  }

  /** Forgets the group; its servers stay as they are, and calls in flight go on. False when there is no such group. */
  removeGroup(id: string): boolean {
    return this.#groups.remove(id);
  }

  listGroups(): GroupInfo[] {
    return [...this.#ledger.groupInfos];
  }

  sessionStats(): Readonly<Record<ConnectionState, number>> {
    return this.#ledger.stats;
  }

  get sessionCount(): number {
    return this.#records.size;
  }

  /** Resumes the health checks; a repeat does nothing. On from the start unless `healthMonitoring` is false. */
  startHealthMonitoring(): void {
    this.#fleet.monitor(true);
  }

  /** Stops the health checks of established connections, and nothing else. A repeat does nothing. */
  stopHealthMonitoring(): void {
    this.#fleet.monitor(false);
  }

  /** Everything at this moment: frozen, JSON-serialisable, and the same object until something changes. */
  snapshot(): ManagerSnapshot {
    return this.#ledger.snapshot;
  }

  /**
   * Tells the observer of every actor of this manager, and of every event and snapshot of theirs, as XState inspects them: first
   * of those that exist, parents before children, then of what happens. `servers`: only of the sessions of these servers, and
   * of all managers and groups. Returns the way to stop. While nobody is told, inspection costs nothing.
   *
   * An observer that throws is told nothing more; its error is logged. Throws `InvalidOptionError`.
   */
  inspect(
    observer: InspectionObserver,
    options: { readonly servers?: readonly string[] | undefined } = {},
  ): () => void {
    return this.#inspecting.attach(observer, options);
  }

  /**
   * Removes every server, letting calls in flight finish for up to `drainMs` (default: the manager's). The promise never rejects;
   * a `drainMs` that makes no sense throws `InvalidOptionError`.
   * Repeats return the same promise; a repeat with `drainMs: 0` forces.
   */
  close(options: { readonly drainMs?: number | undefined } = {}): Promise<void> {
    const drainMs = options.drainMs ?? this.config.drainMs;
    atLeast(0)(drainMs, 'drainMs', undefined);
    if (this.#closing === undefined) {
      this.#closing = this.#closeAll(drainMs);
    } else if (drainMs === 0) {
      for (const record of this.#records.values()) this.#drain(record, 0);
    }
    return this.#closing;
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  async #closeAll(drainMs: number): Promise<void> {
    this.#groups.removeAll();
    await Promise.all([...this.#records.values()].map((record) => this.#remove(record, drainMs)));
    this.#fleet.stop();
    await this.#ownValidator?.close();
    this.#inspecting.close();
    this.#ledger.close();
    this.#markClosed();
  }

  #remove(record: SessionRecord, drainMs: number): Promise<void> {
    if (record.removing === undefined) {
      record.removing = record.closed.then(() => {
        if (this.#records.get(record.id) !== record) return;
        this.#records.delete(record.id);
        this.#ledger.publish(record, { type: 'serverRemoved' }, record.view.state, undefined);
        record.releaseSecrets();
      });
      this.#drain(record, drainMs);
    } else if (drainMs === 0) {
      this.#drain(record, 0);
    }
    return record.removing;
  }

  #drain(record: SessionRecord, drainMs: number): void {
    this.#fleet.send({ type: 'SESSION.DRAIN', id: record.id, drainMs, inFlight: record.tally.inFlight });
  }
}

/** Throws `InvalidOptionError` for what can be the id of no server or group. */
export function checkId(id: string): void {
  const fault = typeof id === 'string' ? serverIdFault(id) : 'is no text';
  if (fault !== undefined)
    throw new InvalidOptionError(
      'id',
      id,
      `1 to 64 characters without control characters, and no reserved name; it ${fault}`,
    );
}

function comesBefore(one: SessionRecord, other: SessionRecord): boolean {
  const rank = connectionStates.indexOf(one.view.state) - connectionStates.indexOf(other.view.state);
  if (rank !== 0) return rank < 0;
  const inFlight = one.tally.inFlight - other.tally.inFlight;
  if (inFlight !== 0) return inFlight < 0;
  return one.tally.succeeded + one.tally.failed < other.tally.succeeded + other.tally.failed;
}

function abortedAdd(id: string, reason: unknown): CallAbortedError {
  return new CallAbortedError(`Adding server "${id}" was aborted; nothing of it was kept.`, {
    serverId: id,
    generation: 0,
    outcome: 'not-sent',
    cause: reason,
  });
}
