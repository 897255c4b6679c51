import type { ConnectionState, ManagerEvent, Phase } from '../../../src/index.ts';
import { type Entry, type History, secretMark } from '../history.ts';
import { type Breach, breach, type Invariant } from './invariant.ts';

/** Between two switches of a group, unless the active member has no connection. */
const dwellMs = 10_000;

interface Told {
  readonly phase: Phase;
  readonly state: ConnectionState;
  readonly generation: number;
}

export const eventInvariants = {
  'events-complete': {
    meaning:
      'Every change of state is one event, numbered without a gap, and replaying the events gives the present state.',
    *check({ entries }) {
      let seq = 0;
      const told = new Map<string, Told>();
      for (const entry of entries) {
        if (entry.kind === 'event') {
          const { event } = entry;
          seq += 1;
          if (event.seq !== seq) yield breach(entry, `event ${event.seq} where ${seq} was due`);
          seq = event.seq;
          if (event.serverId === undefined) continue;
          const before = told.get(event.serverId);
          if (event.type === 'serverAdded')
            told.set(event.serverId, { phase: 'idle', state: 'disconnected', generation: 0 });
          if (event.type === 'serverRemoved') told.delete(event.serverId);
          if (event.type !== 'stateChanged') continue;
          const { phase, to: state, generation } = event;
          told.set(event.serverId, { phase, state, generation });
          if (before === undefined) yield breach(entry, `${event.serverId} moved, though it is not there`);
          else if (before.phase !== event.fromPhase || before.state !== event.from)
            yield breach(entry, `${event.serverId} moved from ${event.fromPhase}, it was ${before.phase}`);
          else if (before.phase === phase && before.state === state && before.generation === generation)
            yield breach(entry, `${event.serverId} moved from ${phase} to itself`);
        }
        if (entry.kind !== 'state') continue;
        for (const { id, phase, state } of entry.sessions) {
          const replayed = told.get(id);
          if (replayed?.phase !== phase || replayed.state !== state)
            yield breach(entry, `${id} is ${phase}, by its events ${String(replayed?.phase)}`);
        }
      }
    },
  },
  'closed-final': {
    meaning: 'Nothing is heard of a session that was closed, and it opens nothing.',
    *check({ entries }) {
      const closed = new Set<string>();
      for (const entry of entries) {
        const id = entry.kind === 'event' ? entry.event.serverId : 'serverId' in entry ? entry.serverId : undefined;
        if (id === undefined) continue;
        if (entry.kind === 'event' && entry.event.type === 'serverAdded') closed.delete(id);
        if (closed.has(id) && isOurs(entry.kind) && !(entry.kind === 'event' && entry.event.type === 'serverRemoved'))
          yield breach(entry, `${id}: ${entry.kind} after it was closed`);
        if (entry.kind === 'event' && isEnd(entry.event)) closed.add(id);
      }
    },
  },
  'switch-rate': {
    meaning:
      'A group switches at most every ten seconds, unless the active member has lost its connection or somebody asks for it.',
    *check({ entries }) {
      const last = new Map<string, number>();
      for (const entry of entries) {
        if (entry.kind !== 'event' || (entry.event.type !== 'failedOver' && entry.event.type !== 'failedBack'))
          continue;
        const { event } = entry;
        const sinceMs = entry.atMs - (last.get(event.groupId) ?? -Infinity);
        last.set(event.groupId, entry.atMs);
        if (!event.byHand && entry.linked && sinceMs < dwellMs)
          yield breach(entry, `${event.groupId} left ${event.from} ${sinceMs} ms after its last switch`);
      }
    },
  },
  secrets: {
    meaning: 'No secret appears in an event, an error, an info or a line of the log.',
    *check({ entries }) {
      const read = new WeakSet<object>();
      for (const entry of entries) {
        const text = textsIn(entry, read);
        if (text.includes(secretMark)) yield breach(entry, `${entry.kind}: ${text.slice(0, 200)}`);
      }
    },
  },
  'leaves-nothing': {
    meaning: 'After closing there is no timer, no link and no call left, and closing comes to an end.',
    check: left,
  },
} satisfies Record<string, Invariant>;

/** What of it somebody could read. An info that is the same object says nothing new. */
function textsIn(entry: Entry, read: WeakSet<object>): string {
  switch (entry.kind) {
    case 'event':
      return JSON.stringify(entry.event);
    case 'ended':
      return entry.end.text;
    case 'log':
    case 'uncaught':
      return entry.text;
    case 'state': {
      const fresh = entry.sessions.filter((info) => !read.has(info));
      for (const info of fresh) read.add(info);
      return fresh.map(({ reason, lastError }) => `${String(reason)} ${String(lastError?.message)}`).join('\n');
    }
    default:
      return '';
  }
}

function isEnd(event: ManagerEvent): boolean {
  return event.type === 'serverRemoved' || (event.type === 'stateChanged' && event.phase === 'closed');
}

function isOurs(kind: string): boolean {
  return kind === 'event' || kind === 'opened' || kind === 'probe' || kind === 'sent';
}

function* left({ entries, remains }: History): Iterable<Breach> {
  const end = entries.at(-1) ?? { atMs: 0 };
  if (!remains.closed) yield breach(end, 'the manager did not close');
  if (remains.pendingTimers > 0) yield breach(end, `${remains.pendingTimers} timers are left`);
  if (remains.pendingCalls > 0) yield breach(end, `${remains.pendingCalls} calls are left`);
  if (remains.liveLinks > 0) yield breach(end, `${remains.liveLinks} links are left`);
}
