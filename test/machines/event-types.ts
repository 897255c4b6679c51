import type { GroupMachineEvent } from '../../src/machines/group-events.ts';
import type { ManagerMachineEvent } from '../../src/machines/manager-events.ts';
import type { SessionMachineEvent } from '../../src/machines/session-events.ts';

/** `given`: by others. `timer`: from a timer of the machine itself. */
type Origin = 'given' | 'timer';

/** Every type of event that a session knows; the compiler sees to it that none is missing. */
export const sessionEventTypes = {
  'SESSION.OPEN': 'given',
  'SESSION.REOPEN': 'given',
  'SESSION.RECYCLE': 'given',
  'SESSION.DRAIN': 'given',
  'SESSION.ABANDON': 'given',
  'LINK.SPAWNED': 'given',
  'LINK.OPENED': 'given',
  'LINK.FAULT': 'given',
  'LINK.DOWN': 'given',
  'SESSION.LOST': 'given',
  'LINK.RELEASED': 'given',
  'PING.OK': 'given',
  'PING.FAILED': 'given',
  'PING.VOID': 'given',
  HYDRATED: 'given',
  'HEALTH.TICK': 'given',
  'CALLS.FAILING': 'given',
  'CALLS.RECOVERED': 'given',
  'LATENCY.HIGH': 'given',
  'LATENCY.LOW': 'given',
  OVERLOAD: 'given',
  'INFLIGHT.ZERO': 'given',
  PERMIT: 'given',
  'RECYCLE.DUE': 'timer',
  STABLE: 'timer',
  'REST.OVER': 'timer',
  'OVERLOAD.OVER': 'timer',
  'TICKS.LOST': 'given',
  'CIRCUIT.TRIPPED': 'given',
  'CIRCUIT.PROVED': 'given',
  'CIRCUIT.DUE': 'timer',
  'CIRCUIT.RECYCLE': 'timer',
  'CIRCUIT.RESET': 'given',
} as const satisfies Readonly<Record<SessionMachineEvent['type'], Origin>>;

/** Every type of event that a group knows. */
export const groupEventTypes = {
  'MEMBER.CHANGED': 'given',
  'MEMBER.MOVED': 'given',
  'GROUP.FAILOVER': 'given',
  'GROUP.FAILBACK': 'given',
  'GROUP.REMOVE': 'given',
  'FAILBACK.DUE': 'timer',
  'DWELL.OVER': 'timer',
} as const satisfies Readonly<Record<GroupMachineEvent['type'], Origin>>;

/** Every type of event that a manager knows; those that XState makes of its children without the child's id. */
export const managerEventTypes = {
  'SERVER.ADD': 'given',
  'SERVER.RESTART': 'timer',
  'SESSION.OPEN': 'given',
  'SESSION.REOPEN': 'given',
  'SESSION.RECYCLE': 'given',
  'SESSION.DRAIN': 'given',
  'SESSION.ABANDON': 'given',
  'CIRCUIT.RESET': 'given',
  'CALL.EDGE': 'given',
  'GROUP.ADD': 'given',
  'GROUP.RESTART': 'timer',
  'GROUP.FAILOVER': 'given',
  'GROUP.FAILBACK': 'given',
  'GROUP.REMOVE': 'given',
  'MEMBER.MOVED': 'given',
  'MEMBER.WATCH': 'given',
  'MEMBER.UNWATCH': 'given',
  'MEMBER.OBSERVED': 'given',
  'TICK.ARM': 'given',
  'TICKS.DUE': 'given',
  'MONITORING.START': 'given',
  'MONITORING.STOP': 'given',
  'xstate.error.actor': 'given',
  'xstate.done.actor': 'given',
} as const satisfies Readonly<Record<OfAnyChild<ManagerMachineEvent['type']>, Origin>>;

type OfAnyChild<Type extends string> = Type extends `xstate.${infer Kind}.actor.${string}`
  ? `xstate.${Kind}.actor`
  : Type;
