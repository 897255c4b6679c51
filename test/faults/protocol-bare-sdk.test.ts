import { getEventListeners } from 'node:events';
import { join } from 'node:path';
import { afterEach, describe, expect, test, vi } from 'vitest';
import { errorOf, unhurried } from '../e2e/stage.ts';
import { fateOf, inGoodTime, StockStdioClient, timedOut } from '../support/stock-stdio-client.ts';
import { NeighbourStage, unchecked } from './neighbour-stage.ts';

const notThatSchema = { code: -32_602 };
const stocks: StockStdioClient[] = [];

const logOf = (stage: NeighbourStage): string => join(stage.directory, 'stock.log');

/** The server that breaks the protocol, held by the stock client. */
async function stockOf(stage: NeighbourStage, faults = ''): Promise<StockStdioClient> {
  const stock = StockStdioClient.ruleBreaker(faults, logOf(stage));
  stocks.push(stock);
  return stock.connect();
}

/** The longest time for which the event loop did not turn while this went on, in milliseconds. */
async function longestStallMs(during: () => Promise<unknown>): Promise<number> {
  let last = performance.now();
  let longest = 0;
  const look = (): void => {
    longest = Math.max(longest, performance.now() - last);
    last = performance.now();
  };
  const timer = setInterval(look, 5);
  await during();
  look();
  clearInterval(timer);
  return longest;
}

afterEach(async () => {
  vi.restoreAllMocks();
  for (const stock of stocks.splice(0)) await stock.kill();
});

/** Says what these faults do to the client that is the measure: each is one that holdfast has an answer to. */
describe('the stock SDK client and what a server promises of its tools', unhurried, () => {
  test('lists none of them when the schema of one makes no sense', async () => {
    const stage = await NeighbourStage.open();
    const stock = await stockOf(stage, 'uncompilable');
    await expect(stock.client.listTools()).rejects.toThrow('nowhere');
    await stage.close();
  });

  test('holds one to the schema of another that has the same `$id`', async () => {
    const stage = await NeighbourStage.open();
    const stock = await stockOf(stage, 'same-ids');
    await stock.client.listTools();
    await expect(stock.call('same-id-b')).rejects.toMatchObject(notThatSchema);
    await stage.close();
  });

  test('holds one to the schema that another server gave it before', async () => {
    const stage = await NeighbourStage.open();
    const stock = await stockOf(stage, 'shape=number');
    await stock.client.listTools();
    await stock.client.close();
    const other = StockStdioClient.ruleBreaker('shape=string', logOf(stage));
    await stock.client.connect(other.transport, inGoodTime);
    await expect(stock.call('shape')).rejects.toMatchObject(notThatSchema);
    await stage.close();
  });

  test('stands still, and the whole process with it, while it compiles schemas', async () => {
    const stage = await NeighbourStage.open();
    const faults = 'tools=300,schemas=300';
    const stock = await stockOf(stage, faults);
    const theirsMs = await longestStallMs(() => stock.client.listTools());
    const oursMs = await longestStallMs(() => stage.add('ours', stage.ruleBreaker('ours', faults), unchecked));
    expect(theirsMs / oursMs).toBeGreaterThan(2);
    await stage.close();
  });
});

describe('the stock SDK client and time', unhurried, () => {
  test('waits for as long as there is progress, unless it was told otherwise', async () => {
    const stage = await NeighbourStage.open();
    const stock = await stockOf(stage);
    const ours = await stage.add('ours', stage.ruleBreaker('ours'), unchecked);
    const onprogress = (): void => undefined;
    const theirs = fateOf(stock.call('progress', {}, { timeout: 1_000, resetTimeoutOnProgress: true, onprogress }));
    const limits = { timeoutMs: 1_000, maxTimeoutMs: 1_200 };
    expect(await errorOf(ours.callTool('progress', {}, limits))).toMatchObject({ code: 'CALL_TIMEOUT' });
    expect(theirs.state).toBe('pending');
    await stage.close();
  });

  test('takes a clock that is set forward for time that has passed', async () => {
    const stage = await NeighbourStage.open();
    const stock = await stockOf(stage);
    const now = Date.now.bind(Date);
    let seen = 0;
    const onprogress = (): void => {
      seen += 1;
      if (seen === 2) vi.spyOn(Date, 'now').mockImplementation(() => now() + 3_600_000);
    };
    const options = { timeout: 60_000, maxTotalTimeout: 600_000, resetTimeoutOnProgress: true, onprogress };
    await expect(stock.call('progress', {}, options)).rejects.toMatchObject(timedOut);
    // No update after the jump got as far as this.
    expect(seen).toBe(2);
    await stage.close();
  });

  test('listens to a signal for ever, and when it aborts cancels what was answered long before', async () => {
    const stage = await NeighbourStage.open();
    const stock = await stockOf(stage);
    const abort = new AbortController();
    const options = { ...inGoodTime, signal: abort.signal };
    for (let n = 0; n < 10; n += 1) await stock.call('echo', { text: `${n}` }, options);
    expect(getEventListeners(abort.signal, 'abort')).toHaveLength(10);
    abort.abort();
    await stock.client.ping();
    expect(stage.log('stock').filter((line) => line === 'read notifications/cancelled')).toHaveLength(10);
    await stage.close();
  });
});
