import { describe, expect, it } from 'vitest';
import { createFanOut } from '../../src/actors/fan-out.ts';
import { linkLogic } from '../../src/actors/link-actor.ts';
import { releaseLogic } from '../../src/actors/release-actor.ts';
import { LinkError } from '../../src/link/fault.ts';
import type { Pending } from '../../src/link/link.ts';
import { type ActorBench, actorBenches, type RecordedIo, type RunningActor, owner } from './actor-bench.ts';

const bench = actorBenches();

function open(world: ActorBench, generation = 1): RunningActor<ReturnType<typeof linkLogic>> {
  const logic = linkLogic(world.find, world.clock, createFanOut(world.clock));
  return world.start(logic, { id: 'weather', generation });
}

/** An actor whose link is open, with nothing heard yet. */
async function opened(
  world: ActorBench,
  generation = 1,
): Promise<{ readonly actor: RunningActor<ReturnType<typeof linkLogic>>; readonly record: RecordedIo }> {
  const record = world.record();
  const actor = open(world, generation);
  await world.clock.settle();
  world.heard.length = 0;
  return { actor, record };
}

/** Tells of each probe and request that goes to the open link whether it was cancelled. */
function cancelledOf({ lease: { link } }: RecordedIo): boolean[] {
  const cancelled: boolean[] = [];
  if (link === undefined) throw new Error('there is no link');
  const watch = <T>(pending: Pending<T>): Pending<T> => {
    const index = cancelled.push(false) - 1;
    return {
      answer: pending.answer,
      cancel: () => {
        cancelled[index] = true;
        pending.cancel();
      },
    };
  };
  const probe = link.probe.bind(link);
  const request = link.request.bind(link);
  Object.assign(link, {
    probe: () => watch(probe()),
    request: (...args: Parameters<typeof request>) => watch(request(...args)),
  });
  return cancelled;
}

const tools = (...names: readonly string[]) => names.map((name) => ({ name, inputSchema: { type: 'object' } }));

const hydrated = (answers: 0 | 1, generation = 1): unknown => ({ type: 'HYDRATED', generation, answers });

const types = (world: ActorBench): readonly unknown[] => world.heard.map((event) => (event as { type: string }).type);

