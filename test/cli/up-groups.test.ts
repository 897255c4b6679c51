import { expect, it } from 'vitest';
import { addGroups } from '../../src/cli/up-groups.ts';
import type { GroupSpec } from '../../src/config/index.ts';
import { SessionManager, custom } from '../../src/index.ts';

function spec(id: string, line: number, config: GroupSpec['config']): GroupSpec {
  return { id, source: { file: '/m.json', line, column: 5 }, config };
}

it('adds what it can, and says of each other group why it is left out', async () => {
  const manager = new SessionManager();
  for (const id of ['a', 'b']) {
    await manager.addServer(
      id,
      custom(() => new Promise(() => undefined)),
      { lazy: true },
    );
  }
  const { started, problems } = addGroups(
    manager,
    [
      spec('lame', 7, { primary: 'refused\u202e', backups: ['b'] }),
      spec('odd', 8, { primary: 'a', backups: ['b'], failoverThreshold: 0 }),
      spec('pair', 9, { primary: 'a', backups: ['b'], failoverThreshold: 2, failback: 'manual' }),
    ],
    ['a', 'b'],
  );
  expect(started).toEqual(['pair']);
  expect(manager.listGroups()).toMatchObject([{ id: 'pair', failoverThreshold: 2, failback: 'manual' }]);
  const where = { file: '/m.json', column: 5, field: null, serverId: null };
  expect(problems).toEqual([
    {
      ...where,
      line: 7,
      problem: 'the group "lame" is left out: the server "refused\\u{202e}" could not be added',
      fix: 'mend what is wrong with that server, or take it out of the group',
    },
    {
      ...where,
      line: 8,
      problem: 'the group "odd" is left out: failoverThreshold must be a whole number of at least 1, but it is 0',
      fix: 'change or remove this setting',
    },
  ]);
  await manager.close();
});
