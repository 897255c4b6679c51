import { filter, Observable } from 'rxjs';
import { CallAbortedError, ProtocolError } from '../errors/request-errors.ts';
import { ClosedError, InvalidOptionError } from '../errors/usage-errors.ts';
import { LinkError } from '../link/fault.ts';
import type { ConnectionState } from '../machines/connection-state.ts';
import { performCall, type CallOptions, type CallWorld } from './call-path.ts';
import type { Catalog } from './catalog.ts';
import type { ConnectionInfo } from './connection-info.ts';
import type { ManagerEvent, SessionEvent } from './manager-events.ts';
import { conflatedValues, distinctValues, type Watched } from './observing.ts';
import { atLeast } from './option-rules.ts';
import {
  isCompletion,
  isListedTool,
  isPrompt,
  isPromptMessage,
  isResource,
  isResourceContent,
  isResourceTemplate,
  isToolResult,
  listIn,
  type Completion,
  type LogLevel,
  type Prompt,
  type PromptResult,
  type Resource,
  type ResourceContents,
  type ResourceTemplate,
  type Tool,
  type ToolResult,
} from './results.ts';
import type { ServerDescription, Session } from './session.ts';
import type { SessionRecord } from './session-record.ts';
import { whenReady, type Patience } from './when-ready.ts';

const mostPages = 64;
const infoEveryMs = 50;
const readyTimeoutMs = 30_000;

/** What a handle needs of the manager that made it. */
export interface HandleWorld extends CallWorld {
  readonly events$: Observable<ManagerEvent>;
  open(record: SessionRecord): void;
  recycle(record: SessionRecord, reason: string): void;
}

/** The public face of a record: it holds nothing itself. */
export class SessionHandle implements Session {
  readonly id: string;
  readonly #record: SessionRecord;
  readonly #world: HandleWorld;