describe('a link actor', () => {
  it('opens the link of its generation and tells the session of it', async () => {
    const world = bench();
    const record = world.record();
    record.server.pid = 50;
    open(world, 3);
    await world.clock.settle();
    expect(world.heard).toEqual([
      { type: 'LINK.SPAWNED', generation: 3, pid: 50 },
      {
        type: 'LINK.OPENED',
        generation: 3,
        facts: {
          era: 'legacy',
          protocolVersion: '2025-11-25',
          info: { name: 'weather', version: '1.0.0' },
          capabilities: { tools: {} },
          instructions: null,
          pid: 50,
        },
      },
    ]);
    await record.lease.release('kill');
  });

  it.each([
    ['exit', 'LINK.DOWN'],
    ['breakLink', 'LINK.DOWN'],
    ['loseSession', 'SESSION.LOST'],
  ] as const)('tells after %s, when it was: %s', async (what, type) => {
    const world = bench();
    const record = world.record();
    open(world);
    await world.clock.advance(1_234);
    record.server[what]();
    await world.clock.advance(10);
    expect(world.heard.slice(1)).toMatchObject([{ type, generation: 1, atMs: 1_234 }]);
    await record.lease.release('kill');
  });

  it('keeps notifications, stderr and faults in the record; only a fault is told to the session, too', async () => {
    const world = bench();
    const record = world.record();
    const fault = { kind: 'protocol', code: 'x', message: 'odd' } as const;
    open(world);
    await world.clock.settle();
    world.heard.length = 0;
    record.server.notify('notifications/message', { level: 'info' });
    record.server.stderr('a line');
    record.server.fault(fault);
    expect(record.notes).toEqual([
      { generation: 1, method: 'notifications/message', params: { level: 'info' } },
      { generation: 1, line: 'a line' },
      { generation: 1, fault },
    ]);
    expect(world.heard).toEqual([{ type: 'LINK.FAULT', generation: 1, fault }]);
    await record.lease.release('kill');
  });

  it('passes a fault on once a second, however often the link complains', async () => {
    const world = bench();
    const record = world.record();
    const fault = { kind: 'protocol', code: 'x', message: 'odd' } as const;
    open(world);
    await world.clock.settle();
    world.heard.length = 0;
    for (let count = 0; count < 1_000; count += 1) record.server.fault(fault);
    await world.clock.advance(999);
    record.server.fault(fault);
    expect(world.heard).toHaveLength(1);
    await world.clock.advance(1);
    record.server.fault(fault);
    expect(world.heard).toHaveLength(2);
    await record.lease.release('kill');
  });

  it('lets the link go when told to, and says when it is gone', async () => {
    const world = bench();
    const record = world.record();
    record.server.closeMs = 300;
    const actor = open(world);
    await world.clock.settle();
    actor.send({ type: 'LINK.RELEASE', mode: 'graceful' });
    await world.clock.advance(299);
    expect(types(world)).toEqual(['LINK.OPENED']);
    await world.clock.advance(1);
    expect(world.heard.at(-1)).toEqual({ type: 'LINK.RELEASED', generation: 1, leaked: false });
    expect(record.server.closes).toEqual(['graceful']);
  });

  it('says so when the link did not go', async () => {
    const world = bench();
    const record = world.record();
    record.server.neverCloses = true;
    const actor = open(world);
    await world.clock.settle();
    actor.send({ type: 'LINK.RELEASE', mode: 'kill' });
    await world.clock.advance(4_000);
    expect(world.heard.at(-1)).toEqual({ type: 'LINK.RELEASED', generation: 1, leaked: true });
  });

  it('leaves the link to the lease when it is stopped: only a release ends it', async () => {
    const world = bench();
    const record = world.record();
    const actor = open(world);
    await world.clock.settle();
    actor.stop();
    await world.clock.settle();
    expect([record.lease.link?.isOpen, record.server.liveLinks]).toEqual([true, 1]);
    record.server.exit();
    expect(types(world)).toEqual(['LINK.OPENED']);
    await record.lease.release('kill');
  });

  it('does not open a second link beside one that is not released: it is down at once', async () => {
    const world = bench();
    const record = world.record();
    open(world, 1).stop();
    await world.clock.settle();
    open(world, 2);
    await world.clock.settle();
    expect(world.heard).toMatchObject([
      { type: 'LINK.DOWN', generation: 2, fault: { kind: 'internal', code: 'lease-held' } },
    ]);
    expect(record.server.maxLiveLinks).toBe(1);
    await record.lease.release('kill');
  });

  it('of a server that was removed does nothing', async () => {
    const world = bench();
    open(world);
    await world.clock.settle();
    expect(world.heard).toEqual([]);
  });
});

