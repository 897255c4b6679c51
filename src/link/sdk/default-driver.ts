/** The driver that sessions use unless they are given another: both eras, each over the SDK that is loaded with its first link. */
import type { LinkDriver } from '../link.ts';
import { loadLegacySdk } from './legacy-sdk.ts';
import { loadedOnce } from './loaded-once.ts';
import { sdkDriver } from './sdk-driver.ts';
import type { Sdks } from './sdk-link.ts';

const sdks: Sdks = {
  legacy: loadedOnce(loadLegacySdk),
  modern: loadedOnce(async () => (await import('../sdk-v2/sdk-v2.ts')).sdkV2Modern),
};

/** Opens links to servers of both eras. Importing this file loads no SDK. */
export const defaultDriver: LinkDriver = sdkDriver('sdk', sdks);
