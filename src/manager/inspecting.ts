import type { AnyActorRef, InspectionEvent as SystemEvent, Subscription } from 'xstate';
import { InvalidOptionError } from '../errors/usage-errors.ts';
import type { InspectedActor, InspectionEvent, InspectionObserver } from './inspection-events.ts';
import { eventOf, serverOf, snapshotOf, topView, viewOf } from './inspection-view.ts';
import type { Logger } from './logger.ts';
import { objectValue, sections, type Rules } from './option-rules.ts';
import type { RootMaker } from './root-maker.ts';

const rules: Rules = {
  servers: (value, field) => {
    if (!Array.isArray(value) || value.some((id) => typeof id !== 'string'))
      throw new InvalidOptionError(field, value, 'a list of server ids');
  },
};
const rootId = 'holdfast';

/** The manager actors of one manager, and who inspects them. */
export class Inspecting {
  readonly #logger: Logger;
  readonly #roots = new Set<AnyActorRef>();
  readonly #watches = new Set<Watch>();
  #closed = false;

  constructor(logger: Logger) {
    this.#logger = logger;
  }

  /** The same maker; every manager actor that it makes is inspected from its beginning to its end. */
  noting(maker: RootMaker): RootMaker {
    return {
      make: (spec) => {
        const made = maker.make(spec);
        const { actor } = made;
        this.#roots.add(actor);
        actor.subscribe({
          error: (error) => {
            this.#roots.delete(actor);
            for (const watch of this.#watches) watch.rootCrashed(actor, error);
          },
          complete: () => {
            this.#roots.delete(actor);
          },
        });
        for (const watch of this.#watches) watch.adopt(actor);
        return made;
      },
      onLost: (listener) => {
        maker.onLost(listener);
      },
    };
  }

  attach(observer: InspectionObserver, options: { readonly servers?: readonly string[] | undefined }): () => void {
    objectValue(observer, 'observer', undefined);
    sections(options, rules, '', undefined);
    const watch = new Watch(observer, options.servers, (error) => {
      this.#watches.delete(watch);
      this.#logger.error({ err: error }, 'an inspection observer threw; it is told nothing more');
    });
    this.#watches.add(watch);
    watch.begin(this.#roots);
    if (this.#closed) this.#end(watch);
    return () => {
      this.#watches.delete(watch);
      watch.stop();
    };
  }

  close(): void {
    this.#closed = true;
    for (const watch of this.#watches) this.#end(watch);
  }

  #end(watch: Watch): void {
    this.#watches.delete(watch);
    watch.end();
  }
}

/** One observer. It is told of one thing after the other, also of what it causes itself. */
class Watch {
  readonly #observer: InspectionObserver;
  readonly #servers: ReadonlySet<string> | undefined;
  readonly #failed: (error: unknown) => void;
  readonly #views = new WeakMap<object, InspectedActor>();
  readonly #systems = new Map<AnyActorRef['system'], Subscription>();
  readonly #waiting: InspectionEvent[] = [];
  readonly #top: InspectedActor;
  #telling = false;
  #status: 'active' | 'stopped' = 'active';
  #over = false;

  constructor(observer: InspectionObserver, servers: readonly string[] | undefined, failed: (error: unknown) => void) {
    this.#observer = observer;
    this.#servers = servers === undefined ? undefined : new Set(servers);
    this.#failed = failed;
    this.#top = topView(rootId, () => ({ status: this.#status }));
  }

  begin(roots: Iterable<AnyActorRef>): void {
    this.#tell({ type: '@xstate.actor', rootId, actorRef: this.#top });
    this.#tellSnapshot(this.#top, { type: 'inspector.attached' }, this.#top.getSnapshot());
    for (const root of roots) this.adopt(root);
  }

  /** A manager actor is there, and may have children already. */
  adopt(root: AnyActorRef): void {
    if (this.#over) return;
    const { system } = root;
    if (!this.#systems.has(system)) {
      this.#systems.set(
        system,
        system.inspect({
          next: (event) => {
            this.#hear(event);
          },
        }),
      );
    }
    this.#announce(root, this.#top);
  }

  rootCrashed(root: AnyActorRef, error: unknown): void {
    const view = this.#views.get(root);
    if (view === undefined) return;
    const crash = { type: `xstate.error.actor.${root.id}`, error };
    this.#tellSnapshot(view, crash, { status: 'error', error });
    // XState may still tell of the snapshot that the crash has overtaken.
    this.#views.delete(root);
  }

  end(): void {
    this.#status = 'stopped';
    this.#tellSnapshot(this.#top, { type: 'xstate.stop' }, { status: 'stopped' });
    this.stop();
  }

  stop(): void {
    this.#over = true;
    for (const subscription of this.#systems.values()) subscription.unsubscribe();
    this.#systems.clear();
  }

  #announce(actor: AnyActorRef, parent: InspectedActor): void {
    const view = this.#introduce(actor, parent);
    if (view === undefined) return;
    const snapshot: { readonly children?: Readonly<Record<string, AnyActorRef | undefined>> } = actor.getSnapshot();
    this.#tellSnapshot(view, { type: 'inspector.attached' }, snapshot);
    for (const child of Object.values(snapshot.children ?? {})) {
      if (child !== undefined) this.#announce(child, view);
    }
  }

  /** Tells of an actor that was not told of before; undefined for one that is not to be told of. */
  #introduce(actor: AnyActorRef, parent: InspectedActor): InspectedActor | undefined {
    if (this.#views.has(actor)) return undefined;
    const server = serverOf(actor);
    if (server !== undefined && this.#servers?.has(server) === false) return undefined;
    const view = viewOf(actor, parent);
    this.#views.set(actor, view);
    this.#tell({ type: '@xstate.actor', rootId, actorRef: view });
    return view;
  }

  /** Others may live in the same system; they are none of ours. */
  #hear(event: SystemEvent): void {
    if (this.#over) return;
    if (event.type === '@xstate.actor') {
      const actor = event.actorRef;
      const parent = isActorRef(actor) && actor._parent !== undefined ? this.#views.get(actor._parent) : undefined;
      if (isActorRef(actor) && parent !== undefined) this.#introduce(actor, parent);
      return;
    }
    const view = this.#views.get(event.actorRef);
    if (view === undefined) return;
    if (event.type === '@xstate.event') {
      const sourceRef = event.sourceRef === undefined ? undefined : this.#views.get(event.sourceRef);
      this.#tell({ type: event.type, rootId, actorRef: view, sourceRef, event: eventOf(event.event) });
    } else if (event.type === '@xstate.snapshot') {
      this.#tellSnapshot(view, event.event, event.snapshot);
    }
  }

  #tellSnapshot(actorRef: InspectedActor, event: { readonly type: string }, snapshot: unknown): void {
    this.#tell({
      type: '@xstate.snapshot',
      rootId,
      actorRef,
      event: eventOf(event),
      snapshot: snapshotOf(snapshot),
    });
  }

  #tell(event: InspectionEvent): void {
    this.#waiting.push(event);
    if (this.#telling) return;
    this.#telling = true;
    for (let next = this.#waiting.shift(); next !== undefined; next = this.#waiting.shift()) {
      if (this.#over) continue;
      try {
        this.#observer.next?.(next);
      } catch (error) {
        this.stop();
        this.#failed(error);
      }
    }
    this.#telling = false;
  }
}

/** Whatever XState says: all its actors have a parent or are a root. */
function isActorRef(actor: object): actor is AnyActorRef {
  return 'src' in actor && 'system' in actor;
}
