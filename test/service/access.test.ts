import { expect, it } from 'vitest';
import { startService } from '../../src/service/index.ts';
import { SessionManager } from '../../src/index.ts';
import { exchange } from '../support/raw-http.ts';
import { startStage } from './stage.ts';

const paths = ['/api/sessions', '/api/sessions/a', '/api/groups/pair', '/api/tools', '/api/events', '/metrics'];

it.each(paths)('%s is refused without the token, and with a wrong one', async (path) => {
  const { base, service } = await startStage({ metrics: async () => 'secret_metric 1' });
  for (const headers of [
    {},
    { authorization: 'Bearer wrong' },
    { authorization: `Bearer ${service.token}x` },
    { authorization: service.token },
    { cookie: `holdfast-0=${service.token}` },
  ]) {
    const { status, body } = await exchange(`${base}${path}`, { method: 'GET', headers });
    expect([status, JSON.parse(body)]).toEqual([
      401,
      {
        schema: 'holdfast/v1',
        error: {
          code: 'UNAUTHORIZED',
          message:
            'The token is missing or wrong. Send "Authorization: Bearer …" with the token that the command has printed.',
        },
      },
    ]);
  }
});

it.each(['evil.example', 'evil.example:80', 'localhost.evil.example', '127.0.0.1.evil.example'])(
  'a request that is addressed to %j is refused on every route, token or not: DNS rebinding',
  async (host) => {
    const stage = await startStage();
    for (const path of ['/', '/livez', '/readyz', '/api/sessions', '/api/events', '/assets/page.js']) {
      expect((await stage.ask(path, { headers: { host } })).status).toBe(421);
    }
    expect(
      (await stage.ask('/login', { method: 'POST', headers: { host }, body: { token: stage.service.token } })).status,
    ).toBe(421);
  },
);

it('a page of another origin is refused on every route, token or not', async () => {
  const stage = await startStage();
  const { port } = new URL(stage.base);
  const foreign = [
    { origin: 'https://evil.example' },
    { origin: 'null' },
    { origin: 'http://127.0.0.1:1' },
    { origin: `http://localhost:${port}` },
    { 'sec-fetch-site': 'cross-site' },
    { 'sec-fetch-site': 'same-site' },
  ];
  for (const headers of foreign) {
    const answer = await stage.ask('/api/sessions', { headers });
    expect([answer.status, answer.headers['access-control-allow-origin']]).toEqual([403, undefined]);
    const call = await stage.ask('/api/sessions/a/call', { method: 'POST', headers, body: { tool: 'echo' } });
    expect(call.status).toBe(403);
  }
  expect(stage.servers.server('a').executed).toEqual([]);
  expect(
    (await stage.ask('/api/sessions', { headers: { origin: stage.base, 'sec-fetch-site': 'same-origin' } })).status,
  ).toBe(200);
});

it('whoever logs in with the token gets a cookie that pages cannot read, that does not tell the token and that opens everything', async () => {
  const { base, service } = await startStage();
  const wrong = await exchange(`${base}/login`, { body: { token: 'wrong' } });
  expect([wrong.status, wrong.headers['set-cookie']]).toEqual([401, undefined]);
  const { status, headers } = await exchange(`${base}/login`, { body: { token: service.token } });
  const cookie = headers['set-cookie']?.[0] ?? '';
  expect(status).toBe(204);
  expect(cookie).toMatch(/^holdfast-[0-9a-f]{8}=[\w-]{43}; Path=\/; HttpOnly; SameSite=Strict$/u);
  expect(cookie).not.toContain(service.token);
  const [pair = ''] = cookie.split(';');
  expect((await exchange(`${base}/api/sessions`, { method: 'GET', headers: { cookie: pair } })).status).toBe(200);
  const forged = await exchange(`${base}/api/sessions`, {
    method: 'GET',
    headers: { cookie: `${pair.slice(0, -1)}!` },
  });
  expect(forged.status).toBe(401);
});

it('/livez and /readyz need no token and say nothing but their status', async () => {
  const { base, service } = await startStage();
  for (const path of ['/livez', '/readyz']) {
    const { status, body } = await exchange(`${base}${path}`, { method: 'GET' });
    expect([path, status, body]).toEqual([path, 200, '']);
  }
  service.stopping();
  expect((await exchange(`${base}/livez`, { method: 'GET' })).status).toBe(200);
  expect((await exchange(`${base}/readyz`, { method: 'GET' })).status).toBe(503);
});

it('/readyz says no while no server takes calls', async () => {
  const { base, servers, manager } = await startStage();
  servers.server('a', { answersInitialize: false });
  servers.server('b', { answersInitialize: false });
  manager.session('a').reconnect();
  manager.session('b').reconnect();
  await expect.poll(() => manager.listSessions().map(({ state }) => state)).not.toContain('healthy');
  expect((await exchange(`${base}/readyz`, { method: 'GET' })).status).toBe(503);
});

it('an address that others can reach is refused without a token of its own, and so is a short one', async () => {
  const manager = new SessionManager();
  const refused = async (options: Parameters<typeof startService>[1]): Promise<unknown> =>
    startService(manager, options).catch((error: unknown) => (error instanceof Error ? error.message : error));
  expect(await refused({ host: '0.0.0.0' })).toBe(
    'The service does not listen on 0.0.0.0, which others can reach, without a token of your own. ' +
      'Set HOLDFAST_TOKEN or --token-file, or listen on 127.0.0.1.',
  );
  expect(await refused({ host: '127.evil.example' })).toMatch(/^The service does not listen on 127\.evil\.example/u);
  expect(await refused({ token: 'short' })).toBe('The token must have 16 characters or more, and no blanks.');
  expect(await refused({ port: 70_000 })).toBe('The port must be a whole number from 0 to 65535, not 70000.');
  await manager.close();
});
