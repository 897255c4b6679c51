import { afterEach, describe, expect, it } from 'vitest';
import type { ServerRequestHandlers } from '../../../src/link/link.ts';
import type { HttpTarget } from '../../../src/link/target.ts';
import { eventually } from '../../support/eventually.ts';
import { Owner } from '../sdk/owner.ts';
import { answerStatus } from './lean-server.ts';
import type { Asked } from './lean-server.ts';
import { serve, targetOf } from './rig.ts';
import { ENDPOINT, expectNothingLeft, failureOf, SseServer } from './sse-rig.ts';
import { SseSdkServer } from './sse-sdk-server.ts';

expectNothingLeft();

const owners: Owner[] = [];
const servers: SseSdkServer[] = [];
afterEach(async () => {
  for (const { link } of owners.splice(0)) await link.close('kill');
  for (const server of servers.splice(0)) await server.stop();
});

async function sdkServer(): Promise<SseSdkServer> {
  const server = await SseSdkServer.start();
  servers.push(server);
  return server;
}

function open(url: string, mode: HttpTarget['mode'], handlers?: ServerRequestHandlers): Owner {
  const owner = new Owner(targetOf(url, { mode }), handlers && { handlers });
  owners.push(owner);
  return owner;
}

describe.each(['sse', 'auto'] as const)('a link to a server of the SDK over HTTP+SSE, in mode %s', (mode) => {
  it('opens, calls, hears, answers what the server asks, and closes on both sides', async () => {
    const server = await sdkServer();
    const elicit = () => Promise.resolve({ action: 'accept', content: {} });
    const owner = await open(server.url, mode, { elicit }).opened();
    const { mcp } = server.session;
    expect(await owner.call('tools/call', { name: 'greet', arguments: {} })).toEqual({
      content: [{ type: 'text', text: 'hello' }],
    });
    expect(await owner.call('tools/call', { name: 'ask', arguments: {} })).toEqual({
      content: [{ type: 'text', text: 'accept' }],
    });
    await owner.probe();
    await mcp.server.sendLoggingMessage({ level: 'info', data: 'noted' });
    await owner.first('notice');
    await owner.link.close('graceful');
    expect(owner.types).toEqual(['opened', 'asking', 'asking', 'notice', 'down']);
    expect(owner.events[0]).toMatchObject({
      facts: { info: { name: 'older' }, protocolVersion: '2025-11-25', pid: null },
    });
    await eventually(() => server.sessions.size === 0);
    expect(server.requests.slice(0, 2)).toEqual(
      mode === 'sse' ? ['GET /sse', 'POST /messages'] : ['POST /sse', 'GET /sse'],
    );
  });

  it('goes down with its stream, once, and what was in flight is of unknown outcome', async () => {
    const server = await sdkServer();
    const owner = await open(server.url, mode).opened();
    const inFlight = failureOf(owner.call('tools/call', { name: 'wait', arguments: {} }));
    await eventually(() => server.requests.filter((request) => request === 'POST /messages').length === 3);
    server.session.response.end();
    expect(await owner.first('down')).toMatchObject({ fault: { kind: 'transport', code: 'stream-ended' } });
    expect(await inFlight).toMatchObject({ kind: 'link', sent: true, fault: { code: 'stream-ended' } });
    expect(await failureOf(owner.call('tools/list'))).toMatchObject({ kind: 'link', sent: false });
    expect(owner.types.filter((type) => type === 'down')).toHaveLength(1);
    await owner.link.close('graceful');
    expect(server.requests.filter((request) => request === 'GET /sse')).toHaveLength(1);
  });

  it('whose session the server has forgotten is down as session-lost, and the call was refused: it may be sent again', async () => {
    const server = await sdkServer();
    const owner = await open(server.url, mode).opened();
    const { response } = server.session;
    server.sessions.clear();
    expect(await failureOf(owner.call('tools/call', { name: 'greet', arguments: {} }))).toMatchObject({
      kind: 'refused',
      sent: true,
      fault: { kind: 'session-lost', code: 'http:404' },
    });
    expect(await owner.first('down')).toMatchObject({ fault: { kind: 'session-lost', code: 'http:404' } });
    expect(response.writableEnded).toBe(false);
  });

  it('tells the server when a call is cancelled', async () => {
    const server = await sdkServer();
    const owner = await open(server.url, mode).opened();
    const call = owner.ask('tools/call', { name: 'wait' });
    const posts = () => server.requests.filter((request) => request === 'POST /messages').length;
    await eventually(() => posts() === 3);
    call.cancel();
    expect(await failureOf(call.answer)).toEqual({ kind: 'aborted', sent: true });
    await eventually(() => posts() === 4);
    expect(await owner.call('ping')).toEqual({});
  });
});

describe('mode auto', () => {
  it('does not try the older transport on a server that speaks the newer one', async () => {
    const server = await serve();
    await open(server.url, 'auto').opened();
    expect(server.received[0]).toMatchObject({ verb: 'POST', message: { method: 'initialize' } });
    expect(server.gets.every(({ headers }) => headers['mcp-session-id'] !== undefined)).toBe(true);
  });

  it('tells what the newer transport met with when the server speaks neither', async () => {
    const server = await serve({ post: { initialize: answerStatus(405) }, get: answerStatus(500) });
    expect(await open(server.url, 'auto').first('down')).toMatchObject({ fault: { code: 'http:405' } });
    expect(server.received.map(({ verb }) => verb)).toEqual(['POST', 'GET']);
  });
});

describe('mode auto, when the older transport wants credentials', () => {
  it.each([
    ['for its stream', { get: answerStatus(401), post: { initialize: answerStatus(405) } }],
    [
      'for the first message',
      {
        post: {
          initialize: (asked: Asked): unknown => answerStatus(asked.path === ENDPOINT ? 401 : 405)(asked),
        },
      },
    ],
  ])('%s: that is what is told', async (_, script) => {
    const server = await SseServer.start(script);
    expect(await open(server.url, 'auto').first('down')).toMatchObject({ fault: { kind: 'auth', code: 'http:401' } });
  });
});

describe('mode streamable-http', () => {
  it('does not try the older transport', async () => {
    const server = await sdkServer();
    expect(await open(server.url, 'streamable-http').first('down')).toMatchObject({ fault: { code: 'http:404' } });
    expect(server.requests).toEqual(['POST /sse']);
  });
});
