import { describe, expect, it } from 'vitest';
import { planFromCommand, planFromConfig } from '../../src/cli/up-plan.ts';
import { loadConfig } from '../../src/config/index.ts';
import { InvalidOptionError } from '../../src/index.ts';

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
      problems: [],
      disabled: 1,
      defaults: { callTimeoutMs: 7 },
    });
  });

  it('takes a remote server for a problem of that server alone, told in the order of the file', async () => {
    const plan = await planOf({
      mcpServers: {
        web: { url: 'https://a.example/mcp' },
        socket: { url: 'wss://a.example' },
        bad: {},
        files: { command: 'node' },
      },
    });
    expect(plan.servers.map(({ id }) => id)).toEqual(['files']);
    expect(plan.problems.map(({ serverId, line }) => [serverId, line])).toEqual([
      ['web', 3],
      ['socket', 6],
      ['bad', 9],
    ]);
    expect(plan.problems[1]).toMatchObject({
      problem: 'this is a remote server (WebSocket), which is not supported yet',
      fix: 'leave it out, or set "disabled": true',
    });
  });

  it('names a file outside of the working directory in full', async () => {
    const config = await loadConfig('/etc/mcp.json', { env: {}, readFile: () => Promise.resolve('{"mcpServers":{}}') });
    expect(planFromConfig(config, '/home/me').title).toBe('/etc/mcp.json');
  });
});

describe('from a command', () => {
  it('holds one server, named after the base name, with the whole environment and in the working directory', () => {
    const { servers } = planFromCommand(['./bin/server', '--port', '1'], '/home/me');
    expect(servers).toMatchObject([
      {
        id: 'server',
        target: { kind: 'stdio', command: './bin/server', args: ['--port', '1'], cwd: '/home/me', inheritEnv: true },
      },
    ]);
  });

  it('refuses an empty command', () => {
    expect(() => planFromCommand([''], '/home/me')).toThrow(InvalidOptionError);
  });
});
