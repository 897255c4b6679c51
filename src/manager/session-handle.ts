import { EMPTY, filter, Observable, takeWhile } from './rx.ts';
import { ClosedError, InvalidOptionError } from '../errors/usage-errors.ts';
import { LinkError, type Fault } from '../link/fault.ts';
import type { AuthorizationResponse, ServerFacts } from '../link/link.ts';
import type { ConnectionState } from '../machines/connection-state.ts';
import { failureOf } from './call-failure.ts';
import type { CallWorld } from './attempt.ts';
import type { Call, Served } from './call.ts';
import { performCall } from './call-path.ts';
import { CallerVerbs } from './caller-verbs.ts';
import type { Catalog } from './catalog.ts';
import type { ConnectionInfo } from './connection-info.ts';
import { finishAuth } from './finish-auth.ts';
import type { ManagerEvent, SessionEvent } from './manager-events.ts';
import { conflatedValues, distinctValues, type Watched } from './observing.ts';
import { checkRoots, oneOf, sections, text } from './option-rules.ts';
import { isAnything, logLevels, logMessageIn, type LogLevel, type Root, type ServerLogMessage } from './results.ts';
import type { Session } from './session.ts';
import { SessionTasks, type TaskOptions } from './session-tasks.ts';
import type { ToolTask } from './tool-task.ts';
import type { SessionRecord } from './session-record.ts';
import { SessionRoute } from './session-route.ts';
import { readyRules, readyTimeoutMs, whenReady, type Patience } from './when-ready.ts';

const infoEveryMs = 50;
const checkLogLevel = oneOf(...logLevels);
const notConnected: Fault = { kind: 'closed', code: 'no-link', message: 'it is not connected' };

/** What a handle needs of the manager that made it. */
export interface HandleWorld extends CallWorld {
  readonly events$: Observable<ManagerEvent>;
  recycle(record: SessionRecord, reason: string): void;
  /** Its provider has tokens now. */
  authorized(record: SessionRecord): Promise<void>;
  resetCircuit(record: SessionRecord): void;
}

/** The public face of a record: it holds nothing itself. */
export class SessionHandle extends CallerVerbs implements Session {
  readonly id: string;
  readonly #record: SessionRecord;
  readonly #world: HandleWorld;
  #tasks: SessionTasks | undefined;

  constructor(record: SessionRecord, world: HandleWorld) {
    super();
    this.id = record.id;
    this.#record = record;
    this.#world = world;
  }

  get state(): ConnectionState {
    return this.#record.view.state;
  }

