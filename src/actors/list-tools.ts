import { LinkError } from '../link/fault.ts';
import type { Link } from '../link/link.ts';
import { listTool, type ListedTool } from '../link/tool-hash.ts';

const mostPages = 64;
const mostTools = 2_000;

/**
 * The tools that a server offers, at most 2 000 on 64 pages; null when it refuses to list them: it is alive all the same,
 * and its catalog is unknown. What is no tool is left out: one bad entry costs that entry. Rejects when the link fails.
 */
export async function listTools(
  link: Link,
  signal: AbortSignal,
): Promise<{ list: readonly ListedTool[]; complete: boolean } | null> {
  const list: ListedTool[] = [];
  let cursor: string | undefined;
  for (let page = 0; page < mostPages; page += 1) {
    let result: Record<string, unknown>;
    try {
      result = await link.request('tools/list', cursor === undefined ? undefined : { cursor }, { signal });
    } catch (error) {
      if (error instanceof LinkError && error.failure.kind === 'rpc')
        return page === 0 ? null : { list, complete: false };
      throw error;
    }
    const tools: readonly unknown[] = Array.isArray(result['tools']) ? result['tools'] : [];
    for (const tool of tools) {
      const listed = listTool(tool);
      if (listed === undefined) continue;
      if (list.length === mostTools) return { list, complete: false };
      list.push(listed);
    }
    const next = result['nextCursor'];
    if (typeof next !== 'string') return { list, complete: true };
    cursor = next;
  }
  return { list, complete: false };
}
