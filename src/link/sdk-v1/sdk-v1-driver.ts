/** The driver over `@modelcontextprotocol/sdk` v1. Importing this file loads the SDK: `driver-loader.ts` puts that off. */
import type { LinkDriver } from '../link.ts';
import { SdkV1Link } from './sdk-v1-link.ts';

/** Opens links to servers that speak protocol 2025-11-25 or older, over stdio or a transport of the caller's. */
export const sdkV1Driver: LinkDriver = {
  name: 'sdk-v1',
  open: (spec) => new SdkV1Link(spec),
};
