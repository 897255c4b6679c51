/** The driver over `@modelcontextprotocol/sdk` v1 alone. Importing this file loads the SDK. */
import type { LinkDriver } from '../link.ts';
import { sdkDriver } from '../sdk/sdk-driver.ts';
import { sdkV1 } from './sdk-v1.ts';

/** Opens links to servers that speak protocol 2025-11-25 or older. A server that speaks only a later one is `incompatible` to it. */
export const sdkV1Driver: LinkDriver = sdkDriver('sdk-v1', { legacy: () => sdkV1, modern: null });
