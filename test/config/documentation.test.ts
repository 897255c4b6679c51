import { readFile } from 'node:fs/promises';

import { expect, it } from 'vitest';

import { loadText } from './config-fixture.ts';

it('every example in docs/configuration.md loads without a problem or a warning', async () => {
  const text = await readFile(new URL('../../docs/configuration.md', import.meta.url), 'utf8');
  const examples = [...text.matchAll(/```jsonc?\n([\s\S]*?)```/g)].map(([, example = '']) => example);
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
  ]);
});
