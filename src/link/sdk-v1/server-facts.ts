import type { ServerFacts } from '../link.ts';
import { isRecord } from './json-rpc.ts';

/**
 * Reads the facts from the raw answer to `initialize`, which the SDK has found valid by then: its own copies drop the
 * fields that it does not know.
 */
export function readServerFacts(initializeAnswer: unknown, pid: number | null): ServerFacts {
  const result = initializeResult(initializeAnswer);
  const { capabilities, serverInfo, instructions } = result;
  const name = isRecord(serverInfo) ? serverInfo['name'] : undefined;
  const version = isRecord(serverInfo) ? serverInfo['version'] : undefined;
  return {
    era: 'legacy',
    protocolVersion: offeredProtocolVersion(initializeAnswer),
    info: typeof name === 'string' && typeof version === 'string' ? { name, version } : null,
    capabilities: isRecord(capabilities) ? capabilities : {},
    instructions: typeof instructions === 'string' ? instructions : null,
    pid,
  };
}

/** The protocol version in the answer to `initialize`, null when there is none. */
export function offeredProtocolVersion(initializeAnswer: unknown): string | null {
  const { protocolVersion } = initializeResult(initializeAnswer);
  return typeof protocolVersion === 'string' ? protocolVersion : null;
}

function initializeResult(initializeAnswer: unknown): Record<string, unknown> {
  const result = isRecord(initializeAnswer) ? initializeAnswer['result'] : undefined;
  return isRecord(result) ? result : {};
}
