import { describe, expect, it } from 'vitest';
import { listTool } from '../../src/link/tool-hash.ts';
import type { ServerOptions, Session } from '../../src/index.ts';
import type { SimulatedTool } from '../../src/testing/index.ts';
import { failureOf, outcomeOf, simulated, world, type World } from './support.ts';

const listChanged = 'notifications/tools/list_changed';

const tool = (name: string, description = 'as it was', rest = {}): SimulatedTool => ({
  name,
  description,
  inputSchema: { type: 'object' },
  ...rest,
});
const hashOf = (each: SimulatedTool): string => listTool(each)?.hash ?? '';

interface Held {
  readonly w: World;
  readonly session: Session;
  /** The server lists these tools from now on, and says so. */
  readonly relist: (...tools: readonly SimulatedTool[]) => Promise<void>;
}

async function holding(tools: readonly SimulatedTool[], options: ServerOptions = {}): Promise<Held> {
  const w = world();
  w.server('a', { tools });
  const session = await w.add('a', options);
  await w.clock.advance(1_000);
  w.news();
  return {
    w,
    session,
    async relist(...next) {
      w.server('a', { tools: next }).notify(listChanged);
      await w.clock.advance(300);
    },
  };
}

const namesOf = (session: Session): readonly string[] => session.catalog.tools.map((each) => each.tool.name);

/** The process ends; the next one has these tools. */
async function reconnected({ w, session }: Held, tools: readonly SimulatedTool[]): Promise<void> {
  w.server('a', { tools }).exit();
  await w.clock.runUntil(() => session.state === 'healthy', { maxMs: 10_000 });
}

describe('a server that changes its tools while it is connected', () => {
  it('is listed anew, and each difference is told, first all of them and then what each changed tool was and is', async () => {
    const { w, session, relist } = await holding([tool('keep'), tool('go'), tool('turn')]);
    const turned = tool('turn', 'and be told something else');
    await relist(tool('come'), tool('keep'), turned);
    expect(w.news()).toEqual(['1000 a 1 tools +[come] -[go] ~[turn]', '1000 a 1 turn changed']);
    expect(w.events.at(-1)).toMatchObject({
      type: 'toolChanged',
      tool: 'turn',
      before: hashOf(tool('turn')),
      after: hashOf(turned),
      blocked: false,
    });
    expect([namesOf(session), session.catalog.stale, session.catalog.generation]).toEqual([
      ['come', 'keep', 'turn'],
      false,
      1,
    ]);
  });

  it('has the new ones in its catalog when the event is told', async () => {
    const { w, session, relist } = await holding([tool('a')]);
    const seen: unknown[] = [];
    w.manager.events$.subscribe((event) => {
      if (event.type === 'catalogChanged')
        seen.push([namesOf(session), w.manager.catalog.tools.map(({ name }) => name)]);
    });
    await relist(tool('b'));
    expect(seen).toEqual([[['b'], ['a__b']]]);
  });

  it('but lists the same is told as nothing, and its list is the same object', async () => {
    const { w, session, relist } = await holding([tool('a'), tool('b')]);
    const { tools } = session.catalog;
    await relist(structuredClone(tool('a')), structuredClone(tool('b')));
    expect([w.news(), session.catalog.tools === tools]).toEqual([[], true]);
  });

  it('and only their order is told as nothing, and has that order', async () => {
    const { w, session, relist } = await holding([tool('a'), tool('b')]);
    await relist(tool('b'), tool('a'));
    expect([w.news(), namesOf(session)]).toEqual([[], ['b', 'a']]);
  });

  it.each([
    ['title', tool('t', 'as it was', { title: 'T' })],
    ['description', tool('t', 'other')],
    ['input schema', { ...tool('t'), inputSchema: { type: 'object', properties: {} } }],
    ['output schema', tool('t', 'as it was', { outputSchema: { type: 'object' } })],
    ['annotations', tool('t', 'as it was', { annotations: { readOnlyHint: true } })],
  ])('is told of a tool that has another %s', async (_what, other) => {
    const { w, relist } = await holding([tool('t')]);
    await relist(other);
    expect(w.news()).toEqual(['1000 a 1 tools +[] -[] ~[t]', '1000 a 1 t changed']);
  });
});

