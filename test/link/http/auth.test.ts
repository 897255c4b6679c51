import type { auth, OAuthClientProvider } from '@modelcontextprotocol/sdk/client/auth.js';
import { afterEach, describe, expect, expectTypeOf, it } from 'vitest';
import { AuthGate } from '../../../src/link/http/auth-gate.ts';
import type { AuthProvider, OAuthProvider, TokenSource } from '../../../src/link/http/auth-provider.ts';
import { eventually } from '../../support/eventually.ts';
import { failureOf } from '../sdk/owner.ts';
import { AuthServer, TestProvider } from './auth-server.ts';
import { answerJson, eventOf, openEvents, resultFor } from './lean-server.ts';
import type { Asked, LeanServer } from './lean-server.ts';
import { Client, client, expectNothingLeft, link, serve } from './rig.ts';

const authServers: AuthServer[] = [];

async function serveTokens(): Promise<AuthServer> {
  const server = await AuthServer.start();
  authServers.push(server);
  return server;
}

/** Lets calls with this token through and refuses all others, until told otherwise. */
function demand(server: LeanServer, token: () => string, challenge = 'Bearer'): void {
  server.script.post['tools/call'] = (asked: Asked) => {
    if (asked.headers.authorization === `Bearer ${token()}`) answerJson(asked, { ok: true });
    else asked.response.writeHead(401, { 'www-authenticate': challenge }).end();
  };
}

const tokensOf = (server: LeanServer): (string | undefined)[] =>
  server.posts.filter(({ message }) => message.method === 'tools/call').map(({ headers }) => headers.authorization);

const NOTE = { jsonrpc: '2.0', method: 'notifications/message', params: {} };
const isNote = (message: unknown): boolean => JSON.stringify(message) === JSON.stringify(NOTE);

/** A source whose renewal takes as long as the test wants. */
function slowSource(): TokenSource & { renewals: number; release: (token: string) => void } {
  let token = 'old-secret';
  let release: () => void = () => undefined;
  return {
    renewals: 0,
    token: () => token,
    async onUnauthorized() {
      this.renewals += 1;
      await new Promise<void>((resolve) => (release = resolve));
    },
    release(next) {
      token = next;
      release();
    },
  };
}

