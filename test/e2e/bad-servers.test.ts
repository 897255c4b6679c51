import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import type { ManagerEvent } from '../../src/index.ts';
import { eventually } from '../support/eventually.ts';
import { membersOf } from '../support/processes.ts';
import { askPids, errorOf, failureOf, firstConnection, Stage, textOf, unhurried, untiring } from './stage.ts';

const patience = { timeoutMs: 60_000 };

/**
 * A stage whose driver is loaded, with a good server on it: from then on the process of an attempt exists before any time limit
 * of that attempt can pass, however slow the machine is.
 */
async function warmStage(): Promise<Stage> {
  const stage = new Stage();
  await stage.add('good', stage.server('good'));
  return stage;
}

/** The group in which the attempt of this generation ran, as the event of its release tells it. */
async function groupOf(stage: Stage, id: string, generation = 1): Promise<number> {
  const { pid } = await stage.reaches(id, 'releasing', generation);
  if (pid === null) throw new Error(`${id} had no process in generation ${generation}`);
  return pid;
}

/** Whatever a message is put together from, a sentence in it ends with one full stop. */
function expectSentences(message: string): void {
  expect(message).not.toContain('..');
  expect(message).toMatch(/\.$/);
}

describe('addServer rejects with the reason, and keeps nothing, when the server', unhurried, () => {
  test('starts and says nothing: the connect timeout ends it', async () => {
    const stage = await warmStage();
    const added = stage.add('mute', stage.server('mute', 'never-starts'), { connectTimeoutMs: 500 });
    expect(await failureOf(added)).toEqual({
      name: 'ConnectError',
      code: 'CONNECT',
      faultCode: 'connect-timeout',
      outcome: 'not-sent',
      serverId: 'mute',
      generation: 1,
      retryable: true,
      exit: undefined,
      stderrTail: undefined,
      retryAfterMs: undefined,
    });
    expect(membersOf(await groupOf(stage, 'mute'))).toEqual([]);
    expect(stage.processes('mute')).toEqual([]);
    expect(stage.manager.sessionStats()).toEqual({
      connecting: 0,
      healthy: 1,
      degraded: 0,
      unhealthy: 0,
      disconnected: 0,
    });
    expect(stage.story('good')).toEqual(firstConnection);
    expect(stage.story('mute')).toEqual([
      '0 serverAdded',
      '0 connecting.waiting',
      '1 connecting.opening',
      '1 releasing',
      '1 attempt 1 scheduled',
      '1 disconnected.backingOff',
      '1 closed',
      '1 serverRemoved',
    ]);
  });

  test('never answers initialize', async () => {
    const stage = await warmStage();
    const added = stage.add('rude', stage.server('rude', 'no-init'), { connectTimeoutMs: 500 });
    expect(await failureOf(added)).toMatchObject({ code: 'CONNECT', faultCode: 'connect-timeout', generation: 1 });
    expect(membersOf(await groupOf(stage, 'rude'))).toEqual([]);
    expect(stage.manager.listSessions().map(({ id }) => id)).toEqual(['good']);
  });

  test('answers initialize and reads nothing after it: the first check fails', async () => {
    const stage = new Stage();
    const added = stage.add('deaf', stage.server('deaf', 'stop-initialized'), { healthCheck: { timeoutMs: 500 } });
    expect(await failureOf(added)).toMatchObject({
      code: 'CONNECT',
      faultCode: 'check-timeout',
      generation: 1,
    });
    expect(membersOf(await groupOf(stage, 'deaf'))).toEqual([]);
    expect(stage.story('deaf')).toEqual([
      '0 serverAdded',
      '0 connecting.waiting',
      '1 connecting.opening',
      '1 connecting.verifying',
      '1 check failed: check-timeout',
      '1 releasing',
      '1 attempt 1 scheduled',
      '1 disconnected.backingOff',
      '1 closed',
      '1 serverRemoved',
    ]);
  });

  test('exits at once: with its exit code and its last words', async () => {
    const stage = new Stage();
    expect(await failureOf(stage.add('quitter', stage.server('quitter', 'exit-start:3')))).toEqual({
      name: 'ConnectError',
      code: 'CONNECT',
      faultCode: 'exit:3',
      exit: { code: 3, signal: null },
      stderrTail: 'fatal: refusing to start',
      outcome: 'not-sent',
      serverId: 'quitter',
      generation: 1,
      retryable: true,
      retryAfterMs: undefined,
    });
    expect(stage.manager.sessionCount).toBe(0);
  });

  test('exits when it is asked to initialize', async () => {
    const stage = new Stage();
    expect(await failureOf(stage.add('quitter', stage.server('quitter', 'exit-init')))).toMatchObject({
      faultCode: 'exit:1',
      exit: { code: 1, signal: null },
      stderrTail: 'fatal: no configuration found',
    });
  });

  test('exits behind a shell, and leaves a grandchild behind', async () => {
    const stage = new Stage();
    const target = stage.serverBehindShell('quitter', 'exit-start:3', 'grandchild');
    expect(await failureOf(stage.add('quitter', target))).toMatchObject({
      faultCode: 'exit:0',
      stderrTail: 'fatal: refusing to start',
    });
    expect(stage.processes()).toEqual([]);
  });

  test('has a command that does not exist: it is named', async () => {
    const stage = new Stage();
    for (const command of ['no-such-server-anywhere', join(stage.directory, 'no-such-server')]) {
      const error = await errorOf(stage.add('missing', stage.command('missing', command, [])));
      expect(error).toMatchObject({ code: 'CONNECT', faultCode: 'ENOENT', outcome: 'not-sent', generation: 1 });
      expect(error.message).toContain(`"${command}"`);
      expectSentences(error.message);
    }
  });

  test('has a working directory that does not exist: the directory is named', async () => {
    const stage = new Stage();
    const cwd = join(stage.directory, 'nowhere');
    const error = await errorOf(stage.add('lost', stage.command('lost', process.execPath, [], {}, cwd)));
    expect(error).toMatchObject({ code: 'CONNECT', faultCode: 'cwd:ENOENT' });
    expect(error.message).toContain(`"${cwd}"`);
  });
});

