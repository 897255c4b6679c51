import { fromCallback, type EventObject } from 'xstate';
import { LinkError } from '../link/fault.ts';
import type { Link } from '../link/link.ts';
import { listTool, type ListedTool } from '../link/tool-hash.ts';
import type { HydrationInput } from '../machines/session-world.ts';
import type { FindSession } from './session-io.ts';

const stopped = 'the session no longer waits for its tools';
const mostPages = 64;
const mostTools = 2_000;

/**
 * Lists the server's tools before its session counts as ready. A server that offers none is not asked;
 * one that refuses to list them is alive all the same, and its catalog is unknown.
 */
export function hydrateLogic(find: FindSession) {
  return fromCallback<EventObject, HydrationInput>(({ input, sendBack }) => {
    const { generation } = input;
    const io = find(input.id);
    const link = io?.lease.generation === generation ? io.lease.link : undefined;
    if (io === undefined || link === undefined) return undefined;
    if (!input.offersTools) {
      io.noteTools(generation, { list: [], complete: true });
      sendBack({ type: 'HYDRATED', generation, answers: 0 });
      return undefined;
    }
    const abort = new AbortController();
    let settled = false;
    listTools(link, abort.signal).then(
      (tools) => {
        if (abort.signal.aborted) return;
        settled = true;
        io.noteTools(generation, tools);
        sendBack({ type: 'HYDRATED', generation, answers: 1 });
      },
      () => {
        // The link is going down, which it says itself, or this actor was stopped.
      },
    );
    return () => {
      // A reason of our own: without one, abort() makes a DOMException with a stack, which costs more than all the rest here.
      if (!settled) abort.abort(stopped);
    };
  });
}

async function listTools(
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
