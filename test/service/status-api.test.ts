import { existsSync, mkdtempSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { request } from 'node:http';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, it, onTestFinished } from 'vitest';
import { SessionManager } from '../../src/index.ts';
import { ServiceError, startService } from '../../src/service/index.ts';
import { startStage } from './stage.ts';

it('/api/sessions tells everything of this moment', async () => {
  const { ask, manager } = await startStage();
  const { status, body, headers } = await ask('/api/sessions');
  expect([status, headers['cache-control'], headers['x-content-type-options']]).toEqual([200, 'no-store', 'nosniff']);
  const overview: Record<string, unknown> = JSON.parse(body);
  const { now, startedAt, ...rest } = overview;
  expect([typeof now, typeof startedAt]).toEqual(['number', 'number']);
  const { seq, sessions, groups } = manager.snapshot();
  expect(rest).toEqual({
    schema: 'holdfast/v1',
    title: 'test',
    version: '1.2.3',
    pid: process.pid,
    seq,
    sessions,
    groups,
    problems: [],
    stopping: false,
  });
});

it('one server, one group, the catalog, the charts and the metrics can be asked for', async () => {
  const { ask, manager } = await startStage({
    charts: () => ({ session: '<svg/>', group: '<svg id="g"/>' }),
    metrics: async () => 'holdfast_up 1\n',
  });
  expect(JSON.parse((await ask('/api/sessions/a')).body)).toMatchObject({
    session: { id: 'a', state: 'healthy' },
    tools: [{ name: 'echo' }],
    toolsStale: false,
  });
  expect(JSON.parse((await ask('/api/groups/pair')).body)).toMatchObject({ group: { active: 'a' } });
  expect(JSON.parse((await ask('/api/tools')).body)).toEqual({
    schema: 'holdfast/v1',
    complete: true,
    tools: JSON.parse(JSON.stringify(manager.catalog.tools)),
  });
  expect(JSON.parse((await ask('/api/charts')).body)).toEqual({
    schema: 'holdfast/v1',
    session: '<svg/>',
    group: '<svg id="g"/>',
  });
  const metrics = await ask('/metrics');
  expect([metrics.body, metrics.headers['content-type']]).toEqual([
    'holdfast_up 1\n',
    'text/plain; version=0.0.4; charset=utf-8',
  ]);
});

it('what was logged is asked for by number and by server; without a source there is none', async () => {
  const asked: unknown[] = [];
  const { ask } = await startStage({
    logs: {
      since: (after, id) => {
        asked.push([after, id]);
        return { lines: [{ seq: 8, at: 5, level: 'info', id: 'a', source: 'stderr', text: 'x' }], next: 8, missed: 2 };
      },
    },
  });
  expect(JSON.parse((await ask('/api/logs?after=7&id=a%20b')).body)).toEqual({
    schema: 'holdfast/v1',
    lines: [{ seq: 8, at: 5, level: 'info', id: 'a', source: 'stderr', text: 'x' }],
    next: 8,
    missed: 2,
  });
  await ask('/api/logs');
  expect(asked).toEqual([
    [7, 'a b'],
    [0, undefined],
  ]);
  for (const after of ['-1', '1.5', 'x', '9'.repeat(16)])
    expect((await ask(`/api/logs?after=${after}`)).status).toBe(400);
  const { ask: askOther } = await startStage();
  expect((await askOther('/api/logs')).status).toBe(404);
});

it('a tool is called, and the answer says who served it', async () => {
  const { ask, servers } = await startStage();
  const body = { tool: 'echo', arguments: { text: 'hello' } };
  const direct = await ask('/api/sessions/b/call', { method: 'POST', body });
  expect([direct.status, JSON.parse(direct.body)]).toMatchObject([
    200,
    { served: { serverId: 'b', generation: 1, attempts: 1 } },
  ]);
  const grouped = await ask('/api/groups/pair/call', { method: 'POST', body });
  expect(JSON.parse(grouped.body)).toMatchObject({ served: { serverId: 'a' } });
  expect(servers.server('b').executed).toHaveLength(1);
});

const badCalls: readonly [string, string, unknown, number, string][] = [
  ['a server that is not there', '/api/sessions/nobody/call', { tool: 'echo' }, 404, 'UNKNOWN_SERVER'],
  ['a group that is not there', '/api/groups/nobody/call', { tool: 'echo' }, 404, 'UNKNOWN_GROUP'],
  ['no tool', '/api/sessions/a/call', {}, 400, 'BAD_REQUEST'],
  ['arguments that are none', '/api/sessions/a/call', { tool: 'echo', arguments: [1] }, 400, 'BAD_REQUEST'],
  ['a time that is none', '/api/sessions/a/call', { tool: 'echo', timeoutMs: -1 }, 400, 'BAD_REQUEST'],
  ['a list', '/api/sessions/a/call', [], 400, 'BAD_REQUEST'],
  ['a reconnect of nobody', '/api/sessions/nobody/reconnect', {}, 404, 'UNKNOWN_SERVER'],
];

it.each(badCalls)('%s is refused with its reason', async (_what, path, body, status, code) => {
  const { ask } = await startStage();
  const answer = await ask(path, { method: 'POST', body });
  expect([answer.status, JSON.parse(answer.body)]).toMatchObject([status, { schema: 'holdfast/v1', error: { code } }]);
});

it('a body that is too large, or no JSON, is refused, and nothing is called', async () => {
  const { ask, servers } = await startStage();
  const large = await ask('/api/sessions/a/call', {
    method: 'POST',
    body: { tool: 'echo', arguments: { text: 'x'.repeat(1024 * 1024) } },
  });
  expect(large.status).toBe(413);
  const form = await ask('/api/sessions/a/call', {
    method: 'POST',
    headers: { 'content-type': 'text/plain' },
    body: { tool: 'echo' },
  });
  expect(form.status).toBe(415);
  expect(servers.server('a').executed).toEqual([]);
});

