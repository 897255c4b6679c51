import type { Observable, Subscription } from 'rxjs';
import {
  createActor,
  type ActorLogic,
  type ActorRefFrom,
  type ActorScope,
  type AnyActorRef,
  type EventObject,
  type Snapshot,
} from 'xstate';
import { InvalidOptionError } from '../errors/usage-errors.ts';
import type { ManagerMachine } from '../machines/manager-machine.ts';
import type { CommandRefused } from './embedded-commands.ts';
import { watchAbove } from './host-watch.ts';
import type { ManagerPorts } from './ports.ts';
import { portsWithRoots, type MadeRoot, type RootMaker, type RootSpec } from './root-maker.ts';
import type { Optional } from './server-options.ts';
import type { SessionManager } from './session-manager.ts';

/** What an embedded actor holds, and how that shows. */
export interface Held<Context, Command, Event> {
  readonly manager: SessionManager;
  /** What the snapshot shows: the same object until something changes. */
  read(): Context;
  /** What is told outward. Never errors. */
  readonly events$: Observable<Event>;
  /** Emits when `read` may have something new, conflated. Never errors. */
  readonly changes$: Observable<unknown>;
  /** Carries a command out; what is no command is without effect. Rejects with what the command is refused with. */
  obey(command: Command): Promise<void>;
  refusal(command: Command, error: unknown): CommandRefused;
}

/** Makes what an actor holds; `within` gives the ports of a manager whose actors are children of that actor. */
export type Hold<Context, Command, Input, Event> = (
  input: Input,
  self: AnyActorRef,
  within: (ports: Optional<ManagerPorts> | undefined) => Optional<ManagerPorts>,
  fail: (error: unknown) => void,
) => Held<Context, Command, Event>;

/** XState's snapshot, with what the actor is there to show as its context. */
export type EmbeddedSnapshot<Context> = Snapshot<undefined> & { readonly context: Context };

/** With the children that XState's inspectors look for; what runs there is no application's to talk to. */
type WholeSnapshot<Context> = EmbeddedSnapshot<Context> & {
  readonly children?: Readonly<Record<string, AnyActorRef>>;
};

export type EmbeddedLogic<Context, Command extends EventObject, Input, Event extends EventObject> = ActorLogic<
  EmbeddedSnapshot<Context>,
  Command,
  Input,
  AnyActorRef['system'],
  Event | CommandRefused
>;

type Scope<Context, Command extends EventObject, Event extends EventObject> = Pick<
  ActorScope<EmbeddedSnapshot<Context>, Command, AnyActorRef['system'], Event | CommandRefused>,
  'self' | 'defer' | 'emit' | 'stopChild'
>;

// Known by identity, so that nobody else can send them.
const changed: EventObject = Object.freeze({ type: 'holdfast.changed' });
const closed: EventObject = Object.freeze({ type: 'holdfast.closed' });

/** XState's own word for the end of an actor; what it stops ends by it, too. */
const stop: EventObject = Object.freeze({ type: 'xstate.stop' });

/**
 * Logic of actors that hold servers: commands in, events and snapshots out. Behind each is a `SessionManager` of its own, whose
 * manager actors are children of that actor, so that they live in its system. Of what is sent to it, commands alone get through.
 */
export function embeddedLogic<Context, Command extends EventObject, Input, Event extends EventObject>(
  hold: Hold<Context, Command, Input, Event>,
): EmbeddedLogic<Context, Command, Input, Event> {
  const bodies = new WeakMap<object, Body<Context, Command, Event>>();
  return {
    getInitialSnapshot(scope, input) {
      const body = new Body<Context, Command, Event>(scope, (roots, fail) =>
        hold(input, scope.self, (ports = {}) => portsWithRoots(ports, roots), fail),
      );
      bodies.set(scope.self, body);
      return body.snapshot('active');
    },
    start(_, { self }) {
      const body = bodies.get(self);
      if (body === undefined) throw restored();
      body.start();
    },
    transition: (snapshot, event, { self }) => bodies.get(self)?.transition(snapshot, event) ?? snapshot,
    getPersistedSnapshot(snapshot: WholeSnapshot<Context>) {
      const { context: _, children: __, ...persisted } = snapshot;
      return persisted;
    },
  };
}

/** An actor that was made from a persisted snapshot. It says so when it starts: what XState cannot restore, it does not start, and tells nobody. */
function restored(): InvalidOptionError {
  return new InvalidOptionError(
    'snapshot',
    undefined,
    'left out: a persisted snapshot keeps no servers. Start a new actor instead',
    undefined,
    true,
  );
}

