/** Models that follow a script instead of thinking: they make these calls, one a turn, and end with the last answer that they got. */
import { AIMessage, type BaseMessage } from '@langchain/core/messages';
import { fakeModel, type FakeBuiltModel } from '@langchain/core/testing';
import { MockLanguageModelV2 } from 'ai/test';
import type { Complete } from './openai.ts';

export interface ScriptedCall {
  readonly tool: string;
  readonly args: unknown;
}

export function aiSdkModel(script: readonly ScriptedCall[]): MockLanguageModelV2 {
  let turn = 0;
  const usage = { inputTokens: 0, outputTokens: 0, totalTokens: 0 };
  return new MockLanguageModelV2({
    doGenerate: async ({ prompt }) => {
      const call = script[turn];
      turn += 1;
      if (call === undefined) {
        const last = prompt.at(-1);
        const part = last?.role === 'tool' ? last.content.at(-1) : undefined;
        const text = part?.output.type === 'text' ? part.output.value : 'I got no answer.';
        return { content: [{ type: 'text', text }], finishReason: 'stop', usage, warnings: [] };
      }
      const input = JSON.stringify(call.args);
      return {
        content: [{ type: 'tool-call', toolCallId: `call ${turn}`, toolName: call.tool, input }],
        finishReason: 'tool-calls',
        usage,
        warnings: [],
      };
    },
  });
}

export function openAiModel(script: readonly ScriptedCall[]): Complete {
  let turn = 0;
  return async ({ messages }) => {
    const call = script[turn];
    turn += 1;
    if (call === undefined) return { role: 'assistant', content: messages.at(-1)?.content ?? 'I got no answer.' };
    const { tool: name, args } = call;
    return {
      role: 'assistant',
      content: null,
      tool_calls: [{ id: `call ${turn}`, type: 'function', function: { name, arguments: JSON.stringify(args) } }],
    };
  };
}

export function langChainModel(script: readonly ScriptedCall[]): FakeBuiltModel {
  const model = fakeModel();
  for (const { tool: name, args } of script) model.respondWithTools([{ name, args: { ...Object(args) } }]);
  return model.respond((messages: BaseMessage[]) => new AIMessage(messages.at(-1)?.text ?? 'I got no answer.'));
}
