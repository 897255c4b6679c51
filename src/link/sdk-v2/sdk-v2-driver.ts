/** The driver over `@modelcontextprotocol/client`, the SDK's v2, alone. Importing this file loads the SDK. */
import type { LinkDriver } from '../link.ts';
import { SdkLink } from '../sdk/sdk-link.ts';
import { sdkV2Legacy, sdkV2Modern } from './sdk-v2.ts';

/** Opens links to servers of both eras. */
export const sdkV2Driver: LinkDriver = {
  name: 'sdk-v2',
  open: (spec) => new SdkLink(spec, { legacy: () => sdkV2Legacy, modern: () => sdkV2Modern }),
};
