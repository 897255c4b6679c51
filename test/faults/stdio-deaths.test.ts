import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, onTestFinished, test } from 'vitest';
import type { ServerTarget, Session } from '../../src/index.ts';
import { eventually } from '../support/eventually.ts';
import { isRunning } from '../support/processes.ts';
import { askPids, failureOf, firstConnection, pidOf, recovery, unhurried } from '../e2e/stage.ts';
import { NeighbourStage, patience, unchecked } from './neighbour-stage.ts';

type Kill = (stage: NeighbourStage, session: Session) => void;

interface Death {
  readonly what: string;
  readonly server: (stage: NeighbourStage) => ServerTarget;
  /** The tool that is called; it never answers. */
  readonly tool: string;
  /** Ends it once the call is under way; without, the call itself does. */
  readonly kill?: Kill;
  readonly code: string;
  /** How often the tool ran, as the server wrote it down; default 1. */
  readonly runs?: number;
}

const signal =
  (name: NodeJS.Signals): Kill =>
  (_, session) =>
    process.kill(pidOf(session), name);
const killLeader = signal('SIGKILL');
/** The server itself, as its log tells its process id: behind a shell it is not the process that was started. */
const killServer: Kill = (stage) => process.kill(Number(stage.log('mortal')[0]?.split(' ')[1]), 'SIGKILL');

const deaths: Death[] = [
  {
    what: 'exits before the tool runs',
    server: (stage) => stage.server('mortal', 'exit-call:7'),
    tool: 'echo',
    code: 'exit:7',
    runs: 0,
  },
  {
    what: 'closes its stdout in it and runs on',
    server: (stage) => stage.server('mortal', 'close-stdout', 'ignore-term'),
    tool: 'echo',
    code: 'stdout-closed',
  },
  {
    what: 'aborts',
    server: (stage) => stage.server('mortal'),
    tool: 'sleep',
    kill: signal('SIGABRT'),
    code: 'signal:SIGABRT',
  },
  {
    what: 'is killed with -9',
    server: (stage) => stage.server('mortal'),
    tool: 'sleep',
    kill: killLeader,
    code: 'signal:SIGKILL',
  },
  {
    what: 'is killed with -9 while a stubborn grandchild holds the pipe',
    server: (stage) => stage.server('mortal', 'grandchild-ignore-term'),
    tool: 'sleep',
    kill: killLeader,
    code: 'signal:SIGKILL',
  },
  {
    what: 'is killed with -9 behind a shell',
    server: (stage) => stage.serverBehindShell('mortal', 'ignore-term'),
    tool: 'sleep',
    kill: killServer,
    code: 'exit:0',
  },
  {
    what: 'loses the shell in front of it to -9, and would run on',
    server: (stage) => stage.serverBehindShell('mortal', 'ignore-term'),
    tool: 'sleep',
    kill: killLeader,
    code: 'signal:SIGKILL',
  },
];

describe('a call in flight', unhurried, () => {
  test.each(deaths)(
    'whose server $what is of unknown outcome, is not repeated, and costs no other server anything',
    async ({ server, tool, kill, code, runs = 1 }) => {
      const stage = await NeighbourStage.open();
      const session = await stage.add('mortal', server(stage), unchecked);
      const before = stage.processes('mortal');
      const call = failureOf(session.callTool(tool, { ms: 600_000 }));
      if (kill !== undefined) {
        await eventually(() => stage.log('mortal').some((line) => line.startsWith('call sleep')), patience);
        kill(stage, session);
      }
      expect(await call).toEqual({
        name: 'OutcomeUnknownError',
        code: 'OUTCOME_UNKNOWN',
        outcome: 'unknown',
        tool,
        serverId: 'mortal',
        generation: 1,
        retryable: false,
        retryAfterMs: undefined,
      });
      await stage.neighbourAnswers();
      await stage.reaches('mortal', 'connected.healthy', 2);
      expect(stage.story('mortal')).toEqual([...firstConnection, ...recovery(1, 1)]);
      expect(before.filter(isRunning)).toEqual([]);
      expect(session.info).toMatchObject({ lastError: { code }, failedRequests: 1, activeRequests: 0 });
      // What this ping finds done has been done by the one call.
      await session.ping();
      expect(stage.log('mortal').filter((line) => line.startsWith('call'))).toHaveLength(runs);
      await stage.close({ drainMs: 0 });
    },
  );
});

describe('a server that is let go', unhurried, () => {
  test.each([
    ['asked', 'with a grandchild on its pipe', {}, (stage: NeighbourStage) => stage.server('leaving', 'grandchild')],
    [
      'forced',
      'behind a shell, deaf to the end of stdin and to SIGTERM',
      { drainMs: 0 },
      (stage: NeighbourStage) => stage.serverBehindShell('leaving', 'ignore-term', 'grandchild-ignore-term'),
    ],
  ])('(%s), %s, leaves nothing, and no other server notices', async (_how, _what, options, server) => {
    const stage = await NeighbourStage.open();
    await stage.add('leaving', server(stage), unchecked);
    const { now } = stage;
    const processes = stage.processes('leaving');
    expect(processes.length).toBeGreaterThanOrEqual(2);
    expect(await stage.manager.removeServer('leaving', options)).toBe(true);
    expect(processes.filter(isRunning)).toEqual([]);
    expect(stage.processes('leaving')).toEqual([]);
    expect(stage.story('leaving', now)).toEqual(['1 releasing', '1 closed', '1 serverRemoved']);
    await stage.close();
  });

  test('and whose pipe is held open by a process that escaped: its late end does not touch the next connection', async () => {
    const stage = await NeighbourStage.open();
    const session = await stage.add('old', escaping(stage), unchecked);
    const escapee = Number(readFileSync(join(stage.directory, 'escapee'), 'utf8'));
    onTestFinished(() => {
      if (isRunning(escapee)) process.kill(escapee, 'SIGKILL');
    });
    const server = pidOf(session);
    session.reconnect();
    await stage.reaches('old', 'connected.healthy', 2);
    expect([isRunning(server), isRunning(escapee)]).toEqual([false, true]);
    const { now } = stage;
    process.kill(escapee, 'SIGKILL');
    await eventually(() => !isRunning(escapee), patience);
    expect(await askPids(session)).toEqual({ pid: pidOf(session), grandchild: null });
    expect(stage.story('old', now)).toEqual([]);
    await stage.close();
  });
});

/** A server that starts, in its first life, a process in a session of its own, which inherits its pipes and not its mark. */
function escaping(stage: NeighbourStage): ServerTarget {
  const file = join(stage.directory, 'escapee');
  const escape = `
    const { existsSync, writeFileSync } = require('node:fs');
    if (!existsSync(${JSON.stringify(file)})) {
      const stdio = ['ignore', 'inherit', 'inherit'];
      const child = require('node:child_process').spawn('sleep', ['1000'], { detached: true, env: {}, stdio });
      child.unref();
      writeFileSync(${JSON.stringify(file)}, String(child.pid));
    }
    import(${JSON.stringify(join(import.meta.dirname, '..', 'fixtures', 'stdio-server.mjs'))});`;
  return stage.command('old', process.execPath, ['-e', escape]);
}
