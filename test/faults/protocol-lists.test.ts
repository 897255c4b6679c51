import { describe, expect, test } from 'vitest';
import type { Session } from '../../src/index.ts';
import { errorOf, pidOf, textOf, unhurried } from '../e2e/stage.ts';
import { NeighbourStage, unchecked } from './neighbour-stage.ts';

const namesOf = ({ catalog }: Session): string[] => catalog.tools.map(({ tool }) => tool.name);

const listsRead = (stage: NeighbourStage, id: string): number =>
  stage.log(id).filter((line) => line === 'read tools/list').length;

describe('a list of tools', unhurried, () => {
  test('that never ends is read for 64 pages, and known to be no whole one', async () => {
    const stage = await NeighbourStage.open();
    const session = await stage.add('endless', stage.ruleBreaker('endless', 'endless'), unchecked);
    expect(listsRead(stage, 'endless')).toBe(64);
    expect(namesOf(session).slice(-2)).toEqual(['page-62', 'page-63']);
    expect(session.catalog).toMatchObject({ known: true, truncated: true });
    expect((await session.listTools()).slice(-1)).toMatchObject([{ name: 'page-63' }]);
    expect(listsRead(stage, 'endless')).toBe(128);
    expect(await textOf(session.callTool('page-63'))).toBe('called page-63');
    await stage.close();
  });

  test('of 50 000 tools is kept for its first 2 000, and the others can be called', async () => {
    const stage = await NeighbourStage.open();
    const adding = stage.add('vast', stage.ruleBreaker('vast', 'tools=50000'), unchecked);
    await stage.neighbourAnswers();
    const session = await adding;
    expect(session.catalog.tools).toHaveLength(2_000);
    expect(session.catalog).toMatchObject({ known: true, truncated: true });
    expect(await textOf(session.callTool('tool-49999'))).toBe('called tool-49999');
    expect(await session.listTools()).toHaveLength(
      50_000 + namesOf(session).filter((name) => !name.startsWith('tool-')).length,
    );
    await stage.close();
  });

  test('that is said to have changed 2 000 times is not read 2 000 times', async () => {
    const stage = await NeighbourStage.open();
    const session = await stage.add('fickle', stage.ruleBreaker('fickle', 'list-changed=2000'), unchecked);
    expect(await textOf(session.callTool('echo', { text: 'after them all' }))).toBe('after them all');
    // At most one in 300 ms: more than 200 would need a minute.
    expect(listsRead(stage, 'fickle')).toBeLessThan(200);
    expect(session.info).toMatchObject({ state: 'healthy', generation: 1 });
    await stage.close();
  });

  test('is another one after a reconnect, without a capability for tools: nothing of the old one is offered', async () => {
    const stage = await NeighbourStage.open();
    const session = await stage.add('bare', stage.ruleBreaker('bare', '', 'no-tools'), unchecked);
    expect(namesOf(session)).toContain('echo');
    const { now } = stage;
    process.kill(pidOf(session), 'SIGKILL');
    await stage.reaches('bare', 'connected.healthy', 2);
    expect(session.server).toMatchObject({ capabilities: {}, info: { name: 'rule-breaker', version: '2' } });
    expect(session.catalog).toMatchObject({ tools: [], known: true, generation: 2 });
    expect(stage.story('bare', now)).toContain('2 catalogChanged');
    expect(await errorOf(session.listTools())).toMatchObject({ code: 'RPC', rpcCode: -32_601, outcome: 'rejected' });
    await stage.close();
  });
});

describe('a tool whose output schema', unhurried, () => {
  const uncompilable = {
    'bad-ref': { value: 1 },
    'bad-pattern': { value: 'x' },
    'bad-id': { value: 1 },
    'bad-type': { value: 1 },
    'same-id-a': { a: 1 },
    'same-id-b': { b: 1 },
  };

  test('makes no sense, or has the name of another one, costs the list nothing and can be called', async () => {
    const stage = await NeighbourStage.open();
    const session = await stage.add('sloppy', stage.ruleBreaker('sloppy', 'uncompilable,same-ids'), unchecked);
    expect(namesOf(session).slice(-6)).toEqual(Object.keys(uncompilable));
    for (const [name, structuredContent] of Object.entries(uncompilable)) {
      expect([name, await session.callTool(name)]).toEqual([name, { content: [], structuredContent }]);
    }
    // 2 000 levels deep, it is not kept, and can be called all the same.
    expect(namesOf(session)).not.toContain('bottomless');
    expect(await textOf(session.callTool('bottomless'))).toBe('called bottomless');
    expect(session.info).toMatchObject({ state: 'healthy', failedRequests: 0 });
    await stage.close();
  });

  test('is another one after a reconnect is held to the new one', async () => {
    const stage = await NeighbourStage.open();
    const session = await stage.add('moody', stage.ruleBreaker('moody', 'shape=number', 'shape=string'), unchecked);
    expect(await session.callTool('shape')).toEqual({ content: [], structuredContent: { value: 1 } });
    const { now } = stage;
    process.kill(pidOf(session), 'SIGKILL');
    await stage.reaches('moody', 'connected.healthy', 2);
    expect(stage.story('moody', now)).toContain('2 catalogChanged');
    expect(await session.callTool('shape')).toEqual({ content: [], structuredContent: { value: 'one' } });
    await stage.close();
  });
});
