import { describe, expect, it } from 'vitest';
import { createFanOut } from '../../src/actors/fan-out.ts';
import { linkLogic } from '../../src/actors/link-actor.ts';
import { type ActorBench, actorBenches, type RecordedIo, type RunningActor } from './actor-bench.ts';

const bench = actorBenches();

const changed = 'notifications/tools/list_changed';
const tools = (...names: readonly string[]) => names.map((name) => ({ name, inputSchema: { type: 'object' } }));

interface Listed {
  readonly world: ActorBench;
  readonly actor: RunningActor<ReturnType<typeof linkLogic>>;
  readonly record: RecordedIo;
  /** When each list was begun, since the first one was. */
  readonly begun: number[];
  /** The names that were noted since this was last asked; null for a list that failed. */
  readonly noted: () => readonly (readonly string[] | null)[];
}

/** A link that has just listed its tools, at 10 000 ms. */
async function listed(behaviour: Partial<RecordedIo['server']> = {}): Promise<Listed> {
  const world = bench();
  const record = world.record();
  Object.assign(record.server, { tools: tools('a'), ...behaviour });
  const actor = world.start(linkLogic(world.find, world.clock, createFanOut(world.clock)), {
    id: 'weather',
    generation: 1,
  });
  await world.clock.advance(10_000);
  const begun: number[] = [];
  const { link } = record.lease;
  if (link === undefined) throw new Error('there is no link');
  const request = link.request.bind(link);
  Object.assign(link, {
    request: (...args: Parameters<typeof request>) => {
      if (args[1]?.['cursor'] === undefined) begun.push(world.clock.monotonic() - 10_000);
      return request(...args);
    },
  });
  actor.send({ type: 'HYDRATE.REQUEST', offersTools: true });
  await world.clock.settle();
  let read = 0;
  const noted = (): readonly (readonly string[] | null)[] => {
    const news = record.notes.slice(read) as {
      tools?: { list: readonly { tool: { name: string } }[] } | null;
    }[];
    read = record.notes.length;
    return news.flatMap((note) =>
      note.tools === undefined ? [] : [note.tools && note.tools.list.map(({ tool }) => tool.name)],
    );
  };
  return { world, actor, record, begun, noted };
}

describe('a server that says that its tools changed', () => {
  it('is asked for them at once, when the last list was begun 300 ms ago or more', async () => {
    const { world, record, begun, noted } = await listed();
    await world.clock.advance(300);
    record.server.tools = tools('a', 'b');
    record.server.notify(changed);
    await world.clock.settle();
    expect([begun, noted()]).toEqual([
      [0, 300],
      [['a'], ['a', 'b']],
    ]);
    await record.lease.release('kill');
  });

  it('is asked 300 ms after the last list was begun, when that is less long ago', async () => {
    const { world, record, begun, noted } = await listed();
    record.server.tools = tools('b');
    record.server.notify(changed);
    await world.clock.advance(299);
    expect([begun, noted()]).toEqual([[0], [['a']]]);
    await world.clock.advance(1);
    expect([begun, noted()]).toEqual([[0, 300], [['b']]]);
    await record.lease.release('kill');
  });

  it('again and again within 300 ms is asked twice: at once, and at their end', async () => {
    const { world, record, begun, noted } = await listed();
    await world.clock.advance(1_000);
    for (const name of ['b', 'c', 'd']) {
      record.server.tools = tools(name);
      record.server.notify(changed);
      await world.clock.advance(90);
    }
    await world.clock.advance(60_000);
    expect([begun, noted()]).toEqual([
      [0, 1_000, 1_300],
      [['a'], ['b'], ['d']],
    ]);
    await record.lease.release('kill');
  });

  it('2 000 times in a second is asked once in 300 ms', async () => {
    const { world, record, begun } = await listed();
    await world.clock.advance(1_000);
    for (let times = 0; times < 1_000; times += 1) {
      record.server.notify(changed);
      record.server.notify(changed);
      await world.clock.advance(1);
    }
    await world.clock.advance(60_000);
    expect(begun).toEqual([0, 1_000, 1_300, 1_600, 1_900, 2_200]);
    await record.lease.release('kill');
  });

  it('while it is listing them is asked once more when that list has come, never twice at a time', async () => {
    const { world, record, begun, noted } = await listed();
    await world.clock.advance(1_000);
    record.server.answerMs = 700;
    record.server.notify(changed);
    await world.clock.advance(100);
    record.server.notify(changed);
    record.server.notify(changed);
    await world.clock.advance(599);
    expect(begun).toEqual([0, 1_000]);
    await world.clock.advance(1);
    expect(begun).toEqual([0, 1_000, 1_700]);
    await world.clock.advance(60_000);
    expect([begun, noted()]).toEqual([
      [0, 1_000, 1_700],
      [['a'], ['a'], ['a']],
    ]);
    await record.lease.release('kill');
  });

  it('during the first list is asked once more', async () => {
    const { world, record, begun, noted } = await listed({ answerMs: 200 });
    record.server.notify(changed);
    await world.clock.advance(60_000);
    expect([begun, noted()]).toEqual([
      [0, 300],
      [['a'], ['a']],
    ]);
    expect(world.heard.filter((event) => (event as { type: string }).type === 'HYDRATED')).toHaveLength(1);
    await record.lease.release('kill');
  });

  it('before the first list is not asked: that one is still to come', async () => {
    const world = bench();
    const record = world.record();
    const actor = world.start(linkLogic(world.find, world.clock, createFanOut(world.clock)), {
      id: 'weather',
      generation: 1,
    });
    await world.clock.settle();
    record.server.notify(changed);
    await world.clock.advance(1_000);
    expect(record.server.received).toEqual([]);
    actor.send({ type: 'HYDRATE.REQUEST', offersTools: true });
    await world.clock.advance(60_000);
    expect(record.server.received).toHaveLength(1);
    await record.lease.release('kill');
  });

  it('but offers none is never asked', async () => {
    const world = bench();
    const record = world.record();
    const actor = world.start(linkLogic(world.find, world.clock, createFanOut(world.clock)), {
      id: 'weather',
      generation: 1,
    });
    await world.clock.settle();
    actor.send({ type: 'HYDRATE.REQUEST', offersTools: false });
    record.server.notify(changed);
    await world.clock.advance(60_000);
    expect(record.server.received).toEqual([]);
    await record.lease.release('kill');
  });

  it('of its resources or prompts is not asked for its tools', async () => {
    const { world, record, begun } = await listed();
    record.server.notify('notifications/resources/list_changed');
    record.server.notify('notifications/prompts/list_changed');
    await world.clock.advance(60_000);
    expect(begun).toEqual([0]);
    await record.lease.release('kill');
  });

  it('is read to the last page', async () => {
    const { world, record, noted } = await listed();
    record.server.tools = tools('a', 'b', 'c');
    record.server.pageSize = 1;
    record.server.notify(changed);
    await world.clock.advance(300);
    expect(noted()).toEqual([['a'], ['a', 'b', 'c']]);
    await record.lease.release('kill');
  });
});

