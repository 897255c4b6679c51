import { isRecord } from '../engine/json-rpc.ts';
import type { Era, OpenSpec } from '../link.ts';
import { MODERN_VERSIONS } from '../modern/envelope.ts';
import { handshakeError } from './server-facts.ts';

/** The error with which a server of the 2026-07-28 revision refuses older protocol versions, naming those that it speaks. */
const UNSUPPORTED_PROTOCOL_VERSION = -32_022;
const METHOD_NOT_FOUND = -32_601;
/** Errors that only a server of the modern era gives: its headers, or what the client can be asked, are not to its liking. */
const MODERN_REFUSALS: ReadonlySet<number> = new Set([UNSUPPORTED_PROTOCOL_VERSION, -32_020, -32_021]);

/**
 * The eras whose handshakes are tried, in order, over one and the same wire.
 *
 * `auto` begins with `initialize`: every legacy server knows it, and a server that is probed first may exit or never answer. A server
 * that is known to be modern is spared that.
 */
export function erasToTry({ protocol = 'auto', knownEra }: Pick<OpenSpec, 'protocol' | 'knownEra'>): readonly Era[] {
  if (protocol !== 'auto') return [protocol];
  return knownEra === 'modern' ? ['modern', 'legacy'] : ['legacy', 'modern'];
}

/** Whether the answer to the handshake of one era says that the server wants the other: then that is tried on the same connection. */
export function wantsOtherEra(tried: Era, answer: unknown): boolean {
  const error = handshakeError(answer);
  if (error === null) return false;
  // A legacy server knows no server/discover, and says so in as many ways as there are servers.
  if (tried === 'modern') return !MODERN_REFUSALS.has(error.code);
  // No legacy server can do without initialize.
  if (error.code === METHOD_NOT_FOUND) return true;
  const supported: unknown = isRecord(error.data) ? error.data['supported'] : undefined;
  return (
    error.code === UNSUPPORTED_PROTOCOL_VERSION &&
    Array.isArray(supported) &&
    MODERN_VERSIONS.some((version) => supported.includes(version))
  );
}
