/** The catalog of a manager as tools of the Vercel AI SDK (`ai` 5), and an agent that uses them. */
import { dynamicTool, generateText, jsonSchema, stepCountIs, type LanguageModel, type ToolSet } from 'ai';
import type { SessionManager } from '../../src/index.ts';
import { callForModel, type ModelAnswer } from './call-for-model.ts';

/** The tools as they are now. Make them anew for each run: servers come and go, and their tools change. */
export function aiSdkTools(manager: SessionManager): ToolSet {
  return Object.fromEntries(
    manager.catalog.tools.map(({ name, tool }) => [
      name,
      dynamicTool({
        description: tool.description ?? tool.title ?? name,
        inputSchema: jsonSchema(tool.inputSchema),
        execute: (input, { abortSignal }) => callForModel(manager, name, input, abortSignal),
        toModelOutput: (output) => {
          // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- it is what execute resolved to
          const { text, isError } = output as ModelAnswer;
          return { type: isError ? 'error-text' : 'text', value: text };
        },
      }),
    ]),
  );
}

/** Lets a model work on a task with all tools that there are, and returns its last words. */
export async function runAiSdkAgent(
  manager: SessionManager,
  model: LanguageModel,
  task: string,
  signal?: AbortSignal,
): Promise<string> {
  const { text } = await generateText({
    model,
    tools: aiSdkTools(manager),
    prompt: task,
    stopWhen: stepCountIs(8),
    ...(signal && { abortSignal: signal }),
  });
  return text;
}
