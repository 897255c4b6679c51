import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { beforeAll, expect, it, onTestFinished } from 'vitest';
import { built } from '../support/built.ts';
import { startCli } from './cli-process.ts';
import type { CliEnd } from './cli-process.ts';

const canary = 'canary-0d6a3f51c9';

beforeAll(async () => {
  await built();
}, 60_000);

interface Machine {
  readonly folder: string;
  run(...args: readonly string[]): Promise<CliEnd>;
}

function machineWith(files: Readonly<Record<string, unknown>>): Machine {
  const folder = mkdtempSync(join(tmpdir(), 'holdfast-config-'));
  onTestFinished(() => {
    rmSync(folder, { recursive: true });
  });
  mkdirSync(join(folder, 'project'));
  for (const [name, content] of Object.entries(files)) {
    mkdirSync(join(folder, dirname(name)), { recursive: true });
    writeFileSync(join(folder, name), typeof content === 'string' ? content : JSON.stringify(content));
  }
  const env = { HOME: folder, XDG_CONFIG_HOME: join(folder, 'settings'), SECRET: canary };
  return { folder, run: async (...args) => (await startCli(args, { cwd: join(folder, 'project'), env })).ended };
}

it('print writes what a configuration comes to, without a secret', async () => {
  const { run, folder } = machineWith({
    'project/holdfast.json': {
      extends: '../base.json',
      mcpServers: {
        web: { url: `https://me:${canary}1@a.example/mcp?api_key=${canary}2`, headers: { Authorization: '${SECRET}' } },
        off: { command: 'x', disabled: true, env: { TOKEN: `${canary}3` } },
      },
      holdfast: { defaults: { maxQueue: 3 } },
    },
    'base.json': {
      mcpServers: { files: { command: 'x', args: [`--token=${canary}4`, '--', 'a'], env: { A: 'b', B: null } } },
    },
  });
  const { code, stdout, stderr } = await run('config', 'print');
  expect([code, stderr]).toEqual([0, '']);
  expect(stdout).not.toContain('canary');
  const file = join(folder, 'project/holdfast.json');
  const base = join(folder, 'base.json');
  const options = {};
  expect(JSON.parse(stdout)).toEqual({
    schema: 'holdfast/v1',
    file,
    files: [file, base],
    dialect: 'claude',
    servers: [
      {
        id: 'files',
        source: { file: base, line: 1, column: 16 },
        enabled: true,
        transport: {
          kind: 'stdio',
          command: 'x',
          args: ['--token=[secret]', '--', 'a'],
          cwd: folder,
          env: { A: '[redacted]', B: null },
          inheritEnv: false,
        },
        options,
      },
      {
        id: 'web',
        source: { file, line: 1, column: 41 },
        enabled: true,
        transport: {
          kind: 'http',
          url: 'https://me:[secret]@a.example/mcp?api_key=[secret]',
          headers: { Authorization: '[redacted]' },
          mode: 'auto',
        },
        options,
      },
      {
        id: 'off',
        source: { file, line: 1, column: expect.any(Number) },
        enabled: false,
        transport: {
          kind: 'stdio',
          command: 'x',
          args: [],
          cwd: join(folder, 'project'),
          env: { TOKEN: '[redacted]' },
          inheritEnv: false,
        },
        options,
      },
    ],
    groups: [],
    settings: { defaults: { maxQueue: 3 } },
  });
});

it('print tells what is wrong, and prints the rest', async () => {
  const { run } = machineWith({ 'project/mcp.json': { mcpServers: { a: { command: 'x' }, b: {} } } });
  const { code, stdout, stderr } = await run('config', 'print');
  expect([code, JSON.parse(stdout).servers.length]).toEqual([2, 1]);
  expect(stderr).toContain('mcpServers.b: the server has neither "command" nor "url"');
  expect(await run('config', 'print', 'gone.json')).toMatchObject({ code: 2, stdout: '' });
});

const hosts = {
  'settings/Claude/claude_desktop_config.json': { mcpServers: { a: { command: 'x' }, b: { command: 'x' }, c: {} } },
  '.codex/config.toml': '[mcp_servers.d]\ncommand = "x"\n',
  '.gemini/settings.json': '{ oops',
  '.claude.json': { theme: 'dark' },
  'project/.vscode/mcp.json': { servers: {} },
};

it('import lists the configurations of other hosts, with what can be used of them', async () => {
  const { run, folder } = machineWith(hosts);
  const { code, stdout } = await run('config', 'import');
  expect(code).toBe(0);
  expect(stdout.replaceAll(/ {2,}/gu, ' | ')).toBe(
    [
      'host | scope | file | servers',
      'Claude Desktop | user | ~/settings/Claude/claude_desktop_config.json | a, b, 1 that cannot be used',
      'Claude Code | user | ~/.claude.json | – the file has none of "mcpServers", "servers", "context_servers", "mcp_servers" and "mcp", so it names no servers',
      'Gemini CLI | user | ~/.gemini/settings.json | – this is not JSON: this is neither a string, a number, true, false nor null',
      'Codex | user | ~/.codex/config.toml | d',
      'VS Code | project | ~/project/.vscode/mcp.json | no servers',
      '',
    ].join('\n'),
  );
  const { configs } = JSON.parse((await run('config', 'import', '--json')).stdout);
  expect(configs[0]).toEqual({
    host: 'Claude Desktop',
    dialect: 'claude',
    scope: 'user',
    file: join(folder, 'settings/Claude/claude_desktop_config.json'),
    servers: ['a', 'b'],
    refused: 1,
    problem: null,
  });
});

it('import --extends writes a holdfast.json that builds on those with servers, and that can be used', async () => {
  const { run, folder } = machineWith(hosts);
  const { code, stdout } = await run('config', 'import', '--extends');
  expect([code, JSON.parse(stdout)]).toEqual([
    0,
    { extends: ['~/settings/Claude/claude_desktop_config.json', '~/.codex/config.toml'] },
  ]);
  writeFileSync(join(folder, 'project/holdfast.json'), stdout);
  const printed = JSON.parse((await run('config', 'print')).stdout);
  expect(printed.servers.map(({ id }: { id: string }) => id)).toEqual(['a', 'b', 'd']);
});

it('import says when there is nothing to import', async () => {
  const { run } = machineWith({});
  expect(await run('config', 'import')).toEqual({
    code: 1,
    stdout: 'No host with a configuration of MCP servers was found.\n',
    stderr: '',
  });
});

it('schema writes the published schema', async () => {
  const { run } = machineWith({});
  const published = readFileSync(join(import.meta.dirname, '..', '..', 'docs', 'holdfast.schema.json'), 'utf8');
  const { code, stdout } = await run('config', 'schema');
  expect([code, JSON.parse(stdout)]).toEqual([0, JSON.parse(published)]);
});
