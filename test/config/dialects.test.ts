import { describe, expect, it } from 'vitest';
import { loadText } from './config-fixture.ts';

const program = { kind: 'stdio', cwd: '/project', env: {}, inheritEnv: false, args: [] };

describe('the settings of Zed', () => {
  const settings = `{
    // The rest of the editor's settings.
    "theme": "One Dark",
    "context_servers": {
      "files": { "source": "custom", "command": "files-server", "args": ["--root", "/work"], "env": { "LEVEL": "warn" } },
      "search": { "url": "https://search.example/mcp", "headers": { "Authorization": "Bearer \${TOKEN}" } },
      "off": { "enabled": false, "command": "off-server", "args": [] },
    },
  }`;

  it('hold servers under "context_servers"', async () => {
    const { servers, problems } = await loadText(settings, { env: { TOKEN: 's3cr3t' } });
    expect(problems).toEqual([]);
    expect(servers.map(({ id, enabled, transport }) => [id, enabled, transport])).toEqual([
      ['files', true, { ...program, command: 'files-server', args: ['--root', '/work'], env: { LEVEL: 'warn' } }],
      [
        'search',
        true,
        { kind: 'http', url: 'https://search.example/mcp', headers: { Authorization: 'Bearer s3cr3t' }, mode: 'auto' },
      ],
      ['off', false, { ...program, command: 'off-server' }],
    ]);
  });
});

describe('the configuration of opencode', () => {
  const config = `{
    "$schema": "https://opencode.ai/config.json",
    "mcp": {
      "files": {
        "type": "local",
        "command": ["files-server", "--root", "{env:ROOT}", "{literal}"],
        "environment": { "LEVEL": "warn", "KEY": "{env:KEY}" },
        "enabled": true
      },
      "search": { "type": "remote", "url": "https://search.example/mcp", "headers": { "X-Key": "{env:KEY}" } }
    }
  }`;

  it('holds servers under "mcp", whose command is a list and whose variables are in braces', async () => {
    const { servers, problems } = await loadText(config, { env: { ROOT: '/work', KEY: 'k{env:ROOT}' } });
    expect(problems).toEqual([]);
    const key = 'k{env:ROOT}';
    expect(servers.map(({ id, transport }) => [id, transport])).toEqual([
      [
        'files',
        {
          ...program,
          command: 'files-server',
          args: ['--root', '/work', '{literal}'],
          env: { LEVEL: 'warn', KEY: key },
        },
      ],
      ['search', { kind: 'http', url: 'https://search.example/mcp', headers: { 'X-Key': key }, mode: 'auto' }],
    ]);
  });

  const mistakes: readonly [string, string, string][] = [
    [
      'a variable that is not set',
      '["x", "{env:NOPE}"]',
      '1:53: mcp.a.command[1]: the variable NOPE is not set; set NOPE in the environment',
    ],
    [
      'a file',
      '["x", "{file:~/key}"]',
      '1:53: mcp.a.command[1]: {file:~/key} is not read: holdfast reads no file into a value; put the value into the environment and write {env:NAME}',
    ],
    ['an empty list', '[]', '1:47: mcp.a.command: command is empty; write "command": ["program", "argument", …]'],
    [
      'no text',
      '["x", 7]',
      '1:53: mcp.a.command[1]: an argument must be a string, but it is a number; put it in double quotes',
    ],
  ];

  it.each(mistakes)('with %s for a command keeps that server out, and says where', async (_what, command, said) => {
    const text = `{ "mcp": { "a": { "type": "local", "command": ${command} }, "b": { "type": "local", "command": ["y"] } } }`;
    const { servers, problems } = await loadText(text);
    expect(
      problems.map(({ line, column, field, problem, fix }) => `${line}:${column}: ${field}: ${problem}; ${fix}`),
    ).toEqual([said]);
    expect(servers.map(({ id }) => id)).toEqual(['b']);
  });
});

it('a key "mcp" beside servers of another dialect is that of another host, and left alone', async () => {
  const { servers, problems } = await loadText(
    '{ "mcpServers": { "a": { "command": "x" } }, "mcp": { "allowed": ["a"] } }',
  );
  expect([servers.map(({ id }) => id), problems]).toEqual([['a'], []]);
});

it('servers of two dialects in one file are a problem', async () => {
  const { problems } = await loadText('{ "servers": {}, "context_servers": {} }');
  expect(problems.map(({ problem }) => problem)).toEqual([
    '"context_servers" is not read, because the file has "servers" too',
  ]);
});