describe('a link actor that is asked for a check', () => {
  it('tells what comes of it', async () => {
    const world = bench();
    const { actor, record } = await opened(world, 3);
    record.server.answerMs = 40;
    actor.send({ type: 'PROBE.REQUEST' });
    await world.clock.advance(39);
    expect(world.heard).toEqual([]);
    await world.clock.advance(1);
    expect([world.heard, record.notes]).toEqual([
      [{ type: 'PING.OK', generation: 3, atMs: 40, latencyMs: 40, meanLatencyMs: 20 }],
      ['latency 40'],
    ]);
    await record.lease.release('kill');
  });

  it('makes one at a time: whoever asks meanwhile is answered by that one', async () => {
    const world = bench();
    const { actor, record } = await opened(world);
    record.server.answerMs = 100;
    for (let count = 0; count < 5; count += 1) actor.send({ type: 'PROBE.REQUEST' });
    await world.clock.advance(99);
    actor.send({ type: 'PROBE.REQUEST' });
    await world.clock.advance(60_000);
    expect([types(world), record.server.probes]).toEqual([['PING.OK'], 1]);
    await record.lease.release('kill');
  });

  it('makes another once the last is over, however it ended', async () => {
    const world = bench();
    const { actor, record } = await opened(world);
    actor.send({ type: 'PROBE.REQUEST' });
    await world.clock.settle();
    record.server.answersPing = false;
    actor.send({ type: 'PROBE.REQUEST' });
    await world.clock.advance(5_000);
    actor.send({ type: 'PROBE.REQUEST' });
    await world.clock.stall(20_000);
    record.server.answersPing = true;
    await world.clock.advance(60_000);
    actor.send({ type: 'PROBE.REQUEST' });
    await world.clock.settle();
    expect([types(world), record.server.probes]).toEqual([['PING.OK', 'PING.FAILED', 'PING.VOID', 'PING.OK'], 4]);
    await record.lease.release('kill');
  });

  it('makes another when it is asked by whoever hears of the last', async () => {
    const world = bench();
    const { actor, record } = await opened(world);
    world.onHeard = () => {
      if (world.heard.length === 1) actor.send({ type: 'PROBE.REQUEST' });
    };
    actor.send({ type: 'PROBE.REQUEST' });
    await world.clock.settle();
    expect([types(world), record.server.probes]).toEqual([['PING.OK', 'PING.OK'], 2]);
    await record.lease.release('kill');
  });

  it('tells nothing but its end when the link goes down meanwhile', async () => {
    const world = bench();
    const { actor, record } = await opened(world);
    record.server.hang();
    actor.send({ type: 'PROBE.REQUEST' });
    await world.clock.advance(100);
    record.server.exit(3);
    await world.clock.settle();
    expect(world.clock.pendingTimers).toBe(0);
    expect(world.heard).toMatchObject([{ type: 'LINK.DOWN', generation: 1, atMs: 100, fault: { code: 'exit:3' } }]);
    actor.send({ type: 'LINK.RELEASE', mode: 'kill' });
    await world.clock.advance(60_000);
    expect(types(world)).toEqual(['LINK.DOWN', 'LINK.RELEASED']);
  });

  it('gives it up, and tells nothing of it, once the link is let go', async () => {
    const world = bench();
    const { actor, record } = await opened(world);
    const cancelled = cancelledOf(record);
    record.server.hang();
    record.server.closeMs = 300;
    actor.send({ type: 'PROBE.REQUEST' });
    expect(cancelled).toEqual([false]);
    actor.send({ type: 'LINK.RELEASE', mode: 'graceful' });
    expect(cancelled).toEqual([true]);
    record.server.resume();
    await world.clock.advance(60_000);
    expect([world.heard, record.notes]).toEqual([[{ type: 'LINK.RELEASED', generation: 1, leaked: false }], []]);
  });

  it('gives it up, and leaves no timer, when it is stopped', async () => {
    const world = bench();
    const { actor, record } = await opened(world);
    const cancelled = cancelledOf(record);
    record.server.hang();
    actor.send({ type: 'PROBE.REQUEST' });
    actor.stop();
    expect([cancelled, world.clock.pendingTimers]).toEqual([[true], 0]);
    record.server.resume();
    await world.clock.advance(60_000);
    expect([world.heard, record.notes]).toEqual([[], []]);
    await record.lease.release('kill');
  });

  it('makes none of a link that is let go, that is gone or that it never had', async () => {
    const world = bench();
    const { actor, record } = await opened(world);
    record.server.closeMs = 300;
    actor.send({ type: 'LINK.RELEASE', mode: 'graceful' });
    actor.send({ type: 'PROBE.REQUEST' });
    await world.clock.advance(300);
    actor.send({ type: 'PROBE.REQUEST' });
    await world.clock.advance(60_000);
    expect([types(world), record.server.probes]).toEqual([['LINK.RELEASED'], 0]);
    const other = bench();
    const none = open(other);
    none.send({ type: 'PROBE.REQUEST' });
    none.send({ type: 'HYDRATE.REQUEST', offersTools: false });
    await other.clock.advance(60_000);
    expect(other.heard).toEqual([]);
  });
});

