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
import { EventBus } from './event-bus.ts';
import { Fleet } from './fleet.ts';
import { resolveManagerConfig, type ManagerConfig } from './manager-config.ts';
import type { ManagerEvent, SessionFact } from './manager-events.ts';
import { conflatedValues, distinctValues, type Watched } from './observing.ts';
import { abortSignal, atLeast, objectValue, sections, type Rules } from './option-rules.ts';
import type { ManagerPorts } from './ports.ts';
import {
  resolveServerOptions,
  type Optional,
  type ResolvedServerOptions,
  type ServerOptions,
} from './server-options.ts';
import type { Session } from './session.ts';
import { SessionHandle, type HandleWorld } from './session-handle.ts';
import { SessionRecord, type RecordOwner } from './session-record.ts';
import { checkTarget, type ServerTarget } from './targets.ts';
import { whenReady } from './when-ready.ts';

const sessionsEveryMs = 50;
const removalRules: Rules = { drainMs: atLeast(0), signal: abortSignal };

/** Holds many MCP servers at once: connected, checked, recovered, and truthful about all of it. */
export class SessionManager {
  readonly config: Readonly<ManagerConfig>;
  /** Every event of every server. Hot; `seq` is gap-free. Completes after `close`; never errors. */
  readonly events$: Observable<ManagerEvent>;
  /** All infos, the present ones first, then at most one list per 50 ms. Completes after `close`; never errors. */
  readonly sessions$: Observable<readonly ConnectionInfo[]>;
  /** How many servers are in which state; the present counts first, then every change. */
  readonly stats$: Observable<Readonly<Record<ConnectionState, number>>>;
  /** Resolves when the manager is closed; never rejects. */
  readonly closed: Promise<void>;

  readonly #ports: ManagerPorts;
  readonly #records = new Map<string, SessionRecord>();
  readonly #bus: EventBus;
  readonly #fleet: Fleet;
  readonly #world: HandleWorld;
  readonly #owner: RecordOwner;
  readonly #defaults: ResolvedServerOptions;
  readonly #listeners = new Set<() => void>();
  #stats: Readonly<Record<ConnectionState, number>> = Object.freeze({
    connecting: 0,
    healthy: 0,
    degraded: 0,
    unhealthy: 0,
    disconnected: 0,
  });
  #infos: readonly ConnectionInfo[] | undefined;
  #snapshot: ManagerSnapshot | undefined;
  #closing: Promise<void> | undefined;
  #over = false;
  #markClosed: () => void = () => undefined;

  /** Throws `InvalidOptionError` when a setting makes no sense, or when an alias and a default disagree. */
  constructor(config: Optional<ManagerConfig> = {}, ports: Optional<ManagerPorts> = {}) {
    this.config = resolveManagerConfig(config);
    this.#ports = defaultPorts(ports);
    const { clock } = this.#ports;
    this.#bus = new EventBus(() => clock.wall());
    this.events$ = this.#bus.events$;
    this.#fleet = new Fleet(this.#records, this.#ports, !this.config.healthMonitoring);
    this.#world = {
      ports: this.#ports,
      events$: this.events$,
      open: (record) => {
        this.#fleet.send({ type: 'SESSION.OPEN', id: record.id, atMs: clock.monotonic() });
      },
      recycle: (record, reason) => {
        this.#fleet.send({ type: 'SESSION.RECYCLE', id: record.id, atMs: clock.monotonic(), reason });
      },
      tellEdge: (record, edge) => {
        this.#fleet.send({ type: 'CALL.EDGE', id: record.id, edge });
      },
    };
    this.#owner = {
      ports: this.#ports,
      clientInfo: this.config.clientInfo,
      publish: (record, fact, from) => {
        if (from === undefined) this.#publish(record, fact);
        else this.#publish(record, fact, from, record.view.state);
      },
      changed: () => {
        this.#changed();
      },
    };
    this.#defaults = resolveServerOptions({}, this.config.defaults);
    this.sessions$ = conflatedValues(
      this.#watched(() => this.#currentInfos()),
      clock,
      sessionsEveryMs,
    );
    this.stats$ = distinctValues(this.#watched(() => this.#stats));
    this.closed = new Promise((resolve) => {
      this.#markClosed = resolve;
    });
  }

  /**
   * Adds a server and connects it. Resolves when its session is first healthy; with `waitForReady: false`, or for a lazy server, at once.
   *
   * Rejects, and keeps nothing: `InvalidOptionError`, `DuplicateServerError`, `SessionLimitError` before anything is started;
   * `ConnectError` when the first attempt fails; `CallAbortedError` when the signal aborts; `ClosedError` after `close`.
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
    if (this.#records.has(id)) throw new DuplicateServerError(id);
    if (this.#records.size >= this.config.maxConnections) throw new SessionLimitError(id, this.config.maxConnections);
    if (signal?.aborted === true) throw abortedAdd(id, signal.reason);

    const record = new SessionRecord(id, checkedTarget, resolved, this.#owner);
    const handle = new SessionHandle(record, this.#world);
    record.session = handle;
    this.#records.set(id, record);
    this.#publish(record, { type: 'serverAdded' }, undefined, record.view.state);
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
    return [...this.#currentInfos()];
  }

  #currentInfos(): readonly ConnectionInfo[] {
    this.#infos ??= Object.freeze([...this.#records.values()].map((record) => record.info));
    return this.#infos;
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
      if (!record.view.tags.has('admits calls') || record.lease.link?.isOpen !== true) continue;
      if (tool !== undefined && !record.catalog.tools.some((listed) => listed.tool.name === tool)) continue;
      if (best === undefined || comesBefore(record, best)) best = record;
    }
    return best?.session;
  }

  sessionStats(): Readonly<Record<ConnectionState, number>> {
    return this.#stats;
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
    this.#snapshot ??= Object.freeze({
      seq: this.#bus.seq,
      sessions: this.#currentInfos(),
      stats: this.#stats,
    });
    return this.#snapshot;
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
    await Promise.all([...this.#records.values()].map((record) => this.#remove(record, drainMs)));
    this.#fleet.stop();
    this.#over = true;
    this.#tell();
    this.#bus.complete();
    this.#listeners.clear();
    this.#markClosed();
  }

  #remove(record: SessionRecord, drainMs: number): Promise<void> {
    if (record.removing === undefined) {
      record.removing = record.closed.then(() => {
        if (this.#records.get(record.id) !== record) return;
        this.#records.delete(record.id);
        this.#publish(record, { type: 'serverRemoved' }, record.view.state, undefined);
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

  /** The event's number is part of every snapshot from here on, and its change of state too, before anyone is told of either. */
  #publish(record: SessionRecord, fact: SessionFact, from?: ConnectionState, to?: ConnectionState): void {
    const event = this.#bus.stamp(record.id, record.generation, fact);
    this.#snapshot = undefined;
    if (from !== undefined || to !== undefined) {
      if (from !== to) this.#count(from, to);
      this.#changed();
      record.tell();
    }
    this.#bus.deliver(event);
  }

  #count(from: ConnectionState | undefined, to: ConnectionState | undefined): void {
    const next = { ...this.#stats };
    if (from !== undefined) next[from] -= 1;
    if (to !== undefined) next[to] += 1;
    this.#stats = Object.freeze(next);
  }

  #changed(): void {
    this.#infos = undefined;
    this.#snapshot = undefined;
    this.#tell();
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

function checkId(id: string): void {
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
