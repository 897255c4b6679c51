import { describe, expect, test } from 'vitest';
import { RemoteStage, unchecked } from './remote-stage.ts';
import { failureOf, firstConnection, textOf, unhurried } from './stage.ts';

const html = '<html><h1>It works!</h1></html>';
const status = (code: number, rest: object = {}): object => ({ do: 'status', status: code, ...rest });
const json = { type: 'application/json' };

interface Case {
  readonly what: string;
  readonly fault: object;
  readonly code: string;
  readonly outcome: 'unknown' | 'rejected';
}

const unanswered: readonly Case[] = [
  { what: '202 and no answer', fault: status(202) },
  { what: '204', fault: status(204) },
  { what: 'an HTML page', fault: status(200, { body: html }) },
  { what: 'an empty body', fault: status(200, json) },
  { what: 'half a body of JSON', fault: status(200, { body: '{"jsonrpc":', ...json }) },
  { what: 'the answer to another request', fault: status(200, { body: { jsonrpc: '2.0', id: 'x', result: {} } }) },
  { what: '500', fault: status(500) },
  { what: '502 and a page', fault: status(502, { body: html }) },
  { what: '408', fault: status(408) },
  { what: '500 and a body without end', fault: { do: 'endless', status: 500 } },
  { what: '200 and a JSON body without end', fault: { do: 'endless', status: 200, ...json } },
  { what: 'an event without end', fault: { do: 'endless', status: 200, type: 'text/event-stream' } },
  { what: '256 MB of JSON in 256 kB of gzip', fault: { do: 'bomb', type: 'json', mb: 256 } },
  { what: 'an event of 256 MB in 256 kB of gzip', fault: { do: 'bomb', type: 'sse', mb: 256 } },
].map((each) => ({ ...each, code: 'OUTCOME_UNKNOWN', outcome: 'unknown' }));

const refused: readonly Case[] = [
  { what: '400', fault: status(400) },
  { what: '405', fault: status(405) },
  { what: '413', fault: status(413) },
  { what: '415', fault: status(415) },
  { what: 'a redirect', fault: status(307, { headers: { location: '/elsewhere' } }) },
].map((each) => ({ ...each, code: 'PROTOCOL', outcome: 'rejected' }));

describe('a call that a remote server answers with', unhurried, () => {
  test.each(unanswered)('$what is of unknown outcome at once, and the session stands', async (each) => {
    await expectFailure(each, ['1 connected.degraded']);
  });

  test.each(refused)('$what was not executed, and the session stands as if nothing had been', async (each) => {
    await expectFailure(each, []);
  });

  async function expectFailure({ fault, code, outcome }: Case, told: readonly string[]): Promise<void> {
    const stage = new RemoteStage();
    const server = await stage.fixture({ faults: [{ on: 'tools/call', times: 1, ...fault }] });
    const options = { ...unchecked, healthCheck: { ...unchecked.healthCheck, successThreshold: 1 } };
    const session = await stage.hold('odd', server, options);
    expect(await failureOf(session.callTool('echo', { text: 'first' }))).toMatchObject({
      code,
      outcome,
      generation: 1,
    });
    expect(await textOf(session.callTool('echo', { text: 'second' }))).toBe('second');
    const story = stage.story('odd').filter((line) => !line.startsWith('1 linkFault'));
    expect(story.slice(0, firstConnection.length + told.length)).toEqual([...firstConnection, ...told]);
    expect(stage.linkStory('odd').filter((line) => !line.includes('fault'))).toEqual(['1 opened']);
    expect(server.executions()).toEqual(['echo {"text":"second"}']);
    await stage.close();
  }
});

describe('an attempt that a remote server answers with', unhurried, () => {
  test.each([
    { what: 'an HTML page', fault: status(200, { body: html }) },
    { what: 'a redirect', fault: status(307, { headers: { location: '/elsewhere' } }) },
    { what: '256 MB of JSON in 256 kB of gzip', fault: { do: 'bomb', type: 'json', mb: 256 } },
    { what: 'a body without end', fault: { do: 'endless', status: 200, ...json } },
    { what: 'a reset', fault: { do: 'cut', how: 'rst', at: 'headers' } },
  ])('$what has failed, typed, and leaves nothing behind', async ({ fault }) => {
    const stage = new RemoteStage();
    const server = await stage.fixture({ faults: [{ on: 'initialize', ...fault }] });
    expect(await failureOf(stage.hold('no-server', server))).toMatchObject({ code: 'CONNECT', generation: 1 });
    expect(stage.story('no-server').slice(-2)).toEqual(['1 closed', '1 serverRemoved']);
    expect(stage.manager.sessionCount).toBe(0);
    await stage.close();
  });
});

describe('a remote server without faults', unhurried, () => {
  test.each(['json', 'sse'])(
    'that answers by %s is called a hundred times at once, over fewer connections',
    async (replies) => {
      const stage = new RemoteStage();
      const server = await stage.fixture({ replies });
      const session = await stage.hold('busy', server);
      const texts = Array.from({ length: 100 }, (_, n) => String(n));
      expect(await Promise.all(texts.map((text) => textOf(session.callTool('echo', { text }))))).toEqual(texts);
      expect(server.executions()).toHaveLength(100);
      expect(stage.story('busy')).toEqual(firstConnection);
      await stage.close();
    },
  );

  test('that closes the connection after each reply loses nothing', async () => {
    const stage = new RemoteStage();
    const server = await stage.fixture({ keepAlive: false });
    const session = await stage.hold('closing', server);
    for (let call = 0; call < 20; call += 1)
      expect(await textOf(session.callTool('echo', { text: String(call) }))).toBe(String(call));
    expect(server.executions()).toHaveLength(20);
    expect(stage.linkStory('closing').filter((line) => line.includes('down'))).toEqual([]);
    await stage.close();
  });

  test('that asks its user in the middle of sixteen calls gets sixteen answers', async () => {
    const stage = new RemoteStage();
    const server = await stage.fixture({ replies: 'sse' });
    const elicit = async (params: Record<string, unknown>): Promise<Record<string, unknown>> => ({
      action: 'accept',
      content: { name: params['message'] },
    });
    const session = await stage.hold('asking', server, { ...unchecked, handlers: { elicit } });
    const names = Array.from({ length: 16 }, (_, n) => `name-${n}`);
    const answers = await Promise.all(names.map((message) => textOf(session.callTool('ask', { message }))));
    expect(answers.map((answer) => JSON.parse(answer))).toEqual(
      names.map((name) => ({ action: 'accept', content: { name } })),
    );
    await stage.close();
  });

  test('that keeps no sessions is held through a restart as what it is: the same generation', async () => {
    const stage = new RemoteStage();
    const server = await stage.fixture({ sessions: 'none', standby: 'refused' });
    const session = await stage.hold('stateless', server);
    await server.restart();
    expect(await textOf(session.callTool('echo', { text: 'hello' }))).toBe('hello');
    expect(stage.linkStory('stateless').filter((line) => !line.includes('fault'))).toEqual(['1 opened']);
    await stage.close();
    expect((await server.truth()).requests['DELETE']).toBeUndefined();
  });
});
