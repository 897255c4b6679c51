import { describe, expect, it } from 'vitest';
import { formatConfigProblem, loadConfig } from '../../src/config/index.ts';
import type { LoadedConfig } from '../../src/config/index.ts';

/** Loads from files that exist nowhere else; a text is the file as it is, anything else its JSON on one line. */
async function load(
  files: Readonly<Record<string, unknown>>,
  path: string | readonly string[] = '/app/holdfast.json',
): Promise<LoadedConfig> {
  return loadConfig(path, {
    env: { HOME: '/home/me', TEAM: '/team' },
    readFile: async (file) => {
      const content = files[file];
      if (content === undefined) throw Object.assign(new Error('no such file'), { code: 'ENOENT' });
      return typeof content === 'string' ? content : JSON.stringify(content);
    },
  });
}

const told = ({ problems }: LoadedConfig): string[] => problems.map(formatConfigProblem);
const ids = ({ servers }: LoadedConfig): string[] => servers.map(({ id, source }) => `${id} of ${source.file}`);
const program = (command: string): object => ({ command });

describe('a file that extends others', () => {
  it('has their servers, in their own dialects and folders, before its own', async () => {
    const config = await load({
      '/app/holdfast.json': { extends: ['~/.cursor/mcp.json', '${TEAM}/servers.toml', 'sub/.vscode/mcp.json'] },
      '/home/me/.cursor/mcp.json': { mcpServers: { one: { command: 'a', cwd: 'x' } } },
      '/team/servers.toml': '[mcp_servers.two]\ncommand = "b"\n',
      '/app/sub/.vscode/mcp.json': { servers: { three: { type: 'http', url: 'https://a.example' } } },
    });
    expect(told(config)).toEqual([]);
    expect(ids(config)).toEqual([
      'one of /home/me/.cursor/mcp.json',
      'two of /team/servers.toml',
      'three of /app/sub/.vscode/mcp.json',
    ]);
    expect(config.servers.map(({ transport }) => ('cwd' in transport ? transport.cwd : transport))).toEqual([
      '/home/me/x',
      '/team',
      { kind: 'http', url: 'https://a.example', headers: {}, mode: 'auto' },
    ]);
    expect(config.file).toBe('/app/holdfast.json');
    expect(config.dialect).toBe('claude');
    expect(config.files).toEqual([
      '/app/holdfast.json',
      '/home/me/.cursor/mcp.json',
      '/team/servers.toml',
      '/app/sub/.vscode/mcp.json',
    ]);
  });

  it('replaces a server of theirs as a whole, mistakes and all, and says so', async () => {
    const config = await load({
      '/app/holdfast.json': { extends: 'a.json', mcpServers: { x: program('mine') } },
      '/app/a.json': { mcpServers: { y: program('b'), x: { command: '${NOT_SET}', env: { A: 'b' } } } },
    });
    expect(told(config)).toEqual([]);
    expect(config.servers.map(({ id, transport }) => [id, transport])).toMatchObject([
      ['y', { command: 'b' }],
      ['x', { command: 'mine', env: {} }],
    ]);
    expect(
      config.warnings.map(({ level, file, serverId, field, message }) => [level, file, serverId, field, message]),
    ).toEqual([
      [
        'info',
        '/app/a.json',
        'x',
        'mcpServers.x',
        'not used: the server "x" of /app/holdfast.json:1:35 takes its place',
      ],
    ]);
  });

  it('sets what holdfast does with servers of theirs, key by key, and groups them', async () => {
    const config = await load({
      '/app/holdfast.json': {
        extends: ['a.json', 'b.json'],
        holdfast: {
          defaults: { reconnect: { delayMs: 5 } },
          servers: { x: { reconnect: { maxDelayMs: 50 }, lazy: true } },
          groups: { pair: { primary: 'x', backups: ['y'] } },
        },
      },
      '/app/a.json': {
        mcpServers: { x: program('a') },
        holdfast: {
          defaults: { maxQueue: 1, reconnect: { multiplier: 3 } },
          servers: { x: { reconnect: { delayMs: 9 } } },
        },
      },
      '/app/b.json': { mcpServers: { y: program('b') }, holdfast: { defaults: { maxQueue: 2 } } },
    });
    expect(told(config)).toEqual([]);
    expect(config.settings.defaults).toEqual({ maxQueue: 2, reconnect: { multiplier: 3, delayMs: 5 } });
    expect(config.servers[0]?.options).toEqual({ reconnect: { delayMs: 9, maxDelayMs: 50 }, lazy: true });
    expect(config.groups).toMatchObject([{ id: 'pair', config: { primary: 'x', backups: ['y'] } }]);
  });

  it('says where to listen, in place of what they say', async () => {
    const listening = (listen: unknown): object => ({ holdfast: { listen } });
    const of = async (own: object, theirs: object): Promise<unknown> => {
      const files = {
        '/app/holdfast.json': { extends: 'a.json', ...own },
        '/app/a.json': { mcpServers: {}, ...theirs },
      };
      const config = await load(files);
      return config.problems.length > 0 ? told(config) : config.settings.listen;
    };
    expect(await of({}, listening('7500'))).toEqual({ port: 7500 });
    expect(await of(listening('unix:/run/h.sock'), listening('7500'))).toEqual({ socketPath: '/run/h.sock' });
    expect(await of(listening(false), listening('7500'))).toBe(false);
    expect(await of({}, {})).toBeUndefined();
    expect(await of(listening('nowhere at all'), {})).toEqual([
      '/app/holdfast.json:1:42: holdfast.listen: listen must be an address or false, but it is neither; write "7500", "127.0.0.1:7500", "[::1]:7500" or "unix:/path"',
    ]);
    expect(await of(listening(7500), {})).toEqual([expect.stringContaining('but it is a number')]);
  });

  it('replaces a group of theirs as a whole, and says so', async () => {
    const servers = { x: program('a'), y: program('b') };
    const config = await load({
      '/app/holdfast.json': { extends: 'a.json', holdfast: { groups: { pair: { primary: 'y', backups: ['x'] } } } },
      '/app/a.json': {
        mcpServers: servers,
        holdfast: { groups: { pair: { primary: 'z' }, odd: { primary: 'x', backups: ['y'] } } },
      },
    });
    expect(told(config)).toEqual([]);
    expect(config.groups.map(({ id, source }) => [id, source.file])).toEqual([
      ['odd', '/app/a.json'],
      ['pair', '/app/holdfast.json'],
    ]);
    expect(config.warnings.map(({ message }) => message)).toEqual([
      'not used: the group "pair" of /app/holdfast.json:1:43 takes its place',
    ]);
  });

  it('may be extended in turn, and meets a file that two others extend once', async () => {
    const config = await load({
      '/app/holdfast.json': { extends: ['a.json', 'b.json'], mcpServers: {} },
      '/app/a.json': { extends: ['base/c.json'], mcpServers: { a: program('a') } },
      '/app/b.json': { extends: ['base/c.json'], mcpServers: { b: program('b') } },
      '/app/base/c.json': { mcpServers: { c: program('c') } },
    });
    expect(told(config)).toEqual([]);
    expect(ids(config)).toEqual(['c of /app/base/c.json', 'a of /app/a.json', 'b of /app/b.json']);
  });

  it('says where one cannot be used, and does without it', async () => {
    const config = await load({
      '/app/holdfast.json':
        '{\n "mcpServers": { "x": { "command": "a" } },\n "extends": [\n  "gone.json",\n  "broken.json",\n  7,\n  "",\n  "${NOT_SET}/a.json",\n  "me.json",\n  "none.json"]\n}',
      '/app/broken.json': '{ "mcpServers": {\n  oops\n} }',
      '/app/me.json': '{ "extends":\n  "holdfast.json" }',
      '/app/none.json': '{ "servants": {} }',
    });
    expect(ids(config)).toEqual(['x of /app/holdfast.json']);
    expect(told(config)).toEqual([
      '/app/holdfast.json:4:3: extends[0]: "gone.json" does not exist; check the path, or create it',
      '/app/holdfast.json:6:3: extends[2]: the path of a file must be a string, but it is a number; put it in double quotes',
      '/app/holdfast.json:7:3: extends[3]: the path of a file is empty; write it out, or check the variables in it',
      '/app/holdfast.json:8:3: extends[4]: the variable NOT_SET is not set and has no default; set NOT_SET in the environment, or write ${NOT_SET:-value}',
      expect.stringMatching(/^\/app\/broken\.json:2:3: /u),
      '/app/me.json:2:3: extends: "holdfast.json" extends this file in turn; take it out here or there',
      expect.stringMatching(/^\/app\/none\.json:1:1: the file has none of /u),
    ]);
  });

  it.each([
    [
      { extends: 7 },
      '/app/holdfast.json:1:12: extends: extends must be a list of files, but it is a number; write "extends": ["…"]',
    ],
    [
      '{ "extends": [],\n "extends": [] }',
      '/app/holdfast.json:2:2: extends: "extends" is given twice, first on line 1; put everything into one of the two',
    ],
  ])('refuses %j', async (content, message) => {
    const outcome = await load({ '/app/holdfast.json': content }).then(told, (error: unknown) => [String(error)]);
    expect(outcome).toEqual([expect.stringContaining(message)]);
  });

  it('ends when ever new files are extended', async () => {
    const files: Record<string, unknown> = {};
    for (let n = 0; n < 100; n += 1) files[`/app/${n}.json`] = { extends: `${n + 1}.json` };
    const config = await load(files, '/app/0.json');
    expect(config.files).toHaveLength(64);
    expect(told(config)).toEqual([
      '/app/63.json:1:12: extends: a configuration has 64 files at most; put some of them into one',
    ]);
  });
});

