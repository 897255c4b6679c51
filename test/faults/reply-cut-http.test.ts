import { describe, expect, test } from 'vitest';
import { isHoldfastError, type Session } from '../../src/index.ts';
import { textOf, unhurried } from '../e2e/stage.ts';
import { CuttingServer, forms, type Cut } from './cutting-server.ts';
import { FaultStage } from './fault-stage.ts';

const ends = ['rst', 'fin'] as const;

interface Scene {
  readonly stage: FaultStage;
  readonly server: CuttingServer;
  readonly session: Session;
}

async function openScene(): Promise<Scene> {
  const stage = await FaultStage.withNeighbour();
  const server = stage.owns(await CuttingServer.start());
  return { stage, server, session: await stage.hold('cut', server) };
}

/** What became of a call whose connection ends there: what its caller got, and how often the tool ran for it. */
async function callCut(
  { server, session }: Scene,
  args: { readonly key: string },
  cut: Cut,
): Promise<{ got: string; ran: number }> {
  server.cut = cut;
  const [settled] = await Promise.allSettled([textOf(session.callTool('run', args))]);
  expect(server.cut).toBeNull();
  const got = settled.status === 'fulfilled' ? settled.value : failureIn(settled.reason);
  return { got, ran: server.executed.filter((key) => key === args.key).length };
}

function failureIn(error: unknown): string {
  if (!isHoldfastError(error)) throw error;
  return `${error.code} ${error.outcome}`;
}

/** Two calls that are answered: the session stands, and no circuit has a reason to open however many of the others fail. */
async function expectStands({ session }: Scene, key: string): Promise<void> {
  for (const text of [`${key} next`, `${key} after`])
    expect(await textOf(session.callTool('run', { key: text }))).toBe(text);
}

describe('a call whose tool has run', unhurried, () => {
  test.each(forms.flatMap((form) => ends.map((how) => [form, how] as const)))(
    'and whose reply (%s) ends after any number of bytes (%s) is answered if the answer was whole, else of unknown outcome',
    async (form, how) => {
      const scene = await openScene();
      scene.server.form = form;
      let lost = 0;
      for (let at = 0; at <= scene.server.reply.length; at += 1) {
        const key = `cut after ${at}`;
        const { got, ran } = await callCut(scene, { key }, { how, afterReplyBytes: at });
        const isWhole = at >= scene.server.reply.answered;
        expect([key, got, ran]).toEqual([key, isWhole ? key : 'OUTCOME_UNKNOWN unknown', 1]);
        if (!isWhole) lost += 1;
        await expectStands(scene, key);
      }
      // It was cut at every byte from before the head to after the end.
      expect(lost).toBeGreaterThan(100);
      expect(scene.session.info).toMatchObject({ generation: 1, failedRequests: lost, activeRequests: 0 });
      expect(scene.stage.linkStory('cut').filter((line) => !line.includes('fault'))).toEqual(['1 opened']);
      await scene.stage.close();
    },
  );
});

describe('a call that the server has not read to its end', unhurried, () => {
  test.each(ends)('when the connection ends (%s) is of unknown outcome, and not sent again', async (how) => {
    const scene = await openScene();
    const args = { key: 'large', ballast: 'x'.repeat(8_000_000) };
    expect(await callCut(scene, args, { how, afterRequestBytes: 2_000 })).toEqual({
      got: 'OUTCOME_UNKNOWN unknown',
      ran: 0,
    });
    await expectStands(scene, 'large');
    expect(scene.server.executed).toEqual(['large next', 'large after']);
    expect(scene.session.info).toMatchObject({ generation: 1, failedRequests: 1 });
    await scene.stage.close();
  });
});
