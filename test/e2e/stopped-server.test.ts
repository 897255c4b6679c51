import { describe, expect, test } from 'vitest';
import { eventually } from '../support/eventually.ts';
import { isRunning } from '../support/processes.ts';
import { askPids, firstConnection, pidOf, secondConnection, Stage, unhurried, untiring } from './stage.ts';

/** Short, but long enough that a busy test machine is not for ever taken for the cause of the silence. */
const healthCheck = { intervalMs: 200, timeoutMs: 400 };

describe('a server that is stopped (SIGSTOP)', unhurried, () => {
  test('is degraded by the first check that fails, unhealthy by the third, killed after two more, and started anew', async () => {
    const stage = new Stage();
    const session = await stage.add('frozen', stage.server('frozen'), { ...untiring, healthCheck });
    const states: string[] = [];
    session.state$.subscribe((state) => states.push(state));
    const pid = pidOf(session);
    process.kill(pid, 'SIGSTOP');
    await stage.reaches('frozen', 'connected.healthy', 2);

    const good = stage.story('frozen').filter((line) => line === '1 check ok').length;
    expect(stage.story('frozen')).toEqual([
      ...firstConnection,
      // Checks that were answered before the stop; the first one belongs to the connection.
      ...Array.from({ length: good - 1 }, () => '1 check ok'),
      '1 check failed: check-timeout',
      '1 connected.degraded',
      '1 check failed: check-timeout',
      '1 check failed: check-timeout',
      '1 connected.unhealthy',
      '1 check failed: check-timeout',
      '1 check failed: check-timeout',
      '1 releasing',
      '1 attempt 1 scheduled',
      '1 disconnected.backingOff',
      '1 connecting.waiting',
      ...secondConnection(2),
    ]);
    expect(states).toEqual(['healthy', 'degraded', 'unhealthy', 'disconnected', 'connecting', 'healthy']);
    expect(isRunning(pid)).toBe(false);
    expect(pidOf(session)).not.toBe(pid);
    expect(await askPids(session)).toEqual({ pid: pidOf(session), grandchild: null });
    expect(session.info).toMatchObject({ generation: 2, failedHealthChecks: 0, lastError: { code: 'check-timeout' } });
    await stage.close();
  });

  test('takes no calls while it is unhealthy: they are refused, unsent', async () => {
    const stage = new Stage();
    const session = await stage.add('frozen', stage.server('frozen'), { ...untiring, healthCheck });
    process.kill(pidOf(session), 'SIGSTOP');
    const refused = new Promise((resolve) => {
      session.state$.subscribe((state) => {
        if (state === 'unhealthy') session.callTool('echo', { text: 'anyone?' }).then(resolve, resolve);
      });
    });
    expect(await refused).toMatchObject({ code: 'NOT_READY', outcome: 'not-sent', generation: 1 });
    expect(stage.log('frozen').filter((line) => line.startsWith('call'))).toEqual([]);
    await stage.close({ drainMs: 0 });
  });

  test('and continued in time is degraded, then healthy again as the same process in the same generation', async () => {
    const stage = new Stage();
    const session = await stage.add('drowsy', stage.server('drowsy'), {
      healthCheck: { ...healthCheck, failureThreshold: 1_000 },
    });
    const pid = pidOf(session);
    process.kill(pid, 'SIGSTOP');
    const { seq } = await stage.reaches('drowsy', 'connected.degraded');
    process.kill(pid, 'SIGCONT');
    await eventually(() => session.state === 'healthy', { timeoutMs: 60_000 });

    const recovered = stage.story('drowsy', seq);
    const failed = recovered.findLastIndex((line) => line.startsWith('1 check failed'));
    expect(recovered.slice(0, 1)).toEqual(['1 connected.degraded']);
    expect(recovered.slice(Math.max(1, failed + 1))).toEqual(['1 check ok', '1 check ok', '1 connected.healthy']);
    expect(session.info).toMatchObject({ generation: 1, pid, failedHealthChecks: 0 });
    await stage.close();
  });

  test('behind a shell is found out and killed with its shell', async () => {
    const stage = new Stage();
    const session = await stage.add('wrapped', stage.serverBehindShell('wrapped'), { ...untiring, healthCheck });
    const shell = pidOf(session);
    const { pid } = await askPids(session);
    process.kill(pid, 'SIGSTOP');
    await stage.reaches('wrapped', 'connected.healthy', 2);
    expect([shell, pid].filter(isRunning)).toEqual([]);
    expect(stage.processes('wrapped')).toHaveLength(2);
    await stage.close();
  });
});
