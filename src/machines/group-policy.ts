/** Which member of a group serves: pure decisions over what is known of the members. */
import type { ConnectionState } from './connection-state.ts';

/** `auto`: by itself after a delay; `manual`: by hand; `never`: only away from a failing member. */
export type FailbackMode = 'auto' | 'manual' | 'never';

export interface GroupPolicy {
  /** Consecutive failures of the active member, checks or calls, that move the group; default 3. */
  readonly failoverThreshold: number;
  readonly failback: FailbackMode;
  /** How long a more wanted member has to be healthy without a break before the group returns to it; default 60 000, ±20 %. */
  readonly failbackDelayMs: number;
}

export const defaultGroupPolicy: GroupPolicy = Object.freeze({
  failoverThreshold: 3,
  failback: 'auto',
  failbackDelayMs: 60_000,
});

/** A member as its group sees it. */
export interface MemberView {
  readonly id: string;
  /** `absent` once the server was removed. */
  readonly state: ConnectionState | 'absent';
  /** It is on its very first way up: no reason yet to prefer another. */
  readonly starting: boolean;
  /** It holds an open link, whatever its health. */
  readonly linked: boolean;
  /** It takes calls: healthy or degraded, its circuit closed, its link open; or lazy, and its first call would connect it. */
  readonly admits: boolean;
  /** Consecutive failures in this generation, checks or calls, whichever is greater. */
  readonly failures: number;
  /** Why it is where it is, in a few words; null when nothing is wrong. */
  readonly reason: string | null;
}

export function absentMember(id: string): MemberView {
  return {
    id,
    state: 'absent',
    starting: false,
    linked: false,
    admits: false,
    failures: 0,
    reason: null,
  };
}

/** True for a member that the group would choose: it takes calls and is not failing them. */
export function isServing(member: MemberView, policy: GroupPolicy): boolean {
  return member.admits && member.failures < policy.failoverThreshold;
}

/** The member to move to, since the active one no longer serves; undefined when there is none better, or no need. */
export function failoverTarget(
  members: readonly MemberView[],
  active: string | null,
  policy: GroupPolicy,
): MemberView | undefined {
  const current = members.find(({ id }) => id === active);
  if (current !== undefined && (isServing(current, policy) || current.starting)) return undefined;
  const others = members.filter(({ id }) => id !== active);
  const serving = others.find((member) => isServing(member, policy));
  if (serving !== undefined || current?.admits === true) return serving;
  const admitting = others.find(({ admits }) => admits);
  // A member that was removed cannot stay the active one, whatever the others are worth.
  return admitting ?? (isPresent(current) ? undefined : others.find(isPresent));
}

/** The most wanted member that is healthy and more wanted than the active one. */
export function failbackTarget(
  members: readonly MemberView[],
  active: string | null,
  policy: GroupPolicy,
): MemberView | undefined {
  return above(members, active).find((member) => member.state === 'healthy' && isServing(member, policy));
}

/** Where `failOver()` leads: the next serving member after the active one, in the order of priority and round. */
export function nextByHand(
  members: readonly MemberView[],
  active: string | null,
  policy: GroupPolicy,
): MemberView | undefined {
  const at = members.findIndex(({ id }) => id === active);
  const round = [...members.slice(at + 1), ...members.slice(0, Math.max(at, 0))];
  return round.find((member) => isServing(member, policy)) ?? round.find(({ admits }) => admits);
}

/** Where `failBack()` leads: the most wanted member that takes calls, if it is more wanted than the active one. */
export function backByHand(
  members: readonly MemberView[],
  active: string | null,
  policy: GroupPolicy,
): MemberView | undefined {
  const better = above(members, active);
  return better.find((member) => isServing(member, policy)) ?? better.find(({ admits }) => admits);
}

function isPresent(member: MemberView | undefined): boolean {
  return member !== undefined && member.state !== 'absent';
}

function above(members: readonly MemberView[], active: string | null): readonly MemberView[] {
  const at = members.findIndex(({ id }) => id === active);
  return at === -1 ? members : members.slice(0, at);
}

/** The members that one call may be tried on, in this order, each once. Empty: no member can take it. */
export function select(
  members: readonly MemberView[],
  active: string | null,
  policy: GroupPolicy,
): readonly MemberView[] {
  const admitting = members.filter(({ admits }) => admits);
  if (admitting.length === 0) {
    // The last resort: links that stand although their servers are unhealthy, the least bad first.
    return members.filter(({ linked }) => linked).toSorted((one, other) => one.failures - other.failures);
  }
  const rank = (member: MemberView): number =>
    (isServing(member, policy) ? 0 : members.length + 1) + (member.id === active ? 0 : 1 + members.indexOf(member));
  return admitting.toSorted((one, other) => rank(one) - rank(other));
}

/** At least this long between two switches, unless the active member has no link. */
export const dwellMs = 10_000;

const longestFailbackMs = 15 * 60_000;
const forgivenPerMs = 10 * 60_000;

/** Beyond this many doublings every delay is at its longest, and a delay of 0 stays 0. */
const mostDoublings = 30;

/** How hesitant a group still is to return, `quietMs` after its last failover: each full 10 minutes take a step off. */
export function hesitationAt(steps: number, quietMs: number): number {
  return Math.max(0, steps - Math.floor(quietMs / forgivenPerMs));
}

/** The same after one more failover, `quietMs` after the last one: one step more. The first failover is step 0. */
export function hesitationAfter(steps: number | null, quietMs: number): number {
  return steps === null ? 0 : Math.max(0, steps + 1 - Math.floor(quietMs / forgivenPerMs));
}

/** The step at which the delay has reached its longest: more would only take longer to forget. */
export function mostHesitation({ failbackDelayMs }: GroupPolicy): number {
  return failbackDelayMs > 0 && failbackDelayMs < longestFailbackMs
    ? Math.ceil(Math.log2(longestFailbackMs / failbackDelayMs))
    : 0;
}

/** The delay of a failback: doubled by each step, at most 15 minutes (or the policy's own delay, if that is longer), ±20 %. */
export function failbackMs(policy: GroupPolicy, hesitation: number, random: number): number {
  const longest = Math.max(longestFailbackMs, policy.failbackDelayMs);
  const base = Math.min(longest, policy.failbackDelayMs * 2 ** Math.min(hesitation, mostDoublings));
  return base * (0.8 + 0.4 * random);
}
