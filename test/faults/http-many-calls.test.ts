import { describe, expect, test } from 'vitest';
import { textOf, unhurried } from '../e2e/stage.ts';
import { expectSoon } from '../support/expect-soon.ts';
import { inGoodTime } from '../support/stock-http-client.ts';
import { FaultStage } from './fault-stage.ts';
import { openStock } from './stock-scene.ts';

/** Calls again and again, never more than 64 at a time, until that is so. */
async function inTurns(isEnough: (calls: number) => boolean, call: (n: number) => Promise<unknown>): Promise<void> {
  let next = 0;
  const lane = async (): Promise<void> => {
    while (!isEnough(next)) await call((next += 1));
  };
  await Promise.all(Array.from({ length: 64 }, lane));
}

describe('a thousand calls, 64 at a time', unhurried, () => {
  test('are answered without a word from Node', async () => {
    const stage = await FaultStage.withNeighbour();
    const server = await stage.fixture({ standby: 'refused' });
    const session = await stage.hold('busy', server);
    await inTurns(
      (calls) => calls >= 1_000,
      async (n) => expect(await textOf(session.callTool('echo', { text: String(n) }))).toBe(String(n)),
    );
    expect(session.info).toMatchObject({ successfulRequests: 1_000, failedRequests: 0, activeRequests: 0 });
    await stage.close();
  });

  test('make Node warn of a leak with the stock client', async () => {
    const { stock, troubles } = await openStock({ standby: 'refused' });
    const isWarned = (calls: number): boolean => troubles.length > 0 || calls >= 20_000;
    await inTurns(isWarned, (n) => stock.call('echo', { text: String(n) }, inGoodTime));
    expect(troubles[0]).toMatch(/^MaxListenersExceededWarning: /);
  });
});

describe('a signal that is aborted when the hundred calls that were made with it are over', unhurried, () => {
  test('cancels nothing', async () => {
    const stage = await FaultStage.withNeighbour();
    const server = await stage.fixture({ standby: 'refused' });
    const session = await stage.hold('done', server);
    const controller = new AbortController();
    for (let call = 0; call < 100; call += 1)
      await session.callTool('echo', { text: 'x' }, { signal: controller.signal });
    controller.abort();
    await session.callTool('echo', { text: 'next' });
    expect(await stage.manager.removeServer('done')).toBe(true);
    expect(await server.truth()).toMatchObject({ cancelled: [], requests: { 'POST tools/call': 101 } });
    await stage.close();
  });

  test('has the stock client tell the server of a hundred cancelled calls', async () => {
    const { server, stock } = await openStock({ standby: 'refused' });
    const controller = new AbortController();
    for (let call = 0; call < 100; call += 1)
      await stock.call('echo', { text: 'x' }, { ...inGoodTime, signal: controller.signal });
    controller.abort();
    await expectSoon(async () => (await server.truth()).cancelled.length).toBe(100);
  });
});

describe('fifty calls that a server turns away (503)', unhurried, () => {
  test('are all still known to the stock client', async () => {
    const { stock } = await openStock({
      standby: 'refused',
      faults: [{ on: 'tools/call', do: 'status', status: 503 }],
    });
    for (let call = 0; call < 50; call += 1)
      await expect(stock.call('echo', { text: 'x' }, inGoodTime)).rejects.toMatchObject({ code: 503 });
    expect(Reflect.get(stock.client, '_responseHandlers')).toHaveProperty('size', 50);
  });
});
