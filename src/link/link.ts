/**
 * The port to MCP: everything that the rest of holdfast knows of a connection.
 *
 * One link is one connection generation. It is opened once, goes down once and is never reused;
 * health, reconnection and groups are its owner's business, not its own.
 */
import type { Fault } from './fault.ts';
import type { HttpTarget, LinkTarget } from './target.ts';

/** Which protocol family a server speaks: `legacy` is ≤ 2025-11-25, `modern` is 2026-07-28 and later. */
export type Era = 'legacy' | 'modern';

/**
 * Which eras a link may be opened in. `auto`: `initialize` first, and the modern handshake over the same transport where the server
 * refuses that because it speaks only the modern era; a server that speaks both is spoken to in the legacy one.
 */
export type Protocol = 'auto' | Era;

/** What a server said of itself when the link opened. */
export interface ServerFacts {
  readonly era: Era;
  readonly protocolVersion: string | null;
  readonly info: { readonly name: string; readonly version: string } | null;
  readonly capabilities: Readonly<Record<string, unknown>>;
  readonly instructions: string | null;
  /** Process id of a stdio server, else null. */
  readonly pid: number | null;
}

/** What a link tells its owner. `opened` comes at most once and first of its kind; `down` comes exactly once and last. */
export type LinkEvent =
  | { readonly type: 'opened'; readonly facts: ServerFacts }
  /** The process exists: known before `opened`, so that a server that hangs in its start can be seen and killed. */
  | { readonly type: 'spawned'; readonly pid: number }
  /** How many requests of the server wait for a person at the moment; told when that number changes. */
  | { readonly type: 'asking'; readonly people: number }
  /** A notification from the server. */
  | { readonly type: 'notice'; readonly method: string; readonly params: unknown }
  | { readonly type: 'stderr'; readonly line: string }
  /** Something is wrong but the link still stands: a hint to probe soon. */
  | { readonly type: 'fault'; readonly fault: Fault }
  | { readonly type: 'down'; readonly fault: Fault };

/**
 * How a link is let go.
 * - `graceful`: say goodbye (HTTP: DELETE), then the kill ladder (stdio: end stdin, SIGTERM to the group, SIGKILL to the group).
 * - `kill`: SIGKILL to the process group at once.
 * - `lost`: drop the transport without a goodbye; the session is already gone on the other side.
 */
export type CloseMode = 'graceful' | 'kill' | 'lost';

export interface RequestOptions {
  /** Called for each progress notification of this request. Must not throw. */
  readonly onProgress?: ((progress: Progress) => void) | undefined;
}

/** Something that was asked of the other side and is not answered yet. */
export interface Pending<Answer> {
  /** True when the link answers by itself, without asking the server: no proof that the server lives. Default false. */
  readonly isOwnAnswer?: boolean | undefined;
  /** Settles exactly once; rejects only with a `LinkError`. */
  readonly answer: Promise<Answer>;
  /**
   * Nobody waits any longer: rejects the answer at once as `aborted` and tells the server, if it may have the request. Nothing of a
   * request that has not left is sent after it. Without effect on what is settled. Without a signal, since one costs more than a call.
   */
  cancel(): void;
}

export interface Progress {
  readonly progress: number;
  readonly total?: number | undefined;
  readonly message?: string | undefined;
}

export interface Link {
  /** True between `opened` and the first sign of the end: what the call path reads before it hands over a request. */
  readonly isOpen: boolean;
  /**
   * One cheap round trip that proves that the server answers: `ping` on legacy, `server/discover` on modern.
   * Any correlated answer, an error too, is proof.
   */
  probe(): Pending<void>;
  /** One request. Time limits are the caller's, who cancels it. Never throws. */
  request(
    method: string,
    params: Readonly<Record<string, unknown>> | undefined,
    options?: RequestOptions,
  ): Pending<Record<string, unknown>>;
  notify(method: string, params: Readonly<Record<string, unknown>> | undefined): Promise<void>;
  /**
   * Lets the link go; never rejects, and resolves when the peer is really gone (its process group reaped, its sockets closed).
   * A second call with a harsher mode hastens the first. `down` is delivered before it resolves.
   */
  close(mode: CloseMode): Promise<void>;
}

