import { describe, expect, it } from 'vitest';
import { noteExpanded } from '../../src/config/expanded-values.ts';
import {
  http,
  SecretRegistry,
  stdio,
  webSocket,
  type ConnectLimiter,
  type Logger,
  type ServerTarget,
} from '../../src/index.ts';
import { LinkError, type RequestFailure } from '../../src/link/fault.ts';
import type { Link, LinkDriver, OpenSpec, Pending, ServerFacts } from '../../src/link/link.ts';
import { allTextOf, failureOf, outcomeOf, pending, simulated, world, type World } from './support.ts';

const secret = 'hunter2-hunter2';

/** Programs and addresses are paced on the clock of the host, unless there is another limiter. */
const connectLimiter: ConnectLimiter = {
  request: (_, granted) => {
    granted({ release: () => undefined });
    return () => undefined;
  },
};

/** What is shown of a message of the server's. */
async function shown(w: World, secrets: SecretRegistry, target: ServerTarget, text: string): Promise<string> {
  const added = outcomeOf(w.manager.addServer('a', target));
  await w.clock.settle();
  added.value();
  return secrets.scrub(text);
}

describe('what of a target is secret', () => {
  const url = 'https://example.test/mcp';
  const expanded = (value: string, name: string): Readonly<Record<string, string>> => {
    const env = { MODE: 'of no interest' };
    noteExpanded(env, [{ name, value }]);
    return env;
  };

  it.each<[string, ServerTarget]>([
    ['a variable with the name of a secret', stdio({ command: 'x', env: { API_TOKEN: secret } })],
    ['a flag with the name of a secret', stdio({ command: 'x', args: [`--api-key=${secret}`] })],
    ['the argument behind such a flag', stdio({ command: 'x', args: ['--api-key', secret] })],
    ['a password in an argument', stdio({ command: 'x', args: [`postgres://me:${secret}@db/main`] })],
    ['a value that a configuration took from outside', stdio({ command: 'x', env: expanded(secret, 'ANYTHING') })],
    ['a password in an address from outside', stdio({ command: 'x', env: expanded(`a://b:${secret}@c`, 'DB_URL') })],
    ['the token of a header', http({ url, headers: { Authorization: `Bearer ${secret}` } })],
    ['any other header', http({ url, headers: { 'X-Custom': secret } })],
    ['a header from outside', http({ url, headers: expanded(secret, 'ANYTHING') })],
    ['a key in the query', http({ url: `${url}?api_key=${secret}` })],
    ['a header of a WebSocket', webSocket({ url: 'wss://example.test/mcp', headers: { 'X-Custom': secret } })],
    ['a key in the query of a WebSocket', webSocket({ url: `wss://example.test/mcp?token=${secret}` })],
  ])('%s', async (_, target) => {
    const secrets = new SecretRegistry();
    expect(await shown(world({ ports: { connectLimiter, secrets } }), secrets, target, `got ${secret}`)).toBe(
      'got [secret]',
    );
  });

  it.each<[string, ServerTarget]>([
    ['a variable with another name', stdio({ command: 'x', env: { GREETING: secret } })],
    ['where something is, also from outside', stdio({ command: 'x', env: expanded(secret, 'DATA_DIR') })],
    ['an argument', stdio({ command: 'x', args: [secret] })],
    ['the path of an address', http({ url: `${url}/${secret}` })],
    ['what a header calls its sender', http({ url, headers: { 'User-Agent': secret } })],
  ])('not %s', async (_, target) => {
    const secrets = new SecretRegistry();
    expect(await shown(world({ ports: { connectLimiter, secrets } }), secrets, target, `got ${secret}`)).toBe(
      `got ${secret}`,
    );
  });
});

