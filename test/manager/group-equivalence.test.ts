import { describe, expect, it } from 'vitest';
import type { SimulatedTool } from '../../src/testing/index.ts';
import { failureOf, outcomeOf, simulated } from './support.ts';
import { grouped, type GroupArrangement, type Grouped } from './group-world.ts';

const unreachable = { kind: 'unreachable', code: 'x', message: 'nobody there' } as const;

const toolOf = (name: string, properties: Record<string, unknown>, rest = {}): SimulatedTool => ({
  name,
  inputSchema: { type: 'object', properties },
  ...rest,
});
const text = { type: 'string', maxLength: 9 };
const find = toolOf('find', { q: text });

/** A group whose members offer these tools and whose primary, `a`, has gone down for good. */
async function withoutPrimary(
  tools: Readonly<Record<string, readonly SimulatedTool[]>>,
  group: GroupArrangement['group'] = {},
): Promise<Grouped> {
  const servers = Object.fromEntries(Object.entries(tools).map(([id, list]) => [id, { tools: list }]));
  const made = await grouped(Object.keys(tools), { servers, group });
  made.w.server('a', { refuse: unreachable }).kill();
  await made.w.clock.settle();
  return made;
}

describe('a tool fails over', () => {
  it.each<[string, SimulatedTool]>([
    ['the very same', toolOf('find', { q: text })],
    [
      'the same with its keys in another order',
      { inputSchema: { properties: { q: { maxLength: 9, type: 'string' } }, type: 'object' }, name: 'find' },
    ],
    ['the same with another title and description', toolOf('find', { q: text }, { title: 'Find!', description: 'x' })],
    ['the same with another output', toolOf('find', { q: text }, { outputSchema: {} })],
  ])('to a member whose tool is %s', async (_what, other) => {
    const { group, executed } = await withoutPrimary({ a: [find], b: [other] });
    await group.callTool('find', { q: 'x' });
    expect(executed('a', 'b')).toEqual([0, 1]);
  });

  it.each<[string, readonly SimulatedTool[]]>([
    ['another input schema', [toolOf('find', { query: text })]],
    ['one more argument', [toolOf('find', { q: text, n: { type: 'number' } })]],
    ['another description of an argument', [toolOf('find', { q: { ...text, description: 'x' } })]],
    ['no such tool', [toolOf('seek', { q: text })]],
    ['no tools', []],
  ])('to no member with %s', async (_what, tools) => {
    const { group, executed } = await withoutPrimary({ a: [find], b: tools });
    expect(await failureOf(() => group.callTool('find', { q: 'x' }))).toMatchObject({
      name: 'FailoverSchemaMismatchError',
      code: 'FAILOVER_SCHEMA_MISMATCH',
      outcome: 'not-sent',
      groupId: 'team',
      tool: 'find',
      reference: 'a',
      members: ['b'],
      retryAfterMs: 250,
      message:
        'The call of tool "find" of group "team" was not sent: "b" does not offer it with the same input schema as "a".',
    });
    expect(executed('a', 'b')).toEqual([0, 0]);
  });

  it('past members that do not offer it, to the first that does', async () => {
    const { w, group, executed } = await withoutPrimary({ a: [find], b: [], c: [find] });
    expect(group.active).toBe('b');
    const served: unknown[] = [];
    await group.callTool('find', { q: 'x' }, { onServed: (each) => served.push(each) });
    expect([executed('a', 'b', 'c'), served]).toEqual([[0, 0, 1], [{ serverId: 'c', generation: 1, attempts: 1 }]]);
    w.server('c').kill();
    expect(await failureOf(() => group.callTool('find'))).toMatchObject({ members: ['b'] });
  });

  it('whatever the other tools of that member are', async () => {
    const { group, executed } = await withoutPrimary({ a: [find, toolOf('x', {})], b: [toolOf('y', {}), find] });
    await group.callTool('find');
    expect(await failureOf(() => group.callTool('x'))).toMatchObject({ members: ['b'], tool: 'x' });
    expect(executed('a', 'b')).toEqual([0, 1]);
  });

  it('on the last resort too only to the same tool', async () => {
    const { w, group, executed } = await withoutPrimary({ a: [find], b: [toolOf('find', {})] });
    w.server('b').answersPing = false;
    await w.clock.advance(40_000);
    expect(group.info.state).toBe('unavailable');
    expect(await failureOf(() => group.callTool('find'))).toMatchObject({ code: 'FAILOVER_SCHEMA_MISMATCH' });
    expect(executed('b')).toEqual([0]);
  });

  it('after a refusal by the one that offers it to nobody else: the refusal is what is told', async () => {
    const { w, group } = await grouped(['a', 'b'], { servers: { a: { tools: [find] }, b: { tools: [] } } });
    w.server('a').congest();
    const call = outcomeOf(group.callTool('find'));
    await w.clock.settle();
    w.server('a').kill();
    await w.clock.settle();
    expect(call.error()).toMatchObject({ code: 'GROUP_UNAVAILABLE', cause: { serverId: 'a', code: 'NOT_READY' } });
  });

  it('no more easily when it is called by request()', async () => {
    const { w, group, executed } = await grouped(['a', 'b'], {
      servers: { a: { tools: [toolOf('find', { q: text })] }, b: { tools: [toolOf('find', { n: text })] } },
    });
    w.server('a', { refuse: unreachable }).kill();
    expect(await failureOf(() => group.request('tools/call', { name: 'find', arguments: {} }))).toMatchObject({
      code: 'FAILOVER_SCHEMA_MISMATCH',
      tool: 'find',
      members: ['b'],
    });
    expect(executed('a', 'b')).toEqual([0, 0]);
  });

  it('that no catalog knows stays with the reference, and is sent to no other', async () => {
    const { w, group, executed } = await grouped(['a', 'b']);
    await group.callTool('secret');
    expect(executed('a', 'b')).toEqual([1, 0]);
    w.server('a', { refuse: unreachable }).kill();
    expect(await failureOf(() => group.callTool('secret'))).toMatchObject({
      code: 'FAILOVER_SCHEMA_MISMATCH',
      members: ['b'],
    });
    expect(executed('a', 'b')).toEqual([1, 0]);
  });

  it('that is beyond the pages that are read of a catalog is not known, and sent to no other', async () => {
    const tools = Array.from({ length: 70 }, (_, n) => toolOf(`t${n}`, {}));
    const far = (properties: Record<string, unknown>) => ({
      tools: [...tools, toolOf('far', properties)],
      pageSize: 1,
    });
    const { w, group, executed } = await grouped(['a', 'b'], { servers: { a: far({ q: text }), b: far({ n: text }) } });
    expect(w.manager.session('a').catalog).toMatchObject({ truncated: true });
    w.server('a', { refuse: unreachable }).kill();
    expect(await failureOf(() => group.callTool('far'))).toMatchObject({ code: 'FAILOVER_SCHEMA_MISMATCH' });
    expect(executed('a', 'b')).toEqual([0, 0]);
  });
});

