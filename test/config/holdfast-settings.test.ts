import { describe, expect, it } from 'vitest';

import { loadText } from './config-fixture.ts';

const withSettings = (holdfast: unknown): string =>
  JSON.stringify({ mcpServers: { files: { command: 'x' }, git: { command: 'y' } }, holdfast });

const problemsOf = async (holdfast: unknown): Promise<unknown[]> =>
  (await loadText(withSettings(holdfast))).problems.map(({ field, serverId, problem, fix }) => [
    field,
    serverId,
    problem,
    fix,
  ]);

describe('the holdfast key', () => {
  const everything = {
    healthCheck: {
      intervalMs: 10_000,
      timeoutMs: 2_000,
      failureThreshold: 2,
      successThreshold: 1,
      degradedLatencyMs: 500,
    },
    reconnect: {
      enabled: false,
      delayMs: 1,
      maxDelayMs: 2_147_483_647,
      multiplier: 1.5,
      stableMs: 60_000,
      crashLoopExits: 5,
      crashLoopWindowMs: 300_000,
      crashLoopDelayMs: 300_000,
    },
    connectTimeoutMs: 30_000,
    callTimeoutMs: 60_000,
    lazy: true,
  };

  it('gives defaults for all servers and options for one, and they are not mixed', async () => {
    const config = await loadText(
      withSettings({ defaults: everything, servers: { git: { ...everything, lazy: false } } }),
    );
    expect([config.problems, config.warnings]).toEqual([[], []]);
    expect(config.settings).toEqual({ defaults: everything });
    expect(config.servers.map(({ id, options }) => [id, options])).toEqual([
      ['files', {}],
      ['git', { ...everything, lazy: false }],
    ]);
  });

  it('leaves out what it does not say, so that settings can be spread over defaults', async () => {
    const config = await loadText(withSettings({ servers: { git: { healthCheck: { intervalMs: 5 } } } }));
    expect(config.servers[1]?.options).toStrictEqual({ healthCheck: { intervalMs: 5 } });
    expect(config.settings.defaults).toStrictEqual({});
  });

  it('does not take an unknown key: it says which one was meant', async () => {
    expect(await problemsOf({ default: {}, servers: { git: { healthcheck: {} } }, listenOn: 1 })).toEqual([
      ['holdfast.default', null, '"default" is not a setting of holdfast', 'did you mean "defaults"?'],
      [
        'holdfast.servers.git.healthcheck',
        'git',
        '"healthcheck" is not a setting of holdfast',
        'did you mean "healthCheck"?',
      ],
      [
        'holdfast.listenOn',
        null,
        '"listenOn" is not a setting of holdfast',
        'remove it; known here are defaults, servers, groups',
      ],
    ]);
    expect(await problemsOf({ defaults: { healthCheck: { timeout: 5 }, reconnect: { maxDelay: 5 } } })).toEqual([
      [
        'holdfast.defaults.healthCheck.timeout',
        null,
        '"timeout" is not a setting of holdfast',
        'did you mean "timeoutMs"?',
      ],
      [
        'holdfast.defaults.reconnect.maxDelay',
        null,
        '"maxDelay" is not a setting of holdfast',
        'did you mean "maxDelayMs"?',
      ],
    ]);
  });

  const ms = 'a whole number of milliseconds from 1 to 2147483647';
  const cases: readonly (readonly [settings: unknown, field: string, problem: string, fix: string])[] = [
    [{ connectTimeoutMs: 0 }, 'connectTimeoutMs', `connectTimeoutMs must be ${ms}, but it is 0`, `write ${ms}`],
    [
      { connectTimeoutMs: 2_147_483_648 },
      'connectTimeoutMs',
      `connectTimeoutMs must be ${ms}, but it is 2147483648`,
      `write ${ms}`,
    ],
    [{ callTimeoutMs: '30s' }, 'callTimeoutMs', `callTimeoutMs must be ${ms}, but it is a string`, `write ${ms}`],
    [{ callTimeoutMs: 1.5 }, 'callTimeoutMs', `callTimeoutMs must be ${ms}, but it is 1.5`, `write ${ms}`],
    [
      { healthCheck: { failureThreshold: 0 } },
      'healthCheck.failureThreshold',
      'failureThreshold must be a whole number of at least 1, but it is 0',
      'write a whole number of at least 1',
    ],
    [
      { reconnect: { multiplier: 0.5 } },
      'reconnect.multiplier',
      'multiplier must be a number of at least 1, but it is 0.5',
      'write a number of at least 1',
    ],
    [
      { reconnect: { enabled: 'no' } },
      'reconnect.enabled',
      'enabled must be true or false, but it is a string',
      'write true or false, without quotes',
    ],
    [{ lazy: 1 }, 'lazy', 'lazy must be true or false, but it is a number', 'write true or false, without quotes'],
    [
      { healthCheck: false },
      'healthCheck',
      '"healthCheck" must be an object, but it is a boolean',
      'write "healthCheck": { … }',
    ],
    [{ reconnect: [] }, 'reconnect', '"reconnect" must be an object, but it is an array', 'write "reconnect": { … }'],
  ];
  it.each(cases)(
    'as a default, %o is a problem and is left out; the servers start',
    async (settings, field, problem, fix) => {
      const config = await loadText(withSettings({ defaults: settings }));
      expect(config.servers.map(({ id }) => id)).toEqual(['files', 'git']);
      expect(config.problems.map((found) => [found.field, found.serverId, found.problem, found.fix])).toEqual([
        [`holdfast.defaults.${field}`, null, problem, fix],
      ]);
    },
  );

  it.each(cases)(
    'of one server, %o keeps that server from starting; the others start',
    async (settings, field, problem, fix) => {
      const config = await loadText(withSettings({ servers: { git: settings } }));
      expect(config.servers.map(({ id }) => id)).toEqual(['files']);
      expect(config.problems.map((found) => [found.field, found.serverId, found.problem, found.fix])).toEqual([
        [`holdfast.servers.git.${field}`, 'git', problem, fix],
      ]);
    },
  );

  it('does not take settings for a server that the file does not have', async () => {
    expect(await problemsOf({ servers: { gitt: {}, elsewhere: {}, constructor: {} } })).toEqual([
      ['holdfast.servers.gitt', null, 'there is no server "gitt" in this file', 'did you mean "git"?'],
      [
        'holdfast.servers.elsewhere',
        null,
        'there is no server "elsewhere" in this file',
        'add that server, or remove these settings',
      ],
      [
        'holdfast.servers.constructor',
        null,
        'there is no server "constructor" in this file',
        'add that server, or remove these settings',
      ],
    ]);
  });

  it('must hold objects', async () => {
    expect(await problemsOf(1)).toEqual([
      ['holdfast', null, '"holdfast" must be an object, but it is a number', 'write "holdfast": { … }'],
    ]);
    expect(await problemsOf({ defaults: 1, servers: [] })).toEqual([
      ['holdfast.defaults', null, '"defaults" must be an object, but it is a number', 'write "defaults": { … }'],
      ['holdfast.servers', null, '"servers" must be an object, but it is an array', 'write "servers": { … }'],
    ]);
  });
});
