import { describe, expect, test } from 'vitest';
import { http, type AuthProvider, type ManagerEvent, type ServerTarget, type SessionEvent } from '../../src/index.ts';
import type { HttpFixture } from '../support/http-fixture.ts';
import { RemoteStage, unchecked } from './remote-stage.ts';
import { errorOf, failureOf, textOf, unhurried } from './stage.ts';

type OAuthClient = Exclude<AuthProvider, { token: unknown }>;
type Required = Extract<SessionEvent, { type: 'authRequired' }>;

/** An OAuth client that was never authorised. Whoever is sent somewhere is sent there by `sentTo`. */
class Newcomer {
  readonly sentTo: URL[] = [];
  tokens: Awaited<ReturnType<OAuthClient['tokens']>>;
  #verifier = '';
  #registered: Awaited<ReturnType<OAuthClient['clientInformation']>>;

  get provider(): OAuthClient {
    return {
      redirectUrl: 'http://127.0.0.1/callback',
      clientMetadata: { redirect_uris: ['http://127.0.0.1/callback'] },
      state: () => `state-${this.sentTo.length}`,
      clientInformation: () => this.#registered,
      saveClientInformation: (information) => {
        this.#registered = information;
      },
      tokens: () => this.tokens,
      saveTokens: (tokens) => {
        this.tokens = tokens;
      },
      redirectToAuthorization: (url) => {
        this.sentTo.push(url);
      },
      saveCodeVerifier: (verifier) => {
        this.#verifier = verifier;
      },
      codeVerifier: () => this.#verifier,
      invalidateCredentials: (scope) => {
        if (scope === 'tokens') this.tokens = undefined;
      },
    };
  }
}

const required = (stage: RemoteStage): (string | null)[] =>
  stage.events.filter((event): event is Required => event.type === 'authRequired').map(({ url }) => url);

/** A server that lets nobody in, and a session that waits for somebody to allow it. */
async function waiting(): Promise<{
  stage: RemoteStage;
  server: HttpFixture;
  client: Newcomer;
  target: ServerTarget;
}> {
  const stage = new RemoteStage();
  const server = await stage.fixture({ auth: { tokens: [] } });
  const client = new Newcomer();
  const target = http({ url: server.url, auth: client.provider });
  await stage.add('a', target, { ...unchecked, waitForReady: false });
  await stage.until('authRequired', (event: ManagerEvent): event is Required => event.type === 'authRequired');
  return { stage, server, client, target };
}

describe('a server that somebody has to allow', unhurried, () => {
  test('is asked for where that is done, and connects when they have come back', async () => {
    const { stage, server, client } = await waiting();
    const session = stage.manager.session('a');
    const [url] = client.sentTo;
    expect(required(stage)).toEqual([url?.href]);
    expect(await failureOf(session.callTool('echo', { text: 'x' }))).toMatchObject({
      code: 'AUTH_REQUIRED',
      url: url?.href,
      outcome: 'not-sent',
    });
    expect(await failureOf(session.ready())).toMatchObject({ code: 'AUTH_REQUIRED', url: url?.href });
    await session.finishAuth(new URLSearchParams({ code: 'from-the-person', state: 'state-0' }));
    await session.ready();
    expect(await textOf(session.callTool('echo', { text: 'hello' }))).toBe('hello');
    expect(await server.truth()).toMatchObject({ codes: 1, refreshes: 0, registrations: 1 });
    expect(client.sentTo).toHaveLength(1);
    await stage.close();
  });

  test('is asked once for all servers of one provider, and all of them connect', async () => {
    const { stage, client, target } = await waiting();
    const other = await stage.add('b', target, { ...unchecked, waitForReady: false });
    await stage.reaches('b', 'disconnected.parked.auth');
    expect(required(stage)).toEqual([client.sentTo[0]?.href, client.sentTo[0]?.href]);
    await other.finishAuth({ code: 'from-the-person', state: 'state-0' });
    await Promise.all([stage.manager.session('a').ready(), other.ready()]);
    expect(client.sentTo).toHaveLength(1);
    await stage.close();
  });

  test('goes on waiting after an answer to another question', async () => {
    const { stage, server } = await waiting();
    const session = stage.manager.session('a');
    const forged = { code: 'stolen-code', state: 'another' };
    const failure = await failureOf(session.finishAuth(forged));
    expect(failure).toMatchObject({ code: 'AUTHORIZATION', problem: 'state-mismatch', serverId: 'a' });
    expect(await failureOf(session.finishAuth({ state: 'state-0' }))).toMatchObject({ problem: 'no-code' });
    expect(await server.truth()).toMatchObject({ codes: 0 });
    await session.finishAuth({ code: 'from-the-person', state: 'state-0' });
    await session.ready();
    expect(await failureOf(session.finishAuth({ code: 'again', state: 'state-0' }))).toMatchObject({
      problem: 'nothing-pending',
    });
    await stage.close();
  });

  test('is asked for anew after a refusal', async () => {
    const { stage, client } = await waiting();
    const session = stage.manager.session('a');
    const denied = await errorOf(session.finishAuth(new URLSearchParams('error=access_denied&state=state-0')));
    expect(denied).toMatchObject({ problem: 'denied' });
    expect(denied.cause).toBe('access_denied');
    session.reconnect();
    await stage.reaches('a', 'disconnected.parked.auth', 2);
    expect(client.sentTo.map((url) => url.searchParams.get('state'))).toEqual(['state-0', 'state-1']);
    await session.finishAuth({ code: 'from-the-person', state: 'state-1' });
    await stage.reaches('a', 'connected.healthy');
    await stage.close();
  });

  test('says that there is nothing to finish where no provider is, or what it is given is nothing', async () => {
    const stage = new RemoteStage();
    const server = await stage.fixture();
    const session = await stage.hold('open', server);
    expect(await failureOf(session.finishAuth({ code: 'x' }))).toMatchObject({
      code: 'INVALID_OPTION',
      field: 'target',
    });
    const failure = await failureOf(session.finishAuth({ code: 7 as never }));
    expect(failure).toMatchObject({ code: 'INVALID_OPTION', field: 'params.code' });
    await stage.close();
  });
});
