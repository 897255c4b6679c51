import type { ChildProcessWithoutNullStreams } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { mkdtemp, rm, symlink } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, describe, expect, test } from 'vitest';
import {
  groupIsGone,
  groupTakesSignals,
  isStopped,
  signalGroup,
  spawnInGroup,
} from '../../../src/link/stdio/process-group.ts';
import { eventually } from '../../support/eventually.ts';
import { membersOf, processEntry } from '../../support/processes.ts';
import { targetOf } from './test-server.ts';

const started: ChildProcessWithoutNullStreams[] = [];

function start(command: string, ...args: string[]): ChildProcessWithoutNullStreams & { readonly pid: number } {
  const child = spawnInGroup(targetOf(command, args));
  started.push(child);
  if (child.pid === undefined) throw new Error(`${command} did not start`);
  return Object.assign(child, { pid: child.pid });
}

afterEach(async () => {
  await Promise.all(
    started.splice(0).map(async (child) => {
      if (child.exitCode === null && child.signalCode === null) {
        const exited = once(child, 'exit');
        signalGroup(child.pid ?? 0, 'SIGKILL');
        await exited;
      }
      await eventually(() => groupIsGone(child.pid ?? 0));
    }),
  );
});

describe('a process group', () => {
  test('is led by the process that was started, and a signal reaches all of it', async () => {
    const child = start('/bin/sh', '-c', 'sleep 1000 & sleep 1000 & wait');
    await eventually(() => membersOf(child.pid).length === 3);
    expect(processEntry(child.pid)?.group).toBe(child.pid);
    expect(await groupIsGone(child.pid)).toBe(false);
    signalGroup(child.pid, 'SIGTERM');
    await once(child, 'exit');
    await eventually(() => groupIsGone(child.pid));
    expect(membersOf(child.pid)).toEqual([]);
  });

  test('stands while a grandchild runs after its leader has gone', async () => {
    const child = start('/bin/sh', '-c', 'sleep 1000 & exit 0');
    await once(child, 'exit');
    expect(await groupIsGone(child.pid)).toBe(false);
    signalGroup(child.pid, 'SIGKILL');
    await eventually(() => groupIsGone(child.pid));
  });

  test('is gone when only zombies are left, although it still takes signals', async () => {
    // `exec` leaves a process that knows nothing of the child it inherited, and so never reaps it.
    const script = 'exec 3<&0; setsid sh -c "read _ <&3" & echo $!; exec sleep 1000';
    const child = start('/bin/sh', '-c', script);
    const [line] = (await once(child.stdout, 'data')) as [Buffer];
    const zombie = Number(line.toString());
    await eventually(() => readFileSync(`/proc/${child.pid}/comm`, 'latin1') === 'sleep\n');
    await eventually(() => processEntry(zombie)?.group === zombie);
    expect(await groupIsGone(zombie)).toBe(false);
    child.stdin.end('\n');
    await eventually(() => processEntry(zombie)?.state === 'Z');
    expect(processEntry(zombie)?.group).toBe(zombie);
    expect(groupTakesSignals(zombie)).toBe(true);
    expect(await groupIsGone(zombie)).toBe(true);
  });

  test('a signal to a group that is gone is no error', async () => {
    const child = start('true');
    await once(child, 'exit');
    signalGroup(child.pid, 'SIGTERM');
    expect(await groupIsGone(child.pid)).toBe(true);
  });

  test('tells a stopped process from a running one', async () => {
    const child = start('sleep', '1000');
    expect(isStopped(child.pid)).toBe(false);
    process.kill(child.pid, 'SIGSTOP');
    await eventually(() => isStopped(child.pid));
    expect(isStopped(2 ** 30)).toBe(false);
  });

  test('is read right when the name of its program looks like the fields behind it', async () => {
    const directory = await mkdtemp(join(tmpdir(), 'holdfast-'));
    const program = join(directory, 'a) T 1 (b');
    await symlink('/bin/sleep', program);
    const child = start(program, '1000');
    await eventually(() => readFileSync(`/proc/${child.pid}/stat`, 'latin1').includes('(a) T 1 (b)'));
    expect(isStopped(child.pid)).toBe(false);
    expect(await groupIsGone(child.pid)).toBe(false);
    await rm(directory, { recursive: true });
  });
});
