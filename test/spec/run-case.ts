/** Runs one case of a specification table against the machine that it is about; throws at the first step that is not as expected. */
import assert from 'node:assert/strict';
import { circuitStateOf } from '../../src/machines/circuit-policy.ts';
import { stateOfPhase } from '../../src/machines/connection-state.ts';
import type { GroupMachineEvent } from '../../src/machines/group-events.ts';
import type { SessionMachineEvent } from '../../src/machines/session-events.ts';
import { GroupBench } from '../machines/group-bench.ts';
import { facts, SessionBench } from '../machines/session-bench.ts';
import {
  type GroupCase,
  type GroupEventRow,
  type GroupExpect,
  type SessionCase,
  type SessionEventRow,
  type SessionExpect,
  type Step,
  type SpecTable,
  stepsOf,
} from './spec-tables.ts';

/** Each case of a table, and how to run it. */
export function runsOf(table: SpecTable): readonly { readonly name: string; readonly run: () => Promise<void> }[] {
  return table.machine === 'session'
    ? table.cases.map((each) => ({ name: each.name, run: () => runSessionCase(each) }))
    : table.cases.map((each) => ({ name: each.name, run: () => runGroupCase(each) }));
}

const sessionAtFirst: SessionExpect = {
  state: 'disconnected',
  phase: 'idle',
  generation: 0,
  attempt: 0,
  nextAttempt: null,
  circuit: 'closed',
  staleEvents: 0,
};

/** A session that has not been opened yet, then the steps. */
async function runSessionCase(table: SessionCase): Promise<void> {
  const { healthCheck = {}, reconnect = {}, circuitBreaker = {}, ...policy } = table.policy ?? {};
  const bench = new SessionBench({
    healthCheck,
    reconnect,
    circuitBreaker,
    policy,
    memory: table.memory ?? {},
    random: () => table.random ?? 0.5,
    opened: false,
  });
  const look = (): SessionExpect => {
    const { phase, context, staleEvents } = bench;
    const circuit = circuitStateOf(context.circuit);
    const log = bench.take();
    return {
      state: stateOfPhase(phase, circuit),
      phase,
      generation: context.generation,
      attempt: context.attempt,
      nextAttempt: context.nextAttemptAt,
      circuit,
      staleEvents,
      emitted: log.filter((entry) => typeof entry !== 'string'),
      orders: log.flatMap((entry) => (typeof entry === 'string' ? orderOf(entry) : [])),
    };
  };
  try {
    const steps = stepsOf(table);
    await walk({ ...sessionAtFirst, ...table.starts }, steps, look, async (ms, event) => {
      await bench.advance(ms);
      if (event !== undefined) bench.send(sessionEvent(event, bench.clock.monotonic()));
    });
  } finally {
    bench.stop();
  }
}

/** A group that has just been made, then the steps. */
async function runGroupCase(table: GroupCase): Promise<void> {
  const bench = new GroupBench({
    members: table.members,
    ...(table.policy !== undefined && { policy: table.policy }),
    random: () => table.random ?? 0.5,
  });
  const phases: Readonly<Record<string, GroupExpect['phase']>> = {
    onPrimary: 'onPrimary',
    holding: 'onBackup',
    failingBack: 'onBackup',
    unavailable: 'unavailable',
    removed: 'removed',
  };
  const look = (): GroupExpect => {
    const phase = phases[bench.state];
    assert.ok(phase !== undefined && bench.active !== null, `no phase is known for ${bench.state}`);
    const orders = bench.take().filter((line) => line.startsWith('MEMBER.'));
    return {
      phase,
      active: bench.active,
      nextFailback: bench.context.failback?.at ?? null,
      emitted: bench.emitted.splice(0),
      orders: orders.map((line) => line.replace('MEMBER.WATCH', 'watch').replace('MEMBER.UNWATCH', 'unwatch')),
    };
  };
  const atFirst: GroupExpect = {
    phase: 'onPrimary',
    active: table.members[0]?.id ?? '',
    nextFailback: null,
    orders: table.members.map(({ id }) => `watch ${id}`),
  };
  try {
    await walk({ ...atFirst, ...table.starts }, stepsOf(table), look, async (ms, event) => {
      await bench.advance(ms);
      if (event !== undefined) bench.send(groupEvent(event));
    });
  } finally {
    bench.stop();
  }
}

