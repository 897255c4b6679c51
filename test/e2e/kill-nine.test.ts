import { describe, expect, test } from 'vitest';
import type { Session } from '../../src/index.ts';
import { isRunning, membersOf } from '../support/processes.ts';
import { askPids, firstConnection, pidOf, recovery, Stage, textOf, unhurried, untiring } from './stage.ts';

const rounds = 20;

/**
 * Kills, twenty times in a row, whom `victimOf` names, and sees each time: down, released with nothing of the old process
 * group left, up again as the next generation with another process, and answering calls.
 */
async function killAgainAndAgain(
  stage: Stage,
  session: Session,
  victimOf: (round: number) => Promise<number>,
  expectAnswer: () => Promise<void>,
): Promise<void> {
  const { id } = session;
  const groups = [pidOf(session)];
  for (let round = 1; round <= rounds; round += 1) {
    const group = pidOf(session);
    const before = stage.now;
    const victim = await victimOf(round);
    expect(membersOf(group)).toContain(victim);
    process.kill(victim, 'SIGKILL');
    await stage.reaches(id, 'connected.healthy', round + 1);
    expect(stage.story(id, before)).toEqual(recovery(round, round));
    expect(session.info).toMatchObject({ state: 'healthy', generation: round + 1, failedHealthChecks: 0 });
    expect(membersOf(group)).toEqual([]);
    groups.push(pidOf(session));
    await expectAnswer();
  }
  expect(new Set(groups).size).toBe(rounds + 1);
  expect(groups.slice(0, -1).flatMap(membersOf)).toEqual([]);
  expect(stage.story(id)).toEqual([
    ...firstConnection,
    ...Array.from({ length: rounds }, (_, index) => recovery(index + 1, index + 1)).flat(),
  ]);
  expect(session.info).toMatchObject({ attempt: rounds, activeRequests: 0, failedRequests: 0 });
}

describe('a server that is killed with -9 twenty times in a row comes back twenty times', unhurried, () => {
  test('when it is the process that we started', async () => {
    const stage = new Stage();
    const session = await stage.add('direct', stage.server('direct'), untiring);
    await killAgainAndAgain(
      stage,
      session,
      async () => pidOf(session),
      async () => expect(await askPids(session)).toEqual({ pid: session.info.pid, grandchild: null }),
    );
    expect(session.info.lastError).toMatchObject({ code: 'signal:SIGKILL' });
    await stage.close();
  });

  test('when it is the published server-everything', async () => {
    const stage = new Stage();
    const target = stage.published('everything', 'server-everything', ['stdio']);
    const session = await stage.add('everything', target, untiring);
    await killAgainAndAgain(
      stage,
      session,
      async () => pidOf(session),
      async () =>
        expect(await session.callTool('echo', { message: 'still here' })).toEqual({
          content: [{ type: 'text', text: 'Echo: still here' }],
        }),
    );
    await stage.close();
  });

  test('behind a shell, whether the server itself is killed or the shell that holds it', async () => {
    const stage = new Stage();
    const session = await stage.add('wrapped', stage.serverBehindShell('wrapped', 'ignore-term'), untiring);
    const killed: string[] = [];
    await killAgainAndAgain(
      stage,
      session,
      async (round) => {
        const shell = pidOf(session);
        const { pid } = await askPids(session);
        expect(pid).not.toBe(shell);
        if (round % 2 === 1) return pid;
        killed.push(String(session.info.lastError?.code));
        return shell;
      },
      async () => expect(await textOf(session.callTool('echo', { text: 'hello' }))).toBe('hello'),
    );
    // Each time that the server itself was killed its shell went on to `true`, and exited well.
    expect(new Set(killed)).toEqual(new Set(['exit:0']));
    expect(session.info.lastError).toMatchObject({ code: 'signal:SIGKILL' });
    await stage.close({ drainMs: 0 });
  });

  test('with a grandchild that holds the pipe open, which dies with it', async () => {
    const stage = new Stage();
    const session = await stage.add('forking', stage.server('forking', 'grandchild'), untiring);
    const grandchildren: number[] = [];
    await killAgainAndAgain(
      stage,
      session,
      async () => {
        const { pid, grandchild } = await askPids(session);
        expect(grandchildren.filter(isRunning)).toEqual([]);
        if (grandchild === null) throw new Error('there is no grandchild');
        expect(isRunning(grandchild)).toBe(true);
        grandchildren.push(grandchild);
        return pid;
      },
      async () => expect(await textOf(session.callTool('add', { a: 2, b: 3 }))).toBe('5'),
    );
    expect(new Set(grandchildren).size).toBe(rounds);
    await stage.close();
  });
});
