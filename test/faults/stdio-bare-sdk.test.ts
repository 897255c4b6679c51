import { join } from 'node:path';
import { afterEach, describe, expect, test } from 'vitest';
import { askPids, failureOf, unhurried } from '../e2e/stage.ts';
import { eventually } from '../support/eventually.ts';
import { isRunning } from '../support/processes.ts';
import { fateOf, inGoodTime, soon, StockStdioClient, timedOut } from '../support/stock-stdio-client.ts';
import { NeighbourStage, patience, unchecked } from './neighbour-stage.ts';

const closed = { code: -32_000 };
const stocks: StockStdioClient[] = [];

function owned(stock: StockStdioClient): StockStdioClient {
  stocks.push(stock);
  return stock;
}

afterEach(async () => {
  for (const stock of stocks.splice(0)) await stock.kill();
});

/** Says what these faults do to the client that is the measure: each is one that holdfast has an answer to. */
describe('the stock SDK client over stdio', unhurried, () => {
  test('is of no more use once its program was missing', async () => {
    const stage = await NeighbourStage.open();
    const stock = owned(new StockStdioClient('/nonexistent', []));
    await expect(stock.connect()).rejects.toMatchObject({ code: 'ENOENT' });
    await expect(stock.client.connect(StockStdioClient.server().transport, inGoodTime)).rejects.toThrow(
      'Already connected',
    );
    await stage.close();
  });

  test('does not say how its server ended, nor what that said last', async () => {
    const stage = await NeighbourStage.open();
    const error = await owned(StockStdioClient.server('exit-init'))
      .connect()
      .catch((reason: unknown) => reason);
    expect({ ...(error as object) }).toEqual({ name: 'McpError', data: undefined, ...closed });
    expect((error as Error).message).toBe('MCP error -32000: Connection closed');
    await stage.close();
  });

  test('never notices that its server was killed while a grandchild holds the pipe', async () => {
    const stage = await NeighbourStage.open();
    const stock = await owned(StockStdioClient.server('grandchild')).connect();
    const ours = await stage.add('ours', stage.server('ours', 'grandchild'), unchecked);
    const stockPids = await stock.pids();
    const { pid } = await askPids(ours);
    const theirs = fateOf(stock.call('sleep', { ms: 600_000 }));
    const call = failureOf(ours.callTool('sleep', { ms: 600_000 }));
    for (const victim of [stockPids.pid, pid]) process.kill(victim, 'SIGKILL');
    expect(await call).toMatchObject({ code: 'OUTCOME_UNKNOWN' });
    await stage.reaches('ours', 'connected.healthy', 2);
    const grandchild = stockPids.grandchild ?? 0;
    expect([theirs.state, stock.closes, isRunning(grandchild)]).toEqual(['pending', 0, true]);
    process.kill(grandchild, 'SIGKILL');
    await eventually(() => theirs.state === 'settled', patience);
    await stage.close();
  });

  test('leaves a grandchild behind, and the server behind a shell, when it is closed', async () => {
    const stage = await NeighbourStage.open();
    const forking = owned(StockStdioClient.server('grandchild'));
    const script = join(import.meta.dirname, '..', 'fixtures', 'stdio-server.mjs');
    const behindShell = ['-c', '"$0" "$@"; true', process.execPath, script, 'fault=ignore-term'];
    const wrapped = owned(new StockStdioClient('/bin/sh', behindShell));
    await Promise.all([forking.connect(), wrapped.connect()]);
    const { grandchild } = await forking.pids();
    const { pid } = await wrapped.pids();
    const shell = wrapped.transport.pid ?? 0;
    const closing = Promise.all([forking.client.close(), wrapped.client.close()]);
    await eventually(() => !isRunning(shell), patience);
    expect([isRunning(grandchild ?? 0), isRunning(pid), forking.closes]).toEqual([true, true, 0]);
    for (const left of [grandchild ?? 0, pid]) process.kill(left, 'SIGKILL');
    await closing;
    await eventually(() => forking.closes === 1, patience);
    await stage.close();
  });

  test('loses its session to a message of 11 MB', async () => {
    const stage = await NeighbourStage.open();
    const stock = await owned(StockStdioClient.ruleBreaker('', join(stage.directory, 'stock.log'))).connect();
    await expect(stock.call('large', { mb: 11 })).rejects.toMatchObject(closed);
    expect(stock.closes).toBe(1);
    await stage.close();
  });

  test('is never connected to a server that says more on stderr than a pipe holds, if nobody reads that', async () => {
    const stage = await NeighbourStage.open();
    const script = join(import.meta.dirname, '..', 'fixtures', 'stdio-server.mjs');
    const stock = owned(new StockStdioClient(process.execPath, [script, 'fault=stderr-flood=2'], 'pipe'));
    await expect(stock.connect(soon)).rejects.toMatchObject(timedOut);
    await stage.close();
  });

  test('keeps all that a server does not read, and never settles a notification to it', async () => {
    const stage = await NeighbourStage.open();
    const stock = await owned(StockStdioClient.ruleBreaker('', join(stage.directory, 'stock.log'))).connect();
    await expect(stock.call('deaf', {}, soon)).rejects.toMatchObject(timedOut);
    const calls = Array.from({ length: 3 }, () => stock.call('echo', { text: 'x'.repeat(8 * 2 ** 20) }, soon));
    const news = { method: 'notifications/cancelled', params: { requestId: 0 } } as const;
    const notice = fateOf(stock.client.notification(news));
    for (const call of calls) await expect(call).rejects.toMatchObject(timedOut);
    const { stdin } = Reflect.get(stock.transport, '_process') as { stdin: { writableLength: number } };
    expect(stdin.writableLength).toBeGreaterThan(23 * 2 ** 20);
    expect(notice.state).toBe('pending');
    await stage.close();
  });
});
