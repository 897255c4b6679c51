import { describe, expect, test } from 'vitest';
import type { Phase, ServerOptions, ServerTarget, Session } from '../../src/index.ts';
import { failureOf, pidOf, Stage, textOf, unhurried, untiring } from './stage.ts';

const stoppedCheck = { healthCheck: { intervalMs: 100, timeoutMs: 400 } };
const noRetryForLong = { reconnect: { ...untiring.reconnect, delayMs: 600_000, maxDelayMs: 600_000 } };

interface Case {
  readonly phase: Phase;
  readonly target: (stage: Stage) => ServerTarget;
  readonly options?: ServerOptions;
  /** Brings the session, which may be on its way already, into the phase. */
  readonly act?: (session: Session, stage: Stage) => unknown;
}

const afterItsHealth =
  (act: (session: Session) => void) =>
  async (session: Session): Promise<void> => {
    await session.ready({ timeoutMs: 60_000 });
    act(session);
  };
const stop = afterItsHealth((session) => process.kill(pidOf(session), 'SIGSTOP'));
const kill = afterItsHealth((session) => process.kill(pidOf(session), 'SIGKILL'));

const cases: readonly Case[] = [
  { phase: 'connecting.waiting', target: (stage) => stage.server('it', 'ignore-term') },
  { phase: 'connecting.opening', target: (stage) => stage.server('it', 'never-starts', 'grandchild') },
  { phase: 'connecting.verifying', target: (stage) => stage.server('it', 'no-ping', 'grandchild') },
  { phase: 'connecting.hydrating', target: (stage) => stage.server('it', 'grandchild-ignore-term') },
  { phase: 'connected.healthy', target: (stage) => stage.serverBehindShell('it', 'grandchild') },
  { phase: 'connected.degraded', target: (stage) => stage.server('it'), options: stoppedCheck, act: stop },
  { phase: 'connected.unhealthy', target: (stage) => stage.server('it'), options: stoppedCheck, act: stop },
  { phase: 'releasing', target: (stage) => stage.server('it', 'grandchild-ignore-term'), act: kill },
  { phase: 'disconnected.backingOff', target: (stage) => stage.server('it', 'grandchild'), act: kill },
  {
    phase: 'disconnected.parked.crashLoop',
    target: (stage) => stage.server('it', 'exit-start', 'grandchild'),
    options: { reconnect: { ...untiring.reconnect, crashLoopExits: 1 } },
  },
  { phase: 'disconnected.parked.config', target: (stage) => stage.command('it', 'no-such-server-anywhere', []) },
  {
    phase: 'disconnected.stopped',
    target: (stage) => stage.server('it', 'exit-start', 'grandchild'),
    options: { reconnect: { enabled: false } },
  },
];

