import { describe, expect, it } from 'vitest';
import {
  custom,
  defaultManagerConfig,
  once,
  SessionManager,
  stdio,
  type ManagerConfig,
  type ServerOptions,
  type ServerTarget,
} from '../../src/index.ts';
import { failureOf, outcomeOf, simulated, world, type World } from './support.ts';

/** A world with one healthy server that must not notice anything. */
async function inhabited(config: Partial<ManagerConfig> = {}): Promise<World> {
  const w = world({ config });
  await w.add('bystander');
  w.news();
  return w;
}

async function expectUndisturbed(w: World): Promise<void> {
  await w.clock.settle();
  expect(w.news()).toEqual([]);
  expect(w.manager.sessionCount).toBe(1);
  expect(w.manager.listSessions().map((info) => `${info.id} ${info.phase} ${info.generation}`)).toEqual([
    'bystander connected.healthy 1',
  ]);
  expect(w.sim.all().map((server) => `${server.id} ${server.opens}`)).toEqual(['bystander 1']);
}

describe('an id', () => {
  const message = 'id must be 1 to 64 characters without control characters, and no reserved name; it';
  it.each([
    ['', 'is empty'],
    ['x'.repeat(65), 'is longer than 64 characters'],
    ['a\nb', 'holds control characters'],
    ['a\u0000', 'holds control characters'],
    ['\u007f', 'holds control characters'],
    ['\u0085', 'holds control characters'],
    ['__proto__', 'is reserved'],
    ['constructor', 'is reserved'],
    ['prototype', 'is reserved'],
    [undefined, 'is no text'],
    [null, 'is no text'],
    [7, 'is no text'],
    [{}, 'is no text'],
    [['a'], 'is no text'],
    [Symbol('a'), 'is no text'],
  ])('%j is refused', async (id, why) => {
    const w = await inhabited();
    const error = await failureOf(() => w.manager.addServer(id as string, simulated));
    expect({
      ...Object.fromEntries(Object.entries(error)),
      message: error.message.startsWith(`${message} ${why}`),
    }).toEqual({
      name: 'InvalidOptionError',
      code: 'INVALID_OPTION',
      outcome: null,
      serverId: undefined,
      generation: undefined,
      retryable: false,
      retryAfterMs: undefined,
      field: 'id',
      value: id,
      message: true,
    });
    await expectUndisturbed(w);
  });

  it.each([
    'a',
    'x'.repeat(64),
    'a b',
    'a/b',
    '日本',
    '💥',
    'a.b.c',
    '__server',
    'toString',
    'valueOf',
    'hasOwnProperty',
    'error',
    'xstate.stop',
  ])('%s is as good as any', async (id) => {
    const w = world();
    const added = outcomeOf(w.manager.addServer(id, simulated));
    await w.clock.settle();
    expect(added.state).toBe('resolved');
    expect(w.manager.session(id).state).toBe('healthy');
    expect(await failureOf(() => w.manager.addServer(id, simulated))).toMatchObject({
      code: 'DUPLICATE_SERVER',
      serverId: id,
    });
    const removed = outcomeOf(w.manager.removeServer(id));
    await w.clock.settle();
    expect(removed.value()).toBe(true);
  });

  it('that exists already is refused, whatever the state of the first', async () => {
    const w = await inhabited();
    const error = await failureOf(() => w.manager.addServer('bystander', simulated));
    expect(error).toMatchObject({
      name: 'DuplicateServerError',
      code: 'DUPLICATE_SERVER',
      serverId: 'bystander',
      outcome: null,
    });
    await expectUndisturbed(w);

    w.server('slow').connectMs = 1_000;
    const first = outcomeOf(w.manager.addServer('slow', simulated));
    expect(await failureOf(() => w.manager.addServer('slow', simulated))).toMatchObject({ code: 'DUPLICATE_SERVER' });
    await w.clock.advance(1_000);
    first.value();
    expect(w.server('slow').opens).toBe(1);
  });

  it('is free again once the first attempt of its server has failed', async () => {
    const w = world();
    w.server('a').refuse = { kind: 'unreachable', code: 'ECONNREFUSED', message: 'refused' };
    const first = outcomeOf(w.manager.addServer('a', simulated));
    await w.clock.settle();
    expect(first.error().code).toBe('CONNECT');
    w.server('a').refuse = null;
    await w.add('a');
  });

  it('that nobody has is unknown to every method that takes one', async () => {
    const w = await inhabited();
    expect(await failureOf(() => w.manager.session('nobody'))).toMatchObject({
      name: 'UnknownServerError',
      code: 'UNKNOWN_SERVER',
      serverId: 'nobody',
      message: 'There is no server with the id "nobody": known are "bystander".',
    });
    expect(w.manager.getSessionInfo('nobody')).toBeUndefined();
    expect(await w.manager.removeServer('nobody')).toBe(false);
    expect(w.manager.getHealthySession({ among: ['nobody'] })).toBeUndefined();
    await expectUndisturbed(w);
  });
});

