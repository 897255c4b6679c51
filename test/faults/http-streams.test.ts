import { describe, expect, test } from 'vitest';
import { firstConnection, textOf, unhurried } from '../e2e/stage.ts';
import { eventually } from '../support/eventually.ts';
import type { HttpFixture } from '../support/http-fixture.ts';
import { FaultStage } from './fault-stage.ts';
import { openStock } from './stock-scene.ts';

const gets = async (server: HttpFixture): Promise<number> => (await server.truth()).gets.length;

describe('a standby stream that ends at once and is to be opened again in three thousand years', unhurried, () => {
  const settings = { standby: { dropAfterMs: 0, how: 'end' }, retry: 99_999_999_999, eventIds: true };

  test('is not opened again meanwhile, and calls go on', async () => {
    const stage = await FaultStage.withNeighbour();
    const server = await stage.fixture(settings);
    const session = await stage.hold('patient', server);
    for (let call = 0; call < 200; call += 1)
      expect(await textOf(session.callTool('echo', { text: 'hello' }))).toBe('hello');
    expect(await gets(server)).toBe(1);
    expect(stage.story('patient')).toEqual(firstConnection);
    await stage.close();
  });

  test('is opened again as fast as it can by the stock client, each time with a warning of Node', async () => {
    const { server, troubles } = await openStock(settings);
    await eventually(async () => (await gets(server)) > 20, { timeoutMs: 60_000 });
    expect(troubles.some((trouble) => trouble.startsWith('TimeoutOverflowWarning'))).toBe(true);
  });
});

describe('a standby stream that is being opened again when its session is closed', unhurried, () => {
  test('is given up with the session, and nobody asks for it any more', async () => {
    const stage = await FaultStage.withNeighbour();
    const server = await stage.fixture({ retry: 10 });
    await stage.hold('closing', server);
    await server.holdsStandby();
    await server.set({ faults: [{ on: 'GET', do: 'hang' }] });
    await server.order({ dropStandby: 'end' });
    await eventually(async () => (await gets(server)) === 2, { timeoutMs: 60_000 });
    expect(await stage.manager.removeServer('closing')).toBe(true);
    // The connection that asks.
    await eventually(async () => (await server.truth()).connections.open === 1, { timeoutMs: 60_000 });
    expect(await gets(server)).toBe(2);
    await stage.close();
    expect(await gets(server)).toBe(2);
  });

  test('is tried again and again by the stock client, which is closed and says so each time', async () => {
    const reconnectionOptions = {
      initialReconnectionDelay: 10,
      maxReconnectionDelay: 10,
      reconnectionDelayGrowFactor: 1,
      maxRetries: 20,
    };
    const { server, stock } = await openStock({ retry: 10 }, { reconnectionOptions });
    await server.holdsStandby();
    await server.set({ faults: [{ on: 'GET', do: 'hang' }] });
    await server.order({ dropStandby: 'end' });
    await eventually(async () => (await gets(server)) === 2, { timeoutMs: 60_000 });
    await stock.client.close();
    await eventually(() => stock.errors.at(-1) === 'Maximum reconnection attempts (20) exceeded.', {
      timeoutMs: 60_000,
    });
    expect(stock.errors.filter((error) => error.startsWith('Failed to reconnect'))).toHaveLength(20);
    expect(stock.closes).toBe(1);
  });
});
