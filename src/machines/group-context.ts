import type { GroupInput, GroupMachineEvent, GroupMemory, GroupPhase } from './group-events.ts';
import {
  backByHand,
  dwellMs,
  failbackTarget,
  failoverTarget,
  nextByHand,
  type GroupPolicy,
  type MemberView,
} from './group-policy.ts';

/** The group's own data: plain and small, since inspectors show it. */
export interface GroupContext extends GroupMemory {
  readonly id: string;
  readonly policy: GroupPolicy;
  /** True for a while after a switch: the next one has to wait, unless the active member has no link. */
  readonly dwelling: boolean;
  /** How the members were found when the actor started in the place of another: news to it. */
  readonly found: readonly MemberView[];
  /** The member that a failback is due to, and when, in milliseconds since the epoch. */
  readonly failback: { readonly to: string; readonly at: number; readonly delayMs: number } | null;
}

export interface Now {
  /** Milliseconds since the epoch. */
  wall(): number;
  /** Milliseconds since some fixed moment. */
  monotonic(): number;
}

/** A group begins with its primary, unless that one does not serve and another does; one that had an actor before goes on where that left off. */
export function initialGroup({ id, policy, members, memory }: GroupInput, now: Now): GroupContext {
  const primary = members[0]?.id ?? null;
  const remembered = memory ?? {
    members,
    active: failoverTarget(members, primary, policy)?.id ?? primary,
    activeSinceMs: now.monotonic(),
    activeSince: now.wall(),
    switches: 0,
    lastSwitch: null,
    hesitation: null,
    failedOverAtMs: null,
    heldByHand: false,
    isAvailable: !takesNoCalls({ members }),
  };
  return {
    ...remembered,
    id,
    policy,
    dwelling: remembered.switches > 0 && dwellLeftMs(remembered, now) > 0,
    found: memory === undefined ? [] : members,
    failback: null,
  };
}

export function memoryOf(context: GroupContext): GroupMemory {
  const { members, active, activeSinceMs, activeSince, switches, lastSwitch } = context;
  const { hesitation, failedOverAtMs, heldByHand, isAvailable } = context;
  return {
    members,
    active,
    activeSinceMs,
    activeSince,
    switches,
    lastSwitch,
    hesitation,
    failedOverAtMs,
    heldByHand,
    isAvailable,
  };
}

/** How long the next switch has to wait yet. */
export function dwellLeftMs(
  { activeSinceMs }: Pick<GroupMemory, 'activeSinceMs'>,
  now: Pick<Now, 'monotonic'>,
): number {
  return Math.max(0, activeSinceMs + dwellMs - now.monotonic());
}

/** The member that a failing active one is to be left for, as far as the dwell allows. */
export function dueFailover(context: GroupContext): MemberView | undefined {
  const current = context.members.find(({ id }) => id === context.active);
  if (context.dwelling && current?.linked === true) return undefined;
  return failoverTarget(context.members, context.active, context.policy);
}

/** The member that the group would return to by itself. */
export function dueFailback(context: GroupContext): MemberView | undefined {
  if (context.policy.failback !== 'auto' || context.heldByHand) return undefined;
  return failbackTarget(context.members, context.active, context.policy);
}

/** The member that an order by hand leads to. */
export function byHand(context: GroupContext, event: GroupMachineEvent): MemberView | undefined {
  const { members, active, policy } = context;
  if (event.type === 'GROUP.FAILOVER') return nextByHand(members, active, policy);
  return event.type === 'GROUP.FAILBACK' ? backByHand(members, active, policy) : undefined;
}

export function takesNoCalls({ members }: Pick<GroupContext, 'members'>): boolean {
  return members.every(({ admits }) => !admits);
}

export function isOnPrimary({ members, active }: Pick<GroupContext, 'members' | 'active'>): boolean {
  return members[0]?.id === active;
}

/** The state that fits: where the machine comes to rest. */
export function phaseThatFits(context: GroupContext): GroupPhase {
  if (takesNoCalls(context)) return 'unavailable';
  return isOnPrimary(context) ? 'onPrimary' : 'onBackup';
}

/** Why the active member is left, in a few words. */
export function whyLeft(context: GroupContext): string {
  const current = context.members.find(({ id }) => id === context.active);
  if (current === undefined || current.state === 'absent') return 'it was removed';
  const why = current.reason === null ? '' : `: ${current.reason}`;
  if (!current.linked) return `it has no connection${why}`;
  if (!current.admits) return `it is unhealthy${why}`;
  return `it failed ${current.failures} times in a row${why}`;
}
