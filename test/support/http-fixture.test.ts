import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { startLeakCheck, type LeakCheck } from '../../src/testing/index.ts';
import { eventually } from './eventually.ts';
import { EverythingOverHttp, HttpFixture, type HttpSettings } from './http-fixture.ts';
import { exchange, RawSession } from './raw-http.ts';

const text = (id: number, words: string): string =>
  JSON.stringify({ jsonrpc: '2.0', id, result: { content: [{ type: 'text', text: words }] } });

describe('the HTTP fault server', () => {
  let leaks: LeakCheck;
  let directory: string;
  let server: HttpFixture;

  beforeEach(() => {
    leaks = startLeakCheck({ settleMs: 10_000 });
    directory = mkdtempSync(join(tmpdir(), 'holdfast-http-'));
  });

  afterEach(async () => {
    await server.kill();
    rmSync(directory, { recursive: true });
    await leaks.verify();
  });

  async function serve(settings: HttpSettings = {}): Promise<RawSession> {
    server = await new HttpFixture({ log: join(directory, 'log'), ...settings }).start();
    return RawSession.open(server.url, settings['auth'] === undefined ? {} : { authorization: 'Bearer good' });
  }

  it('answers in JSON, and counts what it executed and what it was asked', async () => {
    const session = await serve();
    expect(await session.call('echo', { text: 'hi' })).toMatchObject({
      status: 200,
      headers: { 'content-type': 'application/json' },
      body: text(2, 'hi'),
      end: 'complete',
    });
    expect(server.executions()).toEqual(['echo {"text":"hi"}']);
    expect(server.starts()).toEqual([server.pid]);
    expect(await server.truth()).toMatchObject({
      pid: server.pid,
      sessions: [session.headers['mcp-session-id']],
      requests: { 'POST initialize': 1, 'POST notifications/initialized': 1, 'POST tools/call': 1 },
      statuses: { 'POST initialize 200': 1, 'POST notifications/initialized 202': 1, 'POST tools/call 200': 1 },
    });
  });

  it('answers as a stream of events, progress before the answer', async () => {
    const session = await serve({ replies: 'sse' });
    const params = { name: 'progress', arguments: { steps: 2 }, _meta: { progressToken: 7 } };
    const { body } = await session.ask('tools/call', params);
    expect(body.match(/^data: .*/gm)?.map((line) => JSON.parse(line.slice(6)).params?.progress ?? 'answer')).toEqual([
      1,
      2,
      'answer',
    ]);
  });

  it('asks its client in the middle of a call', async () => {
    const session = await serve({ replies: 'sse' });
    let seen = '';
    const called = session.ask('tools/call', { name: 'ask', arguments: { message: 'who?' } }, (body) => {
      seen = body;
      return false;
    });
    const asked = /data: (.*elicitation\/create.*)/;
    await eventually(() => asked.test(seen));
    const { id } = JSON.parse(asked.exec(seen)?.[1] ?? '') as { id: string };
    expect(await session.send({ id, result: { action: 'decline' } })).toMatchObject({ status: 202 });
    expect((await called).body).toContain('\\"action\\":\\"decline\\"');
  });

  it.each([
    [404, { code: -32001, message: 'Session not found' }],
    [400, { code: -32000, message: 'Bad Request: No valid session ID provided' }],
  ])('restarted knows no session and says so with %s, on the same port', async (status, error) => {
    const session = await serve({ unknownSession: status });
    const { pid, url } = server;
    await server.restart();
    expect([server.url, server.pid === pid]).toEqual([url, false]);
    expect(await session.call('echo')).toMatchObject({
      status,
      body: JSON.stringify({ jsonrpc: '2.0', error, id: null }),
    });
    expect(server.starts()).toEqual([pid, server.pid]);
    expect(server.executions()).toEqual([]);
  });

  it('needs no session where none is required', async () => {
    const session = await serve({ sessions: 'none' });
    expect(session.headers['mcp-session-id']).toBeUndefined();
    await server.restart();
    expect((await session.call('echo', { text: 'on' })).body).toBe(text(2, 'on'));
  });

  it('behind a proxy that has no backend answers 404 with a page, everywhere, and the session lives on', async () => {
    const session = await serve();
    await server.set({ window: {} });
    expect(await session.call('echo')).toMatchObject({ status: 404, headers: { 'content-type': 'text/html' } });
    expect(await exchange(new URL('/', server.url).href, { method: 'GET' })).toMatchObject({ status: 404 });
    await server.set({ window: null });
    expect(await session.call('echo', { text: 'back' })).toMatchObject({ status: 200 });
  });

  const cuts: [how: string, replies: string, end: string][] = [
    ['rst', 'json', 'ECONNRESET'],
    ['fin', 'json', 'ECONNRESET'],
    ['rst', 'sse', 'ECONNRESET'],
    ['fin', 'sse', 'ECONNRESET'],
    ['end', 'sse', 'complete'],
  ];
  it.each(cuts)('cuts a reply leg by %s (%s) before the answer, which was executed', async (how, replies, end) => {
    const session = await serve({ replies, faults: [{ on: 'tools/call', times: 1, do: 'cut', how, at: 'answer' }] });
    expect(await session.call('echo', { text: 'once' })).toMatchObject({ status: 200, body: '', end });
    expect(await session.call('echo', { text: 'twice' })).toMatchObject({ status: 200, end: 'complete' });
    expect(server.executions()).toEqual(['echo {"text":"once"}', 'echo {"text":"twice"}']);
  });

  it('cuts a reply leg before its headers, and after any byte', async () => {
    const cut = { times: 1, do: 'cut', how: 'fin' };
    const session = await serve({
      faults: [
        { on: 'tools/call echo', at: 'headers', ...cut },
        { on: 'tools/call pid', at: 20, ...cut },
      ],
    });
    expect(await session.call('echo')).toMatchObject({ status: null, body: '', end: 'ECONNRESET' });
    expect(await session.call('pid')).toMatchObject({ status: 200, body: '{"jsonrpc":"2.0","id', end: 'ECONNRESET' });
  });

  it('cuts the legs of calls in flight when it is told to, and gives the answer to whoever resumes', async () => {
    const session = await serve({ replies: 'sse', eventIds: true, retry: 10 });
    const called = session.call('hold', { tag: 'a' });
    await server.executed('hold {"tag":"a"}');
    await server.order({ dropReplies: 'end' });
    const { body, end } = await called;
    expect([body, end]).toEqual(['retry: 10\n\nevent: message\nid: s2-0\ndata: \n\n', 'complete']);
    await server.order({ release: 'a' });
    expect(await session.listen(undefined, 's2-0')).toMatchObject({
      body: `retry: 10\n\nevent: message\nid: s2-1\ndata: ${text(2, 'released a')}\n\n`,
      end: 'complete',
    });
    expect((await server.truth()).gets).toMatchObject([{ lastEventId: 's2-0', status: 200 }]);
    await server.set({ store: 'lost' });
    expect(await session.listen(undefined, 's2-0')).toMatchObject({ status: 404 });
  });

  it('offers a standby stream, notifies on it, drops it when told to, and refuses it when told to', async () => {
    const session = await serve({ eventIds: true });
    const standby = session.listen((body) => body.includes('list_changed'));
    await eventually(async () => (await server.truth()).open.standby === 1);
    await server.order({ notify: { method: 'notifications/tools/list_changed' } });
    expect(await standby).toMatchObject({ end: 'left' });
    const dropped = session.listen(undefined);
    await eventually(async () => (await server.truth()).open.standby === 1);
    await server.order({ dropStandby: 'rst' });
    expect(await dropped).toMatchObject({ status: 200, end: 'ECONNRESET' });
    await server.set({ standby: { dropAfterMs: 0, how: 'end' }, retry: 0 });
    expect(await session.listen(undefined)).toMatchObject({ end: 'complete' });
    await server.set({ standby: 'refused' });
    expect(await session.listen(undefined)).toMatchObject({ status: 405 });
    expect((await server.truth()).gets.map(({ status }) => status)).toEqual([200, 200, 200, 405]);
  });

  it('wants a token, gives new ones for the latest refresh token only, and takes all back at the second use of one', async () => {
    const session = await serve({ auth: { tokens: ['good'], refreshToken: 'first' } });
    const origin = new URL(server.url).origin;
    await server.order({ expire: true });
    const refused = await session.call('echo');
    expect([refused.status, refused.headers['www-authenticate']]).toEqual([
      401,
      `Bearer error="invalid_token", resource_metadata="${origin}/.well-known/oauth-protected-resource/mcp"`,
    ]);
    const metadata = await exchange(`${origin}/.well-known/oauth-protected-resource/mcp`, { method: 'GET' });
    expect(JSON.parse(metadata.body)).toEqual({ resource: server.url, authorization_servers: [origin] });
    const refresh = async (token: string): Promise<[number | null, unknown]> => {
      const headers = { 'content-type': 'application/x-www-form-urlencoded' };
      const form = new URLSearchParams({ grant_type: 'refresh_token', refresh_token: token }).toString();
      const response = await fetch(`${origin}/token`, {
        method: 'POST',
        headers: { ...headers, connection: 'close' },
        body: form,
      });
      return [response.status, await response.json()];
    };
    expect(await refresh('first')).toMatchObject([200, { access_token: 'access-1', refresh_token: 'refresh-1' }]);
    session.headers['authorization'] = 'Bearer access-1';
    expect(await session.call('echo', { text: 'in' })).toMatchObject({ status: 200 });
    expect(await refresh('first')).toEqual([400, { error: 'invalid_grant' }]);
    expect(await session.call('echo', { text: 'out' })).toMatchObject({ status: 401 });
    expect(await server.truth()).toMatchObject({ refreshes: 1, badRefreshes: 1 });
    expect(server.executions()).toEqual(['echo {"text":"in"}']);
  });

  it.each([
    [
      { do: 'status', status: 429, headers: { 'retry-after': '7' } },
      { status: 429, headers: { 'retry-after': '7' } },
    ],
    [
      { do: 'status', status: 202 },
      { status: 202, body: '' },
    ],
    [
      { do: 'status', status: 200, body: '<p>hello</p>' },
      { status: 200, headers: { 'content-type': 'text/html' }, body: '<p>hello</p>' },
    ],
    [
      { do: 'status', status: 200, type: 'application/json' },
      { status: 200, body: '', end: 'complete' },
    ],
  ])('misbehaves once as it is told: %j', async (fault, expected) => {
    const session = await serve({ faults: [{ on: 'tools/call', times: 1, ...fault }] });
    expect(await session.call('echo')).toMatchObject(expected);
    expect(server.executions()).toEqual([]);
    expect(await session.call('echo', { text: 'fine' })).toMatchObject({ body: text(3, 'fine') });
  });

  it('executes a call that it then answers with an error, if told to', async () => {
    const session = await serve({ faults: [{ on: 'tools/call', do: 'status', status: 500, executed: true }] });
    expect(await session.call('echo', { text: 'done' })).toMatchObject({ status: 500 });
    expect(server.executions()).toEqual(['echo {"text":"done"}']);
  });

  it('hangs, is silent on an open stream, drips, and goes on without end', async () => {
    const session = await serve({
      faults: [
        { on: 'ping', do: 'hang' },
        { on: 'tools/list', do: 'silence' },
        { on: 'tools/call', do: 'drip', everyMs: 1 },
        { on: 'resources/list', do: 'endless', status: 500 },
      ],
    });
    void session.ask('ping');
    const silence = session.ask('tools/list');
    await eventually(async () => (await server.truth()).requests['POST ping'] === 1);
    expect((await session.call('echo')).body).toBe('{"jsonrpc":"2.0","id":4,"result":{}}');
    const endless = await session.ask('resources/list', {}, (body) => body.length > 1_000_000);
    expect([endless.status, endless.end]).toEqual([500, 'left']);
    expect((await server.truth()).statuses['POST ping 200']).toBeUndefined();
    await server.kill();
    expect(await silence).toMatchObject({ status: 200, body: '', end: 'ECONNRESET' });
  });

  it.each(['json', 'sse'])('sends a %s bomb: small on the wire, large when it is unpacked', async (type) => {
    const session = await serve({ faults: [{ on: 'tools/call', do: 'bomb', type, mb: 32 }] });
    const { body, headers, end } = await session.call('echo');
    expect([headers['content-encoding'], end]).toEqual(['gzip', 'complete']);
    expect(body.length).toBeLessThan(32 * 2 ** 20 * 0.01);
  });

  it('closes the connection after each reply, if told to', async () => {
    const session = await serve({ keepAlive: false });
    expect((await session.call('echo')).headers['connection']).toBe('close');
  });

  it('forgets a session that its client ends', async () => {
    const session = await serve();
    expect(await exchange(server.url, { method: 'DELETE', headers: session.headers })).toMatchObject({ status: 200 });
    expect(await session.call('echo')).toMatchObject({ status: 404 });
    expect((await server.truth()).sessions).toEqual([]);
  });
});

describe('the published server over HTTP', () => {
  it('comes back on its port and answers 400 to the session of its former life', async () => {
    const server = await new EverythingOverHttp().start();
    try {
      const session = await RawSession.open(server.url);
      expect(await session.call('echo', { message: 'hi' })).toMatchObject({ status: 200 });
      await server.restart();
      expect(await session.call('echo', { message: 'hi' })).toMatchObject({
        status: 400,
        body: '{"jsonrpc":"2.0","error":{"code":-32000,"message":"Bad Request: No valid session ID provided"}}',
      });
    } finally {
      await server.kill();
    }
  });
});
