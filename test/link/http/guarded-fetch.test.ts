import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterEach, describe, expect, it } from 'vitest';
import { GuardedFetch } from '../../../src/link/http/guarded-fetch.ts';
import { expectNothingLeft } from './rig.ts';

const guards: GuardedFetch[] = [];
const servers: Server[] = [];

function guardFor(url: string, allowsPrivateAddresses = false): GuardedFetch {
  const guard = new GuardedFetch({ url: new URL(url), allowsPrivateAddresses });
  guards.push(guard);
  return guard;
}

/** A server that redirects as its map says, and answers 200 elsewhere. */
async function serving(redirects: Readonly<Record<string, string>> = {}): Promise<string> {
  const server = createServer(({ url = '' }, response) => {
    const to = redirects[url];
    if (to === undefined) response.end('{"found":true}');
    else response.writeHead(302, { location: to }).end();
  });
  servers.push(server);
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
}

const why = async (guard: GuardedFetch, url: string): Promise<string> => {
  const error = await guard.fetch(url).then(
    () => new Error('it was fetched'),
    (reason: unknown) => reason,
  );
  const cause = error instanceof Error && error.cause instanceof Error ? error.cause : error;
  return cause instanceof Error ? cause.message : String(cause);
};

describe('what an authorisation fetches', () => {
  expectNothingLeft();
  afterEach(async () => {
    for (const guard of guards.splice(0)) await guard.end();
    for (const server of servers.splice(0)) {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    }
  });

  const refused: readonly [string, string][] = [
    ['https://127.0.0.1/token', 'its address is private'],
    ['https://10.1.2.3/token', 'its address is private'],
    ['https://172.31.0.1/token', 'its address is private'],
    ['https://192.168.1.1/token', 'its address is private'],
    ['https://169.254.169.254/latest', 'its address is private'],
    ['https://100.64.0.1/token', 'its address is private'],
    ['https://[::1]/token', 'its address is private'],
    ['https://[fd00::1]/token', 'its address is private'],
    ['https://[::ffff:10.0.0.1]/token', 'its address is private'],
    ['https://[::a00:1]/token', 'its address is private'],
    ['https://[64:ff9b::10.0.0.1]/token', 'its address is private'],
    ['https://[64:ff9b:1::1]/token', 'its address is private'],
    ['https://[2002:a00:1::]/token', 'its address is private'],
    ['https://localhost/token', 'its address is private'],
    ['https://2130706433/token', 'its address is private'],
    ['http://a.example/token', 'it has no TLS'],
    ['file:///etc/passwd', 'it has no TLS'],
  ];

  it.each(refused)('of a public server is not %s: %s', async (url, reason) => {
    expect(await why(guardFor('https://mcp.example/mcp'), url)).toContain(reason);
  });

  it('of a public server is nothing at a name of which any address is private', async () => {
    const asked: string[] = [];
    const guard = new GuardedFetch({ url: new URL('https://mcp.example/mcp') }, (name, _options, callback) => {
      asked.push(name);
      callback(null, [
        { address: '203.0.113.7', family: 4 },
        { address: '10.0.0.7', family: 4 },
      ]);
    });
    guards.push(guard);
    expect(await why(guard, 'https://auth.example/token')).toBe(
      'https://auth.example/ is not asked: its address is private.',
    );
    expect(asked).toEqual(['auth.example']);
  });

  it('may be at a private address where the server is, or where that is allowed', async () => {
    const origin = await serving();
    const local = origin.replace('127.0.0.1', 'localhost');
    for (const guard of [
      guardFor(`${origin}/mcp`),
      guardFor('http://localhost:1/mcp'),
      guardFor('https://mcp.example/mcp', true),
    ]) {
      for (const url of [`${origin}/token`, `${local}/token`]) {
        const answer = await guard.fetch(url);
        expect(await answer.json()).toEqual({ found: true });
      }
    }
  });

  const neighbours: readonly [string, string][] = [
    ['http://192.168.1.5/mcp', 'https://192.168.1.6/token'],
    ['http://192.168.1.5/mcp', 'http://169.254.169.254/latest'],
    ['http://192.168.1.5/mcp', 'http://127.0.0.1:9/token'],
    ['http://127.0.0.1:9/mcp', 'http://169.254.169.254/latest'],
    ['https://127.attacker.example/mcp', 'http://127.0.0.1:9/latest'],
  ];

  it.each(neighbours)('of a server at %s is not %s, at another private address', async (server, url) => {
    expect(await why(guardFor(server), url)).toContain('its address is private');
  });

  const inTheClear: readonly [string, string, boolean][] = [
    ['https://127.attacker.example/mcp', 'http://auth.example/token', false],
    ['http://192.168.1.5/mcp', 'http://auth.example/token', false],
    ['http://192.168.1.5/mcp', 'http://203.0.113.7/token', false],
    ['https://mcp.example/mcp', 'http://auth.example/token', true],
    ['https://mcp.example/mcp', 'http://127.example/token', true],
    ['http://auth.example/mcp', 'http://auth.example/token', false],
  ];

  it.each(inTheClear)(
    'of a server at %s is not %s, which is public, without TLS (private ones allowed: %s)',
    async (server, url, allowsPrivateAddresses) => {
      const guard = new GuardedFetch({ url: new URL(server), allowsPrivateAddresses }, (_name, _options, callback) =>
        callback(null, [{ address: '203.0.113.7', family: 4 }]),
      );
      guards.push(guard);
      expect(await why(guard, url)).toContain('it has no TLS');
    },
  );

  it('of a server whose name is private in its network may be at its own origin, and nowhere else there', async () => {
    const origin = (await serving()).replace('127.0.0.1', 'mcp.corp.example');
    const guard = new GuardedFetch({ url: new URL(`${origin}/mcp`) }, (_name, _options, callback) =>
      callback(null, [{ address: '127.0.0.1', family: 4 }]),
    );
    guards.push(guard);
    expect(await (await guard.fetch(`${origin}/token`)).json()).toEqual({ found: true });
    expect(await why(guard, 'https://mcp.corp.example/token')).toContain('its address is private');
    expect(await why(guard, 'https://other.corp.example/token')).toContain('its address is private');
  });

  it('describes the protection of a server at its own origin alone', async () => {
    const guard = guardFor('https://mcp.example/mcp');
    const elsewhere = 'https://other.example/.well-known/oauth-protected-resource';
    expect(await why(guard, elsewhere)).toContain('what protects https://mcp.example is described there alone');
    expect(() => guard.checkResourceMetadata(new URL('https://other.example/x'))).toThrow('described there alone');
    expect(() => guard.checkResourceMetadata(new URL('https://mcp.example/x'))).not.toThrow();
  });

  it('is redirected within one origin, three times at most', async () => {
    const other = await serving();
    const origin = await serving({
      '/1': '/2',
      '/2': '/3',
      '/3': '/4',
      '/0': '/1',
      '/away?secret=1': `${other}/token`,
    });
    const guard = guardFor(origin);
    expect(await (await guard.fetch(`${origin}/1`)).json()).toEqual({ found: true });
    expect(await why(guard, `${origin}/0`)).toContain('redirected more than 3 times');
    expect(await why(guard, `${origin}/away?secret=1`)).toBe(
      `${other}/token is not asked: ${origin} points there, which is another origin.`,
    );
  });

  it('says nothing of what an answer to a request for tokens holds, but for OAuth’s code', async () => {
    const server = createServer((_request, response) =>
      response.writeHead(400).end('{"error":"invalid_grant","access_token":"s3cr3t"}'),
    );
    servers.push(server);
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    const origin = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
    const body = new URLSearchParams({ grant_type: 'refresh_token' });
    const answer = await guardFor(origin).fetch(origin, { method: 'POST', body });
    expect([answer.status, await answer.text()]).toEqual([400, '{"error":"invalid_grant"}']);
  });
});
