import { CallAbortedError } from '../errors/request-errors.ts';
import {
  DuplicateServerError,
  InvalidOptionError,
  SessionLimitError,
  UnknownServerError,
} from '../errors/usage-errors.ts';
import { serverIdFault } from '../config/server-id.ts';
import { connectionStates } from '../machines/connection-state.ts';
import type { Fleet } from './fleet.ts';
import type { GroupRegistry } from './group-registry.ts';
import type { Ledger } from './ledger.ts';
import type { ManagerConfig } from './manager-config.ts';
import { abortSignal, atLeast, objectValue, sections, type Rules } from './option-rules.ts';
import { resolveServerOptions, type ResolvedServerOptions, type ServerOptions } from './server-options.ts';
import { SessionHandle, type HandleWorld } from './session-handle.ts';
import { SessionRecord, type RecordOwner } from './session-record.ts';
import { checkTarget, type ServerTarget } from './targets.ts';
import { whenReady } from './when-ready.ts';

const removalRules: Rules = { drainMs: atLeast(0), signal: abortSignal };

/** What the servers of a manager live among. */
export interface ServerSurroundings {
  readonly config: Readonly<ManagerConfig>;
  readonly owner: RecordOwner;
  readonly world: HandleWorld;
  readonly groups: GroupRegistry;
  readonly ledger: Ledger;
  readonly fleet: Fleet;
}

interface CheckedServer {
  readonly target: ServerTarget;
  readonly options: ResolvedServerOptions;
}

/** The servers of one manager. */
export class ServerRegistry {
  readonly #records: Map<string, SessionRecord>;
  readonly #around: ServerSurroundings;
  readonly #defaults: ResolvedServerOptions;

  constructor(records: Map<string, SessionRecord>, around: ServerSurroundings) {
    this.#records = records;
    this.#around = around;
    this.#defaults = resolveServerOptions({}, around.config.defaults);
  }

  /** Rejects, and keeps nothing, with what `SessionManager.addServer` says. */
  async add(
    id: string,
    target: ServerTarget,
    options: ServerOptions & { readonly signal?: AbortSignal | undefined },
  ): Promise<SessionHandle> {
    const { config, owner, world, groups, ledger, fleet } = this.#around;
    checkId(id);
    objectValue(options, 'options', id);
    const { signal, ...serverOptions } = options;
    if (signal !== undefined) abortSignal(signal, 'signal', id);
    const { target: checkedTarget, options: resolved } = this.check(id, target, serverOptions);
    if (this.#records.has(id) || groups.has(id)) throw new DuplicateServerError(id);
    if (this.#records.size >= config.maxConnections) throw new SessionLimitError(id, config.maxConnections);
    if (signal?.aborted === true) throw abortedAdd(id, signal.reason);

    const record = new SessionRecord(id, checkedTarget, resolved, owner);
    const handle = new SessionHandle(record, world);
    record.session = handle;
    this.#records.set(id, record);
    groups.enlist(record);
    ledger.publish(record, { type: 'serverAdded' }, undefined, record.view.state);
    fleet.start(id);
    if (!resolved.waitForReady || resolved.lazy) return handle;
    try {
      await whenReady(record, { firstAttemptOnly: true, signal });
      return handle;
    } catch (error) {
      await this.#remove(record, 0);
      throw error instanceof CallAbortedError ? abortedAdd(id, error.cause) : error;
    }
  }

  /** What the server would be held as. Throws `InvalidOptionError`. */
  check(id: string, target: ServerTarget, options: ServerOptions): CheckedServer {
    const isPlain = Object.keys(options).length === 0;
    return {
      options: isPlain ? this.#defaults : resolveServerOptions(options, this.#around.config.defaults, id),
      target: checkTarget(target, id),
    };
  }

  /** False when there is no such server. Throws `InvalidOptionError`. */
  async remove(
    id: string,
    options: { readonly drainMs?: number | undefined; readonly signal?: AbortSignal | undefined },
  ): Promise<boolean> {
    objectValue(options, 'options', id);
    sections(options, removalRules, '', id);
    const record = this.#records.get(id);
    if (record === undefined) return false;
    const { drainMs = this.#around.config.drainMs, signal } = options;
    const hasten = (): void => {
      this.#drain(record, 0);
    };
    signal?.addEventListener('abort', hasten, { once: true });
    const removed = this.#remove(record, signal?.aborted === true ? 0 : drainMs);
    await removed.finally(() => {
      signal?.removeEventListener('abort', hasten);
    });
    return true;
  }

  /** All are being removed from here on; when there are many, they are told so in turns of the event loop. */
  async removeAll(drainMs: number): Promise<void> {
    const { fleet } = this.#around;
    const inTurn = (order: () => void): void => {
      fleet.inTurn(order);
    };
    await Promise.all([...this.#records.values()].map((record) => this.#remove(record, drainMs, inTurn)));
  }

  /** Nobody waits any longer for the calls in flight of those that are being removed. */
  hastenAll(): void {
    for (const record of this.#records.values()) this.#drain(record, 0);
  }

  find(id: string): SessionHandle | undefined {
    return this.#records.get(id)?.session;
  }

  /** Throws `UnknownServerError`. */
  get(id: string): SessionHandle {
    const handle = this.find(id);
    if (handle === undefined) throw new UnknownServerError(id, [...this.#records.keys()]);
    return handle;
  }

  /** The best of those that admit calls now; undefined when none does. */
  best({
    among,
    tool,
  }: {
    readonly among?: readonly string[] | undefined;
    readonly tool?: string | undefined;
  }): SessionHandle | undefined {
    let best: SessionRecord | undefined;
    for (const record of this.#records.values()) {
      if (among !== undefined && !among.includes(record.id)) continue;
      if (!record.admits || record.lease.link?.isOpen !== true) continue;
      if (tool !== undefined && !record.catalog.tools.some((listed) => listed.tool.name === tool)) continue;
      if (best === undefined || comesBefore(record, best)) best = record;
    }
    return best?.session;
  }

  /** `carryOut`: when its session is told. */
  #remove(record: SessionRecord, drainMs: number, carryOut: (order: () => void) => void = atOnce): Promise<void> {
    const drain = (): void => {
      this.#drain(record, drainMs);
    };
    if (record.removing === undefined) {
      record.removing = record.closed.then(() => {
        if (this.#records.get(record.id) !== record) return;
        this.#records.delete(record.id);
        this.#around.ledger.publish(record, { type: 'serverRemoved' }, record.view.state, undefined);
        record.releaseSecrets();
      });
      carryOut(drain);
    } else if (drainMs === 0) {
      carryOut(drain);
    }
    return record.removing;
  }

  #drain(record: SessionRecord, drainMs: number): void {
    this.#around.fleet.send({ type: 'SESSION.DRAIN', id: record.id, drainMs, inFlight: record.tally.inFlight });
  }
}

function atOnce(order: () => void): void {
  order();
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
