import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';

import { describe, expect, it } from 'vitest';

import { ConfigError, loadConfig } from '../../src/config/index.ts';
import { isHoldfastError } from '../../src/errors/holdfast-error.ts';
import { folderWith, loadText } from './config-fixture.ts';

async function refusalOf(loading: Promise<unknown>): Promise<ConfigError> {
  const error: unknown = await loading.catch((reason: unknown) => reason);
  if (error instanceof ConfigError) return error;
  throw new Error('expected a ConfigError');
}

describe('which file is read', () => {
  const names = ['holdfast.json', '.mcp.json', 'mcp.json', '.vscode/mcp.json'];
  for (const [index, name] of names.entries()) {
    it(`without a path, ${name} is read when ${index === 0 ? 'all four exist' : `none of ${names.slice(0, index).join(', ')} exists`}`, async () => {
      const folder = await folderWith(
        Object.fromEntries(names.slice(index).map((file) => [file, '{"mcpServers":{}}'])),
      );
      expect((await loadConfig(undefined, { cwd: folder })).file).toBe(join(folder, name));
    });
  }

  it('without a path and without any file, the error says what was looked for and how to name one', async () => {
    const folder = await folderWith({});
    const error = await refusalOf(loadConfig(undefined, { cwd: folder }));
    expect(error.message).toBe(
      `${folder}:1:1: there is no configuration here; looked for holdfast.json, .mcp.json, mcp.json, .vscode/mcp.json; ` +
        'create one of these, or name a file: `holdfast up <file>`, loadConfig("<file>")',
    );
  });

  it('without a path, a file that exists and cannot be used is an error, and the next one is not tried', async () => {
    const folder = await folderWith({ '.mcp.json': '{', 'mcp.json': '{"mcpServers":{}}' });
    expect((await refusalOf(loadConfig(undefined, { cwd: folder }))).file).toBe(join(folder, '.mcp.json'));
  });

  it('a relative path starts at cwd, and the file is reported by its absolute path', async () => {
    const folder = await folderWith({ 'some/config.json': '{"mcpServers":{}}' });
    expect(await loadConfig('some/config.json', { cwd: folder })).toEqual({
      file: join(folder, 'some/config.json'),
      files: [join(folder, 'some/config.json')],
      dialect: 'claude',
      servers: [],
      groups: [],
      problems: [],
      warnings: [],
      settings: { defaults: {} },
    });
  });
});

describe('a file with very many mistakes', () => {
  it.each([
    ['a server that is wanted has them as problems', '', { servers: [], problems: 200_000, warnings: 0 }],
    ['a disabled one as information', '"disabled": true,', { servers: [], problems: 0, warnings: 200_000 }],
  ])('is read to its end, and %s', async (_what, flag, expected) => {
    const args = `[${Array(200_000).fill('1').join(',')}]`;
    const { servers, problems, warnings } = await loadText(
      `{ "mcpServers": { "a": { ${flag} "command": "x", "args": ${args} } } }`,
    );
    expect({ servers, problems: problems.length, warnings: warnings.length }).toEqual(expected);
  });
});

