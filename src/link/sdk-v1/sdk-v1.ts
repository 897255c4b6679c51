import { Client } from '@modelcontextprotocol/sdk/client/index.js';
import { LATEST_PROTOCOL_VERSION, SUPPORTED_PROTOCOL_VERSIONS } from '@modelcontextprotocol/sdk/types.js';
import { NO_TIMEOUT_MS } from '../sdk/sdk-client.ts';
import type { Sdk, SdkClient, SdkClientOptions } from '../sdk/sdk-client.ts';
import { noValidation } from './no-validation.ts';

/** The SDK's v1 in the legacy era, the only one that it speaks. Importing this file loads it. */
export const sdkV1: Sdk = {
  era: 'legacy',
  versions: [LATEST_PROTOCOL_VERSION, ...SUPPORTED_PROTOCOL_VERSIONS.slice(1)],
  createClient,
};

function createClient({ clientInfo, questions, onComplaint }: SdkClientOptions): SdkClient {
  const client = new Client(
    { ...clientInfo },
    { capabilities: { ...questions.capabilities }, jsonSchemaValidator: noValidation },
  );
  client.fallbackRequestHandler = ({ method, params }, { signal }) => questions.answer(method, params, signal);
  client.onerror = onComplaint;
  return {
    connect: (tap) => client.connect(tap, { timeout: NO_TIMEOUT_MS }),
    notification: (notification) => client.notification(notification),
  };
}
