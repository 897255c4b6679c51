import { describe, expect, it } from 'vitest';
import { startProbe } from '../../src/actors/link-probe.ts';
import { type Fault, LinkError } from '../../src/link/fault.ts';
import type { Link } from '../../src/link/link.ts';
import { type ActorBench, actorBenches, type RecordedIo, owner } from './actor-bench.ts';

const bench = actorBenches();

/** A server with an open link, and a way to check it; the check's stop function comes back. */
async function checked(
  world: ActorBench,
  { generation = 1, ...options }: { readonly generation?: number; readonly probeTimeoutMs?: number } = {},
): Promise<{ readonly record: RecordedIo; readonly probe: () => () => void }> {
  const record = world.record('weather', options);
  record.lease.open(generation, owner());
  await world.clock.settle();
  return {
    record,
    probe: () => {
      const { link } = record.lease;
      if (link === undefined) throw new Error('there is no link to check');
      return startProbe(record, link, generation, world.clock, (result) => world.heard.push(result));
    },
  };
}

/** A link whose check ends as the test says. */
function playedLink(): {
  readonly link: Link;
  readonly probed: { cancels: number; reject: (error: unknown) => void };
} {
  const probed: { cancels: number; reject: (error: unknown) => void } = { cancels: 0, reject: () => undefined };
  const link = {
    isOpen: true,
    probe: () => ({
      answer: new Promise<void>((_resolve, reject) => {
        probed.reject = reject;
      }),
      cancel: () => {
        probed.cancels += 1;
      },
    }),
  } as unknown as Link;
  return { link, probed };
}

const failed = (atMs: number, generation = 1): unknown => ({
  type: 'PING.FAILED',
  generation,
  atMs,
  fault: { kind: 'timeout', code: 'check-timeout', message: 'no answer to a check within 5000 ms' },
});

