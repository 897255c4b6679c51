/// <reference lib="esnext.disposable" preserve="true" />
import type { Observable } from 'rxjs';
import { UnknownToolError } from '../errors/tool-errors.ts';
import { ClosedError } from '../errors/usage-errors.ts';
import type { ConnectionState } from '../machines/connection-state.ts';
import type { LoadedConfig } from '../config/index.ts';
import type { ApplyReport } from './apply-report.ts';
import { ConfigApplier } from './config-applier.ts';
import { checkLoadedConfig } from './config-forms.ts';
import type { ConnectionInfo, ManagerSnapshot } from './connection-info.ts';
import type { CallOptions } from './call-options.ts';
import { Deadlines } from './deadlines.ts';
import { defaultPorts } from './default-ports.ts';
import { Fleet } from './fleet.ts';
import type { Group, GroupInfo } from './group.ts';
import type { GroupRecord } from './group-record.ts';
import { GroupRegistry } from './group-registry.ts';
import { resolveManagerConfig, type ManagerConfig } from './manager-config.ts';
import { Inspecting } from './inspecting.ts';
import type { InspectionObserver } from './inspection-events.ts';
import type { Instrumentation } from './instrumentation.ts';
import { Instruments } from './instruments.ts';
import { Ledger } from './ledger.ts';
import type { ManagerCatalog } from './manager-catalog.ts';
import type { ManagerEvent } from './manager-events.ts';
import { atLeast, text } from './option-rules.ts';
import type { OutputValidator } from '../validation/validator.ts';
import type { ManagerPorts } from './ports.ts';
import { rootMakerOf } from './root-maker.ts';
import type { Optional, ServerOptions } from './server-options.ts';
import { checkId, ServerRegistry } from './server-registry.ts';
import type { Session } from './session.ts';
import type { ServerGroup, ServerGroupConfig } from './server-group.ts';
import { resumeAuthorized } from './finish-auth.ts';
import type { HandleWorld } from './session-handle.ts';
import type { SessionRecord } from './session-record.ts';
import type { ToolResult } from './results.ts';
import type { ServerTarget } from './targets.ts';