describe('a file that cannot be used at all is one ConfigError', () => {
  it('is a HoldfastError with a stable code, the place, and the cause', async () => {
    const folder = await folderWith({});
    const error = await refusalOf(loadConfig('gone.json', { cwd: folder }));
    expect(isHoldfastError(error)).toBe(true);
    const { code, outcome, retryable, file, line, column, field, fix } = error;
    expect({ code, outcome, retryable, file, line, column, field, fix }).toEqual({
      code: 'CONFIG',
      outcome: null,
      retryable: false,
      file: join(folder, 'gone.json'),
      line: 1,
      column: 1,
      field: null,
      fix: 'check the path, or create it',
    });
    expect(error.cause).toMatchObject({ code: 'ENOENT' });
    expect(error.message).toBe(
      `${join(folder, 'gone.json')}:1:1: the file does not exist; check the path, or create it`,
    );
  });

  it('for a folder', async () => {
    const folder = await folderWith({});
    expect((await refusalOf(loadConfig(folder))).message).toBe(
      `${folder}:1:1: the file is a folder; name a file in it`,
    );
  });

  it('for a file without the permission to read it', async () => {
    const readFile = (): Promise<string> =>
      Promise.reject(Object.assign(new Error('permission denied'), { code: 'EACCES' }));
    expect((await refusalOf(loadConfig('/x.json', { readFile }))).message).toBe(
      '/x.json:1:1: the file may not be read by this user; give this user the permission to read it',
    );
  });

  it('for a file that could not be read for a reason that we do not know', async () => {
    const failing = (reason: Error): Promise<unknown> =>
      loadConfig('/x.json', { readFile: () => Promise.reject(reason) });
    expect((await refusalOf(failing(Object.assign(new Error('x'), { code: 'EIO' })))).message).toBe(
      '/x.json:1:1: the file could not be read (EIO); check the path and the disk',
    );
    expect((await refusalOf(failing(new Error('x')))).message).toBe(
      '/x.json:1:1: the file could not be read; check the path and the disk',
    );
  });

  it('for a file that is not UTF-8', async () => {
    const folder = await folderWith({});
    await writeFile(join(folder, 'mcp.json'), Buffer.from('\uFEFF{"mcpServers": {}}', 'utf16le'));
    expect((await refusalOf(loadConfig('mcp.json', { cwd: folder }))).message).toBe(
      `${folder}/mcp.json:1:1: the file is not UTF-8 text; save it as UTF-8`,
    );
  });

  const syntax: readonly (readonly [title: string, text: string, message: string])[] = [
    ['an empty file', '', '1:1: the file is empty; write at least { "mcpServers": {} }'],
    ['white space only', '\n \n', '1:1: the file is empty; write at least { "mcpServers": {} }'],
    [
      'a missing comma',
      '{\n  "a": 1\n  "b": 2\n}',
      '3:3: this is not JSON: a comma is missing before this; add a comma after the previous value',
    ],
    ['a missing brace', '{"a": {\r\n}', '2:2: this is not JSON: an object is not closed; add the missing }'],
    ['a missing bracket', '{"a": [1', '1:9: this is not JSON: an array is not closed; add the missing ]'],
    ['a missing colon', '{"a" 1}', '1:6: this is not JSON: a colon is missing after the name; write "name": value'],
    [
      'a missing value',
      '{"a": }',
      '1:7: this is not JSON: a value is expected here; add the value, or remove what announces it',
    ],
    ['single quotes', "{'a': 1}", '1:2: this is not JSON: a single quote is not a string delimiter; use double quotes'],
    [
      'an open string',
      '{"a": "b\n}',
      '1:7: this is not JSON: a string is not closed on its line; add the closing double quote; write a line break as \\n',
    ],
    ['an open comment', '{} /* a', '1:4: this is not JSON: a comment is not closed; add the missing */'],
    [
      'a Windows path',
      '{"a": "C:\\dir"}',
      '1:7: this is not JSON: a string holds a backslash that escapes nothing; write a backslash as \\\\',
    ],
    [
      'YAML',
      'mcpServers:\n  a: 1',
      '1:1: this is not JSON: this is neither a string, a number, true, false nor null; put names and strings in double quotes',
    ],
    [
      'text after the end',
      '{"mcpServers":{}} {}',
      '1:19: this is not JSON: something follows the end of the document; remove it; a file holds one object',
    ],
    ['hostile nesting', '['.repeat(200_000), '1:1: the file is nested too deeply; check that it is a configuration'],
    ['an array', '[]', '1:1: the file must hold an object, but it holds an array; write { "mcpServers": { … } }'],
    [
      'no container',
      ' {"a": 1}',
      '1:2: the file has none of "mcpServers", "servers", "context_servers", "mcp_servers" and "mcp", so it names no servers; put the servers under "mcpServers": { … }',
    ],
    [
      'a misspelt container',
      '{"mcpservers": {}}',
      '1:1: the file has none of "mcpServers", "servers", "context_servers", "mcp_servers" and "mcp", so it names no servers; rename "mcpservers" to "mcpServers"',
    ],
    [
      'an array as container',
      '{"mcpServers": []}',
      '1:16: mcpServers: "mcpServers" must be an object of servers by id, but it is an array; write "mcpServers": { "some-id": { … } }',
    ],
    [
      'a container given twice',
      '{"servers": {},\n "servers": {}}',
      '2:2: servers: "servers" is given twice, first on line 1; put everything into one of the two',
    ],
  ];
  it.each(syntax)('for %s', async (_title, text, message) => {
    expect((await refusalOf(loadText(text))).message).toBe(`/project/mcp.json:${message}`);
  });
});

