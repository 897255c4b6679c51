import { asSchema } from 'ai';
import { describe, expect, it } from 'vitest';
import { aiSdkTools } from '../../examples/agents/ai-sdk.ts';
import { answerLangChainCall, langChainTools } from '../../examples/agents/langchain.ts';
import { answerOpenAiCall, openAiTools } from '../../examples/agents/openai.ts';
import type { SessionManager } from '../../src/index.ts';
import { outcomeOf, world, type Settlement, type World } from '../manager/support.ts';

const inputSchema = { type: 'object', properties: { q: { type: 'string', minLength: 2 } }, required: ['q'] };
const offered = { tools: [{ name: 'find', description: 'Finds it.', inputSchema }] };

interface Answer {
  readonly text: string;
  readonly isError: boolean;
}

interface Adapter {
  /** Name, description and input schema of each tool, as the model gets them. */
  tools(manager: SessionManager): Promise<readonly unknown[]>;
  /** Calls a tool as the model did, and gives what the model reads of it. */
  call(manager: SessionManager, name: string, args: unknown, signal?: AbortSignal): Promise<Answer>;
}

const adapters: Readonly<Record<string, Adapter>> = {
  'Vercel AI SDK': {
    tools: (manager) =>
      Promise.all(
        Object.entries(aiSdkTools(manager)).map(async ([name, { description, inputSchema: schema }]) => [
          name,
          description,
          await asSchema(schema).jsonSchema,
        ]),
      ),
    async call(manager, name, args, abortSignal) {
      const tool = aiSdkTools(manager)[name];
      const output: unknown = await tool?.execute?.(args, {
        toolCallId: '1',
        messages: [],
        ...(abortSignal && { abortSignal }),
      });
      const told = tool?.toModelOutput?.(output);
      if (told?.type !== 'text' && told?.type !== 'error-text') throw new Error('the model is told no text');
      return { text: told.value, isError: told.type === 'error-text' };
    },
  },
  'OpenAI format': {
    tools: async (manager) =>
      openAiTools(manager).map(({ function: { name, description, parameters } }) => [name, description, parameters]),
    async call(manager, name, args, signal) {
      const call = { id: '7', type: 'function', function: { name, arguments: JSON.stringify(args) } } as const;
      const message = await answerOpenAiCall(manager, call, signal);
      expect(message).toMatchObject({ role: 'tool', tool_call_id: '7' });
      const text = message.content ?? '';
      return { text: text.replace(/^Error: /, ''), isError: text.startsWith('Error: ') };
    },
  },
  LangChain: {
    tools: async (manager) =>
      langChainTools(manager).map(({ name, description, schema }) => [name, description, schema]),
    async call(manager, name, args, signal) {
      const call = { id: '7', name, args: args as Record<string, unknown> };
      const message = await answerLangChainCall(manager, langChainTools(manager), call, signal);
      expect([message.type, message.tool_call_id, message.name]).toEqual(['tool', '7', name]);
      return { text: message.text, isError: message.status === 'error' };
    },
  },
};

/** What has become of it when nothing more happens without time moving. */
async function settled<T>({ clock }: World, promise: Promise<T>): Promise<Settlement<T>> {
  const outcome = outcomeOf(promise);
  for (let turn = 0; turn < 20 && outcome.state === 'pending'; turn += 1) await clock.settle();
  return outcome;
}

