import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { http, stdio, type ServerTarget } from '../../src/index.ts';
import { startLeakCheck, type LeakCheck } from '../../src/testing/index.ts';
import { startInspector } from '../../src/inspect/index.ts';
import { startCli } from '../cli/cli-process.ts';
import { Viewer } from '../inspect/viewer.ts';
import { eventually } from '../support/eventually.ts';
import { exchange } from '../support/raw-http.ts';
import { canaries, canariesIn, control } from './canaries.ts';
import { EchoHttpServer, talkative } from './echo-http-server.ts';
import { Watcher } from './watcher.ts';

const script = join(import.meta.dirname, 'fixtures', 'echo-server.mjs');
const patience = { timeoutMs: 60_000 };

let leaks: LeakCheck;
let watcher: Watcher;

beforeEach(() => {
  leaks = startLeakCheck({ settleMs: 10_000 });
  watcher = new Watcher();
});
afterEach(async () => {
  await watcher.end();
  await leaks.verify();
});

describe('a program that says everything that it was given', () => {
  const target = (mode: string): ServerTarget =>
    stdio({
      command: process.execPath,
      args: [
        script,
        mode,
        control,
        `--api-key=${canaries.flag}`,
        '--token',
        canaries.argument,
        `postgres://me:${canaries.password}@db.test/main`,
      ],
      env: { ECHO_SECRET: canaries.env },
    });

  it('of itself, in errors and in its last words, has no secret shown', async () => {
    const session = await watcher.hold('a', target('serve'));
    expect(await watcher.thrown(() => session.listTools())).toBe('RPC');
    expect(await watcher.thrown(() => session.callTool('any'))).toBe('RPC');
    expect(await watcher.thrown(() => session.callTool('die'))).toBe('OUTCOME_UNKNOWN');
    await eventually(() => session.state === 'healthy', patience);
    expect(await watcher.thrown(() => session.callTool('garble', {}, { timeoutMs: 100 }))).toBe('CALL_TIMEOUT');
    await watcher.end();
    expect(watcher.verdict).toEqual({
      control: ['errors', 'events', 'infos', 'inspection', 'log', 'snapshots'],
      canaries: [],
    });
  });

  it('has no secret in the stream of the inspector', async () => {
    const inspector = await startInspector(watcher.manager, { port: 0 });
    const viewer = new Viewer(inspector.socketUrl, ['holdfast', `token.${inspector.token}`]);
    await viewer.until((frames) => frames.length >= 2);
    const session = await watcher.hold('a', target('serve'));
    expect(await watcher.thrown(() => session.listTools())).toBe('RPC');
    expect(await watcher.thrown(() => session.callTool('any', { key: canaries.argument }))).toBe('RPC');
    expect(await watcher.thrown(() => session.callTool('die'))).toBe('OUTCOME_UNKNOWN');
    await eventually(() => session.state === 'healthy', patience);
    await watcher.end();
    await viewer.until((frames) => JSON.stringify(frames.at(-1)).includes('"status":"stopped"'));
    await inspector.close();
    await viewer.ended;
    const stream = viewer.frames.map((frame) => JSON.stringify(frame)).join('\n');
    expect([stream.includes(control), canariesIn(stream)]).toEqual([true, []]);
  });

  it.each([
    ['exit', ['errors', 'log']],
    ['malformed', ['log']],
    ['refuse', ['errors', 'events', 'infos', 'inspection', 'log', 'snapshots', 'table']],
  ])('before it is ready (%s), has no secret shown', async (mode, places) => {
    expect(await watcher.thrown(() => watcher.manager.addServer('a', target(mode)))).toBe('CONNECT');
    const session = await watcher.manager.addServer('b', target(mode), { waitForReady: false });
    watcher.watch(session);
    await eventually(() => session.info.lastError !== null, patience);
    expect(await watcher.thrown(() => session.callTool('any'))).toBe('NOT_READY');
    await watcher.end();
    expect(watcher.verdict).toEqual({ control: places, canaries: [] });
  });
});

