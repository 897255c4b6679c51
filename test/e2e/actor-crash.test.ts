import { describe, expect, test } from 'vitest';
import { eventually } from '../support/eventually.ts';
import { isRunning } from '../support/processes.ts';
import {
  askPids,
  failureOf,
  firstConnection,
  pidOf,
  secondConnection,
  Stage,
  textOf,
  unhurried,
  untiring,
} from './stage.ts';

/**
 * Chance that fails when it is told to: once, inside whatever session's actor asks for it next. The restart that follows is
 * given no time at all, so that only the release of the old link can hold it back.
 */
class Chance {
  readonly #next: (() => number)[] = [];

  fail(): void {
    const fail = (): never => {
      throw new Error('chance has failed');
    };
    this.#next.push(fail, () => 0);
  }

  readonly random = (): number => (this.#next.shift() ?? Math.random)();
}

/** Checks so seldom that a session asks for chance only when its connection changes. */
const unchecked = { healthCheck: { intervalMs: 86_400_000 } };
const checked = { healthCheck: { intervalMs: 100, timeoutMs: 60_000 } };

describe("a session's actor that crashes", unhurried, () => {
  test('while its server is healthy: the process is killed, then another started as the next generation; others notice nothing', async () => {
    const chance = new Chance();
    const stage = new Stage({}, { random: chance.random });
    const others = [
      await stage.add('other', stage.server('other', 'grandchild'), unchecked),
      await stage.add('another', stage.server('another'), unchecked),
    ];
    const session = await stage.add('victim', stage.serverBehindShell('victim', 'grandchild-ignore-term'), checked);
    const running = stage.processes('victim');
    const pids = others.map(pidOf);
    const { now } = stage;
    const call = failureOf(session.callTool('sleep', { ms: 600_000 }));
    chance.fail();
    await stage.reaches('victim', 'connected.healthy', 2);

    expect(stage.events.find(({ type }) => type === 'sessionCrashed')).toMatchObject({ restartMs: 0, generation: 1 });
    expect(await call).toMatchObject({ code: 'OUTCOME_UNKNOWN', tool: 'sleep', generation: 1 });
    // Three to begin with: the shell, the server, its grandchild, whose own `sleep` comes and goes.
    expect(running.length).toBeGreaterThanOrEqual(3);
    expect(running.filter(isRunning)).toEqual([]);
    expect(stage.story('victim', now).filter((line) => !line.endsWith('check ok'))).toEqual([
      '1 sessionCrashed session-crashed',
      '1 disconnected.backingOff',
      '1 connecting.waiting',
      ...secondConnection(2).filter((line) => !line.endsWith('check ok')),
    ]);
    expect(session.info).toMatchObject({ state: 'healthy', generation: 2, lastError: { code: 'session-crashed' } });
    const { pid } = await askPids(session);
    expect(stage.processes('victim')).toEqual(expect.arrayContaining([pidOf(session), pid]));

    expect(stage.story('other', now)).toEqual([]);
    expect(stage.story('another', now)).toEqual([]);
    expect(others.map(pidOf)).toEqual(pids);
    for (const other of others) expect(await textOf(other.callTool('echo', { text: other.id }))).toBe(other.id);
    await stage.close();
  });

  test('at the very moment when its connection is established: it is established once more', async () => {
    const chance = new Chance();
    const stage = new Stage({}, { random: chance.random });
    chance.fail();
    const session = await stage.add('victim', stage.server('victim', 'grandchild'), {
      ...unchecked,
      waitForReady: false,
    });
    await session.ready({ timeoutMs: 60_000 });
    expect(stage.story('victim')).toEqual([
      ...firstConnection.slice(0, -1),
      '1 sessionCrashed session-crashed',
      '1 disconnected.backingOff',
      '1 connecting.waiting',
      ...secondConnection(2),
    ]);
    expect(stage.log('victim').filter((line) => line.startsWith('start'))).toHaveLength(2);
    await stage.close();
  });

  test('while it schedules a reconnect: the reconnect comes all the same', async () => {
    const chance = new Chance();
    const stage = new Stage({}, { random: chance.random });
    const session = await stage.add('victim', stage.server('victim', 'grandchild'), { ...unchecked, ...untiring });
    const { now } = stage;
    chance.fail();
    process.kill(pidOf(session), 'SIGKILL');
    await stage.reaches('victim', 'connected.healthy', 2);
    expect(stage.story('victim', now)).toEqual([
      '1 releasing',
      '1 sessionCrashed session-crashed',
      '1 disconnected.backingOff',
      '1 connecting.waiting',
      ...secondConnection(2),
    ]);
    await stage.close();
  });

  test('and is closed before it is started anew leaves nothing', async () => {
    const chance = new Chance();
    const stage = new Stage({}, { random: chance.random });
    const session = await stage.add('victim', stage.server('victim', 'ignore-term', 'grandchild-ignore-term'), checked);
    let closed: Promise<void> | undefined;
    stage.manager.events$.subscribe(({ type }) => {
      if (type === 'sessionCrashed') closed = stage.close();
    });
    chance.fail();
    await eventually(() => closed !== undefined, { timeoutMs: 60_000, what: 'the crash' });
    await closed;
    expect(session.info.phase).toBe('closed');
    expect(stage.log('victim').filter((line) => line.startsWith('start'))).toHaveLength(1);
  });
});
