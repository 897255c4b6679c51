import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { startLeakCheck, type LeakCheck } from '../../src/testing/index.ts';
import { eventually } from '../support/eventually.ts';
import { EverythingOverHttp, HttpFixture, type HttpSettings } from '../support/http-fixture.ts';
import { inGoodTime, StockClient } from '../support/stock-http-client.ts';
import { TcpProxy } from '../support/tcp-proxy.ts';
import { unhurried } from './stage.ts';

/** For what gets no answer however long one waits. */
const soon = { timeout: 300 };
const timedOut = { code: -32001 };

/** Says what these faults do to the client that is the measure: each is one that holdfast has an answer to. */
describe('the stock SDK client', unhurried, () => {
  let leaks: LeakCheck;
  let directory: string;
  let server: HttpFixture | EverythingOverHttp;
  const proxies: TcpProxy[] = [];
  const stocks: StockClient[] = [];

  beforeEach(() => {
    leaks = startLeakCheck({ settleMs: 10_000 });
    directory = mkdtempSync(join(tmpdir(), 'holdfast-bare-'));
  });

  afterEach(async () => {
    for (const { client } of stocks.splice(0)) await client.close();
    await server.kill();
    for (const proxy of proxies.splice(0)) proxy.close();
    rmSync(directory, { recursive: true });
    await leaks.verify();
  });

  function stockOf(url: string): StockClient {
    const stock = new StockClient(url);
    stocks.push(stock);
    return stock;
  }

  async function serve(settings: HttpSettings): Promise<HttpFixture> {
    const fixture = await new HttpFixture({ log: join(directory, 'log'), ...settings }).start();
    server = fixture;
    return fixture;
  }

  test('never initialises again after a restart: 404 for ever, under the old session id, and no word of it', async () => {
    const fixture = await serve({ standby: 'refused' });
    const stock = stockOf(fixture.url);
    await stock.connect();
    const { sessionId } = stock.transport;
    await fixture.restart();
    for (let round = 0; round < 3; round += 1)
      await expect(stock.call('echo', { text: 'hi' }, inGoodTime)).rejects.toMatchObject({ code: 404 });
    expect(stock.transport.sessionId).toBe(sessionId);
    expect((await fixture.truth()).statuses).toEqual({ 'POST tools/call 404': 3 });
    expect(stock.closes).toBe(0);
  });

  test('never comes back to server-everything either, which says 400', async () => {
    const everything = await new EverythingOverHttp().start();
    server = everything;
    const stock = stockOf(everything.url);
    await stock.connect();
    await everything.restart();
    for (let round = 0; round < 3; round += 1)
      await expect(stock.call('echo', { message: 'hi' }, inGoodTime)).rejects.toMatchObject({ code: 400 });
    expect(stock.closes).toBe(0);
  });

  test.each(['rst', 'fin', 'end'])('waits for its timeout when the reply leg of a call is lost (%s)', async (how) => {
    const fixture = await serve({
      replies: 'sse',
      standby: 'refused',
      faults: [{ on: 'tools/call', do: 'cut', how, at: 'answer' }],
    });
    const stock = stockOf(fixture.url);
    await stock.connect();
    await expect(stock.call('echo', { text: 'once' }, soon)).rejects.toMatchObject(timedOut);
    expect(fixture.executions()).toEqual(['echo {"text":"once"}']);
    expect(stock.closes).toBe(0);
  });

  test('waits for its timeout when a request is accepted with 202', async () => {
    const fixture = await serve({ standby: 'refused', faults: [{ on: 'tools/call', do: 'status', status: 202 }] });
    const stock = stockOf(fixture.url);
    await stock.connect();
    await expect(stock.call('echo', {}, soon)).rejects.toMatchObject(timedOut);
    expect([stock.closes, stock.errors]).toEqual([0, []]);
  });

  test('opens the standby stream anew as fast as it can when a server says `retry: 0` and ends it', async () => {
    const fixture = await serve({ standby: { dropAfterMs: 0, how: 'end' }, eventIds: true, retry: 0 });
    const stock = stockOf(fixture.url);
    await stock.connect();
    await eventually(async () => (await fixture.truth()).gets.length > 200, { timeoutMs: 60_000 });
    expect(stock.errors).toEqual([]);
  });

  test('is never done with connecting when `notifications/initialized` is not answered, whatever its timeout', async () => {
    const fixture = await serve({
      standby: 'refused',
      faults: [{ on: 'notifications/initialized', do: 'hang' }],
    });
    const stock = stockOf(fixture.url);
    let settled = 'pending';
    const connecting = stock.connect(soon).then(
      () => (settled = 'resolved'),
      () => (settled = 'rejected'),
    );
    await eventually(async () => (await fixture.truth()).requests['POST notifications/initialized'] === 1);
    // Two whole timeouts of another request that began later.
    for (let round = 0; round < 2; round += 1)
      await expect(stock.call('sleep', { ms: 60_000 }, soon)).rejects.toMatchObject(timedOut);
    expect(settled).toBe('pending');
    await stock.client.close();
    await fixture.kill();
    await connecting;
  });

  test('is not told that a server is unreachable: each call finds it out by its own timeout', async () => {
    const fixture = await serve({});
    const proxy = await TcpProxy.open(fixture.port);
    proxies.push(proxy);
    const stock = stockOf(`http://127.0.0.1:${proxy.port}/mcp`);
    await stock.connect();
    proxy.pass('neither');
    for (let round = 0; round < 2; round += 1)
      await expect(stock.call('echo', { text: 'hi' }, soon)).rejects.toMatchObject(timedOut);
    expect([stock.closes, stock.errors]).toEqual([0, []]);
  });
});
