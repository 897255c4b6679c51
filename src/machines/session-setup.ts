/** What the session machine's table is written in. Every threshold and delay comes from a policy; nothing here decides on its own. */
import { assign, cancel, emit, enqueueActions, raise, sendTo, setup, spawnChild, stopChild } from 'xstate';
import { circuitMove } from './circuit-moves.ts';
import { barReason, circuitStateOf, hasShownThatItIsWell, type Circuit } from './circuit-policy.ts';
import { classify } from './fault-policy.ts';
import {
  answersNeeded,
  attentiveMs,
  firstTickMs,
  hasRecovered,
  isGivenUp,
  isOwnStall,
  isSound,
  isUnhealthy,
  nextTickMs,
  provenCount,
  respreadMs,
  tickAfterAnswerMs,
  withoutReason,
  withReason,
  type DegradedReason,
} from './health-policy.ts';
import {
  attemptDelayMs,
  losesSessionsTooOften,
  nudgeIntervalMs,
  parkMs,
  withExit,
  withSessionLoss,
  type ParkedFor,
} from './reconnect-policy.ts';
import {
  answersWith,
  connectTimeout,
  explained,
  healthAfter,
  memoryOf,
  tickerOf,
  type SessionContext,
  type SessionInput,
} from './session-context.ts';
import type { AfterRelease, Release, SessionEmitted, SessionMachineEvent } from './session-events.ts';
import type { SessionWorld } from './session-world.ts';

/** Pause between two checks of a connection that still has to prove itself. */
const provingPauseMs = 250;
/** How long `overload` stays a reason when the server did not say how long. */
const overloadMs = 10_000;

/** `bars calls`: its circuit is open or half open, whatever its health. */
export type SessionTag = 'admits calls' | 'bars calls' | 'holds a link';

/** Whether a session of these tags takes calls. */
export function admitsCalls(tags: ReadonlySet<string>): boolean {
  return tags.has('admits calls') && !tags.has('bars calls');
}

