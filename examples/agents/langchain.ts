/** The catalog of a manager as tools of LangChain (`@langchain/core` 1), and an agent that uses them. */
import type { BaseChatModel } from '@langchain/core/language_models/chat_models';
import { HumanMessage, ToolMessage, type BaseMessage } from '@langchain/core/messages';
import type { ToolCall } from '@langchain/core/messages/tool';
import {
  tool as langChainTool,
  ToolInputParsingException,
  type StructuredTool,
  type ToolRunnableConfig,
} from '@langchain/core/tools';
import type { SessionManager } from '../../src/index.ts';
import { callForModel, type ModelAnswer } from './call-for-model.ts';

/** The tools as they are now. Make them anew for each run: servers come and go, and their tools change. */
export function langChainTools(manager: SessionManager): StructuredTool[] {
  return manager.catalog.tools.map(({ name, tool }) =>
    langChainTool(
      async (input: unknown, { signal, toolCall }: ToolRunnableConfig) =>
        messageOf(name, toolCall?.id, await callForModel(manager, name, input, signal)),
      { name, description: tool.description ?? tool.title ?? name, schema: tool.inputSchema },
    ),
  );
}

/** Lets a model work on a task with all tools that there are, and returns its last words. */
export async function runLangChainAgent(
  manager: SessionManager,
  model: BaseChatModel,
  task: string,
  signal?: AbortSignal,
): Promise<string> {
  const tools = langChainTools(manager);
  const bound = model.bindTools?.(tools);
  if (bound === undefined) throw new Error('This model takes no tools.');
  const messages: BaseMessage[] = [new HumanMessage(task)];
  for (let step = 0; step < 8; step += 1) {
    const answer = await bound.invoke(messages, { ...(signal && { signal }) });
    messages.push(answer);
    const calls = answer.tool_calls ?? [];
    if (calls.length === 0) return answer.text;
    messages.push(...(await Promise.all(calls.map((call) => answerLangChainCall(manager, tools, call, signal)))));
  }
  throw new Error('The model came to no end within 8 steps.');
}

/** The message that answers one call of the model. LangChain checks the arguments itself, and throws where the model is wrong. */
export async function answerLangChainCall(
  manager: SessionManager,
  tools: readonly StructuredTool[],
  call: ToolCall,
  signal?: AbortSignal,
): Promise<ToolMessage> {
  const tool = tools.find(({ name }) => name === call.name);
  if (tool === undefined)
    return messageOf(call.name, call.id, await callForModel(manager, call.name, call.args, signal));
  try {
    return await tool.invoke({ ...call, type: 'tool_call' }, { ...(signal && { signal }) });
  } catch (error) {
    if (!(error instanceof ToolInputParsingException)) throw error;
    return messageOf(call.name, call.id, { text: `${error.message}. Nothing was executed.`, isError: true });
  }
}

function messageOf(name: string, id: string | undefined, { text, isError }: ModelAnswer): ToolMessage {
  return new ToolMessage({ content: text, status: isError ? 'error' : 'success', tool_call_id: id ?? '', name });
}
