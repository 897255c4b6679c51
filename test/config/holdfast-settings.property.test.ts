import fc from 'fast-check';
import { expect, it } from 'vitest';
import { resolveServerOptions } from '../../src/manager/server-options.ts';
import { loadText } from './config-fixture.ts';

const number = fc.constantFrom(-1, 0, 0.5, 1, 1.5, 5, 10, 50, 100, 101, 1_000, 10_000, 10_001, 60_000, 60_001, 2 ** 31);
const flag = fc.constantFrom<unknown>(true, false, 'yes');
const numbers = (...names: readonly string[]): fc.Arbitrary<object> =>
  fc.record(Object.fromEntries(names.map((name) => [name, number])), { requiredKeys: [] });
const settings = {
  healthCheck: numbers('intervalMs', 'timeoutMs', 'failureThreshold', 'successThreshold', 'degradedLatencyMs'),
  reconnect: numbers('delayMs', 'maxDelayMs', 'multiplier', 'stableMs', 'crashLoopExits', 'crashLoopWindowMs'),
  circuitBreaker: numbers('failureThreshold', 'successThreshold', 'openMs', 'windowSize', 'minimumRequests'),
  retry: numbers('maxAttempts', 'baseDelayMs', 'maxDelayMs', 'multiplier', 'jitter'),
  tools: fc.dictionary(
    fc.constantFrom('order', '__proto__', 'toString', ''),
    fc.constantFrom<unknown>({ retry: 'safe' }, { retry: 'never' }, { retry: 'once' }, {}, null),
  ),
  connectTimeoutMs: number,
  callTimeoutMs: number,
  maxCallTimeoutMs: number,
  waitForReadyMs: number,
  maxInFlight: number,
  maxQueue: number,
  lazy: flag,
  trustAnnotations: flag,
  validateOutput: flag,
};
const anySettings = fc.record(settings, { requiredKeys: [] });
/** Few, so that often none of them is wrong and the server is kept. */
const oneSetting = fc.oneof(...Object.entries(settings).map(([name, value]) => fc.record({ [name]: value })));

it('a manager takes all that a file is read as, however wrong the file is', async () => {
  await fc.assert(
    fc.asyncProperty(anySettings, oneSetting, async (defaults, ofGit) => {
      const mcpServers = { files: { command: 'x' }, git: { command: 'y' } };
      const config = await loadText(JSON.stringify({ mcpServers, holdfast: { defaults, servers: { git: ofGit } } }));
      expect(config.servers[0]?.id).toBe('files');
      resolveServerOptions(config.settings.defaults, {});
      for (const { id, options } of config.servers) resolveServerOptions(options, config.settings.defaults, id);
    }),
    { numRuns: 500 },
  );
});
