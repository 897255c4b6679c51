/** What the three adapters beside this file share: a tool call whose failure is told to the model truthfully. */
import { isHoldfastError, type HoldfastError, type SessionManager, type ToolResult } from '../../src/index.ts';

/** What the model reads of a call. */
export interface ModelAnswer {
  readonly text: string;
  readonly isError: boolean;
}

/**
 * Calls a tool of the catalog for a model. What the tool says of its own failure, and what is known when the call fails, are answers
 * that the model can act on. Rejects when the signal aborts, and on what no model can do anything about.
 */
export async function callForModel(
  manager: SessionManager,
  name: string,
  args: unknown,
  signal?: AbortSignal,
): Promise<ModelAnswer> {
  if (!isArguments(args)) return { text: 'The arguments must be a JSON object. Nothing was executed.', isError: true };
  try {
    const result = await manager.callTool(name, args, { signal });
    return { text: textOf(result), isError: result.isError === true };
  } catch (error) {
    if (!isHoldfastError(error) || signal?.aborted === true) throw error;
    const what = error.message.endsWith('.') ? error.message : `${error.message}.`;
    return { text: `${what} ${adviceOn(error)}`, isError: true };
  }
}

function adviceOn({ outcome, retryable, retryAfterMs }: HoldfastError): string {
  switch (outcome) {
    case 'unknown':
      return 'It may have been executed, or not. Do not repeat it blindly: find out first whether it has happened.';
    case 'executed':
      return 'The server has dealt with it. The same call will give the same answer.';
    default:
      if (!retryable) return 'Nothing was executed. The same call will fail again.';
      return retryAfterMs === undefined
        ? 'Nothing was executed. It may be tried again later.'
        : `Nothing was executed. It may be tried again in ${Math.ceil(retryAfterMs / 1_000)} s.`;
  }
}

/** All texts of the answer; what is no text is named. */
function textOf({ content, structuredContent }: ToolResult): string {
  const parts = content.map((part) => {
    if (part.type === 'text') return part.text;
    if (part.type === 'resource') return part.resource.text ?? `[resource ${part.resource.uri}]`;
    return part.type === 'resource_link' ? `[resource ${part.uri}]` : `[${part.type}]`;
  });
  return parts.length === 0 && structuredContent !== undefined ? JSON.stringify(structuredContent) : parts.join('\n');
}

function isArguments(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
