import { afterEach, describe, expect, test, vi } from 'vitest';
import { failureOf, firstConnection, textOf, unhurried } from '../e2e/stage.ts';
import { eventually } from '../support/eventually.ts';
import type { HttpTruth } from '../support/http-fixture.ts';
import { StockClient } from '../support/stock-http-client.ts';
import { FaultStage } from './fault-stage.ts';

const soon = { timeoutMs: 300 };
const timedOut = { code: 'CALL_TIMEOUT', outcome: 'unknown', generation: 1, timeoutMs: soon.timeoutMs };

const unfinished = [
  { what: 'no byte', fault: { do: 'hang' } },
  { what: 'headers without end', fault: { do: 'dawdle', everyMs: 5 } },
  { what: 'a JSON body, byte by byte', fault: { do: 'drip', everyMs: 50 } },
  { what: 'an event stream with nothing on it', fault: { do: 'silence' } },
  { what: 'an event stream with comments that keep it alive', fault: { do: 'murmur', everyMs: 5 } },
];

afterEach(() => {
  vi.useRealTimers();
});

/** How many of these requests are over, whatever came of them: none of them holds a connection any more. */
function overOf({ statuses }: HttpTruth, label: string): number {
  return Object.entries(statuses).reduce((sum, [name, times]) => sum + (name.startsWith(label) ? times : 0), 0);
}

describe('a call that is answered with', unhurried, () => {
  test.each(unfinished)('$what times out; its connection is closed, and the server is told', async ({ fault }) => {
    const stage = await FaultStage.withNeighbour();
    const server = await stage.fixture({ standby: 'refused', faults: [{ on: 'tools/call', times: 1, ...fault }] });
    const session = await stage.hold('unfinished', server);
    const call = failureOf(session.callTool('echo', { text: 'anyone?' }, soon));
    await stage.neighbourAnswers();
    expect(await call).toMatchObject(timedOut);
    expect(await textOf(session.callTool('echo', { text: 'next' }))).toBe('next');
    await eventually(async () => (await server.truth()).cancelled.length === 1, { timeoutMs: 60_000 });
    await eventually(async () => overOf(await server.truth(), 'POST tools/call') === 2, { timeoutMs: 60_000 });
    expect(stage.story('unfinished').slice(0, firstConnection.length + 1)).toEqual([
      ...firstConnection,
      '1 connected.degraded',
    ]);
    expect(stage.linkStory('unfinished')).toEqual(['1 opened']);
    expect(server.executions()).toEqual(['echo {"text":"next"}']);
    await stage.close();
  });
});

describe('fifty calls that nobody answers', unhurried, () => {
  const tags = Array.from({ length: 50 }, (_, n) => String(n));

  test('leave no connection behind once they have timed out', async () => {
    const stage = await FaultStage.withNeighbour();
    const server = await stage.fixture({ standby: 'refused', faults: [{ on: 'tools/call', do: 'hang' }] });
    const session = await stage.hold('unfinished', server);
    const calls = tags.map((text) => failureOf(session.callTool('echo', { text }, soon)));
    for (const failure of await Promise.all(calls)) expect(failure).toMatchObject({ code: 'CALL_TIMEOUT' });
    await eventually(async () => overOf(await server.truth(), 'POST tools/call') === 50, { timeoutMs: 60_000 });
    await stage.close();
    // The one that asks.
    await eventually(async () => (await server.truth()).connections.open === 1, { timeoutMs: 60_000 });
  });

  test('keep a connection each when they are made by the stock client, long after they have timed out', async () => {
    const stage = await FaultStage.withNeighbour();
    const server = await stage.fixture({ standby: 'refused', faults: [{ on: 'tools/call', do: 'hang' }] });
    const stock = new StockClient(server.url);
    await stock.connect();
    const calls = await Promise.allSettled(tags.map((text) => stock.call('echo', { text }, { timeout: 300 })));
    expect(calls.map(({ status }) => status)).toEqual(tags.map(() => 'rejected'));
    // A whole request later.
    await stock.client.ping();
    expect(overOf(await server.truth(), 'POST tools/call')).toBe(0);
    expect((await server.truth()).connections.open).toBeGreaterThan(50);
    await stock.client.close();
    await stage.close();
  });
});

describe('six minutes of silence', unhurried, () => {
  test('on the reply to a call that may take that long, and on the standby stream, end neither', async () => {
    vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'], shouldAdvanceTime: true });
    const stage = await FaultStage.withNeighbour();
    const server = await stage.fixture({ replies: 'sse' });
    const session = await stage.hold('slow', server);
    await server.holdsStandby();
    const call = session.callTool('hold', { tag: 'x' }, { timeoutMs: 3_000_000, maxTimeoutMs: 3_000_000 });
    await server.executed('hold {"tag":"x"}');
    await vi.advanceTimersByTimeAsync(360_000);
    await server.order({ release: 'x' });
    expect(await textOf(call)).toBe('released x');
    expect((await server.truth()).gets).toHaveLength(1);
    expect(stage.story('slow')).toEqual(firstConnection);
    await stage.close();
  });
});