describe('several files', () => {
  it('are one configuration, of which the later ones win', async () => {
    const config = await load(
      {
        '/app/a.json': { mcpServers: { x: program('a'), y: program('a') } },
        '/app/b.json': { servers: { x: { command: 'b' } } },
      },
      ['/app/a.json', '/app/b.json'],
    );
    expect(ids(config)).toEqual(['y of /app/a.json', 'x of /app/b.json']);
    expect([config.file, config.files]).toEqual(['/app/a.json', ['/app/a.json', '/app/b.json']]);
    expect(config.warnings.map(({ message }) => message)).toEqual([
      'not used: the server "x" of /app/b.json:1:13 takes its place',
    ]);
  });

  it('are all needed', async () => {
    const files = { '/app/a.json': { mcpServers: {} } };
    await expect(load(files, ['/app/a.json', '/app/b.json'])).rejects.toMatchObject({
      code: 'CONFIG',
      file: '/app/b.json',
    });
  });
});

describe('the file that Claude Code keeps for itself', () => {
  const file = '/home/me/.claude.json';
  const text = JSON.stringify({
    mcpServers: { all: program('a'), both: program('b') },
    projects: { '/app': { mcpServers: { both: program('c'), own: program('d') } }, '/other': { mcpServers: {} } },
  });
  const loadIn = (cwd: string, content: string, path = file): Promise<LoadedConfig> =>
    loadConfig(path, { env: {}, cwd, readFile: async () => content });
  const commands = ({ servers }: LoadedConfig): unknown[] =>
    servers.map(({ id, transport }) => [id, transport.kind === 'stdio' && transport.command]);

  it('has servers for all folders, and for the one that is worked in, which win', async () => {
    const config = await loadIn('/app', text);
    expect(commands(config)).toEqual([
      ['all', 'a'],
      ['both', 'c'],
      ['own', 'd'],
    ]);
    expect(config.warnings.map(({ level, serverId, message }) => [level, serverId, message])).toEqual([
      ['info', 'both', 'not used: the server "both" on line 1 takes its place'],
    ]);
    for (const elsewhere of ['/other', '/']) {
      expect(commands(await loadIn(elsewhere, text))).toEqual([
        ['all', 'a'],
        ['both', 'b'],
      ]);
    }
  });

  it('may have servers for that folder alone', async () => {
    const own = JSON.stringify({ theme: 'dark', projects: { '/app': { mcpServers: { own: program('d') } } } });
    expect(commands(await loadIn('/app', own))).toEqual([['own', 'd']]);
    await expect(loadIn('/', own)).rejects.toMatchObject({ code: 'CONFIG' });
    await expect(loadIn('/app', own, '/home/me/other.json')).rejects.toMatchObject({ code: 'CONFIG' });
  });
});
