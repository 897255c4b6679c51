import { join } from 'node:path';

import { describe, expect, it } from 'vitest';

import { loadConfig } from '../../src/config/index.ts';
import type { LoadConfigOptions, TransportSpec } from '../../src/config/index.ts';
import { folderWith, loadText } from './config-fixture.ts';

async function transportOf(
  entry: object,
  options: LoadConfigOptions = {},
  container = 'mcpServers',
): Promise<TransportSpec | undefined> {
  const config = await loadText(JSON.stringify({ [container]: { a: entry } }), options);
  expect(config.problems).toEqual([]);
  return config.servers[0]?.transport;
}

async function problemsOf(entry: unknown, options: LoadConfigOptions = {}): Promise<string[]> {
  const config = await loadText(JSON.stringify({ mcpServers: { a: entry, other: { command: 'x' } } }), options);
  expect(config.servers.map(({ id }) => id)).toEqual(['other']);
  return config.problems.map(({ field, problem, fix }) => `${field}: ${problem}; ${fix}`);
}

describe('a program', () => {
  it('has its arguments, folder and environment; the folder starts at that of the file', async () => {
    expect(
      await transportOf({
        type: 'stdio',
        command: 'node',
        args: ['server.js', ''],
        cwd: 'sub/dir',
        env: { TEXT: 'x', PORT: 8080, GONE: null },
        inheritEnv: true,
      }),
    ).toEqual({
      kind: 'stdio',
      command: 'node',
      args: ['server.js', ''],
      cwd: '/project/sub/dir',
      env: { TEXT: 'x', PORT: '8080', GONE: null },
      inheritEnv: true,
    });
  });

  it('keeps an absolute folder', async () => {
    expect(await transportOf({ command: 'x', cwd: '/srv' })).toEqual({
      kind: 'stdio',
      command: 'x',
      args: [],
      cwd: '/srv',
      env: {},
      inheritEnv: false,
    });
  });

  it.each(['.vscode', '.cursor'])('in %s/mcp.json starts in the folder above', async (host) => {
    const file = `/project/${host}/mcp.json`;
    const config = await loadText('{"servers": {"a": {"command": "${workspaceFolder}/x"}}}', { file });
    expect(config.servers.map(({ transport }) => transport)).toEqual([
      { kind: 'stdio', command: '/project/x', args: [], cwd: '/project', env: {}, inheritEnv: false },
    ]);
  });

  it('has an environment without a prototype, so that __proto__ is a name like any other', async () => {
    const config = await loadText(
      '{"mcpServers": {"a": {"command": "x", "env": {"__proto__": "p", "constructor": "c"}}}}',
    );
    const [server] = config.servers;
    if (server?.transport.kind !== 'stdio') throw new Error('expected a program');
    expect(Object.getPrototypeOf(server.transport.env)).toBe(null);
    expect(Object.entries(server.transport.env)).toEqual([
      ['__proto__', 'p'],
      ['constructor', 'c'],
    ]);
  });

  it('takes variables from envFile, and those of env win', async () => {
    const folder = await folderWith({
      'mcp.json': '{"mcpServers": {"a": {"command": "x", "envFile": "${NAME}.env", "env": {"B": "mine", "C": null}}}}',
      'dev.env': '# comment\nA=one\nB=two\nC=three\nD="with ${NAME}"\n',
    });
    const config = await loadConfig('mcp.json', { cwd: folder, env: { NAME: 'dev' } });
    expect(config.problems).toEqual([]);
    expect(config.servers.map(({ transport }) => transport)).toEqual([
      {
        kind: 'stdio',
        command: 'x',
        args: [],
        cwd: folder,
        env: { A: 'one', B: 'mine', C: null, D: 'with ${NAME}' },
        inheritEnv: false,
      },
    ]);
  });

  it('with an envFile that cannot be read or is malformed is a problem that quotes nothing of it', async () => {
    const folder = await folderWith({
      'mcp.json':
        '{"mcpServers": {"a": {"command": "x", "envFile": "gone.env"}, "b": {"command": "x", "envFile": "bad.env"}, "c": {"command": "x"}}}',
      'bad.env': 'secret line\nA=1\n',
    });
    const config = await loadConfig('mcp.json', { cwd: folder, env: {} });
    expect(config.servers.map(({ id }) => id)).toEqual(['c']);
    expect(config.problems).toEqual([
      {
        file: join(folder, 'mcp.json'),
        line: 1,
        column: 50,
        field: 'mcpServers.a.envFile',
        serverId: 'a',
        problem: 'the envFile does not exist',
        fix: 'check the path, or create it',
      },
      {
        file: join(folder, 'mcp.json'),
        line: 1,
        column: 96,
        field: 'mcpServers.b.envFile',
        serverId: 'b',
        problem: 'the envFile holds a line that is not NAME=value',
        fix: 'mend that line; comments begin with #',
      },
    ]);
  });
});

