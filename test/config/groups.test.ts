import { describe, expect, it } from 'vitest';

import { formatConfigProblem } from '../../src/config/index.ts';
import type { LoadedConfig } from '../../src/config/index.ts';
import { loadText } from './config-fixture.ts';

const servers = {
  memory: { command: 'x' },
  standby: { command: 'x' },
  third: { command: 'x' },
  off: { command: 'x', disabled: true },
  broken: { command: '${UNSET}' },
  brokenOff: { command: '${UNSET}', disabled: true },
};

const loaded = (groups: unknown): Promise<LoadedConfig> =>
  loadText(JSON.stringify({ mcpServers: servers, holdfast: { groups } }));

/** What is told of `groups`, without what is told of the servers that are wrong on purpose. */
async function toldOf(groups: unknown): Promise<unknown[]> {
  const { problems } = await loaded(groups);
  return problems.flatMap(({ field, serverId, problem, fix }) => (serverId === null ? [[field, problem, fix]] : []));
}

describe('a group', () => {
  it('is read as it stands, with its place', async () => {
    const config = await loadText(
      [
        '{ "mcpServers": { "a": { "command": "x" }, "b": { "command": "x" }, "c": { "command": "x" } },',
        '  "holdfast": { "groups": {',
        '    "pair": { "primary": "a", "backups": ["b"] },',
        '    "three": {',
        '      "primary": "c", "backups": ["a", "b"], "failoverThreshold": 5, "failback": "manual",',
        '      "failbackDelayMs": 0, "catalogFrom": "b"',
        '    }',
        '  } }',
        '}',
      ].join('\n'),
    );
    expect([config.problems, config.warnings]).toEqual([[], []]);
    expect(config.groups).toStrictEqual([
      {
        id: 'pair',
        source: { file: '/project/mcp.json', line: 3, column: 5 },
        config: { primary: 'a', backups: ['b'] },
      },
      {
        id: 'three',
        source: { file: '/project/mcp.json', line: 4, column: 5 },
        config: {
          primary: 'c',
          backups: ['a', 'b'],
          failoverThreshold: 5,
          failback: 'manual',
          failbackDelayMs: 0,
          catalogFrom: 'b',
        },
      },
    ]);
    expect(config.settings).toEqual({ defaults: {} });
  });

  it('starts without a backup that is disabled, whatever else is wrong with that server, and this is a warning', async () => {
    const config = await loaded({
      pair: { primary: 'memory', backups: ['off', 'standby', 'brokenOff'], catalogFrom: 'off' },
    });
    expect(config.groups.map(({ config: group }) => group)).toEqual([{ primary: 'memory', backups: ['standby'] }]);
    expect(config.problems.map(({ serverId }) => serverId)).toEqual(['broken']);
    expect(config.warnings.filter(({ level }) => level === 'warning')).toMatchObject([
      {
        field: 'holdfast.groups.pair.backups[0]',
        message: 'the server "off" is disabled: the group starts without it',
      },
      {
        field: 'holdfast.groups.pair.backups[2]',
        message: 'the server "brokenOff" is disabled: the group starts without it',
      },
      { field: 'holdfast.groups.pair.catalogFrom', message: 'ignored: the server "off" is disabled' },
    ]);
  });

  it('may share a server with another group', async () => {
    const config = await loaded({
      one: { primary: 'memory', backups: ['third'] },
      two: { primary: 'standby', backups: ['third'] },
    });
    expect(config.groups.map(({ id }) => id)).toEqual(['one', 'two']);
  });
});