describe('the reference', () => {
  it('is the primary, and after its removal what it last offered', async () => {
    const { w, group, executed } = await grouped(['a', 'b', 'c'], {
      servers: { a: { tools: [find] }, b: { tools: [] }, c: { tools: [find] } },
    });
    const removed = outcomeOf(w.manager.removeServer('a'));
    await w.clock.settle();
    removed.value();
    expect(group.active).toBe('b');
    await group.callTool('find');
    expect(executed('a', 'b', 'c')).toEqual([0, 0, 1]);
    w.server('c').kill();
    expect(await failureOf(() => group.callTool('find'))).toMatchObject({ reference: 'a', members: ['b'] });
  });

  it('changes with the primary that comes back with other tools', async () => {
    const other = toolOf('find', { query: text });
    const { w, group, executed } = await grouped(['a', 'b', 'c'], {
      servers: { a: { tools: [find] }, b: { tools: [find] }, c: { tools: [other] } },
    });
    await outcomeOfNow(w.clock, w.manager.removeServer('a'));
    w.server('a').tools = [other];
    await w.add('a');
    w.server('a', { refuse: unreachable }).kill();
    await group.callTool('find');
    expect(executed('a', 'b', 'c')).toEqual([0, 0, 1]);
  });

  it('is the most wanted member whose tools have ever been known, when those of the primary never were', async () => {
    const { w, group, executed } = await grouped(['b', 'c'], {
      servers: { a: { refuse: unreachable }, b: { tools: [find] }, c: { tools: [find] } },
    });
    await w.manager.addServer('a', simulated, { waitForReady: false });
    const late = w.manager.addGroup('late', { primary: 'a', backups: ['b', 'c'] });
    await w.clock.settle();
    expect([late.active, group.active]).toEqual(['b', 'b']);
    await late.callTool('find');
    w.server('b', { refuse: unreachable }).kill();
    await late.callTool('find');
    expect(executed('b', 'c')).toEqual([1, 1]);
  });

  it('is the member that catalogFrom names, also for the primary', async () => {
    const { group, w, executed } = await grouped(['a', 'b', 'c'], {
      servers: { a: { tools: [toolOf('find', {})] }, b: { tools: [find] }, c: { tools: [find] } },
      group: { catalogFrom: 'c' },
    });
    expect(group.active).toBe('a');
    await group.callTool('find');
    expect(executed('a', 'b', 'c')).toEqual([0, 1, 0]);
    for (const id of ['b', 'c']) w.server(id, { refuse: unreachable }).kill();
    expect(await failureOf(() => group.callTool('find'))).toMatchObject({ reference: 'c', members: ['a'] });
  });

  it('that catalogFrom names and nobody has ever reached lets no other member be called', async () => {
    const { w, executed } = await grouped(['a', 'b']);
    w.server('c').refuse = unreachable;
    await w.manager.addServer('c', simulated, { waitForReady: false });
    const group = w.manager.addGroup('late', { primary: 'a', backups: ['b', 'c'], catalogFrom: 'c' });
    await w.clock.settle();
    expect(await failureOf(() => group.callTool('echo'))).toMatchObject({
      code: 'FAILOVER_SCHEMA_MISMATCH',
      reference: 'c',
      members: ['a', 'b'],
    });
    expect(executed('a', 'b')).toEqual([0, 0]);
  });

  it('does not matter to what is no tool call', async () => {
    const { group } = await withoutPrimary({ a: [find], b: [] });
    expect(await group.listTools()).toEqual([]);
    expect(await group.listPrompts()).toEqual([]);
  });
});

