import { envelopeVersion } from '../modern/envelope.ts';
import { headerValue } from '../header-value.ts';
import { isRpcMessage, requestIdOf } from '../rpc-message.ts';
import type { RpcMessage } from '../rpc-message.ts';

/** Which of its params a request of the modern era is named by. */
const NAMED_BY: ReadonlyMap<unknown, string> = new Map([
  ['tools/call', 'name'],
  ['prompts/get', 'name'],
  ['resources/read', 'uri'],
  ['tasks/get', 'taskId'],
  ['tasks/update', 'taskId'],
  ['tasks/cancel', 'taskId'],
]);

/**
 * The headers that say what is in a request of the modern era, as names and values in turn, so that whoever passes it on need not read
 * its body. None for any other message.
 */
export function messageHeaders(message: RpcMessage): readonly string[] {
  const { method, params } = message;
  const version = envelopeVersion(params);
  if (version === null || typeof method !== 'string' || requestIdOf(message) === null) return NONE;
  const headers = ['mcp-protocol-version', version, 'mcp-method', method];
  const field = NAMED_BY.get(method);
  const name = field !== undefined && isRpcMessage(params) ? params[field] : undefined;
  if (typeof name === 'string') headers.push('mcp-name', headerValue(name));
  return headers;
}

const NONE: readonly string[] = [];
