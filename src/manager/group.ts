import type { Observable } from 'rxjs';
import type { ConnectionState } from '../machines/connection-state.ts';
import type { FailbackMode } from '../machines/group-policy.ts';
import type { GroupPhase } from '../machines/group-events.ts';
import type { GroupEvent } from './manager-events.ts';
import type { Caller } from './session.ts';

/** One member of a group, at one moment. Plain data. */
export interface MemberInfo {
  readonly id: string;
  /** 0 for the primary, then the backups in their order: the lower, the more wanted. */
  readonly priority: number;
  /** True for the member that new calls go to. */
  readonly active: boolean;
  /** `absent`: the server was removed; it is a member again once a server of this id is added. */
  readonly state: ConnectionState | 'absent';
  /** True when it takes calls now. */
  readonly admits: boolean;
  /** Its consecutive failures in this generation, checks or calls, whichever is greater, as far as the group counts them: up to `failoverThreshold`. */
  readonly failures: number;
}

/** All that is known of a group, at one moment. Plain data. */
export interface GroupInfo {
  readonly id: string;
  /** `onPrimary` and `onBackup` say which member is active; `unavailable`: no member takes calls. */
  readonly state: GroupPhase;
  /** The member that new calls go to; null only when every member was removed. */
  readonly active: string | null;
  /** In the order of priority, the primary first. */
  readonly members: readonly MemberInfo[];
  readonly failoverThreshold: number;
  readonly failback: FailbackMode;
  /** Since when the active member is the active one, in milliseconds since the epoch. */
  readonly since: number;
  /** How often the active member has changed. */
  readonly switches: number;
  readonly lastSwitch: {
    /** Milliseconds since the epoch. */
    readonly at: number;
    readonly from: string;
    readonly to: string;
    readonly reason: string;
  } | null;
  /** When it fails back by itself, in milliseconds since the epoch; null while no failback is due. */
  readonly failbackAt: number | null;
  /** The member that it will then fail back to. */
  readonly failbackTo: string | null;
  /** True after `failOver()` by hand: it does not fail back by itself until `failBack()`, or until the active member fails. */
  readonly heldByHand: boolean;
}

/**
 * Servers that can stand in for each other: calls go to the active member, and to a backup when that one does not take them.
 *
 * Of a call that fails only one that was certainly not sent moves on to the next member, once to each; everything else is
 * thrown as a session throws it. A tool is only ever called on a member whose input schema for it is the same as the one in
 * the reference catalog (`catalogFrom`, else the primary's, else that of the first backup whose catalog is known):
 * `FailoverSchemaMismatchError`. When no member takes calls: `GroupUnavailableError`, at once.
 */
export interface Group extends Caller {
  /** The member that new calls go to. It moves as soon as a member fails, without needing a call; undefined only when every member was removed. */
  readonly active: string | undefined;
  readonly members: readonly MemberInfo[];
  readonly info: GroupInfo;
  /** The current info first, then every change. Completes when the group is removed or its manager closed; never errors. */
  readonly info$: Observable<GroupInfo>;
  /** Hot. Completes when the group is removed or its manager closed. */
  readonly events$: Observable<GroupEvent>;
  /**
   * Moves to the next member that takes calls, at once, and stays there: it does not fail back by itself.
   * Throws `GroupUnavailableError` when no other member takes calls, `ClosedError` after removal.
   */
  failOver(reason?: string): void;
  /**
   * Moves to the most wanted member that takes calls, at once; nothing happens when that one is active already.
   * Throws `GroupUnavailableError` when no member takes calls, `ClosedError` after removal.
   */
  failBack(): void;
}
