/** The catalog of a manager as functions in OpenAI's format, which many providers share, and an agent that uses them. Plain JSON. */
import type { SessionManager } from '../../src/index.ts';
import { callForModel } from './call-for-model.ts';

export interface FunctionTool {
  readonly type: 'function';
  readonly function: {
    readonly name: string;
    readonly description: string;
    readonly parameters: Readonly<Record<string, unknown>>;
  };
}

export interface FunctionCall {
  readonly id: string;
  readonly type: 'function';
  readonly function: { readonly name: string; readonly arguments: string };
}

export type Message =
  | { readonly role: 'user'; readonly content: string }
  | { readonly role: 'assistant'; readonly content: string | null; readonly tool_calls?: readonly FunctionCall[] }
  | { readonly role: 'tool'; readonly tool_call_id: string; readonly content: string };

/** One request to the model: `POST /v1/chat/completions`, and of its answer `choices[0].message`. */
export type Complete = (
  request: { readonly messages: readonly Message[]; readonly tools: readonly FunctionTool[] },
  signal: AbortSignal | undefined,
) => Promise<Extract<Message, { readonly role: 'assistant' }>>;

/** The tools as they are now. Make them anew for each request: servers come and go, and their tools change. */
export function openAiTools(manager: SessionManager): readonly FunctionTool[] {
  return manager.catalog.tools.map(({ name, tool }) => ({
    type: 'function',
    function: { name, description: tool.description ?? tool.title ?? name, parameters: tool.inputSchema },
  }));
}

/** The message that answers one call of the model. The format has no word for a failure, so its text says so. */
export async function answerOpenAiCall(
  manager: SessionManager,
  { id, function: { name, arguments: json } }: FunctionCall,
  signal?: AbortSignal,
): Promise<Message> {
  const { text, isError } = await callForModel(manager, name, parsed(json), signal);
  return { role: 'tool', tool_call_id: id, content: isError ? `Error: ${text}` : text };
}

/** Lets a model work on a task with all tools that there are, and returns its last words. */
export async function runOpenAiAgent(
  manager: SessionManager,
  complete: Complete,
  task: string,
  signal?: AbortSignal,
): Promise<string> {
  const messages: Message[] = [{ role: 'user', content: task }];
  for (let step = 0; step < 8; step += 1) {
    const answer = await complete({ messages, tools: openAiTools(manager) }, signal);
    messages.push(answer);
    const calls = answer.tool_calls ?? [];
    if (calls.length === 0) return answer.content ?? '';
    messages.push(...(await Promise.all(calls.map((call) => answerOpenAiCall(manager, call, signal)))));
  }
  throw new Error('The model came to no end within 8 steps.');
}

/** Models write JSON by hand, and not always well. */
function parsed(json: string): unknown {
  try {
    return JSON.parse(json === '' ? '{}' : json);
  } catch {
    return undefined;
  }
}
