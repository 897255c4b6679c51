import type { Observable } from 'rxjs';
import type { AuthorizationResponse, ServerFacts } from '../link/link.ts';
import type { ConnectionState } from '../machines/connection-state.ts';
import type { CallOptions } from './call-options.ts';
import type { Catalog } from './catalog.ts';
import type { ConnectionInfo } from './connection-info.ts';
import type { SessionEvent } from './manager-events.ts';
import type { TaskOptions } from './session-tasks.ts';
import type { ToolTask } from './tool-task.ts';
import type { ToolCallUpdate } from './observed-call.ts';
import type {
  Completion,
  LogLevel,
  Prompt,
  PromptResult,
  Resource,
  ResourceContents,
  ResourceTemplate,
  Root,
  ServerLogMessage,
  Tool,
  ToolResult,
} from './results.ts';

/**
 * What can be called. What was certainly not executed is sent again, up to `retry.maxAttempts`; what may have been executed is not, unless
 * doing it twice does no harm. Each verb rejects with a typed error that says whether the server may have executed it
 * (`outcome`): `NotReadyError`, `CircuitOpenError`, `QueueFullError`, `CallTimeoutError`, `CallAbortedError`, `OutcomeUnknownError`,
 * `RpcError`, `OverloadedError`, `AuthRequiredError`, `ToolChangedError`, `ProtocolError`, `ClosedError`, or `InvalidOptionError` for options that make no sense.
 */
export interface Caller {
  readonly id: string;
  /**
   * Resolves when calls are admitted. Rejects with `NotReadyError` after `timeoutMs` (default 30 000), at once when the
   * session waits for a token or a mended configuration, and with `ClosedError` when it is removed.
   * A lazy session is opened by it.
   */
  ready(options?: {
    readonly timeoutMs?: number | undefined;
    readonly signal?: AbortSignal | undefined;
  }): Promise<void>;
  callTool(name: string, args?: Readonly<Record<string, unknown>>, options?: CallOptions): Promise<ToolResult>;
  /**
   * The same, observed: progress as the server tells of it, then the result, and that completes it; what `callTool` rejects with is its error.
   * Cold: each subscription is one call, and unsubscribing aborts it.
   */
  callTool$(name: string, args?: Readonly<Record<string, unknown>>, options?: CallOptions): Observable<ToolCallUpdate>;
  /** All pages, up to 64. */
  listTools(options?: CallOptions): Promise<readonly Tool[]>;
  listResources(options?: CallOptions): Promise<readonly Resource[]>;
  listResourceTemplates(options?: CallOptions): Promise<readonly ResourceTemplate[]>;
  listPrompts(options?: CallOptions): Promise<readonly Prompt[]>;
  readResource(uri: string, options?: CallOptions): Promise<ResourceContents>;
  getPrompt(name: string, args?: Readonly<Record<string, string>>, options?: CallOptions): Promise<PromptResult>;
  complete(params: Readonly<Record<string, unknown>>, options?: CallOptions): Promise<Completion>;
  /** Any other method of the protocol. */
  request(
    method: string,
    params?: Readonly<Record<string, unknown>>,
    options?: CallOptions,
  ): Promise<Record<string, unknown>>;
}

/** One server, held. It stays the same object over all its connections. */
export interface Session extends Caller {
  readonly state: ConnectionState;
  /** The current state first, then every change. Completes when the session is closed; never errors. */
  readonly state$: Observable<ConnectionState>;
  readonly info: ConnectionInfo;
  /** The current info first; changes of state at once, counts at most every 50 ms. Completes when the session is closed. */
  readonly info$: Observable<ConnectionInfo>;
  /** What the server said of itself when it was last connected; undefined before the first connection. */
  readonly server: ServerFacts | undefined;
  readonly catalog: Catalog;
  readonly catalog$: Observable<Catalog>;
  /**
   * Lets a tool be called as it is listed now although it changed; see `toolChanges`. `hash`: only if it is still this one, so that nothing
   * is accepted that came after you looked. Throws `InvalidOptionError` when it is another one, or when there is no such tool.
   */
  acceptTool(name: string, hash?: string): void;
  /** The same for all tools in `catalog.blocked`; returns their names. */
  acceptTools(): readonly string[];
  /** Hot. Completes when the session is closed. */
  readonly events$: Observable<SessionEvent>;
  /** The server's notifications. Hot. */
  readonly notifications$: Observable<{ readonly method: string; readonly params: unknown }>;
  /** The server's log messages, from the level on that was set with `setLogLevel`. Hot. Completes when the session is closed. */
  readonly log$: Observable<ServerLogMessage>;
  /**
   * Has the server run a tool as a task, which goes on without a connection: over reconnects, and over the end of the server’s process if
   * the server keeps it. Resolves when the server has taken it; the result is the task's. Rejects as a call does, and with `TaskError` where
   * the server or the tool runs no tasks, or runs 256 for this session.
   */
  startTask(name: string, args?: Readonly<Record<string, unknown>>, options?: TaskOptions): Promise<ToolTask>;
  /** One round trip, measured. It does not count as a health check. */
  ping(options?: {
    readonly timeoutMs?: number | undefined;
    readonly signal?: AbortSignal | undefined;
  }): Promise<{ readonly ms: number }>;
  notify(method: string, params?: Readonly<Record<string, unknown>>): Promise<void>;
  /** What is subscribed to, over all connections. */
  readonly subscriptions: readonly string[];
  /**
   * Has the server tell of changes of this resource, as `resourceUpdated` events. Resolves when the server grants it, and holds from
   * then on: every new connection is asked for it again, and `resourceUpdated` with `gap: true` says that changes may have been
   * missed before; a connection that refuses is told as `wishRefused`. Rejects as a call does, and then nothing holds.
   */
  subscribeResource(uri: string): Promise<void>;
  /** Takes that back, also while nobody is connected. Rejects when the server that is connected does not take it; nothing holds all the same. */
  unsubscribeResource(uri: string): Promise<void>;
  /** From which level on the server sends its log messages, as notifications. Holds over all connections once the server took it. */
  setLogLevel(level: LogLevel): Promise<void>;
  /**
   * The roots that the server may ask for, instead of those of `handlers.roots`; it is told that they have changed. A connection that was
   * opened when there were neither learns of them with the next one.
   */
  setRoots(roots: readonly Root[]): Promise<void>;
  /**
   * Ends the authorisation that `authRequired` told of, with what the person came back with: the query of the redirect address. The session
   * connects then, and so does every other one that waits for the same provider. Rejects with `AuthorizationError`.
   */
  finishAuth(params: URLSearchParams | AuthorizationResponse): Promise<void>;
  /**
   * Lets the connection go and makes the next one now; wakes a session that waits or is parked. At most one attempt a second
   * is started by hand. Throws `ClosedError` after removal, and `InvalidOptionError` for a `once` target, which cannot be connected again.
   */
  reconnect(reason?: string): void;
  /**
   * Closes the circuit, whatever it was, and forgets the calls that failed: somebody knows that the server is well. A new connection by
   * itself does not close it, not even one that was asked for with `reconnect()`. Throws `ClosedError` after removal.
   */
  resetCircuit(): void;
}