describe('the limit of servers', () => {
  it('refuses one more, without disturbing those that are there', async () => {
    const w = await inhabited({ maxConnections: 1 });
    expect(await failureOf(() => w.manager.addServer('b', simulated))).toMatchObject({
      name: 'SessionLimitError',
      code: 'SESSION_LIMIT',
      serverId: 'b',
      limit: 1,
      retryable: true,
    });
    await expectUndisturbed(w);
  });

  it('counts servers that are being removed until they are gone', async () => {
    const w = await inhabited({ maxConnections: 1 });
    w.server('bystander').closeMs = 100;
    const removed = outcomeOf(w.manager.removeServer('bystander'));
    expect(await failureOf(() => w.manager.addServer('b', simulated))).toMatchObject({ code: 'SESSION_LIMIT' });
    await w.clock.advance(100);
    removed.value();
    await w.add('b');
  });

  it('is 10 unless it is set', async () => {
    const w = world();
    for (let n = 0; n < 10; n += 1) await w.add(`s${n}`);
    expect(await failureOf(() => w.manager.addServer('s10', simulated))).toMatchObject({ limit: 10 });
  });
});

const nonsenseOptions: readonly (readonly [label: string, options: unknown, field: string, value: unknown])[] = [
  ['an unknown key', { retries: 3 }, 'retries', 3],
  ['a misspelt key', { heathCheck: {} }, 'heathCheck', {}],
  ['an unknown nested key', { healthCheck: { interval: 5 } }, 'healthCheck.interval', 5],
  ['an unknown key of reconnect', { reconnect: { jitter: 1 } }, 'reconnect.jitter', 1],
  ['an unknown handler', { handlers: { ping: () => undefined } }, 'handlers.ping', expect.any(Function)],
  ['null options', null, 'options', null],
  ['a list of options', [], 'options', []],
  ['a text for options', 'lazy', 'options', 'lazy'],
  ['null for a section', { healthCheck: null }, 'healthCheck', null],
  ['a list for a section', { reconnect: [] }, 'reconnect', []],
  ['a number for a section', { handlers: 1 }, 'handlers', 1],
  ['an interval of 0', { healthCheck: { intervalMs: 0 } }, 'healthCheck.intervalMs', 0],
  ['a negative interval', { healthCheck: { intervalMs: -1 } }, 'healthCheck.intervalMs', -1],
  ['NaN', { healthCheck: { intervalMs: Number.NaN } }, 'healthCheck.intervalMs', Number.NaN],
  ['Infinity', { healthCheck: { timeoutMs: Infinity } }, 'healthCheck.timeoutMs', Infinity],
  ['more than a timer holds', { connectTimeoutMs: 2_147_483_648 }, 'connectTimeoutMs', 2_147_483_648],
  ['a text for a number', { callTimeoutMs: '1000' }, 'callTimeoutMs', '1000'],
  ['null for a number', { callTimeoutMs: null }, 'callTimeoutMs', null],
  ['a bigint for a number', { maxCallTimeoutMs: 5n }, 'maxCallTimeoutMs', 5n],
  ['a threshold of 0', { healthCheck: { failureThreshold: 0 } }, 'healthCheck.failureThreshold', 0],
  ['a broken threshold', { healthCheck: { failureThreshold: 1.5 } }, 'healthCheck.failureThreshold', 1.5],
  ['an infinite threshold', { healthCheck: { successThreshold: Infinity } }, 'healthCheck.successThreshold', Infinity],
  ['a negative latency', { healthCheck: { degradedLatencyMs: -1 } }, 'healthCheck.degradedLatencyMs', -1],
  ['a multiplier below 1', { reconnect: { multiplier: 0.9 } }, 'reconnect.multiplier', 0.9],
  ['a multiplier over 100', { reconnect: { multiplier: 101 } }, 'reconnect.multiplier', 101],
  ['a negative delay', { reconnect: { delayMs: -1 } }, 'reconnect.delayMs', -1],
  ['a longest delay below the delay', { reconnect: { delayMs: 10, maxDelayMs: 5 } }, 'reconnect.maxDelayMs', 5],
  ['crash loops after 0 exits', { reconnect: { crashLoopExits: 0 } }, 'reconnect.crashLoopExits', 0],
  ['a text for a switch', { reconnect: { enabled: 'yes' } }, 'reconnect.enabled', 'yes'],
  ['a number for lazy', { lazy: 1 }, 'lazy', 1],
  ['null for waitForReady', { waitForReady: null }, 'waitForReady', null],
  ['a text for a handler', { handlers: { elicit: 'ask' } }, 'handlers.elicit', 'ask'],
];

