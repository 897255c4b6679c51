import type { CallOptions } from './call-options.ts';
import type { Call, Served } from './call.ts';
import { observedCall, type ToolCallUpdate } from './observed-call.ts';
import { objectValue, text } from './option-rules.ts';
import {
  isAnything,
  isCompletion,
  isListedTool,
  isPrompt,
  isPromptMessage,
  isResource,
  isResourceContent,
  isResourceTemplate,
  isToolResult,
  listIn,
  type Completion,
  type Prompt,
  type PromptResult,
  type Resource,
  type ResourceContents,
  type ResourceTemplate,
  type Tool,
  type ToolResult,
} from './results.ts';
import type { Observable } from './rx.ts';

const mostPages = 64;

/** The verbs of everything that can be called, over the one thing that differs: how a call is performed. */
export abstract class CallerVerbs {
  abstract readonly id: string;

  /** Performs one call and says who served it. May throw instead of rejecting. */
  protected abstract perform<Result>(call: Call<Result>): Promise<Served<Result>>;

  async callTool(
    name: string,
    args: Readonly<Record<string, unknown>> = {},
    options: CallOptions = {},
  ): Promise<ToolResult> {
    text(name, 'name', this.id);
    objectValue(args, 'args', this.id);
    // Each promise that a call goes through costs as much as its bookkeeping: there are no more than needed, here and all the way down.
    const served = await this.perform({
      method: 'tools/call',
      params: { name, arguments: args },
      options,
      tool: name,
      isResult: isToolResult,
    });
    return served.result;
  }

  callTool$(
    name: string,
    args: Readonly<Record<string, unknown>> = {},
    options: CallOptions = {},
  ): Observable<ToolCallUpdate> {
    return observedCall((observed) => this.callTool(name, args, observed), options);
  }

  listTools(options?: CallOptions): Promise<readonly Tool[]> {
    return this.#listAll('tools/list', 'tools', isListedTool, options);
  }

  listResources(options?: CallOptions): Promise<readonly Resource[]> {
    return this.#listAll('resources/list', 'resources', isResource, options);
  }

  listResourceTemplates(options?: CallOptions): Promise<readonly ResourceTemplate[]> {
    return this.#listAll('resources/templates/list', 'resourceTemplates', isResourceTemplate, options);
  }

  listPrompts(options?: CallOptions): Promise<readonly Prompt[]> {
    return this.#listAll('prompts/list', 'prompts', isPrompt, options);
  }

  async readResource(uri: string, options: CallOptions = {}): Promise<ResourceContents> {
    const served = await this.#served('resources/read', { uri }, options);
    return { ...served.result, contents: listIn(served.result, 'contents', isResourceContent, served) };
  }

  async getPrompt(
    name: string,
    args?: Readonly<Record<string, string>>,
    options: CallOptions = {},
  ): Promise<PromptResult> {
    const served = await this.#served('prompts/get', { name, arguments: args ?? {} }, options);
    return { ...served.result, messages: listIn(served.result, 'messages', isPromptMessage, served) };
  }

  complete(params: Readonly<Record<string, unknown>>, options: CallOptions = {}): Promise<Completion> {
    return this.#result({ method: 'completion/complete', params, options, isResult: isCompletion });
  }

  request(
    method: string,
    params?: Readonly<Record<string, unknown>>,
    options: CallOptions = {},
  ): Promise<Record<string, unknown>> {
    // However a tool is called, it is that tool: a group calls it only where it is the same.
    const name = method === 'tools/call' ? params?.['name'] : undefined;
    const tool = typeof name === 'string' ? name : undefined;
    return this.#result({ method, params, options, tool, isResult: isAnything });
  }

  /** A request whose answer may be of any shape. */
  protected async ask(
    method: string,
    params: Readonly<Record<string, unknown>> | undefined,
    options: CallOptions,
  ): Promise<Record<string, unknown>> {
    return (await this.#served(method, params, options)).result;
  }

  #served(
    method: string,
    params: Readonly<Record<string, unknown>> | undefined,
    options: CallOptions,
    on?: string,
  ): Promise<Served<Record<string, unknown>>> {
    return this.perform({ method, params, options, isResult: isAnything, on });
  }

  async #result<Result>(call: Call<Result>): Promise<Result> {
    return (await this.perform(call)).result;
  }

  async #listAll<T>(
    method: string,
    key: string,
    isItem: (value: unknown) => value is T,
    options: CallOptions = {},
  ): Promise<readonly T[]> {
    const all: T[] = [];
    let cursor: unknown;
    let on: string | undefined;
    for (let page = 0; page < mostPages; page += 1) {
      const served = await this.#served(method, cursor === undefined ? undefined : { cursor }, options, on);
      on = served.serverId;
      // One by one: as the arguments of one call, some 100 000 overflow the stack.
      for (const item of listIn(served.result, key, isItem, served)) all.push(item);
      cursor = served.result['nextCursor'];
      if (typeof cursor !== 'string') break;
    }
    return all;
  }
}
