import { expect, it } from 'vitest';
import { hold } from '../../src/cli/hold.ts';
import { loadConfig } from '../../src/config/index.ts';
import type { LoadedConfig } from '../../src/config/index.ts';
import { SessionManager } from '../../src/index.ts';

async function fileWith(content: object): Promise<LoadedConfig> {
  return loadConfig('/m.json', { env: {}, readFile: async () => JSON.stringify(content, null, 1) });
}

const lazy = { defaults: { lazy: true } };

it('holds what it can, and says of each other server and group why it is left out', async () => {
  const manager = new SessionManager();
  const config = await fileWith({
    mcpServers: {
      a: { command: 'x' },
      b: { command: 'x' },
      'refused\u202e': { url: 'https://me:pass@a.example/mcp' },
    },
    holdfast: {
      ...lazy,
      groups: {
        lame: { primary: 'refused\u202e', backups: ['b'] },
        pair: { primary: 'a', backups: ['b'], failoverThreshold: 2, failback: 'manual' },
      },
    },
  });
  const { held, problems } = await hold(manager, config);
  expect(held).toEqual({ servers: ['a', 'b'], groups: ['pair'] });
  expect(manager.listGroups()).toMatchObject([{ id: 'pair', failoverThreshold: 2, failback: 'manual' }]);
  const where = { file: '/m.json', column: 3, field: null };
  expect(problems).toEqual([
    {
      ...where,
      line: 9,
      serverId: 'refused\u202e',
      problem: expect.stringMatching(/^url must be [^.]*$/u),
      fix: 'change or remove this setting',
    },
    {
      ...where,
      line: 18,
      column: 4,
      serverId: null,
      problem: 'the group "lame" is left out: the server "refused\\u{202e}" could not be added',
      fix: 'mend what is wrong with that server, or take it out of the group',
    },
  ]);
  await manager.close();
});

it('tells nothing twice: what is wrong in the file is among its own problems', async () => {
  const manager = new SessionManager();
  const config = await fileWith({ mcpServers: { a: { command: 'x' }, b: {} }, holdfast: lazy });
  expect(config.problems.map(({ serverId }) => serverId)).toEqual(['b']);
  expect(await hold(manager, config)).toMatchObject({ held: { servers: ['a'] }, problems: [] });
  await manager.close();
});
