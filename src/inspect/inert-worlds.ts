import { fromCallback, fromPromise } from 'xstate';
import { createGroupMachine, type GroupMachine } from '../machines/group-machine.ts';
import { absentMember } from '../machines/group-policy.ts';
import { createManagerMachine, type ManagerMachine } from '../machines/manager-machine.ts';
import { createSessionMachine, type SessionMachine } from '../machines/session-machine.ts';

const nothing = (): undefined => undefined;

/** The session machine without a world: for drawing, not for running. */
export function inertSessionMachine(): SessionMachine {
  return createSessionMachine({
    random: () => 0,
    wall: () => 0,
    monotonic: () => 0,
    actors: {
      permit: fromCallback(nothing),
      link: fromCallback(nothing),
    },
    remember: nothing,
    releasePermit: nothing,
    cancelCalls: nothing,
    countStaleEvent: nothing,
  });
}

/** The manager machine without a world: for drawing, not for running. */
export function inertManagerMachine(): ManagerMachine {
  return createManagerMachine({
    random: () => 0,
    monotonic: () => 0,
    session: inertSessionMachine(),
    group: inertGroupMachine(),
    actors: {
      ticker: fromCallback(nothing),
      release: fromPromise<void, { readonly id: string }>(async () => undefined),
    },
    sessionInput: nothing,
    watch: nothing,
    answeredAgoMs: () => 0,
    forgivesCalls: () => false,
    sessionCrashed: nothing,
    isClosing: () => false,
    sessionClosed: nothing,
    memberView: absentMember,
    groupInput: nothing,
    watchGroup: nothing,
    groupCrashed: nothing,
    groupClosed: nothing,
  });
}

/** The group machine without a world: for drawing, not for running. */
export function inertGroupMachine(): GroupMachine {
  return createGroupMachine({
    random: () => 0,
    wall: () => 0,
    monotonic: () => 0,
    managerOf: nothing,
    remember: nothing,
  });
}
