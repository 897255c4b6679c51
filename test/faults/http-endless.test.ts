import { describe, expect, test } from 'vitest';
import { failureOf, firstConnection, textOf, unhurried } from '../e2e/stage.ts';
import { eventually } from '../support/eventually.ts';
import { expectSoon } from '../support/expect-soon.ts';
import { StockClient } from '../support/stock-http-client.ts';
import type { TcpProxy } from '../support/tcp-proxy.ts';
import { FaultStage } from './fault-stage.ts';

const MB = 2 ** 20;
/** The most that one message may have. */
const capMb = 16;
const listChanged = { method: 'notifications/tools/list_changed' };

const taken = (proxy: TcpProxy): number => proxy.bytes.toClient / MB;

describe('an error whose body has no end', unhurried, () => {
  const endless = { on: 'tools/call', times: 1, do: 'endless', status: 500 };

  test('is left alone after a little of it: the call is of unknown outcome, and the connection is closed', async () => {
    const stage = await FaultStage.withNeighbour();
    const server = await stage.fixture({ standby: 'refused', faults: [endless] });
    const proxy = await stage.proxy(server);
    const session = await stage.hold('endless', proxy);
    const call = failureOf(session.callTool('echo', { text: 'hello' }));
    expect(await call).toMatchObject({ code: 'OUTCOME_UNKNOWN', outcome: 'unknown', generation: 1 });
    await eventually(async () => (await server.truth()).statuses['POST tools/call 500'] === 1, { timeoutMs: 60_000 });
    expect(await textOf(session.callTool('echo', { text: 'next' }))).toBe('next');
    expect(taken(proxy)).toBeLessThan(capMb);
    await stage.close();
  });

  test('is read by the stock client for as long as it comes, whatever its timeout', async () => {
    const stage = await FaultStage.withNeighbour();
    const server = await stage.fixture({ standby: 'refused', faults: [endless] });
    const proxy = await stage.proxy(server);
    const stock = new StockClient(`http://127.0.0.1:${proxy.port}/mcp`);
    await stock.connect();
    await expect(stock.call('echo', {}, { timeout: 200 })).rejects.toMatchObject({ code: -32001 });
    const timedOutAt = taken(proxy);
    await eventually(() => taken(proxy) > timedOutAt + 3 * capMb, { timeoutMs: 60_000 });
    await stock.client.close();
    await stage.close();
  });
});

describe('a standby stream', unhurried, () => {
  const gush = { on: 'GET', times: 1, do: 'gush', mb: 100 };

  test('with an event of 100 MB is cut off at the cap, reported, and opened again', async () => {
    const stage = await FaultStage.withNeighbour();
    const server = await stage.fixture({ retry: 10 });
    const proxy = await stage.proxy(server);
    const session = await stage.hold('gushing', proxy);
    await server.holdsStandby();
    await server.set({ faults: [gush] });
    await server.order({ dropStandby: 'end' });
    await expectSoon(async () => (await server.truth()).gets.length).toBe(3);
    await server.holdsStandby();
    await expectSoon(() => stage.story('gushing')).toEqual([
      ...firstConnection,
      '1 linkFault message-too-large',
      '1 check ok',
    ]);
    expect(taken(proxy)).toBeLessThan(100);
    expect(await textOf(session.callTool('echo', { text: 'next' }))).toBe('next');
    expect(session.info).toMatchObject({ state: 'healthy', generation: 1, failedHealthChecks: 0 });
    await stage.close();
  });

  test('with an event of 100 MB is taken in whole, and in silence, by the stock client', async () => {
    const stage = await FaultStage.withNeighbour();
    const server = await stage.fixture({ faults: [gush] });
    const proxy = await stage.proxy(server);
    const stock = new StockClient(`http://127.0.0.1:${proxy.port}/mcp`);
    await stock.connect();
    await eventually(() => taken(proxy) > 100, { timeoutMs: 60_000 });
    await stock.client.ping();
    expect((await server.truth()).open.standby).toBe(0);
    await stock.client.close();
    await stage.close();
  });

  test('that says twenty thousand times that the tools have changed costs a few lists, and no call', async () => {
    const stage = await FaultStage.withNeighbour();
    const server = await stage.fixture({
      faults: [{ on: 'GET', times: 1, do: 'flood', message: listChanged, count: 20_000 }],
    });
    const session = await stage.hold('noisy', server);
    const heard = (): number => stage.linkStory('noisy').filter((line) => line.includes('list_changed')).length;
    while (heard() < 20_000) {
      expect(await textOf(session.callTool('echo', { text: 'hello' }))).toBe('hello');
      await stage.neighbourAnswers();
    }
    expect((await server.truth()).requests['POST tools/list']).toBeLessThan(200);
    expect(stage.story('noisy')).toEqual(firstConnection);
    await stage.close();
  });
});