describe('a link actor that is asked for the tools', () => {
  it('notes them for its generation, and counts the list as an answer', async () => {
    const world = bench();
    const { actor, record } = await opened(world, 4);
    record.server.tools = tools('a', 'b', 'c');
    record.server.pageSize = 2;
    actor.send({ type: 'HYDRATE.REQUEST', offersTools: true });
    await world.clock.settle();
    expect(world.heard).toEqual([hydrated(1, 4)]);
    expect(record.notes).toMatchObject([
      {
        generation: 4,
        tools: { end: 'complete', list: [{ tool: { name: 'a' } }, { tool: { name: 'b' } }, { tool: { name: 'c' } }] },
      },
    ]);
    await record.lease.release('kill');
  });

  it('does not ask a server that offers none, and counts no answer', async () => {
    const world = bench();
    const { actor, record } = await opened(world);
    actor.send({ type: 'HYDRATE.REQUEST', offersTools: false });
    await world.clock.settle();
    expect([world.heard, record.notes, record.server.received]).toEqual([
      [hydrated(0)],
      [{ generation: 1, tools: { list: [], end: 'complete' } }],
      [],
    ]);
    await record.lease.release('kill');
  });

  it('knows nothing of a server that refuses to list them, which is alive all the same', async () => {
    const world = bench();
    const { actor, record } = await opened(world);
    record.server.onRequest = () => {
      throw Object.assign(new Error('Method not found'), { code: -32_601 });
    };
    actor.send({ type: 'HYDRATE.REQUEST', offersTools: true });
    await world.clock.settle();
    expect([world.heard, record.notes]).toEqual([[hydrated(1)], [{ generation: 1, tools: null }]]);
    await record.lease.release('kill');
  });

  it('tells nothing but its end when the link goes down meanwhile', async () => {
    const world = bench();
    const { actor, record } = await opened(world);
    record.server.hang();
    actor.send({ type: 'HYDRATE.REQUEST', offersTools: true });
    await world.clock.settle();
    record.server.exit();
    await world.clock.settle();
    expect([types(world), record.notes]).toEqual([['LINK.DOWN'], []]);
    await record.lease.release('kill');
  });

  it('asks for no more pages, notes nothing and tells nothing of them, once the link is let go', async () => {
    const world = bench();
    const { actor, record } = await opened(world);
    const cancelled = cancelledOf(record);
    record.server.tools = tools('a', 'b', 'c', 'd');
    record.server.pageSize = 1;
    record.server.answerMs = 100;
    record.server.closeMs = 1_000;
    actor.send({ type: 'HYDRATE.REQUEST', offersTools: true });
    await world.clock.advance(250);
    actor.send({ type: 'LINK.RELEASE', mode: 'graceful' });
    expect(cancelled.at(-1)).toBe(true);
    await world.clock.advance(60_000);
    expect([types(world), record.notes, record.server.received.length]).toEqual([['LINK.RELEASED'], [], 3]);
  });

  it('asks for no more pages, notes nothing and tells nothing of them, when it is stopped', async () => {
    const world = bench();
    const { actor, record } = await opened(world);
    const cancelled = cancelledOf(record);
    record.server.tools = tools('a', 'b', 'c', 'd');
    record.server.pageSize = 1;
    record.server.answerMs = 100;
    actor.send({ type: 'HYDRATE.REQUEST', offersTools: true });
    await world.clock.advance(250);
    actor.stop();
    expect(cancelled.at(-1)).toBe(true);
    await world.clock.advance(60_000);
    expect([world.heard, record.notes, record.server.received.length]).toEqual([[], [], 3]);
    await record.lease.release('kill');
  });

  it.each(['released', 'stopped'])(
    'notes nothing of an answer that a driver delivers though it was %s',
    async (how) => {
      const world = bench();
      const { actor, record } = await opened(world);
      let answer: (result: Record<string, unknown>) => void = () => undefined;
      Object.assign(record.lease.link ?? {}, {
        request: () => ({
          answer: new Promise((resolve) => {
            answer = resolve;
          }),
          cancel: () => undefined,
        }),
      });
      actor.send({ type: 'HYDRATE.REQUEST', offersTools: true });
      answer({ tools: tools('late') });
      if (how === 'stopped') actor.stop();
      else actor.send({ type: 'LINK.RELEASE', mode: 'kill' });
      await world.clock.settle();
      expect([types(world), record.notes]).toEqual([how === 'stopped' ? [] : ['LINK.RELEASED'], []]);
      await record.lease.release('kill');
    },
  );

  it('checks the link all the same when it is asked to meanwhile', async () => {
    const world = bench();
    const { actor, record } = await opened(world);
    record.server.answerMs = 100;
    actor.send({ type: 'HYDRATE.REQUEST', offersTools: true });
    actor.send({ type: 'PROBE.REQUEST' });
    await world.clock.advance(100);
    expect([new Set(types(world)), record.server.probes]).toEqual([new Set(['HYDRATED', 'PING.OK']), 1]);
    expect(world.heard).toHaveLength(2);
    await record.lease.release('kill');
  });

  // The SDK's driver rejects a request so without going down: on an answer with neither a result nor an error, and when it could not send.
  it('tells the session at once when the listing fails on a link that stands', async () => {
    const world = bench();
    const { actor, record } = await opened(world);
    const fault = { kind: 'protocol', code: 'bad-answer', message: 'neither a result nor an error' } as const;
    Object.assign(record.lease.link ?? {}, {
      request: () => ({
        answer: Promise.reject(new LinkError({ kind: 'link', sent: true, fault })),
        cancel: () => undefined,
      }),
    });
    actor.send({ type: 'HYDRATE.REQUEST', offersTools: true });
    await world.clock.settle();
    expect([record.lease.link?.isOpen, world.heard.length]).toEqual([true, 1]);
    await record.lease.release('kill');
  });
});

