import { expect, it } from 'vitest';
import { safeToolOf } from '../../src/cli/doctor/safe-tool.ts';
import type { Tool } from '../../src/index.ts';

function tool(name: string, hints: Tool['annotations'], inputSchema: Tool['inputSchema'] = { type: 'object' }): Tool {
  return { name, inputSchema, annotations: hints };
}

const readOnly = { readOnlyHint: true };
const needing = { type: 'object', properties: { path: { type: 'string' } }, required: ['path'] };
const offering = { type: 'object', properties: { limit: { type: 'number' } } };

it('a read-only tool without parameters is picked before one whose parameters are optional', () => {
  const tools = [tool('list', readOnly, offering), tool('status', readOnly)];
  expect(safeToolOf(tools)).toEqual({ tool: tools[1] });
  expect(safeToolOf(tools.slice(0, 1))).toEqual({ tool: tools[0] });
});

it.each<readonly [why: string, tools: readonly Tool[]]>([
  ['the server has no tools', []],
  ['no tool is said to be read-only (readOnlyHint)', [tool('a', undefined), tool('b', { readOnlyHint: 'yes' })]],
  ['no tool is said to be read-only (readOnlyHint)', [tool('reset', { idempotentHint: true, destructiveHint: false })]],
  ['every tool that is said to be read-only needs arguments', [tool('read', readOnly, needing), tool('drop', {})]],
])('none is picked where %s', (why, tools) => {
  expect(safeToolOf(tools)).toEqual({ none: why });
});