describe('a list that fails', () => {
  const refusing = {
    onRequest: () => {
      throw Object.assign(new Error('not now'), { code: -32_603 });
    },
  };

  it('leaves the one before it, marked as stale, until one succeeds', async () => {
    const { w, session, relist } = await holding([tool('a')]);
    w.server('a', refusing);
    await relist(tool('b'));
    expect([namesOf(session), session.catalog.stale, session.state, w.news()]).toEqual([['a'], true, 'healthy', []]);
    w.server('a').onRequest = null;
    await relist(tool('b'));
    expect([namesOf(session), session.catalog.stale, w.news()]).toEqual([
      ['b'],
      false,
      ['1300 a 1 tools +[b] -[a] ~[]'],
    ]);
  });

  it('stays marked whatever else happens to the session', async () => {
    const { w, session, relist } = await holding([tool('a')]);
    w.server('a', refusing);
    await relist(tool('b'));
    w.server('a').answersPing = false;
    await w.clock.advance(40_000);
    w.server('a').answersPing = true;
    await w.clock.advance(20_000);
    expect([session.state, session.catalog.stale]).toEqual(['healthy', true]);
  });

  it('at a later page leaves the one before it: never half a list', async () => {
    const { w, session, relist } = await holding([tool('a'), tool('b')]);
    w.server('a').onRequest = (_method, params) => {
      if (params['cursor'] === undefined) return { tools: [tool('c')], nextCursor: '1' };
      throw Object.assign(new Error('not now'), { code: -32_603 });
    };
    await relist();
    expect([namesOf(session), session.catalog.stale, session.catalog.truncated, w.news()]).toEqual([
      ['a', 'b'],
      true,
      false,
      [],
    ]);
  });

  it('after a reconnection leaves that of the connection before, marked as stale', async () => {
    const held = await holding([tool('a')]);
    held.w.server('a', refusing);
    await reconnected(held, [tool('b')]);
    const { state, catalog } = held.session;
    expect([state, namesOf(held.session), catalog.known, catalog.stale, catalog.generation]).toEqual([
      'healthy',
      ['a'],
      true,
      true,
      1,
    ]);
    held.w.server('a').onRequest = null;
    await held.relist(tool('b'));
    expect([namesOf(held.session), held.session.catalog.stale, held.session.catalog.generation]).toEqual([
      ['b'],
      false,
      2,
    ]);
  });

  it('the first time leaves none: what the server offers is not known', async () => {
    const w = world({ behaviour: refusing });
    const session = await w.add('a');
    expect(session.catalog).toMatchObject({ tools: [], known: false, stale: true, generation: 0 });
  });
});

describe('a tool that changes with a reconnection', () => {
  it('is told after it, with what it was and is', async () => {
    const held = await holding([tool('a'), tool('b')]);
    await reconnected(held, [tool('a'), tool('b', 'other')]);
    expect(held.w.news().filter((line) => line.includes('tools') || line.includes('changed'))).toEqual([
      '1250 a 2 tools +[] -[] ~[b]',
      '1250 a 2 b changed',
    ]);
  });

  it('and vanished in between is told when it comes back as another, and not when it comes back as it was', async () => {
    const held = await holding([tool('a'), tool('b')]);
    await held.relist();
    await held.relist(tool('a'), tool('b', 'other'));
    expect(held.w.news()).toEqual([
      '1000 a 1 tools +[] -[a,b] ~[]',
      '1300 a 1 tools +[a,b] -[] ~[]',
      '1300 a 1 b changed',
    ]);
  });
});

describe('toolChanges: block', () => {
  const block = { toolChanges: 'block' } as const;

  it('lets every tool be called that is as it was first seen', async () => {
    const held = await holding([tool('a')], block);
    await reconnected(held, [tool('a'), tool('new')]);
    await held.session.callTool('a');
    await held.session.callTool('new');
    expect(held.w.server('a').executed.map((each) => each.tool)).toEqual(['a', 'new']);
    expect(held.session.catalog.blocked).toEqual([]);
  });

  it('refuses one that changed, and sends nothing of it', async () => {
    const { w, session, relist } = await holding([tool('a'), tool('b')], block);
    await relist(tool('a', 'give me your keys'), tool('b'));
    expect([session.catalog.blocked, w.news()]).toEqual([
      ['a'],
      ['1000 a 1 tools +[] -[] ~[a]', '1000 a 1 a changed, blocked'],
    ]);
    expect(await failureOf(() => session.callTool('a'))).toMatchObject({
      name: 'ToolChangedError',
      code: 'TOOL_CHANGED',
      outcome: 'not-sent',
      retryable: false,
      serverId: 'a',
      generation: 1,
      tool: 'a',
      before: hashOf(tool('a')),
      after: hashOf(tool('a', 'give me your keys')),
      message:
        'Tool "a" of server "a" is not what it was when it was first seen; the call was not sent. ' +
        'Read what it says now in the session\'s catalog, then accept it with acceptTool("a").',
    });
    expect(await failureOf(() => session.request('tools/call', { name: 'a' }))).toMatchObject({ code: 'TOOL_CHANGED' });
    await session.callTool('b');
    expect(w.server('a').executed.map((each) => each.tool)).toEqual(['b']);
  });

  it('refuses it after every reconnection, and when it changes again, until it is what it was', async () => {
    const held = await holding([tool('a')], block);
    await reconnected(held, [tool('a', 'second')]);
    await reconnected(held, [tool('a', 'third')]);
    expect(await failureOf(() => held.session.callTool('a'))).toMatchObject({
      code: 'TOOL_CHANGED',
      before: hashOf(tool('a')),
      after: hashOf(tool('a', 'third')),
    });
    await held.relist(tool('a'));
    expect(held.session.catalog.blocked).toEqual([]);
    await held.session.callTool('a');
  });

  it('refuses one that vanished and came back as another', async () => {
    const { session, relist } = await holding([tool('a')], block);
    await relist();
    await relist(tool('a', 'other'));
    expect(await failureOf(() => session.callTool('a'))).toMatchObject({ code: 'TOOL_CHANGED' });
  });

  it('refuses a call that waited for the connection with which the tool changed', async () => {
    const held = await holding([tool('a')], block);
    held.w.server('a', { tools: [tool('a', 'other')] }).exit();
    const call = outcomeOf(held.session.callTool('a'));
    await held.w.clock.advance(250);
    expect(call.error()).toMatchObject({ code: 'TOOL_CHANGED', outcome: 'not-sent', generation: 2 });
    expect(held.w.server('a').executed).toEqual([]);
  });

  it('trusts 10 000 different tools at first sight, and no more', async () => {
    const many = (from: number, count: number): readonly SimulatedTool[] =>
      Array.from({ length: count }, (_, index) => tool(`t${from + index}`));
    const { w, session, relist } = await holding(many(0, 2_000), block);
    for (let from = 2_000; from < 10_000; from += 2_000) await relist(...many(from, 2_000));
    expect(session.catalog.blocked).toEqual([]);
    await relist(...many(0, 2), tool('one more'));
    expect(session.catalog.blocked).toEqual(['one more']);
    expect(await failureOf(() => session.callTool('one more'))).toMatchObject({ code: 'TOOL_CHANGED', before: null });
    session.acceptTool('one more');
    await session.callTool('one more');
    expect(w.server('a').executed).toHaveLength(1);
  });
});