describe('options of a server', () => {
  it.each(nonsenseOptions)('%s: refused before anything is started', async (_, options, field, value) => {
    const w = await inhabited();
    const error = await failureOf(() => w.manager.addServer('a', simulated, options as ServerOptions));
    expect(error).toMatchObject({ name: 'InvalidOptionError', code: 'INVALID_OPTION', serverId: 'a', field });
    expect(error['value']).toEqual(value);
    await expectUndisturbed(w);
  });

  it('a signal that is none: refused before anything is started', async () => {
    const w = await inhabited();
    const error = await failureOf(() => w.manager.addServer('a', simulated, { signal: 5 as never }));
    expect(error).toMatchObject({ code: 'INVALID_OPTION', field: 'signal', value: 5 });
    await expectUndisturbed(w);
  });

  it('undefined means left out, everywhere', async () => {
    const w = world();
    const session = await w.add('a', {
      healthCheck: { intervalMs: undefined },
      reconnect: undefined,
      lazy: undefined,
      waitForReady: undefined,
      callTimeoutMs: undefined,
    });
    expect(session.state).toBe('healthy');
    expect(w.clock.nextDueMs).toBe(15_000);
  });

  it('the value of an option that does not exist, which may be a secret, is in no message', async () => {
    const w = await inhabited();
    const error = await failureOf(() =>
      w.manager.addServer('a', simulated, { env: { TOKEN: 's3cret' } } as ServerOptions),
    );
    expect(error).toMatchObject({ code: 'INVALID_OPTION', field: 'env' });
    expect(error.message).not.toContain('s3cret');
  });
});

