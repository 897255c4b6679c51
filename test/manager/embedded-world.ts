import { afterEach, expect } from 'vitest';
import { assign, createActor, setup, stopChild, type Actor, type ActorRefFrom } from 'xstate';
import { managerLogic, managerOf, type ManagerCommand, type ManagerInput } from '../../src/manager/embedding.ts';
import type { ManagerPorts } from '../../src/index.ts';
import {
  createSimulatedServers,
  createVirtualClock,
  type SimulatedServers,
  type VirtualClock,
} from '../../src/testing/index.ts';
import { line, simulated } from './support.ts';

export type ManagerRef = ActorRefFrom<typeof managerLogic>;

type AppEvent =
  | { readonly type: 'SPAWN'; readonly id: string; readonly input: ManagerInput }
  | { readonly type: 'DISMISS'; readonly id: string }
  | { readonly type: 'BREAK' }
  | { readonly type: 'GIVE UP' };

/** An application's own machine: it spawns managers, may stop them, end, or throw. */
const appMachine = setup({
  types: { context: {} as { readonly spawned: readonly ManagerRef[] }, events: {} as AppEvent },
  actors: { manager: managerLogic },
}).createMachine({
  id: 'app',
  context: { spawned: [] },
  initial: 'running',
  states: {
    running: {
      on: {
        SPAWN: {
          actions: assign(({ context, event, spawn }) => ({
            spawned: [...context.spawned, spawn('manager', { id: event.id, input: event.input })],
          })),
        },
        DISMISS: { actions: stopChild(({ event }) => event.id) },
        BREAK: {
          actions: () => {
            throw new Error('the application broke');
          },
        },
        'GIVE UP': { target: 'over' },
      },
    },
    over: { type: 'final' },
  },
});

export interface EmbeddedWorld {
  readonly clock: VirtualClock;
  readonly sim: SimulatedServers;
  readonly ports: Pick<ManagerPorts, 'clock' | 'links' | 'random'>;
  readonly app: Actor<typeof appMachine>;
  random: () => number;
  /** Spawns a manager among the application's children. */
  spawn(id?: string, input?: ManagerInput): EmbeddedManager;
}

export interface EmbeddedManager {
  readonly ref: ManagerRef;
  /** Everything that it has emitted, one line each. */
  readonly told: string[];
  /** The lines since the last time that this was asked. */
  news(): string[];
  /** Sends a command and lets everything happen that needs no time. */
  tell(command: ManagerCommand): Promise<void>;
  /** Adds simulated servers. */
  add(...ids: string[]): Promise<void>;
}

const worlds: EmbeddedWorld[] = [];

afterEach(async () => {
  for (const { app, clock, sim } of worlds.splice(0)) {
    if (app.getSnapshot().status === 'active') app.stop();
    await clock.advance(30_000);
    expect(sim.all().map(({ id, liveLinks }) => `${id}: ${liveLinks}`)).toEqual(sim.all().map(({ id }) => `${id}: 0`));
    expect(clock.pendingTimers, 'timers left behind').toBe(0);
  }
});

/** An application on virtual time: one clock for its actor system and for the ports of its managers. What it leaves open must be gone when it stops. */
export function embedded(
  observer: { readonly error?: (error: unknown) => void } = { error: () => undefined },
): EmbeddedWorld {
  const clock = createVirtualClock();
  const sim = createSimulatedServers(clock);
  const app = createActor(appMachine, { clock });
  if (observer.error !== undefined) app.subscribe(observer);
  app.start();
  const world: EmbeddedWorld = {
    clock,
    sim,
    app,
    random: () => 0.5,
    ports: { clock, links: sim.links, random: () => world.random() },
    spawn(id = 'holdfast', input = {}) {
      app.send({ type: 'SPAWN', id, input: { ports: world.ports, ...input } });
      const ref = app.getSnapshot().context.spawned.at(-1);
      if (ref === undefined) throw new Error('nothing was spawned');
      return tellingOf(ref, clock);
    },
  };
  worlds.push(world);
  return world;
}

function tellingOf(ref: ManagerRef, clock: VirtualClock): EmbeddedManager {
  const lines: string[] = [];
  let asked = 0;
  ref.on('*', (event) => {
    const at = clock.monotonic();
    lines.push(
      event.type === 'commandRefused'
        ? `${at} ${event.command.type} ${event.command.id} refused: ${event.error.code}`
        : line(event, at),
    );
  });
  return {
    ref,
    told: lines,
    news() {
      const news = lines.slice(asked);
      asked = lines.length;
      return news;
    },
    async tell(command) {
      ref.send(command);
      await clock.settle();
    },
    async add(...ids) {
      for (const id of ids) ref.send({ type: 'SERVER.ADD', id, target: simulated });
      await clock.settle();
      expect(ids.map((id) => managerOf(ref).getSessionInfo(id)?.state)).toEqual(ids.map(() => 'healthy'));
    },
  };
}