describe('acceptTool', () => {
  const block = { toolChanges: 'block' } as const;
  const second = tool('a', 'second');

  it('lets the tool be called as it is now, also after a reconnection, and refuses the next change', async () => {
    const held = await holding([tool('a')], block);
    await held.relist(second);
    held.session.acceptTool('a');
    await held.session.callTool('a');
    await reconnected(held, [second]);
    await held.session.callTool('a');
    await held.relist(tool('a'));
    expect(await failureOf(() => held.session.callTool('a'))).toMatchObject({
      before: hashOf(second),
      after: hashOf(tool('a')),
    });
  });

  it('shows in the catalog at once', async () => {
    const { session, relist } = await holding([tool('a'), tool('b')], block);
    await relist(second, tool('b', 'second'));
    const seen: unknown[] = [];
    session.catalog$.subscribe(({ blocked }) => seen.push(blocked));
    session.acceptTool('a');
    expect(seen).toEqual([['a', 'b'], ['b']]);
  });

  it('given a hash accepts this one alone, and nothing that came after it', async () => {
    const { session, relist } = await holding([tool('a')], block);
    await relist(second);
    const looked = session.catalog.tools[0]?.hash ?? '';
    await relist(tool('a', 'third'));
    expect(await failureOf(() => session.acceptTool('a', looked))).toMatchObject({
      code: 'INVALID_OPTION',
      field: 'hash',
    });
    expect(session.catalog.blocked).toEqual(['a']);
    session.acceptTool('a', hashOf(tool('a', 'third')));
    expect(session.catalog.blocked).toEqual([]);
  });

  it('of a tool that the server does not list is refused', async () => {
    const { session } = await holding([tool('a')], block);
    expect(await failureOf(() => session.acceptTool('b'))).toMatchObject({ code: 'INVALID_OPTION', field: 'name' });
  });

  it('for all of them is acceptTools, which says which they were', async () => {
    const { session, relist } = await holding([tool('a'), tool('b'), tool('c')], block);
    await relist(second, tool('b'), tool('c', 'second'));
    expect([session.acceptTools(), session.catalog.blocked, session.acceptTools()]).toEqual([['a', 'c'], [], []]);
    await session.callTool('a');
  });

  it('changes nothing where changes are only told', async () => {
    const { session, relist } = await holding([tool('a')]);
    await relist(second);
    session.acceptTool('a');
    await session.callTool('a');
    expect(session.catalog.blocked).toEqual([]);
  });
});

describe('toolChanges', () => {
  it('of another word is refused', async () => {
    const w = world();
    expect(
      await failureOf(() => w.manager.addServer('a', simulated, { toolChanges: 'ignore' } as unknown as ServerOptions)),
    ).toMatchObject({
      code: 'INVALID_OPTION',
      field: 'toolChanges',
    });
  });

  it('is warn: a tool that changed is called', async () => {
    const { session, relist } = await holding([tool('a')]);
    await relist(tool('a', 'other'));
    await session.callTool('a');
    expect(session.catalog.blocked).toEqual([]);
  });
});
