import { describe, expect, it } from 'vitest';
import { listTool, type ListedTool } from '../../src/link/tool-hash.ts';
import { ServerTools } from '../../src/manager/server-tools.ts';

const listed = (name: string, description = 'as it was'): ListedTool => {
  const tool = listTool({ name, description, inputSchema: {} });
  if (tool === undefined) throw new Error('no tool');
  return tool;
};
const all = (...list: readonly ListedTool[]) => ({ list, end: 'complete' }) as const;

function toolsOf(generation: number) {
  const owner = { id: 'a', generation, options: { toolChanges: 'warn' } as const };
  return { owner, tools: new ServerTools(owner) };
}

describe('a list of an older generation', () => {
  it('that comes after that of a newer one changes nothing', () => {
    const { tools } = toolsOf(2);
    tools.note(2, all(listed('new')));
    const { catalog } = tools;
    expect([tools.note(1, all(listed('old'))), tools.note(1, null), tools.catalog === catalog]).toEqual([[], [], true]);
  });
});

describe('a tool is listed by the present generation', () => {
  it('once that has listed it, also while it proves itself and after it was lost, and not after the next one began', () => {
    const { owner, tools } = toolsOf(1);
    expect(tools.listed('a')).toBe(undefined);
    tools.note(1, all(listed('a')));
    expect(tools.listed('a')?.tool.name).toBe('a');
    tools.observe('disconnected.backingOff');
    expect(tools.listed('a')?.tool.name).toBe('a');
    owner.generation = 2;
    expect(tools.listed('a')).toBe(undefined);
  });

  it('not after a list that failed, until one succeeds', () => {
    const { tools } = toolsOf(1);
    tools.note(1, all(listed('a')));
    tools.note(1, null);
    expect(tools.listed('a')).toBe(undefined);
    tools.note(1, all(listed('a')));
    expect(tools.listed('a')?.tool.name).toBe('a');
  });
});

describe('the catalog is stale', () => {
  it('from the loss of the connection to the list of the next one, not to the moment in which that is ready', () => {
    const { owner, tools } = toolsOf(1);
    const told: unknown[] = [];
    const step = (phase: Parameters<typeof tools.observe>[0]): void => {
      told.push([phase, tools.observe(phase), tools.catalog.stale]);
    };
    tools.note(1, all(listed('a')));
    step('connecting.hydrating');
    step('connected.healthy');
    step('connected.degraded');
    step('releasing');
    step('disconnected.backingOff');
    step('connecting.waiting');
    owner.generation = 2;
    step('connecting.opening');
    step('connecting.hydrating');
    tools.note(2, all(listed('a')));
    step('connecting.hydrating');
    step('connected.healthy');
    step('draining');
    expect(told).toEqual([
      ['connecting.hydrating', false, false],
      ['connected.healthy', false, false],
      ['connected.degraded', false, false],
      ['releasing', true, true],
      ['disconnected.backingOff', false, true],
      ['connecting.waiting', false, true],
      ['connecting.opening', false, true],
      ['connecting.hydrating', false, true],
      ['connecting.hydrating', false, false],
      ['connected.healthy', false, false],
      ['draining', true, true],
    ]);
  });
});

describe('of tools that vanish', () => {
  it('2 000 are remembered, the last ones: they are told when they come back as others', () => {
    const { tools } = toolsOf(1);
    const names = Array.from({ length: 2_001 }, (_, index) => `t${index}`);
    tools.note(1, all(...names.map((name) => listed(name))));
    tools.note(1, all());
    const facts = tools.note(1, all(...names.map((name) => listed(name, 'other'))));
    const told = facts.flatMap((fact) => (fact.type === 'toolChanged' ? [fact.tool] : []));
    expect([told.length, told[0], told.at(-1)]).toEqual([2_000, 't1', 't2000']);
  });
});
