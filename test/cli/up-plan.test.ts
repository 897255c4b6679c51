import { describe, expect, it } from 'vitest';
import { planFromCommand, planFromConfig } from '../../src/cli/up-plan.ts';
import { loadConfig } from '../../src/config/index.ts';
import { InvalidOptionError, SessionManager, type ServerTarget } from '../../src/index.ts';

async function planOf(config: object) {
  const readFile = (): Promise<string> => Promise.resolve(JSON.stringify(config, null, 1));
  return planFromConfig(await loadConfig('/home/me/app/mcp.json', { env: {}, readFile }), '/home/me/app');
}

describe('from a configuration', () => {
  it('starts what is enabled, with the settings of the file', async () => {
    const plan = await planOf({
      mcpServers: {
        files: { command: 'node', args: ['server.js'], env: { A: 'b' } },
        off: { command: 'node', disabled: true },
      },
      holdfast: { defaults: { callTimeoutMs: 7 }, servers: { files: { lazy: true } } },
    });
    expect(plan).toEqual({
      title: 'mcp.json',
      config: '/home/me/app/mcp.json',
      servers: [
        {
          id: 'files',
          source: { file: '/home/me/app/mcp.json', line: 3, column: 3 },
          options: { lazy: true },
          target: {
            kind: 'stdio',
            command: 'node',
            args: ['server.js'],
            cwd: '/home/me/app',
            env: { A: 'b' },
            inheritEnv: false,
          },
        },
      ],
      groups: [],
      problems: [],
      disabled: 1,
      defaults: { callTimeoutMs: 7 },
    });
  });

  it('starts servers behind an address like any other', async () => {
    const plan = await planOf({
      mcpServers: {
        web: { url: 'https://a.example/mcp', headers: { Authorization: 'Bearer x' } },
        old: { type: 'sse', url: 'http://a.example/sse' },
        socket: { url: 'wss://a.example' },
      },
    });
    expect(plan.problems).toEqual([]);
    expect(plan.servers.map(({ id, target }) => [id, target])).toEqual([
      [
        'web',
        {
          kind: 'http',
          url: 'https://a.example/mcp',
          headers: { Authorization: 'Bearer x' },
          mode: 'auto',
          auth: undefined,
        },
      ],
      ['old', { kind: 'http', url: 'http://a.example/sse', headers: {}, mode: 'sse', auth: undefined }],
      ['socket', { kind: 'webSocket', url: 'wss://a.example', headers: {} }],
    ]);
  });

  it('leaves what only addServer refuses to be told by it, so that it concerns that server alone', async () => {
    const plan = await planOf({
      mcpServers: { web: { url: 'https://me:pass@a.example/mcp' }, files: { command: 'node' } },
    });
    expect(plan.servers.map(({ id }) => id)).toEqual(['web', 'files']);
    const [web] = plan.servers;
    const added = new SessionManager().addServer('web', web?.target as ServerTarget, { waitForReady: false });
    await expect(added).rejects.toMatchObject({ code: 'INVALID_OPTION', field: 'url', serverId: 'web' });
  });

  it('tells problems in the order of the file', async () => {
    const plan = await planOf({
      mcpServers: { a: { command: '${NOT_SET}' }, bad: {}, files: { command: 'node' }, c: { url: 'x' } },
    });
    expect(plan.servers.map(({ id }) => id)).toEqual(['files']);
    expect(plan.problems.map(({ serverId, line }) => [serverId, line])).toEqual([
      ['a', 4],
      ['bad', 6],
      ['c', 11],
    ]);
  });

  it('names a file outside of the working directory in full', async () => {
    const config = await loadConfig('/etc/mcp.json', { env: {}, readFile: () => Promise.resolve('{"mcpServers":{}}') });
    expect(planFromConfig(config, '/home/me').title).toBe('/etc/mcp.json');
  });
});

describe('from a command', () => {
  it('holds one server, named after the base name, with the whole environment and in the working directory', () => {
    const { servers } = planFromCommand(['./bin/server', '--port', '1'], '/home/me', { PATH: '/bin', API_KEY: 'k-1' });
    const env = { PATH: '/bin', API_KEY: 'k-1' };
    expect(servers).toMatchObject([
      { id: 'server', target: { kind: 'stdio', command: './bin/server', args: ['--port', '1'], cwd: '/home/me', env } },
    ]);
  });

  it('refuses an empty command', () => {
    expect(() => planFromCommand([''], '/home/me', {})).toThrow(InvalidOptionError);
  });
});