  constructor(record: SessionRecord, world: HandleWorld) {
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
      (before, after) => before.phase !== after.phase || before.generation !== after.generation,
    );
  }

  get server(): ServerDescription | undefined {
    return this.#record.view.context.facts ?? undefined;
  }

  get catalog(): Catalog {
    return this.#record.catalog;
  }

  get catalog$(): Observable<Catalog> {
    return distinctValues(this.#watched(() => this.#record.catalog));
  }

  get events$(): Observable<SessionEvent> {
    const mine = this.#world.events$.pipe(filter((event) => event.serverId === this.id));
    return new Observable((subscriber) => {
      if (this.#record.finished) {
        subscriber.complete();
        return;
      }
      subscriber.add(mine.subscribe(subscriber));
      void this.#record.closed.then(() => {
        subscriber.complete();
      });
    });
  }

  get notifications$(): Observable<{ readonly method: string; readonly params: unknown }> {
    return new Observable((subscriber) => {
      const stop = this.#record.onNotification((method, params) => {
        subscriber.next({ method, params });
      });
      void this.#record.closed.then(() => {
        subscriber.complete();
      });
      return stop;
    });
  }

  async ready(options: Patience = {}): Promise<void> {
    atLeast(0)(options.timeoutMs ?? 0, 'timeoutMs', this.id);
    if (this.#record.view.phase === 'idle') this.#world.open(this.#record);
    await whenReady(this.#record, { timeoutMs: options.timeoutMs ?? readyTimeoutMs, signal: options.signal });
  }

  async callTool(
    name: string,
    args?: Readonly<Record<string, unknown>>,
    options: CallOptions = {},
  ): Promise<ToolResult> {
    if (typeof name !== 'string' || name === '')
      throw new InvalidOptionError('name', name, 'the name of a tool', this.id);
    const result = await this.#call('tools/call', { name, arguments: args ?? {} }, options, name);
    if (!isToolResult(result)) {
      throw new ProtocolError(
        `Server "${this.id}" answered the call of tool "${name}" with something that is no tool result.`,
        {
          serverId: this.id,
          generation: this.#record.generation,
          outcome: 'unknown',
        },
      );
    }
    return result;
  }

  listTools(options?: CallOptions): Promise<readonly Tool[]> {
    return this.#listAll('tools/list', 'tools', isListedTool, options);
  }

  listResources(options?: CallOptions): Promise<readonly Resource[]> {
    return this.#listAll('resources/list', 'resources', isResource, options);
  }

  listResourceTemplates(options?: CallOptions): Promise<readonly ResourceTemplate[]> {
    return this.#listAll('resources/templates/list', 'resourceTemplates', isResourceTemplate, options);
  }

  listPrompts(options?: CallOptions): Promise<readonly Prompt[]> {
    return this.#listAll('prompts/list', 'prompts', isPrompt, options);
  }

  async readResource(uri: string, options: CallOptions = {}): Promise<ResourceContents> {
    const result = await this.#call('resources/read', { uri }, options);
    return { ...result, contents: listIn(result, 'contents', isResourceContent, this.#where()) };
  }

  async getPrompt(
    name: string,
    args?: Readonly<Record<string, string>>,
    options: CallOptions = {},
  ): Promise<PromptResult> {
    const result = await this.#call('prompts/get', { name, arguments: args ?? {} }, options);
    return { ...result, messages: listIn(result, 'messages', isPromptMessage, this.#where()) };
  }

  async complete(params: Readonly<Record<string, unknown>>, options: CallOptions = {}): Promise<Completion> {
    const result = await this.#call('completion/complete', params, options);
    if (!isCompletion(result)) {
      throw new ProtocolError(`Server "${this.id}" answered completion/complete without any values.`, {
        ...this.#where(),
        outcome: 'unknown',
      });
    }
    return result;
  }

  request(
    method: string,
    params?: Readonly<Record<string, unknown>>,
    options: CallOptions = {},
  ): Promise<Record<string, unknown>> {
    return this.#call(method, params, options);
  }

  async ping(options: Patience = {}): Promise<{ readonly ms: number }> {
    const { clock } = this.#world.ports;
    const began = clock.monotonic();
    await this.#call('ping', undefined, {
      timeoutMs: options.timeoutMs ?? this.#record.probeTimeoutMs,
      signal: options.signal,
      evenIfUnhealthy: true,
    });
    return { ms: clock.monotonic() - began };
  }

  async notify(method: string, params?: Readonly<Record<string, unknown>>): Promise<void> {
    const { link } = this.#record.lease;
    const where = this.#where();
    if (this.#record.removing !== undefined || this.#record.finished) throw new ClosedError('session', this.id);
    try {
      if (link === undefined)
        throw new LinkError({
          kind: 'link',
          sent: false,
          fault: { kind: 'closed', code: 'no-link', message: 'it is not connected' },
        });
      await link.notify(method, params);
    } catch (error) {
      throw new CallAbortedError(`The notification ${method} could not be given to server "${this.id}".`, {
        ...where,
        outcome: 'not-sent',
        cause: error,
      });
    }
  }

  async subscribeResource(uri: string): Promise<void> {
    await this.#call('resources/subscribe', { uri }, {});
  }

  async unsubscribeResource(uri: string): Promise<void> {
    await this.#call('resources/unsubscribe', { uri }, {});
  }

  async setLogLevel(level: LogLevel): Promise<void> {
    await this.#call('logging/setLevel', { level }, {});
  }

  reconnect(reason = 'asked for by hand'): void {
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

  async #call(
    method: string,
    params: Readonly<Record<string, unknown>> | undefined,
    options: CallOptions,
    tool?: string,
  ): Promise<Record<string, unknown>> {
    if (
      this.#record.view.phase === 'idle' ||
      (this.#record.policy.lazy && this.#record.view.phase.startsWith('connecting.'))
    ) {
      await this.ready({ timeoutMs: options.timeoutMs ?? this.#record.options.callTimeoutMs, signal: options.signal });
    }
    return performCall(this.#record, { method, params, options, tool }, this.#world);
  }

  async #listAll<T>(
    method: string,
    key: string,
    isItem: (value: unknown) => value is T,
    options: CallOptions = {},
  ): Promise<readonly T[]> {
    const all: T[] = [];
    let cursor: unknown;
    for (let page = 0; page < mostPages; page += 1) {
      const result = await this.#call(method, cursor === undefined ? undefined : { cursor }, options);
      all.push(...listIn(result, key, isItem, this.#where()));
      cursor = result['nextCursor'];
      if (typeof cursor !== 'string') break;
    }
    return all;
  }

  #where(): { readonly serverId: string; readonly generation: number } {
    return { serverId: this.id, generation: this.#record.generation };
  }

  #watched<T>(read: () => T): Watched<T> {
    return {
      read,
      onChange: (listener) => this.#record.onChange(listener),
      isOver: () => this.#record.finished,
    };
  }
}
