import type { Phase } from '../../../src/index.ts';
import { isWell, managerCrash, serverOf, stalledWithin } from '../history.ts';
import { recoveryMs } from './recovery.ts';
import { breach, type Invariant } from './invariant.ts';

/** Failed checks beyond the threshold after which the link is let go. */
const patience = 2;

/** With what each starts anew to wait for its next check. */
const tellsOfChecks: ReadonlySet<string> = new Set(['stateChanged', 'circuitChanged', 'healthTicked', 'healthChecked']);
/** Checks that have become due all at once are spread over this time. */
const spreadMs = 6_000;

interface Count {
  phase: Phase;
  failures: number;
}

export const healthInvariants = {
  'failed-checks': {
    meaning:
      'Failed checks count up by one, a good one ends the count, and a session is unhealthy from exactly the threshold on.',
    *check(history) {
      const counts = new Map<string, Count>();
      for (const entry of history.entries) {
        if (entry.kind === 'event' && entry.event.serverId !== undefined) {
          const { event } = entry;
          const id = event.serverId;
          const count = counts.get(id) ?? { phase: 'idle', failures: 0 };
          counts.set(id, count);
          if (event.type === 'serverAdded') Object.assign(count, { phase: 'idle', failures: 0 });
          if (event.type === 'healthChecked' && isConnected(count.phase) && !event.void)
            count.failures = event.ok ? 0 : count.failures + 1;
          if (event.type !== 'stateChanged') continue;
          if (isConnected(event.phase) && !isConnected(count.phase)) count.failures = 0;
          count.phase = event.phase;
          if (event.phase === 'connected.unhealthy' && isConnected(event.fromPhase)) {
            const { failureThreshold } = serverOf(history.cast, id).options.healthCheck;
            if (count.failures !== failureThreshold)
              yield breach(entry, `${id} is unhealthy after ${count.failures} failed checks of ${failureThreshold}`);
          }
        }
        if (entry.kind !== 'state') continue;
        for (const { id, phase, failedHealthChecks } of entry.sessions) {
          const failures = counts.get(id)?.failures ?? 0;
          if (!isConnected(phase)) continue;
          const { failureThreshold } = serverOf(history.cast, id).options.healthCheck;
          if (failedHealthChecks !== failures)
            yield breach(entry, `${id} shows ${failedHealthChecks} failed checks, there were ${failures}`);
          if (failures >= failureThreshold && phase !== 'connected.unhealthy')
            yield breach(entry, `${id} is ${phase} after ${failures} failed checks of ${failureThreshold}`);
          if (failures >= failureThreshold + patience)
            yield breach(entry, `${id} still holds its link after ${failures} failed checks`);
        }
      }
    },
  },
  'checks-go-on': {
    meaning: 'A connected session whose circuit lets calls through is never left unchecked for two of its intervals.',
    *check(history) {
      const lastMs = new Map<string, number>();
      for (const entry of history.entries) {
        if (entry.kind === 'stop') return;
        if (entry.kind === 'event' && tellsOfChecks.has(entry.event.type) && entry.event.serverId !== undefined)
          lastMs.set(entry.event.serverId, entry.atMs);
        if (entry.kind !== 'state') continue;
        for (const { id, phase, circuit } of entry.sessions) {
          const sinceMs = lastMs.get(id);
          if (sinceMs === undefined || !isConnected(phase) || circuit !== 'closed') continue;
          const { intervalMs, timeoutMs } = serverOf(history.cast, id).options.healthCheck;
          const forMs = entry.atMs - sinceMs - stalledWithin(history, sinceMs, entry.atMs);
          if (forMs > 2 * intervalMs + timeoutMs + spreadMs)
            yield breach(entry, `${id} was not checked for ${forMs} ms, its interval is ${intervalMs}`);
        }
      }
    },
  },
  bystander: {
    meaning:
      'What happens to other servers changes nothing for one to which nothing happens, unless the actor over all of them crashes.',
    *check(history) {
      const id = history.cast.servers.find(({ isBystander }) => isBystander)?.id;
      let isUp = false;
      let isHealthy = false;
      let mayCrash = false;
      const plain = new Set<string>();
      // Calls that wait for its connection may have no time left when it is there, which says so much against it.
      const waiting = new Set<string>();
      for (const entry of history.entries) {
        if (entry.kind === 'stop') return;
        if (entry.kind === 'fault' && entry.name === managerCrash) mayCrash = entry.on;
        if (entry.kind === 'event' && entry.event.serverId === id) {
          const { event } = entry;
          if (event.type === 'sessionCrashed' && mayCrash) {
            isUp = false;
            plain.clear();
            continue;
          }
          if (event.type === 'stateChanged' && isUp) yield breach(entry, `${event.serverId} moved to ${event.phase}`);
          if (event.type === 'stateChanged') isHealthy = event.phase === 'connected.healthy';
          if (event.type === 'healthChecked' && !event.ok && !event.void)
            yield breach(entry, `${event.serverId} failed a check`);
          if (event.type === 'sessionCrashed' || event.type === 'linkLeaked' || event.type === 'circuitChanged')
            yield breach(entry, `${event.serverId}: ${event.type}`);
        }
        if (entry.kind === 'began' && 'server' in entry.call.to && entry.call.to.server === id) {
          if (!isUp) waiting.add(entry.call.key);
          else if (isPlain(entry.call)) plain.add(entry.call.key);
        }
        if (entry.kind === 'ended' && plain.has(entry.key) && !entry.end.ok)
          yield breach(entry, `${entry.key} to ${String(id)} failed with ${entry.end.code}`);
        if (entry.kind === 'ended') waiting.delete(entry.key);
        if (!isUp) isUp = isHealthy && waiting.size === 0;
      }
    },
  },
  recovers: {
    meaning:
      'Once the faults are over every session is as well as it can be, after the longest of the waits that it was in.',
    *check(history) {
      const calm = history.entries.find((entry) => entry.kind === 'calm');
      if (calm?.kind !== 'calm') return;
      const well = new Map<string, boolean>(
        calm.sessions.map((info) => [info.id, isWell(serverOf(history.cast, info.id), info)]),
      );
      const boundMs = new Map(calm.sessions.map((info) => [info.id, recoveryMs(history, info)] as const));
      for (const entry of history.entries) {
        if (entry.atMs < calm.atMs) continue;
        if (entry.kind === 'stop') {
          for (const { id } of history.cast.servers)
            if (well.get(id) !== true) yield breach(entry, `${id} never recovered`);
          return;
        }
        if (entry.kind !== 'state') continue;
        for (const info of entry.sessions) {
          const { id, phase } = info;
          if (isWell(serverOf(history.cast, id), info)) well.set(id, true);
          if (well.get(id) === true || entry.atMs - calm.atMs <= (boundMs.get(id) ?? 0)) continue;
          well.set(id, true);
          yield breach(entry, `${id} is ${phase} ${entry.atMs - calm.atMs} ms after the last fault`);
        }
      }
    },
  },
} satisfies Record<string, Invariant>;

function isConnected(phase: Phase): boolean {
  return phase.startsWith('connected.');
}

function isPlain(call: { readonly timeoutMs: number | null; readonly abortAfterMs: number | null }): boolean {
  return call.timeoutMs === null && call.abortAfterMs === null;
}
