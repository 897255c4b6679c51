import { afterAll, describe } from 'vitest';
import { Client } from '@modelcontextprotocol/client';
import { sdkV2Driver } from '../../../src/link/sdk-v2/sdk-v2-driver.ts';
import { driverUnderTest } from '../sdk/owner.ts';

/** Everything that holds of a link holds whichever SDK is under it, so that either can be the default: runs a suite over the SDK v2. */
export function overSdkV2(load: () => Promise<unknown>): void {
  const before = { ...driverUnderTest };
  Object.assign(driverUnderTest, { current: sdkV2Driver, client: Client });
  describe('over the SDK v2', async () => {
    afterAll(() => {
      Object.assign(driverUnderTest, before);
    });
    await load();
  });
}