describe('a member whose tools are not known', () => {
  it('is called for none of them', async () => {
    const { w, group, executed } = await grouped(['a', 'b'], {
      servers: {
        b: {
          onRequest: (method) => {
            if (method !== 'tools/list') return undefined;
            throw new Error('not now');
          },
        },
      },
    });
    expect(w.manager.session('b').catalog.known).toBe(false);
    w.server('a', { refuse: unreachable }).kill();
    expect(group.active).toBe('b');
    expect(await failureOf(() => group.callTool('echo'))).toMatchObject({ members: ['b'] });
    expect(executed('a', 'b')).toEqual([0, 0]);
  });

  it('is called for all of them when it is the reference itself', async () => {
    const { w, group, executed } = await grouped(['a', 'b'], {
      servers: {
        a: {
          onRequest: (method) => {
            if (method !== 'tools/list') return undefined;
            throw new Error('not now');
          },
        },
      },
      group: { catalogFrom: 'a' },
    });
    expect(w.manager.session('a').catalog.known).toBe(false);
    await group.callTool('echo');
    expect(executed('a', 'b')).toEqual([1, 0]);
  });
});

describe('a lazy member', () => {
  it('that is the primary is connected by the first call, which it serves', async () => {
    const { w, group, executed } = await grouped(['a', 'b'], { options: { a: { lazy: true } } });
    expect([group.active, w.manager.session('a').info.phase]).toEqual(['a', 'idle']);
    const call = outcomeOf(group.callTool('echo'));
    await w.clock.settle();
    call.value();
    expect([executed('a', 'b'), w.manager.session('a').state, group.info.switches]).toEqual([[1, 0], 'healthy', 0]);
  });

  it('that is a backup is connected by the first call that needs it', async () => {
    const { w, group, executed } = await grouped(['a', 'b'], { options: { b: { lazy: true } } });
    await group.callTool('echo');
    expect(w.server('b').opens).toBe(0);
    w.server('a', { refuse: unreachable }).kill();
    expect([group.active, w.server('b').opens]).toEqual(['b', 0]);
    const call = outcomeOf(group.callTool('echo'));
    await w.clock.settle();
    call.value();
    expect([executed('a', 'b'), w.server('b').opens]).toEqual([[1, 1], 1]);
  });

  it('that is a backup is connected by a call that is no tool’s, too', async () => {
    const { w, group } = await grouped(['a', 'b'], { options: { b: { lazy: true } } });
    w.server('a', { refuse: unreachable }).kill();
    const list = outcomeOf(group.listTools());
    await w.clock.settle();
    expect(list.value().map(({ name }) => name)).toEqual(['echo']);
  });

  it('whose first attempt fails keeps the call no longer: it moves on to the next', async () => {
    const { w, group, executed } = await grouped(['a', 'b'], {
      options: { a: { lazy: true } },
      servers: { a: { refuse: unreachable } },
      group: { catalogFrom: 'a' },
    });
    const call = outcomeOf(group.request('tools/list'), w.clock);
    await w.clock.advance(10);
    expect([group.active, call.state]).toEqual(['b', 'resolved']);
    await w.clock.advance(60_000);
    expect([call.atMs, executed('a', 'b')]).toEqual([0, [0, 0]]);
  });

  it('connected once and lost again is no longer thought to take calls', async () => {
    const { w, group } = await grouped(['a', 'b'], { options: { a: { lazy: true } } });
    const ready = outcomeOf(w.manager.session('a').ready());
    await w.clock.settle();
    ready.value();
    w.server('a', { refuse: unreachable }).kill();
    expect(group.active).toBe('b');
  });
});

async function outcomeOfNow<T>(clock: { settle(): Promise<void> }, promise: Promise<T>): Promise<T> {
  const outcome = outcomeOf(promise);
  await clock.settle();
  return outcome.value();
}
