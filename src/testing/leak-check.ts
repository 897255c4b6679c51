import { readdirSync, readFileSync } from 'node:fs';
import type { VirtualClock } from './virtual-clock.ts';

/** Finds what a test left behind. */
export interface LeakCheck {
  /**
   * Rejects with an `Error` that lists whatever there is more of than when the check was started: active resources (timers,
   * sockets, pipes, …), child processes, listeners on `process`, timers of the virtual clock. Polls for up to `settleMs`
   * before it gives up, since sockets and processes take a moment to go. What there is less of does not matter.
   */
  verify(): Promise<void>;
}

export interface LeakCheckOptions {
  /** Its `pendingTimers` must be back at the number that it had at the start, too. */
  readonly clock?: VirtualClock;
  /** How long `verify` waits for things to go, in milliseconds of real time. Default 2 000. */
  readonly settleMs?: number;
}

/**
 * Takes the baseline for a leak check. Start it before what is tested and verify it after everything was closed. Unref'd timers
 * do not show. Child processes are looked for on Linux only. Start and verify it on the same side of your test runner's own
 * doings, for example both in hooks.
 */
export function startLeakCheck({ clock, settleMs = 2_000 }: LeakCheckOptions = {}): LeakCheck {
  const baseline = census(clock);
  return {
    async verify() {
      await clock?.settle();
      const deadline = performance.now() + settleMs;
      let leaks = difference(baseline, census(clock));
      for (let pauseMs = 1; leaks.length > 0 && performance.now() < deadline; pauseMs = Math.min(pauseMs * 2, 50)) {
        await pause(pauseMs);
        leaks = difference(baseline, census(clock));
      }
      if (leaks.length > 0) throw new Error(`left behind:\n${leaks.map((leak) => `  ${leak}`).join('\n')}`);
    },
  };
}

// Taken at load, so that a test's fake timers cannot replace it.
const realSetTimeout = setTimeout;

interface Census {
  /** How many there are of each thing that can only be counted. */
  readonly counts: ReadonlyMap<string, number>;
  /** Child processes by process id. */
  readonly children: ReadonlyMap<string, string>;
}

function census(clock: VirtualClock | undefined): Census {
  const counts = new Map<string, number>();
  for (const type of process.getActiveResourcesInfo()) {
    const name = `active resource ${type}`;
    counts.set(name, (counts.get(name) ?? 0) + 1);
  }
  for (const event of process.eventNames()) {
    counts.set(`process listener '${String(event)}'`, process.listenerCount(event));
  }
  if (clock !== undefined) counts.set('timer of the virtual clock', clock.pendingTimers);
  return { counts, children: childProcesses() };
}

function difference(before: Census, now: Census): string[] {
  const counted = [...now.counts].flatMap(([name, count]) => {
    const more = count - (before.counts.get(name) ?? 0);
    return more > 0 ? [`${name}: ${more} more than at the start`] : [];
  });
  const children = [...now.children].flatMap(([pid, name]) =>
    before.children.has(pid) ? [] : [`child process ${pid} (${name})`],
  );
  return [...counted, ...children];
}

function childProcesses(): ReadonlyMap<string, string> {
  const children = new Map<string, string>();
  for (const thread of listed('/proc/self/task')) {
    for (const pid of textOf(`/proc/self/task/${thread}/children`).split(' ')) {
      // The command's name only: its arguments may hold secrets.
      if (pid !== '') children.set(pid, textOf(`/proc/${pid}/comm`).trim());
    }
  }
  return children;
}

/** Empty where there is no such directory: other systems than Linux, or a thread that has just ended. */
function listed(directory: string): string[] {
  try {
    return readdirSync(directory);
  } catch {
    return [];
  }
}

/** Empty where there is no such file: the process has just ended. */
function textOf(file: string): string {
  try {
    return readFileSync(file, 'utf8');
  } catch {
    return '';
  }
}

function pause(ms: number): Promise<void> {
  return new Promise((resolve) => {
    realSetTimeout(resolve, ms);
  });
}
