/** What the group machine's table is written in. Which member serves is decided by the pure functions of `group-policy.ts`. */
import { assign, cancel, enqueueActions, raise, setup, type AnyActorRef } from 'xstate';
import type { GroupEmitted, GroupInput, GroupMachineEvent, GroupMemory, Watcher } from './group-events.ts';
import {
  byHand,
  dueFailback,
  dueFailover,
  dwellLeftMs,
  isOnPrimary,
  memoryOf,
  takesNoCalls,
  whyLeft,
  type GroupContext,
  type Now,
} from './group-context.ts';
import { failbackMs, hesitationAfter, hesitationAt, mostHesitation } from './group-policy.ts';

/** The world as the group machine sees it. None of these may throw. */
export interface GroupWorld extends Now {
  random(): number;
  /** The manager actor that a server lives under now; undefined once the server was removed. */
  managerOf(serverId: string): AnyActorRef | undefined;
  /** Keeps what must outlive the group's actor. */
  remember(id: string, memory: GroupMemory): void;
}

/** The words of the group's table. */
export function groupSetup(world: GroupWorld) {
  const moved = (context: GroupContext, to: string, reason: string): Partial<GroupContext> => ({
    active: to,
    activeSinceMs: world.monotonic(),
    activeSince: world.wall(),
    switches: context.switches + 1,
    lastSwitch: { at: world.wall(), from: context.active ?? '', to, reason },
    dwelling: true,
    failback: null,
  });

  return setup({
    types: {
      context: {} as GroupContext,
      input: {} as GroupInput,
      events: {} as GroupMachineEvent,
      emitted: {} as GroupEmitted,
    },
    delays: {
      'the dwell': ({ context }) => dwellLeftMs(context, world),
      'the failback delay': ({ context }) => context.failback?.delayMs ?? 0,
    },
    guards: {
      'has to fail over': ({ context }) => dueFailover(context) !== undefined,
      'no member takes calls': ({ context }) => takesNoCalls(context),
      'is on its primary': ({ context }) => isOnPrimary(context),
      'is not on its primary': ({ context }) => !isOnPrimary(context),
      'may fail back': ({ context }) => dueFailback(context) !== undefined,
      'has failed back, or would to another': ({ context: { failback }, context }) =>
        failback === null || dueFailback(context)?.id !== failback.to,
      'can move by hand': ({ context, event }) => byHand(context, event) !== undefined,
    },
    actions: {
      'watch the members': enqueueActions(({ context, enqueue, self }) => {
        for (const { id } of context.members) {
          const manager = world.managerOf(id);
          if (manager !== undefined) enqueue.sendTo(manager, watchOrder(id, self));
        }
      }),
      'take note of what changed meanwhile': enqueueActions(({ context, enqueue }) => {
        if (context.found.length > 0) enqueue.raise({ type: 'MEMBER.CHANGED', members: context.found });
        enqueue.assign({ found: [] });
      }),
      'watch the member where it is now': enqueueActions(({ event, enqueue, self }) => {
        if (event.type !== 'MEMBER.MOVED') return;
        const manager = world.managerOf(event.memberId);
        if (manager !== undefined) enqueue.sendTo(manager, watchOrder(event.memberId, self));
      }),
      'watch no more': enqueueActions(({ context, enqueue, self }) => {
        for (const { id } of context.members) {
          const manager = world.managerOf(id);
          if (manager !== undefined) enqueue.sendTo(manager, { type: 'MEMBER.UNWATCH', id, watcher: self });
        }
      }),
      'note the members': enqueueActions(({ context, event, enqueue }) => {
        if (event.type !== 'MEMBER.CHANGED') return;
        const news = new Map(event.members.map((member) => [member.id, member]));
        enqueue.assign({ members: context.members.map((known) => news.get(known.id) ?? known) });
        for (const { id, admits } of context.members) {
          const now = news.get(id);
          if (now !== undefined && now.admits !== admits) {
            enqueue.emit({ type: 'memberChanged', memberId: id, admits: now.admits });
          }
        }
      }),
      'fail over': enqueueActions(({ context, enqueue }) => {
        const to = dueFailover(context);
        if (to === undefined || context.active === null) return;
        const reason = whyLeft(context);
        const nowMs = world.monotonic();
        const quietMs = nowMs - (context.failedOverAtMs ?? nowMs);
        enqueue.assign({
          ...moved(context, to.id, reason),
          hesitation: Math.min(mostHesitation(context.policy), hesitationAfter(context.hesitation, quietMs)),
          failedOverAtMs: nowMs,
          heldByHand: false,
        });
        enqueue.emit({ type: 'failedOver', from: context.active, to: to.id, reason, byHand: false });
      }),
      'fail back': enqueueActions(({ context, enqueue }) => {
        const to = dueFailback(context);
        if (to === undefined || context.active === null) return;
        enqueue.assign(moved(context, to.id, 'it has been healthy long enough'));
        enqueue.emit({ type: 'failedBack', from: context.active, to: to.id, byHand: false });
      }),
      'move by hand': enqueueActions(({ context, event, enqueue }) => {
        const to = byHand(context, event);
        if (to === undefined || context.active === null) return;
        const reason = event.type === 'GROUP.FAILOVER' ? event.reason : 'asked for by hand';
        const { active } = context;
        enqueue.assign({ ...moved(context, to.id, reason), heldByHand: event.type === 'GROUP.FAILOVER' });
        enqueue.emit(
          event.type === 'GROUP.FAILOVER'
            ? { type: 'failedOver', from: active, to: to.id, reason, byHand: true }
            : { type: 'failedBack', from: active, to: to.id, byHand: true },
        );
      }),
      'let go of the hold': assign({ heldByHand: false }),
      'time the dwell': enqueueActions(({ context, enqueue }) => {
        if (context.dwelling) enqueue.raise({ type: 'DWELL.OVER' }, { id: 'dwell', delay: 'the dwell' });
      }),
      'stop timing the dwell': cancel('dwell'),
      'end the dwell': assign({ dwelling: false }),
      'schedule the failback': assign(({ context }) => {
        const to = dueFailback(context);
        if (to === undefined) return {};
        const quietMs = world.monotonic() - (context.failedOverAtMs ?? Number.NEGATIVE_INFINITY);
        const hesitation = hesitationAt(context.hesitation ?? 0, quietMs);
        const wanted = failbackMs(context.policy, hesitation, world.random());
        const delayMs = Math.max(wanted, context.dwelling ? dwellLeftMs(context, world) : 0);
        return { failback: { to: to.id, at: world.wall() + delayMs, delayMs } };
      }),
      'tell of the scheduled failback': enqueueActions(({ context: { failback }, enqueue }) => {
        if (failback === null) return;
        const { to, at, delayMs } = failback;
        enqueue.emit({ type: 'failbackScheduled', to, delayMs, failbackAt: at });
      }),
      'time the failback': raise({ type: 'FAILBACK.DUE' }, { id: 'failback', delay: 'the failback delay' }),
      'stop timing the failback': cancel('failback'),
      'call the failback off': enqueueActions(({ context: { failback }, enqueue }) => {
        if (failback === null) return;
        enqueue.assign({ failback: null });
        enqueue.emit({ type: 'failbackCancelled', to: failback.to });
      }),
      remember: ({ context }) => {
        world.remember(context.id, memoryOf(context));
      },
      'tell that no member takes calls': enqueueActions(({ context, enqueue }) => {
        if (!context.isAvailable) return;
        enqueue.assign({ isAvailable: false });
        enqueue.emit({ type: 'groupUnavailable' });
      }),
      'tell that a member takes calls': enqueueActions(({ context, enqueue }) => {
        if (context.isAvailable || takesNoCalls(context)) return;
        enqueue.assign({ isAvailable: true });
        enqueue.emit({ type: 'groupAvailable', active: context.active ?? '' });
      }),
    },
  });
}

function watchOrder(id: string, watcher: Watcher) {
  return { type: 'MEMBER.WATCH' as const, id, watcher };
}
