import { Client, LATEST_PROTOCOL_VERSION, SUPPORTED_PROTOCOL_VERSIONS } from '@modelcontextprotocol/client';
import type { Era } from '../link.ts';
import { MODERN_VERSIONS } from '../modern/envelope.ts';
import { NO_TIMEOUT_MS } from '../sdk/sdk-client.ts';
import type { Sdk, SdkClient, SdkClientOptions } from '../sdk/sdk-client.ts';
import { noValidation } from './no-validation.ts';

/** The SDK's v2 in the legacy era, where it takes the place of v1. Importing this file loads it. */
export const sdkV2Legacy: Sdk = {
  era: 'legacy',
  versions: [LATEST_PROTOCOL_VERSION, ...SUPPORTED_PROTOCOL_VERSIONS.slice(1)],
  createClient: (options) => createClient('legacy', options),
};

/** The SDK's v2 in the modern era: its handshake is `server/discover`, and it never turns to `initialize`. */
export const sdkV2Modern: Sdk = {
  era: 'modern',
  versions: MODERN_VERSIONS,
  createClient: (options) => createClient('modern', options),
};

function createClient(era: Era, { clientInfo, questions, onComplaint }: SdkClientOptions): SdkClient {
  const client = new Client(
    { ...clientInfo },
    {
      capabilities: { ...questions.capabilities },
      jsonSchemaValidator: noValidation,
      ...(era === 'modern' && {
        supportedProtocolVersions: [...MODERN_VERSIONS],
        versionNegotiation: { mode: 'auto', probe: { timeoutMs: NO_TIMEOUT_MS } },
      }),
    },
  );
  client.fallbackRequestHandler = ({ method, params }, { mcpReq }) => questions.answer(method, params, mcpReq.signal);
  client.onerror = onComplaint;
  return {
    connect: (tap) => client.connect(tap, { timeout: NO_TIMEOUT_MS }),
    notification: (notification) => client.notification(notification),
  };
}
