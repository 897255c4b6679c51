import type { ConnectionInfo, Phase } from '../../../src/index.ts';
import { type CastServer, type History, serverOf, stalledWithin } from '../history.ts';
import { type Breach, breach, type Invariant } from './invariant.ts';

const longestCircuitMs = 300_000;
const parkedMs: Partial<Record<Phase, readonly number[]>> = {
  'disconnected.parked.auth': [300_000, 900_000, 3_600_000],
  'disconnected.parked.config': [300_000],
  'disconnected.parked.incompatible': [300_000],
};
/** What a timer may be late by, since a thousand that fall due together are spread over turns. */
const slackMs = 1_000;
/** A link that does not let go is given up after this. */
const releaseMs = 15_000;
/** What is left once a session may be connected: the permit, the attempt, the checks that prove it, calls that clear their reasons. */
const rest = 120_000;

/** How long a session may take to be healthy again, once nothing is wrong any more. */
export function recoveryMs(history: History, { id, circuit }: ConnectionInfo): number {
  const { reconnect, connectTimeoutMs } = serverOf(history.cast, id).options;
  const waits = [reconnect.maxDelayMs, reconnect.crashLoopDelayMs, circuit === 'closed' ? 0 : longestCircuitMs];
  return Math.max(...waits) + connectTimeoutMs + rest;
}

interface Wait {
  readonly sinceMs: number;
  /** How long it said that it waits. */
  readonly delayMs: number | null;
}

interface Attempts {
  last: number;
  connectedMs: number | null;
  /** Stable for long enough since the last attempt was counted. */
  mayForget: boolean;
  askedForMs: number;
}

export const recoveryInvariants = {
  'wakes-up': {
    meaning:
      'A session that waits says when it goes on, and goes on then; one that connects or lets go comes to an end.',
    *check(history) {
      const waits = new Map<string, Wait>();
      const told = new Map<string, number>();
      for (const entry of history.entries) {
        if (entry.kind === 'stop') return;
        if (entry.kind === 'event' && entry.event.serverId !== undefined) {
          const { event } = entry;
          const id = event.serverId;
          const before = waits.get(id);
          if (event.type === 'stateChanged') {
            const isSame = isConnecting(event.phase) && isConnecting(event.fromPhase);
            const sinceMs = isSame ? (before?.sinceMs ?? entry.atMs) : entry.atMs;
            waits.set(id, { sinceMs, delayMs: told.get(id) ?? null });
            told.delete(id);
            if (waitsForTime(event.phase) && event.nextAttemptAt === null)
              yield breach(entry, `${id} is ${event.phase} and does not say when it goes on`);
          }
          // Told in the step that leads to the state that waits.
          if (event.type === 'reconnectScheduled') told.set(id, event.delayMs);
          if (event.type === 'sessionCrashed') {
            told.set(id, event.restartMs + releaseMs);
            // One that waited already does so anew, without a move that would be told.
            if (before !== undefined) waits.set(id, { sinceMs: entry.atMs, delayMs: event.restartMs + releaseMs });
          }
        }
        if (entry.kind !== 'state') continue;
        for (const { id, phase } of entry.sessions) {
          const wait = waits.get(id);
          if (wait === undefined) continue;
          const boundMs = longestIn(history, id, phase, wait);
          const forMs = entry.atMs - wait.sinceMs - stalledWithin(history, wait.sinceMs, entry.atMs);
          if (forMs > boundMs + slackMs) yield breach(entry, `${id} is ${phase} for ${forMs} ms, at most ${boundMs}`);
        }
      }
    },
  },
  'backoff-bounds': {
    meaning:
      'Each wait for the next attempt is within the bounds of its backoff, and only a stable connection starts it anew.',
    *check(history) {
      const known = new Map<string, Attempts>();
      const told = new Map<string, { readonly atMs: number; readonly attempt: number; readonly delayMs: number }>();
      for (const entry of history.entries) {
        if (entry.kind === 'down') {
          const attempts = known.get(entry.serverId);
          if (attempts !== undefined) attempts.askedForMs = entry.fault.retryAfterMs ?? 0;
        }
        if (entry.kind !== 'event' || entry.event.serverId === undefined) continue;
        const { event } = entry;
        const id = event.serverId;
        if (event.type === 'serverAdded')
          known.set(id, { last: 0, connectedMs: null, mayForget: false, askedForMs: 0 });
        const attempts = known.get(id);
        if (attempts === undefined) continue;
        if (event.type === 'reconnectScheduled') told.set(id, { ...event, atMs: entry.atMs });
        if (event.type !== 'stateChanged') continue;
        noteConnection(attempts, event.phase, entry.atMs, serverOf(history.cast, id));
        const schedule = told.get(id);
        told.delete(id);
        if (schedule === undefined) continue;
        yield* scheduleBreaches(history, id, schedule, event.phase, attempts);
        attempts.last = schedule.attempt;
        attempts.mayForget = false;
      }
    },
  },
} satisfies Record<string, Invariant>;

