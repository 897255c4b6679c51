import type { InspectedActor, InspectionEvent } from '../manager/inspection-events.ts';

/** The version of the inspector's protocol that is spoken: that of `@statelyai/inspect`. */
const version = '0.7.2';

/** One message of the inspector's protocol. */
export type InspectorFrame = {
  readonly sessionId: string;
  readonly rootId: string;
  /** Milliseconds since the epoch, as text. */
  readonly createdAt: string;
  readonly id: null;
  readonly _version: string;
} & (
  | {
      readonly type: '@xstate.actor';
      readonly name: string;
      readonly parentId?: string;
      /** The definition of the machine as JSON. */
      readonly definition: string;
      readonly snapshot: unknown;
    }
  | { readonly type: '@xstate.event'; readonly event: unknown; readonly sourceId?: string }
  | { readonly type: '@xstate.snapshot'; readonly event: unknown; readonly snapshot: unknown }
);

/** What an inspection event is in the inspector's protocol. */
export function frameOf(event: InspectionEvent, nowMs: number): InspectorFrame {
  const { actorRef, rootId } = event;
  const head = {
    sessionId: actorRef.sessionId,
    rootId,
    createdAt: String(nowMs),
    id: null,
    _version: version,
  } as const;
  switch (event.type) {
    case '@xstate.actor':
      return {
        type: event.type,
        ...head,
        name: actorRef.id,
        ...(actorRef._parent !== undefined && { parentId: actorRef._parent.sessionId }),
        definition: definitionOf(actorRef),
        snapshot: actorRef.getSnapshot(),
      };
    case '@xstate.event':
      return {
        type: event.type,
        ...head,
        event: event.event,
        ...(event.sourceRef !== undefined && { sourceId: event.sourceRef.sessionId }),
      };
    case '@xstate.snapshot':
      return { type: event.type, ...head, event: event.event, snapshot: event.snapshot };
  }
}

const definitions = new WeakMap<object, string>();

/** Ten thousand sessions have one definition. */
function definitionOf({ id, logic: { config } }: InspectedActor): string {
  if (typeof config !== 'object' || config === null) return JSON.stringify({ id });
  const known = definitions.get(config);
  if (known !== undefined) return known;
  const text = JSON.stringify(config);
  definitions.set(config, text);
  return text;
}
