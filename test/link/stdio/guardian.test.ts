import { afterEach, describe, expect, test } from 'vitest';
import { Guardian } from '../../../src/link/stdio/guardian.ts';
import type { GroupLease } from '../../../src/link/stdio/guardian.ts';
import { signalGroup, spawnInGroup } from '../../../src/link/stdio/process-group.ts';
import { eventually } from '../../support/eventually.ts';
import { isRunning, membersOf, processEntry, runningChildren } from '../../support/processes.ts';
import { targetOf } from './test-server.ts';

const leases: GroupLease[] = [];
const groups: number[] = [];

function open(guardian: Guardian): GroupLease {
  const lease = guardian.open();
  leases.push(lease);
  return lease;
}

function startGroup(): number {
  const { pid } = spawnInGroup(targetOf('sleep', ['1000']));
  if (pid === undefined) throw new Error('sleep did not start');
  groups.push(pid);
  return pid;
}

function shellOf(guardian: Guardian): number {
  const { pid } = guardian;
  if (pid === null) throw new Error('The guardian has no shell.');
  return pid;
}

afterEach(async () => {
  for (const group of groups.splice(0)) signalGroup(group, 'SIGKILL');
  await Promise.all(leases.splice(0).map((lease) => lease.release()));
  await eventually(() => runningChildren().length === 0);
});

describe('the guardian', () => {
  test('exists while a lease is out, in a session of its own, and is started again on demand', async () => {
    const guardian = new Guardian();
    const listeners = process.listenerCount('exit');
    expect(guardian.pid).toBeNull();
    const [first, second] = [open(guardian), open(guardian)];
    const shell = shellOf(guardian);
    expect(isRunning(shell)).toBe(true);
    expect(processEntry(shell)?.group).toBe(shell);
    expect(process.listenerCount('exit')).toBe(listeners + 1);

    await first.release();
    expect(guardian.pid).toBe(shell);
    await second.release();
    expect(guardian.pid).toBeNull();
    expect(processEntry(shell)).toBeNull();
    expect(process.listenerCount('exit')).toBe(listeners);

    await second.release();
    const third = open(guardian);
    expect(isRunning(shellOf(guardian))).toBe(true);
    await third.release();
    expect(process.listenerCount('exit')).toBe(listeners);
  });

  test('is started again with the next lease when somebody killed it', async () => {
    const guardian = new Guardian();
    open(guardian);
    const shell = shellOf(guardian);
    process.kill(shell, 'SIGKILL');
    await eventually(() => guardian.pid === null);
    open(guardian);
    expect(isRunning(shellOf(guardian))).toBe(true);
  });

  test('is ended even when it is stopped', async () => {
    const guardian = new Guardian();
    const lease = open(guardian);
    const shell = shellOf(guardian);
    process.kill(shell, 'SIGSTOP');
    await lease.release();
    expect(processEntry(shell)).toBeNull();
  });

  test('without a shell there is only the exit handler, and nothing throws', async () => {
    const guardian = new Guardian('/nonexistent/sh');
    const listeners = process.listenerCount('exit');
    const lease = open(guardian);
    const group = startGroup();
    lease.guard(group);
    expect(guardian.pid).toBeNull();
    expect(process.listenerCount('exit')).toBe(listeners + 1);
    await lease.release();
    expect(process.listenerCount('exit')).toBe(listeners);
    expect(membersOf(group)).toEqual([group]);
  });
});
