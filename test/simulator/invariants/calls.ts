import { entriesOf, type History, serverOf, stalledWithin } from '../history.ts';
import { type CallRow, callsOf, groupOf, reachOf } from './call-table.ts';
import type { Invariant } from './invariant.ts';

/** What a settlement may be late by: microtasks and one macrotask take no virtual time. */
const slackMs = 1;

export const callInvariants = {
  'settles-in-time': {
    meaning:
      'Every call settles, once, before its time is over; time in which we stood still or a person was asked does not count.',
    *check(history) {
      const ends = new Set<string>();
      for (const entry of history.entries) {
        if (entry.kind !== 'ended') continue;
        if (ends.has(entry.key)) yield { atMs: entry.atMs, what: `${entry.key} settled twice` };
        ends.add(entry.key);
      }
      const lastMs = history.entries.at(-1)?.atMs ?? 0;
      for (const row of callsOf(history).values()) {
        const endedMs = row.endedMs ?? Infinity;
        const latestMs = row.beganMs + limitOf(history, row, Math.min(endedMs, lastMs)) + slackMs;
        if (row.endedMs === null) yield { atMs: lastMs, what: `${row.call.key} of ${row.beganMs} never settled` };
        else if (endedMs > latestMs)
          yield { atMs: endedMs, what: `${row.call.key} settled ${endedMs - latestMs} ms after its time` };
      }
    },
  },
  'nothing-written-after-settlement': {
    meaning: 'Nothing of a settled call is handed to a link, and what a link still has of it is taken back.',
    *check(history) {
      for (const { call, endedMs, sent } of callsOf(history).values()) {
        if (endedMs === null) continue;
        for (const { sent: wire, over } of sent) {
          if (wire.atMs > endedMs) yield { atMs: wire.atMs, what: `${call.key} was sent after it had settled` };
          if (over === null || over.atMs > endedMs)
            yield { atMs: endedMs, what: `${call.key} settled while a link of ${wire.serverId} still had it` };
        }
      }
    },
  },
  'unsafe-once': {
    meaning: 'A call that is not safe to repeat is executed once at most, on whichever server.',
    *check(history) {
      for (const { call, executed } of callsOf(history).values()) {
        // What makes a repetition safe is the word of the server that is asked again, or of its owner.
        const again = executed.slice(1).find(({ serverId }) => !isSafeOn(history, call.tool, serverId));
        if (again !== undefined)
          yield { atMs: again.atMs, what: `${call.key} (${call.tool}) was executed ${executed.length} times` };
      }
    },
  },
  'safe-bounded': {
    meaning: 'A call that is safe to repeat is executed twice at most.',
    *check(history) {
      for (const { call, executed } of callsOf(history).values()) {
        const [, , third] = executed;
        if (third !== undefined) yield { atMs: third.atMs, what: `${call.key} was executed ${executed.length} times` };
      }
    },
  },
  'outcome-true': {
    meaning:
      'What a call says of itself is so: a result is of this call, what was not sent or was rejected was never executed.',
    *check(history) {
      for (const { call, end, executed, endedMs } of callsOf(history).values()) {
        if (end === null || endedMs === null) continue;
        const says = end.ok ? 'ok' : `${end.code} (${String(end.outcome)})`;
        const atMs = endedMs;
        if (end.ok && end.echoed !== call.key)
          yield { atMs, what: `${call.key} got the result of ${String(end.echoed)}` };
        if (end.outcome === 'executed' && executed.length === 0)
          yield { atMs, what: `${call.key} ended with ${says}, but was never executed` };
        if (end.outcome !== 'executed' && end.outcome !== 'unknown' && executed.length > 0)
          yield { atMs, what: `${call.key} ended with ${says}, but was executed` };
      }
    },
  },
  'typed-errors': {
    meaning: 'Only typed errors leave the library, and nothing is thrown where nobody can catch it.',
    *check(history) {
      for (const { call, end, endedMs } of callsOf(history).values()) {
        if (end !== null && !end.isTyped) yield { atMs: endedMs ?? 0, what: `${call.key} failed with ${end.text}` };
      }
      for (const entry of history.entries) {
        if (entry.kind === 'uncaught') yield { atMs: entry.atMs, what: `nobody caught ${entry.text}` };
      }
    },
  },
  'retry-budget': {
    meaning:
      'Repetitions on the same server stay within the budget: ten tokens, a tenth back for each success, none at half or below.',
    *check(history) {
      const tokens = new Map<string, number>();
      const sentTo = new Set<string>();
      const rows = callsOf(history);
      for (const entry of history.entries) {
        // One that is added again begins with a budget of its own.
        if (entry.kind === 'event' && entry.event.type === 'serverAdded')
          tokens.delete(`server ${entry.event.serverId}`);
        const row = entry.kind === 'sent' || entry.kind === 'ended' ? rows.get(entry.key) : undefined;
        if (row === undefined) continue;
        const route = groupOf(history, row.call) ?? `server ${reachOf(history, row.call)[0] ?? ''}`;
        const left = tokens.get(route) ?? fullBudget;
        if (entry.kind === 'ended' && entry.end.ok) tokens.set(route, Math.min(fullBudget, left + 0.1));
        if (entry.kind !== 'sent') continue;
        const here = `${entry.key} ${entry.serverId}`;
        if (sentTo.has(here)) {
          // Repetitions that were decided on together are sent one after the other, so that the last one seems to find less.
          if (left <= fullBudget / 2 - decidedTogether)
            yield { atMs: entry.atMs, what: `${entry.key} was repeated on ${entry.serverId} with ${left} tokens left` };
          tokens.set(route, left - 1);
        }
        sentTo.add(here);
      }
    },
  },
} satisfies Record<string, Invariant>;

const fullBudget = 10;
const decidedTogether = 2;

/** How long a call may take, seen from when it settled. */
function limitOf(history: History, { call, beganMs }: CallRow, untilMs: number): number {
  const reach = reachOf(history, call);
  const timeoutMs =
    call.timeoutMs ??
    Math.max(...reach.map((id) => serverOf(history.cast, id).options.callTimeoutMs), Number.MIN_VALUE);
  let askingMs = 0;
  for (const entry of entriesOf(history, 'asked')) {
    if (reach.includes(entry.serverId))
      askingMs += Math.max(0, Math.min(untilMs, entry.atMs + entry.ms) - Math.max(beganMs, entry.atMs));
  }
  // A call that is ended late by our own stall may have had part of it before the stall began.
  return timeoutMs + askingMs + stalledWithin(history, beganMs, untilMs);
}

/** Whether the owner of the server, or the server that is trusted, said that this tool may be repeated. */
function isSafeOn(history: History, tool: string, serverId: string): boolean {
  const { tools, trustAnnotations } = serverOf(history.cast, serverId).options;
  return tools?.[tool]?.retry === 'safe' || (trustAnnotations === true && tool === 'read');
}