  get state$(): Observable<ConnectionState> {
    return distinctValues(this.#watched(() => this.#record.view.state));
  }

  get info(): ConnectionInfo {
    return this.#record.info;
  }

  get info$(): Observable<ConnectionInfo> {
    return conflatedValues(
      this.#watched(() => this.#record.info),
      this.#world.ports.clock,
      infoEveryMs,
      (before, after) =>
        before.phase !== after.phase || before.generation !== after.generation || before.circuit !== after.circuit,
    );
  }

  get server(): ServerFacts | undefined {
    return this.#record.known.facts ?? undefined;
  }

  get catalog(): Catalog {
    return this.#record.catalog;
  }

  get catalog$(): Observable<Catalog> {
    return distinctValues(this.#watched(() => this.#record.catalog));
  }

  acceptTool(name: string, hash?: string): void {
    this.#record.acceptTools([name], hash);
  }

  acceptTools(): readonly string[] {
    const { blocked } = this.#record.catalog;
    this.#record.acceptTools(blocked);
    return blocked;
  }

  get events$(): Observable<SessionEvent> {
    return this.#record.finished
      ? EMPTY
      : this.#world.events$.pipe(
          filter((event): event is SessionEvent => event.serverId === this.id),
          takeWhile((event) => event.type !== 'serverRemoved', true),
        );
  }

  get notifications$(): Observable<{ readonly method: string; readonly params: unknown }> {
    return this.#heard((method, params) => ({ method, params }));
  }

  get log$(): Observable<ServerLogMessage> {
    return this.#heard(logMessageIn);
  }

  async ready(options: Patience = {}): Promise<void> {
    sections(options, readyRules, '', this.id);
    const { timeoutMs = readyTimeoutMs, signal } = options;
    if (this.#record.view.phase === 'idle' && signal?.aborted !== true) this.#world.open(this.#record);
    await whenReady(this.#record, { timeoutMs, signal });
  }

  startTask(name: string, args: Readonly<Record<string, unknown>> = {}, options: TaskOptions = {}): Promise<ToolTask> {
    this.#tasks ??= new SessionTasks(this.#record, (call) => this.perform(call));
    return this.#tasks.start(name, args, options);
  }

  async ping(options: Patience = {}): Promise<{ readonly ms: number }> {
    const { clock } = this.#world.ports;
    const began = clock.monotonic();
    const { timeoutMs = this.#record.probeTimeoutMs, signal } = options;
    await this.perform({
      method: 'ping',
      params: undefined,
      options: { timeoutMs, signal, evenIfUnhealthy: true, waitForReadyMs: 0 },
      isResult: isAnything,
      isCheck: true,
    });
    return { ms: clock.monotonic() - began };
  }

  async notify(method: string, params?: Readonly<Record<string, unknown>>): Promise<void> {
    if (this.#record.removing !== undefined || this.#record.finished) throw new ClosedError('session', this.id);
    const { generation } = this.#record;
    const { link } = this.#record.lease;
    try {
      if (link === undefined) throw new LinkError({ kind: 'link', sent: false, fault: notConnected });
      await link.notify(method, params);
    } catch (error) {
      throw failureOf(error, this.id, generation, { method }, undefined);
    }
  }

  async subscribeResource(uri: string): Promise<void> {
    text(uri, 'uri', this.id);
    await this.#record.wishes.subscribeTo(uri, () => this.#askAgain('resources/subscribe', { uri }));
  }

  async unsubscribeResource(uri: string): Promise<void> {
    text(uri, 'uri', this.id);
    await this.#record.wishes.unsubscribeFrom(uri, () => this.#askAgain('resources/unsubscribe', { uri }));
  }

  async setLogLevel(level: LogLevel): Promise<void> {
    checkLogLevel(level, 'level', this.id);
    await this.#record.wishes.setLevel(level, () => this.#askAgain('logging/setLevel', { level }));
  }

  async setRoots(roots: readonly Root[]): Promise<void> {
    checkRoots(roots, this.id);
    await this.#record.wishes.setRoots(roots);
  }

  get subscriptions(): readonly string[] {
    return this.#record.wishes.subscriptions;
  }

  async finishAuth(params: URLSearchParams | AuthorizationResponse): Promise<void> {
    if (this.#record.removing !== undefined || this.#record.finished) throw new ClosedError('session', this.id);
    await finishAuth(this.#record, params, this.#world.ports);
    await this.#world.authorized(this.#record);
  }

  reconnect(reason = 'asked for by hand'): void {
    text(reason, 'reason', this.id);
    if (this.#record.removing !== undefined || this.#record.finished) throw new ClosedError('session', this.id);
    if (this.#record.target.kind === 'once') {
      throw new InvalidOptionError(
        'target',
        'once',
        'stdio, custom or http for a server that is to be connected again',
        this.id,
      );
    }
    if (this.#record.view.phase === 'idle') this.#world.open(this.#record);
    else this.#world.recycle(this.#record, reason);
  }

  resetCircuit(): void {
    if (this.#record.removing !== undefined || this.#record.finished) throw new ClosedError('session', this.id);
    this.#world.resetCircuit(this.#record);
  }

  protected perform<Result>(call: Call<Result>): Promise<Served<Result>> {
    return performCall(new SessionRoute(this.#record), call, this.#world);
  }

  /** What does no harm twice. Resolves with the generation that answered. */
  async #askAgain(method: string, params: Readonly<Record<string, unknown>>): Promise<number> {
    const served = await this.perform({ method, params, options: { retry: 'safe' }, isResult: isAnything });
    return served.generation;
  }

  /** What the reader makes of each notification, but for those of which it makes nothing. */
  #heard<T>(read: (method: string, params: unknown) => T | undefined): Observable<T> {
    return new Observable((subscriber) => {
      const stop = this.#record.onNotification((method, params) => {
        const heard = read(method, params);
        if (heard !== undefined) subscriber.next(heard);
      });
      void this.#record.closed.then(() => {
        subscriber.complete();
      });
      return stop;
    });
  }

  #watched<T>(read: () => T): Watched<T> {
    return {
      read,
      onChange: (listener) => this.#record.onChange(listener),
      isOver: () => this.#record.finished,
    };
  }
}
