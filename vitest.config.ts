import { availableParallelism } from 'node:os';
import { join } from 'node:path';
import { defineConfig } from 'vitest/config';
import type { Plugin } from 'vitest/config';

/** Makes the SDK v2 the one that speaks with servers of the legacy era, as one line of the source would. */
const overSdkV2: Plugin = {
  name: 'over-sdk-v2',
  enforce: 'pre',
  transform(code, id) {
    if (id !== join(import.meta.dirname, 'src/link/sdk/legacy-sdk.ts')) return undefined;
    const flipped = code.replace("'../sdk-v1/sdk-v1.ts')).sdkV1", "'../sdk-v2/sdk-v2.ts')).sdkV2Legacy");
    if (flipped === code) throw new Error('legacy-sdk.ts does not load the SDK v1 any more.');
    return flipped;
  },
};

export default defineConfig({
  test: {
    // Many files wait for real processes and sockets: two at a time are worth it on two cores, too.
    maxWorkers: Math.max(2, availableParallelism() - 1),
    // Real processes on a slow machine: a limit that only a hang can reach.
    testTimeout: 120_000,
    hookTimeout: 120_000,
    coverage: { provider: 'v8', include: ['src/**/*.ts'], reporter: ['text-summary'] },
    projects: [
      {
        extends: true,
        test: {
          name: 'holdfast',
          include: ['test/**/*.test.ts'],
          exclude: ['test/over-sdk-v2/**'],
          typecheck: { enabled: true, include: ['test/**/*.test-d.ts'] },
        },
      },
      {
        extends: true,
        plugins: [overSdkV2],
        test: {
          name: 'over the SDK v2',
          include: ['test/e2e/**/*.test.ts', 'test/faults/**/*.test.ts', 'test/over-sdk-v2/**'],
          // About the stock SDK v1, or a program that is built.
          exclude: ['**/*bare-sdk*', 'test/e2e/own-death.test.ts', 'test/e2e/kill-nine.test.ts'],
        },
      },
    ],
  },
});
