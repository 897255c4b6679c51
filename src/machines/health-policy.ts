/** How a server's health is checked. Every field has a default; see `defaultHealthCheck`. */
export interface HealthCheckConfig {
  /** Time between two checks of a healthy session, ±10 %; default 30 000. While something is wrong: 5 000, or this if it is shorter. */
  readonly intervalMs: number;
  /** How long a check may take before it has failed; default 5 000. */
  readonly timeoutMs: number;
  /** Consecutive failed checks that make a session unhealthy; default 3. Two more, and its link is let go. */
  readonly failureThreshold: number;
  /** Consecutive good checks that make it healthy again; default 2. */
  readonly successThreshold: number;
  /** Mean latency (EWMA, α 0.2) above which a session is degraded; default 5 000. It clears below 80 % of it. */
  readonly degradedLatencyMs: number;
}

export const defaultHealthCheck: HealthCheckConfig = Object.freeze({
  intervalMs: 30_000,
  timeoutMs: 5_000,
  failureThreshold: 3,
  successThreshold: 2,
  degradedLatencyMs: 5_000,
});

/** Why a session is degraded, apart from failed checks. */
export type DegradedReason = 'latency' | 'overload' | 'calls';

/** What the health region counts within one generation. */
export interface HealthCount {
  /** Consecutive failed checks. */
  readonly failures: number;
  /** Consecutive good checks since the last failed one, or since the session became degraded; no more than are needed are counted. */
  readonly successes: number;
  readonly reasons: readonly DegradedReason[];
}

/** Failed checks beyond `failureThreshold` that an unhealthy session is given before its link is let go. */
export const failuresBeyondUnhealthy = 2;

const attentiveIntervalMs = 5_000;

/** Time between two checks of a session that is degraded or unhealthy, or whose circuit is open or half open: 5 s, or the interval, if that is shorter. */
export function attentiveMs(policy: HealthCheckConfig): number {
  return Math.min(attentiveIntervalMs, policy.intervalMs);
}

const noReasons: readonly DegradedReason[] = Object.freeze([]);

const proven = new WeakMap<HealthCheckConfig, HealthCount>();

/** The count of a session that has just proved its connection: sound, and the same object for all sessions of this policy. */
export function provenCount(policy: HealthCheckConfig): HealthCount {
  const known = proven.get(policy);
  if (known !== undefined) return known;
  const count = Object.freeze({ failures: 0, successes: policy.successThreshold, reasons: noReasons });
  proven.set(policy, count);
  return count;
}

/** The same object when the check shows nothing new. */
export function afterGoodCheck(count: HealthCount, meanLatencyMs: number, policy: HealthCheckConfig): HealthCount {
  const successes = Math.min(count.successes + 1, policy.successThreshold);
  const good = { failures: 0, successes, reasons: count.reasons };
  const after = isSlow(count.reasons.includes('latency'), meanLatencyMs, policy)
    ? withReason(good, 'latency')
    : withoutReason(good, 'latency');
  return isSame(count, after) ? count : after;
}

function isSame(one: HealthCount, other: HealthCount): boolean {
  return one.failures === other.failures && one.successes === other.successes && one.reasons === other.reasons;
}

export function afterFailedCheck(count: HealthCount): HealthCount {
  return { failures: count.failures + 1, successes: 0, reasons: count.reasons };
}

/** A new reason starts the count of successes anew: recovery has to be shown after it. */
export function withReason(count: HealthCount, reason: DegradedReason): HealthCount {
  if (count.reasons.includes(reason)) return count;
  return { ...count, successes: 0, reasons: [...count.reasons, reason].toSorted() };
}

export function withoutReason(count: HealthCount, reason: DegradedReason): HealthCount {
  return count.reasons.includes(reason)
    ? { ...count, reasons: count.reasons.filter((other) => other !== reason) }
    : count;
}

/** Nothing failed and enough succeeded. */
export function hasRecovered(count: HealthCount, policy: HealthCheckConfig): boolean {
  return count.failures === 0 && count.successes >= policy.successThreshold;
}

/** Recovered, and nothing else speaks against it: what `healthy` means. */
export function isSound(count: HealthCount, policy: HealthCheckConfig): boolean {
  return hasRecovered(count, policy) && count.reasons.length === 0;
}

export function isUnhealthy(count: HealthCount, policy: HealthCheckConfig): boolean {
  return count.failures >= policy.failureThreshold;
}

export function isGivenUp(count: HealthCount, policy: HealthCheckConfig): boolean {
  return count.failures >= policy.failureThreshold + failuresBeyondUnhealthy;
}

/** Entered above the limit, left only below 80 % of it, so that a latency around the limit does not flap. */
export function isSlow(wasSlow: boolean, meanLatencyMs: number, policy: HealthCheckConfig): boolean {
  return wasSlow ? meanLatencyMs >= policy.degradedLatencyMs * 0.8 : meanLatencyMs > policy.degradedLatencyMs;
}

/**
 * How many answers prove a new connection: one on the very first, `successThreshold` on every later one.
 * The verification and the hydration each count as one.
 */
export function answersNeeded(everConnected: boolean, policy: HealthCheckConfig): number {
  return everConnected ? policy.successThreshold : 1;
}

/** Time from a new generation's connection to its first check: anywhere in the interval, so that sessions spread out. */
export function firstTickMs(policy: HealthCheckConfig, random: number): number {
  return random * policy.intervalMs;
}

/**
 * Time to the next check: the interval while the session is sound, 5 s (or the interval, if that is shorter) while it is not, or while its
 * circuit is open or half open (`isBarred`); ±10 %.
 */
export function nextTickMs(
  count: HealthCount,
  policy: HealthCheckConfig,
  random: number,
  isBarred: boolean = false,
): number {
  const interval = isSound(count, policy) && !isBarred ? policy.intervalMs : attentiveMs(policy);
  return interval * (0.9 + 0.2 * random);
}

/** An answered call makes a check superfluous until the answer is as old as the interval, and not a whole interval longer. */
export function tickAfterAnswerMs(policy: HealthCheckConfig, answeredAgoMs: number, random: number): number {
  return policy.intervalMs * (1 + 0.1 * random) - answeredAgoMs;
}

/** After a stall of our own the checks of all sessions are spread anew, so that they do not come all at once. */
export function respreadMs(policy: HealthCheckConfig, random: number): number {
  return random * Math.min(5_000, policy.intervalMs);
}

/** Lateness of a tick, or of a timeout, beyond which the round says more about us than about the server. */
export function isOwnStall(latenessMs: number, policy: HealthCheckConfig): boolean {
  return latenessMs > policy.timeoutMs / 2;
}