describe('with waitForReady: false, a server that', unhurried, () => {
  test('exits at once is tried again after each exit, until it is parked as a crash loop', async () => {
    const stage = new Stage();
    const options = { waitForReady: false, reconnect: { ...untiring.reconnect, crashLoopExits: 3 } };
    const session = await stage.add('quitter', stage.server('quitter', 'exit-start:3'), options);
    await stage.reaches('quitter', 'disconnected.parked.crashLoop');
    expect(stage.story('quitter')).toEqual([
      '0 serverAdded',
      '0 connecting.waiting',
      '1 connecting.opening',
      '1 releasing',
      '1 attempt 1 scheduled',
      '1 disconnected.backingOff',
      '1 connecting.waiting',
      '2 connecting.opening',
      '2 releasing',
      '2 attempt 2 scheduled',
      '2 disconnected.backingOff',
      '2 connecting.waiting',
      '3 connecting.opening',
      '3 releasing',
      '3 attempt 3 scheduled',
      '3 disconnected.backingOff',
      '3 connecting.waiting',
      '4 connecting.opening',
      '4 releasing',
      '4 attempt 4 scheduled',
      '4 disconnected.parked.crashLoop',
    ]);
    const { nextAttemptAt, since, lastError, pid } = session.info;
    expect({ lastError: lastError?.code, pid, waits: (nextAttemptAt ?? 0) > since }).toEqual({
      lastError: 'exit:3',
      pid: null,
      waits: true,
    });
    expect(stage.log('quitter').filter((line) => line.startsWith('start'))).toHaveLength(4);
    await stage.close();
  });

  test('crashes after its first answer is never healthy, and parked as a crash loop', async () => {
    const stage = new Stage();
    const options = { waitForReady: false, reconnect: { ...untiring.reconnect, crashLoopExits: 1 } };
    const session = await stage.add('loop', stage.server('loop', 'crash-loop'), options);
    await stage.reaches('loop', 'disconnected.parked.crashLoop');
    expect(stage.story('loop')).toEqual([
      '0 serverAdded',
      '0 connecting.waiting',
      '1 connecting.opening',
      '1 connecting.verifying',
      '1 check ok',
      '1 connecting.hydrating',
      '1 releasing',
      '1 attempt 1 scheduled',
      '1 disconnected.backingOff',
      '1 connecting.waiting',
      '2 connecting.opening',
      '2 connecting.verifying',
      '2 check ok',
      '2 connecting.hydrating',
      '2 releasing',
      '2 attempt 2 scheduled',
      '2 disconnected.parked.crashLoop',
    ]);
    expect(session.info).toMatchObject({ state: 'disconnected', lastError: { code: 'exit:1' } });
    await stage.close();
  });

  test('does not exist is parked until its configuration changes, and disturbs no other', async () => {
    const stage = new Stage();
    const good = await stage.add('good', stage.server('good'));
    const { now } = stage;
    const { pid, generation } = good.info;
    const missing = await stage.add('missing', stage.command('missing', 'no-such-server-anywhere', []), {
      waitForReady: false,
    });
    await stage.reaches('missing', 'disconnected.parked.config');
    expect(stage.story('missing')).toEqual([
      '0 serverAdded',
      '0 connecting.waiting',
      '1 connecting.opening',
      '1 releasing',
      '1 attempt 1 scheduled',
      '1 disconnected.parked.config',
    ]);
    expect(missing.info.lastError).toEqual({
      code: 'ENOENT',
      message: expect.stringContaining('"no-such-server-anywhere"'),
    });
    expect(missing.info.nextAttemptAt).not.toBeNull();
    expect(await failureOf(missing.ready())).toMatchObject({ code: 'CONNECT', faultCode: 'ENOENT' });
    expect(await failureOf(missing.callTool('echo'))).toMatchObject({ code: 'NOT_READY', outcome: 'not-sent' });
    expect(stage.story('good', now)).toEqual([]);
    expect(good.info).toMatchObject({ pid, generation, state: 'healthy' });
    expect(await askPids(good)).toEqual({ pid, grandchild: null });
    await stage.close();
  });

  test('is slow to start is waited for', async () => {
    const stage = new Stage();
    const session = await stage.add('slow', stage.server('slow', 'slow-start=700'), { waitForReady: false });
    expect(session.state).toBe('connecting');
    await session.ready({ timeoutMs: 60_000 });
    expect(stage.story('slow')).toEqual(firstConnection);
    await stage.close();
  });
});

