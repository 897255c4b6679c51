/** What the revision 2026-07-28 has every message say of itself, in its `_meta`. */
import { isRecord } from '../engine/json-rpc.ts';

/** The revisions of the modern era that this client speaks, the most wanted first. */
export const MODERN_VERSIONS: readonly [string, ...string[]] = ['2026-07-28'];

export const PROTOCOL_VERSION = 'io.modelcontextprotocol/protocolVersion';
export const CLIENT_INFO = 'io.modelcontextprotocol/clientInfo';
export const CLIENT_CAPABILITIES = 'io.modelcontextprotocol/clientCapabilities';
export const LOG_LEVEL = 'io.modelcontextprotocol/logLevel';
export const SERVER_INFO = 'io.modelcontextprotocol/serverInfo';
export const SUBSCRIPTION_ID = 'io.modelcontextprotocol/subscriptionId';

/** The notification with which a server agrees to be listened to. */
export const SUBSCRIBED = 'notifications/subscriptions/acknowledged';

/** The `_meta` of every message of one connection. */
export type Envelope = Readonly<Record<string, unknown>>;

/** The params with the envelope around them. What a caller says in the envelope's own keys is overruled. */
export function enveloped(
  params: Readonly<Record<string, unknown>> | undefined,
  envelope: Envelope,
): Record<string, unknown> {
  const meta = params?.['_meta'];
  return { ...params, _meta: isRecord(meta) ? { ...meta, ...envelope } : envelope };
}

/** The protocol version that a message names in its envelope, null for one without. */
export function envelopeVersion(params: unknown): string | null {
  const meta = isRecord(params) ? params['_meta'] : undefined;
  const version = isRecord(meta) ? meta[PROTOCOL_VERSION] : undefined;
  return typeof version === 'string' ? version : null;
}
