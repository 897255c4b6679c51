import { expect, it } from 'vitest';
import type { DialectName, ServerSpec } from '../../src/config/index.ts';
import { loadText } from './config-fixture.ts';

const env = { TOKEN: 't0ken', HOME_KEY: 'k3y', ROOT: '/data' };

const program = (command: string, more: Readonly<Record<string, unknown>> = {}): unknown => ({
  kind: 'stdio',
  command,
  args: [],
  cwd: expect.any(String),
  env: {},
  inheritEnv: false,
  ...more,
});
const remote = (mode: string, headers: Readonly<Record<string, string>> = {}): unknown => ({
  kind: 'http',
  url: 'https://mcp.example/mcp',
  headers,
  mode,
});

interface Sample {
  readonly dialect: DialectName;
  readonly file: string;
  readonly text: string;
  /** By id: the transport and, where the entry has any, its settings; false for one that is disabled. */
  readonly servers: Readonly<Record<string, readonly [unknown, unknown?] | false>>;
}

const samples: readonly Sample[] = [
  {
    dialect: 'claude',
    file: '/home/me/.config/Claude/claude_desktop_config.json',
    text: `{ "globalShortcut": "", "mcpServers": {
      "files": { "command": "npx", "args": ["-y", "files-server", "/work"], "env": { "KEY": "literal" } } } }`,
    servers: { files: [program('npx', { args: ['-y', 'files-server', '/work'], env: { KEY: 'literal' } })] },
  },
  {
    dialect: 'claude',
    file: '/project/.mcp.json',
    text: `{ "mcpServers": {
      "files": { "type": "stdio", "command": "files-server", "args": ["\${ROOT:-/tmp}"] },
      "search": { "type": "http", "url": "https://mcp.example/mcp", "headers": { "Authorization": "Bearer \${TOKEN}" } },
      "old": { "type": "sse", "url": "https://mcp.example/mcp" } } }`,
    servers: {
      files: [program('files-server', { args: ['/data'] })],
      search: [remote('streamable-http', { Authorization: 'Bearer t0ken' })],
      old: [remote('sse')],
    },
  },
  {
    dialect: 'vscode',
    file: '/project/.vscode/mcp.json',
    text: `{ // comments, and trailing commas
      "inputs": [{ "type": "promptString", "id": "key", "default": "none" }],
      "servers": {
        "files": { "type": "stdio", "command": "files-server", "args": ["\${workspaceFolder}"], "env": { "A": null, "K": "\${input:key}" } },
        "search": { "type": "http", "url": "https://mcp.example/mcp" },
      },
    }`,
    servers: {
      files: [program('files-server', { args: ['/project'], cwd: '/project', env: { A: null, K: 'none' } })],
      search: [remote('auto')],
    },
  },
  {
    dialect: 'claude',
    file: '/project/.cursor/mcp.json',
    text: `{ "mcpServers": {
      "files": { "command": "files-server", "env": { "KEY": "\${env:HOME_KEY}" } },
      "search": { "url": "https://mcp.example/mcp", "headers": { "X-Key": "\${env:HOME_KEY}" } } } }`,
    servers: {
      files: [program('files-server', { cwd: '/project', env: { KEY: 'k3y' } })],
      search: [remote('auto', { 'X-Key': 'k3y' })],
    },
  },
  {
    dialect: 'windsurf',
    file: '/home/me/.codeium/windsurf/mcp_config.json',
    text: `{ "mcpServers": {
      "search": { "serverUrl": "https://mcp.example/mcp", "headers": { "X-Key": "\${env:HOME_KEY}" }, "disabledTools": ["a"] },
      "off": { "command": "x", "disabled": true } } }`,
    servers: { search: [remote('auto', { 'X-Key': 'k3y' })], off: false },
  },
  {
    dialect: 'cline',
    file: '/home/me/settings/cline_mcp_settings.json',
    text: `{ "mcpServers": {
      "files": { "command": "files-server", "timeout": 90, "autoApprove": ["read"], "disabled": false },
      "search": { "url": "https://mcp.example/mcp" },
      "new": { "type": "streamableHttp", "url": "https://mcp.example/mcp" },
      "older": { "transportType": "http", "url": "https://mcp.example/mcp" },
      "nested": { "transport": { "type": "stdio", "command": "nested-server" }, "timeout": 600 } } }`,
    servers: {
      files: [program('files-server'), { callTimeoutMs: 90_000 }],
      search: [remote('sse')],
      new: [remote('streamable-http')],
      older: [remote('streamable-http')],
      nested: [program('nested-server'), { callTimeoutMs: 600_000, maxCallTimeoutMs: 600_000 }],
    },
  },
  {
    dialect: 'roo',
    file: '/project/.roo/mcp.json',
    text: `{ "mcpServers": {
      "files": { "command": "files-server", "timeout": 30, "alwaysAllow": [], "watchPaths": [] },
      "search": { "type": "streamable-http", "url": "https://mcp.example/mcp" } } }`,
    servers: { files: [program('files-server'), { callTimeoutMs: 30_000 }], search: [remote('streamable-http')] },
  },
  {
    dialect: 'gemini',
    file: '/home/me/.gemini/settings.json',
    text: `{ "theme": "GitHub", "mcp": { "allowed": ["files"] }, "mcpServers": {
      "files": { "command": "files-server", "env": { "KEY": "$HOME_KEY", "T": "\${TOKEN}" }, "timeout": 1500, "trust": true },
      "search": { "httpUrl": "https://mcp.example/mcp" },
      "any": { "url": "https://mcp.example/mcp" } } }`,
    servers: {
      files: [program('files-server', { env: { KEY: 'k3y', T: 't0ken' } }), { callTimeoutMs: 1500 }],
      search: [remote('streamable-http')],
      any: [remote('auto')],
    },
  },
  {
    dialect: 'zed',
    file: '/home/me/.config/zed/settings.json',
    text: `{ "theme": "One Dark", "context_servers": {
      "files": { "source": "custom", "command": "files-server", "args": [], "timeout": 20 },
      "search": { "url": "https://mcp.example/mcp" },
      "off": { "enabled": false, "command": "x", "args": [] } } }`,
    servers: {
      files: [program('files-server'), { callTimeoutMs: 20_000 }],
      search: [remote('auto')],
      off: false,
    },
  },
  {
    dialect: 'librechat',
    file: '/srv/librechat.yaml',
    text: `version: 1.2.1
x-defaults: &defaults
  timeout: 45000
  chatMenu: false
mcpServers:
  files:
    <<: *defaults
    type: stdio
    command: files-server
    args: [--root, "\${ROOT}"]
    initTimeout: 10000
  search:
    url: https://mcp.example/mcp
    headers:
      Authorization: Bearer \${TOKEN}
  new:
    type: streamable-http
    url: https://mcp.example/mcp
`,
    servers: {
      files: [
        program('files-server', { args: ['--root', '/data'] }),
        { callTimeoutMs: 45_000, connectTimeoutMs: 10_000 },
      ],
      search: [remote('sse', { Authorization: 'Bearer t0ken' })],
      new: [remote('streamable-http')],
    },
  },
  {
    dialect: 'codex',
    file: '/home/me/.codex/config.toml',
    text: `model = "a"
[mcp_servers.files]
command = "files-server"
args = ["--root", "/work"]
env = { LEVEL = "warn" }
env_vars = ["TOKEN"]
startup_timeout_sec = 20
tool_timeout_sec = 1.5
[mcp_servers.search]
url = "https://mcp.example/mcp"
bearer_token_env_var = "TOKEN"
http_headers = { X-Region = "eu" }
env_http_headers = { X-Key = "HOME_KEY" }
[mcp_servers.off]
enabled = false
command = "x"
[mcp_servers.off.env]
A = "b"
`,
    servers: {
      files: [
        program('files-server', { args: ['--root', '/work'], env: { LEVEL: 'warn', TOKEN: 't0ken' } }),
        { connectTimeoutMs: 20_000, callTimeoutMs: 1500 },
      ],
      search: [remote('auto', { Authorization: 'Bearer t0ken', 'X-Region': 'eu', 'X-Key': 'k3y' })],
      off: false,
    },
  },
  {
    dialect: 'continue',
    file: '/home/me/.continue/config.yaml',
    text: `name: mine
mcpServers:
  - name: files
    command: files-server
    env:
      KEY: \${{ secrets.HOME_KEY }}
    connectionTimeout: 8000
  - name: search
    type: streamable-http
    url: https://mcp.example/mcp
    requestOptions:
      headers:
        Authorization: Bearer \${{ secrets.TOKEN }}
`,
    servers: {
      files: [program('files-server', { env: { KEY: 'k3y' } }), { connectTimeoutMs: 8000 }],
      search: [remote('streamable-http', { Authorization: 'Bearer t0ken' })],
    },
  },
  {
    dialect: 'opencode',
    file: '/project/opencode.jsonc',
    text: `{ "mcp": {
      "files": { "type": "local", "command": ["files-server", "{env:ROOT}"], "environment": { "KEY": "{env:HOME_KEY}" } },
      "search": { "type": "remote", "url": "https://mcp.example/mcp", "enabled": true } } }`,
    servers: {
      files: [program('files-server', { args: ['/data'], env: { KEY: 'k3y' } })],
      search: [remote('auto')],
    },
  },
];

