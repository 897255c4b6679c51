import { readFile } from 'node:fs/promises';

import { expect, it } from 'vitest';

import { defaultGroupPolicy } from '../../src/machines/group-policy.ts';
import { rowsUnder } from '../docs/doc-tables.ts';
import { loadText } from './config-fixture.ts';

const page = await readFile(new URL('../../docs/configuration.md', import.meta.url), 'utf8');

it('every example in docs/configuration.md loads without a problem or a warning', async () => {
  const examples = [...page.matchAll(/```jsonc?\n([\s\S]*?)```/g)].map(([, example = '']) => example);
  const loaded = await Promise.all(
    examples.map((example) =>
      loadText(example, {
        env: { SEARCH_TOKEN: 't', MCP_INPUT_API_KEY: 'k' },
        readFile: async (path) => (path.endsWith('.env') ? 'A=1\n' : example),
      }),
    ),
  );
  expect(loaded.map(({ servers, problems, warnings }) => [servers.map(({ id }) => id), problems, warnings])).toEqual([
    [['files', 'search'], [], []],
    [['weather'], [], []],
    [['files'], [], []],
    [['search-eu', 'search-us'], [], []],
  ]);
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
