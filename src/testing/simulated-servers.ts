import type { Clock, LinkPort } from '../actors/ports.ts';
import type { LinkDriver } from '../link/link.ts';
import type { SimulatedBehaviour } from './simulated-behaviour.ts';
import { type SimulatedServer, SimulatedServerModel } from './simulated-server.ts';
import type { VirtualClock } from './virtual-clock.ts';

/** Deterministic MCP servers in memory, behind links that keep the contract of `Link` to the letter. */
export interface SimulatedServers {
  /** Give this to a manager in place of its real connections: every target is answered by the server of the session's id. */
  readonly links: LinkPort;
  /** The server with this id, created on first use. A given behaviour is laid over what it has. */
  server(id: string, behaviour?: Partial<SimulatedBehaviour>): SimulatedServer;
  /** Every server that exists so far, in the order of creation. */
  all(): readonly SimulatedServer[];
}

export interface SimulatedServersOptions {
  /** Laid over the default behaviour of every new server. */
  readonly defaults?: Partial<SimulatedBehaviour>;
}

/**
 * Creates an empty set of simulated servers. On a virtual clock what they send arrives as input does: after overdue timers and
 * before `nextMacrotask` callbacks. Without delays (the default) they need no timers, and they run as well on the real clock.
 */
export function createSimulatedServers(clock: Clock, options: SimulatedServersOptions = {}): SimulatedServers {
  const servers = new Map<string, SimulatedServerModel>();
  const world = {
    clock,
    later: isVirtual(clock)
      ? (callback: () => void, delayMs: number) => clock.arrive(callback, delayMs)
      : (callback: () => void, delayMs: number) => clock.setTimeout(callback, delayMs),
  };

  function modelOf(id: string): SimulatedServerModel {
    let server = servers.get(id);
    if (server === undefined) {
      server = new SimulatedServerModel(world, id);
      Object.assign(server, options.defaults);
      servers.set(id, server);
    }
    return server;
  }

  const driver: LinkDriver = { name: 'simulated', open: (spec) => modelOf(spec.serverId).open(spec) };
  return {
    links: () => driver,
    server: (id, behaviour) => Object.assign(modelOf(id), behaviour),
    all: () => [...servers.values()],
  };
}

function isVirtual(clock: Clock): clock is VirtualClock {
  return 'arrive' in clock && typeof clock.arrive === 'function';
}