describe('an address', () => {
  const http = (mode: string): object => ({ kind: 'http', url: 'https://example.com/mcp', headers: {}, mode });
  const webSocket = { kind: 'webSocket', url: 'wss://example.com/mcp', headers: {} };
  const kinds: readonly (readonly [type: string | undefined, url: string, expected: object])[] = [
    [undefined, 'https://example.com/mcp', http('auto')],
    ['remote', 'https://example.com/mcp', http('auto')],
    ['http', 'https://example.com/mcp', http('streamable-http')],
    ['streamable-http', 'https://example.com/mcp', http('streamable-http')],
    ['streamableHttp', 'https://example.com/mcp', http('streamable-http')],
    ['streamable_http', 'https://example.com/mcp', http('streamable-http')],
    ['sse', 'https://example.com/mcp', http('sse')],
    [undefined, 'wss://example.com/mcp', webSocket],
    ['remote', 'wss://example.com/mcp', webSocket],
    ['ws', 'wss://example.com/mcp', webSocket],
    ['websocket', 'wss://example.com/mcp', webSocket],
  ];
  it.each(kinds)('with the type %s and the url %s', async (type, url, expected) => {
    expect(await transportOf({ type, url })).toEqual(expected);
  });

  it('of type http under VS Code’s servers means Streamable HTTP with SSE as the fallback', async () => {
    expect(await transportOf({ type: 'http', url: 'https://example.com/mcp' }, {}, 'servers')).toEqual(http('auto'));
  });

  it('may be called serverUrl; httpUrl says that it is Streamable HTTP', async () => {
    expect(await transportOf({ serverUrl: 'https://example.com/mcp' })).toEqual(http('auto'));
    expect(await transportOf({ httpUrl: 'https://example.com/mcp' })).toEqual(http('streamable-http'));
  });

  it('has its variables expanded, in its headers too', async () => {
    expect(
      await transportOf(
        { url: 'https://${HOST}/mcp', headers: { Authorization: 'Bearer ${env:TOKEN}' } },
        { env: { HOST: 'example.com', TOKEN: 'hunter2' } },
      ),
    ).toEqual({
      kind: 'http',
      url: 'https://example.com/mcp',
      headers: { Authorization: 'Bearer hunter2' },
      mode: 'auto',
    });
  });
});

