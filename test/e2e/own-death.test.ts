import { spawn, type ChildProcess } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { once } from 'node:events';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { startLeakCheck, type LeakCheck } from '../../src/testing/index.ts';
import { built } from '../support/built.ts';
import { eventually } from '../support/eventually.ts';
import { isRunning, membersOf, runningProcesses } from '../support/processes.ts';
import { unhurried } from './stage.ts';

const script = join(import.meta.dirname, 'fixtures', 'manager-owner.mjs');
const directory = mkdtempSync(join(tmpdir(), 'holdfast-e2e-'));

let sources: string;
let leaks: LeakCheck;
const owners: Owner[] = [];

interface Owner {
  readonly process: ChildProcess;
  readonly mark: string;
  /** Process ids of each server: of the process group's leader, of the server proper, of its grandchild. */
  readonly pids: Readonly<Record<string, readonly number[]>>;
  /** Everything that the program has started itself: the leaders of its servers' groups, and its guardian. */
  readonly children: readonly number[];
  /** Code and signal of its end. */
  readonly ended: Promise<unknown>;
}

/** A program that holds five servers: four healthy, three of them stubborn, and one that is being connected. */
async function startOwner(manner: string): Promise<Owner> {
  const id = randomUUID();
  const mark = `HOLDFAST_E2E=${id}`;
  const child = spawn(process.execPath, [script, sources, manner, mark, mkdtempSync(join(directory, 'logs-'))], {
    stdio: ['ignore', 'pipe', 'ignore'],
  });
  const ended = once(child, 'exit');
  const lines = createInterface(child.stdout);
  const [line] = (await once(lines, 'line')) as [string];
  const children = runningProcesses().flatMap(({ pid, parent }) => (parent === child.pid ? [pid] : []));
  const owner = { process: child, mark, pids: JSON.parse(line) as Owner['pids'], children, ended };
  owners.push(owner);
  return owner;
}

function survivorsOf({ mark, pids, children }: Owner): number[] {
  const marked = runningProcesses().flatMap(({ pid }) => (environmentOf(pid).includes(mark) ? [pid] : []));
  const known = [...Object.values(pids).flat(), ...children].filter(isRunning);
  return [...new Set([...marked, ...known, ...children.flatMap(membersOf)])];
}

function environmentOf(pid: number): string {
  try {
    return readFileSync(`/proc/${pid}/environ`, 'latin1');
  } catch {
    return ''; // It ended while we looked, or is not ours.
  }
}

const expectNoSurvivors = async (owner: Owner): Promise<void> => {
  await eventually(() => survivorsOf(owner).length === 0, { timeoutMs: 60_000, what: 'no process is left' });
  expect(survivorsOf(owner)).toEqual([]);
};

beforeAll(async () => {
  sources = await built();
  return () => rmSync(directory, { recursive: true });
}, 120_000);

beforeEach(() => {
  leaks = startLeakCheck({ settleMs: 10_000 });
});

afterEach(async () => {
  for (const owner of owners.splice(0)) {
    owner.process.kill('SIGKILL');
    await owner.ended;
    const left = survivorsOf(owner);
    for (const pid of left) process.kill(pid, 'SIGKILL');
    expect(left).toEqual([]);
  }
  await leaks.verify();
});

describe('no server and no grandchild outlives the program that holds it', unhurried, () => {
  test.each(['SIGKILL', 'SIGTERM', 'SIGINT', 'SIGHUP'] as const)('when %s ends it', async (signal) => {
    const owner = await startOwner('wait');
    expect(Object.keys(owner.pids).toSorted()).toEqual(['forking', 'meek', 'mute', 'stubborn', 'wrapped']);
    // The five servers, two grandchildren, the one's shell.
    expect(new Set(Object.values(owner.pids).flat()).size).toBe(8);
    expect(Object.values(owner.pids).flat().every(isRunning)).toBe(true);
    // The leaders of five groups, and the guardian.
    expect(owner.children).toHaveLength(6);
    owner.process.kill(signal);
    expect(await owner.ended).toEqual([null, signal]);
    await expectNoSurvivors(owner);
  });

  test.each([
    ['it calls process.exit', 'exit', [0, null]],
    ['an error is caught by nobody', 'throw', [1, null]],
    ['a rejection is handled by nobody', 'reject', [1, null]],
    ['it aborts', 'abort', [null, 'SIGABRT']],
    ['it calls process.exit while it is closing its manager', 'closing', [0, null]],
  ] as const)('when %s', async (_, manner, end) => {
    const owner = await startOwner(manner);
    expect(await owner.ended).toEqual(end);
    await expectNoSurvivors(owner);
  });

  test('when it is killed while its servers are stopped', async () => {
    const owner = await startOwner('wait');
    for (const pid of Object.values(owner.pids).flat()) process.kill(pid, 'SIGSTOP');
    owner.process.kill('SIGKILL');
    expect(await owner.ended).toEqual([null, 'SIGKILL']);
    await expectNoSurvivors(owner);
  });

  test('when it calls process.exit while its guardian can do nothing', async () => {
    const owner = await startOwner('late');
    const guardian = owner.children.find((pid) => !Object.values(owner.pids).flat().includes(pid));
    if (guardian === undefined) throw new Error('there is no guardian');
    process.kill(guardian, 'SIGSTOP');
    owner.process.kill('SIGUSR2');
    expect(await owner.ended).toEqual([0, null]);
    await eventually(() => survivorsOf(owner).join() === String(guardian), { timeoutMs: 60_000 });
    process.kill(guardian, 'SIGCONT');
    await expectNoSurvivors(owner);
  });

  test('when it closes its manager: then it ends by itself, and nothing is left at that moment', async () => {
    const owner = await startOwner('close');
    expect(await owner.ended).toEqual([0, null]);
    expect(survivorsOf(owner)).toEqual([]);
  });
});
