/**
 * The supervisor of up to 32 sessions: it starts them, routes orders and ticks to them, and when one of them throws,
 * has its link released before it starts that session anew. `docs/machines/manager.md` draws it.
 */
import {
  assign,
  enqueueActions,
  setup,
  type ActorRefFrom,
  type AnyActorRef,
  type CallbackActorLogic,
  type PromiseActorLogic,
} from 'xstate';
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
  sessionCrashed(id: string, error: unknown, restartMs: number): void;
  /** True once the server is being removed: its session is not started again. */
  isClosing(id: string): boolean;
  sessionClosed(id: string): void;
}

export interface ManagerContext {
  /** The latest crashes of sessions' actors; forgotten when the session closes. */
  readonly crashes: Readonly<Record<string, ActorCrash>>;
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

export type ManagerMachine = ReturnType<typeof createManagerMachine>;

export function createManagerMachine(world: ManagerWorld) {
  return setup({
    types: {
      context: {} as ManagerContext,
      input: {} as { readonly paused: boolean },
      events: {} as ManagerMachineEvent,
    },
    actors: { session: world.session, ticker: world.actors.ticker, release: world.actors.release },
    actions: {
      'start the session': enqueueActions(({ event, enqueue, self }) => {
        if (event.type !== 'SERVER.ADD' && event.type !== 'SERVER.RESTART') return;
        const { id } = event;
        const input = childOf(self, id) === undefined ? world.sessionInput(id, self) : undefined;
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
        if (!event.type.startsWith('SESSION.') || !('id' in event)) return;
        const { id } = event;
        const session = childOf(self, id);
        if (session !== undefined) {
          enqueue.sendTo(session, event);
        } else if (event.type === 'SESSION.DRAIN' && childOf(self, id + releaseSuffix) === undefined) {
          enqueue.cancel(restartOf(id));
          enqueue.assign({ crashes: without(context.crashes, id) });
          world.sessionClosed(id);
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
            if (child !== undefined && childId !== tickerId && !childId.endsWith(releaseSuffix)) {
              enqueue.sendTo(child, { type: 'TICKS.LOST' });
            }
          }
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
      }),
    },
  }).createMachine({
    id: 'manager',
    context: ({ input }) => ({ crashes: {}, paused: input.paused }),
    entry: 'start the ticker',
    on: {
      'SERVER.ADD': { actions: 'start the session' },
      'SERVER.RESTART': { actions: 'start the session' },
      'SESSION.*': { actions: 'pass the order on' },
      'CALL.EDGE': { actions: 'pass the edge on' },
      'TICKS.DUE': { actions: 'pass the ticks on' },
      'MONITORING.START': { actions: 'pause the ticks' },
      'MONITORING.STOP': { actions: 'pause the ticks' },
      'xstate.error.actor.*': { actions: 'clean up after a crash' },
      'xstate.done.actor.*': { actions: 'clean up after an end' },
    },
  });
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