describe('a list that is made anew', () => {
  it('and refused is noted as failed, and is made again when the server next says so', async () => {
    const { world, record, noted } = await listed();
    record.server.onRequest = () => {
      throw Object.assign(new Error('not now'), { code: -32_603 });
    };
    record.server.notify(changed);
    await world.clock.advance(60_000);
    expect(noted()).toEqual([['a'], null]);
    record.server.onRequest = null;
    record.server.notify(changed);
    await world.clock.settle();
    expect(noted()).toEqual([['a']]);
    await record.lease.release('kill');
  });

  it('and never answered is given up after 60 s, and one that is asked for meanwhile is made then', async () => {
    const { world, record, begun, noted } = await listed();
    await world.clock.advance(1_000);
    record.server.hang();
    record.server.notify(changed);
    await world.clock.advance(500);
    record.server.notify(changed);
    await world.clock.advance(59_499);
    expect([begun, noted()]).toEqual([[0, 1_000], [['a']]]);
    await world.clock.advance(1);
    expect([begun, noted()]).toEqual([[0, 1_000, 61_000], [null]]);
    record.server.resume();
    await world.clock.settle();
    expect(noted()).toEqual([['a']]);
    await record.lease.release('kill');
  });

  it('is dropped, and none follows it, when the link goes down', async () => {
    const { world, record, begun, noted } = await listed({ answerMs: 200 });
    await world.clock.advance(1_000);
    record.server.notify(changed);
    record.server.notify(changed);
    await world.clock.advance(100);
    record.server.exit();
    await world.clock.advance(60_000);
    expect([begun, noted(), world.clock.pendingTimers]).toEqual([[0, 1_000], [['a']], 0]);
    await record.lease.release('kill');
  });

  it.each(['let go', 'stopped'] as const)(
    'is dropped, with the one that waits for its time, when the link is %s',
    async (how) => {
      for (const waiting of [true, false]) {
        const { world, actor, record, begun, noted } = await listed({ closeMs: 100 });
        await world.clock.advance(1_000);
        record.server.answerMs = 50;
        record.server.notify(changed);
        if (waiting) {
          await world.clock.advance(100);
          record.server.notify(changed);
        }
        if (how === 'stopped') actor.stop();
        else actor.send({ type: 'LINK.RELEASE', mode: 'graceful' });
        // The lease bounds the time in which the link lets go.
        expect(world.clock.pendingTimers).toBe(how === 'stopped' ? 0 : 1);
        await world.clock.advance(60_000);
        expect([begun, noted(), world.clock.pendingTimers]).toEqual([
          [0, 1_000],
          waiting ? [['a'], ['a']] : [['a']],
          0,
        ]);
        if (how === 'stopped') await record.lease.release('kill');
      }
    },
  );
});
