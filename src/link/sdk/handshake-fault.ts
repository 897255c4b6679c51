import { classifyFault, classifyRpcError } from '../classify-fault.ts';
import type { FaultPhase } from '../classify-fault.ts';
import { isRecord } from '../engine/json-rpc.ts';
import type { Fault } from '../fault.ts';
import type { Sdk } from './sdk-client.ts';
import { handshakeError, offeredVersions } from './server-facts.ts';

const METHOD_NOT_FOUND = -32_601;
const NOT_MODERN =
  'The server does not know server/discover, which every protocol version of this connection begins with';

/** An answer to `initialize` that the SDK does not take for JSON-RPC: it would wait for another one. */
const BAD_INITIALIZE: Fault = {
  kind: 'protocol',
  code: 'bad-handshake',
  message: 'The server answered initialize with something that is not a JSON-RPC answer.',
};

const BAD_DISCOVER: Fault = {
  ...BAD_INITIALIZE,
  message: 'The server answered server/discover with something that is not a JSON-RPC answer.',
};

/** The handshake was answered with no JSON-RPC. */
export function badHandshake({ era }: Sdk): Fault {
  return era === 'legacy' ? BAD_INITIALIZE : BAD_DISCOVER;
}

/**
 * Why a connection did not come about, from what the SDK threw and from the raw answer to the handshake, if one came.
 * The answer decides: of the SDK's errors some have no code, and some have the codes of a server's own.
 */
export function handshakeFault(thrown: unknown, answer: unknown, phase: FaultPhase, sdk: Sdk): Fault {
  const error = handshakeError(answer);
  if (error !== null) {
    const fault = classifyRpcError(error.code, error.message);
    if (sdk.era === 'legacy') return fault;
    // Who knows no server/discover speaks no later protocol than that of initialize.
    const message = error.code === METHOD_NOT_FOUND ? `${NOT_MODERN} (${sdk.versions.join(', ')}).` : fault.message;
    return { ...fault, kind: 'incompatible', message };
  }
  const offered = offeredVersions(answer, sdk.era);
  if (offered.length > 0 && !offered.some((version) => sdk.versions.includes(version))) {
    const shown = offered.map((version) => JSON.stringify(version.slice(0, 40)));
    return {
      kind: 'incompatible',
      code: 'protocol-version',
      message: `The server speaks protocol version ${shown.slice(0, 5).join(', ')}, this client ${sdk.versions.join(', ')}.`,
    };
  }
  if (sdk.era === 'modern' && isRecord(answer)) {
    return {
      kind: 'protocol',
      code: 'bad-message',
      message: 'The server’s answer to server/discover is no such result.',
    };
  }
  return classifyFault(thrown, phase);
}
