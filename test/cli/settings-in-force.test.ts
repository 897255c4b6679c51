import { expect, it } from 'vitest';
import { hold } from '../../src/cli/hold.ts';
import { loadConfig } from '../../src/config/index.ts';
import type { LoadedConfig } from '../../src/config/index.ts';
import type { Session } from '../../src/index.ts';
import { outcomeOf, world } from '../manager/support.ts';
import type { World } from '../manager/support.ts';

async function fileWith(holdfast: object): Promise<LoadedConfig> {
  const text = JSON.stringify({ mcpServers: { shop: { command: 'x' } }, holdfast });
  return loadConfig('/app/mcp.json', { env: {}, readFile: async () => text });
}

/** The server of the file, held as the command holds it. */
async function held(w: World, config: LoadedConfig): Promise<Session> {
  const outcome = outcomeOf(hold(w.manager, config));
  await w.clock.settle();
  await w.clock.settle();
  expect(outcome.value()).toMatchObject({ held: { servers: ['shop'] }, problems: [] });
  return w.manager.session('shop');
}

it('the bulkhead of a file is in force in a running manager, half from the defaults, half from the server', async () => {
  const config = await fileWith({
    defaults: { maxInFlight: 1, maxQueue: 7 },
    servers: { shop: { maxQueue: 0 } },
  });
  const w = world({ behaviour: { answersCalls: false } });
  const shop = await held(w, config);
  const [sent, refused] = [0, 1].map(() => outcomeOf(shop.callTool('echo')));
  await w.clock.settle();
  expect([sent?.state, w.server('shop').executed.length]).toEqual(['pending', 1]);
  expect(refused?.error()).toMatchObject({ code: 'QUEUE_FULL', outcome: 'not-sent' });
});

it('what a file says of a tool decides whether it is called again, tool by tool', async () => {
  const config = await fileWith({
    defaults: { tools: { look: { retry: 'safe' }, buy: { retry: 'safe' } }, retry: { maxAttempts: 2 } },
    servers: { shop: { tools: { buy: { retry: 'never' } } } },
  });
  const tools = ['look', 'buy'].map((name) => ({ name, inputSchema: { type: 'object' } }));
  const w = world({ behaviour: { tools } });
  const shop = await held(w, config);
  w.server('shop').losesReplies = { kind: 'transport', code: 'reply-lost', message: 'the reply was lost' };
  const calls = ['look', 'buy'].map((name) => outcomeOf(shop.callTool(name)));
  await w.clock.advance(60_000);
  expect(calls.map((call) => call.error().code)).toEqual(['OUTCOME_UNKNOWN', 'OUTCOME_UNKNOWN']);
  expect(w.server('shop').executed.map(({ tool }) => tool)).toEqual(['look', 'buy', 'look']);
});

it('a circuit opens after as many failures as the file says, for as long as it says', async () => {
  const config = await fileWith({
    servers: { shop: { circuitBreaker: { failureThreshold: 2, openMs: 7_000 } } },
  });
  const w = world();
  const shop = await held(w, config);
  w.server('shop').losesReplies = { kind: 'transport', code: 'reply-lost', message: 'the reply was lost' };
  for (const _ of [1, 2]) {
    const call = outcomeOf(shop.callTool('echo'));
    await w.clock.settle();
    expect(call.state).toBe('rejected');
  }
  expect(w.trace).toContain('0 shop 1 circuit closed > open for 7000: 2 calls in a row failed');
});

it('a default that is wrong is told with its place, and the servers are held without it', async () => {
  const config = await fileWith({
    defaults: { reconnect: { delayMs: 50, maxDelayMs: 10, multiplier: 3 }, maxInFlight: 0, maxQueue: 0 },
  });
  expect(config.problems.map(({ line, column, field }) => [line, column, field])).toEqual([
    [1, 87, 'holdfast.defaults.reconnect.delayMs'],
    [1, 136, 'holdfast.defaults.maxInFlight'],
  ]);
  const w = world();
  expect(config.settings.defaults).toMatchObject({ reconnect: { multiplier: 3 }, maxQueue: 0 });
  expect((await held(w, config)).state).toBe('healthy');
});
