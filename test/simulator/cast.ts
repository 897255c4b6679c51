import type { SeededRandom, SimulatedBehaviour } from '../../src/testing/index.ts';
import { type Cast, type CastServer, type Held, secretMark } from './history.ts';

const sessions = 12;

/** The tools of every server. What they do is in their names for us, never for the manager. */
export const castTools = [
  { name: 'write', inputSchema: { type: 'object' } },
  { name: 'read', inputSchema: { type: 'object' }, annotations: { readOnlyHint: true } },
  { name: 'repeat', inputSchema: { type: 'object' } },
] as const;

/** Connected by its first call. */
const lazyIndex = 9;
/** Connected once and never again. */
const onceIndex = 10;

/** Twelve servers, and two groups that share a member. The last server is the bystander. */
export function drawCast(random: SeededRandom): Cast {
  const servers = Array.from({ length: sessions }, (_, index) => drawServer(index, random.fork(`server ${index}`)));
  const [a = '', b = '', c = '', d = '', e = ''] = random.shuffled(servers.slice(0, -1)).map(({ id }) => id);
  return {
    servers,
    groups: [
      { id: 'red', members: [a, b, c] },
      { id: 'blue', members: [d, b, e] },
    ],
  };
}

function drawServer(index: number, random: SeededRandom): CastServer {
  const isBystander = index === sessions - 1;
  const drawn = isBystander || index % 2 === 0 ? 'http' : random.pick(['stdio', 'custom'] as const);
  const kind = index === onceIndex ? 'once' : drawn;
  return {
    id: isBystander ? 'bystander' : `server-${index}`,
    kind,
    secret: kind === 'http' ? `${secretMark}-${index}-${random.whole(100_000, 999_999)}` : null,
    options: drawOptions(index, isBystander, random),
    isBystander,
  };
}

function drawOptions(index: number, isBystander: boolean, random: SeededRandom): Held {
  const timeoutMs = random.pick([1_000, 2_000, 5_000]);
  return {
    healthCheck: {
      intervalMs: random.pick([5_000, 10_000, 30_000]),
      timeoutMs,
      failureThreshold: random.pick([2, 3]),
      successThreshold: random.pick([1, 2]),
    },
    reconnect: {
      delayMs: random.pick([500, 1_000]),
      maxDelayMs: random.pick([5_000, 20_000]),
      multiplier: 2,
      stableMs: random.pick([20_000, 60_000]),
      crashLoopDelayMs: random.pick([30_000, 60_000]),
    },
    circuitBreaker: {
      // With the last of them only the share of failed calls opens it.
      failureThreshold: random.pick([3, 5, 15]),
      successThreshold: random.pick([1, 3]),
      openMs: random.pick([10_000, 30_000]),
      windowSize: 20,
      minimumRequests: 10,
    },
    // Each its own, so that the timer of an attempt tells whose it is.
    connectTimeoutMs: 6_500 + index,
    callTimeoutMs: random.pick([4_000, 10_000]),
    maxInFlight: isBystander ? 64 : random.pick([1, 2, 4, 64]),
    maxQueue: isBystander ? 64 : random.pick([2, 64]),
    waitForReadyMs: random.pick([0, 1_000, 5_000]),
    retry: { maxAttempts: random.pick([2, 3]) },
    trustAnnotations: index % 2 === 0,
    toolChanges: random.pick(['warn', 'block']),
    tools: { repeat: { retry: 'safe' } },
    waitForReady: false,
    lazy: index === lazyIndex,
  };
}

/** How a server behaves while nothing is wrong with it. */
export function soundBehaviour(server: CastServer, random: SeededRandom): Partial<SimulatedBehaviour> {
  return {
    connectMs: random.pick([0, 20, 300]),
    answerMs: random.pick([0, 5, 40]),
    closeMs: random.pick([0, 100]),
    killMs: random.pick([0, 50, 400]),
    pid: server.kind === 'stdio' ? 1_000 + random.whole(0, 9) * 1_000 : null,
    tools: castTools,
  };
}