describe('a noisy server works all the same', unhurried, () => {
  test('when it floods stderr before it answers', async () => {
    const stage = new Stage();
    const session = await stage.add('loud', stage.server('loud', 'stderr-flood=20'));
    expect(await textOf(session.callTool('echo', { text: 'heard' }))).toBe('heard');
    expect(stage.story('loud')).toEqual(firstConnection);
    await stage.close();
  });

  test('when it prints a banner on stdout, which is told as a fault of the link', async () => {
    const stage = new Stage();
    const session = await stage.add('banner', stage.server('banner', 'banner=3'));
    expect(await textOf(session.callTool('echo', { text: 'heard' }))).toBe('heard');
    const faults = stage.story('banner').filter((line) => line.includes('linkFault'));
    expect(new Set(faults)).toEqual(new Set(['1 linkFault not-a-message']));
    expect(stage.story('banner').filter((line) => !line.includes('linkFault'))).toEqual(firstConnection);
    await stage.close();
  });

  test('when it prints bytes that are no text between its answers: the link is checked, and found good', async () => {
    const stage = new Stage();
    const session = await stage.add('garbage', stage.server('garbage', 'garbage'));
    expect(await textOf(session.callTool('echo', { text: 'heard' }))).toBe('heard');
    const checked = await stage.until(
      'the check after the fault',
      (event): event is Extract<ManagerEvent, { type: 'healthChecked' }> =>
        event.type === 'healthChecked' && event.seq > firstConnection.length,
    );
    expect(checked).toMatchObject({ ok: true, void: false, generation: 1 });
    expect(session.state).toBe('healthy');
    await stage.close();
  });
});

describe('a server that ignores the end of stdin and SIGTERM', unhurried, () => {
  test('is asked by both in turn before SIGKILL ends it, with its grandchild, and only then is it removed', async () => {
    const stage = new Stage();
    await stage.add('stubborn', stage.server('stubborn', 'ignore-term', 'grandchild-ignore-term'));
    const { now } = stage;
    expect(await stage.manager.removeServer('stubborn', { drainMs: 100 })).toBe(true);
    expect(stage.processes()).toEqual([]);
    expect(stage.log('stubborn').map((line) => line.split(' ')[0])).toEqual(['start', 'grandchild', 'EOF', 'SIGTERM']);
    expect(stage.story('stubborn', now)).toEqual(['1 releasing', '1 closed', '1 serverRemoved']);
    expect(stage.manager.sessionCount).toBe(0);
  });

  test('is killed at once by a drain of 0', async () => {
    const stage = new Stage();
    await stage.add('stubborn', stage.server('stubborn', 'ignore-term', 'grandchild-ignore-term'));
    expect(await stage.manager.removeServer('stubborn', { drainMs: 0 })).toBe(true);
    expect(stage.processes()).toEqual([]);
    expect(stage.log('stubborn').map((line) => line.split(' ')[0])).toEqual(['start', 'grandchild']);
  });

  test('is killed at once when the signal of its removal aborts, although it was being asked', async () => {
    const stage = new Stage();
    await stage.add('stubborn', stage.server('stubborn', 'ignore-term', 'grandchild-ignore-term'));
    const impatience = new AbortController();
    const removed = stage.manager.removeServer('stubborn', { signal: impatience.signal });
    await eventually(() => stage.log('stubborn').includes('EOF'), patience);
    impatience.abort();
    expect(await removed).toBe(true);
    expect(stage.processes()).toEqual([]);
    expect(stage.log('stubborn')).not.toContain('SIGTERM');
  });
});