describe('a check', () => {
  it('reports the answer with its latency and the mean, and leaves no timer', async () => {
    const world = bench();
    const { record, probe } = await checked(world, { generation: 3 });
    record.server.answerMs = 40;
    probe();
    await world.clock.advance(39);
    expect(world.heard).toEqual([]);
    await world.clock.advance(1);
    expect(world.heard).toEqual([{ type: 'PING.OK', generation: 3, atMs: 40, latencyMs: 40, meanLatencyMs: 20 }]);
    expect([record.notes, world.clock.pendingTimers, record.server.probes]).toEqual([['latency 40'], 0, 1]);
  });

  it('fails when no answer has come within the timeout, and then tells the server so', async () => {
    const world = bench();
    const { record, probe } = await checked(world);
    record.server.answersPing = false;
    probe();
    await world.clock.advance(4_999);
    expect(world.heard).toEqual([]);
    await world.clock.advance(1);
    expect([world.heard, record.notes, world.clock.pendingTimers]).toEqual([[failed(5_000)], [], 0]);
  });

  it('counts an answer that arrived with the timeout: it is read first', async () => {
    const world = bench();
    const { record, probe } = await checked(world);
    record.server.answerMs = 5_000;
    probe();
    await world.clock.advance(5_000);
    expect(world.heard).toEqual([
      { type: 'PING.OK', generation: 1, atMs: 5_000, latencyMs: 5_000, meanLatencyMs: 2_500 },
    ]);
  });

  it('reads what is waiting for one macrotask before silence counts', async () => {
    const world = bench();
    const { record, probe } = await checked(world);
    record.server.hang();
    probe();
    world.clock.setTimeout(() => {
      world.clock.nextMacrotask(() => {
        record.server.resume();
      });
    }, 5_000);
    await world.clock.advance(5_000);
    expect(world.heard).toEqual([failed(5_000)]);
    const late = bench();
    const other = await checked(late);
    other.record.server.hang();
    late.clock.setTimeout(() => {
      late.clock.nextMacrotask(() => {
        other.record.server.resume();
      });
    }, 5_000);
    other.probe();
    await late.clock.advance(5_000);
    expect(late.heard).toMatchObject([{ type: 'PING.OK', latencyMs: 5_000 }]);
  });

  it('reports exactly once, whatever comes after', async () => {
    const world = bench();
    const { record, probe } = await checked(world);
    record.server.hang();
    probe();
    await world.clock.advance(5_000);
    record.server.resume();
    await world.clock.advance(60_000);
    record.server.exit();
    await world.clock.settle();
    expect(world.heard).toEqual([failed(5_000)]);
  });

  it('that times out gives its request up', async () => {
    const world = bench();
    const { link, probed } = playedLink();
    startProbe(world.record(), link, 1, world.clock, (result) => world.heard.push(result));
    await world.clock.advance(4_999);
    expect(probed.cancels).toBe(0);
    await world.clock.advance(1);
    expect([probed.cancels, world.heard]).toEqual([1, [failed(5_000)]]);
    probed.reject(new LinkError({ kind: 'aborted', sent: true }));
    await world.clock.settle();
    expect(world.heard).toHaveLength(1);
  });

  const oversized: Fault = { kind: 'protocol', code: 'oversized', message: 'the answer was too long' };
  it.each([
    ['a fault of the link', new LinkError({ kind: 'link', sent: true, fault: oversized }), oversized],
    [
      'an error of the driver',
      new Error('odd'),
      { kind: 'internal', code: 'check-failed', message: 'odd' } satisfies Fault,
    ],
    ['what is no error', 'odd', { kind: 'internal', code: 'check-failed', message: 'odd' } satisfies Fault],
  ])('fails at once with %s while the link stands', async (_what, error, fault) => {
    const world = bench();
    const { link, probed } = playedLink();
    startProbe(world.record(), link, 2, world.clock, (result) => world.heard.push(result));
    await world.clock.advance(100);
    probed.reject(error);
    await world.clock.settle();
    expect([world.heard, world.clock.pendingTimers]).toEqual([
      [{ type: 'PING.FAILED', generation: 2, atMs: 100, fault }],
      0,
    ]);
  });

  it('says nothing of a link that goes down under it, which says so itself; only its timeout still does', async () => {
    const world = bench();
    const { record, probe } = await checked(world);
    record.server.hang();
    probe();
    await world.clock.advance(100);
    record.server.exit(3);
    await world.clock.advance(4_899);
    expect(world.heard).toEqual([]);
    await world.clock.advance(1);
    expect([world.heard, world.clock.pendingTimers]).toEqual([[failed(5_000)], 0]);
  });

  it('of a link that is down already says nothing, and leaves nothing when it is stopped', async () => {
    const world = bench();
    const { record, probe } = await checked(world);
    record.server.breakLink();
    const stop = probe();
    await world.clock.settle();
    stop();
    expect([world.heard, world.clock.pendingTimers]).toEqual([[], 0]);
    await record.lease.release('kill');
  });
});

describe('a check that is stopped', () => {
  it('reports nothing, gives up its request and leaves no timer', async () => {
    const world = bench();
    const { record, probe } = await checked(world);
    record.server.hang();
    probe()();
    expect(world.clock.pendingTimers).toBe(0);
    record.server.resume();
    await world.clock.advance(60_000);
    expect([world.heard, record.notes]).toEqual([[], []]);
  });

  it('cancels its request, once, and is not touched by a stop after its end', async () => {
    const world = bench();
    const { link, probed } = playedLink();
    const stop = startProbe(world.record(), link, 1, world.clock, (result) => world.heard.push(result));
    stop();
    stop();
    expect(probed.cancels).toBe(1);
    probed.reject(new LinkError({ kind: 'aborted', sent: true }));
    await world.clock.advance(60_000);
    expect(world.heard).toEqual([]);
    const other = await checked(world);
    const stopOther = other.probe();
    await world.clock.settle();
    stopOther();
    expect(world.heard).toMatchObject([{ type: 'PING.OK' }]);
  });

  it('between its timeout and the verdict reports nothing', async () => {
    const world = bench();
    const { record, probe } = await checked(world);
    record.server.answersPing = false;
    const stop = probe();
    world.clock.setTimeout(() => {
      stop();
    }, 5_000);
    await world.clock.stall(5_000);
    await world.clock.advance(60_000);
    expect(world.heard).toEqual([]);
  });
});

