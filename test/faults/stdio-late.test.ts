import { describe, expect, test } from 'vitest';
import type { Session } from '../../src/index.ts';
import { failureOf, pidOf, textOf, unhurried } from '../e2e/stage.ts';
import { NeighbourStage, unchecked } from './neighbour-stage.ts';

/** More than a pipe holds: whatever follows it waits in our own queue. */
const bulky = 'x'.repeat(2 ** 20);

/** What the server has read since it was initialized and listed. */
const readByServer = (stage: NeighbourStage): string[] =>
  stage
    .log('late')
    .slice(1)
    .filter((line) => !/^read (initialize|notifications\/initialized|ping|tools\/list)$/.test(line));

/** The server is stopped; the first call fills the pipe, and the others wait behind it, in our hands. */
async function stuck(stage: NeighbourStage): Promise<Session> {
  const session = await stage.add('late', stage.ruleBreaker('late'), unchecked);
  process.kill(pidOf(session), 'SIGSTOP');
  return session;
}

describe('a server that goes on long after it was stopped', unhurried, () => {
  test('executes once what it had been sent, and reads nothing of the calls that had not left when they timed out', async () => {
    const stage = await NeighbourStage.open();
    const session = await stuck(stage);
    const calls = [bulky, 'second', 'third'].map((text) =>
      failureOf(session.callTool('echo', { text }, { timeoutMs: 300 })),
    );
    const abort = new AbortController();
    const aborted = failureOf(session.callTool('echo', { text: 'fourth' }, { signal: abort.signal }));
    expect(await Promise.all(calls)).toMatchObject([
      { code: 'CALL_TIMEOUT', outcome: 'unknown', retryable: false },
      { code: 'CALL_TIMEOUT', outcome: 'not-sent', retryable: true },
      { code: 'CALL_TIMEOUT', outcome: 'not-sent', retryable: true },
    ]);
    abort.abort();
    expect(await aborted).toMatchObject({ code: 'CALL_ABORTED', outcome: 'not-sent' });
    await stage.neighbourAnswers();
    process.kill(pidOf(session), 'SIGCONT');
    // Its answer comes after anything else that could have been written.
    expect(await textOf(session.callTool('pid'))).toBe(String(pidOf(session)));
    expect(readByServer(stage)).toEqual([
      'read tools/call echo',
      'read notifications/cancelled',
      'read tools/call pid',
    ]);
    expect(session.info).toMatchObject({ generation: 1, activeRequests: 0 });
    await stage.close();
  });

  test('and is killed instead executes nothing more: the call that had left is of unknown outcome, those behind it are sent to the next one', async () => {
    const stage = await NeighbourStage.open();
    const session = await stuck(stage);
    const first = failureOf(session.callTool('echo', { text: bulky }));
    const others = ['second', 'third'].map((text) => textOf(session.callTool('echo', { text })));
    process.kill(pidOf(session), 'SIGKILL');
    expect(await first).toMatchObject({ code: 'OUTCOME_UNKNOWN', outcome: 'unknown', generation: 1 });
    expect(await Promise.all(others)).toEqual(['second', 'third']);
    expect(session.info.generation).toBe(2);
    await session.ping();
    expect(readByServer(stage).filter((line) => line === 'read tools/call echo')).toHaveLength(2);
    await stage.close();
  });
});
