/**
 * What `manager.instrument` takes: someone who hears of every operation as it happens, and may add to what is sent. Everything is told
 * synchronously, in the async context of whoever made the call.
 */
import type { Era } from '../link/link.ts';

/** The connection over which something is asked. */
export interface OperationConnection {
  readonly serverId: string;
  readonly generation: number;
  /** How the server's target says that it is reached. */
  readonly transport: 'stdio' | 'http' | 'webSocket' | 'custom' | 'once';
  /** The protocol era that the server speaks; null while that is not known. */
  readonly era: Era | null;
  readonly protocolVersion: string | null;
}

/** One call of a verb: it has one end, however many attempts it takes. */
export interface Operation {
  /** The protocol's method: `tools/call`, `resources/read`, … */
  readonly method: string;
  /** As they were given; not to be changed. */
  readonly params: Readonly<Record<string, unknown>> | undefined;
  /** The tool that is called, if one is. */
  readonly tool: string | undefined;
  /** What it is asked of. */
  readonly via: { readonly server: string } | { readonly group: string };
}

/** The operation is about to be handed to a connection. */
export interface OperationAttempt extends OperationConnection {
  /** 1 for the first. */
  readonly attempt: number;
  /** Since the operation began, in milliseconds: what it has waited for its turn, for a connection, and for attempts before this one. */
  readonly elapsedMs: number;
  /** What became of the attempt before this one: a `HoldfastError`; undefined for the first. */
  readonly after: unknown;
}

/** What became of something that was asked. */
export type Settled = { readonly ok: true; readonly result: unknown } | { readonly ok: false; readonly error: unknown };

/** How an operation ended. Its `error` is a `HoldfastError`: the one that the caller gets. */
export type OperationEnd = Settled & {
  readonly elapsedMs: number;
  /** How often it was handed to a connection; 0: it was not sent. */
  readonly attempts: number;
};

/** Who hears how one operation goes on. */
export interface OperationObserver {
  /**
   * Comes before each attempt is sent. What it returns is added to the `_meta` of the request's params; what the caller has put there
   * stays.
   */
  attempted?(attempt: OperationAttempt): Readonly<Record<string, unknown>> | undefined;
  /** Comes once, and last. */
  ended?(end: OperationEnd): void;
}

/** Something that a server asks of us, and that one of its `handlers` answers. */
export interface ServerRequest extends OperationConnection {
  readonly method: 'elicitation/create' | 'roots/list' | 'sampling/createMessage';
  /** As the server sent them; undefined for `roots/list`. */
  readonly params: Readonly<Record<string, unknown>> | undefined;
}

/** How a server's request ended. `error` is whatever the handler threw. */
export type ServerRequestEnd = Settled & { readonly elapsedMs: number };

/** Who hears how one request of a server goes on. */
export interface ServerRequestObserver {
  /** Calls `run`, which calls the handler: in an async context of the observer's, for example. It must return what `run` returns. */
  within?<T>(run: () => T): T;
  /** Comes once, and last. */
  ended?(end: ServerRequestEnd): void;
}

/** Who hears of operations. Either may return undefined: of this one it hears nothing more. */
export interface Instrumentation {
  beginOperation?(operation: Operation): OperationObserver | undefined;
  beginServerRequest?(request: ServerRequest): ServerRequestObserver | undefined;
}
