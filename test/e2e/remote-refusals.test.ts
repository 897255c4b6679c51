import { describe, expect, test } from 'vitest';
import { http, type AuthProvider } from '../../src/index.ts';
import { eventually } from '../support/eventually.ts';
import type { HttpFixture } from '../support/http-fixture.ts';
import { checkedOften, RemoteStage, unchecked, vainAttempts } from './remote-stage.ts';
import { failureOf, firstConnection, secondConnection, textOf, unhurried } from './stage.ts';

/** Parked until someone has another token, and looking by itself after minutes only. */
const parked = (lost: number): string[] => [
  `${lost} releasing`,
  `${lost} attempt 1 scheduled`,
  `${lost} disconnected.parked.auth`,
  `${lost} authRequired`,
];

type OAuthClient = Exclude<AuthProvider, { token: unknown }>;
type Tokens = Awaited<ReturnType<OAuthClient['tokens']>>;

/** An OAuth client that was authorised once: its tokens, and how often it was asked to send its user somewhere. */
class Authorised {
  tokens: Tokens;
  redirects = 0;

  constructor(server: HttpFixture, refreshToken: string) {
    const issuer = new URL(server.url).origin;
    this.tokens = { access_token: 'old', token_type: 'Bearer', refresh_token: refreshToken, issuer };
  }

  get provider(): OAuthClient {
    return {
      redirectUrl: 'http://127.0.0.1/callback',
      clientMetadata: { redirect_uris: ['http://127.0.0.1/callback'] },
      clientInformation: () => ({ client_id: 'holdfast-test' }),
      tokens: () => this.tokens,
      saveTokens: (tokens) => {
        this.tokens = tokens;
      },
      redirectToAuthorization: () => {
        this.redirects += 1;
      },
      saveCodeVerifier: () => undefined,
      codeVerifier: () => 'verifier',
      invalidateCredentials: (scope) => {
        if (scope === 'tokens') this.tokens = undefined;
      },
    };
  }
}

