import { describe, expect, it } from 'vitest';
import { listTools, type ToolList } from '../../src/actors/list-tools.ts';
import { LinkError } from '../../src/link/fault.ts';
import { type ListedTool, listTool } from '../../src/link/tool-hash.ts';
import type { SimulatedTool } from '../../src/testing/index.ts';
import { type ActorBench, actorBenches, type RecordedIo, owner } from './actor-bench.ts';

const bench = actorBenches();

const tool = (name: string, inputSchema: Readonly<Record<string, unknown>> = { type: 'object' }) => ({
  name,
  inputSchema,
});

const toolsNamed = (count: number): readonly SimulatedTool[] =>
  Array.from({ length: count }, (_, index) => tool(`t${index}`));

/** A schema that is nested so deep: its own braces and those of each property in it. */
function nested(depth: number): Readonly<Record<string, unknown>> {
  let schema: Readonly<Record<string, unknown>> = {};
  for (let level = 1; level < depth; level += 1) schema = { items: schema };
  return schema;
}

async function connected(world: ActorBench): Promise<RecordedIo> {
  const record = world.record();
  record.lease.open(1, owner());
  await world.clock.settle();
  return record;
}

interface Listing {
  result?: ToolList;
  error?: unknown;
}

/** Asks the server for its tools and keeps what becomes of it. */
function list(record: RecordedIo): Listing {
  return cancellableList(record).listing;
}

/** The same, and a way to give it up. */
function cancellableList(record: RecordedIo): { readonly listing: Listing; readonly cancel: () => void } {
  const { link } = record.lease;
  if (link === undefined) throw new Error('there is no link to list the tools of');
  const listing: Listing = {};
  const { answer, cancel } = listTools(link);
  answer.then(
    (result) => {
      listing.result = result;
    },
    (error: unknown) => {
      listing.error = error;
    },
  );
  return { listing, cancel };
}

/** The names of the tools that were listed, and whether they are all there are. */
async function listed(
  world: ActorBench,
  record: RecordedIo,
): Promise<{ readonly names: readonly string[]; readonly end: string } | null | undefined> {
  const listing = list(record);
  await world.clock.settle();
  expect(listing).not.toHaveProperty('error');
  const { result } = listing;
  return result && { names: result.list.map((each) => each.tool.name), end: result.end };
}

describe('a list of tools', () => {
  it('has them as the server described them, with the hashes of their descriptions', async () => {
    const world = bench();
    const record = await connected(world);
    const forecast = { ...tool('forecast'), description: 'The weather of tomorrow.' };
    record.server.tools = [forecast];
    const listing = list(record);
    await world.clock.settle();
    const tools: readonly ListedTool[] = listing.result?.list ?? [];
    expect([listing.result?.end, tools.map(({ tool: each }) => each)]).toEqual(['complete', [forecast]]);
    expect(tools.map(({ hash, inputHash }) => [hash, inputHash])).toEqual([
      [listTool(forecast)?.hash, listTool(forecast)?.inputHash],
    ]);
  });

  it('is unknown where the server refuses to tell it', async () => {
    const world = bench();
    const record = await connected(world);
    record.server.onRequest = () => {
      throw Object.assign(new Error('Method not found'), { code: -32_601 });
    };
    expect(await listed(world, record)).toBe(null);
  });

  it('may be empty, which is a known catalog of none', async () => {
    const world = bench();
    const record = await connected(world);
    record.server.tools = [];
    expect(await listed(world, record)).toEqual({ names: [], end: 'complete' });
  });
});

describe('pages', () => {
  it('are asked for one after the other, by the cursor of the last', async () => {
    const world = bench();
    const record = await connected(world);
    record.server.tools = toolsNamed(5);
    record.server.pageSize = 2;
    expect(await listed(world, record)).toEqual({ names: ['t0', 't1', 't2', 't3', 't4'], end: 'complete' });
    expect(record.server.received.map(({ params }) => params)).toEqual([{}, { cursor: '2' }, { cursor: '4' }]);
  });

  it('are 64 at most: what a server lists without end is cut there and marked incomplete', async () => {
    const world = bench();
    const record = await connected(world);
    let pages = 0;
    record.server.onRequest = () => {
      pages += 1;
      return { tools: [tool(`t${pages}`)], nextCursor: 'again' };
    };
    expect(await listed(world, record)).toEqual({
      names: Array.from({ length: 64 }, (_, index) => `t${index + 1}`),
      end: 'limit',
    });
    expect(pages).toBe(64);
  });

  it('exactly 64 are complete', async () => {
    const world = bench();
    const record = await connected(world);
    record.server.tools = toolsNamed(64);
    record.server.pageSize = 1;
    expect(await listed(world, record)).toMatchObject({ end: 'complete' });
    expect(record.server.received).toHaveLength(64);
  });

  it('of which a later one is refused leave what came before, marked as refused', async () => {
    const world = bench();
    const record = await connected(world);
    record.server.onRequest = (_method, params) => {
      if (params['cursor'] === undefined) return { tools: [tool('first')], nextCursor: 'next' };
      throw Object.assign(new Error('Invalid cursor'), { code: -32_602 });
    };
    expect(await listed(world, record)).toEqual({ names: ['first'], end: 'refused' });
  });

  it.each([
    ['a number', 7],
    ['null', null],
    ['an object', { next: true }],
  ])('end where the cursor is no text but %s', async (_what, nextCursor) => {
    const world = bench();
    const record = await connected(world);
    record.server.onRequest = () => ({ tools: [tool('only')], nextCursor });
    expect(await listed(world, record)).toEqual({ names: ['only'], end: 'complete' });
    expect(record.server.received).toHaveLength(1);
  });
});

