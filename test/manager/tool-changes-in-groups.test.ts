import { describe, expect, it } from 'vitest';
import type { SimulatedTool } from '../../src/testing/index.ts';
import { grouped, type Grouped } from './group-world.ts';
import { failureOf } from './support.ts';

const tool = (description: string, properties = {}): SimulatedTool => ({
  name: 'find',
  description,
  inputSchema: { type: 'object', properties },
});
const block = { toolChanges: 'block' } as const;

/** A group of `a` and `b`, both with the policy `block`, of which these have changed the tool since they were first seen. */
async function afterChanges(...ids: readonly string[]): Promise<Grouped> {
  const made = await grouped(['a', 'b'], {
    options: { a: block, b: block },
    servers: { a: { tools: [tool('as it was')] }, b: { tools: [tool('as it was')] } },
  });
  await made.w.clock.advance(1_000);
  for (const id of ids) {
    made.w.server(id, { tools: [tool('other')] }).notify('notifications/tools/list_changed');
  }
  await made.w.clock.settle();
  return made;
}

describe('a group', () => {
  it('does not call a changed tool on the member that changed it, but on the next', async () => {
    const { group, executed } = await afterChanges('a');
    await group.callTool('find');
    expect([group.active, executed('a', 'b')]).toEqual(['a', [0, 1]]);
  });

  it('calls every other tool, and asks everything else, where it always does', async () => {
    const { group, executed } = await afterChanges('a');
    await group.callTool('other');
    await group.listTools();
    expect(executed('a', 'b')).toEqual([1, 0]);
  });

  it('refuses the call with ToolChangedError when no other member may be called', async () => {
    const { w, group, executed } = await afterChanges('a', 'b');
    expect(await failureOf(() => group.callTool('find'))).toMatchObject({
      name: 'ToolChangedError',
      code: 'TOOL_CHANGED',
      outcome: 'not-sent',
      serverId: 'a',
      tool: 'find',
    });
    w.server('b').kill();
    expect(await failureOf(() => group.callTool('find'))).toMatchObject({ code: 'TOOL_CHANGED', serverId: 'a' });
    expect(executed('a', 'b')).toEqual([0, 0]);
  });

  it('calls it on the member that it was accepted of', async () => {
    const { w, group, executed } = await afterChanges('a', 'b');
    w.manager.session('b').acceptTool('find');
    await group.callTool('find');
    w.manager.session('a').acceptTool('find');
    await group.callTool('find');
    expect(executed('a', 'b')).toEqual([1, 1]);
  });

  it('does not call a tool on a member whose last list failed: it may be another one by now', async () => {
    const { w, group, executed } = await afterChanges();
    w.server('b', {
      onRequest: () => {
        throw Object.assign(new Error('not now'), { code: -32_603 });
      },
    }).notify('notifications/tools/list_changed');
    await w.clock.settle();
    w.server('a').kill();
    expect(await failureOf(() => group.callTool('find'))).toMatchObject({
      code: 'FAILOVER_SCHEMA_MISMATCH',
      members: ['b'],
    });
    w.server('b', { onRequest: null }).notify('notifications/tools/list_changed');
    await w.clock.advance(100);
    expect(executed('a', 'b')).toEqual([0, 0]);
  });
});