describe('a token source', () => {
  expectNothingLeft();

  it('is asked before each request, and its token takes the place of a configured one', async () => {
    const server = await serve();
    let count = 0;
    const token = (): string | Promise<string> => {
      count += 1;
      return count % 2 === 0 ? `t${count}` : Promise.resolve(`t${count}`);
    };
    const rig = await client(server, { auth: { token }, headers: { authorization: 'Basic x' } });
    await rig.request('tools/list');
    await rig.transport.end('graceful');
    expect(server.posts.map(({ headers }) => headers.authorization)).toEqual(['Bearer t1', 'Bearer t2', 'Bearer t4']);
  });

  it('renews once for twenty calls that are refused together, on two connections, and each is sent once more', async () => {
    const server = await serve();
    demand(server, () => 'new-secret');
    const source = slowSource();
    const [one, two] = [await client(server, { auth: source }), await client(server, { auth: source })];
    const calls = Array.from({ length: 20 }, (_, index) => (index % 2 === 0 ? one : two).request('tools/call'));
    await eventually(() => tokensOf(server).length === 20, { what: 'all were refused' });
    await one.request('tools/list');
    await two.request('tools/list');
    source.release('new-secret');
    await Promise.all(calls);
    expect(source.renewals).toBe(1);
    expect(tokensOf(server)).toEqual([
      ...Array.from({ length: 20 }, () => 'Bearer old-secret'),
      ...Array.from({ length: 20 }, () => 'Bearer new-secret'),
    ]);
  });

  it('has each token told before the request with it is sent, to whoever keeps tokens out of what is shown', async () => {
    const server = await serve();
    const told: string[] = [];
    const sent = (): number => server.posts.length;
    const target = { auth: { token: () => 't1' }, onToken: (token: string) => void told.push(`${token} ${sent()}`) };
    await client(server, target);
    expect(told.slice(0, 2)).toEqual(['t1 0', 't1 1']);
  });

  it('that takes its time over every answer still renews once for two who ask in the same moment', async () => {
    const token = { now: 'old-secret' };
    let renewals = 0;
    const source: TokenSource = {
      token: () => Promise.resolve(token.now),
      onUnauthorized: async () => {
        renewals += 1;
        await new Promise((resolve) => setImmediate(resolve));
        token.now = 'new-secret';
      },
    };
    const url = new URL('http://127.0.0.1/');
    const gates = [new AuthGate(source, { url }), new AuthGate(source, { url })];
    const refusal = { status: 401, headers: {} };
    expect(await Promise.all(gates.map((gate) => gate.mend(refusal, 'old-secret')))).toEqual([null, null]);
    expect(renewals).toBe(1);
  });

  it('whose answer was overtaken by a renewal is not asked for another one', async () => {
    let renewals = 0;
    let answerLate: (token: string) => void = () => undefined;
    const answers = [new Promise<string>((resolve) => (answerLate = resolve)), 'old-secret', 'new-secret'];
    const source: TokenSource = {
      token: () => answers.shift(),
      onUnauthorized: () => {
        renewals += 1;
      },
    };
    const url = new URL('http://127.0.0.1/');
    const [slow, quick] = [new AuthGate(source, { url }), new AuthGate(source, { url })];
    const refusal = { status: 401, headers: {} };
    const overtaken = slow.mend(refusal, 'old-secret');
    expect([await quick.mend(refusal, 'old-secret'), renewals]).toEqual([null, 1]);
    answerLate('old-secret');
    expect([await overtaken, renewals, answers]).toEqual([null, 1, []]);
  });

  it('that has another token by now is not asked to renew', async () => {
    const server = await serve();
    let token = 'old-secret';
    const rig = await client(server, { auth: { token: () => token, onUnauthorized: () => expect.unreachable() } });
    server.script.post['tools/call'] = (asked) => {
      if (asked.headers.authorization === 'Bearer new-secret') answerJson(asked, {});
      else {
        token = 'new-secret';
        asked.response.writeHead(401).end();
      }
    };
    await rig.request('tools/call');
    expect(tokensOf(server)).toEqual(['Bearer old-secret', 'Bearer new-secret']);
  });

  it('that renews slowly: a call that timed out meanwhile is never sent again', async () => {
    const server = await serve();
    demand(server, () => 'new-secret');
    const source = slowSource();
    const owner = await link(server, { auth: source }).opened();
    const dropped = owner.ask('tools/call', { name: 'dropped' });
    const kept = owner.call('tools/call', { name: 'kept' });
    await eventually(() => tokensOf(server).length === 2 && source.renewals === 1, { what: 'both were refused' });
    dropped.cancel();
    expect(await failureOf(dropped.answer)).toEqual({ kind: 'aborted', sent: false });
    source.release('new-secret');
    expect(await kept).toEqual({ ok: true });
    const executed = server.posts.filter(({ headers }) => headers.authorization === 'Bearer new-secret');
    expect(executed.map(({ message }) => message.params?.['name']).filter((name) => name !== undefined)).toEqual([
      'kept',
    ]);
  });

  const useless: [how: string, source: TokenSource, code: string][] = [
    ['has no other', { token: () => 'old-secret' }, 'http:401'],
    [
      'fails to renew',
      { token: () => 'old-secret', onUnauthorized: () => Promise.reject(new Error('old-secret')) },
      'authorization-failed',
    ],
    ['renews to the same', { token: () => 'old-secret', onUnauthorized: () => undefined }, 'http:401'],
  ];
  it.each(useless)(
    'that %s: the call is refused and the session ends as auth, with no secret in a word',
    async (_what, source, code) => {
      const server = await serve();
      demand(server, () => 'another');
      const owner = await link(server, { auth: source }).opened();
      const failure = await failureOf(owner.call('tools/call'));
      expect(failure).toMatchObject({ kind: 'refused', sent: true, fault: { kind: 'auth', code } });
      const { fault } = await owner.first('down');
      expect(fault).toMatchObject({ kind: 'auth', code });
      expect(JSON.stringify([failure, owner.events])).not.toContain('old-secret');
    },
  );

  it('renews while the body of the refusal still drips, and neither its end nor its break touches the repeat', async () => {
    const server = await serve();
    const drips: Asked[] = [];
    const repeats: Asked[] = [];
    const source = slowSource();
    const rig = await client(server, { auth: source });
    server.script.post['tools/call'] = (asked) => {
      if (asked.headers.authorization === 'Bearer new-secret') {
        repeats.push(asked);
        return;
      }
      drips.push(asked);
      asked.response.writeHead(401).write('drip');
    };
    const calls = [rig.request('tools/call'), rig.request('tools/call')];
    await eventually(() => drips.length === 2 && source.renewals === 1, { what: 'both were refused' });
    drips[0]?.request.socket.resetAndDestroy();
    await rig.request('tools/list');
    source.release('new-secret');
    await eventually(() => repeats.length === 2, { what: 'both were sent again' });
    for (const asked of repeats) openEvents(asked).write(eventOf(NOTE));
    await eventually(() => rig.messages.filter((message) => isNote(message)).length === 2, {
      what: 'the new replies have begun',
    });
    drips[1]?.response.end();
    await rig.request('tools/list');
    for (const asked of repeats) asked.response.end(eventOf(resultFor(asked)));
    await Promise.all(calls);
    expect(rig.faultCodes).toEqual([]);
  });

  it('whose new token is refused too is not asked a third time', async () => {
    const server = await serve();
    demand(server, () => 'never');
    let count = 0;
    const source = { token: () => `t${count}`, onUnauthorized: () => void (count += 1) };
    const rig = await client(server, { auth: source });
    expect(await failureOf(rig.request('tools/call'))).toMatchObject({ kind: 'refused', fault: { code: 'http:401' } });
    expect(tokensOf(server)).toEqual(['Bearer t0', 'Bearer t1']);
    await eventually(() => rig.closed === 1, { what: 'the transport has ended' });
  });

  it('that throws fails the request, unsent', async () => {
    const server = await serve();
    const rig = new Client(server.url, {
      auth: {
        token: () => {
          throw new Error('vault-secret');
        },
      },
    });
    await rig.transport.start();
    const failure = await failureOf(rig.request('initialize'));
    expect(failure).toMatchObject({ kind: 'link', sent: false, fault: { kind: 'internal', code: 'token-threw' } });
    expect(JSON.stringify(failure)).not.toContain('vault-secret');
    expect(server.received).toEqual([]);
  });

  it('is not there: 401 to a call ends the session as auth', async () => {
    const server = await serve();
    demand(server, () => 'any');
    const owner = await link(server).opened();
    expect(await failureOf(owner.call('tools/call'))).toMatchObject({
      kind: 'refused',
      fault: { kind: 'auth', code: 'http:401' },
    });
    expect((await owner.first('down')).fault).toMatchObject({ kind: 'auth', code: 'http:401' });
  });

  it('is asked for more when the scope is too small, and a 403 that says nothing of it is final', async () => {
    const server = await serve();
    let token = 'small';
    let renewals = 0;
    const rig = await client(server, {
      auth: {
        token: () => token,
        onUnauthorized: ({ status, wwwAuthenticate }) => {
          renewals += 1;
          token = `${status} ${wwwAuthenticate?.includes('scope="write"')}`.replace(' ', '-');
        },
      },
    });
    server.script.post['tools/call'] = (asked) => {
      if (asked.headers.authorization !== 'Bearer small') answerJson(asked, {});
      else
        asked.response.writeHead(403, { 'www-authenticate': 'Bearer error="insufficient_scope", scope="write"' }).end();
    };
    await rig.request('tools/call');
    expect(tokensOf(server)).toEqual(['Bearer small', 'Bearer 403-true']);
    server.script.post['tools/call'] = ({ response }) => response.writeHead(403).end();
    expect(await failureOf(rig.request('tools/call'))).toMatchObject({ kind: 'refused', fault: { code: 'http:403' } });
    expect([renewals, rig.transport.isEnding]).toEqual([1, false]);
  });
});