describe('tools', () => {
  it('are 2 000 at most; one more, and the catalog is incomplete', async () => {
    for (const [count, end] of [
      [2_000, 'complete'],
      [2_001, 'limit'],
    ] as const) {
      const world = bench();
      const record = await connected(world);
      record.server.tools = toolsNamed(count);
      record.server.pageSize = 500;
      const all = await listed(world, record);
      expect([all?.names.length, all?.names.at(-1), all?.end]).toEqual([2_000, 't1999', end]);
    }
  });

  it('of a name that came before are skipped: the first one stands', async () => {
    const world = bench();
    const record = await connected(world);
    record.server.tools = [{ ...tool('a'), title: 'first' }, tool('b'), { ...tool('a'), title: 'second' }];
    record.server.pageSize = 1;
    const listing = list(record);
    await world.clock.settle();
    expect(listing.result?.list.map((each) => [each.tool.name, each.tool.title])).toEqual([
      ['a', 'first'],
      ['b', undefined],
    ]);
  });

  it('that are none are skipped, each alone', async () => {
    const world = bench();
    const record = await connected(world);
    const junk = [
      null,
      7,
      'tool',
      [],
      {},
      { name: 'no schema' },
      { name: 5, inputSchema: {} },
      { name: 'text for a schema', inputSchema: '{}' },
      { name: 'no schema at all', inputSchema: null },
      { inputSchema: {} },
    ];
    record.server.onRequest = () => ({ tools: [tool('first'), ...junk, tool('last')] });
    expect(await listed(world, record)).toEqual({ names: ['first', 'last'], end: 'complete' });
  });

  it.each([
    ['missing', {}],
    ['no list', { tools: 'none' }],
    ['null', { tools: null }],
  ])('that are %s are none', async (_what, result) => {
    const world = bench();
    const record = await connected(world);
    record.server.onRequest = () => result;
    expect(await listed(world, record)).toEqual({ names: [], end: 'complete' });
  });

  it('whose descriptions are nested deeper than 64 levels are skipped, and cost nothing but themselves', async () => {
    const world = bench();
    const record = await connected(world);
    record.server.tools = [
      tool('flat'),
      tool('deepest', nested(63)),
      tool('too deep', nested(64)),
      tool('bomb', nested(200_000)),
      { ...tool('deep output'), outputSchema: nested(100_000) },
      tool('last'),
    ];
    expect(await listed(world, record)).toEqual({ names: ['flat', 'deepest', 'last'], end: 'complete' });
  });
});

describe('a listing that does not come to its end', () => {
  it('rejects with the fault of the link when that goes down', async () => {
    const world = bench();
    const record = await connected(world);
    record.server.hang();
    const listing = list(record);
    await world.clock.settle();
    expect(listing).toEqual({});
    record.server.exit();
    await world.clock.settle();
    expect(listing.error).toBeInstanceOf(LinkError);
    expect(listing.error).toMatchObject({ failure: { kind: 'link', fault: { kind: 'exit' } } });
  });

  it('rejects when it is cancelled, and asks for no more pages', async () => {
    const world = bench();
    const record = await connected(world);
    record.server.tools = toolsNamed(4);
    record.server.pageSize = 1;
    record.server.answerMs = 100;
    const { listing, cancel } = cancellableList(record);
    await world.clock.advance(250);
    cancel();
    cancel();
    await world.clock.settle();
    expect(listing).toMatchObject({ error: { failure: { kind: 'aborted', sent: true } } });
    await world.clock.advance(60_000);
    expect(record.server.received).toHaveLength(3);
  });

  it('rejects when it is cancelled between two pages: the next one is never sent', async () => {
    const world = bench();
    const record = await connected(world);
    record.server.tools = toolsNamed(4);
    record.server.pageSize = 1;
    const { link } = record.lease;
    if (link === undefined) throw new Error('there is no link');
    const request = link.request.bind(link);
    Object.assign(link, {
      request: (...args: Parameters<typeof request>) => {
        const page = request(...args);
        // In the same turn in which the page arrives, before the listing has read it.
        page.answer.then(
          () => {
            cancel();
          },
          () => undefined,
        );
        return page;
      },
    });
    const { listing, cancel } = cancellableList(record);
    await world.clock.settle();
    expect(listing).toMatchObject({ error: { failure: { kind: 'aborted', sent: false } } });
    expect(record.server.received).toHaveLength(1);
  });

  it('that is cancelled after its end keeps its result, and sends nothing', async () => {
    const world = bench();
    const record = await connected(world);
    record.server.tools = toolsNamed(1);
    const { listing, cancel } = cancellableList(record);
    await world.clock.settle();
    cancel();
    await world.clock.settle();
    expect(listing).toMatchObject({ result: { end: 'complete' } });
    expect(record.server.received).toHaveLength(1);
  });

  it('rejects when a later page is lost with the link: what came before is not taken for the catalog', async () => {
    const world = bench();
    const record = await connected(world);
    record.server.tools = toolsNamed(4);
    record.server.pageSize = 2;
    record.server.answerMs = 100;
    const listing = list(record);
    await world.clock.advance(150);
    record.server.exit();
    await world.clock.settle();
    expect(listing).toMatchObject({ error: { failure: { kind: 'link' } } });
    expect(listing).not.toHaveProperty('result');
  });
});
