import assert from 'node:assert/strict';
import type { GroupMachineEvent } from '../../src/machines/group-events.ts';
import { as, GroupBench } from './group-bench.ts';

const all = (...kinds: readonly (keyof typeof as)[]) => kinds.map((kind, index) => as[kind]('abc'.charAt(index)));

/** Every state of the group's table, and the real events that lead there; `a` is the primary, `b` and `c` its backups. */
export const states = {
  onPrimary: () => new GroupBench(),
  'onPrimary, dwelling': () => new GroupBench().failOver().failBack(),
  'onPrimary, starting': () => new GroupBench({ members: all('starting', 'healthy', 'healthy') }),
  'holding, dwelling': () => new GroupBench().is('gone', 'a'),
  holding: () => new GroupBench({ members: all('gone', 'healthy', 'healthy') }),
  'holding by hand': () => new GroupBench().failOver(),
  failingBack: () => new GroupBench({ members: all('gone', 'healthy', 'healthy') }).is('healthy', 'a'),
  'failingBack, to the second best': () =>
    new GroupBench({ members: all('gone', 'gone', 'healthy') }).is('healthy', 'b'),
  unavailable: () => new GroupBench().is('gone', 'c', 'b', 'a'),
  'unavailable, unhealthy and dwelling': () => new GroupBench().is('gone', 'a').is('unhealthy', 'c', 'b'),
  'unavailable, all removed': () => new GroupBench().is('absent', 'c', 'b', 'a'),
  'unavailable from the start': () => new GroupBench({ members: all('starting', 'starting', 'starting') }),
  removed: () => new GroupBench().send({ type: 'GROUP.REMOVE', id: 'g' }),
} as const satisfies Readonly<Record<string, () => GroupBench>>;

export type StateName = keyof typeof states;

const changed = (kind: keyof typeof as, id: string): GroupMachineEvent => ({
  type: 'MEMBER.CHANGED',
  members: [as[kind](id)],
});

/** Every event of the table's columns. */
export const events = {
  'a healthy': changed('healthy', 'a'),
  'a degraded': changed('degraded', 'a'),
  'a failing': changed('failing', 'a'),
  'a unhealthy': changed('unhealthy', 'a'),
  'a gone': changed('gone', 'a'),
  'a starting': changed('starting', 'a'),
  'a lazy': changed('lazy', 'a'),
  'a absent': changed('absent', 'a'),
  'b healthy': changed('healthy', 'b'),
  'b failing': changed('failing', 'b'),
  'b unhealthy': changed('unhealthy', 'b'),
  'b gone': changed('gone', 'b'),
  'b absent': changed('absent', 'b'),
  'c healthy': changed('healthy', 'c'),
  'c gone': changed('gone', 'c'),
  'a stranger': changed('healthy', 'x'),
  'b moved': { type: 'MEMBER.MOVED', id: 'g', memberId: 'b' },
  'fail over': { type: 'GROUP.FAILOVER', id: 'g', reason: 'maintenance' },
  'fail back': { type: 'GROUP.FAILBACK', id: 'g' },
  remove: { type: 'GROUP.REMOVE', id: 'g' },
  'failback due': { type: 'FAILBACK.DUE' },
  'dwell over': { type: 'DWELL.OVER' },
} as const satisfies Readonly<Record<string, GroupMachineEvent>>;

export type EventName = keyof typeof events;

/** Delays of the timers that run in each state. */
const timersOf: Readonly<Record<StateName, readonly number[]>> = {
  onPrimary: [],
  'onPrimary, dwelling': [10_000],
  'onPrimary, starting': [],
  'holding, dwelling': [10_000],
  holding: [],
  'holding by hand': [10_000],
  failingBack: [60_000],
  'failingBack, to the second best': [60_000],
  unavailable: [],
  'unavailable, unhealthy and dwelling': [10_000],
  'unavailable, all removed': [],
  'unavailable from the start': [],
  removed: [],
};

/**
 * What the event does in the state, told in lines: what is emitted and ordered, then the state, the active member and the delays
 * of the timers that run afterwards, each only where it is another than before. No line: neither value nor context is any different.
 */
export function effectOf(state: StateName, event: GroupMachineEvent): readonly string[] {
  const bench = states[state]();
  assert.deepEqual(bench.timers, timersOf[state]);
  bench.take();
  const before = { state: bench.state, active: bench.active, timers: bench.timers.join(), context: bench.context };
  bench.send(event);
  const after = { state: bench.state, active: bench.active, timers: bench.timers.join(), context: bench.context };
  const lines = [...bench.take()];
  if (after.state !== before.state) lines.push(`→ ${after.state}`);
  if (after.active !== before.active) lines.push(`active ${after.active}`);
  if (after.context.heldByHand !== before.context.heldByHand) {
    lines.push(after.context.heldByHand ? 'held by hand' : 'held no more');
  }
  if (after.timers !== before.timers) lines.push(`timers ${after.timers}`);
  const difference = JSON.stringify(before.context) !== JSON.stringify(after.context);
  if (lines.length === 0 && difference) lines.push('noted');
  bench.stop();
  return lines;
}
