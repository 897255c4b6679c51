/**
 * Servers that stand in for each other, as a statechart: which of them is active, and when that changes.
 * It lives as a child of its primary's manager and hears of its members from theirs. `docs/machines/group.md` draws it;
 * `group-setup.ts` says what its words mean.
 */
import { not } from 'xstate';
import { initialGroup } from './group-context.ts';
import { groupSetup, type GroupWorld } from './group-setup.ts';

export type GroupMachine = ReturnType<typeof createGroupMachine>;

const switched = ['remember', 'stop timing the dwell', 'time the dwell'] as const;

export function createGroupMachine(world: GroupWorld) {
  return groupSetup(world).createMachine({
    id: 'group',
    context: ({ input }) => initialGroup(input, world),
    entry: ['take note of what changed meanwhile', 'watch the members', 'time the dwell'],
    initial: 'deciding',
    on: {
      'MEMBER.CHANGED': { actions: ['note the members', 'remember'] },
      'MEMBER.MOVED': { actions: 'watch the member where it is now' },
      'DWELL.OVER': { actions: 'end the dwell' },
      'GROUP.FAILOVER': {
        guard: 'can move by hand',
        target: '.deciding',
        actions: ['move by hand', ...switched],
      },
      'GROUP.FAILBACK': [
        { guard: 'can move by hand', target: '.deciding', actions: ['move by hand', ...switched] },
        { actions: ['let go of the hold', 'remember'] },
      ],
      'GROUP.REMOVE': { target: '.removed' },
    },
    states: {
      deciding: {
        always: [
          { guard: 'has to fail over', target: 'deciding', reenter: true, actions: ['fail over', ...switched] },
          { guard: 'no member takes calls', target: 'unavailable' },
          { guard: 'is on its primary', target: 'onPrimary' },
          { target: 'onBackup' },
        ],
      },

      onPrimary: {
        entry: ['tell that a member takes calls', 'remember'],
        always: [
          { guard: 'has to fail over', target: 'deciding' },
          { guard: 'no member takes calls', target: 'unavailable' },
          { guard: 'is not on its primary', target: 'deciding' },
        ],
      },

      onBackup: {
        initial: 'holding',
        entry: ['tell that a member takes calls', 'remember'],
        always: [
          { guard: 'has to fail over', target: 'deciding' },
          { guard: 'no member takes calls', target: 'unavailable' },
          { guard: 'is on its primary', target: 'deciding' },
        ],
        states: {
          holding: { always: { guard: 'may fail back', target: 'failingBack' } },
          failingBack: {
            entry: ['schedule the failback', 'tell of the scheduled failback', 'time the failback'],
            exit: ['stop timing the failback', 'call the failback off'],
            always: { guard: 'has failed back, or would to another', target: 'holding' },
            on: { 'FAILBACK.DUE': { actions: ['fail back', ...switched] } },
          },
        },
      },

      unavailable: {
        entry: ['tell that no member takes calls', 'remember'],
        always: [
          { guard: 'has to fail over', actions: ['fail over', ...switched] },
          { guard: not('no member takes calls'), target: 'deciding' },
        ],
      },

      removed: { type: 'final', entry: 'watch no more' },
    },
  });
}
