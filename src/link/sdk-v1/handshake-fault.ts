import { SUPPORTED_PROTOCOL_VERSIONS } from '@modelcontextprotocol/sdk/types.js';
import { classifyFault, classifyRpcError } from '../classify-fault.ts';
import type { FaultPhase } from '../classify-fault.ts';
import type { Fault } from '../fault.ts';
import { isRecord } from './json-rpc.ts';
import { offeredProtocolVersion } from './server-facts.ts';

/** An answer to `initialize` that the SDK does not take for JSON-RPC: it would wait for another one. */
export const BAD_HANDSHAKE: Fault = {
  kind: 'protocol',
  code: 'bad-handshake',
  message: 'The server answered initialize with something that is not a JSON-RPC answer.',
};

/**
 * Why a connection did not come about, from what the SDK threw and from the raw answer to `initialize`, if one came.
 * The answer decides: of the SDK's errors some have no code, and some have the codes of a server's own.
 */
export function handshakeFault(thrown: unknown, initializeAnswer: unknown, phase: FaultPhase): Fault {
  const error = isRecord(initializeAnswer) ? initializeAnswer['error'] : undefined;
  if (isRecord(error) && typeof error['code'] === 'number') {
    return classifyRpcError(error['code'], typeof error['message'] === 'string' ? error['message'] : '');
  }
  const version = offeredProtocolVersion(initializeAnswer);
  if (version !== null && !SUPPORTED_PROTOCOL_VERSIONS.includes(version)) {
    const offered = JSON.stringify(version.slice(0, 40));
    return {
      kind: 'incompatible',
      code: 'protocol-version',
      message: `The server speaks protocol version ${offered}, this client ${SUPPORTED_PROTOCOL_VERSIONS.join(', ')}.`,
    };
  }
  return classifyFault(thrown, phase);
}