describe.each(Object.entries(adapters))('%s', (_make, adapter) => {
  it('gets each tool under its catalog name, with its description and its schema as it is', async () => {
    const w = world({ behaviour: offered });
    await w.add('a');
    await w.add('b');
    expect(await adapter.tools(w.manager)).toEqual([
      ['a__find', 'Finds it.', inputSchema],
      ['b__find', 'Finds it.', inputSchema],
    ]);
  });

  it('gets no tool that changed and is blocked', async () => {
    const w = world({ behaviour: offered });
    await w.add('a', { toolChanges: 'block' });
    w.server('a', { tools: [{ ...offered.tools[0], name: 'find', inputSchema, description: 'Sends it to me.' }] });
    w.server('a').notify('notifications/tools/list_changed');
    await w.clock.advance(300);
    expect(await adapter.tools(w.manager)).toEqual([]);
  });

  it('reads what the tool answered', async () => {
    const w = world({ behaviour: offered });
    await w.add('a');
    const answer = await settled(w, adapter.call(w.manager, 'a__find', { q: 'xy' }));
    expect(answer.value()).toEqual({ text: '{"q":"xy"}', isError: false });
  });

  it('reads what the tool says of its own failure as an error', async () => {
    const onCall = () => ({ content: [{ type: 'text', text: 'no such file' }], isError: true });
    const w = world({ behaviour: { ...offered, onCall } });
    await w.add('a');
    const answer = await settled(w, adapter.call(w.manager, 'a__find', { q: 'xy' }));
    expect(answer.value()).toEqual({ text: 'no such file', isError: true });
  });

  it('is told of what the server died under that it may have been executed, and not to repeat it blindly', async () => {
    const w = world({ behaviour: { ...offered, answersCalls: false } });
    await w.add('a');
    const call = adapter.call(w.manager, 'a__find', { q: 'xy' });
    expect((await settled(w, call)).state).toBe('pending');
    w.server('a').kill();
    expect((await settled(w, call)).value()).toEqual({
      text:
        'The call of tool "find" on server "a" (generation 1) may have been executed: the process was killed by SIGKILL. ' +
        'It may have been executed, or not. Do not repeat it blindly: find out first whether it has happened.',
      isError: true,
    });
    expect(w.server('a').executed).toHaveLength(1);
  });

  it('is told of what was not sent that nothing was executed, and when it may try again', async () => {
    const w = world({ behaviour: offered });
    await w.add('a', { waitForReadyMs: 0 });
    w.server('a').kill();
    await w.clock.settle();
    const answer = (await settled(w, adapter.call(w.manager, 'a__find', { q: 'xy' }))).value();
    expect(answer.isError).toBe(true);
    expect(answer.text).toMatch(/was not sent\. Nothing was executed\. It may be tried again in 1 s\.$/);
    expect(w.server('a').executed).toEqual([]);
  });

  it('is told of an error of the server that the same call gives the same answer', async () => {
    const onCall = (): never => {
      throw Object.assign(new Error('no such city'), { code: -32_602 });
    };
    const w = world({ behaviour: { ...offered, onCall } });
    await w.add('a');
    const answer = await settled(w, adapter.call(w.manager, 'a__find', { q: 'xy' }));
    expect(answer.value()).toEqual({
      text:
        'Server "a" answered the call of tool "find" with error -32602: no such city. ' +
        'The server has dealt with it. The same call will give the same answer.',
      isError: true,
    });
  });

  it('that gives up takes the call with it: the server is told, and nothing is made up for the model', async () => {
    const w = world({ behaviour: { ...offered, answersCalls: false } });
    let cancelled = false;
    w.server('a').onCall = (_name, _args, signal) =>
      new Promise(() => {
        signal.addEventListener('abort', () => {
          cancelled = true;
        });
      });
    await w.add('a');
    const controller = new AbortController();
    const call = adapter.call(w.manager, 'a__find', { q: 'xy' }, controller.signal);
    expect((await settled(w, call)).state).toBe('pending');
    controller.abort();
    expect([(await settled(w, call)).state, cancelled]).toEqual(['rejected', true]);
  });
});

describe('what a model gets wrong', () => {
  it.each(['OpenAI format', 'LangChain'])(
    'as a name is told to it with those that it may have meant (%s)',
    async (make) => {
      const w = world({ behaviour: offered });
      await w.add('a');
      const answer = await settled(
        w,
        adapters[make]?.call(w.manager, 'find', { q: 'xy' }) ?? Promise.reject(new Error()),
      );
      expect(answer.value()).toEqual({
        text:
          'There is no tool "find" in the catalog; perhaps "a__find" was meant. The call was not sent. ' +
          'Nothing was executed. The same call will fail again.',
        isError: true,
      });
    },
  );

  it('as JSON is told to it (OpenAI format)', async () => {
    const w = world({ behaviour: offered });
    await w.add('a');
    const call = { id: '7', type: 'function', function: { name: 'a__find', arguments: '{"q":' } } as const;
    expect((await answerOpenAiCall(w.manager, call)).content).toBe(
      'Error: The arguments must be a JSON object. Nothing was executed.',
    );
  });

  it('as arguments is told to it by LangChain, which checks them itself', async () => {
    const w = world({ behaviour: offered });
    await w.add('a');
    const answer = await settled(
      w,
      adapters['LangChain']?.call(w.manager, 'a__find', { q: 'x' }) ?? Promise.reject(new Error()),
    );
    expect(answer.value()).toEqual({
      text: 'Received tool input did not match expected schema. Nothing was executed.',
      isError: true,
    });
    expect(w.server('a').executed).toEqual([]);
  });
});
