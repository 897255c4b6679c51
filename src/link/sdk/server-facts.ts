import { isRecord } from '../engine/json-rpc.ts';
import type { Era, ServerFacts } from '../link.ts';
import { SERVER_INFO } from '../modern/envelope.ts';
import type { Sdk } from './sdk-client.ts';

/**
 * Reads the facts from the raw answer to the handshake, which the SDK has found valid by then: its own copies drop the
 * fields that it does not know.
 */
export function readServerFacts(answer: unknown, { era, versions }: Sdk, pid: number | null): ServerFacts {
  const result = resultOf(answer);
  const { capabilities, instructions, _meta: meta } = result;
  const serverInfo = era === 'legacy' ? result['serverInfo'] : isRecord(meta) ? meta[SERVER_INFO] : undefined;
  const name = isRecord(serverInfo) ? serverInfo['name'] : undefined;
  const version = isRecord(serverInfo) ? serverInfo['version'] : undefined;
  const offered = offeredVersions(answer, era);
  return {
    era,
    protocolVersion: (era === 'legacy' ? offered[0] : versions.find((wanted) => offered.includes(wanted))) ?? null,
    info: typeof name === 'string' && typeof version === 'string' ? { name, version } : null,
    capabilities: isRecord(capabilities) ? capabilities : {},
    instructions: typeof instructions === 'string' ? instructions : null,
    pid,
  };
}

/** The protocol versions in the answer to the handshake: one in the legacy era, all that the server speaks in the modern one. */
export function offeredVersions(answer: unknown, era: Era): readonly string[] {
  const { protocolVersion, supportedVersions } = resultOf(answer);
  const offered = era === 'legacy' ? [protocolVersion] : supportedVersions;
  return Array.isArray(offered) ? offered.filter((version) => typeof version === 'string') : [];
}

/** The error with which the server answered the handshake, null when it did not. */
export function handshakeError(
  answer: unknown,
): { readonly code: number; readonly message: string; readonly data: unknown } | null {
  const error = isRecord(answer) ? answer['error'] : undefined;
  if (!isRecord(error) || typeof error['code'] !== 'number') return null;
  const { code, message, data } = error;
  return { code, message: typeof message === 'string' ? message : '', data };
}

function resultOf(answer: unknown): Record<string, unknown> {
  const result = isRecord(answer) ? answer['result'] : undefined;
  return isRecord(result) ? result : {};
}
