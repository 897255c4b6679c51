import type { Tool } from '../../index.ts';

/** A tool that can be called to see whether calls work, or why there is none. */
export type SafeTool = { readonly tool: Tool } | { readonly none: string };

/**
 * Picks a tool that its server calls read-only and that needs no arguments; first one that takes none at all. One that is only idempotent is
 * not called: it may change something, if only once.
 */
export function safeToolOf(tools: readonly Tool[]): SafeTool {
  if (tools.length === 0) return { none: 'the server has no tools' };
  const readOnly = tools.filter(({ annotations }) => annotations?.['readOnlyHint'] === true);
  if (readOnly.length === 0) return { none: 'no tool is said to be read-only (readOnlyHint)' };
  const free = readOnly.filter(({ inputSchema }) => isEmpty(inputSchema['required']));
  const tool = free.find(({ inputSchema }) => isEmpty(inputSchema['properties'])) ?? free[0];
  return tool === undefined ? { none: 'every tool that is said to be read-only needs arguments' } : { tool };
}

/** True for what is left out, too. */
function isEmpty(value: unknown): boolean {
  return typeof value !== 'object' || value === null || Object.keys(value).length === 0;
}
