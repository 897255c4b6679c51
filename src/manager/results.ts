import { ProtocolError, type Where } from '../errors/request-errors.ts';
import type { Tool } from '../link/tool-hash.ts';

export type { Tool };

/** One piece of a tool's answer or of a prompt. Kinds that newer servers add come through as they are. */
export type Content =
  | { readonly type: 'text'; readonly text: string }
  | { readonly type: 'image' | 'audio'; readonly data: string; readonly mimeType: string }
  | { readonly type: 'resource'; readonly resource: ResourceContent }
  | { readonly type: 'resource_link'; readonly uri: string; readonly name: string };

/** What a tool answered. `isError` is the tool's own word for a failure of its own; it is returned, never thrown. */
export interface ToolResult {
  readonly content: readonly Content[];
  readonly structuredContent?: Readonly<Record<string, unknown>> | undefined;
  readonly isError?: boolean | undefined;
}

export interface Resource {
  readonly uri: string;
  readonly name: string;
  readonly description?: string | undefined;
  readonly mimeType?: string | undefined;
}

export interface ResourceTemplate {
  readonly uriTemplate: string;
  readonly name: string;
  readonly description?: string | undefined;
  readonly mimeType?: string | undefined;
}

export interface Prompt {
  readonly name: string;
  readonly description?: string | undefined;
  readonly arguments?:
    | readonly {
        readonly name: string;
        readonly description?: string | undefined;
        readonly required?: boolean | undefined;
      }[]
    | undefined;
}

export interface ResourceContent {
  readonly uri: string;
  readonly mimeType?: string | undefined;
  readonly text?: string | undefined;
  readonly blob?: string | undefined;
}

export interface ResourceContents {
  readonly contents: readonly ResourceContent[];
}

export interface PromptResult {
  readonly description?: string | undefined;
  readonly messages: readonly { readonly role: 'user' | 'assistant'; readonly content: Content }[];
}

export interface Completion {
  readonly completion: {
    readonly values: readonly string[];
    readonly total?: number | undefined;
    readonly hasMore?: boolean | undefined;
  };
}

/** A place that a server may work in; `uri` is a `file:` URL in today's protocol. */
export interface Root {
  readonly uri: string;
  readonly name?: string | undefined;
}

export const logLevels = ['debug', 'info', 'notice', 'warning', 'error', 'critical', 'alert', 'emergency'] as const;

/** The severities of RFC 5424, the least severe first. */
export type LogLevel = (typeof logLevels)[number];

/** One `notifications/message` of a server. */
export interface ServerLogMessage {
  readonly level: LogLevel;
  /** The part of the server that it is from, where the server says so. */
  readonly logger: string | undefined;
  /** Anything that JSON can say; often a text. */
  readonly data: unknown;
}

/** The log message in a notification; undefined when it is none, or not as the protocol has it. */
export function logMessageIn(method: string, params: unknown): ServerLogMessage | undefined {
  if (method !== 'notifications/message' || !isRecord(params)) return undefined;
  const level = logLevels.find((each) => each === params['level']);
  if (level === undefined) return undefined;
  const { logger, data } = params;
  return { level, logger: typeof logger === 'string' ? logger : undefined, data };
}

/**
 * The list under `key` of a result, without items that are not what they should be: one bad item costs that item, never the list.
 * A result without any list is a `ProtocolError`.
 */
export function listIn<T>(
  result: Readonly<Record<string, unknown>>,
  key: string,
  isItem: (value: unknown) => value is T,
  where: Where,
): readonly T[] {
  const list = result[key];
  if (!Array.isArray(list)) {
    throw new ProtocolError(`Server "${where.serverId}" answered without a list of "${key}".`, {
      ...where,
      outcome: 'unknown',
    });
  }
  return list.filter(isItem);
}

export function isAnything(_result: Record<string, unknown>): _result is Record<string, unknown> {
  return true;
}

export function isToolResult(result: Record<string, unknown>): result is Record<string, unknown> & ToolResult {
  return Array.isArray(result['content']);
}

export function isCompletion(result: Record<string, unknown>): result is Record<string, unknown> & Completion {
  const { completion } = result;
  return isRecord(completion) && Array.isArray(completion['values']);
}

export function isListedTool(value: unknown): value is Tool {
  return isRecord(value) && typeof value['name'] === 'string' && isRecord(value['inputSchema']);
}

export function isResource(value: unknown): value is Resource {
  return isRecord(value) && typeof value['uri'] === 'string' && typeof value['name'] === 'string';
}

export function isResourceTemplate(value: unknown): value is ResourceTemplate {
  return isRecord(value) && typeof value['uriTemplate'] === 'string' && typeof value['name'] === 'string';
}

export function isPrompt(value: unknown): value is Prompt {
  return isRecord(value) && typeof value['name'] === 'string';
}

export function isResourceContent(value: unknown): value is ResourceContent {
  return isRecord(value) && typeof value['uri'] === 'string';
}

export function isPromptMessage(value: unknown): value is PromptResult['messages'][number] {
  return isRecord(value) && (value['role'] === 'user' || value['role'] === 'assistant') && isRecord(value['content']);
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null;
}