async function walk<Event extends { readonly type: string }, Expect extends object>(
  starts: Expect,
  steps: readonly Step<Event, Expect>[],
  look: () => Expect,
  play: (ms: number, event: Event | undefined) => Promise<void>,
): Promise<void> {
  let expected = next({}, starts);
  assert.deepEqual({ 'at the start': look() }, { 'at the start': expected });
  let nowMs = 0;
  for (const [index, { at, after = 0, event, expect }] of steps.entries()) {
    const dueMs = at ?? nowMs + after;
    assert.ok(dueMs >= nowMs, `step ${index + 1} is at ${dueMs} ms, before the one that precedes it`);
    await play(dueMs - nowMs, event);
    nowMs = dueMs;
    expected = next(expected, expect);
    const actual = look();
    const title = `step ${index + 1}, ${event?.type ?? 'time'} at ${nowMs} ms`;
    assert.deepEqual({ [title]: actual }, { [title]: expected });
  }
}

/** What is expected after a step: what it says, and of all else what was before; nothing told, nothing ordered. */
function next(before: object, expect: object): object {
  return { ...before, emitted: [], orders: [], ...expect };
}

/** What an event of a table is to the machine: the moment and the id that every table leaves out are added. */
function sessionEvent(row: SessionEventRow, atMs: number): SessionMachineEvent {
  const { offersTools, retryAfterMs, ...event } = row;
  const isNudge = row.type === 'SESSION.OPEN' || row.type === 'SESSION.RECYCLE';
  const isDated = /^(PING\.|LINK\.DOWN|SESSION\.LOST)/.test(row.type);
  const isOrder = /^(SESSION\.(OPEN|REOPEN|RECYCLE|DRAIN|ABANDON)|CIRCUIT\.RESET)$/.test(row.type);
  return {
    ...event,
    ...(isOrder && { id: 'weather' }),
    ...((isNudge || isDated) && { atMs }),
    ...(offersTools !== undefined && { facts: { ...facts, capabilities: offersTools ? { tools: {} } : {} } }),
    ...(retryAfterMs !== undefined && { retryAfterMs: retryAfterMs ?? undefined }),
  } as SessionMachineEvent;
}

function groupEvent(row: GroupEventRow): GroupMachineEvent {
  return { ...row, ...(row.type !== 'MEMBER.CHANGED' && { id: 'g' }) } as GroupMachineEvent;
}

/** An entry of the bench's log in the tables' words; nothing for what is no business of another implementation. */
function orderOf(entry: string): readonly string[] {
  if (entry === 'permit started') return ['ask for a permit'];
  if (entry === 'permit returned') return ['return the permit'];
  if (entry === 'calls cancelled') return ['cancel calls'];
  const [, generation, order] = /^link (\d+)(?:: (.+)| started)$/.exec(entry) ?? [];
  if (generation !== undefined) return [order === undefined ? `open link ${generation}` : (linkOrders[order] ?? order)];
  const tick = /^weather: tick of generation (\d+) in (.+)$/.exec(entry);
  return tick === null ? [] : [`tick in ${tick[2]}`];
}

const linkOrders: Readonly<Record<string, string>> = {
  'PROBE.REQUEST': 'probe',
  'HYDRATE.REQUEST': 'list tools',
  'HYDRATE.REQUEST without tools': 'list nothing',
  'LINK.RELEASE graceful': 'release gracefully',
  'LINK.RELEASE kill': 'release by killing',
  'LINK.RELEASE lost': 'release as lost',
};
