import type { Watcher } from '../../src/machines/group-events.ts';
import type { ManagerMachineEvent } from '../../src/machines/manager-events.ts';
import { as } from './group-bench.ts';
import { ManagerBench } from './manager-bench.ts';
import { policyOf } from './session-bench.ts';

/** A manager that exists, with the servers `a` and `b`, both connected, and what else is done to it. */
const withServers = (): ManagerBench => {
  const manager = new ManagerBench();
  for (const id of ['a', 'b']) {
    manager.views.set(id, as.healthy(id));
    manager.add(id).connect(id);
    manager.answeredAgoMs.set(id, 30_000);
  }
  return manager;
};

/** What the children of a manager may be, and the real events that lead there. Its own state is always the same. */
export const situations = {
  'no children': async () => {
    const manager = new ManagerBench();
    for (const id of ['a', 'b']) manager.views.set(id, as.healthy(id));
    return manager;
  },
  'two sessions': async () => withServers(),
  'a session that crashed and is being released': async () => withServers().crash('a'),
  'a session that crashed and waits for its restart': async () => {
    const manager = withServers().crash('a');
    await manager.released('a');
    return manager;
  },
  'a group of two sessions': async () => withServers().addGroup('g', 'a', 'b'),
  'a group that crashed and waits for its restart': async () => withServers().addGroup('g', 'a', 'b').crashGroup('g'),
  'a session that is being removed': async () => withServers().remove('a'),
} as const satisfies Readonly<Record<string, () => Promise<ManagerBench>>>;

export type SituationName = keyof typeof situations;

type Given = (manager: ManagerBench) => ManagerMachineEvent;

/** Whoever watches: the group, or where there is none, somebody who takes no notice. */
const watcherIn = (manager: ManagerBench): Watcher => (manager.group('g') ?? manager.actor) as Watcher;

const failed = (actorId: string): ManagerMachineEvent => ({
  type: `xstate.error.actor.${actorId}`,
  actorId,
  error: new Error('it broke'),
});

const done = (actorId: string): ManagerMachineEvent => ({
  type: `xstate.done.actor.${actorId}`,
  actorId,
  output: undefined,
});

/** Every event of the table's columns; those that name a child are about `a` or `g`. */
export const events = {
  'SERVER.ADD': ({ servers }) => {
    servers.set('a', policyOf({ policy: { limited: false } }));
    return { type: 'SERVER.ADD', id: 'a' };
  },
  'SERVER.RESTART': () => ({ type: 'SERVER.RESTART', id: 'a' }),
  'SESSION.OPEN': () => ({ type: 'SESSION.OPEN', id: 'a', atMs: 0 }),
  'SESSION.REOPEN': () => ({ type: 'SESSION.REOPEN', id: 'a' }),
  'SESSION.RECYCLE': () => ({ type: 'SESSION.RECYCLE', id: 'a', atMs: 0, reason: 'asked for' }),
  'SESSION.DRAIN': () => ({ type: 'SESSION.DRAIN', id: 'a', drainMs: 0, inFlight: 0 }),
  'SESSION.ABANDON': () => ({ type: 'SESSION.ABANDON', id: 'a' }),
  'CIRCUIT.RESET': () => ({ type: 'CIRCUIT.RESET', id: 'a' }),
  'CALL.EDGE': () => ({ type: 'CALL.EDGE', id: 'a', edge: { type: 'CALLS.FAILING' } }),
  'GROUP.ADD': ({ groups }) => {
    groups.set('g', ['a', 'b']);
    return { type: 'GROUP.ADD', id: 'g' };
  },
  'GROUP.RESTART': () => ({ type: 'GROUP.RESTART', id: 'g' }),
  'GROUP.FAILOVER': () => ({ type: 'GROUP.FAILOVER', id: 'g', reason: 'maintenance' }),
  'GROUP.FAILBACK': () => ({ type: 'GROUP.FAILBACK', id: 'g' }),
  'GROUP.REMOVE': () => ({ type: 'GROUP.REMOVE', id: 'g' }),
  'MEMBER.MOVED': () => ({ type: 'MEMBER.MOVED', id: 'g', memberId: 'b' }),
  'MEMBER.WATCH': (manager) => ({ type: 'MEMBER.WATCH', id: 'c', watcher: watcherIn(manager) }),
  'MEMBER.UNWATCH': (manager) => ({ type: 'MEMBER.UNWATCH', id: 'a', watcher: watcherIn(manager) }),
  'MEMBER.OBSERVED': () => ({ type: 'MEMBER.OBSERVED', id: 'a', member: as.gone('a') }),
  'TICK.ARM': () => ({ type: 'TICK.ARM', id: 'a', generation: 1, dueMs: 5 }),
  'TICKS.DUE': () => ({ type: 'TICKS.DUE', ticks: [{ id: 'a', generation: 1, lateMs: 0 }] }),
  'MONITORING.START': () => ({ type: 'MONITORING.START' }),
  'MONITORING.STOP': () => ({ type: 'MONITORING.STOP' }),
  'xstate.error.actor, of a session': () => failed('a'),
  'xstate.error.actor, of a group': () => failed('g group\u0000'),
  'xstate.error.actor, of the ticker': () => failed('health ticker\u0000'),
  'xstate.done.actor, of a session': () => done('a'),
  'xstate.done.actor, of a release': () => done('a release\u0000'),
  'xstate.done.actor, of a group': () => done('g group\u0000'),
} as const satisfies Readonly<Record<string, Given>>;

