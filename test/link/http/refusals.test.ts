import { describe, expect, it } from 'vitest';
import { readRetryAfter } from '../../../src/link/http/http-status.ts';
import { failureOf } from '../sdk/owner.ts';
import { answerJson, answerStatus, drained } from './lean-server.ts';
import { client, expectNothingLeft, link, serve } from './rig.ts';

const JSON_TYPE = { 'content-type': 'application/json' };

describe('a call that is answered with a status', () => {
  expectNothingLeft();

  it.each([
    [302, 'refused', 'protocol'],
    [307, 'refused', 'protocol'],
    [402, 'link', 'protocol'],
    [405, 'refused', 'protocol'],
    [406, 'refused', 'protocol'],
    [408, 'link', 'timeout'],
    [413, 'refused', 'protocol'],
    [415, 'refused', 'protocol'],
    [418, 'link', 'protocol'],
    [429, 'refused', 'overload'],
    [500, 'link', 'transport'],
    [502, 'link', 'transport'],
    [503, 'link', 'transport'],
  ])('%i fails at once as %s with a fault of the kind %s, and the session goes on', async (status, kind, faultKind) => {
    const server = await serve({
      post: { 'tools/call': answerStatus(status, { location: 'http://127.0.0.1:9/' }, 'why') },
    });
    const rig = await client(server);
    expect(await failureOf(rig.request('tools/call'))).toMatchObject({
      kind,
      sent: true,
      fault: { kind: faultKind, code: `http:${status}` },
    });
    await rig.request('tools/list');
    expect([rig.faultCodes, rig.transport.isEnding]).toEqual([[], false]);
    expect(server.methods).toEqual(['initialize', 'notifications/initialized', 'tools/call', 'tools/list']);
  });

  it('403 is refused and leaves the session alone, for it is about this call', async () => {
    const server = await serve({ post: { 'tools/call': answerStatus(403) } });
    const rig = await client(server);
    expect(await failureOf(rig.request('tools/call'))).toMatchObject({
      kind: 'refused',
      fault: { kind: 'auth', code: 'http:403' },
    });
    expect(rig.transport.isEnding).toBe(false);
  });

  it('429 and 503 say how long to wait, in seconds or as a date', async () => {
    const server = await serve({
      post: {
        'tools/call': answerStatus(429, { 'retry-after': '7' }),
        'prompts/get': answerStatus(503, { 'retry-after': new Date(Date.now() + 60_000).toUTCString() }),
      },
    });
    const rig = await client(server);
    expect(await failureOf(rig.request('tools/call'))).toMatchObject({
      fault: { kind: 'overload', retryAfterMs: 7000 },
    });
    const failure = await failureOf(rig.request('prompts/get'));
    if (failure.kind !== 'link') throw new Error(failure.kind);
    expect(failure.fault.kind).toBe('overload');
    expect(failure.fault.retryAfterMs).toBeGreaterThan(30_000);
    expect(failure.fault.retryAfterMs).toBeLessThanOrEqual(60_000);
  });

  it('believes no wait over five minutes and nothing that is neither a number nor a date', () => {
    const nowMs = Date.parse('2026-11-22T10:00:00Z');
    expect(
      [
        '0',
        '5',
        '86400',
        'Sun, 22 Nov 2026 10:00:30 GMT',
        'Sun, 22 Nov 2026 09:00:00 GMT',
        '-1',
        '1.5',
        'soon',
        '',
      ].map((value) => readRetryAfter(value, nowMs)),
    ).toEqual([0, 5000, 300_000, 30_000, 0, null, null, null, null]);
  });

  it('4xx with a JSON-RPC error for it, or for nobody, is answered by that error', async () => {
    const server = await serve({
      post: {
        'tools/call': ({ message, response }) =>
          response
            .writeHead(422, JSON_TYPE)
            .end(JSON.stringify({ jsonrpc: '2.0', id: message.id, error: { code: -32602, message: 'bad arguments' } })),
        'prompts/get': ({ response }) =>
          response
            .writeHead(406, JSON_TYPE)
            .end(JSON.stringify({ jsonrpc: '2.0', id: null, error: { code: -32600, message: 'not like this' } })),
      },
    });
    const owner = await link(server).opened();
    expect([await failureOf(owner.call('tools/call')), await failureOf(owner.call('prompts/get'))]).toEqual([
      { kind: 'rpc', sent: true, rpcCode: -32602, message: 'bad arguments' },
      { kind: 'rpc', sent: true, rpcCode: -32600, message: 'not like this' },
    ]);
  });

  it('429 with a JSON-RPC error in it is an overload all the same', async () => {
    const body = JSON.stringify({ jsonrpc: '2.0', id: null, error: { code: -32000, message: 'slow down' } });
    const server = await serve({
      post: { 'tools/call': answerStatus(429, { ...JSON_TYPE, 'retry-after': '1' }, body) },
    });
    const owner = await link(server).opened();
    expect(await failureOf(owner.call('tools/call'))).toMatchObject({
      kind: 'refused',
      fault: { kind: 'overload', retryAfterMs: 1000 },
    });
  });

  it('4xx whose body drips without end is decided without it, and its connection is closed', async () => {
    const server = await serve({
      post: {
        'tools/call': ({ response }) => {
          response.writeHead(406, JSON_TYPE);
          response.write('{"jsonrpc":');
        },
      },
    });
    const rig = await client(server);
    expect(await failureOf(rig.request('tools/call'))).toMatchObject({ kind: 'refused', fault: { code: 'http:406' } });
  });

  it('5xx with an endless body fails at once, and reads no more than a little of it', async () => {
    let written = 0;
    const server = await serve({
      post: {
        'tools/call': async ({ response }) => {
          response.writeHead(500);
          const piece = Buffer.alloc(16 * 1024);
          while (!response.destroyed && written < 512 * 1024 * 1024) {
            written += piece.length;
            if (!response.write(piece)) await drained(response);
          }
        },
      },
    });
    const rig = await client(server);
    expect(await failureOf(rig.request('tools/call'))).toMatchObject({
      kind: 'link',
      sent: true,
      fault: { code: 'http:500' },
    });
    await rig.request('tools/list');
    // What the kernel buffers on both sides is most of it.
    expect(written).toBeLessThan(64 * 1024 * 1024);
  });
});

