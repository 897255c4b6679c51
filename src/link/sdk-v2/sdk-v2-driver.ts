/** The driver over `@modelcontextprotocol/client`, the SDK's v2, alone. Importing this file loads the SDK. */
import type { LinkDriver } from '../link.ts';
import { sdkDriver } from '../sdk/sdk-driver.ts';
import { sdkV2Legacy, sdkV2Modern } from './sdk-v2.ts';

/** Opens links to servers of both eras. */
export const sdkV2Driver: LinkDriver = sdkDriver('sdk-v2', { legacy: () => sdkV2Legacy, modern: () => sdkV2Modern });
