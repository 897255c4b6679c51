import { firstValueFrom, toArray } from 'rxjs';
import { describe, expect, it } from 'vitest';
import type { Era, ServerOptions, Session, SessionEvent } from '../../src/index.ts';
import { eventually } from '../support/eventually.ts';
import { EraStage } from './era-stage.ts';
import { failureOf, firstConnection, textOf, unhurried, untiring } from './stage.ts';

const versions = { legacy: '2025-11-25', modern: '2026-07-28' } as const;
const note = 'file:///note';

const eras: readonly [Era, 'stdio' | 'HTTP'][] = [
  ['legacy', 'stdio'],
  ['legacy', 'HTTP'],
  ['modern', 'stdio'],
  ['modern', 'HTTP'],
];

/** Of a question without a handler: the one fails in the tool that asks; the other looks first at what the client can be asked. */
const refusals = {
  legacy: { value: { isError: true } },
  modern: { reason: { code: 'RPC', rpcCode: -32_021, serverId: 'a' } },
};

type Updated = Extract<SessionEvent, { type: 'resourceUpdated' }>;

/** What every cell of the table in docs/protocol.md stands for: one test of each feature, in each era, over each transport. */
describe.each(eras)('%s over %s', (era, wire) => {
  /** Kills the server and has it back; over HTTP on the same port. */
  type Bounce = () => Promise<void>;

  async function hold(stage: EraStage, options: ServerOptions = {}): Promise<{ session: Session; bounce: Bounce }> {
    const server = wire === 'HTTP' ? await stage.overHttp(era) : undefined;
    const session = await stage.add('a', server?.target ?? stage.overStdio(era), { ...untiring, ...options });
    const bounce = async (): Promise<void> => {
      if (server === undefined) process.kill(session.info.pid ?? 0, 'SIGKILL');
      else {
        await server.kill();
        await stage.overHttp(era, server.port);
      }
    };
    return { session, bounce };
  }

  /** The answer of a session that may be in the midst of noticing that its server was another process. */
  const insist = (session: Session, tool: string): Promise<string> =>
    eventually(() => textOf(session.callTool(tool)).catch(() => undefined), {
      what: `an answer of ${tool}`,
    }) as Promise<string>;

  it('the handshake, the proof of life and the list of tools', unhurried, async () => {
    const stage = new EraStage();
    const { session } = await hold(stage);
    expect(session.info).toMatchObject({ era, protocolVersion: versions[era], serverInfo: { name: 'eras' } });
    expect(stage.story('a')).toEqual(firstConnection);
    expect((await session.ping()).ms).toBeGreaterThan(0);
    expect(session.catalog.tools.map(({ tool }) => tool.name)).toContain('which');
    await stage.close();
  });

  it('tools, resources and prompts', unhurried, async () => {
    const stage = new EraStage();
    const { session } = await hold(stage);
    expect(await textOf(session.callTool('which'))).toBe(era);
    expect(await session.readResource(note)).toMatchObject({ contents: [{ uri: note, text: 'noted' }] });
    expect((await session.listResources()).map(({ uri }) => uri)).toEqual([note]);
    expect((await session.listPrompts()).map(({ name }) => name)).toEqual(['greet']);
    expect(await session.getPrompt('greet')).toMatchObject({ messages: [{ content: { text: 'hello' } }] });
    expect(await failureOf(session.readResource('file:///none'))).toMatchObject({ code: 'RPC' });
    await stage.close();
  });

  it('progress', unhurried, async () => {
    const stage = new EraStage();
    const { session } = await hold(stage);
    expect(await firstValueFrom(session.callTool$('count').pipe(toArray()))).toMatchObject([
      { type: 'progress', progress: 1, total: 3 },
      { type: 'progress', progress: 2, total: 3 },
      { type: 'progress', progress: 3, total: 3 },
      { type: 'result', result: { content: [{ text: 'counted' }] } },
    ]);
    await stage.close();
  });

  it('a call that is given up is given up by the server, too', unhurried, async () => {
    const stage = new EraStage();
    const { session } = await hold(stage);
    const caller = new AbortController();
    const failure = failureOf(session.callTool('wait', {}, { signal: caller.signal }));
    await session.callTool('which');
    caller.abort();
    expect(await failure).toMatchObject({ code: 'CALL_ABORTED', outcome: 'unknown' });
    await eventually(async () => (await textOf(session.callTool('given-up'))) === '1', { what: 'the server knows' });
    await stage.close();
  });

  it('a tool that is added while it is connected', unhurried, async () => {
    const stage = new EraStage();
    const { session } = await hold(stage);
    await session.callTool('grow');
    await stage.until(
      'the new tool',
      (event): event is typeof event => event.type === 'catalogChanged' && event.added.includes('grown'),
    );
    expect(await textOf(session.callTool('grown'))).toBe('grown');
    expect(session.info.generation).toBe(1);
    await stage.close();
  });

  it('a subscription, over the death of the server', unhurried, async () => {
    const stage = new EraStage();
    const { session, bounce } = await hold(stage);
    const updates = (): (readonly [string, boolean])[] =>
      stage.events
        .filter((event): event is Updated => event.type === 'resourceUpdated')
        .map(({ uri, gap }) => [uri, gap]);
    await session.subscribeResource(note);
    await session.callTool('touch', { uri: note });
    await eventually(() => updates().length === 1, { what: 'the first update' });
    await bounce();
    await stage.until('the gap', (event): event is Updated => event.type === 'resourceUpdated' && event.gap);
    await session.callTool('touch', { uri: note });
    await eventually(() => updates().length === 3, { what: 'the update after it' });
    expect(updates()).toEqual([
      [note, false],
      [note, true],
      [note, false],
    ]);
    await stage.close();
  });

  it('a log level, over the death of the server', unhurried, async () => {
    const stage = new EraStage();
    const { session, bounce } = await hold(stage);
    const log: unknown[] = [];
    session.log$.subscribe(({ level, data }) => log.push([level, data]));
    await session.setLogLevel('error');
    await session.callTool('log');
    await session.setLogLevel('info');
    await session.callTool('log');
    await eventually(() => log.length === 1, { what: 'the message' });
    await bounce();
    await eventually(
      async () => {
        await session.callTool('log').catch(() => undefined);
        return log.length > 1;
      },
      { what: 'a message of the next process' },
    );
    expect(new Set(log.map((entry) => JSON.stringify(entry)))).toEqual(new Set(['["info","as it happens"]']));
    await stage.close();
  });

  const answers = {
    form: { action: 'accept', content: { name: 'Ada' } },
    url: { action: 'accept' },
    sample: { role: 'assistant', model: 'm', content: { type: 'text', text: 'so be it' } },
    roots: { roots: [{ uri: 'file:///work', name: 'work' }] },
  };

  it.each(['form', 'url', 'sample', 'roots'] as const)('its question by %s', unhurried, async (kind) => {
    const stage = new EraStage();
    const asked: (readonly [string, string])[] = [];
    const answer =
      <T>(as: string, result: T) =>
      async (_params: unknown, { session }: { readonly session: string }): Promise<T> => {
        asked.push([as, session]);
        return result;
      };
    const { session } = await hold(stage, {
      handlers: {
        elicit: answer('form', answers.form),
        elicitUrl: answer('url', answers.url),
        sample: answer('sample', answers.sample),
        roots: (context) => answer('roots', answers.roots.roots)(undefined, context),
      },
    });
    expect(JSON.parse(await textOf(session.callTool('ask', { kind })))).toEqual(answers[kind]);
    expect(asked).toEqual([[kind, 'a']]);
    await stage.close();
  });

  it('its question without a handler is refused, and the session is as it was', unhurried, async () => {
    const stage = new EraStage();
    const { session } = await hold(stage);
    const said = Promise.allSettled([session.callTool('ask', { kind: 'form' })]);
    expect(await said).toMatchObject([refusals[era]]);
    expect(session.info).toMatchObject({ state: 'healthy', generation: 1 });
    expect(await textOf(session.callTool('which'))).toBe(era);
    await stage.close();
  });

  it('the death of the server', unhurried, async () => {
    const stage = new EraStage();
    const { session, bounce } = await hold(stage, { healthCheck: { intervalMs: 200 } });
    await bounce();
    expect(await insist(session, 'which')).toBe(era);
    await eventually(() => session.state === 'healthy', { what: 'health' });
    await stage.close();
  });
});
