import { readFile } from 'node:fs/promises';

import { expect, it } from 'vitest';

import { defaultGroupPolicy } from '../../src/machines/group-policy.ts';
import { resolveServerOptions } from '../../src/manager/server-options.ts';
import { defaultsIn, leaves, rowsUnder } from '../docs/doc-tables.ts';
import { loadText } from './config-fixture.ts';

const page = await readFile(new URL('../../docs/configuration.md', import.meta.url), 'utf8');

/** What the examples refer to. */
const others = [
  ['.env', 'A=1\n'],
  ['.cursor/mcp.json', '{ "mcpServers": { "brave": { "command": "x" } } }'],
  ['.vscode/mcp.json', '{ "servers": {} }'],
] as const;

it('every example in docs/configuration.md loads without a problem or a warning', async () => {
  const examples = [...page.matchAll(/```jsonc?\n([\s\S]*?)```/g)].map(([, example = '']) => example);
  const loaded = await Promise.all(
    examples.map((example) =>
      loadText(example, {
        env: { SEARCH_TOKEN: 't', MCP_INPUT_API_KEY: 'k', HOME: '/home/a', KEY: 'k' },
        readFile: async (path) => {
          const [, text] = others.find(([end]) => path.endsWith(end)) ?? [];
          return text ?? example;
        },
      }),
    ),
  );
  expect(loaded.map(({ servers, problems, warnings }) => [servers.map(({ id }) => id), problems, warnings])).toEqual([
    [['brave', 'files'], [], []],
    [['files', 'search'], [], []],
    [['weather'], [], []],
    [['files', 'search'], [], []],
    [['files', 'search'], [], []],
    [['files'], [], []],
    [['shop'], [], []],
    [['search-eu', 'search-us'], [], []],
  ]);
});

it('every option of the manager that can be data is a setting, with its default', async () => {
  const { handlers, waitForReady, ...data } = resolveServerOptions({}, {});
  expect([handlers, waitForReady]).toEqual([undefined, true]);
  expect(defaultsIn(page, 'setting')).toEqual({
    ...leaves(data),
    connectTimeoutMs: '60 000 for programs, 30 000 for addresses',
    tools: 'none',
  });
  const defaults = { ...data, connectTimeoutMs: 60_000, tools: { order: { retry: 'never' } } };
  const loaded = await loadText(JSON.stringify({ mcpServers: {}, holdfast: { defaults } }));
  expect([loaded.problems, loaded.settings.defaults]).toEqual([[], defaults]);
});

it('the settings of a group are all there, with their defaults', async () => {
  const rows = rowsUnder(page, 'key of a group').map(([key = '', , value = '']) => [key, value.replace(' ', '')]);
  const { failoverThreshold, failback, failbackDelayMs } = defaultGroupPolicy;
  expect(Object.fromEntries(rows)).toEqual({
    primary: 'required',
    backups: 'required',
    failoverThreshold: String(failoverThreshold),
    failback,
    failbackDelayMs: String(failbackDelayMs),
    catalogFrom: 'none',
  });
  const group = { primary: 'a', backups: ['b'], failoverThreshold, failback, failbackDelayMs, catalogFrom: 'b' };
  const servers = { a: { command: 'x' }, b: { command: 'x' } };
  const loaded = await loadText(JSON.stringify({ mcpServers: servers, holdfast: { groups: { group } } }));
  expect(new Set(loaded.groups.flatMap(({ config }) => Object.keys(config)))).toEqual(
    new Set(rows.map(([key]) => key)),
  );
});
