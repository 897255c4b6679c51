/**
 * What `manager.inspect` tells: XState's inspection events as plain data. Inspectors made for XState take them as they are;
 * nothing in them leads back to a running actor, nothing in them is a secret, and what servers write to stderr is left out.
 */

/** An actor as an inspector sees it. It stays the same object for one observer. */
export interface InspectedActor {
  /** Unique in this process; that of the root of them all is `holdfast`. */
  readonly sessionId: string;
  /** Its name among its siblings: the server's id for a session. */
  readonly id: string;
  /** Undefined for the root of them all. The name is XState's. */
  readonly _parent: InspectedActor | undefined;
  /** The machine's definition as plain data, with `{ type }` in place of functions; undefined where there is no machine. */
  readonly logic: { readonly config: unknown };
  /** As it is at this moment. */
  getSnapshot(): InspectedSnapshot;
  /** Does nothing: who inspects gives no orders. */
  send(event: unknown): void;
  /** As XState writes an actor: its place, not its contents. */
  toJSON(): { readonly xstate$$type: 1; readonly id: string };
}

/** A snapshot as plain data: Errors as `{ name, message, code }`, actors as `{ xstate$$type: 1, id }`, no functions. */
export type InspectedSnapshot = (
  | { readonly status: 'active'; readonly output: undefined; readonly error: undefined }
  | { readonly status: 'done'; readonly output: unknown; readonly error: undefined }
  | { readonly status: 'error'; readonly output: undefined; readonly error: unknown }
  | { readonly status: 'stopped'; readonly output: undefined; readonly error: undefined }
) & {
  /** The state of a machine. */
  readonly value?: unknown;
  readonly context?: unknown;
  readonly tags?: unknown;
  readonly children?: unknown;
};

interface Inspected {
  /** Always that of the root of them all: `holdfast`. */
  readonly rootId: string;
  /** The actor that it is about. */
  readonly actorRef: InspectedActor;
}

export type InspectionEvent =
  /** An actor exists. Its parent was told of before. */
  | (Inspected & { readonly type: '@xstate.actor' })
  /** The actor is sent an event; `sourceRef` is undefined where the sender is none of the inspected actors. */
  | (Inspected & {
      readonly type: '@xstate.event';
      readonly sourceRef: InspectedActor | undefined;
      readonly event: { readonly type: string; readonly [field: string]: unknown };
    })
  /** What has become of the actor after an event; `inspector.attached` stands for all those before its observer came. */
  | (Inspected & {
      readonly type: '@xstate.snapshot';
      readonly event: { readonly type: string; readonly [field: string]: unknown };
      readonly snapshot: InspectedSnapshot;
    });

/** Who is told. */
export interface InspectionObserver {
  next?(event: InspectionEvent): void;
}