describe('a server over HTTP that says everything that it was asked with', () => {
  let server: EchoHttpServer;

  beforeEach(async () => {
    server = await new EchoHttpServer().start();
  });
  afterEach(async () => {
    await watcher.end();
    await server.stop();
  });

  const address = (): string => `${server.url}?api_key=${encodeURIComponent(canaries.query)}`;
  const targets: Readonly<Record<string, () => ServerTarget>> = {
    'fixed headers': () =>
      http({ url: address(), headers: { authorization: `Bearer ${canaries.bearer}`, 'x-key': canaries.header } }),
    'headers of a function': () =>
      http({
        url: address(),
        headers: () => ({ authorization: `Bearer ${canaries.bearer}`, 'x-asked': canaries.asked }),
      }),
    'headers of a slow function': () => http({ url: address(), headers: async () => ({ 'x-asked': canaries.asked }) }),
    'a token': () => http({ url: address(), auth: { token: () => canaries.token } }),
  };

  it.each(Object.entries(targets))('in good health, with %s, has no secret shown', async (_, target) => {
    const session = await watcher.hold('a', target());
    expect(await watcher.thrown(() => session.callTool('any'))).toBe('RPC');
    server.script = () => 500;
    expect(await watcher.thrown(() => session.callTool('any'))).toBe('OUTCOME_UNKNOWN');
    server.script = () => ({ result: 7 });
    expect(await watcher.thrown(() => session.callTool('any'))).toBe('OUTCOME_UNKNOWN');
    server.script = () => 401;
    expect(await watcher.thrown(() => session.callTool('any'))).toBe('AUTH_REQUIRED');
    await watcher.end();
    expect(watcher.verdict).toEqual({
      control: expect.arrayContaining(['errors', 'infos', 'inspection', 'snapshots']),
      canaries: [],
    });
  });

  it.each(Object.entries(targets))('from the first answer on, with %s, has no secret shown', async (_, target) => {
    const answers = [
      () => 401,
      () => 403,
      () => 500,
      (__: string, everything: string) => ({ result: everything }),
      (__: string, everything: string) => ({ error: { code: -32_000, message: everything } }),
    ];
    for (const [index, answer] of answers.entries()) {
      server.script = answer;
      await watcher.thrown(() => watcher.manager.addServer(`s${index}`, target()));
    }
    await watcher.end();
    expect(watcher.verdict).toEqual({ control: expect.arrayContaining(['errors', 'events']), canaries: [] });
  });
});

