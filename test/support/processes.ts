import { readdirSync, readFileSync } from 'node:fs';

export interface ProcessEntry {
  readonly pid: number;
  readonly state: string;
  readonly parent: number;
  readonly group: number;
}

/** Every process of this machine that is no zombie, as /proc tells it. */
export function runningProcesses(): ProcessEntry[] {
  return allProcesses().filter(({ state }) => state !== 'Z' && state !== 'X');
}

/** Every process of this machine, zombies too. */
function allProcesses(): ProcessEntry[] {
  return readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name))
    .map((name) => processEntry(Number(name)))
    .filter((entry) => entry !== null);
}

export function processEntry(pid: number): ProcessEntry | null {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, 'latin1');
    const [state = '', parent, group] = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
    return { pid, state, parent: Number(parent), group: Number(group) };
  } catch {
    return null; // It ended while we looked.
  }
}

export function isRunning(pid: number): boolean {
  const state = processEntry(pid)?.state;
  return state !== undefined && state !== 'Z' && state !== 'X';
}

/** Ids of the processes of a group that run. */
export function membersOf(group: number): number[] {
  return runningProcesses()
    .filter((entry) => entry.group === group)
    .map(({ pid }) => pid);
}

/** Ids of the processes that this very process started and that run. */
export function runningChildren(): number[] {
  return runningProcesses()
    .filter(({ parent }) => parent === process.pid)
    .map(({ pid }) => pid);
}

/** Ids of the processes that run with this in their environment, as `NAME=value`; a value may be given by its beginning. */
export function processesMarked(mark: string): number[] {
  return runningProcesses()
    .map(({ pid }) => pid)
    .filter((pid) => environmentOf(pid).includes(mark));
}

function environmentOf(pid: number): string {
  try {
    return readFileSync(`/proc/${pid}/environ`, 'latin1');
  } catch {
    return ''; // It ended while we looked, or is not ours.
  }
}