/** One actor's insides: what it holds, its children, and what it has to tell. */
class Body<Context, Command extends EventObject, Event extends EventObject> implements RootMaker {
  readonly #scope: Scope<Context, Command, Event>;
  readonly #self: AnyActorRef;
  readonly #held: Held<Context, Command, Event>;
  readonly #outbox: (Event | CommandRefused)[] = [];
  readonly #lost: (() => void)[] = [];
  readonly #subscriptions: Subscription[] = [];
  #children: Readonly<Record<string, ActorRefFrom<ManagerMachine>>> = {};
  #state: 'made' | 'running' | 'over' = 'made';
  #failure: { readonly error: unknown } | undefined;
  #told = false;
  #unwatch = (): void => undefined;

  constructor(
    scope: Scope<Context, Command, Event>,
    hold: (roots: RootMaker, fail: (error: unknown) => void) => Held<Context, Command, Event>,
  ) {
    this.#scope = scope;
    this.#self = scope.self;
    this.#held = hold(this, (error) => {
      this.#failure = { error };
      this.#tell();
    });
    this.#subscriptions.push(
      this.#held.events$.subscribe((event) => {
        this.#put(event);
      }),
    );
  }

  make({ machine, id, input }: RootSpec): MadeRoot {
    const options = { id, input };
    const actor = createActor(machine, { ...options, parent: this.#self });
    this.#children = { ...this.#children, [id]: actor };
    this.#tell();
    return {
      actor,
      start: () => {
        if (this.#state === 'running') actor.start();
      },
      stop: () => {
        this.#scope.stopChild(actor);
      },
    };
  }

  onLost(listener: () => void): void {
    this.#lost.push(listener);
  }

  snapshot(status: 'active' | 'done' | 'stopped'): WholeSnapshot<Context> {
    return { status, output: undefined, error: undefined, context: this.#held.read(), children: this.#children };
  }

  start(): void {
    this.#state = 'running';
    this.#unwatch = watchAbove(this.#self, () => {
      this.#self.send(stop);
    });
    for (const child of Object.values(this.#children)) child.start();
    this.#subscriptions.push(
      this.#held.changes$.subscribe(() => {
        this.#tell();
      }),
    );
    void this.#held.manager.closed.then(() => {
      if (this.#state === 'running') this.#self.send(closed);
    });
    this.#tell();
  }

  transition(before: WholeSnapshot<Context>, command: Command): WholeSnapshot<Context> {
    const event: EventObject = command;
    if (typeof event.type !== 'string') return before;
    if (event.type === stop.type) return this.#stop();
    if (event === closed) return this.#end();
    if (event === changed || event.type.startsWith('xstate.')) return this.#refreshed(before);
    // What it does is seen from outside: it comes when this step is over.
    this.#scope.defer(() => {
      this.#obey(command);
    });
    return before;
  }

  #obey(command: Command): void {
    this.#held.obey(command).catch((error: unknown) => {
      this.#put(this.#held.refusal(command, error));
    });
  }

  #refreshed(before: WholeSnapshot<Context>): WholeSnapshot<Context> {
    this.#told = false;
    if (this.#failure !== undefined) {
      this.#stop();
      throw this.#failure.error;
    }
    const children = Object.entries(this.#children).filter(([, child]) => child.getSnapshot().status === 'active');
    if (children.length < Object.keys(this.#children).length) this.#children = Object.fromEntries(children);
    this.#flush();
    const after = this.snapshot('active');
    return after.context === before.context && after.children === before.children ? before : after;
  }

  /** Everything was closed in good order. */
  #end(): WholeSnapshot<Context> {
    this.#leave();
    this.#children = {};
    this.#flush();
    return this.snapshot('done');
  }

  /** Whoever started it stops it, or has crashed: nobody waits for anything any more, and every link is killed. */
  #stop(): WholeSnapshot<Context> {
    this.#leave();
    void this.#held.manager.close({ drainMs: 0 });
    for (const child of Object.values(this.#children)) this.#scope.stopChild(child);
    this.#children = {};
    for (const lost of this.#lost) lost();
    return this.snapshot('stopped');
  }

  #leave(): void {
    this.#state = 'over';
    this.#unwatch();
    for (const subscription of this.#subscriptions) subscription.unsubscribe();
  }

  #put(event: Event | CommandRefused): void {
    this.#outbox.push(event);
    this.#tell();
  }

  /** Whoever hears of something finds it in the snapshot already: it is told by a step of its own. */
  #tell(): void {
    if (this.#told || this.#state !== 'running') return;
    this.#told = true;
    this.#self.send(changed);
  }

  #flush(): void {
    const events = this.#outbox.splice(0);
    this.#scope.defer(() => {
      for (const event of events) this.#scope.emit(event);
    });
  }
}
