/** What the manager machine's table is written in. A supervisor's own actions must be total: an error in one ends all its sessions. */
import {
  assign,
  enqueueActions,
  setup,
  type ActorRefFrom,
  type AnyActorRef,
  type CallbackActorLogic,
  type PromiseActorLogic,
} from 'xstate';
import type { GroupInput, Watcher } from './group-events.ts';
import type { GroupMachine } from './group-machine.ts';
import { absentMember, type MemberView } from './group-policy.ts';
import type { ManagerMachineEvent, TickerCommand } from './manager-events.ts';
import { backoffMs } from './reconnect-policy.ts';
import { tickerId, type SessionInput, type TickKeeper } from './session-context.ts';
import type { SessionMachine } from './session-machine.ts';

/** The world as the manager machine sees it. None of these may throw: an error in a supervisor's own action ends all its sessions. */
export interface ManagerWorld {
  random(): number;
  /** Milliseconds, monotonic. */
  monotonic(): number;
  readonly session: SessionMachine;
  readonly group: GroupMachine;
  readonly actors: {
    /** One timer for the ticks of all sessions. */
    readonly ticker: CallbackActorLogic<TickerCommand, { readonly paused: boolean }>;
    /** Releases what the crashed session of this id left open. Never rejects. */
    readonly release: PromiseActorLogic<void, { readonly id: string }>;
  };
  /** What to start a session with; undefined once the server was removed. */
  sessionInput(id: string, manager: TickKeeper): SessionInput | undefined;
  /** A session's actor was made: listen to it. */
  watch(id: string, session: ActorRefFrom<SessionMachine>): void;
  /** How long ago the server last answered anything, in milliseconds. */
  answeredAgoMs(id: string): number;
  /** True when the server's failed calls are so old that they say nothing any more; they are forgotten then. */
  forgivesCalls(id: string): boolean;
  sessionCrashed(id: string, error: unknown, restartMs: number): void;
  /** True once the server is being removed: its session is not started again. */
  isClosing(id: string): boolean;
  sessionClosed(id: string): void;
  /** A server as the groups that watch it see it now. */
  memberView(id: string): MemberView;
  /** What to start a group with; undefined once it was removed. */
  groupInput(id: string): GroupInput | undefined;
  /** A group's actor was made: listen to it. */
  watchGroup(id: string, group: ActorRefFrom<GroupMachine>): void;
  groupCrashed(id: string, error: unknown, restartMs: number): void;
  groupClosed(id: string): void;
}

export interface ManagerContext {
  /** The latest crashes of sessions' and groups' actors; forgotten when they close. */
  readonly crashes: Readonly<Record<string, ActorCrash>>;
  /** The groups that watch a server of this manager. */
  readonly watchers: Readonly<Record<string, readonly Watcher[]>>;
  readonly paused: boolean;
}

export interface ActorCrash {
  /** Crashes in a row, with less than the forgiving time between any two. */
  readonly count: number;
  readonly atMs: number;
  readonly restartMs: number;
}

/** How fast a crashed session's actor comes back; the crash is ours, so no server's policy applies. */
const restartPolicy = { delayMs: 1_000, maxDelayMs: 60_000, multiplier: 2 };
const forgivenAfterMs = 300_000;

export function nextCrash(last: ActorCrash | undefined, atMs: number, random: number): ActorCrash {
  const count = last !== undefined && atMs - last.atMs < forgivenAfterMs ? last.count + 1 : 1;
  return { count, atMs, restartMs: backoffMs(count - 1, restartPolicy, random) };
}

/** Ends in a control character, which no server's id may contain. */
const releaseSuffix = ' release\u0000';

/** Like the release of a crashed session, a group has a child id that no server can have. */
const groupSuffix = ' group\u0000';

