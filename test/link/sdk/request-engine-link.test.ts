import { fileURLToPath } from 'node:url';
import { afterEach, describe, expect, it } from 'vitest';
import type { LinkTarget } from '../../../src/link/target.ts';
import { serveMcp } from '../../support/web-socket-mcp.ts';
import { stopWebSocketServers, WebSocketServer } from '../../support/web-socket-server.ts';
import { LeanServer } from '../http/lean-server.ts';
import { targetOf } from '../http/rig.ts';
import { expectNothingLeft, failureOf, flush, Owner } from './owner.ts';
import { ScriptedTransport } from './scripted-transport.ts';
import type { WireMessage } from './scripted-transport.ts';

const FIXTURE = fileURLToPath(new URL('../../fixtures/stdio-server.mjs', import.meta.url));
const CLOSED = { kind: 'closed', code: 'closed', message: 'The link was closed by its owner.' };

const httpServers: LeanServer[] = [];

afterEach(async () => {
  for (const server of httpServers.splice(0)) await server.stop();
  await stopWebSocketServers();
});

function stdio(fault = 'ok'): LinkTarget {
  const args = [FIXTURE, `fault=${fault}`];
  return { kind: 'stdio', command: process.execPath, args, cwd: undefined, env: {}, inheritEnv: false };
}

async function serveHttp(): Promise<LeanServer> {
  const server = await LeanServer.start();
  httpServers.push(server);
  return server;
}

async function openScripted(): Promise<{ owner: Owner; transport: ScriptedTransport }> {
  const transport = new ScriptedTransport();
  const owner = await new Owner({ kind: 'once', transport }).opened();
  return { owner, transport };
}

describe('our requests beside the SDK’s own', () => {
  expectNothingLeft();

  it('have ids of their own from 1 000 000 000 on, and an answer to the SDK’s settles none of them', async () => {
    const { owner, transport } = await openScripted();
    const calls = [owner.ask('tools/list'), owner.ask('prompts/list'), owner.link.probe()];
    expect(transport.sent.map(({ id, method }) => [method, id])).toEqual([
      ['initialize', 0],
      ['notifications/initialized', undefined],
      ['tools/list', 1_000_000_000],
      ['prompts/list', 1_000_000_001],
      ['ping', 1_000_000_002],
    ]);
    for (const id of [0, 1, 2, '0', 999_999_999]) transport.answer(id, { for: 'nobody' });
    await flush();
    transport.answer('1000000000', { n: 1 });
    transport.answer(1_000_000_001, { n: 2 });
    transport.answer(1_000_000_002);
    expect(await Promise.all(calls.map(({ answer }) => answer))).toEqual([{ n: 1 }, { n: 2 }, undefined]);
    await owner.link.close('graceful');
    expect(owner.types).toEqual(['opened', 'down']);
  });

  it.each<[string, Partial<WireMessage>]>([
    ['a result', { result: { secret: 'payload' } }],
    ['an error', { error: { code: -32000, message: 'secret payload' } }],
    ['nonsense', { result: 'secret payload' }],
  ])('never let %s that comes late, or again, through to the SDK, which would complain of it', async (_what, body) => {
    const { owner, transport } = await openScripted();
    const [answered, cancelled, other] = ['a', 'b', 'c'].map((method) => owner.ask(method));
    transport.answer(1_000_000_000, { n: 1 });
    cancelled?.cancel();
    const aborted = failureOf(cancelled?.answer ?? Promise.resolve());
    for (const id of [1_000_000_000, '1000000000', 1_000_000_001]) transport.receive({ jsonrpc: '2.0', id, ...body });
    await flush();
    expect([await answered?.answer, await aborted, owner.types]).toEqual([
      { n: 1 },
      { kind: 'aborted', sent: true },
      ['opened'],
    ]);
    transport.answer(1_000_000_002, { n: 3 });
    expect(await other?.answer).toEqual({ n: 3 });
    await owner.link.close('graceful');
  });
});

