import { type History, lateMark } from '../history.ts';
import { type Breach, breach, type Invariant } from './invariant.ts';

export const linkInvariants = {
  'one-link': {
    meaning: 'A session never holds two links at once, not across crashes, removals and stalls either.',
    *check({ entries }) {
      for (const entry of entries) {
        if (entry.kind === 'opened' && entry.live > 1)
          yield breach(entry, `${entry.serverId} opened a link beside ${entry.live - 1} others`);
      }
    },
  },
  'generations-rise': {
    meaning: 'Each link of a session has the number after that of the one before it, from 1.',
    *check({ entries }) {
      const last = new Map<string, number>();
      for (const entry of entries) {
        if (entry.kind === 'event' && entry.event.type === 'serverAdded') last.delete(entry.event.serverId);
        if (entry.kind !== 'opened') continue;
        const before = last.get(entry.serverId) ?? 0;
        last.set(entry.serverId, entry.generation);
        if (entry.generation !== before + 1)
          yield breach(entry, `${entry.serverId} opened generation ${entry.generation} after ${before}`);
      }
    },
  },
  'connects-as-told': {
    meaning: 'A lazy session connects with the first call to it, or by hand; one that connects once does so once.',
    *check({ cast, entries }) {
      const once = new Set(cast.servers.filter(({ kind }) => kind === 'once').map(({ id }) => id));
      const waiting = new Set<string>();
      const had = new Set<string>();
      for (const entry of entries) {
        if (entry.kind === 'event' && entry.event.type === 'serverAdded') {
          const { serverId } = entry.event;
          had.delete(serverId);
          if (cast.servers.some(({ id, options }) => id === serverId && options.lazy === true)) waiting.add(serverId);
        }
        if (entry.kind === 'began' && 'server' in entry.call.to) waiting.delete(entry.call.to.server);
        // A call to a group, or by the name of a tool, may be for any of its members.
        if (entry.kind === 'began' && !('server' in entry.call.to)) waiting.clear();
        if (entry.kind === 'fault') for (const id of entry.servers) waiting.delete(id);
        if (entry.kind !== 'opened') continue;
        if (waiting.has(entry.serverId)) yield breach(entry, `${entry.serverId} was connected before its first call`);
        if (once.has(entry.serverId) && had.has(entry.serverId))
          yield breach(entry, `${entry.serverId} was connected again`);
        had.add(entry.serverId);
      }
    },
  },
  'stale-generation': {
    meaning: 'Nothing that an older generation says is told, and no event goes back to one.',
    *check({ entries }) {
      const latest = new Map<string, number>();
      for (const entry of entries) {
        if (entry.kind !== 'event' || entry.event.serverId === undefined) continue;
        const { event } = entry;
        if (event.type === 'serverAdded') latest.delete(event.serverId);
        if (event.generation < (latest.get(event.serverId) ?? 0))
          yield breach(entry, `${event.serverId}: ${event.type} of generation ${event.generation}, an older one`);
        latest.set(event.serverId, event.generation);
        if (JSON.stringify(event).includes(lateMark))
          yield breach(entry, `${event.serverId}: ${event.type} tells what a link said after it was let go`);
      }
      yield* whatLateWordsDid(entries);
    },
  },
  'one-probe': {
    meaning: 'At most one check of a session is under way.',
    *check({ entries }) {
      const underWay = new Map<string, number>();
      for (const entry of entries) {
        if (entry.kind === 'probe') {
          if (underWay.has(entry.serverId)) yield breach(entry, `${entry.serverId} is checked twice at a time`);
          underWay.set(entry.serverId, entry.wire);
        }
        if (entry.kind !== 'over') continue;
        for (const [id, wire] of underWay) if (wire === entry.wire) underWay.delete(id);
      }
    },
  },
} satisfies Record<string, Invariant>;

/** A late word is followed by the events that it caused, before anything else is seen of its server. */
function* whatLateWordsDid(entries: History['entries']): Iterable<Breach> {
  for (const [index, entry] of entries.entries()) {
    if (entry.kind !== 'late word') continue;
    const next = entries[index + 1];
    if (next?.kind === 'event' && next.atMs === entry.atMs && next.event.serverId === entry.serverId)
      yield breach(
        next,
        `${entry.serverId}: ${next.event.type} since a link of generation ${entry.generation} spoke late`,
      );
  }
}