/** The words of the session's table: each guard, action and delay by its name. */
export function sessionSetup(world: SessionWorld) {
  return setup({
    types: {
      context: {} as SessionContext,
      input: {} as SessionInput,
      events: {} as SessionMachineEvent,
      emitted: {} as SessionEmitted,
      tags: {} as SessionTag,
    },
    actors: world.actors,
    delays: {
      'the connect timeout': ({ context }) => context.policy.connectTimeoutMs,
      'the stable time': ({ context }) => context.policy.reconnect.stableMs,
      'the rest': ({ context }) => context.restMs ?? 0,
      'the drain time': ({ event }) => (event.type === 'SESSION.DRAIN' ? event.drainMs : 0),
      'the time to the next nudge': ({ context, event }) => untilNudge(context, event),
      'the proving pause': provingPauseMs,
      'the time between two trials': ({ context }) => attentiveMs(context.policy.healthCheck),
      'the open time': ({ context }) => Math.max(0, (context.circuit.openUntilMs ?? 0) - world.monotonic()),
      'the overload time': ({ event }) => (event.type === 'OVERLOAD' ? (event.retryAfterMs ?? overloadMs) : overloadMs),
    },
    guards: {
      'is current': ({ context, event }) => 'generation' in event && event.generation === context.generation,
      'is stale': ({ context, event }) => 'generation' in event && event.generation !== context.generation,
      'may stay idle': ({ context }) => context.policy.lazy && context.generation === 0,
      'stays disconnected': ({ context }) => !context.policy.reconnect.enabled && context.generation > 0,
      'needs no permit': ({ context }) => !context.policy.limited,
      'is hydrated': ({ context }) => context.hydrated,
      'proves the connection': ({ context, event }) =>
        answersWith(context, event) >= answersNeeded(context.everConnected, context.policy.healthCheck),
      'has to wait after the loss': ({ context, event }) =>
        !context.policy.reconnect.enabled ||
        (event.type === 'SESSION.LOST' && losesSessionsTooOften(withSessionLoss(context.losses, event.atMs))),
      'drains at once': ({ event }) => event.type === 'SESSION.DRAIN' && event.drainMs === 0,
      'has nothing in flight': ({ event }) => event.type === 'SESSION.DRAIN' && event.inFlight === 0,
      'shows nothing new': ({ context, event }) => {
        const { health, reason } = explained(context, healthAfter(context, event));
        return health === context.health && reason === context.reason;
      },
      'came late by our own fault': ({ context, event }) =>
        event.type === 'HEALTH.TICK' && isOwnStall(event.lateMs, context.policy.healthCheck),
      'was answered lately': ({ context, event }) =>
        event.type === 'HEALTH.TICK' && event.answeredAgoMs < context.policy.healthCheck.intervalMs,
      'needs no attention': ({ context }) =>
        isSound(context.health, context.policy.healthCheck) && circuitStateOf(context.circuit) === 'closed',
      'is closed for good': ({ context }) => context.circuit.phase === 'normal',
      'is on probation': ({ context }) => context.circuit.phase === 'probation',
      'has still to be open': ({ context }) =>
        context.circuit.openUntilMs !== null && context.circuit.openUntilMs > world.monotonic(),
      'has shown that it is well': ({ context }) =>
        hasShownThatItIsWell(context.circuit, context.policy.circuitBreaker),
      'is about to recycle': ({ context }) => context.recycling,
      'is sound': ({ context }) => isSound(context.health, context.policy.healthCheck),
      'has recovered': ({ context }) => hasRecovered(context.health, context.policy.healthCheck),
      'has failed too often': ({ context }) => isUnhealthy(context.health, context.policy.healthCheck),
      'is hopeless': ({ context }) => isGivenUp(context.health, context.policy.healthCheck),
      'was nudged a moment ago': ({ context, event }) =>
        'atMs' in event && context.nudgedAtMs !== null && event.atMs - context.nudgedAtMs < nudgeIntervalMs,
      'would come no sooner': ({ context, event }) =>
        'atMs' in event &&
        context.restEndsAtMs !== null &&
        event.atMs + untilNudge(context, event) >= context.restEndsAtMs,
      'is bound for': ({ context }, params: { readonly next: AfterRelease }) => context.release?.next === params.next,
    },
    actions: {
      'begin a generation': assign(({ context }) => ({
        generation: context.generation + 1,
        answers: 0,
        hydrated: false,
        opened: false,
        pid: null,
        release: null,
      })),
      remember: ({ context }) => {
        world.remember(context.id, memoryOf(context));
      },
      'give the permit back': ({ context }) => {
        world.releasePermit(context.id);
      },
      'cancel the calls in flight': ({ context }) => {
        world.cancelCalls(context.id);
      },
      'count a stale event': ({ context }) => {
        world.countStaleEvent(context.id);
      },
      'note the process': assign(({ event }) => (event.type === 'LINK.SPAWNED' ? { pid: event.pid } : {})),
      'note the server': assign(({ event, context }) =>
        event.type === 'LINK.OPENED' ? { opened: true, facts: event.facts, pid: event.facts.pid ?? context.pid } : {},
      ),
      'forget the process': enqueueActions(({ context, enqueue }) => {
        if (context.pid !== null) enqueue.assign({ pid: null });
      }),
      'count an answer': assign(({ context, event }) => ({
        answers: answersWith(context, event),
        hydrated: context.hydrated || event.type === 'HYDRATED',
      })),
      'note the connection': assign(({ context }) => ({
        everConnected: true,
        hydrated: true,
        reason: null,
        // Only a stable connection shows that a crash loop is over.
        parkedFor: context.parkedFor === 'crashLoop' ? context.parkedFor : null,
        health: provenCount(context.policy.healthCheck),
      })),
      'forget the failed attempts': assign({ attempt: 0, parkedFor: null }),
      'count a check': assign(({ context, event }) => explained(context, healthAfter(context, event))),
      'note what failed': assign(({ event }) =>
        'fault' in event ? { lastFault: event.fault, reason: event.fault.message } : {},
      ),
      'note the connect timeout': assign(({ context }) => {
        const fault = connectTimeout(context);
        return { lastFault: fault, reason: fault.message };
      }),
      'count an exit': enqueueActions(({ context, event, enqueue }) => {
        if (event.type === 'LINK.DOWN' && event.fault.kind === 'exit')
          enqueue.assign({ exits: withExit(context.exits, event.atMs, context.policy.reconnect) });
      }),
      'count a session loss': assign(({ context, event }) =>
        event.type === 'SESSION.LOST' ? { losses: withSessionLoss(context.losses, event.atMs) } : {},
      ),
      'note a reason': assign(({ context }, params: { readonly reason: DegradedReason }) =>
        explained(context, withReason(context.health, params.reason)),
      ),
      'drop a reason': assign(({ context }, params: { readonly reason: DegradedReason }) =>
        explained(context, withoutReason(context.health, params.reason)),
      ),
      'forget the reason': assign(({ context }) =>
        circuitStateOf(context.circuit) === 'closed' ? { reason: null } : {},
      ),
      'note why': assign(({ event }) => ('reason' in event ? { reason: event.reason } : {})),
      'note the nudge': assign(({ context, event }) => ({
        nudgedAtMs: 'atMs' in event ? event.atMs : (context.nudgedAtMs ?? 0) + nudgeIntervalMs,
      })),
      'note the drain': assign({ reason: 'draining' }),
      'let go': assign(({ context }, { mode, next, why }: Release & { readonly why: string | null }) => ({
        release: { mode, next },
        reason: why ?? context.reason,
      })),
      'let go, then retry': assign(({ context }, params: { readonly mode: Release['mode'] }) => ({
        release: {
          mode: params.mode,
          next: context.policy.reconnect.enabled ? ('backingOff' as const) : ('stopped' as const),
        },
      })),
      'let go, then do as the fault demands': assign(({ context, event }) => ({
        release: {
          mode: 'kill' as const,
          next: 'fault' in event ? classify(event.fault, context, context.policy.reconnect) : ('backingOff' as const),
        },
      })),
      'let go to retry at once': assign(({ context }) =>
        context.release === null || context.release.next === 'closed'
          ? {}
          : { release: { ...context.release, next: 'waiting' as const } },
      ),
      'let go for good': assign(({ context }) => ({
        release: { mode: context.release?.mode ?? ('kill' as const), next: 'closed' as const },
      })),
      'release the link': sendTo('link', ({ context }) => ({
        type: 'LINK.RELEASE' as const,
        mode: context.release?.mode ?? ('kill' as const),
      })),
      'kill the link': sendTo('link', { type: 'LINK.RELEASE', mode: 'kill' }),
      'schedule the next attempt': assign(({ context }) => ({
        ...restOf(
          attemptDelayMs(context.attempt, context.lastFault?.retryAfterMs, context.policy.reconnect, world.random()),
          world,
        ),
        attempt: context.attempt + 1,
      })),
      'schedule the next look': assign(({ context }, params: { readonly reason: ParkedFor }) => {
        const parks = context.parkedFor === params.reason ? context.parks : 0;
        return {
          ...restOf(parkMs(params.reason, parks, context.policy.reconnect), world),
          attempt: context.attempt + 1,
          parkedFor: params.reason,
          parks: parks + 1,
        };
      }),
      'put the nudge off': assign(({ context, event }) => restOf(untilNudge(context, event), world)),
      'forget the rest': assign({ restMs: null, restEndsAtMs: null, nextAttemptAt: null }),
      'time the rest': raise({ type: 'REST.OVER' }, { id: 'rest', delay: 'the rest' }),
      'stop timing the rest': cancel('rest'),
      // Only where there are failed attempts to forget: most sessions never need this timer.
      'time the stability': enqueueActions(({ context, enqueue }) => {
        if (context.attempt > 0) enqueue.raise({ type: 'STABLE' }, { id: 'stability', delay: 'the stable time' });
      }),
      'stop timing the stability': cancel('stability'),
      'time the overload': raise({ type: 'OVERLOAD.OVER' }, { id: 'overload', delay: 'the overload time' }),
      'stop timing the overload': cancel('overload'),
      'put the recycle off': raise(
        ({ context, event }) => ({
          type: 'RECYCLE.DUE' as const,
          generation: context.generation,
          reason: event.type === 'SESSION.RECYCLE' ? event.reason : '',
        }),
        { id: 'recycle', delay: 'the time to the next nudge' },
      ),
      'stop timing the recycle': cancel('recycle'),
      'ask for a probe': sendTo('link', { type: 'PROBE.REQUEST' }),
      'ask for the tools': sendTo('link', ({ context }) => ({
        type: 'HYDRATE.REQUEST' as const,
        offersTools: context.facts?.capabilities['tools'] !== undefined,
      })),
      'arm the first tick': sendTo(
        ({ context }) => tickerOf(context.manager),
        ({ context }) => tickArm(context, firstTickMs(context.policy.healthCheck, world.random())),
      ),
      'arm the next tick': sendTo(
        ({ context }) => tickerOf(context.manager),
        ({ context }) =>
          tickArm(
            context,
            nextTickMs(
              context.health,
              context.policy.healthCheck,
              world.random(),
              circuitStateOf(context.circuit) !== 'closed',
            ),
          ),
      ),
      'arm a tick for when the answer is old': sendTo(
        ({ context }) => tickerOf(context.manager),
        ({ context, event }) => {
          const answeredAgoMs = event.type === 'HEALTH.TICK' ? event.answeredAgoMs : 0;
          return tickArm(context, tickAfterAnswerMs(context.policy.healthCheck, answeredAgoMs, world.random()));
        },
      ),
      'arm a tick after the stall': sendTo(
        ({ context }) => tickerOf(context.manager),
        ({ context }) => tickArm(context, respreadMs(context.policy.healthCheck, world.random())),
      ),
      'move the circuit': enqueueActions(({ context, event, enqueue }, params: { readonly to: Circuit['phase'] }) => {
        const { changes, told, recycleInMs } = circuitMove(context, event, params.to, world.monotonic());
        enqueue.assign(changes);
        if (told !== undefined) enqueue.emit(told);
        const due = { type: 'CIRCUIT.RECYCLE' as const, generation: context.generation };
        if (recycleInMs === 0) enqueue.raise(due);
        else if (recycleInMs !== undefined) enqueue.raise(due, { id: 'circuit recycle', delay: recycleInMs });
      }),
      'count a good check for the circuit': assign(({ context }) => ({
        circuit: { ...context.circuit, successes: context.circuit.successes + 1 },
      })),
      'explain the circuit': assign(({ context }) => ({ reason: barReason(context.circuit) })),
      'note the recycle': assign(({ context }) => ({
        circuit: { ...context.circuit, recycledAtMs: world.monotonic() },
      })),
      'time the open circuit': raise({ type: 'CIRCUIT.DUE' }, { id: 'circuit', delay: 'the open time' }),
      'stop timing the circuit': cancel('circuit'),
      'recycle now': enqueueActions(({ context, enqueue }) => {
        enqueue.cancel('circuit recycle');
        enqueue.raise({ type: 'CIRCUIT.RECYCLE', generation: context.generation });
      }),
      'stop recycling': enqueueActions(({ context, enqueue }) => {
        if (!context.recycling) return;
        enqueue.cancel('circuit recycle');
        enqueue.assign({ recycling: false });
      }),
      'tell of the tick': emit(({ context }) => ({ type: 'healthTicked' as const, generation: context.generation })),
      'tell of the check': emit(({ context, event }) => ({
        type: 'healthChecked' as const,
        generation: context.generation,
        ok: event.type === 'PING.OK',
        latencyMs: event.type === 'PING.OK' ? event.latencyMs : null,
        void: event.type === 'PING.VOID',
        error: event.type === 'PING.FAILED' ? { code: event.fault.code, message: event.fault.message } : null,
      })),
      'tell of the next attempt': emit(({ context }) => ({
        type: 'reconnectScheduled' as const,
        generation: context.generation,
        attempt: context.attempt,
        delayMs: context.restMs ?? 0,
        attemptAt: context.nextAttemptAt ?? 0,
      })),
      'tell of the lost session': emit(({ context, event }) => ({
        type: 'sessionLost' as const,
        generation: context.generation,
        code: event.type === 'SESSION.LOST' ? event.fault.code : 'session-lost',
      })),
      'open a link': spawnChild('link', {
        id: 'link',
        input: ({ context }) => ({ id: context.id, generation: context.generation }),
      }),
      "end the link's actor": stopChild('link'),
      'tell of a leaked link': enqueueActions(({ context, event, enqueue }) => {
        if (event.type === 'LINK.RELEASED' && event.leaked)
          enqueue.emit({ type: 'linkLeaked', generation: context.generation });
      }),
    },
  });
}

/** A rest that begins now. */
function restOf(restMs: number, world: SessionWorld) {
  return { restMs, restEndsAtMs: world.monotonic() + restMs, nextAttemptAt: world.wall() + restMs };
}

/** Time until a nudge by hand may start an attempt again. */
function untilNudge(context: SessionContext, event: SessionMachineEvent): number {
  if (!('atMs' in event) || context.nudgedAtMs === null) return 0;
  return nudgeIntervalMs - (event.atMs - context.nudgedAtMs);
}

function tickArm(context: SessionContext, dueMs: number) {
  return { type: 'TICK.ARM' as const, id: context.id, generation: context.generation, dueMs };
}
