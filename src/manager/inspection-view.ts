import type { AnyActorRef } from 'xstate';
import type { InspectedActor, InspectedSnapshot } from './inspection-events.ts';

/** Deeper than anything that a context or an event of ours holds. */
const deepest = 12;

/** Parts of a machine's snapshot that say nothing of its state: the machine itself. */
const ofTheMachine = new Set(['machine', '_nodes']);

/** Of all that actors know it alone is not of our making: what a server writes there may be anything. */
const stderrTail = 'stderrTail';

/** The id of a session, or of what belongs to one, among the children of a manager; undefined for what belongs to no server. */
export function serverOf(actor: AnyActorRef): string | undefined {
  if (actor.src === 'session') return actor.id;
  return actor.src === 'release' ? actor.id.slice(0, actor.id.lastIndexOf(' ')) : undefined;
}

/** The actor as an inspector may see it. */
export function viewOf(actor: AnyActorRef, parent: InspectedActor): InspectedActor {
  return view(actor, parent, definitionOf(actor), () => presentOf(actor));
}

/** XState's development build throws where there is none yet, while the actor is being made. */
function presentOf(actor: AnyActorRef): unknown {
  try {
    return actor.getSnapshot();
  } catch {
    return undefined;
  }
}

/** An actor that XState knows nothing of, above all others. */
export function topView(id: string, snapshot: () => unknown): InspectedActor {
  return view({ sessionId: id, id }, undefined, { id }, snapshot);
}

function view(
  { sessionId, id }: Pick<AnyActorRef, 'sessionId' | 'id'>,
  parent: InspectedActor | undefined,
  config: unknown,
  snapshot: () => unknown,
): InspectedActor {
  return {
    sessionId,
    id,
    _parent: parent,
    logic: { config },
    getSnapshot: () => snapshotOf(snapshot()),
    send: () => undefined,
    toJSON: () => ({ xstate$$type: 1, id }),
  };
}

/** An actor that is being made has no snapshot yet: it is shown as one that has done nothing. */
export function snapshotOf(snapshot: unknown): InspectedSnapshot {
  const fields = typeof snapshot === 'object' && snapshot !== null ? shownFields(snapshot) : {};
  const { status, output, error, ...rest } = fields;
  switch (status) {
    case 'done':
      return { ...rest, status, output, error: undefined };
    case 'error':
      return { ...rest, status, output: undefined, error };
    case 'stopped':
      return { ...rest, status, output: undefined, error: undefined };
    default:
      return { ...rest, status: 'active', output: undefined, error: undefined };
  }
}

/** An event as plain data. */
export function eventOf(event: { readonly type: string }): {
  readonly type: string;
  readonly [field: string]: unknown;
} {
  return { ...shownFields(event), type: event.type };
}

function shownFields(value: object): Record<string, unknown> {
  return fieldsOf(value, [value], (key) => !ofTheMachine.has(key));
}

function fieldsOf(value: object, path: readonly object[], isShown: (key: string) => boolean): Record<string, unknown> {
  return Object.fromEntries(
    Object.entries(value)
      .filter(
        ([key, item]) => isShown(key) && key !== stderrTail && typeof item !== 'function' && typeof item !== 'symbol',
      )
      .map(([key, item]: [string, unknown]) => [key, plain(item, path)]),
  );
}

function plain(value: unknown, path: readonly object[]): unknown {
  if (typeof value === 'function' || typeof value === 'symbol') return undefined;
  if (typeof value === 'bigint') return String(value);
  if (typeof value !== 'object' || value === null) return value;
  if (isActor(value)) return { xstate$$type: 1, id: value.id };
  if (value instanceof Error) return errorOf(value);
  if (path.includes(value)) return '[Circular]';
  if (path.length >= deepest) return '[…]';
  const here = [...path, value];
  if (value instanceof Map || value instanceof Set) return [...value].map((item: unknown) => plain(item, here));
  if (Array.isArray(value)) return value.map((item: unknown) => plain(item, here));
  return fieldsOf(value, here, () => true);
}

/** No stack and no cause: what an error is called and says is meant to be read, and nothing else of it. */
function errorOf(error: Error): Record<string, unknown> {
  const { name, message } = error;
  return 'code' in error && typeof error.code === 'string' ? { name, message, code: error.code } : { name, message };
}

function isActor(value: object): value is { readonly id: string } {
  return 'sessionId' in value && 'id' in value && 'getSnapshot' in value;
}

const definitions = new WeakMap<object, unknown>();

function definitionOf(actor: AnyActorRef): unknown {
  const logic: unknown = Reflect.get(actor, 'logic');
  if (typeof logic !== 'object' || logic === null || !('config' in logic) || typeof logic.config !== 'object')
    return undefined;
  if (!definitions.has(logic)) {
    const text = JSON.stringify(logic.config, (_, value: unknown) =>
      typeof value === 'function' ? { type: value.name } : value,
    );
    definitions.set(logic, JSON.parse(text));
  }
  return definitions.get(logic);
}
