import { describe, expect, test } from 'vitest';
import { isHoldfastError, type Session } from '../../src/index.ts';
import { textOf, unhurried } from '../e2e/stage.ts';
import { NeighbourStage, unchecked, unpaced } from './neighbour-stage.ts';

const options = { ...unchecked, reconnect: { ...unchecked.reconnect, delayMs: 1, maxDelayMs: 1 } };
/** Servers that are cut side by side, each after every eighth byte. */
const lanes = Array.from({ length: 8 }, (_, first) => first);
/** More than any reply has. */
const wholly = 1_000;

/** What the caller got: the answer, or how the call failed and in which generation. */
async function callCut(session: Session, key: string, bytes: number, how: string): Promise<string> {
  try {
    return await textOf(session.callTool('cut', { key, bytes, how }));
  } catch (error) {
    if (!isHoldfastError(error)) throw error;
    return `${error.name} ${error.outcome} ${error.generation}`;
  }
}

/** The tool's runs with the lengths of their replies, as the server wrote them down. */
function runsOf(stage: NeighbourStage, id: string): { key: string; length: number }[] {
  return stage.log(id).map((line) => {
    const [, key = '', length] = line.split(' ');
    return { key, length: Number(length) };
  });
}

/** Cuts replies after `first` bytes, eight more, and so on until one was whole; tells how many were lost. */
async function cutAll(stage: NeighbourStage, first: number, how: string, code: string): Promise<number> {
  const id = `cut-${first}`;
  const session = await stage.add(id, stage.cutting(id), options);
  const keys: string[] = [];
  for (let bytes = first, generation = 1; ; bytes += lanes.length, generation += 1) {
    const key = `after-${bytes}`;
    keys.push(`before-${bytes}`, key);
    expect(await callCut(session, `before-${bytes}`, wholly, 'go-on')).toBe(`before-${bytes}`);
    const got = await callCut(session, key, bytes, how);
    await stage.reaches(id, 'connected.healthy', generation + 1);
    expect(session.info).toMatchObject({ lastError: { code }, activeRequests: 0 });
    const { length } = runsOf(stage, id).at(-1) ?? { length: 0 };
    // Nothing is missing but the newline: then the answer is there.
    const isWhole = bytes >= length - 1;
    expect([key, got]).toEqual([key, isWhole ? key : `OutcomeUnknownError unknown ${generation}`]);
    if (!isWhole) continue;
    expect(runsOf(stage, id).map((run) => run.key)).toEqual(keys);
    expect(session.info.failedRequests).toBe(generation - 1);
    return generation - 1;
  }
}

describe(
  'a call whose tool has run is answered if the reply was whole, else of unknown outcome, and runs once',
  unhurried,
  () => {
    test.each([
      ['is killed', 'kill', 'signal:SIGKILL'],
      ['exits', 'exit', 'exit:0'],
      ['closes its stdout and runs on', 'close', 'stdout-closed'],
    ])('whatever number of bytes the server has written when it %s', async (_, how, code) => {
      const stage = await NeighbourStage.open({}, { connectLimiter: unpaced });
      const lost = await Promise.all(lanes.map((first) => cutAll(stage, first, how, code)));
      // Every byte of a reply that has some seventy of them.
      expect(lost.reduce((sum, each) => sum + each)).toBeGreaterThan(64);
      await stage.close();
    });
  },
);