describe('a remote server that wants a token', unhurried, () => {
  test('parks a session whose token is not good any more, without another attempt, until there is one', async () => {
    const stage = new RemoteStage();
    const server = await stage.fixture({ auth: { tokens: ['one'] } });
    let token = 'one';
    const session = await stage.add('guarded', http({ url: server.url, auth: { token: () => token } }), unchecked);
    await server.holdsStandby();
    await server.set({ auth: { tokens: ['two'] } });
    await server.order({ dropStandby: 'fin' });
    await stage.reaches('guarded', 'disconnected.parked.auth');
    const { nextAttemptAt, since } = session.info;
    expect(Math.round(((nextAttemptAt ?? 0) - since) / 60_000)).toBe(5);
    expect(await failureOf(session.callTool('echo', { text: 'hello' }))).toMatchObject({ outcome: 'not-sent' });
    const asked = (await server.truth()).requests;

    token = 'two';
    session.reconnect();
    await stage.reaches('guarded', 'connected.healthy', 2);
    expect(stage.story('guarded')).toEqual([
      ...firstConnection,
      '1 linkFault broken',
      ...parked(1),
      '1 connecting.waiting',
      ...secondConnection(2),
    ]);
    expect(stage.linkStory('guarded').filter((line) => !line.includes('fault'))).toEqual([
      '1 opened',
      '1 down auth http:401',
      '2 opened',
    ]);
    // Nothing was sent while it was parked: the second `initialize` is that of the reconnection.
    expect([asked['POST initialize'], (await server.truth()).requests['POST initialize']]).toEqual([1, 2]);
    expect(await textOf(session.callTool('echo', { text: 'hello' }))).toBe('hello');
    await stage.close();
  });

  test('parks a server that was never let in: addServer rejects, and one that does not wait for it stays', async () => {
    const stage = new RemoteStage();
    const server = await stage.fixture({ auth: { tokens: ['good'], challenge: false } });
    expect(await failureOf(stage.hold('refused', server))).toMatchObject({ outcome: 'not-sent', generation: 1 });
    expect(stage.story('refused')).toEqual([
      '0 serverAdded',
      '0 connecting.waiting',
      '1 connecting.opening',
      ...parked(1),
      '1 closed',
      '1 serverRemoved',
    ]);
    const session = await stage.hold('kept', server, { ...unchecked, waitForReady: false });
    await stage.reaches('kept', 'disconnected.parked.auth');
    await server.set({ auth: null });
    session.reconnect();
    await stage.reaches('kept', 'connected.healthy', 2);
    await stage.close();
  });

  test('and gives new ones for old is asked for one, for fifty calls, all of which are then executed once', async () => {
    const stage = new RemoteStage();
    const auth = { tokens: ['old'], refreshToken: 'first', tokenDelayMs: 0 };
    const server = await stage.fixture({ auth });
    const client = new Authorised(server, 'first');
    const session = await stage.add('oauth', http({ url: server.url, auth: client.provider }), unchecked);
    await server.set({ auth: { ...auth, tokens: [] } });
    const calls = Array.from({ length: 50 }, (_, n) => textOf(session.callTool('echo', { text: String(n) })));
    expect(await Promise.all(calls)).toEqual(Array.from({ length: 50 }, (_, n) => String(n)));
    expect(server.executions().toSorted()).toEqual(
      Array.from({ length: 50 }, (_, n) => `echo {"text":"${n}"}`).toSorted(),
    );
    // Refresh tokens rotate: a second refresh with the first one would have been refused, and the session lost.
    expect(await server.truth()).toMatchObject({ refreshes: 1, badRefreshes: 0, registrations: 0 });
    expect(client.tokens).toMatchObject({ access_token: 'access-1', refresh_token: 'refresh-1' });
    expect([client.redirects, stage.story('oauth')]).toEqual([0, firstConnection]);
    await stage.close();
  });

  test('is asked for one also for two sessions of one provider, with fifty calls on each', async () => {
    const stage = new RemoteStage();
    const auth = { tokens: ['old'], refreshToken: 'first', tokenDelayMs: 0 };
    const server = await stage.fixture({ auth });
    const client = new Authorised(server, 'first');
    const target = http({ url: server.url, auth: client.provider });
    const [one, other] = [await stage.add('one', target, unchecked), await stage.add('other', target, unchecked)];
    await server.set({ auth: { ...auth, tokens: [] } });
    const texts = Array.from({ length: 100 }, (_, n) => String(n));
    const calls = texts.map((text, n) => textOf((n % 2 === 0 ? one : other).callTool('echo', { text })));
    expect(await Promise.all(calls)).toEqual(texts);
    expect(server.executions().toSorted()).toEqual(texts.map((text) => `echo {"text":"${text}"}`).toSorted());
    // One that comes a second time would have taken the permission away from all.
    expect(await server.truth()).toMatchObject({ refreshes: 1, badRefreshes: 0, registrations: 0 });
    expect(client.tokens).toMatchObject({ access_token: 'access-1', refresh_token: 'refresh-1' });
    expect([client.redirects, stage.story('one'), stage.story('other')]).toEqual([0, firstConnection, firstConnection]);
    await stage.close();
  });

  test('never executes a call that ended while its token was being refreshed', async () => {
    const stage = new RemoteStage();
    const auth = { tokens: ['old'], refreshToken: 'first', tokenDelayMs: 600 };
    const server = await stage.fixture({ auth });
    const client = new Authorised(server, 'first');
    const session = await stage.add('slow-token', http({ url: server.url, auth: client.provider }), unchecked);
    await server.set({ auth: { ...auth, tokens: [] } });
    const early = failureOf(session.callTool('echo', { text: 'early' }, { timeoutMs: 200 }));
    const patient = textOf(session.callTool('echo', { text: 'patient' }));
    expect(await early).toMatchObject({ code: 'CALL_TIMEOUT', outcome: 'not-sent' });
    expect(await patient).toBe('patient');
    expect(await textOf(session.callTool('echo', { text: 'later' }))).toBe('later');
    expect(server.executions()).toEqual(['echo {"text":"patient"}', 'echo {"text":"later"}']);
    await stage.close();
  });

  test('and will not refresh parks the session, and sends its user to authorise once', async () => {
    const stage = new RemoteStage();
    const server = await stage.fixture({ auth: { tokens: ['old'], refreshToken: 'first' } });
    const client = new Authorised(server, 'not the first');
    const session = await stage.add('revoked', http({ url: server.url, auth: client.provider }), unchecked);
    await server.set({ auth: { tokens: [], refreshToken: 'first' } });
    const call = await failureOf(session.callTool('echo', { text: 'hello' }));
    expect(call).toMatchObject({ code: 'AUTH_REQUIRED', outcome: 'rejected', generation: 1 });
    await stage.reaches('revoked', 'disconnected.parked.auth');
    expect(server.executions()).toEqual([]);
    expect([(await server.truth()).badRefreshes, client.redirects]).toEqual([1, 1]);
    await stage.close();
  });

  test('of a higher kind for one tool (403) loses that call and nothing else', async () => {
    const stage = new RemoteStage();
    const server = await stage.fixture({ faults: [{ on: 'tools/call pid', do: 'status', status: 403 }] });
    const session = await stage.hold('scoped', server);
    expect(await failureOf(session.callTool('pid'))).toMatchObject({ code: 'AUTH_REQUIRED', outcome: 'rejected' });
    expect(await textOf(session.callTool('echo', { text: 'hello' }))).toBe('hello');
    expect(stage.story('scoped')).toEqual(firstConnection);
    await stage.close();
  });
});

