/** How a lost connection is restored. Every field has a default; see `defaultReconnect`. */
export interface ReconnectConfig {
  /** False: a lost connection stays lost until someone opens it by hand. Default true. */
  readonly enabled: boolean;
  /** The second retry's base delay; default 1 000. The first retry comes after U(0, min(500, this)). */
  readonly delayMs: number;
  /** The longest base delay; default 60 000. */
  readonly maxDelayMs: number;
  /** Growth of the base delay from retry to retry; default 2. */
  readonly multiplier: number;
  /** Time of unbroken connection after which failed attempts are forgotten; default 60 000. */
  readonly stableMs: number;
  /** More exits than this within the window make a crash loop (stdio); default 5. */
  readonly crashLoopExits: number;
  /** Default 300 000. */
  readonly crashLoopWindowMs: number;
  /** Time between two starts of a server in a crash loop; default 300 000. */
  readonly crashLoopDelayMs: number;
}

export const defaultReconnect: ReconnectConfig = Object.freeze({
  enabled: true,
  delayMs: 1_000,
  maxDelayMs: 60_000,
  multiplier: 2,
  stableMs: 60_000,
  crashLoopExits: 5,
  crashLoopWindowMs: 300_000,
  crashLoopDelayMs: 300_000,
});

const longestFirstDelayMs = 500;

/**
 * Time to the next attempt after `attempt` failed ones in a row.
 * The first retry is quick, U(0, min(500, delayMs)); later ones use equal jitter, b/2 + U(0, b/2) with
 * b = min(maxDelayMs, delayMs · multiplier^(attempt − 1)), so that no delay is ever short and no two sessions march in step.
 */
export function backoffMs(
  attempt: number,
  policy: Pick<ReconnectConfig, 'delayMs' | 'maxDelayMs' | 'multiplier'>,
  random: number,
): number {
  if (attempt <= 0) return random * Math.min(longestFirstDelayMs, policy.delayMs);
  const base = Math.min(policy.maxDelayMs, policy.delayMs * policy.multiplier ** (attempt - 1));
  return base / 2 + (base / 2) * random;
}

const longestWishMs = 300_000;

/**
 * The delay of the next attempt: the backoff, but no less than the server asked for when it refused the last one (HTTP's `Retry-After`),
 * up to 5 minutes. Up to a tenth is added to what it asked for, so that not all who were refused come back at the same moment.
 */
export function attemptDelayMs(
  attempt: number,
  askedForMs: number | undefined,
  policy: Pick<ReconnectConfig, 'delayMs' | 'maxDelayMs' | 'multiplier'>,
  random: number,
): number {
  const backoff = backoffMs(attempt, policy, random);
  return askedForMs === undefined
    ? backoff
    : Math.max(backoff, Math.min(longestWishMs, askedForMs) * (1 + random / 10));
}

/** The moments of the recent exits, with one more, without those that have left the window. */
export function withExit(exits: readonly number[], at: number, policy: ReconnectConfig): readonly number[] {
  return recent([...exits, at], at, policy.crashLoopWindowMs, policy.crashLoopExits + 1);
}

export function isCrashLoop(exits: readonly number[], policy: ReconnectConfig): boolean {
  return exits.length > policy.crashLoopExits;
}

const sessionLossWindowMs = 60_000;
const sessionLossesBorne = 2;

/** The moments of the recent session losses, with one more. */
export function withSessionLoss(losses: readonly number[], at: number): readonly number[] {
  return recent([...losses, at], at, sessionLossWindowMs, sessionLossesBorne + 1);
}

/** A lost session is restored at once; the third loss within 60 s waits like any failure. */
export function losesSessionsTooOften(losses: readonly number[]): boolean {
  return losses.length > sessionLossesBorne;
}

function recent(moments: readonly number[], now: number, windowMs: number, most: number): readonly number[] {
  return moments.filter((moment) => now - moment < windowMs).slice(-most);
}

/** Why a session waits for more than time. */
export type ParkedFor = 'auth' | 'config' | 'crashLoop' | 'incompatible';

const minute = 60_000;
const authRetriesMs = [5 * minute, 15 * minute, 60 * minute] as const;

/** Time until a parked session looks again by itself. `parks` counts the times in a row that it was parked for this. */
export function parkMs(reason: ParkedFor, parks: number, policy: ReconnectConfig): number {
  switch (reason) {
    case 'auth':
      return authRetriesMs[Math.min(parks, authRetriesMs.length - 1)] ?? 60 * minute;
    case 'crashLoop':
      return policy.crashLoopDelayMs;
    case 'config':
    case 'incompatible':
      return 5 * minute;
  }
}

/** A nudge by hand starts an attempt at once, but at most one a second. */
export const nudgeIntervalMs = 1_000;
