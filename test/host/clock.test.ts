import { once } from 'node:events';
import { connect, createServer, type Socket } from 'node:net';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { createHostClock, hostClock } from '../../src/host/clock.ts';
import { type LeakCheck, startLeakCheck } from '../../src/testing/index.ts';

let leaks: LeakCheck;
beforeEach(() => {
  leaks = startLeakCheck();
});
afterEach(() => leaks.verify());

/** Blocks the event loop. */
function block(ms: number): void {
  const end = performance.now() + ms;
  while (performance.now() < end);
}

const fired = (clock = hostClock, delayMs = 0): Promise<void> =>
  new Promise((resolve) => clock.setTimeout(resolve, delayMs));

describe('the host clock', () => {
  it('shows the wall time of the host and a monotonic time that does not go back', () => {
    const before = Date.now();
    const wall = hostClock.wall();
    expect(wall >= before && wall <= Date.now()).toBe(true);
    const samples = Array.from({ length: 1_000 }, () => hostClock.monotonic());
    expect(samples).toEqual(samples.toSorted((a, b) => a - b));
  });

  it('never fires more than a millisecond early, fractions included', async () => {
    const early: number[] = [];
    for (let round = 0; round < 40; round += 1) {
      // A start at another fraction of a millisecond each time.
      block((round % 10) / 10);
      const start = hostClock.monotonic();
      await fired(hostClock, 1.99);
      const lateMs = hostClock.monotonic() - start - 1.99;
      if (lateMs <= -1) early.push(lateMs);
    }
    expect(early).toEqual([]);
  });

  it('clamps a delay beyond 2 147 483 647 ms instead of firing at once, and takes NaN and negative delays as 0', async () => {
    const seen: string[] = [];
    const endless = hostClock.setTimeout(() => seen.push('endless'), Infinity);
    const tooLong = hostClock.setTimeout(() => seen.push('too long'), 2_147_483_648);
    hostClock.setTimeout(() => seen.push('NaN'), Number.NaN);
    hostClock.setTimeout(() => seen.push('negative'), -1);
    await fired(hostClock, 5);
    hostClock.clearTimeout(endless);
    hostClock.clearTimeout(tooLong);
    expect(seen).toEqual(['NaN', 'negative']);
  });

  it('clears a timer, and clearing twice or something foreign does nothing', async () => {
    const seen: string[] = [];
    const id = hostClock.setTimeout(() => seen.push('cleared'), 0);
    hostClock.clearTimeout(id);
    hostClock.clearTimeout(id);
    hostClock.clearTimeout(undefined);
    hostClock.clearTimeout({});
    await fired(hostClock, 3);
    expect(seen).toEqual([]);
  });

  it('keeps the process alive while a timer is pending', () => {
    const refd = (): number => process.getActiveResourcesInfo().filter((type) => type === 'Timeout').length;
    const before = refd();
    const id = hostClock.setTimeout(() => undefined, 60_000);
    expect(refd() - before).toBe(1);
    hostClock.clearTimeout(id);
  });
});

describe('loopLag', () => {
  it('shows a blocked loop as soon as the first late timer fires, before its callback runs', async () => {
    const clock = createHostClock();
    const lag = new Promise<number>((resolve) => clock.setTimeout(() => resolve(clock.loopLag()), 1));
    block(60);
    expect(await lag).toBeGreaterThanOrEqual(58);
    expect(clock.loopLag()).toBeGreaterThanOrEqual(58);
  });

  it('needs no timer of its own', () => {
    const before = process.getActiveResourcesInfo();
    createHostClock().loopLag();
    expect(process.getActiveResourcesInfo()).toEqual(before);
  });
});

describe('nextMacrotask', () => {
  let directory: string;
  let path: string;
  let close: () => Promise<void>;
  let received: string[];
  /** Two pipes to ourselves: what is written on one end lies in the kernel, unread, when `write` returns. */
  let ours: Socket[];
  let theirs: Socket[];

  beforeEach(async () => {
    directory = mkdtempSync(join(tmpdir(), 'holdfast-clock-'));
    path = join(directory, 's');
    received = [];
    theirs = [];
    const server = createServer((socket) => {
      theirs.push(socket);
      socket.on('data', (data) => received.push(String(data)));
    });
    await once(server.listen(path), 'listening');
    ours = [];
    for (let index = 0; index < 2; index += 1) {
      const socket = connect(path);
      const accepted = once(server, 'connection');
      await Promise.all([once(socket, 'connect'), accepted]);
      ours.push(socket);
    }
    close = async () => {
      for (const socket of [...ours, ...theirs]) socket.destroy();
      server.close();
      await once(server, 'close');
      rmSync(directory, { recursive: true });
    };
  });

  afterEach(() => close());

  const afterMacrotask = (): Promise<string[]> =>
    new Promise((resolve) => hostClock.nextMacrotask(() => resolve([...received])));

  it('runs after waiting input was read, when asked for by a timer that comes late', async () => {
    const seen = await new Promise((resolve) => {
      setTimeout(() => {
        ours[1]?.write('answer');
        block(20);
        resolve(afterMacrotask());
      }, 1);
      block(20);
    });
    expect(seen).toEqual(['answer']);
  });

  it('runs after waiting input was read, when asked for by an immediate', async () => {
    const seen = await new Promise((resolve) => {
      setImmediate(() => {
        ours[1]?.write('answer');
        block(20);
        resolve(afterMacrotask());
      });
    });
    expect(seen).toEqual(['answer']);
  });

  it('runs after waiting input was read, when asked for while other input is being read, where one immediate is too early', async () => {
    const [first] = theirs;
    const early: string[][] = [];
    const seen = await new Promise((resolve) => {
      first?.once('data', () => {
        ours[1]?.write('answer');
        block(20);
        setImmediate(() => early.push([...received]));
        resolve(afterMacrotask());
      });
      ours[0]?.write('trigger');
    });
    expect({ early, seen }).toEqual({ early: [['trigger']], seen: ['trigger', 'answer'] });
  });
});