describe('an entry that cannot be used is one problem', () => {
  const flag = 'write true or false, without quotes';
  const cases: readonly (readonly [title: string, entry: unknown, problem: string])[] = [
    [
      'that is no object',
      'node',
      'mcpServers.a: a server must be an object, but it is a string; write { "command": "…" } or { "url": "…" }',
    ],
    [
      'without command and url',
      {},
      'mcpServers.a: the server has neither "command" nor "url"; add "command" for a program to start, or "url" for a remote server',
    ],
    [
      'of type stdio without command',
      { type: 'stdio' },
      'mcpServers.a.command: "command" is missing, and the "type" of the server demands it; add "command", or correct "type"',
    ],
    [
      'of type local with a url',
      { type: 'local', url: 'https://a.b' },
      'mcpServers.a.command: "command" is missing, and the "type" of the server demands it; add "command", or correct "type"',
    ],
    [
      'of type http with a command',
      { type: 'http', command: 'x' },
      'mcpServers.a.url: "url" is missing, and the "type" of the server demands it; add "url", or correct "type"',
    ],
    [
      'with command and url',
      { command: 'x', url: 'https://a.b' },
      'mcpServers.a.url: both "command" and "url" are given; keep "command" for a program, or the address for a remote server',
    ],
    [
      'with two addresses',
      { url: 'https://a.b', serverUrl: 'https://a.b' },
      'mcpServers.a.serverUrl: both "url" and "serverUrl" are given; keep one of the two',
    ],
    [
      'of an unknown type',
      { type: 'htpp', url: 'https://a.b' },
      'mcpServers.a.type: this "type" of server is not known; did you mean "http"?',
    ],
    [
      'with a type that is no string',
      { type: 1, command: 'x' },
      'mcpServers.a.type: type must be a string, but it is a number; write "stdio", "http", "sse" or "ws"',
    ],
    [
      'with a command that is no string',
      { command: 1 },
      'mcpServers.a.command: command must be a string, but it is a number; put it in double quotes',
    ],
    [
      'with a command that is an array',
      { command: ['x', 'y'] },
      'mcpServers.a.command: command must be a string, but it is an array; put the program into "command" and the rest into "args"',
    ],
    [
      'with an empty command',
      { command: ' ' },
      'mcpServers.a.command: command is empty; write it out, or check the variables in it',
    ],
    ['with a NUL in its command', { command: 'x\0' }, 'mcpServers.a.command: command holds a NUL character; remove it'],
    [
      'with args that are no array',
      { command: 'x', args: '-y z' },
      'mcpServers.a.args: args must be an array of strings, but it is a string; write "args": ["…", "…"]',
    ],
    [
      'with an arg that is no string',
      { command: 'x', args: ['-p', 80] },
      'mcpServers.a.args[1]: an argument must be a string, but it is a number; put it in double quotes',
    ],
    [
      'with a cwd that is no string',
      { command: 'x', cwd: null },
      'mcpServers.a.cwd: cwd must be a string, but it is null; put it in double quotes',
    ],
    [
      'with an env that is no object',
      { command: 'x', env: ['A=1'] },
      'mcpServers.a.env: env must be an object, but it is an array; write "env": { "NAME": "value" }',
    ],
    [
      'with an env name that cannot be',
      { command: 'x', env: { 'A=B': '1' } },
      'mcpServers.a.env["A=B"]: "A=B" cannot be the name of a variable; use letters, digits and underscores',
    ],
    [
      'with an env value of the wrong type',
      { command: 'x', env: { A: [] } },
      'mcpServers.a.env.A: the value of a variable must be a string, a number or null, but it is an array; put it in double quotes',
    ],
    [
      'with an inheritEnv that is no boolean',
      { command: 'x', inheritEnv: 'yes' },
      `mcpServers.a.inheritEnv: inheritEnv must be true or false, but it is a string; ${flag}`,
    ],
    [
      'with a url that is no string',
      { url: {} },
      'mcpServers.a.url: url must be a string, but it is an object; put it in double quotes',
    ],
    [
      'with half a url',
      { url: 'localhost:3000/mcp' },
      'mcpServers.a.url: url is not a whole http:// or https:// address; write it like https://example.com/mcp',
    ],
    [
      'with a socket for a url',
      { url: 'unix:///run/mcp.sock' },
      'mcpServers.a.url: an address that begins with unix: is not supported yet; give the server an http:// or https:// address',
    ],
    [
      'of type ws with an http url',
      { type: 'ws', url: 'https://a.b' },
      'mcpServers.a.url: url is not a whole ws:// or wss:// address, as its "type" demands; write it like wss://example.com/mcp',
    ],
    [
      'of type sse with a ws url',
      { type: 'sse', url: 'ws://a.b' },
      'mcpServers.a.url: url is not a whole http:// or https:// address, as its "type" demands; write it like https://example.com/mcp',
    ],
    [
      'with headers that are no object',
      { url: 'https://a.b', headers: 'A: b' },
      'mcpServers.a.headers: headers must be an object, but it is a string; write "headers": { "Name": "value" }',
    ],
    [
      'with a header name that cannot be',
      { url: 'https://a.b', headers: { 'A b': 'x' } },
      'mcpServers.a.headers["A b"]: "A b" cannot be the name of a header; use letters, digits and hyphens',
    ],
    [
      'with a header value that is no string',
      { url: 'https://a.b', headers: { A: 1 } },
      'mcpServers.a.headers.A: the value of a header must be a string, but it is a number; put it in double quotes',
    ],
    [
      'with a line break in a header',
      { url: 'https://a.b', headers: { A: 'x\r\nB: y' } },
      'mcpServers.a.headers.A: the value of a header holds a character that HTTP does not allow; remove line breaks and non-Latin characters',
    ],
    [
      'with a disabled that is no boolean',
      { command: 'x', disabled: 'no' },
      `mcpServers.a.disabled: disabled must be true or false, but it is a string; ${flag}`,
    ],
    [
      'that is enabled and disabled',
      { command: 'x', enabled: true, disabled: true },
      'mcpServers.a.disabled: "enabled" and "disabled" contradict each other; keep one of the two',
    ],
  ];
  it.each(cases)('%s', async (_title, entry, problem) => {
    expect(await problemsOf(entry)).toEqual([problem]);
  });

  it('with a key given twice, at the second', async () => {
    const config = await loadText('{"mcpServers": {"a": {"command": "x",\n"command": "y"}}}');
    expect(config.problems).toEqual([
      {
        file: '/project/mcp.json',
        line: 2,
        column: 1,
        field: 'mcpServers.a.command',
        serverId: 'a',
        problem: '"command" is given twice, first on line 1',
        fix: 'remove one of the two',
      },
    ]);
  });
});

