import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { clientCredentials, fileTokenStore, oauthClient } from '../../src/auth/index.ts';
import { http, type ManagerEvent, type ServerTarget, type SessionEvent } from '../../src/index.ts';
import type { HttpFixture } from '../support/http-fixture.ts';
import { RemoteStage, unchecked } from './remote-stage.ts';
import { errorOf, failureOf, textOf, unhurried } from './stage.ts';

type Required = Extract<SessionEvent, { type: 'authRequired' }>;

/** An OAuth client that was never authorised, and where it sends people. */
class Newcomer {
  readonly sentTo: URL[] = [];
  readonly provider = oauthClient({
    redirectUrl: 'http://127.0.0.1/callback',
    redirectToAuthorization: (url) => {
      this.sentTo.push(url);
    },
  });

  /** The `state` of the last question. */
  get state(): string {
    return this.sentTo.at(-1)?.searchParams.get('state') ?? '';
  }
}

const waitless = { ...unchecked, waitForReady: false } as const;

const isRequired = (event: ManagerEvent): event is Required => event.type === 'authRequired';

const required = (stage: RemoteStage): (string | null)[] => stage.events.filter(isRequired).map(({ url }) => url);

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
  await stage.add('a', target, waitless);
  await stage.until('authRequired', isRequired);
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
    await session.finishAuth(new URLSearchParams({ code: 'from-the-person', state: client.state }));
    await session.ready();
    expect(await textOf(session.callTool('echo', { text: 'hello' }))).toBe('hello');
    expect(await server.truth()).toMatchObject({ codes: 1, refreshes: 0, registrations: 1 });
    expect(client.sentTo).toHaveLength(1);
    await stage.close();
  });

  test('is asked once for all servers of one provider, and all of them connect', async () => {
    const { stage, client, target } = await waiting();
    const other = await stage.add('b', target, waitless);
    await stage.reaches('b', 'disconnected.parked.auth');
    expect(required(stage)).toEqual([client.sentTo[0]?.href, client.sentTo[0]?.href]);
    await other.finishAuth({ code: 'from-the-person', state: client.state });
    await Promise.all([stage.manager.session('a').ready(), other.ready()]);
    expect(client.sentTo).toHaveLength(1);
    await stage.close();
  });

  test('goes on waiting after an answer to another question', async () => {
    const { stage, server, client } = await waiting();
    const session = stage.manager.session('a');
    const forged = { code: 'stolen-code', state: 'another' };
    const failure = await failureOf(session.finishAuth(forged));
    expect(failure).toMatchObject({ code: 'AUTHORIZATION', problem: 'state-mismatch', serverId: 'a' });
    expect(await failureOf(session.finishAuth({ state: client.state }))).toMatchObject({ problem: 'no-code' });
    expect(await server.truth()).toMatchObject({ codes: 0 });
    await session.finishAuth({ code: 'from-the-person', state: client.state });
    await session.ready();
    expect(await failureOf(session.finishAuth({ code: 'again', state: client.state }))).toMatchObject({
      problem: 'nothing-pending',
    });
    await stage.close();
  });

  test('is asked for anew after a refusal', async () => {
    const { stage, client } = await waiting();
    const session = stage.manager.session('a');
    const denied = await errorOf(
      session.finishAuth(new URLSearchParams({ error: 'access_denied', state: client.state })),
    );
    expect(denied).toMatchObject({ problem: 'denied' });
    expect(denied.cause).toBe('access_denied');
    session.reconnect();
    await stage.reaches('a', 'disconnected.parked.auth', 2);
    expect(new Set(client.sentTo.map((url) => url.searchParams.get('state'))).size).toBe(2);
    await session.finishAuth({ code: 'from-the-person', state: client.state });
    // At most one attempt a second is started by hand; this one comes when that is over.
    await session.ready();
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

  test('may be allowed while its session is still letting go of the connection whose token was refused', async () => {
    const { stage, server, client } = await waiting();
    const session = stage.manager.session('a');
    await session.finishAuth({ code: 'first', state: client.state });
    await session.ready();
    await client.provider.invalidateCredentials?.('tokens');
    const failure = await failureOf(session.callTool('echo', { text: 'refused' }));
    expect(failure).toMatchObject({ code: 'AUTH_REQUIRED', outcome: 'rejected', url: client.sentTo.at(-1)?.href });
    await session.finishAuth({ code: 'second', state: client.state });
    await session.ready();
    expect(await textOf(session.callTool('echo', { text: 'hello' }))).toBe('hello');
    expect(server.executions()).toEqual(['echo {"text":"hello"}']);
    await stage.close();
  });

  test('is connected by a new process with what the one before it kept in a file', async () => {
    const stage = new RemoteStage();
    const server = await stage.fixture({ auth: { tokens: [] } });
    const store = join(stage.directory, 'tokens.json');
    const provider = () => oauthClient({ redirectUrl: 'http://127.0.0.1/callback', store: fileTokenStore(store) });
    const first = await stage.add('first', http({ url: server.url, auth: provider() }), waitless);
    const { url } = await stage.until('authRequired', isRequired);
    const state = new URL(url ?? '').searchParams.get('state') ?? '';
    await first.finishAuth({ code: 'from-the-person', state });
    await first.ready();
    const second = await stage.add('second', http({ url: server.url, auth: provider() }), unchecked);
    expect(await textOf(second.callTool('echo', { text: 'hello' }))).toBe('hello');
    expect(await server.truth()).toMatchObject({ codes: 1, registrations: 1 });
    expect(readFileSync(store, 'utf8')).toContain('access-1');
    // Nothing of it is in what is shown.
    const shown = JSON.stringify([stage.events, stage.manager.snapshot()]);
    expect(shown).not.toMatch(/access-1|refresh-1|from-the-person/u);
    await stage.close();
  });

  test('lets a service in with its own credentials, and asks nobody', async () => {
    const stage = new RemoteStage();
    const server = await stage.fixture({ auth: { tokens: [] } });
    const auth = clientCredentials({ clientId: 'service', clientSecret: 's3cr3t' });
    const session = await stage.add('a', http({ url: server.url, auth }), unchecked);
    expect(await textOf(session.callTool('echo', { text: 'hello' }))).toBe('hello');
    expect(await server.truth()).toMatchObject({ codes: 1, registrations: 0 });
    expect(required(stage)).toEqual([]);
    expect(JSON.stringify([stage.events, stage.manager.snapshot()])).not.toMatch(/s3cr3t|access-1/u);
    await stage.close();
  });
});
