import { describe, expect, it } from 'vitest';
import { createConnectLimiter } from '../../src/host/connect-limiter.ts';
import {
  http,
  InvalidOptionError,
  SessionManager,
  webSocket,
  type HttpOptions,
  type WebSocketOptions,
} from '../../src/index.ts';
import { resolveServerOptions } from '../../src/manager/server-options.ts';
import { originOf, policyOf } from '../../src/manager/session-policy.ts';
import { custom, once, stdio } from '../../src/manager/targets.ts';
import { createSimulatedServers, createVirtualClock } from '../../src/testing/index.ts';
import { outcomeOf } from './support.ts';

const url = 'https://example.com/mcp';
const socketUrl = 'wss://example.com/mcp';
const secret = 's3cr3t';

function refusal(make: () => unknown): { readonly message: string; readonly printed: string; readonly field: string } {
  try {
    make();
  } catch (error) {
    if (!(error instanceof InvalidOptionError)) throw error;
    return { field: error.field, message: error.message, printed: JSON.stringify(Object.entries(error)) };
  }
  throw new Error('it was taken');
}

describe('http()', () => {
  it('fills in what is left out, and is frozen down to its headers', () => {
    const target = http({ url });
    expect(target).toEqual({ kind: 'http', url, headers: {}, mode: 'auto', auth: undefined });
    expect(Object.isFrozen(target)).toBe(true);
    expect(Object.isFrozen(target.headers)).toBe(true);
  });

  it('takes everything as it is given', () => {
    const auth = { token: () => secret };
    const headers = { Authorization: `Bearer ${secret}`, 'X-Trace': 'caf\u00e9\t1' };
    expect(http({ url: new URL(url), headers, mode: 'sse', auth })).toEqual({
      kind: 'http',
      url,
      headers,
      mode: 'sse',
      auth,
    });
  });

  it('keeps a function for the headers, which is not asked yet', () => {
    const headers = (): never => {
      throw new Error('asked');
    };
    expect(http({ url, headers }).headers).toBe(headers);
  });

  it('cannot be changed afterwards through what was passed in', () => {
    const address = new URL(url);
    const headers = { a: '1' };
    const target = http({ url: address, headers });
    address.host = 'elsewhere.example';
    headers.a = '2';
    expect(target).toMatchObject({ url, headers: { a: '1' } });
  });

  it('drops the fragment, which is never sent', () => {
    expect(http({ url: 'HTTP://Example.com:80/a?b=c#d' }).url).toBe('http://example.com/a?b=c');
  });

  const whole =
    'url must be a whole http: or https: address like https://example.com/mcp (for ws: and wss: there is webSocket()).';
  it.each<[HttpOptions['url'], string]>([
    ['', whole],
    ['example.com/mcp', whole],
    [`/mcp?key=${secret}`, whole],
    [`ftp://example.com/${secret}`, whole],
    [`ws://example.com/${secret}`, whole],
    [`me:${secret}@example.com`, whole],
    [`http://me:${secret}@`, whole],
    [
      `https://me:${secret}@example.com/mcp`,
      'url must be an address without a user name or a password in it: send them in a header, such as Authorization.',
    ],
    [
      new URL(`https://${secret}@example.com/mcp`),
      'url must be an address without a user name or a password in it: send them in a header, such as Authorization.',
    ],
  ])('refuses the address %s, and does not repeat it', (address, message) => {
    const refused = refusal(() => http({ url: address }));
    expect(refused).toMatchObject({ field: 'url', message });
    expect(refused.printed).not.toContain(secret);
  });

  it.each([undefined, null, 5, {}, []])('refuses %j for an address', (address) => {
    expect(refusal(() => http({ url: address as never }))).toMatchObject({ field: 'url' });
  });

  it.each([undefined, null, 'https://example.com', []])('refuses %j for options', (options) => {
    expect(refusal(() => http(options as never))).toMatchObject({ field: 'target' });
  });

  it('refuses a mode that does not exist', () => {
    expect(refusal(() => http({ url, mode: 'websocket' as never })).message).toBe(
      'mode must be "auto", "streamable-http" or "sse", but it is "websocket".',
    );
  });

  it.each([null, secret, () => secret])('refuses %s for a source of tokens, and does not repeat it', (auth) => {
    const refused = refusal(() => http({ url, auth: auth as never }));
    expect(refused).toMatchObject({ field: 'auth', message: 'auth must be an object that gives tokens.' });
    expect(refused.printed).not.toContain(secret);
  });
});

describe('webSocket()', () => {
  it('fills in what is left out, and is frozen down to its headers', () => {
    const target = webSocket({ url: new URL(socketUrl) });
    expect(target).toEqual({ kind: 'webSocket', url: socketUrl, headers: {} });
    expect(Object.isFrozen(target)).toBe(true);
    expect(Object.isFrozen(target.headers)).toBe(true);
  });

  it.each([`https://example.com/${secret}`, `wss://me:${secret}@example.com`, secret])(
    'refuses the address %s, and does not repeat it',
    (address) => {
      const refused = refusal(() => webSocket({ url: address }));
      expect(refused.field).toBe('url');
      expect(refused.message).not.toContain(secret);
      expect(refused.printed).not.toContain(secret);
    },
  );

  it('refuses the headers of the opening handshake', () => {
    expect(refusal(() => webSocket({ url: socketUrl, headers: { 'Sec-WebSocket-Protocol': 'x' } })).message).toBe(
      'headers.Sec-WebSocket-Protocol must be left out: the opening of a WebSocket gives its value.',
    );
  });

  it('says what its addresses look like', () => {
    expect(refusal(() => webSocket({ url })).message).toBe(
      'url must be a whole ws: or wss: address like wss://example.com/mcp (for http: and https: there is http()).',
    );
  });
});

