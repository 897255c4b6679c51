import { describe, expect, it } from 'vitest';
import { ServerGroup, type ServerGroupConfig } from '../../src/index.ts';
import { failureOf, outcomeOf, simulated, world, type World } from './support.ts';
import { grouped } from './group-world.ts';

async function three(): Promise<World> {
  const w = world();
  for (const id of ['a', 'b', 'c']) await w.add(id);
  w.news();
  return w;
}

/** Nothing of a refused group is left: no event, no info, no membership. */
function expectNothing(w: World): void {
  expect([w.news(), w.manager.listGroups(), w.manager.listSessions().map(({ groups }) => groups)]).toEqual([
    [],
    [],
    [[], [], []],
  ]);
}

describe('addGroup', () => {
  it('takes a ServerGroup or its data, with every default filled in', async () => {
    const w = await three();
    const one = w.manager.addGroup('one', new ServerGroup('a', ['b']).withFailoverThreshold(2));
    const two = w.manager.addGroup('two', { primary: 'b', backups: ['c', 'a'] });
    const all: ServerGroupConfig = {
      primary: 'c',
      backups: [],
      failoverThreshold: 7,
      failback: 'manual',
      failbackDelayMs: 5,
      catalogFrom: 'c',
    };
    const three_ = w.manager.addGroup('three', all);
    expect([one, two, three_].map(({ info }) => [info.active, info.failoverThreshold, info.failback])).toEqual([
      ['a', 2, 'auto'],
      ['b', 3, 'auto'],
      ['c', 7, 'manual'],
    ]);
    expect(two.members.map(({ id, priority, active }) => [id, priority, active])).toEqual([
      ['b', 0, true],
      ['c', 1, false],
      ['a', 2, false],
    ]);
    expect(w.manager.listSessions().map(({ id, groups }) => [id, groups])).toEqual([
      ['a', ['one', 'two']],
      ['b', ['one', 'two']],
      ['c', ['two', 'three']],
    ]);
    expect(w.manager.listGroups().map(({ id }) => id)).toEqual(['one', 'two', 'three']);
    expect(w.manager.group('two')).toBe(two);
  });

  it('does not look at its data again', async () => {
    const w = await three();
    const backups = ['b'];
    const group = w.manager.addGroup('g', { primary: 'a', backups });
    backups.push('c');
    w.server('a').kill();
    w.server('b').kill();
    expect([group.active, group.members.length]).toEqual(['b', 2]);
  });

  it.each<[string, unknown, string]>([
    ['nothing', undefined, 'group'],
    ['null', null, 'group'],
    ['a text', 'a', 'group'],
    ['a list', ['a', 'b'], 'group'],
    ['no primary', { backups: ['b'] }, 'primary'],
    ['no backups', { primary: 'a' }, 'backups'],
    ['a primary that is no text', { primary: 1, backups: [] }, 'primary'],
    ['backups that are a text', { primary: 'a', backups: 'b' }, 'backups'],
    ['a backup that is no text', { primary: 'a', backups: [null] }, 'backups[0]'],
    ['a server named twice', { primary: 'a', backups: ['b', 'b'] }, 'backups[1]'],
    ['the primary among the backups', { primary: 'a', backups: ['a'] }, 'backups[0]'],
    ['a threshold of 0', { primary: 'a', backups: ['b'], failoverThreshold: 0 }, 'failoverThreshold'],
    ['a threshold of 1.5', { primary: 'a', backups: ['b'], failoverThreshold: 1.5 }, 'failoverThreshold'],
    ['another failback', { primary: 'a', backups: ['b'], failback: 'sometimes' }, 'failback'],
    ['a negative delay', { primary: 'a', backups: ['b'], failbackDelayMs: -1 }, 'failbackDelayMs'],
    ['a delay that is no number', { primary: 'a', backups: ['b'], failbackDelayMs: Number.NaN }, 'failbackDelayMs'],
    ['a delay that no timer can take', { primary: 'a', backups: ['b'], failbackDelayMs: 2 ** 31 }, 'failbackDelayMs'],
    ['a reference that is no member', { primary: 'a', backups: ['b'], catalogFrom: 'c' }, 'catalogFrom'],
    ['a reference that is no text', { primary: 'a', backups: ['b'], catalogFrom: 1 }, 'catalogFrom'],
    ['an option that does not exist', { primary: 'a', backups: ['b'], treshold: 1 }, 'treshold'],
  ])('refuses %s, and changes nothing', async (_what, group, field) => {
    const w = await three();
    expect(await failureOf(() => w.manager.addGroup('g', group as ServerGroupConfig))).toMatchObject({
      name: 'InvalidOptionError',
      field,
    });
    expectNothing(w);
  });

  it.each(['', 'x'.repeat(65), 'a\u0000b', '__proto__', 'constructor', 'prototype', 5, null, undefined])(
    'refuses the id %j, and changes nothing',
    async (id) => {
      const w = await three();
      expect(await failureOf(() => w.manager.addGroup(id as string, { primary: 'a', backups: ['b'] }))).toMatchObject({
        name: 'InvalidOptionError',
        field: 'id',
      });
      expectNothing(w);
    },
  );

  it('refuses members that do not exist, and changes nothing', async () => {
    const w = await three();
    for (const group of [
      { primary: 'x', backups: ['a'] },
      { primary: 'a', backups: ['b', 'x'] },
    ]) {
      expect(await failureOf(() => w.manager.addGroup('g', group))).toMatchObject({
        name: 'UnknownServerError',
        serverId: 'x',
        message: 'There is no server with the id "x": known are "a", "b", "c".',
      });
    }
    expectNothing(w);
  });

  it('refuses the id of a server or of a group, as addServer does', async () => {
    const { w, group } = await grouped(['a', 'b']);
    w.news();
    const pair = { primary: 'a', backups: ['b'] };
    for (const id of ['a', 'team']) {
      expect(await failureOf(() => w.manager.addGroup(id, pair))).toMatchObject({ name: 'DuplicateServerError' });
    }
    expect(await failureOf(() => w.manager.addServer('team', simulated))).toMatchObject({
      name: 'DuplicateServerError',
    });
    expect([w.news(), w.manager.group('team') === group, w.manager.sessionCount]).toEqual([[], true, 2]);
    expect(w.manager.removeGroup('team')).toBe(true);
    await w.add('team');
    expect(await failureOf(() => w.manager.addGroup('team', pair))).toMatchObject({ name: 'DuplicateServerError' });
  });

  it('refuses a member that is a group', async () => {
    const { w } = await grouped(['a', 'b']);
    expect(await failureOf(() => w.manager.addGroup('g', { primary: 'team', backups: [] }))).toMatchObject({
      name: 'UnknownServerError',
    });
  });

  it('takes ids that objects inherit, spaces and other scripts', async () => {
    const w = await three();
    for (const id of ['toString', 'hasOwnProperty', 'a b', 'ä·日本', 'a group', 'x'.repeat(64)]) {
      const group = w.manager.addGroup(id, { primary: 'a', backups: ['b'] });
      expect([group.active, w.manager.group(id) === group]).toEqual(['a', true]);
    }
    w.server('a').kill();
    expect(w.manager.listGroups().map(({ active }) => active)).toEqual(Array(6).fill('b'));
  });

  it('after close() is refused', async () => {
    const w = await three();
    const closed = outcomeOf(w.manager.close());
    expect(await failureOf(() => w.manager.addGroup('g', { primary: 'a', backups: ['b'] }))).toMatchObject({
      name: 'ClosedError',
    });
    await w.clock.settle();
    closed.value();
  });
});

