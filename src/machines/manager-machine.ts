/**
 * The supervisor of up to 32 sessions and of the groups whose primaries are among them: it starts them, routes orders and
 * ticks to them, tells groups what becomes of their members, and when a session throws, has its link released before it
 * starts that session anew. `docs/machines/manager.md` draws it; `manager-setup.ts` says what its words mean.
 */
import { managerSetup, type ManagerWorld } from './manager-setup.ts';

export type ManagerMachine = ReturnType<typeof createManagerMachine>;

export function createManagerMachine(world: ManagerWorld) {
  return managerSetup(world).createMachine({
    id: 'manager',
    context: ({ input }) => ({ crashes: {}, watchers: {}, paused: input.paused }),
    entry: 'start the ticker',
    on: {
      'SERVER.ADD': { actions: 'start the session' },
      'SERVER.RESTART': { actions: 'start the session' },
      'SESSION.*': { actions: 'pass the order on' },
      'CIRCUIT.RESET': { actions: 'pass the order on' },
      'CALL.EDGE': { actions: 'pass the edge on' },
      'GROUP.ADD': { actions: 'start the group' },
      'GROUP.RESTART': { actions: 'start the group' },
      'GROUP.FAILOVER': { actions: 'pass the order on to the group' },
      'GROUP.FAILBACK': { actions: 'pass the order on to the group' },
      'GROUP.REMOVE': { actions: 'pass the order on to the group' },
      'MEMBER.MOVED': { actions: 'pass the order on to the group' },
      'MEMBER.WATCH': { actions: 'let the group watch' },
      'MEMBER.UNWATCH': { actions: 'let the group watch no more' },
      'MEMBER.OBSERVED': { actions: 'tell the groups that watch it' },
      'TICKS.DUE': { actions: 'pass the ticks on' },
      'MONITORING.START': { actions: 'pause the ticks' },
      'MONITORING.STOP': { actions: 'pause the ticks' },
      'xstate.error.actor.*': { actions: 'clean up after a crash' },
      'xstate.done.actor.*': { actions: 'clean up after an end' },
    },
  });
}