/** The words of the manager's table. */
export function managerSetup(world: ManagerWorld) {
  return setup({
    types: {
      context: {} as ManagerContext,
      input: {} as { readonly paused: boolean },
      events: {} as ManagerMachineEvent,
    },
    actors: { session: world.session, group: world.group, ticker: world.actors.ticker, release: world.actors.release },
    actions: {
      'start the session': enqueueActions(({ event, enqueue, self }) => {
        if (event.type !== 'SERVER.ADD' && event.type !== 'SERVER.RESTART') return;
        const { id } = event;
        // While the link of a session that crashed is still being let go, a new session would open a second one beside it.
        const isFree = childOf(self, id) === undefined && childOf(self, id + releaseSuffix) === undefined;
        const input = isFree ? world.sessionInput(id, self) : undefined;
        if (input === undefined) return;
        let session: AnyActorRef = self;
        enqueue.assign(({ spawn }) => {
          const made = spawn('session', { id, input });
          world.watch(id, made);
          session = made;
          return {};
        });
        if (event.type === 'SERVER.RESTART' || input.memory.generation > 0) {
          enqueue.sendTo(() => session, { type: 'SESSION.REOPEN', id });
        } else if (!input.policy.lazy) {
          enqueue.sendTo(() => session, { type: 'SESSION.OPEN', id, atMs: world.monotonic() });
        }
      }),
      'pass the order on': enqueueActions(({ context, event, enqueue, self }) => {
        if (!(event.type.startsWith('SESSION.') || event.type === 'CIRCUIT.RESET') || !('id' in event)) return;
        const { id } = event;
        const session = childOf(self, id);
        if (session !== undefined) {
          enqueue.sendTo(session, event);
        } else if (event.type === 'SESSION.DRAIN' && childOf(self, id + releaseSuffix) === undefined) {
          enqueue.cancel(restartOf(id));
          enqueue.assign({ crashes: without(context.crashes, id), watchers: without(context.watchers, id) });
          world.sessionClosed(id);
          for (const watcher of own(context.watchers, id) ?? []) enqueue.sendTo(watcher, memberGone(id));
        }
      }),
      'pass the edge on': enqueueActions(({ event, enqueue, self }) => {
        const session = event.type === 'CALL.EDGE' ? childOf(self, event.id) : undefined;
        if (event.type === 'CALL.EDGE' && session !== undefined) enqueue.sendTo(session, event.edge);
      }),
      'pass the ticks on': enqueueActions(({ event, enqueue, self }) => {
        if (event.type !== 'TICKS.DUE') return;
        for (const { id, generation, lateMs } of event.ticks) {
          const session = childOf(self, id);
          if (session !== undefined) {
            if (world.forgivesCalls(id)) enqueue.sendTo(session, { type: 'CALLS.RECOVERED' });
            enqueue.sendTo(session, {
              type: 'HEALTH.TICK',
              generation,
              lateMs,
              answeredAgoMs: world.answeredAgoMs(id),
            });
          }
        }
      }),
      'pause the ticks': enqueueActions(({ event, enqueue, self }) => {
        const paused = event.type === 'MONITORING.STOP';
        enqueue.assign({ paused });
        const ticker = childOf(self, tickerId);
        if (ticker !== undefined) enqueue.sendTo(ticker, { type: paused ? 'TICKER.PAUSE' : 'TICKER.RESUME' });
      }),
      'start the ticker': assign(({ spawn, context }) => {
        spawn('ticker', { id: tickerId, input: { paused: context.paused } });
        return {};
      }),
      'clean up after a crash': enqueueActions(({ context, event, enqueue, self }) => {
        if (!('actorId' in event) || !('error' in event)) return;
        const id = event.actorId;
        enqueue.stopChild(id);
        if (id === tickerId) {
          enqueue.assign(({ spawn, context: { paused } }) => {
            spawn('ticker', { id: tickerId, input: { paused } });
            return {};
          });
          for (const [childId, child] of Object.entries(self.getSnapshot().children)) {
            if (child !== undefined && childId !== tickerId && !isAttendant(childId)) {
              enqueue.sendTo(child, { type: 'TICKS.LOST' });
            }
          }
        } else if (id.endsWith(groupSuffix)) {
          const groupId = id.slice(0, -groupSuffix.length);
          const gone = childOf(self, id);
          enqueue.assign({ watchers: withoutWatcher(context.watchers, gone) });
          const crash = nextCrash(own(context.crashes, id), world.monotonic(), world.random());
          enqueue.assign({ crashes: { ...context.crashes, [id]: crash } });
          enqueue.raise({ type: 'GROUP.RESTART', id: groupId }, { id: restartOf(id), delay: crash.restartMs });
          world.groupCrashed(groupId, event.error, crash.restartMs);
        } else if (!id.endsWith(releaseSuffix)) {
          const crash = nextCrash(own(context.crashes, id), world.monotonic(), world.random());
          enqueue.assign({ crashes: { ...context.crashes, [id]: crash } });
          world.sessionCrashed(id, event.error, crash.restartMs);
          const ticker = childOf(self, tickerId);
          if (ticker !== undefined) enqueue.sendTo(ticker, { type: 'TICK.DISARM', id });
          enqueue.spawnChild('release', { id: id + releaseSuffix, input: { id } });
        }
      }),
      'clean up after an end': enqueueActions(({ context, event, enqueue, self }) => {
        if (!('actorId' in event)) return;
        enqueue.stopChild(event.actorId);
        if (event.actorId.endsWith(groupSuffix)) {
          enqueue.assign({ crashes: without(context.crashes, event.actorId) });
          const groupId = event.actorId.slice(0, -groupSuffix.length);
          world.groupClosed(groupId);
          // Another group of this id may have been added while this one was on its way out.
          if (world.groupInput(groupId) !== undefined) {
            enqueue.raise({ type: 'GROUP.RESTART', id: groupId }, { id: restartOf(event.actorId), delay: 0 });
          }
          return;
        }
        const wasCrashed = event.actorId.endsWith(releaseSuffix);
        const id = wasCrashed ? event.actorId.slice(0, -releaseSuffix.length) : event.actorId;
        if (wasCrashed && !world.isClosing(id)) {
          const delay = own(context.crashes, id)?.restartMs ?? 0;
          enqueue.raise({ type: 'SERVER.RESTART', id }, { id: restartOf(id), delay });
          return;
        }
        const ticker = childOf(self, tickerId);
        if (ticker !== undefined) enqueue.sendTo(ticker, { type: 'TICK.DISARM', id });
        if (own(context.crashes, id) !== undefined) enqueue.assign({ crashes: without(context.crashes, id) });
        world.sessionClosed(id);
        const watchers = own(context.watchers, id);
        if (watchers === undefined) return;
        enqueue.assign({ watchers: without(context.watchers, id) });
        for (const watcher of watchers) enqueue.sendTo(watcher, memberGone(id));
      }),
      'start the group': enqueueActions(({ event, enqueue, self }) => {
        if (event.type !== 'GROUP.ADD' && event.type !== 'GROUP.RESTART') return;
        const { id } = event;
        const input = childOf(self, id + groupSuffix) === undefined ? world.groupInput(id) : undefined;
        if (input === undefined) return;
        enqueue.assign(({ spawn }) => {
          world.watchGroup(id, spawn('group', { id: id + groupSuffix, input }));
          return {};
        });
      }),
      'pass the order on to the group': enqueueActions(({ context, event, enqueue, self }) => {
        if (event.type !== 'MEMBER.MOVED' && !event.type.startsWith('GROUP.')) return;
        if (!('id' in event)) return;
        const childId = event.id + groupSuffix;
        const group = childOf(self, childId);
        if (group !== undefined) {
          enqueue.sendTo(group, event);
        } else if (event.type === 'GROUP.REMOVE') {
          enqueue.cancel(restartOf(childId));
          enqueue.assign({ crashes: without(context.crashes, childId) });
          world.groupClosed(event.id);
        }
      }),
      'let the group watch': enqueueActions(({ context, event, enqueue }) => {
        if (event.type !== 'MEMBER.WATCH') return;
        const { id, watcher } = event;
        const present = own(context.watchers, id) ?? [];
        if (!present.includes(watcher)) {
          enqueue.assign({ watchers: { ...context.watchers, [id]: [...present, watcher] } });
        }
        enqueue.sendTo(watcher, { type: 'MEMBER.CHANGED', members: [world.memberView(id)] });
      }),
      'let the group watch no more': assign(({ context, event }) => {
        if (event.type !== 'MEMBER.UNWATCH') return {};
        const left = (own(context.watchers, event.id) ?? []).filter((watcher) => watcher !== event.watcher);
        const others = without(context.watchers, event.id);
        return { watchers: left.length === 0 ? others : { ...others, [event.id]: left } };
      }),
      'tell the groups that watch it': enqueueActions(({ context, event, enqueue }) => {
        if (event.type !== 'MEMBER.OBSERVED') return;
        for (const watcher of own(context.watchers, event.id) ?? []) {
          enqueue.sendTo(watcher, { type: 'MEMBER.CHANGED', members: [event.member] });
        }
      }),
    },
  });
}