describe('settings of a manager', () => {
  it.each(nonsenseOptions)('%s among the defaults: refused', async (label, options, field) => {
    const error = await failureOf(() => new SessionManager({ defaults: options as ServerOptions }));
    const whole = ['null options', 'a list of options', 'a text for options'].includes(label);
    const merged = label === 'a longest delay below the delay';
    expect(error).toMatchObject({
      name: 'InvalidOptionError',
      code: 'INVALID_OPTION',
      field: whole ? 'defaults' : merged ? field : `defaults.${field}`,
    });
  });

  it.each([
    [{ maxConnections: 0 }, 'maxConnections'],
    [{ maxConnections: -1 }, 'maxConnections'],
    [{ maxConnections: 2.5 }, 'maxConnections'],
    [{ maxConnections: Infinity }, 'maxConnections'],
    [{ maxConnections: '10' }, 'maxConnections'],
    [{ healthMonitoring: 'on' }, 'healthMonitoring'],
    [{ healthCheckIntervalMs: 0 }, 'healthCheckIntervalMs'],
    [{ healthCheckTimeoutMs: Number.NaN }, 'healthCheckTimeoutMs'],
    [{ healthCheckThreshold: 0 }, 'healthCheckThreshold'],
    [{ autoReconnect: 1 }, 'autoReconnect'],
    [{ reconnectDelayMs: -5 }, 'reconnectDelayMs'],
    [{ maxReconnectDelayMs: Infinity }, 'maxReconnectDelayMs'],
    [{ reconnectBackoffMultiplier: 0 }, 'reconnectBackoffMultiplier'],
    [{ drainMs: -1 }, 'drainMs'],
    [{ clientInfo: { name: '', version: '1' } }, 'clientInfo.name'],
    [{ clientInfo: { name: 'x', version: 1 } }, 'clientInfo.version'],
    [{ clientInfo: 'me' }, 'clientInfo'],
    [{ maxConnection: 5 }, 'maxConnection'],
    [null, 'options'],
    [[], 'options'],
    ['x', 'options'],
  ])('%j is refused', async (config, field) => {
    const error = await failureOf(() => new SessionManager(config as Partial<ManagerConfig>));
    expect(error).toMatchObject({ name: 'InvalidOptionError', code: 'INVALID_OPTION', field, serverId: undefined });
  });

  it.each([
    [
      { healthCheckIntervalMs: 1_000, defaults: { healthCheck: { intervalMs: 2_000 } } },
      'healthCheckIntervalMs',
      1_000,
    ],
    [{ healthCheckTimeoutMs: 1_000, defaults: { healthCheck: { timeoutMs: 2_000 } } }, 'healthCheckTimeoutMs', 1_000],
    [{ healthCheckThreshold: 1, defaults: { healthCheck: { failureThreshold: 2 } } }, 'healthCheckThreshold', 1],
    [{ autoReconnect: false, defaults: { reconnect: { enabled: true } } }, 'autoReconnect', false],
    [{ reconnectDelayMs: 1, defaults: { reconnect: { delayMs: 2 } } }, 'reconnectDelayMs', 1],
    [{ maxReconnectDelayMs: 5_000, defaults: { reconnect: { maxDelayMs: 6_000 } } }, 'maxReconnectDelayMs', 5_000],
    [{ reconnectBackoffMultiplier: 3, defaults: { reconnect: { multiplier: 2 } } }, 'reconnectBackoffMultiplier', 3],
  ])('an alias that disagrees with the default it stands for is refused: %j', async (config, field, value) => {
    expect(await failureOf(() => new SessionManager(config))).toMatchObject({ code: 'INVALID_OPTION', field, value });
  });

  it('an alias and its default may say the same, and each shows under both names', () => {
    const manager = new SessionManager({
      healthCheckIntervalMs: 1_000,
      reconnectDelayMs: 7,
      defaults: { healthCheck: { intervalMs: 1_000, timeoutMs: 300 }, reconnect: { enabled: false } },
    });
    expect(manager.config).toMatchObject({
      healthCheckIntervalMs: 1_000,
      healthCheckTimeoutMs: 300,
      autoReconnect: false,
      reconnectDelayMs: 7,
      defaults: { healthCheck: { intervalMs: 1_000, timeoutMs: 300 }, reconnect: { delayMs: 7, enabled: false } },
    });
  });

  it('are the documented ones unless they are given', () => {
    expect(defaultManagerConfig).toEqual({
      maxConnections: 10,
      healthMonitoring: true,
      healthCheckIntervalMs: 30_000,
      healthCheckTimeoutMs: 5_000,
      healthCheckThreshold: 3,
      autoReconnect: true,
      reconnectDelayMs: 1_000,
      maxReconnectDelayMs: 60_000,
      reconnectBackoffMultiplier: 2,
      defaults: {},
      drainMs: 30_000,
      clientInfo: { name: 'holdfast', version: '0.1.0' },
    });
    expect(Object.isFrozen(new SessionManager().config)).toBe(true);
  });

  it('cannot be changed afterwards through the object that was passed in', async () => {
    const defaults = { healthCheck: { intervalMs: 1_000 } };
    const w = world({ config: { defaults } });
    defaults.healthCheck.intervalMs = -1;
    await w.add('a');
    expect(w.clock.nextDueMs).toBe(500);
  });
});