describe('a secret is known', () => {
  it('from when its server is added until its last event was told', async () => {
    const secrets = new SecretRegistry();
    const w = world({ ports: { connectLimiter, secrets } });
    const known: string[] = [];
    w.manager.events$.subscribe((event) => {
      known.push(`${event.type} ${secrets.isEmpty ? 'not known' : 'known'}`);
    });
    expect(secrets.isEmpty).toBe(true);
    const added = outcomeOf(w.manager.addServer('a', stdio({ command: 'x', env: { TOKEN: secret } })));
    await w.clock.settle();
    added.value();
    const removed = outcomeOf(w.manager.removeServer('a'));
    await w.clock.settle();
    expect(removed.value()).toBe(true);
    expect(secrets.isEmpty).toBe(true);
    expect(known[0]).toBe('serverAdded known');
    expect(known.at(-1)).toBe('serverRemoved known');
    expect(new Set(known.map((line) => line.split(' ').slice(1).join(' ')))).toEqual(new Set(['known']));
  });

  it('until the last of the servers that have it is removed', async () => {
    const secrets = new SecretRegistry();
    const w = world({ ports: { connectLimiter, secrets } });
    const target = stdio({ command: 'x', env: { TOKEN: secret } });
    const added = ['a', 'b'].map((id) => outcomeOf(w.manager.addServer(id, target)));
    await w.clock.settle();
    for (const each of added) each.value();
    void w.manager.removeServer('a');
    await w.clock.settle();
    expect(secrets.scrub(secret)).toBe('[secret]');
    void w.manager.removeServer('b');
    await w.clock.settle();
    expect(secrets.isEmpty).toBe(true);
  });

  it('no longer than addServer takes, where that is refused or fails', async () => {
    const secrets = new SecretRegistry();
    const w = world({ ports: { connectLimiter, secrets } });
    await w.add('a');
    const target = stdio({ command: 'x', env: { TOKEN: secret } });
    expect(await failureOf(() => w.manager.addServer('a', target))).toMatchObject({ code: 'DUPLICATE_SERVER' });
    expect(secrets.isEmpty).toBe(true);
    w.server('b', { refuse: { kind: 'spawn', code: 'ENOENT', message: 'there is no such program' } });
    const failed = outcomeOf(w.manager.addServer('b', target));
    await w.clock.settle();
    expect(failed.error()).toMatchObject({ code: 'CONNECT' });
    expect(secrets.isEmpty).toBe(true);
  });
});

/** A link of which a test says what becomes of it. */
class ToldLink implements Link {
  readonly spec: OpenSpec;
  failure: RequestFailure | undefined;
  cause: unknown;
  isOpen = true;

  constructor(spec: OpenSpec, facts: Partial<ServerFacts> = {}) {
    this.spec = spec;
    const blank = { era: 'legacy', protocolVersion: '2025-06-18', info: null, capabilities: {}, instructions: null };
    const opened = { ...blank, pid: null, ...facts } as ServerFacts;
    queueMicrotask(() => {
      spec.onEvent({ type: 'opened', facts: opened });
    });
  }