/** In the `_meta` of a `notifications/resources/updated` that the link tells by itself: nobody listened for a while, it may have changed. */
export type GapMark = 'holdfast/gap';

/** Who asks, and whether the answer is still wanted. */
export interface ServerRequestContext {
  /** Id of the server that asks. */
  readonly session: string;
  /** Aborts when nobody waits for the answer any more: the server has taken its request back, or its connection has ended. */
  readonly signal: AbortSignal;
}

type ServerRequestHandler = (
  params: Record<string, unknown>,
  context: ServerRequestContext,
) => Promise<Record<string, unknown>>;

/**
 * Answers to what a server may ask of its client, which says that it can be asked whatever has a handler here; the rest is refused. The
 * params are as the protocol has them.
 *
 * A handler that throws, or answers what the protocol does not know, becomes an error answer to that server, nothing more; an error
 * with an integer `code` goes to the server as it is. At most 64 requests of one connection are answered at a time.
 */
export interface ServerRequestHandlers {
  /** `elicitation/create` by form: shows a person what `params.requestedSchema` wants. While it runs, calls to that server do not time out. */
  readonly elicit?: ServerRequestHandler | undefined;
  /**
   * `elicitation/create` by URL: asks a person whether to open `params.url`, and answers when they have said so, not when they are done
   * there: that is `notifications/elicitation/complete`. While it runs, calls to that server do not time out.
   */
  readonly elicitUrl?: ServerRequestHandler | undefined;
  /** `sampling/createMessage`. */
  readonly sample?: ServerRequestHandler | undefined;
  /** `roots/list`. */
  readonly roots?:
    | ((
        context: ServerRequestContext,
      ) => Promise<readonly { readonly uri: string; readonly name?: string | undefined }[]>)
    | undefined;
}

export interface OpenSpec {
  readonly serverId: string;
  readonly generation: number;
  readonly target: LinkTarget;
  readonly clientInfo: { readonly name: string; readonly version: string };
  readonly handlers: ServerRequestHandlers | undefined;
  /** Default `auto`. */
  readonly protocol?: Protocol | undefined;
  /** The era in which the server was last spoken to, if that is worth trying first; it matters to `auto` alone. */
  readonly knownEra?: Era | undefined;
  /** Receives every event, synchronously and in order. Must not throw. Nothing is delivered after `down`. */
  readonly onEvent: (event: LinkEvent) => void;
}

/** What a person came back with from where they were sent: the query of the redirect address. */
export interface AuthorizationResponse {
  readonly code?: string | undefined;
  readonly state?: string | undefined;
  /** Who issued the code (RFC 9207). */
  readonly iss?: string | undefined;
  /** OAuth's code of a refusal, such as `access_denied`. */
  readonly error?: string | undefined;
}

/**
 * Why an authorisation did not come about.
 *
 * | kind | meaning |
 * |---|---|
 * | `nothing-pending` | none waits for an answer: it was finished or given up, or another process began it |
 * | `state-mismatch` | the answer is not that to the question that was asked, which still waits for its own |
 * | `no-code` | the answer holds neither a code nor a refusal |
 * | `denied` | the person or the authorisation server refused; `cause` is OAuth's code |
 * | `exchange-failed` | the code could not be exchanged; `cause` is what was thrown |
 */
export interface AuthorizationProblem {
  readonly kind: 'nothing-pending' | 'state-mismatch' | 'no-code' | 'denied' | 'exchange-failed';
  readonly cause?: unknown;
}

/** Opens links. `open` returns at once and never throws: what goes wrong arrives as `down`. */
export interface LinkDriver {
  readonly name: string;
  open(spec: OpenSpec): Link;
  /**
   * Ends the authorisation that waits for a person, with what they came back with. Null: the provider of this target has tokens now. A
   * driver without it has no authorisations to end. Never rejects.
   */
  finishAuthorization?(target: HttpTarget, response: AuthorizationResponse): Promise<AuthorizationProblem | null>;
}