describe('initialize', () => {
  expectNothingLeft();

  it.each([
    [404, 'unreachable'],
    [405, 'protocol'],
    [500, 'unreachable'],
  ])('that is answered with %i ends the link with that, as %s', async (status, kind) => {
    const server = await serve({ post: { initialize: answerStatus(status) } });
    expect((await link(server).first('down')).fault).toMatchObject({ kind, code: `http:${status}` });
    expect(server.methods).toEqual(['initialize']);
  });

  it('that is answered by 400 with the error -32022 is incompatible, not merely refused', async () => {
    const body = JSON.stringify({ jsonrpc: '2.0', id: null, error: { code: -32022, message: '2026-07-28 only' } });
    const server = await serve({ post: { initialize: answerStatus(400, JSON_TYPE, body) } });
    expect((await link(server).first('down')).fault).toEqual({
      kind: 'incompatible',
      code: 'rpc:-32022',
      message: '2026-07-28 only',
    });
  });

  it('that is answered with an error for nobody in a 200 is answered', async () => {
    const server = await serve({
      post: {
        initialize: (asked) =>
          answerStatus(
            200,
            JSON_TYPE,
            JSON.stringify({ jsonrpc: '2.0', id: null, error: { code: -32700, message: 'parse' } }),
          )(asked),
      },
    });
    expect((await link(server).first('down')).fault).toMatchObject({ kind: 'protocol', code: 'rpc:-32700' });
  });

  it('that is refused for want of credentials ends the link as auth', async () => {
    const server = await serve({ post: { initialize: answerStatus(403) } });
    expect((await link(server).first('down')).fault).toMatchObject({ kind: 'auth', code: 'http:403' });
  });
});

describe('a notification', () => {
  expectNothingLeft();

  it('is accepted by any success, whatever comes with it', async () => {
    const server = await serve({
      post: { 'notifications/roots/list_changed': (asked) => answerJson(asked, { unexpected: true }) },
    });
    const rig = await client(server);
    await rig.notify('notifications/roots/list_changed');
    expect(rig.messages).toEqual([]);
  });

  it('fails like a call when it is refused', async () => {
    const server = await serve({ post: { 'notifications/roots/list_changed': answerStatus(503) } });
    const rig = await client(server);
    expect(await failureOf(rig.notify('notifications/roots/list_changed'))).toMatchObject({
      fault: { code: 'http:503' },
    });
  });
});