/** A child that is no session. */
function isAttendant(childId: string): boolean {
  return childId.endsWith(releaseSuffix) || childId.endsWith(groupSuffix);
}

function memberGone(id: string) {
  return { type: 'MEMBER.CHANGED' as const, members: [absentMember(id)] };
}

function withoutWatcher(
  watchers: ManagerContext['watchers'],
  gone: AnyActorRef | undefined,
): ManagerContext['watchers'] {
  const left = Object.entries(watchers).map(([id, of]) => [id, of.filter((watcher) => watcher !== gone)] as const);
  return Object.fromEntries(left.filter(([, of]) => of.length > 0));
}

function restartOf(id: string): string {
  return `restart ${id}`;
}

/** A server may be called `toString`: what an object inherits is none of its entries. */
function own<T>(entries: Readonly<Record<string, T>>, id: string): T | undefined {
  return Object.hasOwn(entries, id) ? entries[id] : undefined;
}

function without<T>(entries: Readonly<Record<string, T>>, id: string): Readonly<Record<string, T>> {
  return Object.fromEntries(Object.entries(entries).filter(([other]) => other !== id));
}

function childOf(manager: AnyActorRef, id: string): AnyActorRef | undefined {
  return own<AnyActorRef>(manager.getSnapshot().children, id);
}