describe('a remote server that is overloaded', unhurried, () => {
  test('degrades its session by 429 to a call, which was not executed, until its time is over', async () => {
    const stage = new RemoteStage();
    const tooMany = { do: 'status', status: 429, headers: { 'retry-after': '1' } };
    const server = await stage.fixture({ faults: [{ on: 'tools/call', times: 1, ...tooMany }] });
    const session = await stage.hold('busy', server, checkedOften);
    const call = await failureOf(session.callTool('echo', { text: 'hello' }, { retry: 'never' }));
    expect(call).toMatchObject({ code: 'OVERLOADED', outcome: 'rejected', retryable: true, retryAfterMs: 1_000 });
    const { seq } = await stage.reaches('busy', 'connected.degraded');
    await stage.recovers(session);
    const story = stage.story('busy', seq);
    const healthy = story.indexOf('1 connected.healthy');
    // Checks are answered meanwhile, and are not enough.
    expect(story.slice(0, healthy + 1)).toEqual([
      '1 connected.degraded',
      ...Array.from({ length: healthy - 1 }, () => '1 check ok'),
      '1 connected.healthy',
    ]);
    expect(healthy - 1).toBeGreaterThanOrEqual(2);
    expect(server.executions()).toEqual([]);
    expect(await textOf(session.callTool('echo', { text: 'hello' }))).toBe('hello');
    await stage.close();
  });

  test('degrades its session by 503 to a call, which may have been executed, until one is', async () => {
    const stage = new RemoteStage();
    const unavailable = { do: 'status', status: 503, headers: { 'retry-after': '1' }, executed: true };
    const server = await stage.fixture({ faults: [{ on: 'tools/call', times: 1, ...unavailable }] });
    const session = await stage.hold('away', server, checkedOften);
    const call = await failureOf(session.callTool('echo', { text: 'once' }));
    expect(call).toMatchObject({ code: 'OUTCOME_UNKNOWN', outcome: 'unknown', retryable: false });
    await stage.reaches('away', 'connected.degraded');
    expect(await textOf(session.callTool('echo', { text: 'twice' }))).toBe('twice');
    await stage.recovers(session);
    expect(server.executions()).toEqual(['echo {"text":"once"}', 'echo {"text":"twice"}']);
    expect(stage.linkStory('away')).toEqual(['1 opened']);
    await stage.close();
  });

  test('degrades its session by 429 to a check, which is an answer all the same', async () => {
    const stage = new RemoteStage();
    const server = await stage.fixture();
    const session = await stage.hold('checked', server, checkedOften);
    const tooMany = { do: 'status', status: 429, headers: { 'retry-after': '1' } };
    await server.set({ faults: [{ on: 'ping', times: 2, ...tooMany }] });
    await stage.reaches('checked', 'connected.degraded');
    await stage.recovers(session);
    expect(stage.story('checked').filter((line) => line.includes('failed'))).toEqual([]);
    expect(session.info).toMatchObject({ generation: 1, failedHealthChecks: 0 });
    await stage.close();
  });

  test.each([
    [429, 'overload'],
    [503, 'overload'],
    [500, 'unreachable'],
  ])('and answers %i to an attempt is tried again until it lets the session in', async (status, kind) => {
    const stage = new RemoteStage();
    const fault = { on: 'initialize', times: 2, do: 'status', status, headers: { 'retry-after': '0' } };
    const server = await stage.fixture({ faults: [fault] });
    const session = await stage.hold('full', server, { ...unchecked, waitForReady: false });
    await eventually(() => session.state === 'healthy', { timeoutMs: 60_000 });
    expect(stage.story('full')).toEqual([
      ...firstConnection.slice(0, 2),
      ...vainAttempts(1, 2, 1),
      '3 connecting.opening',
      '3 connecting.verifying',
      '3 check ok',
      '3 connecting.hydrating',
      '3 catalogChanged',
      '3 connected.healthy',
    ]);
    expect(stage.linkStory('full')).toEqual([
      `1 down ${kind} http:${status}`,
      `2 down ${kind} http:${status}`,
      '3 opened',
    ]);
    await stage.close();
  });
});