describe('the command', () => {
  it('shows no secret of the environment that a server from its command line inherits', async () => {
    const env = { ECHO_SECRET: canaries.env, ECHO_CONTROL: control };
    const cli = await startCli(['up', '--json', '--log-level', 'debug', '--', process.execPath, script, 'refuse'], {
      env,
    });
    await cli.line({ type: 'stateChanged', phase: 'disconnected.backingOff' });
    cli.signal('SIGTERM');
    const { stdout, stderr } = await cli.ended;
    expect(stdout).toContain(control);
    expect(canariesIn(stdout + stderr)).toEqual([]);
  });

  it('shows no secret of a configuration, as JSON lines, in its log, and over its service', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'holdfast-canary-'));
    const server = await new EchoHttpServer().start();
    server.script = (method, everything, params) =>
      method === 'tools/list' ? 500 : talkative(method, everything, params);
    const serve = { command: process.execPath, args: [script, 'serve', control, '--api-key=${CANARY_FLAG}'] };
    const config = {
      mcpServers: {
        program: { ...serve, env: { ECHO_SECRET: '${CANARY_ENV}', ECHO_ANYTHING: 'x ${CANARY_EXPANDED} y' } },
        broken: { ...serve, args: [script, 'exit', control, '--token', '${CANARY_ARGUMENT}'] },
        refusing: { ...serve, args: [script, 'refuse', control, '--token', '${CANARY_ARGUMENT}'] },
        remote: {
          url: `${server.url}?api_key=\${CANARY_QUERY}`,
          headers: { Authorization: 'Bearer ${CANARY_BEARER}', 'X-Key': '${CANARY_HEADER}' },
        },
        refused: { url: 'https://me:${CANARY_PASSWORD}@example.test/mcp' },
      },
      holdfast: { defaults: { reconnect: { delayMs: 10, maxDelayMs: 10 } } },
    };
    writeFileSync(join(folder, 'mcp.json'), JSON.stringify(config));
    const env = Object.fromEntries(
      Object.entries(canaries).map(([name, canary]) => [`CANARY_${name.toUpperCase()}`, canary]),
    );
    try {
      const cli = await startCli(['up', 'mcp.json', '--json', '--log-level', 'debug'], {
        cwd: folder,
        env: { ...env, XDG_RUNTIME_DIR: folder },
      });
      await cli.line({ type: 'stateChanged', serverId: 'program', to: 'healthy' });
      await cli.line({ type: 'stateChanged', serverId: 'remote', to: 'healthy' });
      await cli.line({ type: 'stateChanged', serverId: 'broken', phase: 'disconnected.backingOff' });
      await cli.line({ type: 'stateChanged', serverId: 'refusing', phase: 'disconnected.backingOff' });
      await cli.said('"serverId":"broken"');
      const { told, token } = await everythingServed(folder);
      for (const [where, text] of told) expect([where, canariesIn(text)]).toEqual([where, []]);
      const withControl = told.flatMap(([where, text]) => (text.includes(control) ? [where] : []));
      expect(withControl).toEqual(
        expect.arrayContaining(['/api/sessions', '/api/sessions/program/call', '/api/events', '/api/logs']),
      );
      cli.signal('SIGTERM');
      const { stdout, stderr } = await cli.ended;
      expect(stdout).toContain(control);
      expect(stderr).toContain(control);
      expect(canariesIn(stdout)).toEqual([]);
      expect(canariesIn(stderr)).toEqual([]);
      expect(stdout + stderr).not.toContain(token);
      for (const args of [
        ['config', 'print', 'mcp.json'],
        ['config', 'check', 'mcp.json', '--json'],
        ['doctor', '-c', 'mcp.json', '--json'],
      ]) {
        const end = await (await startCli(args, { cwd: folder, env })).ended;
        expect([args[0], end.stdout.includes('program'), canariesIn(end.stdout + end.stderr)]).toEqual([
          args[0],
          true,
          [],
        ]);
      }
    } finally {
      await server.stop();
      rmSync(folder, { recursive: true });
    }
  });
});

/** What the service of the `up` that has left word in this folder tells whoever has its token. */
async function everythingServed(
  folder: string,
): Promise<{ readonly told: readonly (readonly [string, string])[]; readonly token: string }> {
  const [word = ''] = readdirSync(join(folder, 'holdfast'));
  const { url, token }: { url: string; token: string } = JSON.parse(
    readFileSync(join(folder, 'holdfast', word), 'utf8'),
  );
  const headers = { authorization: `Bearer ${token}` };
  const told: (readonly [string, string])[] = [];
  for (const path of [
    '/',
    '/api/sessions',
    '/api/sessions/program',
    '/api/tools',
    '/api/charts',
    '/api/logs',
    '/metrics',
  ])
    told.push([path, (await exchange(new URL(path, url).href, { method: 'GET', headers })).body]);
  const call = '/api/sessions/program/call';
  told.push([call, (await exchange(new URL(call, url).href, { headers, body: { tool: 'any' } })).body]);
  const { body } = await exchange(new URL('/api/events', url).href, {
    method: 'GET',
    headers,
    leaveWhen: (text) => (text.match(/event: happened/gu) ?? []).length > 20,
  });
  told.push(['/api/events', body]);
  return { told, token };
}