export type EventName = keyof typeof events;

const withSession: readonly SituationName[] = [
  'two sessions',
  'a group of two sessions',
  'a group that crashed and waits for its restart',
  'a session that is being removed',
];

/** Where the child is there that such an event comes from. All other events may come at any time. */
const comesIn: Readonly<Partial<Record<EventName, readonly SituationName[]>>> = {
  'xstate.error.actor, of a session': withSession,
  'xstate.done.actor, of a session': withSession,
  'xstate.done.actor, of a release': ['a session that crashed and is being released'],
  'xstate.error.actor, of a group': ['a group of two sessions'],
  'xstate.done.actor, of a group': ['a group of two sessions'],
};

/** The events that can come in the situation. */
export function eventsIn(situation: SituationName): readonly EventName[] {
  const names = Object.keys(events) as EventName[];
  return names.filter((event) => comesIn[event]?.includes(situation) ?? true);
}

/**
 * What the event does to the manager of the situation, told in lines: what it asks of the world and of the ticker, then its children, the
 * phases of its sessions, the active member of its group, who watches, who crashed and whether ticks are paused, each only where it is
 * another than before. No line: nothing is any different.
 */
export async function effectOf(situation: SituationName, event: EventName): Promise<readonly string[]> {
  const manager = await situations[situation]();
  manager.take();
  const given = events[event](manager);
  const before = factsOf(manager);
  manager.send(given);
  const after = factsOf(manager);
  const lines = manager
    .take({ ticks: true })
    .map((entry) => (typeof entry === 'string' ? visible(entry) : wordsOfTicker(entry)));
  for (const [what, is] of Object.entries(after)) {
    if (is !== before[what as keyof typeof before]) lines.push(`${what}: ${is}`);
  }
  manager.stop();
  return lines;
}

function factsOf(manager: ManagerBench) {
  const { crashes, paused } = manager.actor.getSnapshot().context;
  return {
    children: visible(manager.children.join(', ')),
    a: String(manager.phase('a')),
    b: String(manager.phase('b')),
    active: String(manager.activeOf('g')),
    watched: Object.entries(manager.watchers)
      .map(([id, count]) => `${id} ${count}`)
      .join(', '),
    crashes: visible(
      Object.entries(crashes)
        .map(([id, { count }]) => `${id} ${count}`)
        .join(', '),
    ),
    ticks: paused ? 'paused' : 'running',
    timers: String(manager.clock.pendingTimers),
  };
}

/** Ids of our own end in a control character, which no server's id may contain. */
function visible(text: string): string {
  return text.replaceAll('\u0000', '');
}

function wordsOfTicker(command: unknown): string {
  const { type, id, dueMs } = command as { readonly type: string; readonly id?: string; readonly dueMs?: number };
  return [type, id, dueMs].filter((part) => part !== undefined).join(' ');
}
