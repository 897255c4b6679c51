import { expect, it } from 'vitest';
import { loadLegacySdk } from '../../src/link/sdk/legacy-sdk.ts';
import { sdkV2Legacy } from '../../src/link/sdk-v2/sdk-v2.ts';

it('whatever this project of the suite shows is shown over the SDK v2', async () => {
  expect(await loadLegacySdk()).toBe(sdkV2Legacy);
});