  probe(): Pending<void> {
    return pending(this.#answer().then(() => undefined));
  }

  request(): Pending<Record<string, unknown>> {
    return pending(this.#answer());
  }

  async notify(): Promise<void> {
    await this.#answer();
  }

  async close(): Promise<void> {
    this.down('closed');
  }

  down(message: string, stderrTail?: string): void {
    if (!this.isOpen) return;
    this.isOpen = false;
    const kind = message === 'closed' ? 'closed' : 'exit';
    this.spec.onEvent({ type: 'down', fault: { kind, code: 'exit:1', message, stderrTail } });
  }

  async #answer(): Promise<Record<string, unknown>> {
    if (this.failure !== undefined) throw new LinkError(this.failure, { cause: this.cause });
    return { content: [{ type: 'text', text: `data: ${secret}` }] };
  }
}

function told(facts?: Partial<ServerFacts>): { readonly links: ToldLink[]; readonly driver: LinkDriver } {
  const links: ToldLink[] = [];
  const open = (spec: OpenSpec): Link => {
    const link = new ToldLink(spec, facts);
    links.push(link);
    return link;
  };
  return { links, driver: { name: 'told', open } };
}

const holder = stdio({ command: 'x', env: { TOKEN: secret } });

describe('what a server says', () => {
  it('of itself is shown without secrets', async () => {
    const { driver } = told({
      info: { name: `server ${secret}`, version: secret },
      instructions: `use ${secret}`,
      capabilities: { experimental: { note: [secret] } },
    });
    const w = world({ ports: { connectLimiter, links: () => driver } });
    const added = outcomeOf(w.manager.addServer('a', holder));
    await w.clock.settle();
    expect(added.value().server).toEqual({
      era: 'legacy',
      protocolVersion: '2025-06-18',
      info: { name: 'server [secret]', version: '[secret]' },
      instructions: 'use [secret]',
      capabilities: { experimental: { note: ['[secret]'] } },
      pid: null,
    });
    expect(w.manager.getSessionInfo('a')?.serverInfo).toEqual({ name: 'server [secret]', version: '[secret]' });
  });

  it('in its last words is shown without secrets, in events, infos, log and errors', async () => {
    const { driver, links } = told();
    const logged: unknown[] = [];
    const log = (fields: object, message: string): void => void logged.push([fields, message]);
    const logger: Logger = { debug: log, info: log, warn: log, error: log };
    const w = world({ ports: { connectLimiter, links: () => driver, logger } });
    const added = outcomeOf(w.manager.addServer('a', holder));
    await w.clock.settle();
    const session = added.value();
    links[0]?.spec.onEvent({ type: 'stderr', line: `fatal: ${secret}` });
    links[0]?.spec.onEvent({ type: 'fault', fault: { kind: 'protocol', code: 'bad', message: `bad ${secret}` } });
    links[0]?.down(`gone with ${secret}`, `last: ${secret}`);
    const failure = await failureOf(() => session.callTool('echo', {}, { waitForReadyMs: 0 }));
    expect(failure.message).toContain('gone with [secret]');
    expect(logged).toContainEqual([{ serverId: 'a', generation: 1, line: 'fatal: [secret]' }, 'stderr']);
    const texts = allTextOf([w.events, w.manager.snapshot(), logged]) + allTextOf(failure);
    expect(texts).toContain('bad [secret]');
    expect(texts).not.toContain(secret);
  });

  it.each<[string, RequestFailure, string]>([
    [
      'RPC',
      { kind: 'rpc', sent: true, rpcCode: -32_000, message: `no ${secret}`, data: { got: [secret] } },
      'with error -32000: no [secret]',
    ],
    [
      'AUTH_REQUIRED',
      { kind: 'refused', sent: true, fault: { kind: 'auth', code: 'http:401', message: `no ${secret}` } },
      'refused the call of tool "echo": no [secret]',
    ],
    [
      'OUTCOME_UNKNOWN',
      { kind: 'link', sent: true, fault: { kind: 'transport', code: 'lost', message: `no ${secret}` } },
      'may have been executed: no [secret]',
    ],
  ])('in a failure is thrown as %s without secrets, with its cause', async (code, failure, message) => {
    const { driver, links } = told();
    const w = world({ ports: { connectLimiter, links: () => driver } });
    const added = outcomeOf(w.manager.addServer('a', holder));
    await w.clock.settle();
    const session = added.value();
    const [link] = links;
    if (link === undefined) throw new Error('there is no link');
    link.failure = failure;
    link.cause = Object.assign(new Error(`HTTP 401: ${secret}`), { request: { headers: { Authorization: secret } } });
    const before = allTextOf(link.cause);
    const thrown = await failureOf(() => session.callTool('echo'));
    expect(thrown.code).toBe(code);
    expect(thrown.message).toContain(message);
    expect(thrown.cause).toBeInstanceOf(LinkError);
    expect(thrown.cause).toMatchObject({ cause: { message: 'HTTP 401: [secret]' }, failure: { kind: failure.kind } });
    expect(allTextOf(thrown)).not.toContain(secret);
    expect(allTextOf(link.cause)).toBe(before);
    const notified = await failureOf(() => session.notify('notifications/any'));
    expect(allTextOf(notified)).not.toContain(secret);
  });

  it('in an answer or a notification is data, and is given as it is', async () => {
    const { driver, links } = told();
    const w = world({ ports: { connectLimiter, links: () => driver } });
    const added = outcomeOf(w.manager.addServer('a', holder));
    await w.clock.settle();
    const session = added.value();
    const notices: unknown[] = [];
    session.notifications$.subscribe((notice) => notices.push(notice));
    links[0]?.spec.onEvent({ type: 'notice', method: 'notifications/message', params: { data: secret } });
    expect(notices).toEqual([{ method: 'notifications/message', params: { data: secret } }]);
    expect(await session.callTool('echo')).toEqual({ content: [{ type: 'text', text: `data: ${secret}` }] });
  });
});

it('a driver that throws, with the target in its message, crashes the session without a secret being told', async () => {
  const driver: LinkDriver = {
    name: 'bad',
    open: (spec) => {
      throw new Error(`cannot open ${JSON.stringify(spec.target)}`);
    },
  };
  const logged: unknown[] = [];
  const log = (fields: object, message: string): void => void logged.push([fields, message]);
  const w = world({
    ports: { connectLimiter, links: () => driver, logger: { debug: log, info: log, warn: log, error: log } },
  });
  const inspected: unknown[] = [];
  w.manager.inspect({ next: (event) => inspected.push({ ...event, actorRef: event.actorRef.getSnapshot() }) });
  void w.manager.addServer('a', holder, { waitForReady: false });
  await w.clock.settle();
  const texts = allTextOf([w.events, w.manager.snapshot(), logged, inspected]);
  expect(texts).toContain('cannot open');
  expect(texts).not.toContain(secret);
});

it('what others throw is logged without secrets, and without what they are called by', async () => {
  const secrets = new SecretRegistry();
  secrets.register(secret);
  const logged: object[] = [];
  const log = (fields: object): void => void logged.push(fields);
  const w = world({ ports: { secrets, logger: { debug: log, info: log, warn: log, error: log } } });
  const thrown = Object.assign(new Error(`refused ${secret}`), { request: { apiKey: 'nobody registered this' } });
  w.manager.inspect({
    next: () => {
      throw thrown;
    },
  });
  await w.add('a');
  expect(logged).toMatchObject([{ err: { message: 'refused [secret]', request: { apiKey: '[secret]' } } }]);
  expect(allTextOf(logged)).not.toContain(secret);
  expect(thrown).toMatchObject({ message: `refused ${secret}`, request: { apiKey: 'nobody registered this' } });
});

it('a reason that is given by hand is told without secrets', async () => {
  const secrets = new SecretRegistry();
  secrets.register(secret);
  const w = world({ ports: { connectLimiter, secrets } });
  const session = await w.add('a');
  await w.add('b');
  w.manager.addGroup('pair', { primary: 'a', backups: ['b'] }).failOver(`because of ${secret}`);
  await w.clock.settle();
  session.reconnect(`because of ${secret}`);
  await w.clock.advance(1_000);
  expect(allTextOf(w.events)).toContain('because of [secret]');
  expect(w.events).toContainEqual(expect.objectContaining({ type: 'failedOver', reason: 'because of [secret]' }));
  expect(allTextOf(w.events)).not.toContain(secret);
});

describe('what the functions of a target give', () => {
  /** The targets as the driver gets them. */
  function dialled(secrets: SecretRegistry): { readonly w: World; readonly targets: ServerTarget[] } {
    const targets: ServerTarget[] = [];
    const open = (spec: OpenSpec): Link => {
      targets.push(spec.target);
      return new ToldLink(spec);
    };
    return { w: world({ ports: { connectLimiter, secrets, links: () => ({ name: 'dialled', open }) } }), targets };
  }

  it.each<[string, () => Record<string, string> | Promise<Record<string, string>>]>([
    ['headers', () => ({ authorization: `Bearer ${secret}`, 'x-request-id': 'request-1' })],
    ['headers to come', () => Promise.resolve({ authorization: `Bearer ${secret}`, 'x-request-id': 'request-1' })],
  ])('%s: is known from then on, until the server is removed', async (_, headers) => {
    const secrets = new SecretRegistry();
    const { w, targets } = dialled(secrets);
    void w.manager.addServer('a', http({ url: 'https://example.test/mcp', headers }));
    await w.clock.settle();
    const [target] = targets;
    if (target?.kind !== 'http' || typeof target.headers !== 'function') throw new Error('there are no headers');
    expect(secrets.isEmpty).toBe(true);
    expect(await target.headers()).toEqual({ authorization: `Bearer ${secret}`, 'x-request-id': 'request-1' });
    expect(secrets.scrub(`request-1 ${secret}`)).toBe('request-1 [secret]');
    void w.manager.removeServer('a');
    await w.clock.settle();
    expect(secrets.isEmpty).toBe(true);
  });

  it('headers that are none are passed on, for the link to refuse', async () => {
    const { w, targets } = dialled(new SecretRegistry());
    const broken = {
      get key(): string {
        throw new Error('broken');
      },
    };
    for (const [index, given] of [null, 7, broken].entries()) {
      const headers = (): never => given as never;
      void w.manager.addServer(`s${index}`, webSocket({ url: 'wss://example.test/mcp', headers }));
    }
    await w.clock.settle();
    const given = targets.map((target) =>
      target.kind === 'webSocket' && typeof target.headers === 'function' ? target.headers() : undefined,
    );
    expect(given).toEqual([null, 7, broken]);
  });

  it('tokens: are known before they are used', async () => {
    const secrets = new SecretRegistry();
    const { w, targets } = dialled(secrets);
    const auth = { token: () => secret };
    void w.manager.addServer('a', http({ url: 'https://example.test/mcp', auth }));
    await w.clock.settle();
    const [target] = targets;
    if (target?.kind !== 'http') throw new Error('it is not dialled');
    expect(target.auth).toBe(auth);
    target.onToken?.(secret);
    expect(secrets.scrub(secret)).toBe('[secret]');
  });
});

it('a target that is refused is not quoted, nor shown by the error', async () => {
  const w = world();
  const add = (target: unknown) => (): unknown => Reflect.apply(w.manager.addServer.bind(w.manager), w, ['a', target]);
  for (const target of [
    `https://me:${secret}@example.test`,
    [secret],
    { kind: 'stdio', command: [secret] },
    { kind: 'stdio', command: 'x', args: ['--key', secret, 7] },
    { kind: 'http', url: `https://me:${secret}@example.test` },
  ]) {
    const failure = await failureOf(add(target));
    expect(failure.code).toBe('INVALID_OPTION');
    expect(allTextOf(failure)).not.toContain(secret);
  }
});

it('a manager without secrets gives events and errors as they come', async () => {
  const { driver, links } = told();
  const w = world({ ports: { connectLimiter, links: () => driver } });
  const added = outcomeOf(w.manager.addServer('a', simulated));
  await w.clock.settle();
  const session = added.value();
  const [link] = links;
  if (link === undefined) throw new Error('there is no link');
  const cause = new Error(secret);
  link.cause = cause;
  link.failure = { kind: 'rpc', sent: true, rpcCode: -1, message: secret };
  const failure = await failureOf(() => session.callTool('echo'));
  expect((failure.cause as Error).cause).toBe(cause);
});

it('a failure is scrubbed of a token that was given while its request was under way', async () => {
  const { driver, links } = told();
  const w = world({ ports: { connectLimiter, links: () => driver } });
  const auth = { token: () => undefined };
  const added = outcomeOf(w.manager.addServer('a', http({ url: 'https://example.test/mcp', auth })));
  await w.clock.settle();
  const session = added.value();
  const [link] = links;
  if (link?.spec.target.kind !== 'http') throw new Error('there is no link');
  link.failure = { kind: 'rpc', sent: true, rpcCode: -1, message: `no ${secret}` };
  const failing = failureOf(() => session.callTool('echo'));
  link.spec.target.onToken?.(secret);
  expect((await failing).message).toContain('with error -1: no [secret]');
});
