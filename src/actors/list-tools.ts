import { LinkError } from '../link/fault.ts';
import type { Link, Pending } from '../link/link.ts';
import { listTool, type ListedTool } from '../link/tool-hash.ts';

const mostPages = 64;
const mostTools = 2_000;

/** The tools that a server offers; null when it refuses to list them: it is alive all the same, and its catalog is unknown. */
export type ToolList = {
  readonly list: readonly ListedTool[];
  /** `limit`: there are more, which are not asked for; `refused`: there are more, and the server refused to list them. */
  readonly end: 'complete' | 'limit' | 'refused';
} | null;

/**
 * Lists the tools of a server, at most 2 000 on 64 pages. What is no tool is left out, and so is a second one of the same name:
 * one bad entry costs that entry. Rejects when the link fails, and when it is cancelled.
 */
export function listTools(link: Link): Pending<ToolList> {
  let page: Pending<Record<string, unknown>> | undefined;
  let cancelled = false;
  const ask = (params: Readonly<Record<string, unknown>> | undefined): Promise<Record<string, unknown>> => {
    if (cancelled) throw new LinkError({ kind: 'aborted', sent: false });
    page = link.request('tools/list', params);
    return page.answer;
  };
  return {
    answer: listPages(ask),
    cancel: () => {
      cancelled = true;
      page?.cancel();
    },
  };
}

async function listPages(
  ask: (params: Readonly<Record<string, unknown>> | undefined) => Promise<Record<string, unknown>>,
): Promise<ToolList> {
  const list = new Map<string, ListedTool>();
  const ended = (end: 'complete' | 'limit' | 'refused'): ToolList => ({ list: [...list.values()], end });
  let cursor: string | undefined;
  for (let page = 0; page < mostPages; page += 1) {
    let result: Record<string, unknown>;
    try {
      result = await ask(cursor === undefined ? undefined : { cursor });
    } catch (error) {
      if (error instanceof LinkError && error.failure.kind === 'rpc') return page === 0 ? null : ended('refused');
      throw error;
    }
    const tools: readonly unknown[] = Array.isArray(result['tools']) ? result['tools'] : [];
    for (const tool of tools) {
      const listed = listTool(tool);
      if (listed === undefined || list.has(listed.tool.name)) continue;
      if (list.size === mostTools) return ended('limit');
      list.set(listed.tool.name, listed);
    }
    const next = result['nextCursor'];
    if (typeof next !== 'string') return ended('complete');
    cursor = next;
  }
  return ended('limit');
}