describe('close() leaves no process, timer, pipe or listener behind', unhurried, () => {
  describe.each([
    ['by force', { drainMs: 0 }],
    ['gracefully', {}],
  ] as const)('%s', (_, options) => {
    // A graceful end waits for a server that ignores it: that has its own test.
    test.each(cases)(
      'in the very moment of entering $phase',
      async ({ phase, target, options: serverOptions, act }) => {
        const stage = new Stage();
        let closed: Promise<void> | undefined;
        stage.manager.events$.subscribe((event) => {
          if (event.type === 'stateChanged' && event.phase === phase) closed ??= stage.close(options);
        });
        const session = await stage.add('it', target(stage), { waitForReady: false, ...serverOptions });
        await act?.(session, stage);
        await stage.reaches('it', phase);
        await closed;
        expect(stage.story('it').slice(-2)).toEqual([
          `${session.info.generation} closed`,
          `${session.info.generation} serverRemoved`,
        ]);
        expect(session.info).toMatchObject({ phase: 'closed', pid: null, nextAttemptAt: null });
        await stage.manager.closed;
      },
    );
  });

  test('in a phase that lasts: some time after it was entered', async () => {
    const stage = new Stage({ maxConnections: 20 });
    const late = { waitForReady: false } as const;
    const healthy = await stage.add('healthy', stage.server('healthy', 'grandchild'));
    await stage.add('idle', stage.server('idle'), { lazy: true });
    await stage.add('opening', stage.server('opening', 'never-starts'), late);
    await stage.add('verifying', stage.server('verifying', 'no-ping'), late);
    await stage.add('backing off', stage.server('backing off', 'exit-start'), { ...late, ...noRetryForLong });
    await stage.add('parked', stage.command('parked', 'no-such-server-anywhere', []), late);
    await stage.reaches('verifying', 'connecting.verifying');
    // The first retry comes soon; the second one would come in ten minutes.
    await stage.reaches('backing off', 'disconnected.backingOff', 2);
    await stage.reaches('parked', 'disconnected.parked.config');
    // Eight attempts may be under way at once: with these the limiter is full.
    for (let n = 1; n <= 6; n += 1) await stage.add(`mute ${n}`, stage.server(`mute ${n}`, 'never-starts'), late);
    await stage.reaches('mute 6', 'connecting.opening');
    await stage.add('waiting', stage.server('waiting'), late);

    const phases = Object.fromEntries(stage.manager.listSessions().map(({ id, phase }) => [id, phase]));
    expect(phases).toEqual({
      healthy: 'connected.healthy',
      idle: 'idle',
      opening: 'connecting.opening',
      verifying: 'connecting.verifying',
      'backing off': 'disconnected.backingOff',
      parked: 'disconnected.parked.config',
      ...Object.fromEntries(Array.from({ length: 6 }, (_, n) => [`mute ${n + 1}`, 'connecting.opening'])),
      waiting: 'connecting.waiting',
    });
    await stage.close();
    expect(stage.manager.sessionCount).toBe(0);
    expect(stage.log('waiting')).toEqual([]);
    expect(stage.log('idle')).toEqual([]);
    expect(await failureOf(healthy.callTool('echo'))).toMatchObject({ code: 'CLOSED', outcome: 'not-sent' });
    expect(await failureOf(stage.add('late', stage.server('late')))).toMatchObject({ code: 'CLOSED' });
  });

  test('with a call in flight: it is let finish, nothing new is admitted, then the server ends', async () => {
    const stage = new Stage();
    const session = await stage.add('busy', stage.server('busy', 'grandchild'));
    const { now } = stage;
    const call = textOf(session.callTool('sleep', { ms: 500 }));
    const closed = stage.close();
    expect(await failureOf(session.callTool('echo', { text: 'too late' }))).toMatchObject({
      code: 'CLOSED',
      outcome: 'not-sent',
    });
    expect(session.info).toMatchObject({ phase: 'draining', activeRequests: 1 });
    expect(await call).toBe('slept 500');
    await closed;
    expect(stage.story('busy', now)).toEqual(['1 draining', '1 releasing', '1 closed', '1 serverRemoved']);
    expect(
      stage
        .log('busy')
        .filter((line) => line.startsWith('call'))
        .map((line) => line.split(' ')[1]),
    ).toEqual(['sleep']);
  });

  test('with a call in flight that outlasts the drain time: it is cancelled, and may have been executed', async () => {
    const stage = new Stage();
    const session = await stage.add('busy', stage.server('busy'));
    const { now } = stage;
    // The server stays until its own tool has ended, which spares the test the wait for SIGTERM.
    const call = failureOf(session.callTool('sleep', { ms: 3_000 }));
    await stage.close({ drainMs: 100 });
    expect(await call).toMatchObject({ code: 'CALL_ABORTED', outcome: 'unknown', serverId: 'busy', generation: 1 });
    expect(stage.story('busy', now)).toEqual(['1 draining', '1 releasing', '1 closed', '1 serverRemoved']);
  });

  test('with a call in flight, by force at the second asking', async () => {
    const stage = new Stage();
    const session = await stage.add('busy', stage.server('busy', 'ignore-term'));
    const call = failureOf(session.callTool('sleep', { ms: 600_000 }));
    const closed = stage.manager.close();
    expect(session.info.phase).toBe('draining');
    expect(stage.manager.close({ drainMs: 0 })).toBe(closed);
    await closed;
    expect(stage.processes()).toEqual([]);
    expect(await call).toMatchObject({ code: 'CALL_ABORTED', outcome: 'unknown' });
    expect(stage.log('busy')).not.toContain('EOF');
  });

  test('when the server dies while it is being drained', async () => {
    const stage = new Stage();
    const session = await stage.add('busy', stage.server('busy', 'grandchild-ignore-term'));
    const { now } = stage;
    const call = failureOf(session.callTool('sleep', { ms: 600_000 }));
    const closed = stage.close();
    process.kill(pidOf(session), 'SIGKILL');
    await closed;
    expect(await call).toMatchObject({ code: 'OUTCOME_UNKNOWN', outcome: 'unknown', tool: 'sleep' });
    expect(stage.story('busy', now)).toEqual(['1 draining', '1 releasing', '1 closed', '1 serverRemoved']);
  });

  test('when addServer is still waiting: it rejects as closed', async () => {
    const stage = new Stage();
    const added = failureOf(stage.add('mute', stage.server('mute', 'never-starts')));
    await stage.reaches('mute', 'connecting.opening');
    await stage.close();
    expect(await added).toMatchObject({ code: 'CLOSED', serverId: 'mute' });
  });
});
