import { spawn, spawnSync } from 'node:child_process';
import type { ChildProcessWithoutNullStreams } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { readdir, readFile } from 'node:fs/promises';
import type { StdioTarget } from '../target.ts';
import { environmentOf } from './environment.ts';

const IS_WINDOWS = process.platform === 'win32';

/**
 * Starts the process as the leader of a process group (and session) of its own, so that it can be signalled together with
 * everything it starts. A grandchild that calls `setsid` itself leaves the group and escapes. The child has no `pid` when it
 * could not be started: its `error` event then says why. Throws what `child_process.spawn` throws.
 *
 * On Windows (untested) the child is not detached: a detached one would get a console window of its own.
 */
export function spawnInGroup(target: StdioTarget): ChildProcessWithoutNullStreams {
  return spawn(target.command, [...target.args], {
    cwd: target.cwd,
    env: environmentOf(target),
    stdio: ['pipe', 'pipe', 'pipe'],
    detached: !IS_WINDOWS,
    shell: false,
    windowsHide: true,
  });
}

/** Sends a signal to every process of a group. A group that is gone already is no error. Windows (untested): ends the tree. */
export function signalGroup(pgid: number, signal: 'SIGTERM' | 'SIGKILL'): void {
  if (IS_WINDOWS) {
    const taskkill = spawn('taskkill', taskkillArgs(pgid), { stdio: 'ignore', windowsHide: true });
    taskkill.on('error', () => {}); // The ladder looks at what is left, not at what taskkill says.
    return;
  }
  trySignal(-pgid, signal);
}

/** Kills a group before it returns: for the `exit` event of our own process, after which nothing asynchronous runs. */
export function killGroupNow(pgid: number): void {
  if (IS_WINDOWS) spawnSync('taskkill', taskkillArgs(pgid), { stdio: 'ignore', windowsHide: true });
  else trySignal(-pgid, 'SIGKILL');
}

/**
 * Whether no process of the group runs any more. Zombies count as gone: where nobody reaps orphans (PID 1 of many a
 * container) they stay for ever and still take signals. Without /proc the answer is that of signal 0.
 */
export async function groupIsGone(pgid: number): Promise<boolean> {
  if (!groupTakesSignals(pgid)) return true;
  const running = await runningGroups();
  return running !== null && !running.has(pgid);
}

/** The cheap half of {@link groupIsGone}: false proves that the group is gone, true may also mean zombies. */
export function groupTakesSignals(pgid: number): boolean {
  try {
    process.kill(IS_WINDOWS ? pgid : -pgid, 0);
    return true;
  } catch (error) {
    return !(error instanceof Error && 'code' in error && error.code === 'ESRCH');
  }
}

/** Whether the process is stopped (SIGSTOP, a debugger): it will act on neither EOF nor SIGTERM. False without /proc. */
export function isStopped(pid: number): boolean {
  try {
    const state = parseStat(readFileSync(`/proc/${pid}/stat`, 'latin1'))?.state;
    return state === 'T' || state === 't';
  } catch {
    return false; // Gone, or no /proc: then the ladder goes its usual way.
  }
}

function taskkillArgs(pid: number): string[] {
  return ['/pid', String(pid), '/T', '/F'];
}

function trySignal(pid: number, signal: NodeJS.Signals): void {
  try {
    process.kill(pid, signal);
  } catch {
    // ESRCH: gone already. EPERM: not ours to end; whoever waits for the group sees that it is still there.
  }
}

let ongoingScan: Promise<ReadonlySet<number> | null> | null = null;

/**
 * The groups with a process that runs; null without /proc. Callers at the same time share one scan: it may have begun before
 * a kill and then still names that group, which only makes its caller ask again.
 */
function runningGroups(): Promise<ReadonlySet<number> | null> {
  ongoingScan ??= scanGroups().finally(() => {
    ongoingScan = null;
  });
  return ongoingScan;
}

async function scanGroups(): Promise<ReadonlySet<number> | null> {
  try {
    const pids = (await readdir('/proc')).filter((name) => /^\d+$/.test(name));
    const stats = await Promise.all(pids.map((pid) => readFile(`/proc/${pid}/stat`, 'latin1').catch(() => '')));
    if (stats.every((stat) => stat === '')) return null;
    const running = stats.map(parseStat).filter((stat) => stat !== null && stat.state !== 'Z' && stat.state !== 'X');
    return new Set(running.map((stat) => stat?.pgid ?? 0));
  } catch {
    return null;
  }
}

function parseStat(stat: string): { readonly state: string; readonly pgid: number } | null {
  // The second field is the program's name in parentheses, and that name may hold parentheses and spaces itself.
  const [state, , pgid] = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
  return state === undefined || pgid === undefined ? null : { state, pgid: Number(pgid) };
}