describe('a mistake', () => {
  const ok = { primary: 'memory', backups: ['standby'] };
  const ms = 'a whole number of milliseconds from 0 to 2147483647';
  const cases: readonly (readonly [group: unknown, field: string, problem: string, fix: string])[] = [
    [[], '', '"pair" must be an object, but it is an array', 'write "pair": { … }'],
    [{ ...ok, backup: 1 }, '.backup', '"backup" is not a setting of holdfast', 'did you mean "backups"?'],
    [
      { ...ok, weight: 1 },
      '.weight',
      '"weight" is not a setting of holdfast',
      'remove it; known here are primary, backups, failback, catalogFrom, failoverThreshold, failbackDelayMs',
    ],
    [{ backups: ['standby'] }, '.primary', '"primary" is missing', 'name the server that calls go to while it serves'],
    [
      { ...ok, primary: 1 },
      '.primary',
      'primary must be the id of a server, but it is a number',
      'write the id in double quotes',
    ],
    [
      { ...ok, primary: 'memry' },
      '.primary',
      'there is no server "memry" in this configuration',
      'did you mean "memory"?',
    ],
    [
      { ...ok, primary: 'elsewhere' },
      '.primary',
      'there is no server "elsewhere" in this configuration',
      'add that server, or name another one',
    ],
    [
      { ...ok, primary: 'off' },
      '.primary',
      'the server "off" is disabled, and a group does not start without its primary',
      'enable it, or make another server the primary',
    ],
    [
      { ...ok, primary: 'broken' },
      '.primary',
      'the server "broken" cannot be used, so the group is left out',
      'mend what is wrong with that server, or take it out of the group',
    ],
    [
      { primary: 'memory' },
      '.backups',
      '"backups" is missing',
      'name at least one server that can stand in for the primary',
    ],
    [
      { ...ok, backups: 'standby' },
      '.backups',
      'backups must be a list of server ids, but it is a string',
      'write "backups": ["…"]',
    ],
    [
      { ...ok, backups: [] },
      '.backups',
      'a group of one server has nothing to fail over to',
      'name at least one server that can stand in for the primary, or remove the group',
    ],
    [
      { ...ok, backups: ['standby', null] },
      '.backups[1]',
      'a backup must be the id of a server, but it is null',
      'write the id in double quotes',
    ],
    [
      { ...ok, backups: ['standy'] },
      '.backups[0]',
      'there is no server "standy" in this configuration',
      'did you mean "standby"?',
    ],
    [
      { ...ok, backups: ['memor'] },
      '.backups[0]',
      'there is no server "memor" in this configuration',
      'add that server, or name another one',
    ],
    [
      { ...ok, backups: ['standby', 'memory'] },
      '.backups[1]',
      'the group names the server "memory" twice',
      'name each server once',
    ],
    [
      { ...ok, backups: ['standby', 'standby'] },
      '.backups[1]',
      'the group names the server "standby" twice',
      'name each server once',
    ],
    [
      { ...ok, backups: ['standby', 'broken'] },
      '.backups[1]',
      'the server "broken" cannot be used, so the group is left out',
      'mend what is wrong with that server, or take it out of the group',
    ],
    [
      { ...ok, backups: ['off', 'brokenOff'] },
      '.backups',
      'every backup is disabled, so nothing can stand in for the primary',
      'enable one of them, or remove the group',
    ],
    [
      { ...ok, failoverThreshold: 0 },
      '.failoverThreshold',
      'failoverThreshold must be a whole number of at least 1, but it is 0',
      'write a whole number of at least 1',
    ],
    [{ ...ok, failbackDelayMs: -1 }, '.failbackDelayMs', `failbackDelayMs must be ${ms}, but it is -1`, `write ${ms}`],
    [
      { ...ok, failbackDelayMs: '60s' },
      '.failbackDelayMs',
      `failbackDelayMs must be ${ms}, but it is a string`,
      `write ${ms}`,
    ],
    [{ ...ok, failback: 'manually' }, '.failback', 'this "failback" is not known', 'did you mean "manual"?'],
    [{ ...ok, failback: 'whenever' }, '.failback', 'this "failback" is not known', 'write "auto", "manual" or "never"'],
    [
      { ...ok, failback: false },
      '.failback',
      'failback must be a string, but it is a boolean',
      'write "auto", "manual" or "never"',
    ],
    [
      { ...ok, catalogFrom: 'third' },
      '.catalogFrom',
      'the server "third" is not in this group',
      'name the primary or a backup',
    ],
    [
      { ...ok, catalogFrom: 'standy' },
      '.catalogFrom',
      'the server "standy" is not in this group',
      'did you mean "standby"?',
    ],
    [
      { ...ok, catalogFrom: {} },
      '.catalogFrom',
      'catalogFrom must be the id of a member, but it is an object',
      'write the id in double quotes',
    ],
  ];
  it.each(cases)('as %o keeps that group out, and nothing else', async (pair, field, problem, fix) => {
    const other = { primary: 'memory', backups: ['third'] };
    const config = await loaded({ pair, other });
    expect(config.groups).toMatchObject([{ id: 'other', config: other }]);
    expect(config.servers.map(({ id }) => id)).toEqual(['memory', 'standby', 'third', 'off']);
    expect(await toldOf({ pair, other })).toEqual([[`holdfast.groups.pair${field}`, problem, fix]]);
  });

  it('beside others is told together with them, in the order of the file', async () => {
    expect(await toldOf({ pair: { backups: [1], failback: 1, primary: 'x' } })).toEqual([
      [
        'holdfast.groups.pair.backups[0]',
        'a backup must be the id of a server, but it is a number',
        'write the id in double quotes',
      ],
      [
        'holdfast.groups.pair.failback',
        'failback must be a string, but it is a number',
        'write "auto", "manual" or "never"',
      ],
      [
        'holdfast.groups.pair.primary',
        'there is no server "x" in this configuration',
        'add that server, or name another one',
      ],
    ]);
  });

  it('in an id: ids are shared with servers, disabled and broken ones too, and follow their rule', async () => {
    const told = await toldOf({
      memory: ok,
      off: ok,
      broken: ok,
      ['a\u0007']: ok,
      ['x'.repeat(65)]: ok,
    });
    expect(told).toEqual([
      ...['memory', 'off', 'broken'].map((id) => [
        `holdfast.groups.${id}`,
        `the id "${id}" is that of a server, and a group needs one of its own`,
        'rename the group',
      ]),
      [
        'holdfast.groups["a\\u{7}"]',
        'the group id "a\\u{7}" holds control characters',
        'choose an id of 1 to 64 characters, such as "pair"',
      ],
      [
        `holdfast.groups["${'x'.repeat(64)}…"]`,
        `the group id "${'x'.repeat(64)}…" is longer than 64 characters`,
        'choose an id of 1 to 64 characters, such as "pair"',
      ],
    ]);
  });

  it('in an id that is given twice starts neither', async () => {
    const config = await loadText(
      [
        '{ "mcpServers": { "a": { "command": "x" }, "b": { "command": "x" } },',
        '  "holdfast": { "groups": {',
        '    "pair": { "primary": "a", "backups": ["b"] },',
        '    "pair": { "primary": "b", "backups": ["a"] } } } }',
      ].join('\n'),
    );
    expect(config.groups).toEqual([]);
    expect(config.problems.map(formatConfigProblem)).toEqual([
      '/project/mcp.json:4:5: holdfast.groups.pair: the group "pair" is given twice, first on line 3; rename or remove one of the two; until then neither starts',
    ]);
  });

  it('in the whole of it is one problem', async () => {
    expect(await toldOf(['pair'])).toEqual([
      ['holdfast.groups', '"groups" must be an object, but it is an array', 'write "groups": { … }'],
    ]);
  });
});
