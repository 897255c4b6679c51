import type { SimulatedBehaviour } from './simulated-behaviour.ts';

/** What a simulated server answers to a request other than `tools/call`. Throws an error with a JSON-RPC code. */
export function standardAnswer(
  behaviour: Readonly<Pick<SimulatedBehaviour, 'tools' | 'pageSize'>>,
  method: string,
  params: Readonly<Record<string, unknown>>,
): Record<string, unknown> {
  switch (method) {
    case 'tools/list':
      return toolsPage(behaviour, params['cursor']);
    case 'resources/list':
      return { resources: [] };
    case 'resources/templates/list':
      return { resourceTemplates: [] };
    case 'prompts/list':
      return { prompts: [] };
    case 'completion/complete':
      return { completion: { values: [] } };
    case 'logging/setLevel':
    case 'resources/subscribe':
    case 'resources/unsubscribe':
      return {};
    default:
      throw rpcError(-32601, `Method not found: ${method}`);
  }
}

function toolsPage(
  { tools, pageSize }: Readonly<Pick<SimulatedBehaviour, 'tools' | 'pageSize'>>,
  cursor: unknown,
): Record<string, unknown> {
  if (pageSize === null) return { tools: tools.slice() };
  const start = cursor === undefined ? 0 : Number(cursor);
  if (!Number.isInteger(start) || start < 0 || start > tools.length) throw rpcError(-32602, 'Invalid cursor');
  const end = start + pageSize;
  const page = { tools: tools.slice(start, end) };
  return end < tools.length ? { ...page, nextCursor: String(end) } : page;
}

/** An error that a simulated server answers as a JSON-RPC error with this code. */
export function rpcError(code: number, message: string): Error & { readonly code: number } {
  return Object.assign(new Error(message), { code });
}
