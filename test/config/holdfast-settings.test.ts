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
    circuitBreaker: {
      failureThreshold: 1,
      successThreshold: 1,
      openMs: 1,
      windowSize: 10_000,
      minimumRequests: 10_000,
    },
    retry: { maxAttempts: 1, baseDelayMs: 0, maxDelayMs: 0, multiplier: 100, jitter: 0.5 },
    tools: { order: { retry: 'never' }, 'look it up': { retry: 'safe' }, toString: { retry: 'safe' } },
    connectTimeoutMs: 30_000,
    callTimeoutMs: 60_000,
    maxCallTimeoutMs: 1,
    waitForReadyMs: 0,
    maxInFlight: 1,
    maxQueue: 0,
    lazy: true,
    trustAnnotations: true,
    validateOutput: false,
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
    expect(await problemsOf({ default: {}, servers: { git: { healthcheck: {} } }, address: 1 })).toEqual([
      ['holdfast.default', null, '"default" is not a setting of holdfast', 'did you mean "defaults"?'],
      [
        'holdfast.servers.git.healthcheck',
        'git',
        '"healthcheck" is not a setting of holdfast',
        'did you mean "healthCheck"?',
      ],
      [
        'holdfast.address',
        null,
        '"address" is not a setting of holdfast',
        'remove it; known here are defaults, servers, groups, listen',
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
  const msOrNone = 'a whole number of milliseconds from 0 to 2147483647';
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
      'multiplier must be a number from 1 to 100, but it is 0.5',
      'write a number from 1 to 100',
    ],
    [
      { reconnect: { enabled: 'no' } },
      'reconnect.enabled',
      'enabled must be true or false, but it is a string',
      'write true or false, without quotes',
    ],
    [
      { retry: { multiplier: 101 } },
      'retry.multiplier',
      'multiplier must be a number from 1 to 100, but it is 101',
      'write a number from 1 to 100',
    ],
    [
      { retry: { jitter: 1.1 } },
      'retry.jitter',
      'jitter must be a number from 0 to 1, but it is 1.1',
      'write a number from 0 to 1',
    ],
    [
      { retry: { maxAttempts: 0 } },
      'retry.maxAttempts',
      'maxAttempts must be a whole number of at least 1, but it is 0',
      'write a whole number of at least 1',
    ],
    [
      { retry: { baseDelayMs: -1 } },
      'retry.baseDelayMs',
      `baseDelayMs must be ${msOrNone}, but it is -1`,
      `write ${msOrNone}`,
    ],
    [{ waitForReadyMs: -1 }, 'waitForReadyMs', `waitForReadyMs must be ${msOrNone}, but it is -1`, `write ${msOrNone}`],
    [{ maxCallTimeoutMs: 0 }, 'maxCallTimeoutMs', `maxCallTimeoutMs must be ${ms}, but it is 0`, `write ${ms}`],
    [{ circuitBreaker: { openMs: 0 } }, 'circuitBreaker.openMs', `openMs must be ${ms}, but it is 0`, `write ${ms}`],
    [
      { circuitBreaker: { windowSize: 10_001 } },
      'circuitBreaker.windowSize',
      'windowSize must be a whole number from 1 to 10000, but it is 10001',
      'write a whole number from 1 to 10000',
    ],
    [
      { maxInFlight: 0 },
      'maxInFlight',
      'maxInFlight must be a whole number of at least 1, but it is 0',
      'write a whole number of at least 1',
    ],
    [
      { maxQueue: -1 },
      'maxQueue',
      'maxQueue must be a whole number of at least 0, but it is -1',
      'write a whole number of at least 0',
    ],
    [
      { trustAnnotations: 'yes' },
      'trustAnnotations',
      'trustAnnotations must be true or false, but it is a string',
      'write true or false, without quotes',
    ],
    [
      { validateOutput: null },
      'validateOutput',
      'validateOutput must be true or false, but it is null',
      'write true or false, without quotes',
    ],
    [{ tools: ['order'] }, 'tools', '"tools" must be an object, but it is an array', 'write "tools": { … }'],
    [
      { tools: { order: 'never' } },
      'tools.order',
      '"order" must be an object, but it is a string',
      'write "order": { … }',
    ],
    [{ tools: { order: {} } }, 'tools.order', '"retry" is missing', 'write "retry": "safe" or "retry": "never"'],
    [
      { tools: { 'place an order': { retry: 'always' } } },
      'tools["place an order"].retry',
      'this "retry" is not known',
      'write "safe" or "never"',
    ],
    [
      { tools: { order: { retry: 'nevr' } } },
      'tools.order.retry',
      'this "retry" is not known',
      'did you mean "never"?',
    ],
    [
      { tools: { order: { retry: false } } },
      'tools.order.retry',
      'retry must be a string, but it is a boolean',
      'write "safe" or "never"',
    ],
    [
      { tools: { order: { rety: 'never' } } },
      'tools.order.rety',
      '"rety" is not a setting of holdfast',
      'did you mean "retry"?',
    ],
    [
      { circuitBreaker: { minimumRequests: 6, windowSize: 5 } },
      'circuitBreaker.minimumRequests',
      'minimumRequests must be at most windowSize (5), but it is 6',
      'write at most 5, or raise windowSize',
    ],
    [
      { circuitBreaker: { minimumRequests: 101 } },
      'circuitBreaker.minimumRequests',
      'minimumRequests must be at most windowSize (100), but it is 101',
      'write at most 100, or raise windowSize',
    ],
    [
      { circuitBreaker: { windowSize: 9 } },
      'circuitBreaker.windowSize',
      'windowSize must be at least minimumRequests (10), but it is 9',
      'write at least 10, or lower minimumRequests',
    ],
    [
      { reconnect: { delayMs: 2_000, maxDelayMs: 1_999 } },
      'reconnect.delayMs',
      'delayMs must be at most maxDelayMs (1999), but it is 2000',
      'write at most 1999, or raise maxDelayMs',
    ],
    [
      { reconnect: { maxDelayMs: 999 } },
      'reconnect.maxDelayMs',
      'maxDelayMs must be at least delayMs (1000), but it is 999',
      'write at least 1000, or lower delayMs',
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

  it('tells where in the file a setting is wrong', async () => {
    const { problems } = await loadText(
      [
        '{',
        '  "mcpServers": { "shop": { "command": "x" } },',
        '  "holdfast": {',
        '    "defaults": { "circuitBreaker": { "windowSize": 50 } },',
        '    "servers": { "shop": {',
        '      "circuitBreaker": { "minimumRequests": 60 },',
        '      "tools": { "order": { "retry": "once" }, "lookup": { "retry": "safe", "times": 3 } }',
        '    } }',
        '  }',
        '}',
      ].join('\n'),
    );
    const shop = { file: '/project/mcp.json', serverId: 'shop' };
    expect(problems).toEqual([
      {
        ...shop,
        line: 6,
        column: 46,
        field: 'holdfast.servers.shop.circuitBreaker.minimumRequests',
        problem: 'minimumRequests must be at most windowSize (50), but it is 60',
        fix: 'write at most 50, or raise windowSize',
      },
      {
        ...shop,
        line: 7,
        column: 38,
        field: 'holdfast.servers.shop.tools.order.retry',
        problem: 'this "retry" is not known',
        fix: 'write "safe" or "never"',
      },
      {
        ...shop,
        line: 7,
        column: 77,
        field: 'holdfast.servers.shop.tools.lookup.times',
        problem: '"times" is not a setting of holdfast',
        fix: 'remove it; known here are retry',
      },
    ]);
  });

  it('holds a number against the one that the server gets from the defaults, wherever they stand', async () => {
    const servers = { git: { circuitBreaker: { minimumRequests: 500 } } };
    const roomy = await loadText(withSettings({ servers, defaults: { circuitBreaker: { windowSize: 500 } } }));
    expect([roomy.problems, roomy.servers[1]?.options]).toEqual([[], servers.git]);
    const tight = { servers: { git: { circuitBreaker: { windowSize: 20 } } } };
    expect(await problemsOf({ ...tight, defaults: { circuitBreaker: { minimumRequests: 30 } } })).toEqual([
      [
        'holdfast.servers.git.circuitBreaker.windowSize',
        'git',
        'windowSize must be at least minimumRequests (30), but it is 20',
        'write at least 30, or lower minimumRequests',
      ],
    ]);
  });

  it('tells a pair of which one is refused once, and leaves out the other where it does not fit alone', async () => {
    const load = (minimumRequests: number): ReturnType<typeof loadText> =>
      loadText(withSettings({ defaults: { circuitBreaker: { minimumRequests, windowSize: 20_000, openMs: 5 } } }));
    const [fitting, tooLarge] = [await load(99), await load(500)];
    for (const { problems } of [fitting, tooLarge]) {
      expect(problems.map(({ field }) => field)).toEqual(['holdfast.defaults.circuitBreaker.windowSize']);
    }
    expect(fitting.settings.defaults).toStrictEqual({ circuitBreaker: { minimumRequests: 99, openMs: 5 } });
    expect(tooLarge.settings.defaults).toStrictEqual({ circuitBreaker: { openMs: 5 } });
  });

  it('leaves out both of two defaults that contradict each other', async () => {
    const circuitBreaker = { minimumRequests: 6, windowSize: 5, openMs: 5 };
    const config = await loadText(withSettings({ defaults: { circuitBreaker } }));
    expect(config.settings.defaults).toStrictEqual({ circuitBreaker: { openMs: 5 } });
  });

  it('does not take settings for a server that the file does not have', async () => {
    expect(await problemsOf({ servers: { gitt: {}, elsewhere: {}, constructor: {} } })).toEqual([
      ['holdfast.servers.gitt', null, 'there is no server "gitt" in this configuration', 'did you mean "git"?'],
      [
        'holdfast.servers.elsewhere',
        null,
        'there is no server "elsewhere" in this configuration',
        'add that server, or remove these settings',
      ],
      [
        'holdfast.servers.constructor',
        null,
        'there is no server "constructor" in this configuration',
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