describe('a check is void', () => {
  it.each([
    [2_500, 'PING.FAILED'],
    [2_501, 'PING.VOID'],
  ])('when its own timer is late by more than half the timeout: %i ms is %s', async (lateMs, type) => {
    const world = bench();
    const { record, probe } = await checked(world);
    record.server.answersPing = false;
    probe();
    await world.clock.stall(5_000 + lateMs);
    expect(world.heard).toMatchObject([{ type, generation: 1, atMs: 5_000 + lateMs }]);
    expect(world.heard).toHaveLength(1);
  });

  it('not when an answer was there all the while: that proves life, and measures nothing', async () => {
    const world = bench();
    const { record, probe } = await checked(world);
    record.server.answerMs = 30;
    probe();
    await world.clock.stall(20_000);
    expect(world.heard).toEqual([
      { type: 'PING.OK', generation: 1, atMs: 20_000, latencyMs: 20_000, meanLatencyMs: 77 },
    ]);
    expect(record.notes).toEqual([]);
  });

  it('when this process was lately late with other timers', async () => {
    const world = bench();
    const { record, probe } = await checked(world);
    record.server.answersPing = false;
    world.clock.setTimeout(() => undefined, 100);
    probe();
    await world.clock.stall(3_000);
    expect(world.clock.loopLag()).toBe(2_900);
    await world.clock.advance(2_000);
    expect(world.heard).toEqual([{ type: 'PING.VOID', generation: 1, atMs: 5_000 }]);
  });

  it.each([
    [2_501, 'PING.VOID'],
    [-2_501, 'PING.VOID'],
    [2_500, 'PING.FAILED'],
    [-2_500, 'PING.FAILED'],
  ])(
    'when the wall clock jumped against the monotonic one by more than half the timeout: %i ms is %s',
    async (jumpMs, type) => {
      const world = bench();
      const { record, probe } = await checked(world);
      record.server.answersPing = false;
      probe();
      await world.clock.advance(1_000);
      world.clock.jumpWall(jumpMs);
      await world.clock.advance(4_000);
      expect(world.heard).toMatchObject([{ type, atMs: 5_000 }]);
    },
  );

  it('measured by its own timeout', async () => {
    const world = bench();
    const { record, probe } = await checked(world, { probeTimeoutMs: 1_000 });
    record.server.answersPing = false;
    probe();
    await world.clock.stall(1_501);
    expect(world.heard).toEqual([{ type: 'PING.VOID', generation: 1, atMs: 1_501 }]);
  });
});

describe('a check that is refused since the server is overloaded', () => {
  it('proves that the server is there, and reports the overload beside it', async () => {
    const world = bench();
    const { record } = await checked(world);
    const { link, probed } = playedLink();
    const heard: unknown[] = [];
    startProbe(record, link, 1, world.clock, (result, overload) => heard.push(result, overload));
    await world.clock.advance(7);
    const fault: Fault = { kind: 'overload', code: 'http:429', message: 'too many requests', retryAfterMs: 3_000 };
    probed.reject(new LinkError({ kind: 'refused', sent: true, fault }));
    await world.clock.settle();
    expect(heard).toEqual([
      { type: 'PING.OK', generation: 1, atMs: 7, latencyMs: 7, meanLatencyMs: 3.5 },
      { type: 'OVERLOAD', retryAfterMs: 3_000 },
    ]);
    expect(world.clock.pendingTimers).toBe(0);
  });

  it('fails like any other when it is refused for another reason', async () => {
    const world = bench();
    const { record } = await checked(world);
    const { link, probed } = playedLink();
    const heard: unknown[] = [];
    startProbe(record, link, 1, world.clock, (result, overload) => heard.push(result, overload));
    const fault: Fault = { kind: 'protocol', code: 'http:405', message: 'method not allowed' };
    probed.reject(new LinkError({ kind: 'refused', sent: true, fault }));
    await world.clock.settle();
    expect(heard).toEqual([{ type: 'PING.FAILED', generation: 1, atMs: 0, fault }, undefined]);
  });
});