/** Holds many MCP servers at once: connected, checked, recovered, and truthful about all of it. */
export class SessionManager {
  readonly config: Readonly<ManagerConfig>;
  /** Every event of every server and group. Hot; `seq` is gap-free. Completes after `close`; never errors. */
  readonly events$: Observable<ManagerEvent>;
  /** All infos, the present ones first, then at most one list per 50 ms. Completes after `close`; never errors. */
  readonly sessions$: Observable<readonly ConnectionInfo[]>;
  /** All groups, the present ones first, then at most one list per 50 ms. Completes after `close`; never errors. */
  readonly groups$: Observable<readonly GroupInfo[]>;
  /** The tools of all servers and groups: the present catalog first, then at most one per 50 ms. Completes after `close`; never errors. */
  readonly catalog$: Observable<ManagerCatalog>;
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
  readonly #instruments: Instruments;
  readonly #fleet: Fleet;
  readonly #servers: ServerRegistry;
  readonly #applier: ConfigApplier;
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
    this.catalog$ = this.#ledger.tools.catalog$;
    this.#inspecting = new Inspecting(this.#ports.logger);
    this.#instruments = new Instruments(clock, this.#ports.logger);
    this.#fleet = new Fleet(
      this.#records,
      groups,
      this.#ports,
      !this.config.healthMonitoring,
      this.#inspecting.noting(rootMakerOf(ports)),
    );
    const world: HandleWorld = {
      ports: this.#ports,
      deadlines: new Deadlines(clock),
      instruments: this.#instruments,
      events$: this.events$,
      open: (record) => {
        this.#fleet.send({ type: 'SESSION.OPEN', id: record.id, atMs: clock.monotonic() });
      },
      recycle: (record, reason) => {
        const told = this.#ports.secrets.scrub(reason);
        this.#fleet.send({ type: 'SESSION.RECYCLE', id: record.id, atMs: clock.monotonic(), reason: told });
      },
      authorized: (record) =>
        resumeAuthorized(this.#records.values(), record, (each) => {
          world.recycle(each, 'it is authorised');
        }),
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
      world,
    );
    this.#servers = new ServerRegistry(this.#records, {
      config: this.config,
      owner: {
        ports: this.#ports,
        clientInfo: this.config.clientInfo,
        instruments: this.#instruments,
        publish: (record, fact, from) => {
          if (from === undefined) this.#ledger.publish(record, fact);
          else this.#ledger.publish(record, fact, from, record.view.state);
        },
        changed: () => {
          this.#ledger.sessionChanged();
        },
        catalogChanged: () => {
          this.#ledger.tools.changed();
        },
        memberChanged: ({ id }, member) => {
          this.#fleet.send({ type: 'MEMBER.OBSERVED', id, member });
        },
      },
      world,
      groups: this.#groups,
      ledger: this.#ledger,
      fleet: this.#fleet,
    });
    this.#applier = new ConfigApplier({
      servers: this.#servers,
      groups: this.#groups,
      isClosed: () => this.#closing !== undefined,
    });
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
    return this.#servers.add(id, target, options);
  }

  /**
   * Stops admitting calls, lets those in flight finish for up to `drainMs` (default: the manager's), closes and forgets the server.
   * Aborting the signal cuts the draining short. Resolves to false when there is no such server.
   */
  async removeServer(
    id: string,
    options: { readonly drainMs?: number | undefined; readonly signal?: AbortSignal | undefined } = {},
  ): Promise<boolean> {
    return this.#servers.remove(id, options);
  }

  /** Throws `UnknownServerError`. */
  session(id: string): Session {
    return this.#servers.get(id);
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
    return this.#servers.best(options);
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

  /**
   * Has the manager hold what a configuration says, by the difference to what was applied before: what is new is added, what has changed
   * is removed once its calls in flight have ended (after the manager's `drainMs` at most) and added anew, what is no longer there is removed, and the rest
   * is not touched. What was added by hand is not touched either. Resolves when that is done, without waiting for servers to become ready:
   * they keep trying. Calls of this are carried out one after the other.
   *
   * Nothing is all or nothing: what cannot be added, or is not told for sure because the configuration has a mistake there, is `refused` by itself,
   * and stays as it was where it is held already. Rejects with `InvalidOptionError` for what is no configuration, and `ClosedError` after `close`.
   */
  async apply(config: LoadedConfig): Promise<ApplyReport> {
    if (this.#closing !== undefined) throw new ClosedError('manager');
    checkLoadedConfig(config);
    return this.#applier.apply(config);
  }

  listGroups(): GroupInfo[] {
    return [...this.#ledger.groupInfos];
  }

  /** The tools of all servers and groups under names that are safe to hand to a model: frozen, and the same object until something changes. */
  get catalog(): ManagerCatalog {
    return this.#ledger.tools.catalog;
  }

  /**
   * Calls a tool by its name in the catalog, as its session or group would. Rejects as they do, with `UnknownToolError` for a name that
   * the catalog does not have, and with `ClosedError` after `close`. A lazy server is in the catalog once it was connected.
   */
  async callTool(name: string, args?: Readonly<Record<string, unknown>>, options?: CallOptions): Promise<ToolResult> {
    if (this.#closing !== undefined) throw new ClosedError('manager');
    text(name, 'name', undefined);
    const { tools } = this.#ledger;
    const found = tools.find(name);
    if (found === undefined) throw new UnknownToolError(name, tools.near(name), tools.catalog.complete);
    const caller = found.isGroup ? this.#groups.get(found.id) : this.#servers.get(found.id);
    return caller.callTool(found.tool, args, options);
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
   * Tells the instrumentation of every operation from now on: each call of a session or a group, and each request of a server that a
   * handler answers. Returns the way to stop; it still hears the end of what it has heard begin. While there is none, calls pay nothing.
   *
   * One that throws is told nothing more, its error is logged, and the call goes on. Throws `InvalidOptionError`.
   */
  instrument(instrumentation: Instrumentation): () => void {
    return this.#instruments.attach(instrumentation);
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
      this.#servers.hastenAll();
    }
    return this.#closing;
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  async #closeAll(drainMs: number): Promise<void> {
    this.#groups.removeAll();
    await this.#servers.removeAll(drainMs);
    this.#fleet.stop();
    await this.#ownValidator?.close();
    this.#inspecting.close();
    this.#ledger.close();
    this.#markClosed();
  }
}