describe('what is read as JSON', () => {
  it('comments, trailing commas and a byte order mark are allowed, and positions still hold', async () => {
    const config = await loadText(
      '\uFEFF// mine\n{\n  /* all */ "mcpServers": {\n    "a": { "command": "x", "args": ["y",], },\n  },\n}\n',
    );
    expect(config.problems).toEqual([]);
    expect(config.servers).toEqual([
      {
        id: 'a',
        source: { file: '/project/mcp.json', line: 4, column: 5 },
        enabled: true,
        transport: { kind: 'stdio', command: 'x', args: ['y'], cwd: '/project', env: {}, inheritEnv: false },
        options: {},
      },
    ]);
  });

  it('other top-level keys are nobody’s business', async () => {
    const config = await loadText('{"$schema": "x", "theme": "dark", "mcpServers": {}, "projects": {"a": 1}}');
    expect([config.problems, config.warnings]).toEqual([[], []]);
  });

  it('a file with both containers is a problem, and mcpServers is read', async () => {
    const config = await loadText('{"servers": {"a": {"command": "x"}}, "mcpServers": {"b": {"command": "y"}}}');
    expect(config.servers.map(({ id }) => id)).toEqual(['b']);
    expect(config.problems).toEqual([
      {
        file: '/project/mcp.json',
        line: 1,
        column: 2,
        field: 'servers',
        serverId: null,
        problem: '"servers" is not read, because the file has "mcpServers" too',
        fix: 'put all servers into one of the two',
      },
    ]);
  });
});

describe('one bad server and the others', () => {
  it('every server but the bad one is loaded, and each mistake is told once, with its place and its fix', async () => {
    const config = await loadText(`{
  "mcpServers": {
    "good": { "command": "node" },
    "bad": {
      "args": ["x"]
    },
    "worse": { "command": 7, "env": { "A": true } },
    "fine": { "url": "https://example.com/mcp" }
  }
}`);
    expect(config.servers.map(({ id }) => id)).toEqual(['good', 'fine']);
    expect(config.warnings).toEqual([]);
    expect(config.problems).toEqual([
      {
        file: '/project/mcp.json',
        line: 4,
        column: 5,
        field: 'mcpServers.bad',
        serverId: 'bad',
        problem: 'the server has neither "command" nor "url"',
        fix: 'add "command" for a program to start, or "url" for a remote server',
      },
      {
        file: '/project/mcp.json',
        line: 7,
        column: 27,
        field: 'mcpServers.worse.command',
        serverId: 'worse',
        problem: 'command must be a string, but it is a number',
        fix: 'put it in double quotes',
      },
      {
        file: '/project/mcp.json',
        line: 7,
        column: 44,
        field: 'mcpServers.worse.env.A',
        serverId: 'worse',
        problem: 'the value of a variable must be a string, a number or null, but it is a boolean',
        fix: 'put it in double quotes',
      },
    ]);
  });

  const ids: readonly (readonly [title: string, id: string, problem: string])[] = [
    ['an empty id', '', 'the server id "" is empty'],
    ['an id of 65 characters', 'a'.repeat(65), `the server id "${'a'.repeat(64)}…" is longer than 64 characters`],
    ['an id with a control character', 'a\u0007b', 'the server id "a\\u{7}b" holds control characters'],
    ['__proto__', '__proto__', 'the server id "__proto__" is reserved'],
    ['constructor', 'constructor', 'the server id "constructor" is reserved'],
    ['prototype', 'prototype', 'the server id "prototype" is reserved'],
  ];
  it.each(ids)('%s is refused', async (_title, id, problem) => {
    const config = await loadText(`{"mcpServers": {${JSON.stringify(id)}: {"command": "x"}, "ok": {"command": "y"}}}`);
    expect(config.servers.map((server) => server.id)).toEqual(['ok']);
    expect(config.problems.map((found) => [found.serverId, found.column, found.problem])).toEqual([[id, 17, problem]]);
    expect(Object.hasOwn(Object.prototype, 'command')).toBe(false);
  });

  it('an id of 64 characters is accepted', async () => {
    expect((await loadText(`{"mcpServers": {"${'a'.repeat(64)}": {"command": "x"}}}`)).problems).toEqual([]);
  });

  it('an id that is given twice is a problem at the second, and neither starts, since which is meant cannot be known', async () => {
    const config = await loadText(
      '{"mcpServers": {"a": {"command": "x"},\n "b": {"command": "y"},\n "a": {"command": "z"}}}',
    );
    expect(config.servers.map(({ id }) => id)).toEqual(['b']);
    expect(config.problems).toEqual([
      {
        file: '/project/mcp.json',
        line: 3,
        column: 2,
        field: 'mcpServers.a',
        serverId: 'a',
        problem: 'the server "a" is given twice, first on line 1',
        fix: 'rename or remove one of the two; until then neither starts',
      },
    ]);
  });

  it('ten thousand servers load', async () => {
    const servers = Object.fromEntries(Array.from({ length: 10_000 }, (_, index) => [`s${index}`, { command: 'x' }]));
    expect((await loadText(JSON.stringify({ mcpServers: servers }))).servers.length).toBe(10_000);
  });
});