describe('group', () => {
  it('of an id that is none throws UnknownGroupError', async () => {
    const { w } = await grouped(['a', 'b']);
    expect(await failureOf(() => w.manager.group('a'))).toMatchObject({
      name: 'UnknownGroupError',
      code: 'UNKNOWN_GROUP',
      groupId: 'a',
      message: 'There is no group with the id "a": known are "team".',
    });
    expect(w.manager.removeGroup('a')).toBe(false);
    expect(await failureOf(() => w.manager.session('team'))).toMatchObject({ name: 'UnknownServerError' });
    expect(await w.manager.removeServer('team')).toBe(false);
  });
});

describe('calls and orders with arguments that make no sense', () => {
  it.each<[string, (group: Awaited<ReturnType<typeof grouped>>['group']) => unknown, string]>([
    ['a tool’s name that is no text', (group) => group.callTool(5 as never), 'name'],
    ['arguments that are a list', (group) => group.callTool('echo', [] as never), 'args'],
    ['a timeout of 0', (group) => group.callTool('echo', {}, { timeoutMs: 0 }), 'timeoutMs'],
    ['an option that does not exist', (group) => group.listTools({ timeout: 1 } as never), 'timeout'],
    ['a signal that is none', (group) => group.request('x', {}, { signal: 1 as never }), 'signal'],
    ['ready() with a negative time', (group) => group.ready({ timeoutMs: -1 }), 'timeoutMs'],
    ['ready() with an option that does not exist', (group) => group.ready({ wait: 1 } as never), 'wait'],
    ['failOver() with a reason that is no text', (group) => group.failOver(5 as never), 'reason'],
  ])('%s are refused, and nothing is sent', async (_what, run, field) => {
    const { w, group } = await grouped(['a', 'b']);
    const before = [w.server('a').requests, w.server('b').requests];
    w.news();
    expect(await failureOf(() => run(group))).toMatchObject({ name: 'InvalidOptionError', field });
    expect([w.news(), group.info.switches, [w.server('a').requests, w.server('b').requests]]).toEqual([[], 0, before]);
  });
});

describe('failOver and failBack', () => {
  it('throw GroupUnavailableError when there is nobody to move to', async () => {
    const { w, group } = await grouped(['a', 'b']);
    w.server('b').kill();
    w.news();
    expect(await failureOf(() => group.failOver())).toMatchObject({
      name: 'GroupUnavailableError',
      groupId: 'team',
      outcome: 'not-sent',
    });
    expect([group.active, group.info.heldByHand, w.news()]).toEqual(['a', false, []]);
    w.server('a').kill();
    expect(await failureOf(() => group.failOver())).toMatchObject({ name: 'GroupUnavailableError' });
  });

  it('failBack() throws when no member takes calls', async () => {
    const { w, group } = await grouped(['a', 'b']);
    w.server('a').kill();
    w.server('b').kill();
    expect(group.active).toBe('b');
    expect(await failureOf(() => group.failBack())).toMatchObject({ name: 'GroupUnavailableError' });
  });

  it('failBack() with the primary active does nothing', async () => {
    const { w, group } = await grouped(['a', 'b']);
    w.news();
    group.failBack();
    expect([group.active, w.news()]).toEqual(['a', []]);
  });
});