describe('a link that someone else lets go', () => {
  it.each(['graceful', 'kill', 'lost'] as const)(
    'takes its check and its listing with it (%s), and nothing is told of either',
    async (mode) => {
      const world = bench();
      const { actor, record } = await opened(world);
      const cancelled = cancelledOf(record);
      record.server.hang();
      record.server.closeMs = 200;
      record.server.killMs = 200;
      actor.send({ type: 'PROBE.REQUEST' });
      actor.send({ type: 'HYDRATE.REQUEST', offersTools: true });
      expect(cancelled).toEqual([false, false]);
      void record.lease.release(mode);
      expect(cancelled).toEqual([true, true]);
      record.server.resume();
      await world.clock.advance(60_000);
      expect([world.heard, record.notes]).toEqual([[], []]);
    },
  );

  it('is told as released to a session that asks for it afterwards', async () => {
    const world = bench();
    const { actor, record } = await opened(world);
    record.server.killMs = 200;
    void record.lease.release('kill');
    actor.send({ type: 'PROBE.REQUEST' });
    actor.send({ type: 'LINK.RELEASE', mode: 'kill' });
    await world.clock.advance(200);
    expect([types(world), record.server.closes, record.server.probes]).toEqual([['LINK.RELEASED'], ['kill'], 0]);
  });
});

describe('a release actor', () => {
  it('kills what the crashed session left and is done when that is gone', async () => {
    const world = bench();
    const record = world.record();
    record.server.killMs = 80;
    record.lease.open(1, owner());
    await world.clock.settle();
    world.start(releaseLogic(world.find), { id: 'weather' });
    await world.clock.advance(79);
    expect(world.heard).toEqual([]);
    await world.clock.advance(1);
    expect([types(world), record.server.closes, record.server.liveLinks]).toEqual([
      ['xstate.done.actor.actor 1'],
      ['kill'],
      0,
    ]);
  });

  it('is done at once when there is nothing to release', async () => {
    const world = bench();
    world.start(releaseLogic(world.find), { id: 'weather' });
    await world.clock.settle();
    expect(types(world)).toEqual(['xstate.done.actor.actor 1']);
  });
});