const told = ({ transport, options, enabled }: ServerSpec): unknown =>
  enabled ? (Object.keys(options).length === 0 ? [transport] : [transport, options]) : false;

it.each(samples)('$file is read in the dialect $dialect', async ({ dialect, file, text, servers }) => {
  const config = await loadText(text, { file, env });
  expect(config.problems).toEqual([]);
  expect(config.warnings.filter(({ level }) => level === 'warning')).toEqual([]);
  expect(config.dialect).toBe(dialect);
  expect(Object.fromEntries(config.servers.map((spec) => [spec.id, told(spec)]))).toEqual(servers);
});

it('every dialect has a sample', () => {
  const named: Record<DialectName, true> = {
    claude: true,
    cline: true,
    codex: true,
    continue: true,
    gemini: true,
    librechat: true,
    opencode: true,
    roo: true,
    vscode: true,
    windsurf: true,
    zed: true,
  };
  expect(new Set(samples.map(({ dialect }) => dialect))).toEqual(new Set(Object.keys(named)));
});

it('a dialect that the name of the file does not tell can be asked for', async () => {
  const text = '{ "mcpServers": { "a": { "url": "https://mcp.example/mcp", "timeout": 5 } } }';
  const plain = await loadText(text);
  expect([plain.servers[0]?.transport, plain.servers[0]?.options, plain.warnings.length]).toEqual([
    remote('auto'),
    {},
    1,
  ]);
  const asked = await loadText(text, { dialect: 'cline' });
  expect([asked.servers[0]?.transport, asked.servers[0]?.options, asked.warnings]).toEqual([
    remote('sse'),
    { callTimeoutMs: 5000 },
    [],
  ]);
});

it('what holdfast’s own key says wins over the times of the dialect', async () => {
  const text = `mcpServers: { a: { command: x, timeout: 1000 } }
holdfast: { servers: { a: { callTimeoutMs: 7 } } }`;
  const { servers } = await loadText(text, { file: '/srv/librechat.yaml' });
  expect(servers[0]?.options).toEqual({ callTimeoutMs: 7 });
});

it('a dialect that is none is refused', async () => {
  await expect(loadText('{}', JSON.parse('{ "dialect": "emacs" }'))).rejects.toMatchObject({
    code: 'INVALID_OPTION',
    field: 'dialect',
  });
});
