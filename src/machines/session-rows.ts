/** The rows that recur in the session machine's table. */
import { and } from 'xstate';
import type { CloseMode } from '../link/link.ts';
import type { Circuit } from './circuit-policy.ts';
import type { DegradedReason } from './health-policy.ts';
import type { ParkedFor } from './reconnect-policy.ts';
import type { AfterRelease } from './session-events.ts';

export const lostSession = ['note what failed', 'count a session loss', 'tell of the lost session'] as const;

/** `why`: the new reason of the session; without it, the one it has stays. */
export function letGo<const Mode extends CloseMode, const Next extends AfterRelease>(
  mode: Mode,
  next: Next,
  why: string | null = null,
) {
  return { type: 'let go', params: { mode, next, why } } as const;
}

export function retry<const Mode extends CloseMode>(mode: Mode) {
  return { type: 'let go, then retry', params: { mode } } as const;
}

/** The way out of an attempt whose connection this answer has proved; a circuit that was open is taken up where the last connection left it. */
export function toConnected(...actions: readonly 'tell of the check'[]) {
  const proved = ['is current', 'proves the connection'] as const;
  return [
    { guard: and([...proved, 'is closed for good']), target: '#session.connected', actions },
    { guard: and(proved), target: '#session.connected.circuit.resuming', actions },
  ] as const;
}

/** Somebody asks for another connection: this one is given up, or a little later when one was just given up. */
export const recycled = {
  'SESSION.RECYCLE': [
    { guard: 'was nudged a moment ago', actions: ['stop timing the recycle', 'put the recycle off'] },
    { target: '#session.releasing', actions: ['note why', 'note the nudge', letGo('kill', 'waiting')] },
  ],
  'RECYCLE.DUE': {
    guard: 'is current',
    target: '#session.releasing',
    actions: ['note why', 'note the nudge', letGo('kill', 'waiting')],
  },
} as const;

/** A good check of a connection. Nearly every one shows nothing new: that costs no snapshot, and thousands are made every second. */
export const goodCheck = [
  { guard: and(['is current', 'shows nothing new']), actions: ['tell of the check', 'arm the next tick'] },
  { guard: 'is current', actions: ['count a check', 'tell of the check', 'arm the next tick'] },
] as const;

/** A reason to be degraded. The first one asks for a check soon; while there is one, a check is due soon anyway. */
export function noted(reason: DegradedReason, ...also: readonly ('stop timing the overload' | 'time the overload')[]) {
  const note = { type: 'note a reason', params: { reason } } as const;
  return [{ guard: 'is sound', actions: [note, ...also, 'arm the next tick'] }, { actions: [note, ...also] }] as const;
}

/** The way into an attempt: through the connect limiter's queue, unless the target is exempt from it. */
export function toConnecting(...actions: readonly ('note the nudge' | 'note why')[]) {
  return [
    { guard: 'needs no permit', target: '#session.connecting.attempt', actions },
    { target: '#session.connecting', actions },
  ] as const;
}

/** One row of `releasing`: where the session goes once its link is gone. */
export function bound<const Target extends string>(
  next: AfterRelease,
  target: Target,
  ...also: readonly 'needs no permit'[]
) {
  return {
    guard: and(['is current' as const, ...also, { type: 'is bound for' as const, params: { next } }]),
    target,
    actions: 'tell of a leaked link',
  } as const;
}

/** One parked state: it looks again by itself, after a long while. */
export function parked<const Reason extends ParkedFor>(reason: Reason) {
  return {
    entry: [
      { type: 'schedule the next look', params: { reason } },
      'remember',
      'time the rest',
      'tell of the next attempt',
    ],
  } as const;
}

/** The circuit moves; what it has come to outlives the session's actor. */
export function circuitTo<const To extends Circuit['phase']>(to: To) {
  return [{ type: 'move the circuit', params: { to } }, 'remember'] as const;
}

/** Calls fail: the circuit opens, from wherever it is closed. */
export const circuitTripped = { 'CIRCUIT.TRIPPED': { target: 'open', actions: circuitTo('open') } } as const;