function isConnecting(phase: Phase): boolean {
  return phase.startsWith('connecting.') && phase !== 'connecting.waiting';
}

function waitsForTime(phase: Phase): boolean {
  return phase === 'disconnected.backingOff' || phase.startsWith('disconnected.parked.');
}

function longestIn(history: History, id: string, phase: Phase, { delayMs }: Wait): number {
  if (isConnecting(phase)) return serverOf(history.cast, id).options.connectTimeoutMs;
  if (phase === 'connecting.waiting') return 5_000;
  if (phase === 'releasing') return releaseMs;
  return waitsForTime(phase) ? (delayMs ?? Infinity) : Infinity;
}

function noteConnection(attempts: Attempts, phase: Phase, atMs: number, { options }: CastServer): void {
  if (phase.startsWith('connected.')) {
    attempts.connectedMs ??= atMs;
  } else {
    const forMs = attempts.connectedMs === null ? 0 : atMs - attempts.connectedMs;
    if (forMs >= options.reconnect.stableMs) attempts.mayForget = true;
    attempts.connectedMs = null;
  }
}

function* scheduleBreaches(
  history: History,
  id: string,
  { atMs, attempt, delayMs }: { readonly atMs: number; readonly attempt: number; readonly delayMs: number },
  phase: Phase,
  { last, mayForget, askedForMs }: Attempts,
): Iterable<Breach> {
  const { reconnect } = serverOf(history.cast, id).options;
  if (attempt !== last + 1 && !(attempt === 1 && mayForget))
    yield { atMs, what: `${id}: attempt ${attempt} after ${last}${mayForget ? '' : ', without a stable connection'}` };
  if (attempt === last + 1 && mayForget && last > 0)
    yield { atMs, what: `${id}: attempt ${attempt}, though the connection was stable` };
  const allowed =
    phase === 'disconnected.parked.crashLoop' ? [reconnect.crashLoopDelayMs] : (parkedMs[phase] ?? undefined);
  if (allowed !== undefined) {
    if (!allowed.includes(delayMs))
      yield { atMs, what: `${id} is ${phase} for ${delayMs} ms, not ${allowed.join(' or ')}` };
    return;
  }
  const [least, most] = backoffBounds(attempt, reconnect);
  if (delayMs < least - 1 || delayMs > Math.max(most, askedForMs * 1.1) + 1)
    yield { atMs, what: `${id}: attempt ${attempt} in ${delayMs} ms, not ${least} to ${most}` };
  if (askedForMs > 0 && delayMs < askedForMs - 1)
    yield { atMs, what: `${id}: attempt ${attempt} in ${delayMs} ms, though it asked for ${askedForMs}` };
}

function backoffBounds(
  attempt: number,
  { delayMs, maxDelayMs, multiplier }: CastServer['options']['reconnect'],
): readonly [number, number] {
  if (attempt === 1) return [0, Math.min(500, delayMs)];
  const base = Math.min(maxDelayMs, delayMs * multiplier ** (attempt - 2));
  return [base / 2, base];
}
