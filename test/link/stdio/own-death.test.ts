import { spawn } from 'node:child_process';
import type { ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { afterEach, beforeAll, describe, expect, test, vi } from 'vitest';
import { built } from '../../support/built.ts';
import { eventually } from '../../support/eventually.ts';
import { isRunning, membersOf, runningProcesses } from '../../support/processes.ts';

const OWNER = join(import.meta.dirname, '..', '..', 'fixtures', 'stdio-owner.mjs');
const STUBBORN = 'fault=ignore-term,grandchild-ignore-term';

let sources: string;
const owners: ChildProcess[] = [];

interface Owner {
  readonly process: ChildProcess;
  readonly groups: readonly number[];
  readonly grandchildren: readonly number[];
  readonly guardian: number;
  /** Code and signal of its end. */
  readonly ended: Promise<unknown>;
}

/** A process with so many sessions, all of which have answered. */
async function startOwner(manner: string, sessions: number, ...serverArguments: string[]): Promise<Owner> {
  const child = spawn(process.execPath, [OWNER, sources, manner, String(sessions), ...serverArguments], {
    stdio: ['ignore', 'pipe', 'ignore'],
  });
  owners.push(child);
  const ended = once(child, 'exit');
  const [line] = (await once(createInterface(child.stdout), 'line')) as [string];
  return { process: child, ended, ...(JSON.parse(line) as Pick<Owner, 'groups' | 'grandchildren' | 'guardian'>) };
}

const survivorsOf = ({ groups, guardian }: Owner): number[] => [
  ...groups.flatMap(membersOf),
  ...(isRunning(guardian) ? [guardian] : []),
];

const expectNoSurvivors = (owner: Owner): Promise<void> =>
  vi.waitFor(() => expect(survivorsOf(owner)).toEqual([]), { timeout: 5000, interval: 5 });

beforeAll(async () => {
  sources = await built();
}, 60_000);

afterEach(async () => {
  for (const child of owners.splice(0)) child.kill('SIGKILL');
  await eventually(() => runningProcesses().every(({ parent }) => parent !== process.pid));
});

describe('when we die ourselves, no server and no grandchild outlives us', { timeout: 30_000 }, () => {
  test.each([
    ['process.exit', 'exit', [0, null]],
    ['an uncaught throw', 'throw', [1, null]],
    ['abort', 'abort', [null, 'SIGABRT']],
  ] as const)('%s', async (_, manner, end) => {
    const owner = await startOwner(manner, 3, STUBBORN);
    expect(owner.groups).toHaveLength(3);
    expect(owner.grandchildren).toHaveLength(3);
    expect(await owner.ended).toEqual(end);
    await expectNoSurvivors(owner);
  });

  test.each(['SIGKILL', 'SIGTERM', 'SIGINT', 'SIGHUP'] as const)('a default %s', async (signal) => {
    const owner = await startOwner('wait', 3, STUBBORN);
    expect(owner.grandchildren.every(isRunning)).toBe(true);
    owner.process.kill(signal);
    expect(await owner.ended).toEqual([null, signal]);
    await expectNoSurvivors(owner);
  });

  test('the guardian takes no notice of the INT, TERM and HUP that may come before our end', async () => {
    const owner = await startOwner('wait', 1, STUBBORN);
    for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.kill(owner.guardian, signal);
    owner.process.kill('SIGKILL');
    expect(await owner.ended).toEqual([null, 'SIGKILL']);
    await expectNoSurvivors(owner);
  });

  test('a guardian that replaced one that was killed knows the groups from before', async () => {
    const owner = await startOwner('replace', 2, STUBBORN);
    expect(owner.groups).toHaveLength(3);
    owner.process.kill('SIGKILL');
    await owner.ended;
    await expectNoSurvivors(owner);
  });

  test('a stopped process that is killed', async () => {
    const owner = await startOwner('wait', 1, STUBBORN);
    owner.process.kill('SIGSTOP');
    owner.process.kill('SIGKILL');
    expect(await owner.ended).toEqual([null, 'SIGKILL']);
    await expectNoSurvivors(owner);
  });
});

describe('the event loop', { timeout: 30_000 }, () => {
  test('runs empty once every session was ended', async () => {
    const owner = await startOwner('close', 3, STUBBORN);
    expect(await owner.ended).toEqual([0, null]);
    expect(survivorsOf(owner)).toEqual([]);
  });

  test('runs empty once every server has exited, although nobody ended the sessions', async () => {
    const owner = await startOwner('leave', 3, 'fault=answer-exit');
    expect(await owner.ended).toEqual([0, null]);
    await expectNoSurvivors(owner);
  });

  test('stays as long as a server runs', async () => {
    const owner = await startOwner('leave', 1);
    expect(owner.process.exitCode).toBeNull();
    process.kill(owner.groups[0] ?? 0, 'SIGKILL');
    expect(await owner.ended).toEqual([0, null]);
  });
});
