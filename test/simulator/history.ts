import type { ConnectionInfo, Fault, ManagerEvent, Outcome, ServerOptions } from '../../src/index.ts';

/** One server of a run, as it was drawn from the seed. */
export interface CastServer {
  readonly id: string;
  readonly kind: 'http' | 'stdio' | 'custom' | 'once';
  /** What it must never be told by; null where there is none. */
  readonly secret: string | null;
  readonly options: Held;
  /** No fault ever happens to it. */
  readonly isBystander: boolean;
}

/** The options of a server, with all that the invariants read. */
export interface Held extends ServerOptions {
  readonly healthCheck: {
    readonly intervalMs: number;
    readonly timeoutMs: number;
    readonly failureThreshold: number;
    readonly successThreshold: number;
  };
  readonly reconnect: {
    readonly delayMs: number;
    readonly maxDelayMs: number;
    readonly multiplier: number;
    readonly stableMs: number;
    readonly crashLoopDelayMs: number;
  };
  readonly circuitBreaker: {
    readonly failureThreshold: number;
    readonly successThreshold: number;
    readonly openMs: number;
    readonly windowSize: number;
    readonly minimumRequests: number;
  };
  readonly connectTimeoutMs: number;
  readonly callTimeoutMs: number;
  readonly maxInFlight: number;
}

/** Whether a session is as well as it can be: one that connects once stays down, and a lazy one waits for its first call. */
export function isWell(
  { kind, options }: CastServer,
  { state, phase }: Pick<ConnectionInfo, 'state' | 'phase'>,
): boolean {
  if (state === 'healthy') return true;
  return (kind === 'once' && phase === 'disconnected.stopped') || (options.lazy === true && phase === 'idle');
}

export interface CastGroup {
  readonly id: string;
  readonly members: readonly string[];
}

export interface Cast {
  readonly servers: readonly CastServer[];
  readonly groups: readonly CastGroup[];
}

/** A call as it is made. Every key is used once. */
export interface PlannedCall {
  readonly key: string;
  readonly tool: 'write' | 'read' | 'repeat';
  readonly to: { readonly server: string } | { readonly group: string } | { readonly catalog: string };
  readonly timeoutMs: number | null;
  readonly insists: boolean;
  /** Its caller gives it up after so long. */
  readonly abortAfterMs: number | null;
}

export interface CallEnd {
  readonly ok: boolean;
  readonly outcome: Outcome;
  readonly code: string;
  readonly isTyped: boolean;
  /** The key that came back in the result. */
  readonly echoed: string | null;
  /** Everything that the error shows. */
  readonly text: string;
}

/** What a session was like at one moment, as far as a call to it is concerned. */
export interface Standing {
  readonly phase: ConnectionInfo['phase'];
  readonly circuit: ConnectionInfo['circuit'];
}

/** What was seen, in its order. All times are of the virtual clock, monotonic. */
export type Seen =
  | { readonly kind: 'event'; readonly event: ManagerEvent; readonly linked: boolean }
  | { readonly kind: 'began'; readonly call: PlannedCall }
  | { readonly kind: 'ended'; readonly key: string; readonly end: CallEnd }
  /** A link was opened; `live` counts those of its server that still hold something, this one included. */
  | { readonly kind: 'opened'; readonly serverId: string; readonly generation: number; readonly live: number }
  | { readonly kind: 'down'; readonly serverId: string; readonly generation: number; readonly fault: Fault }
  | { readonly kind: 'probe'; readonly serverId: string; readonly generation: number; readonly wire: number }
  /** A tool call was handed to a link. `standing`: of its session; `better`: a member that should have had it, by its own word. */
  | {
      readonly kind: 'sent';
      readonly serverId: string;
      readonly generation: number;
      readonly key: string;
      readonly wire: number;
      readonly standing: Standing;
      readonly better: string | null;
      /** No member of the group that was called takes calls. */
      readonly lastResort: boolean;
    }
  | {
      readonly kind: 'over';
      readonly wire: number;
      readonly how: 'answered' | 'refused' | 'lost' | 'cancelled' | 'unsent';
    }
  | { readonly kind: 'executed'; readonly serverId: string; readonly generation: number; readonly key: string }
  /** The whole process stood still for so long, up to now. */
  | { readonly kind: 'stalled'; readonly ms: number }
  | { readonly kind: 'jumped'; readonly ms: number }
  /** The server waits for a person for so long from now on. */
  | { readonly kind: 'asked'; readonly serverId: string; readonly ms: number }
  | { readonly kind: 'fault'; readonly name: string; readonly servers: readonly string[]; readonly on: boolean }
  /** A link that was let go long ago said something. */
  | { readonly kind: 'late word'; readonly serverId: string; readonly generation: number }
  /** All faults are over. */
  | { readonly kind: 'calm'; readonly sessions: readonly ConnectionInfo[] }
  | { readonly kind: 'stop' }
  /** Everything at one moment. */
  | { readonly kind: 'state'; readonly sessions: readonly ConnectionInfo[] }
  | { readonly kind: 'log'; readonly text: string }
  /** An exception that nobody caught, or a rejection that nobody handled. */
  | { readonly kind: 'uncaught'; readonly text: string };

export type Entry = Seen & { readonly atMs: number };

/** The fault that ends the manager actor, under which all sessions are, that of the bystander too. */
export const managerCrash = 'crash of the manager actor';

/** What was left after the end. */
export interface Remains {
  readonly closed: boolean;
  readonly pendingTimers: number;
  readonly liveLinks: number;
  readonly pendingCalls: number;
}

/** All that is known of a run: what the invariants are held against. */
export interface History {
  readonly cast: Cast;
  readonly entries: readonly Entry[];
  readonly remains: Remains;
}

/** A text that no secret may appear in, whoever's it is: every secret of the simulator holds it. */
export const secretMark = 'hush';
/** A text in all that links say after they were let go. */
export const lateMark = 'said too late';

/** The entries of one kind. */
export function entriesOf<Kind extends Entry['kind']>(
  history: History,
  kind: Kind,
): readonly Extract<Entry, { readonly kind: Kind }>[] {
  let kinds = sorted.get(history);
  if (kinds === undefined) {
    kinds = groupedByKind(history.entries);
    sorted.set(history, kinds);
  }
  return (kinds.get(kind) ?? []).filter((entry) => isOf(entry, kind));
}

const sorted = new WeakMap<History, ReadonlyMap<string, readonly Entry[]>>();

/** The time within [fromMs, toMs] in which the process stood still. */
export function stalledWithin(history: History, fromMs: number, toMs: number): number {
  let total = 0;
  for (const { atMs, ms } of entriesOf(history, 'stalled')) {
    total += Math.max(0, Math.min(toMs, atMs) - Math.max(fromMs, atMs - ms));
  }
  return total;
}

export function serverOf({ servers }: Cast, id: string): CastServer {
  const server = servers.find((each) => each.id === id);
  if (server === undefined) throw new Error(`no server ${id} in the cast`);
  return server;
}

function groupedByKind(entries: readonly Entry[]): ReadonlyMap<string, readonly Entry[]> {
  const kinds = new Map<string, Entry[]>();
  for (const entry of entries) {
    const list = kinds.get(entry.kind);
    if (list === undefined) kinds.set(entry.kind, [entry]);
    else list.push(entry);
  }
  return kinds;
}

function isOf<Kind extends Entry['kind']>(entry: Entry, kind: Kind): entry is Extract<Entry, { readonly kind: Kind }> {
  return entry.kind === kind;
}