describe('params that have no JSON form', () => {
  expectNothingLeft();

  const cycle: Record<string, unknown> = {};
  cycle['self'] = cycle;
  const hostile: [what: string, params: Record<string, unknown>][] = [
    ['a cycle', cycle],
    ['a bigint', { n: 1n }],
    [
      'a getter that throws',
      {
        get name(): string {
          throw new Error('bite');
        },
      },
    ],
    [
      'a toJSON that throws',
      {
        deep: {
          toJSON: () => {
            throw new Error('bite');
          },
        },
      },
    ],
  ];
  it.each<[string, () => Promise<LinkTarget>]>([
    ['stdio', () => Promise.resolve(stdio())],
    ['HTTP', async () => targetOf((await serveHttp()).url)],
    [
      'a WebSocket',
      async () => {
        const { url } = await WebSocketServer.start({ onConnection: (connection) => void serveMcp(connection) });
        return { kind: 'webSocket', url, headers: {} };
      },
    ],
  ])('fail over %s as a LinkError, provably unsent, and the link stands', async (_over, target) => {
    const owner = await new Owner(await target()).opened();
    const unsent = { kind: 'link', sent: false, fault: { kind: 'internal', code: 'not-json' } };
    for (const [what, params] of hostile) {
      const failures = [
        failureOf(owner.call('tools/call', params)),
        failureOf(owner.ask('tools/call', params, { onProgress: () => undefined }).answer),
        failureOf(owner.link.notify('notifications/x', params)),
      ];
      expect([what, ...(await Promise.all(failures))]).toMatchObject([what, unsent, unsent, unsent]);
    }
    await owner.probe();
    await owner.link.close('kill');
    expect(owner.types.filter((type) => type !== 'stderr' && type !== 'spawned')).toEqual(['opened', 'down']);
  });

  it('fail as possibly sent on a transport of the caller’s, which alone knows what it has written', async () => {
    const { owner, transport } = await openScripted();
    transport.send = (message) => {
      JSON.stringify(message);
      return Promise.resolve();
    };
    expect(await failureOf(owner.call('tools/call', cycle))).toMatchObject({ kind: 'link', sent: true });
    expect(owner.link.isOpen).toBe(true);
    await owner.link.close('kill');
  });
});

describe('a call that is settled while its transport is not ready to write it', () => {
  expectNothingLeft();

  it('is never posted by one that still waits for its token', async () => {
    const server = await serveHttp();
    let token: () => Promise<string> = () => Promise.resolve('first');
    const auth = { token: () => token() };
    const owner = await new Owner(targetOf(server.url, { auth })).opened();
    let release: (token: string) => void = () => undefined;
    const late = new Promise<string>((resolve) => (release = resolve));
    token = () => late;
    const cancelled = owner.ask('tools/call', { name: 'cancelled' });
    const kept = owner.call('tools/call', { name: 'kept' });
    await flush();
    cancelled.cancel();
    expect(await failureOf(cancelled.answer)).toEqual({ kind: 'aborted', sent: false });
    release('second');
    await kept;
    token = () => new Promise(() => undefined);
    const cutOff = failureOf(owner.call('tools/call', { name: 'cut off' }));
    await flush();
    await owner.link.close('kill');
    expect(await cutOff).toEqual({ kind: 'link', sent: false, fault: CLOSED });
    expect(server.methods).toEqual(['initialize', 'notifications/initialized', 'tools/call']);
    expect(server.posts.at(-1)?.message.params).toEqual({ name: 'kept' });
  });

  it('is provably unsent behind a full pipe when the link ends', async () => {
    const owner = await new Owner(stdio('stop-reading')).opened();
    const big = failureOf(owner.call('tools/call', { text: 'x'.repeat(2_000_000) }));
    const behind = failureOf(owner.call('tools/call', { name: 'behind' }));
    await owner.link.close('kill');
    expect(await Promise.all([big, behind])).toEqual([
      { kind: 'link', sent: true, fault: CLOSED },
      { kind: 'link', sent: false, fault: CLOSED },
    ]);
  });
});
