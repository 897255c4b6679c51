/** The driver over `@modelcontextprotocol/sdk` v1 alone. Importing this file loads the SDK. */
import type { LinkDriver } from '../link.ts';
import { SdkLink } from '../sdk/sdk-link.ts';
import { sdkV1 } from './sdk-v1.ts';

/** Opens links to servers that speak protocol 2025-11-25 or older. A server that speaks only a later one is `incompatible` to it. */
export const sdkV1Driver: LinkDriver = {
  name: 'sdk-v1',
  open: (spec) => new SdkLink(spec, { legacy: () => sdkV1, modern: null }),
};
