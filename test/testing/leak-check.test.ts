import { spawn } from 'node:child_process';
import { createServer } from 'node:net';
import { describe, expect, it } from 'vitest';
import { createVirtualClock, startLeakCheck } from '../../src/testing/index.ts';

describe('a leak check', () => {
  it('passes when everything is back at the baseline, and when there is less', async () => {
    const timer = setTimeout(() => undefined, 60_000);
    const check = startLeakCheck();
    clearTimeout(timer);
    await check.verify();
  });

  it('waits for what takes a moment to go', async () => {
    const check = startLeakCheck();
    setTimeout(() => undefined, 30);
    await check.verify();
  });

  it('names a timer that is left', async () => {
    const check = startLeakCheck({ settleMs: 20 });
    const timer = setTimeout(() => undefined, 60_000);
    await expect(check.verify()).rejects.toThrow(
      /^left behind:\n {2}active resource Timeout: 1 more than at the start$/,
    );
    clearTimeout(timer);
    await check.verify();
  });

  it('names a listening socket that is left', async () => {
    const check = startLeakCheck({ settleMs: 20 });
    const server = createServer();
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    await expect(check.verify()).rejects.toThrow('active resource TCPServerWrap: 1 more than at the start');
    await new Promise((resolve) => server.close(resolve));
    await check.verify();
  });

  it('names a listener on the process that is left', async () => {
    const check = startLeakCheck({ settleMs: 20 });
    const listener = (): void => undefined;
    process.on('SIGHUP', listener);
    await expect(check.verify()).rejects.toThrow("process listener 'SIGHUP': 1 more than at the start");
    process.off('SIGHUP', listener);
    await check.verify();
  });

  it('counts the pending timers of a virtual clock', async () => {
    const clock = createVirtualClock();
    clock.setTimeout(() => undefined, 1);
    const check = startLeakCheck({ clock, settleMs: 20 });
    const left = clock.setTimeout(() => undefined, 500);
    await expect(check.verify()).rejects.toThrow(
      'left behind:\n  timer of the virtual clock: 1 more than at the start',
    );
    clock.clearTimeout(left);
    await check.verify();
  });

  it.runIf(process.platform === 'linux')('names a child process that is left, by id and name', async () => {
    const check = startLeakCheck({ settleMs: 20 });
    const child = spawn('sleep', ['60'], { stdio: 'ignore' });
    await new Promise((resolve) => child.once('spawn', resolve));
    child.unref();
    await expect(check.verify()).rejects.toThrow(`child process ${child.pid} (sleep)`);
    const exited = new Promise((resolve) => child.once('exit', resolve));
    child.kill('SIGKILL');
    await exited;
    await check.verify();
  });
});