it('a call that times out says that it may have been executed', async () => {
  const { ask, servers } = await startStage();
  servers.server('a', { answersCalls: false });
  const { status, body } = await ask('/api/sessions/a/call', { method: 'POST', body: { tool: 'echo', timeoutMs: 20 } });
  expect([status, JSON.parse(body)]).toMatchObject([504, { error: { code: 'CALL_TIMEOUT', outcome: 'unknown' } }]);
});

it('who leaves before the answer aborts the call', async () => {
  const { base, bearer, servers } = await startStage();
  let aborted: (isAborted: boolean) => void = () => undefined;
  const isAborted = new Promise<boolean>((resolve) => (aborted = resolve));
  let arrived: () => void = () => undefined;
  const hasArrived = new Promise<void>((resolve) => (arrived = resolve));
  servers.server('a', {
    onCall: (_name, _args, signal) => {
      arrived();
      return new Promise(() => {
        signal.addEventListener('abort', () => {
          aborted(true);
        });
      });
    },
  });
  const asking = request(`${base}/api/sessions/a/call`, {
    method: 'POST',
    headers: { ...bearer, 'content-type': 'application/json' },
  });
  asking.on('error', () => undefined);
  asking.end(JSON.stringify({ tool: 'echo' }));
  await hasArrived;
  asking.destroy();
  expect(await isAborted).toBe(true);
});

it('servers are reconnected and groups switched by hand', async () => {
  const { ask, manager } = await startStage();
  const reconnected = await ask('/api/sessions/b/reconnect', { method: 'POST', body: {} });
  expect(reconnected.status).toBe(202);
  await expect.poll(() => [manager.session('b').info.generation, manager.session('b').state]).toEqual([2, 'healthy']);
  expect((await ask('/api/sessions/b/reset-circuit', { method: 'POST', body: {} })).status).toBe(202);
  expect((await ask('/api/groups/pair/fail-over', { method: 'POST', body: {} })).status).toBe(202);
  expect(manager.group('pair').active).toBe('b');
  expect((await ask('/api/groups/pair/fail-back', { method: 'POST', body: {} })).status).toBe(202);
  expect(manager.group('pair').active).toBe('a');
});

it.each(['/api/servers', '/api/sessions/a/env', '/assets/../package.json', '/assets/%2e%2e/package.json', '/nothing'])(
  '%s is not there',
  async (path) => {
    const { ask } = await startStage();
    const { status, body } = await ask(path);
    expect([status, JSON.parse(body)]).toMatchObject([404, { error: { code: 'NOT_FOUND' } }]);
  },
);

it('nothing over the network adds, changes or removes a server', async () => {
  const { ask, manager } = await startStage();
  const before = manager.listSessions().map(({ id }) => id);
  for (const method of ['POST', 'PUT', 'PATCH', 'DELETE'])
    for (const path of ['/api/sessions', '/api/sessions/a', '/api/sessions/new', '/api/groups/pair', '/api/config'])
      expect(
        (await ask(path, { method, body: { command: 'evil' } })).status,
        `${method} ${path}`,
      ).toBeGreaterThanOrEqual(400);
  expect(manager.listSessions().map(({ id }) => id)).toEqual(before);
});

it('a port that is taken is another one by default, and an error where it was asked for', async () => {
  const manager = new SessionManager();
  const taken = createServer();
  await new Promise<void>((resolve) => taken.listen(0, '127.0.0.1', resolve));
  const address = taken.address();
  const port = typeof address === 'object' && address !== null ? address.port : 0;
  const error: unknown = await startService(manager, { port }).catch((reason: unknown) => reason);
  expect(error).toBeInstanceOf(ServiceError);
  expect(error).toMatchObject({
    code: 'SERVICE',
    message: `The service cannot listen on 127.0.0.1:${port}: somebody else listens there. Choose another address.`,
  });
  taken.close();
  const first = await startService(manager);
  const second = await startService(manager);
  expect(new Set([first.url, second.url]).size).toBe(2);
  await first.close();
  await second.close();
  await manager.close();
});

it.skipIf(process.platform === 'win32')(
  'a unix socket is for its owner alone, and is removed; a file of somebody else is left alone',
  async () => {
    const folder = mkdtempSync(join(tmpdir(), 'holdfast-service-'));
    onTestFinished(() => {
      rmSync(folder, { recursive: true });
    });
    const socketPath = join(folder, 'holdfast.sock');
    const manager = new SessionManager();
    const service = await startService(manager, { socketPath });
    expect([service.url, service.link, (statSync(socketPath).mode & 0o777).toString(8)]).toEqual([null, null, '600']);
    const status = await new Promise<number | undefined>((resolve, reject) => {
      request(
        { socketPath, path: '/api/sessions', headers: { authorization: `Bearer ${service.token}` } },
        (response) => {
          response.resume();
          resolve(response.statusCode);
        },
      )
        .on('error', reject)
        .end();
    });
    expect(status).toBe(200);
    const second: unknown = await startService(manager, { socketPath }).catch((reason: unknown) => reason);
    expect(second).toMatchObject({ code: 'SERVICE' });
    await service.close();
    expect(existsSync(socketPath)).toBe(false);
    writeFileSync(socketPath, 'a file of somebody');
    expect(await startService(manager, { socketPath }).catch((reason: unknown) => reason)).toMatchObject({
      code: 'SERVICE',
    });
    expect(existsSync(socketPath)).toBe(true);
    await manager.close();
  },
);
