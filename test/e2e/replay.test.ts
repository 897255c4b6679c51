import { describe, expect, test } from 'vitest';
import { RemoteStage, unchecked } from './remote-stage.ts';
import { Stage, unhurried, untiring } from './stage.ts';

const lookup = { name: 'echo', inputSchema: { type: 'object' }, annotations: { readOnlyHint: true } };

describe('a tool that calls itself read-only, whose reply is lost after it ran', unhurried, () => {
  test.each(['rst', 'fin'] as const)(
    'is run again over HTTP where its server is trusted, and answered: %s',
    async (how) => {
      const stage = new RemoteStage();
      const server = await stage.fixture({
        tools: [lookup],
        faults: [{ on: 'tools/call', times: 1, do: 'cut', how, at: 'answer' }],
      });
      const session = await stage.hold('trusted', server, { ...unchecked, trustAnnotations: true });
      const attempts: number[] = [];
      const result = await session.callTool(
        'echo',
        { text: 'hello' },
        { onServed: (served) => attempts.push(served.attempts) },
      );
      expect(result).toMatchObject({ content: [{ type: 'text', text: 'hello' }] });
      expect([server.executions().length, attempts]).toEqual([2, [2]]);
      await stage.close();
    },
  );

  test('is run once over HTTP where its server is not trusted, and its outcome is unknown', async () => {
    const stage = new RemoteStage();
    const server = await stage.fixture({
      tools: [lookup],
      faults: [{ on: 'tools/call', times: 1, do: 'cut', how: 'rst', at: 'answer' }],
    });
    const session = await stage.hold('stranger', server, unchecked);
    await expect(session.callTool('echo', { text: 'hello' })).rejects.toMatchObject({
      code: 'OUTCOME_UNKNOWN',
      outcome: 'unknown',
      tool: 'echo',
      serverId: 'stranger',
      generation: 1,
    });
    expect(server.executions()).toHaveLength(1);
    await stage.close();
  });

  test.each([
    ['is run again by the next process, where its owner calls it safe', { tools: { mark: { retry: 'safe' } } }, 2],
    ['is run once, where nothing is known of it', {}, 1],
  ] as const)('over stdio %s', async (_what, options, runs) => {
    const stage = new Stage();
    const session = await stage.add('mortal', stage.server('mortal'), { ...untiring, ...options });
    const call = session.callTool('mark', { key: 'k', ms: 1_000 });
    const settled = call.then(
      ({ content }) => content,
      ({ code }: { code: string }) => code,
    );
    await stage.until('the first run', (event): event is typeof event => isMarked(stage) && event.seq > 0);
    process.kill(Number(session.info.pid), 'SIGKILL');
    expect(await settled).toEqual(runs === 2 ? [{ type: 'text', text: 'k' }] : 'OUTCOME_UNKNOWN');
    expect(stage.log('mortal').filter((line) => line === 'mark k')).toHaveLength(runs);
    await stage.close();
  });
});

function isMarked(stage: Stage): boolean {
  return stage.log('mortal').includes('mark k');
}
