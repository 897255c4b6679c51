import type { Attributes } from '@opentelemetry/api';
import { isHoldfastError, type Operation, type OperationConnection } from '../index.ts';
import { attribute, executeTool, other, toolError } from './semconv.ts';

/** Our own attributes. */
export const own = {
  attempts: 'holdfast.attempts',
  circuitState: 'holdfast.circuit.state',
  generation: 'holdfast.session.generation',
  group: 'holdfast.group.id',
  groupState: 'holdfast.group.state',
  healthCheckResult: 'holdfast.health_check.result',
  parkReason: 'holdfast.park.reason',
  server: 'holdfast.server.id',
  sessionState: 'holdfast.session.state',
} as const;

/** What names an operation's metrics and spans: only the names of tools and prompts are told, nothing of their arguments. */
export interface Asked {
  readonly method: string;
  readonly tool: string | undefined;
  readonly prompt: string | undefined;
}

export function askedBy({ method, tool, params }: Operation): Asked {
  const name = method === 'prompts/get' ? params?.['name'] : undefined;
  return { method, tool, prompt: typeof name === 'string' ? name : undefined };
}

export function askedAttributes({ method, tool, prompt }: Asked): Attributes {
  return {
    [attribute.method]: method,
    ...(tool !== undefined && { [attribute.tool]: tool, [attribute.operation]: executeTool }),
    ...(prompt !== undefined && { [attribute.prompt]: prompt }),
  };
}

/** Of what the operation was asked. */
export function viaAttributes({ via }: Operation): Attributes {
  return 'group' in via ? { [own.group]: via.group } : { [own.server]: via.server };
}

/** How the server is reached; nothing of its address. */
export function connectionAttributes({ serverId, transport, protocolVersion }: OperationConnection): Attributes {
  return {
    [own.server]: serverId,
    ...(protocolVersion !== null && { [attribute.protocolVersion]: protocolVersion }),
    ...networkAttributes(transport),
  };
}

function networkAttributes(transport: OperationConnection['transport']): Attributes {
  switch (transport) {
    case 'stdio':
      return { [attribute.transport]: 'pipe' };
    case 'http':
      return { [attribute.transport]: 'tcp', [attribute.protocolName]: 'http' };
    case 'webSocket':
      return { [attribute.transport]: 'tcp', [attribute.protocolName]: 'websocket' };
    case 'custom':
    case 'once':
      return {};
  }
}

/** What an operation failed with, in words of ours or of the protocol: never in the server's. */
export interface Failure {
  readonly type: string;
  readonly rpcCode: string | undefined;
}

/** The failure in this end of something; undefined when it succeeded. */
export function failureIn(
  end: { readonly ok: true; readonly result: unknown } | { readonly ok: false; readonly error: unknown },
): Failure | undefined {
  if (end.ok) return isErrorResult(end.result) ? { type: toolError, rpcCode: undefined } : undefined;
  const { error } = end;
  if (!isHoldfastError(error)) return { type: other, rpcCode: undefined };
  const rpcCode = 'rpcCode' in error && typeof error.rpcCode === 'number' ? String(error.rpcCode) : undefined;
  return { type: rpcCode ?? error.code, rpcCode };
}

export function failureAttributes(failure: Failure | undefined): Attributes {
  if (failure === undefined) return {};
  const { type, rpcCode } = failure;
  return { [attribute.errorType]: type, ...(rpcCode !== undefined && { [attribute.rpcCode]: rpcCode }) };
}

function isErrorResult(result: unknown): boolean {
  return typeof result === 'object' && result !== null && 'isError' in result && result.isError === true;
}
