import { describe, expect, it } from 'vitest';
import { UnknownToolError } from '../../src/index.ts';
import { grouped } from './group-world.ts';
import { failureOf, outcomeOf, world } from './support.ts';

const named = (...names: readonly string[]) => ({
  tools: names.map((name) => ({ name, inputSchema: { type: 'object' } })),
});

describe('manager.callTool', () => {
  it('calls the tool of the server that its name says, with what it was given', async () => {
    const w = world();
    await w.add('a');
    await w.add('b');
    const served: unknown[] = [];
    const result = await w.manager.callTool('b__echo', { q: 1 }, { onServed: (each) => served.push(each) });
    expect([result, served]).toEqual([
      { content: [{ type: 'text', text: '{"q":1}' }] },
      [{ serverId: 'b', generation: 1, attempts: 1 }],
    ]);
    expect([w.server('a').executed, w.server('b').executed]).toEqual([
      [],
      [{ tool: 'echo', args: { q: 1 }, generation: 1 }],
    ]);
  });

  it('calls the tool of a group, which fails over as ever', async () => {
    const { w, executed } = await grouped(['a', 'b']);
    await w.manager.callTool('team__echo');
    w.server('a').kill();
    await w.manager.callTool('team__echo');
    expect(executed('a', 'b')).toEqual([1, 1]);
  });

  it('rejects as the session would', async () => {
    const w = world();
    await w.add('a', { waitForReadyMs: 0 });
    w.server('a').kill();
    expect(await failureOf(() => w.manager.callTool('a__echo'))).toMatchObject({ code: 'NOT_READY', serverId: 'a' });
    expect(await failureOf(() => w.manager.callTool('a__echo', {}, { timeoutMs: -1 }))).toMatchObject({
      code: 'INVALID_OPTION',
      field: 'timeoutMs',
    });
    expect(await failureOf(() => w.manager.callTool('a__echo', 7 as never))).toMatchObject({ field: 'args' });
  });

  it('ends when its signal aborts', async () => {
    const w = world({ behaviour: { answersCalls: false } });
    await w.add('a');
    const controller = new AbortController();
    const call = outcomeOf(w.manager.callTool('a__echo', {}, { signal: controller.signal }));
    await w.clock.settle();
    controller.abort();
    await w.clock.settle();
    expect(call.error()).toMatchObject({ code: 'CALL_ABORTED', outcome: 'unknown' });
  });

  it.each([7, '', undefined, null])('refuses %j for a name', async (name) => {
    const w = world();
    expect(await failureOf(() => w.manager.callTool(name as string))).toMatchObject({
      code: 'INVALID_OPTION',
      field: 'name',
    });
  });

  it('after close is refused', async () => {
    const w = world();
    await w.add('a');
    const closed = outcomeOf(w.manager.close());
    expect(await failureOf(() => w.manager.callTool('a__echo'))).toMatchObject({ code: 'CLOSED' });
    await w.clock.settle();
    closed.value();
  });
});

describe('a name that the catalog does not have', () => {
  it('is refused before anything is sent, with those that may have been meant', async () => {
    const w = world();
    w.server('files', named('read_file', 'write_file'));
    await w.add('files');
    const error = await failureOf(() => w.manager.callTool('files__readfile'));
    expect(error).toBeInstanceOf(UnknownToolError);
    expect(error).toMatchObject({
      code: 'UNKNOWN_TOOL',
      outcome: 'not-sent',
      tool: 'files__readfile',
      nearest: ['files__read_file'],
      message:
        'There is no tool "files__readfile" in the catalog; perhaps "files__read_file" was meant. The call was not sent.',
    });
    expect(w.server('files').executed).toEqual([]);
  });

  it('is told to be the tool of several servers, when a model leaves the server out', async () => {
    const w = world();
    for (const id of ['one', 'two', 'three', 'four']) w.server(id, named('search'));
    for (const id of ['one', 'two', 'three', 'four']) await w.add(id);
    expect(await failureOf(() => w.manager.callTool('search'))).toMatchObject({
      nearest: ['one__search', 'two__search', 'three__search'],
    });
  });

  it('is told to be like nothing when it is', async () => {
    const w = world();
    await w.add('a');
    expect(await failureOf(() => w.manager.callTool('weather__forecast'))).toMatchObject({
      nearest: [],
      message: 'There is no tool "weather__forecast" in the catalog. The call was not sent.',
    });
  });

  it('may be one of a server that is not known yet, and then that is told', async () => {
    const w = world();
    await w.add('a', { lazy: true });
    expect((await failureOf(() => w.manager.callTool('a__echo'))).message).toBe(
      'There is no tool "a__echo" in the catalog. The call was not sent. The tools of some servers are not known, or not all of them.',
    );
  });

  it('may be that of a member of a group: it is behind the group', async () => {
    const { w } = await grouped(['a', 'b']);
    expect(await failureOf(() => w.manager.callTool('a__echo'))).toMatchObject({
      code: 'UNKNOWN_TOOL',
      nearest: ['team__echo'],
    });
  });

  it('may be that of a removed server', async () => {
    const w = world();
    await w.add('a');
    const removed = outcomeOf(w.manager.removeServer('a'));
    await w.clock.settle();
    removed.value();
    expect(await failureOf(() => w.manager.callTool('a__echo'))).toMatchObject({ code: 'UNKNOWN_TOOL' });
  });

  it.each(['toString', '__proto__', 'a__constructor', 'constructor__echo'])('may be %s', async (name) => {
    const w = world();
    await w.add('a');
    expect(await failureOf(() => w.manager.callTool(name))).toMatchObject({ code: 'UNKNOWN_TOOL' });
  });
});