describe('a disabled server', () => {
  it.each([{ disabled: true }, { enabled: false }, { enabled: false, disabled: true }])(
    'is loaded and marked by %o',
    async (marks) => {
      const config = await loadText(JSON.stringify({ mcpServers: { a: { command: 'x', ...marks } } }));
      expect(config.servers.map(({ id, enabled }) => [id, enabled])).toEqual([['a', false]]);
    },
  );

  it.each([{ disabled: false }, { enabled: true }, { enabled: true, disabled: false }])(
    'is not what %o means',
    async (marks) => {
      const config = await loadText(JSON.stringify({ mcpServers: { a: { command: 'x', ...marks } } }));
      expect(config.servers.map(({ id, enabled }) => [id, enabled])).toEqual([['a', true]]);
    },
  );

  it('that could not be used is left out with a piece of information, not a problem', async () => {
    const config = await loadText('{"mcpServers": {"a": {"command": "${NOWHERE}", "disabled": true}}}');
    expect([config.servers, config.problems]).toEqual([[], []]);
    expect(config.warnings).toEqual([
      {
        level: 'info',
        file: '/project/mcp.json',
        line: 1,
        column: 34,
        field: 'mcpServers.a.command',
        serverId: 'a',
        message:
          'disabled: the variable NOWHERE is not set and has no default; set NOWHERE in the environment, or write ${NOWHERE:-value}',
      },
    ]);
  });
});

describe('keys that holdfast does not read never keep a server from starting', () => {
  it('those of other hosts are explained; unknown ones get a suggestion', async () => {
    const config = await loadText(
      JSON.stringify({
        mcpServers: {
          a: {
            command: 'x',
            autoApprove: ['y'],
            disabledTools: [],
            sandbox: {},
            dev: {},
            timeout: 60,
            oauth: {},
            comand: 'z',
            somethingElse: 1,
            headers: {},
          },
        },
      }),
    );
    expect(config.problems).toEqual([]);
    expect(config.servers.map(({ transport }) => transport)).toEqual([
      { kind: 'stdio', command: 'x', args: [], cwd: '/project', env: {}, inheritEnv: false },
    ]);
    expect(config.warnings.map(({ level, field, serverId, message }) => [level, field, serverId, message])).toEqual([
      ['info', 'mcpServers.a.autoApprove', 'a', "ignored: approval is the host's job"],
      ['info', 'mcpServers.a.disabledTools', 'a', "ignored: choosing tools is the host's job"],
      ['info', 'mcpServers.a.sandbox', 'a', "ignored: sandboxing is the host's job; the server runs without one"],
      ['info', 'mcpServers.a.dev', 'a', "ignored: watching and debugging are the host's job"],
      [
        'warning',
        'mcpServers.a.timeout',
        'a',
        'ignored: its unit differs from host to host; set callTimeoutMs or connectTimeoutMs under "holdfast"',
      ],
      ['warning', 'mcpServers.a.oauth', 'a', 'not supported yet: send a token with "headers"'],
      [
        'warning',
        'mcpServers.a.comand',
        'a',
        'ignored: "comand" is not a key that holdfast knows; did you mean "command"?',
      ],
      ['warning', 'mcpServers.a.somethingElse', 'a', 'ignored: "somethingElse" is not a key that holdfast knows'],
      ['warning', 'mcpServers.a.headers', 'a', 'ignored: it means nothing for a server with a command'],
    ]);
  });
});

