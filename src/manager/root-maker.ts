import { createActor, type ActorOptions, type ActorRefFrom } from 'xstate';
import type { ManagerMachine } from '../machines/manager-machine.ts';
import type { ManagerPorts } from './ports.ts';
import type { Optional } from './server-options.ts';

/** A manager actor, and the ways to begin and to end it. */
export interface MadeRoot {
  readonly actor: ActorRefFrom<ManagerMachine>;
  start(): void;
  stop(): void;
}

export interface RootSpec {
  readonly machine: ManagerMachine;
  readonly id: string;
  readonly input: { readonly paused: boolean };
  /** For the delays of an actor system of its own; one that lives in another's system is on that one's clock. */
  readonly clock: NonNullable<ActorOptions<ManagerMachine>['clock']>;
}

/** Where the manager actors of a `SessionManager` come from. */
export interface RootMaker {
  make(spec: RootSpec): MadeRoot;
  /** Calls back when whoever owns the actors' system has stopped them all. */
  onLost(listener: () => void): void;
}

const ownSystems: RootMaker = {
  make({ machine, id, input, clock }) {
    const actor = createActor(machine, { id, input, clock, logger: () => undefined });
    return {
      actor,
      start() {
        actor.start();
      },
      stop() {
        actor.stop();
      },
    };
  },
  onLost: () => undefined,
};

const makers = new WeakMap<object, RootMaker>();

/** The same ports, for a manager whose actors this maker makes. */
export function portsWithRoots(ports: Optional<ManagerPorts>, maker: RootMaker): Optional<ManagerPorts> {
  const own = { ...ports };
  makers.set(own, maker);
  return own;
}

/** Unless the ports say otherwise, each manager actor is the root of an actor system of its own. */
export function rootMakerOf(ports: Optional<ManagerPorts>): RootMaker {
  return makers.get(ports) ?? ownSystems;
}
