import { describe, expect, test } from 'vitest';
import type { Session } from '../../src/index.ts';
import { unchecked } from '../e2e/remote-stage.ts';
import { failureOf, textOf, unhurried } from '../e2e/stage.ts';
import { eventually } from '../support/eventually.ts';
import type { HttpFixture } from '../support/http-fixture.ts';
import type { TcpProxy } from '../support/tcp-proxy.ts';
import { FaultStage } from './fault-stage.ts';

type End = 'CALL_TIMEOUT' | 'CALL_ABORTED';

const ends: readonly { readonly how: string; readonly code: End }[] = [
  { how: 'its time is over', code: 'CALL_TIMEOUT' },
  { how: 'its caller aborts it', code: 'CALL_ABORTED' },
];

interface Scene {
  readonly stage: FaultStage;
  readonly server: HttpFixture;
  readonly proxy: TcpProxy;
  readonly session: Session;
}

async function openScene(): Promise<Scene> {
  const stage = await FaultStage.withNeighbour();
  const server = await stage.fixture({ standby: 'refused' });
  const proxy = await stage.proxy(server);
  return { stage, server, proxy, session: await stage.hold('late', proxy, unchecked) };
}

/** A call that ends in that way, unanswered; its outcome. */
async function endUnanswered({ session }: Scene, text: string, code: End): Promise<unknown> {
  const controller = new AbortController();
  const limit = code === 'CALL_TIMEOUT' ? { timeoutMs: 400 } : { signal: controller.signal };
  const call = failureOf(session.callTool('echo', { text }, limit));
  if (code === 'CALL_ABORTED') {
    // As long as the others wait for their time to be over.
    await failureOf(session.callTool('echo', { text: 'clock' }, { timeoutMs: 400 }));
    controller.abort();
  }
  const failure = await call;
  expect(failure['code']).toBe(code);
  return failure['outcome'];
}

const echo = (text: string): string => `echo {"text":"${text}"}`;

describe('a call that ends while the network swallows everything', unhurried, () => {
  test.each(ends)(
    'since $how may have been executed, and then once, whenever the network is whole again',
    async ({ code }) => {
      const scene = await openScene();
      const { stage, server, proxy, session } = scene;
      proxy.pass('neither');
      expect(await endUnanswered(scene, 'late', code)).toBe('unknown');
      await stage.neighbourAnswers();
      expect(server.executions()).toEqual([]);
      proxy.pass('both');
      await server.executed(echo('late'));
      expect(await textOf(session.callTool('echo', { text: 'next' }))).toBe('next');
      expect(await stage.manager.removeServer('late')).toBe(true);
      expect(server.executions().filter((line) => line !== echo('clock'))).toEqual([echo('late'), echo('next')]);
      await stage.close();
    },
  );

  test.each(ends)('since $how, and had not been written by then, is never written', async ({ code }) => {
    const scene = await openScene();
    const { stage, server, proxy, session } = scene;
    proxy.pass('neither');
    // As many as there are connections; the others wait for one of them to be free.
    const controllers = Array.from({ length: 64 }, () => new AbortController());
    const first = controllers.map(({ signal }, n) =>
      failureOf(session.callTool('echo', { text: `first-${n}` }, { signal })),
    );
    const second = Array.from({ length: 36 }, (_, n) => endUnanswered(scene, `second-${n}`, code));
    expect(await Promise.all(second)).toEqual(second.map(() => 'not-sent'));
    await stage.neighbourAnswers();
    for (const controller of controllers) controller.abort();
    const outcomes = (await Promise.all(first)).map(({ outcome }) => outcome);
    // On a slow machine not every connection has come about.
    expect(outcomes).toContain('unknown');
    const sent = outcomes.flatMap((outcome, n) => (outcome === 'unknown' ? [echo(`first-${n}`)] : []));
    proxy.pass('both');
    expect(await textOf(session.callTool('echo', { text: 'next' }))).toBe('next');
    expect(await stage.manager.removeServer('late')).toBe(true);
    // Whatever the network still held has come to its end: only the connection that asks is there.
    await eventually(async () => (await server.truth()).connections.open === 1, { timeoutMs: 60_000 });
    const executions = server.executions();
    expect(executions).toHaveLength(new Set(executions).size);
    expect(executions.filter((line) => !sent.includes(line))).toEqual([echo('next')]);
    await stage.close();
  });

  test('is not answered by what the server says later, and neither is the next one', async () => {
    const { stage, server, session } = await openScene();
    const held = failureOf(session.callTool('hold', { tag: 'x' }, { timeoutMs: 400 }));
    await server.executed('hold {"tag":"x"}');
    expect(await held).toMatchObject({ code: 'CALL_TIMEOUT', outcome: 'unknown' });
    await server.order({ release: 'x' });
    expect(await textOf(session.callTool('echo', { text: 'next' }))).toBe('next');
    expect(server.executions()).toEqual(['hold {"tag":"x"}', echo('next')]);
    // The server was told that nobody waits for it any more.
    await eventually(async () => (await server.truth()).cancelled.length === 1, { timeoutMs: 60_000 });
    await stage.close();
  });
});

describe('a call while nobody is there', unhurried, () => {
  test('is not sent, and never executed when the server is back', async () => {
    const { stage, server, proxy, session } = await openScene();
    proxy.refuse();
    proxy.break('rst');
    const lost = await failureOf(session.callTool('echo', { text: 'lost' }, { timeoutMs: 400 }));
    expect(lost['outcome']).toBe('not-sent');
    await stage.neighbourAnswers();
    await stage.retries('late', 1);
    await proxy.accept();
    await stage.recovers(session);
    expect(await textOf(session.callTool('echo', { text: 'next' }))).toBe('next');
    expect(await stage.manager.removeServer('late')).toBe(true);
    expect(server.executions()).toEqual([echo('next')]);
    await stage.close();
  });
});
