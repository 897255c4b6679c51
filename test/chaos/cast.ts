import { SessionManager, type ServerOptions, type Session } from '../../src/index.ts';
import { createStdioServer, HttpServer, type ChaosServer, type Surroundings } from './chaos-servers.ts';

/** How long a call may take, over all its attempts. */
export const callTimeoutMs = 2_000;

/** Short enough that a minute sees many recoveries; no number of exits is a crash loop, since they are ours. */
const heldWith = {
  healthCheck: { intervalMs: 1_000, timeoutMs: 1_000 },
  reconnect: { delayMs: 100, maxDelayMs: 2_000, crashLoopExits: 1_000_000 },
  circuitBreaker: { openMs: 2_000 },
  connectTimeoutMs: 10_000,
  callTimeoutMs,
} as const satisfies ServerOptions;

/** A server and the session that holds it. */
export interface Pair {
  readonly server: ChaosServer;
  readonly session: Session;
}

/** Everything that takes part in a run. */
export interface Cast {
  readonly manager: SessionManager;
  readonly pairs: readonly Pair[];
  /** Sessions that are in a group, by the group's id. */
  readonly groups: ReadonlyMap<string, readonly string[]>;
  close(): Promise<void>;
}

/**
 * Half of the servers over stdio, half over HTTP, of which every fourth replies with an event stream; every second one is trusted
 * with its annotations. The first eight pairs of neighbours, up to four, are groups: over stdio, over HTTP, and mixed.
 */
export async function createCast(sessions: number, surroundings: Surroundings): Promise<Cast> {
  const half = Math.ceil(sessions / 2);
  const overHttp = await Promise.all(
    Array.from({ length: sessions - half }, (_, index) =>
      HttpServer.open(`http-${index}`, index % 4 === 0 ? 'sse' : 'json', surroundings),
    ),
  );
  const servers: readonly ChaosServer[] = [
    ...Array.from({ length: half }, (_, index) => createStdioServer(`stdio-${index}`, surroundings)),
    ...overHttp,
  ];
  const manager = new SessionManager({ maxConnections: sessions, drainMs: 5_000 });
  const close = async (): Promise<void> => {
    await manager.close({ drainMs: 0 });
    for (const server of overHttp) await server.close();
  };
  try {
    const pairs = await Promise.all(
      servers.map(async (server, index) => {
        const options = { ...heldWith, trustAnnotations: index % 2 === 0 };
        return { server, session: await manager.addServer(server.id, server.target, options) };
      }),
    );
    const groups = new Map<string, readonly string[]>();
    for (const [id, [primary, ...backups]] of groupsAmong(half, sessions - half)) {
      manager.addGroup(id, { primary, backups, failbackDelayMs: 2_000 });
      groups.set(id, [primary, ...backups]);
    }
    return { manager, pairs, groups, close };
  } catch (error) {
    await close();
    throw error;
  }
}

function groupsAmong(stdio: number, http: number): ReadonlyMap<string, readonly [string, ...string[]]> {
  const all: [string, readonly [string, ...string[]]][] = [
    ['stdio-group', ['stdio-0', 'stdio-1']],
    ['http-group', ['http-0', 'http-1']],
    ['mixed-group', ['stdio-2', 'http-2']],
    ['group-of-three', ['http-3', 'stdio-3', 'http-4']],
  ];
  const exists = (id: string): boolean => {
    const [kind, index] = id.split('-');
    return Number(index) < (kind === 'stdio' ? stdio : http);
  };
  return new Map(all.filter(([, members]) => members.every(exists)));
}
