import type { ActorRef, Snapshot } from 'xstate';
import type { GroupPolicy, MemberView } from './group-policy.ts';

/** The state of a group's statechart. */
export type GroupPhase = 'onPrimary' | 'onBackup' | 'unavailable';

/** A group's actor, as the managers of its members know it. */
export type Watcher = ActorRef<Snapshot<unknown>, MemberChanged>;

/** What a member's manager tells the groups that watch it. */
export interface MemberChanged {
  readonly type: 'MEMBER.CHANGED';
  /** Nearly always one; those that changed in one moment come together, so that the group does not move from one that is lost to another. */
  readonly members: readonly MemberView[];
}

/** Orders to a group, by its manager. */
export type GroupCommand =
  /** A member has been added again, or has a new manager: watch it there. */
  | { readonly type: 'MEMBER.MOVED'; readonly id: string; readonly memberId: string }
  | { readonly type: 'GROUP.FAILOVER'; readonly id: string; readonly reason: string }
  | { readonly type: 'GROUP.FAILBACK'; readonly id: string }
  | { readonly type: 'GROUP.REMOVE'; readonly id: string };

export type GroupMachineEvent =
  | MemberChanged
  | GroupCommand
  | { readonly type: 'FAILBACK.DUE' }
  | { readonly type: 'DWELL.OVER' };

/** From a group to the manager of one of its members. */
export type WatchOrder =
  /** Tell me of this member, now and whenever it changes. */
  | { readonly type: 'MEMBER.WATCH'; readonly id: string; readonly watcher: Watcher }
  | { readonly type: 'MEMBER.UNWATCH'; readonly id: string; readonly watcher: Watcher };

/** What a group's actor tells outward. */
export type GroupEmitted =
  | { readonly type: 'memberChanged'; readonly memberId: string; readonly admits: boolean }
  | {
      readonly type: 'failedOver';
      readonly from: string;
      readonly to: string;
      readonly reason: string;
      readonly byHand: boolean;
    }
  | { readonly type: 'failedBack'; readonly from: string; readonly to: string; readonly byHand: boolean }
  | {
      readonly type: 'failbackScheduled';
      readonly to: string;
      readonly delayMs: number;
      /** Milliseconds since the epoch. */
      readonly failbackAt: number;
    }
  | { readonly type: 'failbackCancelled'; readonly to: string }
  /** No member takes calls any more. */
  | { readonly type: 'groupUnavailable' }
  | { readonly type: 'groupAvailable'; readonly active: string };

/** What outlives a group's actor and is handed to the next one. Moments are monotonic unless they say otherwise. */
export interface GroupMemory {
  /** As they were last known, in the order of priority. */
  readonly members: readonly MemberView[];
  readonly active: string | null;
  /** When the active member became it. */
  readonly activeSinceMs: number;
  /** The same, in milliseconds since the epoch. */
  readonly activeSince: number;
  readonly switches: number;
  readonly lastSwitch: {
    readonly at: number;
    readonly from: string;
    readonly to: string;
    readonly reason: string;
  } | null;
  /** Steps of hesitation to fail back, as they were at the last failover; null before the first. */
  readonly hesitation: number | null;
  /** When that was. */
  readonly failedOverAtMs: number | null;
  readonly heldByHand: boolean;
  /** True while a member takes calls: what was last told of it. */
  readonly isAvailable: boolean;
}

export interface GroupInput {
  readonly id: string;
  readonly policy: GroupPolicy;
  /** In the order of priority, as they are now. */
  readonly members: readonly MemberView[];
  /** Undefined for a new group. */
  readonly memory: GroupMemory | undefined;
}
