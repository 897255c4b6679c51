/** One JSON-RPC message as it travels: an object, not yet checked any further. */
export type RpcMessage = Readonly<Record<string, unknown>>;

export type RpcId = string | number;

export function isRpcMessage(value: unknown): value is RpcMessage {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/** The id of a request, null for a notification or an answer. */
export function requestIdOf(message: RpcMessage): RpcId | null {
  const { id, method } = message;
  return typeof method === 'string' && (typeof id === 'string' || typeof id === 'number') ? id : null;
}

export function isAnswer(message: RpcMessage): boolean {
  return message['method'] === undefined && ('result' in message || 'error' in message);
}

/** Whether it is an error that names no request: in the body of a response it can only be about the request itself. */
export function isNamelessError(message: RpcMessage): boolean {
  return (message['id'] === null || message['id'] === undefined) && isAnswer(message) && isRpcMessage(message['error']);
}
