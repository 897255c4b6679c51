import type { DoneActorEvent, ErrorActorEvent } from 'xstate';
import type { CallEdge } from './call-tally.ts';
import type { GroupCommand, WatchOrder } from './group-events.ts';
import type { MemberView } from './group-policy.ts';
import type { SessionCommand } from './session-events.ts';

/** A session asks for one tick, `dueMs` from now; it replaces the session's earlier one. */
export interface TickArm {
  readonly type: 'TICK.ARM';
  readonly id: string;
  readonly generation: number;
  readonly dueMs: number;
}

/** The ticks of one turn of the wheel. */
export interface TicksDue {
  readonly type: 'TICKS.DUE';
  readonly ticks: readonly { readonly id: string; readonly generation: number; readonly lateMs: number }[];
}

/** Orders to the health ticker. */
export type TickerCommand =
  | TickArm
  | { readonly type: 'TICKER.PAUSE' }
  | { readonly type: 'TICKER.RESUME' }
  | { readonly type: 'TICK.DISARM'; readonly id: string };

export type ManagerCommand =
  | { readonly type: 'SERVER.ADD'; readonly id: string }
  | SessionCommand
  | { readonly type: 'CALL.EDGE'; readonly id: string; readonly edge: CallEdge }
  | { readonly type: 'GROUP.ADD'; readonly id: string }
  | GroupCommand
  /** A server that groups watch is not what it was. */
  | { readonly type: 'MEMBER.OBSERVED'; readonly id: string; readonly member: MemberView }
  | { readonly type: 'MONITORING.START' }
  | { readonly type: 'MONITORING.STOP' };

export type ManagerMachineEvent =
  | ManagerCommand
  | TickArm
  | TicksDue
  | WatchOrder
  | { readonly type: 'SERVER.RESTART'; readonly id: string }
  | { readonly type: 'GROUP.RESTART'; readonly id: string }
  | DoneActorEvent
  | ErrorActorEvent;