describe('a target', () => {
  it.each([
    [{ command: '' }, 'command', ''],
    [{ command: undefined }, 'command', undefined],
    [{ command: 5 }, 'command', 5],
    [{ command: 'x', args: 'y' }, 'args', 'y'],
    [{ command: 'x', args: [1] }, 'args', [1]],
    [{ command: 'x', cwd: 7 }, 'cwd', 7],
    [{ command: 'x', inheritEnv: 'yes' }, 'inheritEnv', 'yes'],
    [{ command: 'x', env: 'A=1' }, 'env', 'string'],
    [{ command: 'x', env: null }, 'env', 'object'],
    [{ command: 'x', env: [] }, 'env', 'object'],
    [{ command: 'x', env: { A: 1 } }, 'env.A', 'number'],
  ])('stdio(%j) is refused', async (options, field, value) => {
    const error = await failureOf(() => stdio(options as never));
    expect(error).toMatchObject({ name: 'InvalidOptionError', code: 'INVALID_OPTION', field });
    expect(error['value']).toEqual(value);
  });

  it.each([[undefined], [null], ['node'], [5]])('stdio(%j) is refused', async (options) => {
    expect(await failureOf(() => stdio(options as never))).toMatchObject({ code: 'INVALID_OPTION' });
  });

  it.each([[undefined], [null], [{}], ['x']])('custom(%j) is refused', async (factory) => {
    expect(await failureOf(() => custom(factory as never))).toMatchObject({ code: 'INVALID_OPTION', field: 'factory' });
  });

  it.each([[undefined], [null], ['x'], [5]])('once(%j) is refused', async (transport) => {
    expect(await failureOf(() => once(transport as never))).toMatchObject({
      code: 'INVALID_OPTION',
      field: 'transport',
    });
  });

  it.each([
    [undefined, 'target'],
    [null, 'target'],
    ['node server.js', 'target'],
    [{}, 'target'],
    [{ kind: 'carrier-pigeon' }, 'target'],
    [{ command: 'x' }, 'target'],
    [{ kind: 'stdio', command: '' }, 'command'],
    [{ kind: 'stdio' }, 'command'],
    [{ kind: 'custom' }, 'factory'],
    [{ kind: 'once' }, 'transport'],
    [{ kind: 'http' }, 'url'],
    [{ kind: 'http', url: 'ws://example.com' }, 'url'],
    [{ kind: 'http', url: 'http://example.com', headers: { Host: 'x' } }, 'headers.Host'],
    [{ kind: 'webSocket' }, 'url'],
    [{ kind: 'webSocket', url: 'http://example.com' }, 'url'],
    [{ kind: 'webSocket', url: 'ws://example.com', headers: { Upgrade: 'x' } }, 'headers.Upgrade'],
  ])('%j is no target: refused before anything is started', async (target, field) => {
    const w = await inhabited();
    const error = await failureOf(() => w.manager.addServer('a', target as unknown as ServerTarget));
    expect(error).toMatchObject({ name: 'InvalidOptionError', code: 'INVALID_OPTION', field, serverId: 'a' });
    await expectUndisturbed(w);
  });
});