describe('variables in an entry', () => {
  it('are expanded in command, args, env, cwd and envFile, and never in names', async () => {
    const folder = await folderWith({
      'mcp.json': JSON.stringify({
        mcpServers: {
          '${V}': { command: '${V}', args: ['${V}'], env: { '${V}': '${V}' }, cwd: '${V}', envFile: '${V}' },
        },
      }),
      x: 'A=1',
    });
    const config = await loadConfig('mcp.json', { cwd: folder, env: { V: 'x' } });
    expect(config.problems).toEqual([]);
    expect(config.servers).toEqual([
      {
        id: '${V}',
        source: { file: join(folder, 'mcp.json'), line: 1, column: 16 },
        enabled: true,
        transport: {
          kind: 'stdio',
          command: 'x',
          args: ['x'],
          cwd: join(folder, 'x'),
          env: { A: '1', '${V}': 'x' },
          inheritEnv: false,
        },
        options: {},
      },
    ]);
  });

  it('without a value are one problem each, with the place, the server, the field and the variable', async () => {
    const config = await loadText(
      '{"mcpServers": {"git": {\n  "command": "x",\n  "env": { "TOKEN": "${GITHUB_TOKEN}-${GITHUB_TOKEN}-${OTHER}" }\n}}}',
    );
    expect(config.problems).toEqual([
      {
        file: '/project/mcp.json',
        line: 3,
        column: 21,
        field: 'mcpServers.git.env.TOKEN',
        serverId: 'git',
        problem: 'the variable GITHUB_TOKEN is not set and has no default',
        fix: 'set GITHUB_TOKEN in the environment, or write ${GITHUB_TOKEN:-value}',
      },
      {
        file: '/project/mcp.json',
        line: 3,
        column: 21,
        field: 'mcpServers.git.env.TOKEN',
        serverId: 'git',
        problem: 'the variable OTHER is not set and has no default',
        fix: 'set OTHER in the environment, or write ${OTHER:-value}',
      },
    ]);
  });

  it('never show their values in a problem or a warning', async () => {
    const secret = 'hunter2';
    const env = { S: secret };
    const entries = [
      { command: '${S}', args: ['${S}', 1], env: { A: '${S}', B: '${S}${NONE}' } },
      { command: '${S}\0' },
      { url: '${S}' },
      { url: 'unix://${S}' },
      { url: 'https://${S}', headers: { A: '${S}\n' } },
      { command: 'x', envFile: '${S}' },
      { command: '${S:hunter2}' },
      { command: '${S-hunter2}' },
      { command: '${env:S:-hunter2}' },
      { command: '${NONE:-hunter2${S}}' },
      { command: '${hunter2' },
      { command: '${S}', disabled: true, args: 1, strange: '${S}' },
    ];
    const config = await loadText(
      JSON.stringify({ mcpServers: Object.fromEntries(entries.map((entry, i) => [`s${i}`, entry])) }),
      { env },
    );
    expect(config.servers).toEqual([]);
    expect(new Set(config.problems.map(({ serverId }) => serverId)).size).toBe(entries.length - 1);
    expect(JSON.stringify([config.problems, config.warnings])).not.toContain(secret);
  });
});

describe('inputs of a VS Code file', () => {
  const text = JSON.stringify({
    inputs: [
      { type: 'promptString', id: 'api-key', password: true },
      { type: 'promptString', id: 'region', default: 'eu' },
      { type: 'command', id: 'run', command: 'touch /tmp/never' },
    ],
    servers: { a: { command: 'x', args: ['${input:api-key}', '${input:region}'] }, b: { command: '${input:run}' } },
  });
  const argsOf = async (options: LoadConfigOptions): Promise<unknown> => {
    const [a] = (await loadText(text, options)).servers;
    return a?.transport.kind === 'stdio' ? a.transport.args : undefined;
  };

  it('have the value that is given, else that of MCP_INPUT_<ID>, else their default', async () => {
    expect(await argsOf({ inputs: { 'api-key': 'k', region: 'us' }, env: { MCP_INPUT_API_KEY: 'other' } })).toEqual([
      'k',
      'us',
    ]);
    expect(await argsOf({ env: { MCP_INPUT_API_KEY: 'from env', MCP_INPUT_REGION: '' } })).toEqual(['from env', '']);
    expect(await argsOf({ inputs: { 'api-key': 'k' } })).toEqual(['k', 'eu']);
  });

  it('without any value are a problem that names the variable to set, and commands are never run for one', async () => {
    const { problems } = await loadText(text);
    expect(problems.map(({ serverId, problem, fix }) => [serverId, problem, fix])).toEqual([
      [
        'a',
        'the input api-key has no value and no default',
        'set MCP_INPUT_API_KEY in the environment, or give "inputs" a default for it',
      ],
      [
        'b',
        'the input run has no value and no default',
        'set MCP_INPUT_RUN in the environment, or give "inputs" a default for it',
      ],
    ]);
  });

  it('that are malformed are problems of no server', async () => {
    const config = await loadText(
      '{"inputs": [1, {"id": "a", "default": 2}, {"id": "a"}], "servers": {"a": {"command": "x"}}}',
    );
    expect(config.servers.map(({ id }) => id)).toEqual(['a']);
    expect(config.problems.map(({ serverId, field, problem }) => [serverId, field, problem])).toEqual([
      [null, 'inputs[0]', 'an input must be an object with an "id" that is a string'],
      [null, 'inputs[1].default', 'a default must be a string, but it is a number'],
      [null, 'inputs[2].id', 'the input "a" is declared twice'],
    ]);
    expect((await loadText('{"inputs": {}, "servers": {}}')).problems.map(({ problem }) => problem)).toEqual([
      '"inputs" must be an array, but it is an object',
    ]);
  });
});
