/** JSON-RPC messages as they come over the wire: what the tap must tell apart, and how an answer settles a call. */
import type { RpcMessage } from '../rpc-message.ts';
import type { Fault } from '../fault.ts';
import type { Progress } from '../link.ts';
import type { Call } from './call.ts';

export function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/** Tells JSON-RPC from anything else by its outline alone; what reaches the SDK's client is validated there in full. */
export function isJsonRpc(value: unknown): value is RpcMessage {
  if (!isRecord(value) || value['jsonrpc'] !== '2.0') return false;
  return typeof value['method'] === 'string' || 'result' in value || 'error' in value;
}

/** One of our ids as it came back, in an answer or as a progress token. Some servers send a number back as a string. */
export function readOwnId(id: unknown): number | null {
  if (typeof id === 'number') return id;
  return typeof id === 'string' && /^\d{1,15}$/.test(id) ? Number(id) : null;
}

/** Settles a call with the answer that carries its id: a result as it is, an error as `rpc`, neither of the two as `link`. */
export function settleWithAnswer(call: Call, answer: object): void {
  call.markAnswered();
  const result: unknown = Reflect.get(answer, 'result');
  const error: unknown = Reflect.get(answer, 'error');
  if (isRecord(error)) {
    const { code, message, data } = error;
    if (typeof code === 'number' && Number.isInteger(code)) {
      call.reject({
        kind: 'rpc',
        sent: true,
        rpcCode: code,
        message:
          typeof message === 'string' && message !== ''
            ? message
            : `The server answered with the JSON-RPC error ${code}.`,
        ...(data === undefined ? {} : { data }),
      });
      return;
    }
  } else if (isRecord(result)) {
    call.resolve(result);
    return;
  }
  call.reject({ kind: 'link', sent: true, fault: BAD_ANSWER });
}

/** Whose progress it is and how far it has come, or null when the params are malformed. */
export function readProgress(params: unknown): { readonly id: number | null; readonly progress: Progress } | null {
  if (!isRecord(params) || typeof params['progress'] !== 'number') return null;
  const { progressToken, progress, total, message } = params;
  return {
    id: readOwnId(progressToken),
    progress: {
      progress,
      ...(typeof total === 'number' ? { total } : {}),
      ...(typeof message === 'string' ? { message } : {}),
    },
  };
}

const BAD_ANSWER: Fault = {
  kind: 'protocol',
  code: 'bad-answer',
  message: 'The server answered with neither a result nor an error.',
};