describe('an OAuth provider', () => {
  expectNothingLeft();
  afterEach(async () => {
    for (const server of authServers.splice(0)) await server.stop();
  });

  it('of the SDK fits as it is, and ours is what the SDK takes', () => {
    expectTypeOf<OAuthClientProvider>().toExtend<AuthProvider>();
    expectTypeOf<OAuthClientProvider>().toExtend<OAuthProvider>();
    expectTypeOf<OAuthProvider>().toExtend<Parameters<typeof auth>[0]>();
  });

  it('has all its tokens told, the renewed ones too', async () => {
    const tokens = await serveTokens();
    const server = await serve();
    tokens.protect(server);
    demand(server, () => 'token-1', tokens.challenge);
    const provider = new TestProvider(tokens.origin, { refresh_token: 'refresh-0' });
    const told = new Set<string>();
    const rig = await client(server, { auth: provider, onToken: (token) => told.add(token) });
    expect([...told]).toEqual(['refresh-0', 'token-0']);
    await rig.request('tools/call');
    expect(provider.saved).toHaveLength(1);
    expect(told).toEqual(new Set(['refresh-0', 'token-0', provider.saved[0]?.refresh_token, 'token-1']));
  });

  it('renews its tokens once for twenty calls that are refused together', async () => {
    const tokens = await serveTokens();
    const server = await serve();
    tokens.protect(server);
    demand(server, () => 'token-1', tokens.challenge);
    const provider = new TestProvider(tokens.origin, { refresh_token: 'refresh-0' });
    let open: () => void = () => undefined;
    const gate = new Promise<void>((resolve) => (open = resolve));
    tokens.onGrant = () => gate;
    const rig = await client(server, { auth: provider });
    const calls = Array.from({ length: 20 }, () => rig.request('tools/call'));
    await eventually(() => tokensOf(server).length === 20, { what: 'all were refused' });
    await rig.request('tools/list');
    open();
    await Promise.all(calls);
    expect(tokens.grants.map((grant) => [grant.get('grant_type'), grant.get('refresh_token')])).toEqual([
      ['refresh_token', 'refresh-0'],
    ]);
    expect(provider.saved.map(({ access_token }) => access_token)).toEqual(['token-1']);
    expect(tokensOf(server).slice(20)).toEqual(Array.from({ length: 20 }, () => 'Bearer token-1'));
  });

  it('that needs a person is sent there once: no second authorisation starts until it has another token', async () => {
    const tokens = await serveTokens();
    const server = await serve();
    tokens.protect(server);
    server.script.post['initialize'] = ({ response }) =>
      response.writeHead(401, { 'www-authenticate': tokens.challenge }).end();
    const provider = new TestProvider(tokens.origin);
    for (let attempt = 0; attempt < 3; attempt += 1) {
      const owner = link(server, { auth: provider });
      expect((await owner.first('down')).fault).toMatchObject({ kind: 'auth', code: 'authorization-pending' });
    }
    const { verifier } = provider;
    expect([provider.redirects.length, verifier === '']).toEqual([1, false]);

    provider.saveTokens({ access_token: 'from-the-person', token_type: 'Bearer', issuer: tokens.origin });
    const accepts = (asked: Asked): void => {
      if (asked.headers.authorization === 'Bearer from-the-person')
        answerJson(asked, { protocolVersion: '2025-11-25', capabilities: {}, serverInfo: { name: 'x', version: '1' } });
      else asked.response.writeHead(401).end();
    };
    server.script.post['initialize'] = accepts;
    await link(server, { auth: provider }).opened();

    // That token expires in its turn: now a new authorisation is due.
    server.script.post['initialize'] = ({ response }) =>
      response.writeHead(401, { 'www-authenticate': tokens.challenge }).end();
    await link(server, { auth: provider }).first('down');
    expect(provider.redirects.length).toBe(2);
  });

  it('whose renewal is refused ends the session as auth, and no token is in a word of it', async () => {
    const tokens = await serveTokens();
    const server = await serve();
    tokens.protect(server);
    demand(server, () => 'token-9', tokens.challenge);
    tokens.onGrant = () => ({ error: 'invalid_scope', error_description: 'refresh-0 is bad' });
    const provider = new TestProvider(tokens.origin, { refresh_token: 'refresh-0' });
    const owner = await link(server, { auth: provider }).opened();
    expect(await failureOf(owner.call('tools/call'))).toMatchObject({
      kind: 'refused',
      fault: { kind: 'auth', code: 'authorization-failed' },
    });
    await owner.first('down');
    expect(JSON.stringify(owner.events)).not.toMatch(/refresh-0|token-0/);
    expect(JSON.stringify(owner.events)).toContain('invalid_scope');
  });

  it('is sent nowhere by an authorisation server whose metadata are those of another issuer', async () => {
    const tokens = await serveTokens();
    tokens.issuer = 'https://elsewhere.example.com';
    const server = await serve();
    tokens.protect(server);
    server.script.post['initialize'] = ({ response }) =>
      response.writeHead(401, { 'www-authenticate': tokens.challenge }).end();
    const provider = new TestProvider(tokens.origin);
    const owner = link(server, { auth: provider });
    expect((await owner.first('down')).fault).toMatchObject({ kind: 'auth', code: 'authorization-failed' });
    expect([provider.redirects, tokens.grants]).toEqual([[], []]);
  });

  it('says which address it was not sent to, and why', async () => {
    const server = await serve();
    const elsewhere = 'http://169.254.169.254/latest/meta-data?key=s3cr3t';
    server.script.get = ({ path, response }) =>
      path.startsWith('/.well-known/oauth-protected-resource')
        ? response
            .writeHead(200, { 'content-type': 'application/json' })
            .end(JSON.stringify({ resource: server.url, authorization_servers: [elsewhere] }))
        : response.writeHead(404).end();
    server.script.post['initialize'] = ({ response }) => response.writeHead(401).end();
    const provider = new TestProvider('http://169.254.169.254');
    const owner = link(server, { auth: provider });
    const { fault } = await owner.first('down');
    expect([fault.kind, fault.code]).toEqual(['auth', 'address-refused']);
    expect(fault.message).toMatch(/http:\/\/169\.254\.169\.254\/\S* is not asked: its address is private\.$/);
    expect(fault.message).not.toContain('s3cr3t');
    expect(provider.redirects).toEqual([]);
  });

  it('asks for what was granted together with what is missing when the scope is too small', async () => {
    const tokens = await serveTokens();
    const server = await serve();
    tokens.protect(server);
    const provider = new TestProvider(tokens.origin, { scope: 'read list' });
    const owner = await link(server, { auth: provider }).opened();
    server.script.post['tools/call'] = ({ response }) =>
      response
        .writeHead(403, {
          'www-authenticate': `${tokens.challenge.replace('invalid_token', 'insufficient_scope')}, scope="write read"`,
        })
        .end();
    await failureOf(owner.call('tools/call'));
    expect(provider.redirects.map((url) => url.searchParams.get('scope'))).toEqual(['read list write']);
  });
});