describe('options of one call', () => {
  it.each([
    [{ timeoutMs: 0 }, 'timeoutMs', 0],
    [{ timeoutMs: -1 }, 'timeoutMs', -1],
    [{ timeoutMs: Number.NaN }, 'timeoutMs', Number.NaN],
    [{ timeoutMs: Infinity }, 'timeoutMs', Infinity],
    [{ timeoutMs: '5' }, 'timeoutMs', '5'],
    [{ maxTimeoutMs: 0 }, 'maxTimeoutMs', 0],
    [{ signal: {} }, 'signal', {}],
    [{ onProgress: 1 }, 'onProgress', 1],
    [{ onServed: 'x' }, 'onServed', 'x'],
    [{ evenIfUnhealthy: 'yes' }, 'evenIfUnhealthy', 'yes'],
    [{ retry: 'always' }, 'retry', 'always'],
    [null, 'options', null],
    ['x', 'options', 'x'],
  ])('%j: refused, and nothing is sent', async (options, field, value) => {
    const w = await inhabited();
    const error = await failureOf(() => w.manager.session('bystander').callTool('echo', {}, options as never));
    expect(error).toMatchObject({ name: 'InvalidOptionError', field, serverId: 'bystander' });
    expect(error['value']).toEqual(value);
    expect(w.server('bystander').executed).toEqual([]);
    expect(w.manager.session('bystander').info).toMatchObject({
      successfulRequests: 0,
      failedRequests: 0,
      activeRequests: 0,
    });
    await expectUndisturbed(w);
  });

  it.each([[''], [undefined], [null], [5], [{}]])('the tool name %j is refused', async (name) => {
    const w = await inhabited();
    expect(await failureOf(() => w.manager.session('bystander').callTool(name as string))).toMatchObject({
      code: 'INVALID_OPTION',
      field: 'name',
    });
    expect(w.server('bystander').executed).toEqual([]);
  });

  it('nonsense does not even open a lazy server', async () => {
    const w = world();
    const session = await w.add('a', { lazy: true });
    const call = outcomeOf(session.callTool('echo', {}, { retries: 1 } as never));
    await w.clock.settle();
    expect(call.error()).toMatchObject({ code: 'INVALID_OPTION', field: 'retries' });
    expect(w.server('a').opens).toBe(0);
  });

  it.each([
    [{ timeoutMs: -1 }, 'timeoutMs'],
    [{ timeoutMs: '5' }, 'timeoutMs'],
    [{ signal: 5 }, 'signal'],
    [null, 'options'],
  ])('ready(%j) is refused', async (options, field) => {
    const w = await inhabited();
    expect(await failureOf(() => w.manager.session('bystander').ready(options as never))).toMatchObject({
      code: 'INVALID_OPTION',
      field,
    });
  });
});

describe('options of removal', () => {
  it.each([
    [{ drainMs: -1 }, 'drainMs'],
    [{ drainMs: Number.NaN }, 'drainMs'],
    [{ drainMs: Infinity }, 'drainMs'],
    [{ drainMs: '5' }, 'drainMs'],
    [{ signal: 5 }, 'signal'],
    [null, 'options'],
  ])('removeServer(%j) is refused, and removes nothing', async (options, field) => {
    const w = await inhabited();
    expect(await failureOf(() => w.manager.removeServer('bystander', options as never))).toMatchObject({
      code: 'INVALID_OPTION',
      field,
    });
    await expectUndisturbed(w);
  });

  it.each([[{ drainMs: -1 }], [{ drainMs: Number.NaN }], [{ drainMs: '5' }]])(
    'close(%j) is refused, and closes nothing',
    async (options) => {
      const w = await inhabited();
      expect(await failureOf(() => w.manager.close(options as never))).toMatchObject({
        code: 'INVALID_OPTION',
        field: 'drainMs',
      });
      await expectUndisturbed(w);
    },
  );
});
