import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { isHoldfastError, type Session } from '../../src/index.ts';
import { checkedOften, unchecked } from '../e2e/remote-stage.ts';
import { firstConnection, unhurried } from '../e2e/stage.ts';
import { eventually } from '../support/eventually.ts';
import { HttpFixture } from '../support/http-fixture.ts';
import type { TcpProxy } from '../support/tcp-proxy.ts';
import { FaultStage } from './fault-stage.ts';

const status = (code: number, rest: object = {}): object => ({ do: 'status', status: code, ...rest });
const json = { type: 'application/json' };

/** What a server does to each call of a tool. */
const calls = [
  ['does not answer', { do: 'hang' }],
  ['opens an event stream with nothing on it', { do: 'silence' }],
  ['sends headers without end', { do: 'dawdle', everyMs: 2 }],
  ['sends an answer byte by byte', { do: 'drip', everyMs: 2 }],
  ['sends an error without end', { do: 'endless', status: 500 }],
  ['sends JSON without end', { do: 'endless', status: 200, ...json }],
  ['sends an event without end', { do: 'endless', status: 200, type: 'text/event-stream' }],
  ['sends a bomb of JSON', { do: 'bomb', type: 'json', mb: 64 }],
  ['sends a bomb of events', { do: 'bomb', type: 'sse', mb: 64 }],
  ['resets the connection', { do: 'cut', how: 'rst', at: 'headers' }],
  ['breaks off in the middle of the answer', { do: 'cut', how: 'fin', at: 20 }],
  ['answers with a page', status(200, { body: '<html>' })],
  ['answers with half of the JSON', status(200, { body: '{"jsonrpc":', ...json })],
  ['answers with nothing', status(202)],
  ['answers to somebody else', status(200, { body: { jsonrpc: '2.0', id: 'x', result: {} } })],
  ['answers with what is no result', { do: 'utter', messages: [{ jsonrpc: '2.0', id: '$id', result: 'done' }] }],
  ['redirects', status(307, { headers: { location: '/elsewhere' } })],
  ['says 400', status(400)],
  ['says 401', status(401)],
  ['says 403', status(403)],
  ['says 404', status(404)],
  ['says 429', status(429, { headers: { 'retry-after': '60' } })],
  ['says 500', status(500)],
  ['says 503', status(503, { headers: { 'retry-after': '60' } })],
] as const;

interface Scene {
  readonly stage: FaultStage;
  readonly server: HttpFixture;
  readonly proxy: TcpProxy;
  readonly session: Session;
}

/** The session is there again, in whatever generation. */
function renewed(session: Session): Promise<boolean> {
  return eventually(() => session.info.generation > 1 && session.state === 'healthy', { timeoutMs: 60_000 });
}

/** What happens to a server, or between it and us, until it shows. */
const events: readonly (readonly [string, (scene: Scene) => Promise<unknown>])[] = [
  [
    'is stopped (SIGSTOP)',
    async ({ stage, server }) => [server.stop(), await stage.reaches('faulty', 'connected.degraded')],
  ],
  ['is killed', async ({ stage, server }) => [await server.kill(), await stage.retries('faulty', 1)]],
  ['is restarted', async ({ server, session }) => [await server.restart(), await renewed(session)]],
  [
    'forgets its sessions',
    async ({ server, session }) => [await server.order({ forget: true }), await renewed(session)],
  ],
  [
    'cannot be reached',
    async ({ stage, proxy }) => [proxy.pass('neither'), await stage.reaches('faulty', 'connected.degraded')],
  ],
  [
    'wants a token',
    async ({ stage, server }) => [
      await server.set({ auth: { tokens: ['other'] } }),
      await stage.reaches('faulty', 'disconnected.parked.auth'),
    ],
  ],
  [
    'is away behind a proxy that says 502',
    async ({ stage, server }) => [
      await server.set({ window: { status: 502 } }),
      await stage.reaches('faulty', 'connected.degraded'),
    ],
  ],
  [
    'drops its standby stream as often as that is opened',
    async ({ server }) => {
      for (let round = 0; round < 2; round += 1) {
        await server.order({ dropStandby: 'rst' });
        await eventually(async () => (await server.truth()).gets.length > round + 1, { timeoutMs: 60_000 });
      }
    },
  ],
  [
    'has more to tell than anybody wants to hear',
    async ({ stage, server }) => {
      const message = { method: 'notifications/message', params: { level: 'info', data: 'x' } };
      await server.set({ faults: [{ on: 'GET', times: 1, do: 'flood', message, count: 5_000 }] });
      await server.order({ dropStandby: 'end' });
      await eventually(() => stage.linkStory('faulty').filter((line) => line.includes('notice')).length >= 5_000, {
        timeoutMs: 60_000,
      });
    },
  ],
];

describe('a server that answers every call as it should', unhurried, () => {
  /** One server for whatever is done to calls: each test holds it anew. */
  const faulty = new HttpFixture({ standby: 'refused' });

  beforeAll(() => faulty.start());
  afterAll(() => faulty.kill());

  test.each(calls)('notices nothing of another of the same manager that %s when it is called', async (_what, fault) => {
    const stage = await FaultStage.withNeighbour();
    await faulty.set({ faults: [{ on: 'tools/call', ...fault }] });
    const session = await stage.hold('faulty', faulty, { ...unchecked, callTimeoutMs: 400 });
    const failing = Promise.allSettled(
      Array.from({ length: 8 }, (_, n) => session.callTool('echo', { text: String(n) })),
    );
    for (let call = 0; call < 8; call += 1) await stage.neighbourAnswers();
    for (const settled of await failing)
      expect(settled.status === 'rejected' && isHoldfastError(settled.reason)).toBe(true);
    await stage.close();
  });

  test.each(events)('notices nothing of another of the same manager that %s', async (_what, happens) => {
    const stage = await FaultStage.withNeighbour();
    const server = await stage.fixture({ retry: 10 });
    const proxy = await stage.proxy(server);
    const session = await stage.hold('faulty', proxy, checkedOften);
    await server.holdsStandby();
    const happening = happens({ stage, server, proxy, session });
    for (let call = 0; call < 8; call += 1) await stage.neighbourAnswers();
    await happening;
    const told = [...stage.story('faulty'), ...stage.linkStory('faulty')];
    expect(told.length).toBeGreaterThan(firstConnection.length + 1);
    await stage.close({ drainMs: 0 });
  });
});