const makers = {
  http: (headers: unknown) => http({ url, headers: headers as HttpOptions['headers'] }),
  webSocket: (headers: unknown) => webSocket({ url: socketUrl, headers: headers as WebSocketOptions['headers'] }),
};

describe.each(Object.entries(makers))('the headers of %s()', (_, make) => {
  const ofConnection = 'left out: the connection sets it itself';
  const ofProtocol = 'left out: the protocol gives its value';
  it.each([
    ['Host', ofConnection],
    ['connection', ofConnection],
    ['Content-Length', ofConnection],
    ['Transfer-Encoding', ofConnection],
    ['Keep-Alive', ofConnection],
    ['Upgrade', ofConnection],
    ['Expect', ofConnection],
    ['Accept', ofProtocol],
    ['CONTENT-TYPE', ofProtocol],
    ['Mcp-Session-Id', ofProtocol],
    ['mcp-protocol-version', ofProtocol],
    ['Last-Event-ID', ofProtocol],
  ])('%s is refused with the reason', (name, expected) => {
    expect(refusal(() => make({ [name]: secret }))).toMatchObject({
      field: `headers.${name}`,
      message: `headers.${name} must be ${expected}.`,
    });
  });

  it.each([
    [{ 'X-Key': `${secret}\r\nHost: elsewhere` }, 'headers.X-Key'],
    [{ 'X-Key': `${secret}\0` }, 'headers.X-Key'],
    [{ 'X-Key': `${secret}\u20ac` }, 'headers.X-Key'],
    [{ 'X-Key': [secret] }, 'headers.X-Key'],
    [{ 'X-Key': undefined }, 'headers.X-Key'],
    [{ a: '1', A: secret }, 'headers.A'],
    [{ '': secret }, 'headers'],
    [{ 'X Key': secret }, 'headers'],
    [{ 'X-Key\r\nHost': secret }, 'headers'],
    [{ Schlüssel: secret }, 'headers'],
    [[['X-Key', secret]], 'headers'],
    [new Map([['X-Key', secret]]), 'headers'],
    [new Headers([['X-Key', secret]]), 'headers'],
    [secret, 'headers'],
    [null, 'headers'],
  ])('%j: refused, on one line and without the value', (headers, field) => {
    const refused = refusal(() => make(headers));
    expect(refused.field).toBe(field);
    expect(refused.message).not.toMatch(/[\r\n]/);
    expect(refused.message + refused.printed).not.toContain(secret);
  });

  it('may be called anything else', () => {
    const headers = { Authorization: 'Bearer x', Cookie: 'a=b', Origin: 'https://a.example', 'X.~|`^_!#$%&*+': '' };
    expect(make(headers).headers).toEqual(headers);
  });
});

describe('the policy of a session', () => {
  const targets = {
    http: http({ url: 'https://example.com:8443/mcp' }),
    webSocket: webSocket({ url: 'ws://example.com/mcp' }),
    stdio: stdio({ command: 'x' }),
    custom: custom(() => {
      throw new Error('asked');
    }),
    once: once({ start: () => Promise.resolve(), send: () => Promise.resolve(), close: () => Promise.resolve() }),
  };

  it('limits attempts that reach for the network or start a process, and gives them time by what they reach for', () => {
    const options = resolveServerOptions({}, {});
    const policies = Object.entries(targets).map(([kind, target]) => {
      const { limited, connectTimeoutMs } = policyOf(target, options);
      return [kind, limited, connectTimeoutMs, originOf(target)];
    });
    expect(policies).toEqual([
      ['http', true, 30_000, 'https://example.com:8443'],
      ['webSocket', true, 30_000, 'ws://example.com'],
      ['stdio', true, 60_000, null],
      ['custom', false, 60_000, null],
      ['once', false, 60_000, null],
    ]);
  });

  it('lets two attempts at a time go to one origin, whatever the path, and holds no other origin back', async () => {
    const clock = createVirtualClock();
    const sim = createSimulatedServers(clock, { defaults: { connectMs: 10 } });
    const connectLimiter = createConnectLimiter({ clock });
    const manager = new SessionManager({}, { clock, links: sim.links, random: () => 0.5, connectLimiter });
    const openings: string[] = [];
    manager.events$.subscribe((event) => {
      if (event.type === 'stateChanged' && event.phase === 'connecting.opening')
        openings.push(`${clock.monotonic()} ${event.serverId}`);
    });
    const added = [
      ...['a', 'b', 'c', 'd', 'e'].map((id) => manager.addServer(id, http({ url: `https://one.example/${id}` }))),
      manager.addServer('other port', http({ url: 'https://one.example:444/' })),
      manager.addServer('other scheme', webSocket({ url: 'wss://one.example/' })),
    ].map((promise) => outcomeOf(promise));
    await clock.advance(100);
    for (const each of added) each.value();
    expect(openings).toEqual(['0 a', '0 b', '0 other port', '0 other scheme', '10 c', '10 d', '20 e']);
    const closed = outcomeOf(manager.close());
    await clock.settle();
    closed.value();
    expect(clock.pendingTimers).toBe(0);
  });

  it.each([
    [{ connectTimeoutMs: 7 }, {}],
    [{}, { connectTimeoutMs: 7 }],
    [{ connectTimeoutMs: 7 }, { connectTimeoutMs: 9 }],
  ])('keeps to the time that is set, by the server %j or by the defaults %j', (own, defaults) => {
    const options = resolveServerOptions(own, defaults);
    for (const target of Object.values(targets)) expect(policyOf(target, options).connectTimeoutMs).toBe(7);
  });
});
