import { Subject, BehaviorSubject } from 'rxjs';
import { afterEach, beforeEach, expect, it, vi } from 'vitest';
import { LiveTable } from '../../src/cli/live-table.ts';
import { Screen } from '../../src/cli/screen.ts';
import type { ConnectionInfo, ManagerEvent } from '../../src/index.ts';
import { FakeTerminal } from './fake-terminal.ts';
import { sessionInfo } from './session-info.ts';

beforeEach(() => {
  vi.useFakeTimers({ now: 100_000, toFake: ['setInterval', 'clearInterval', 'Date'] });
});
afterEach(() => {
  vi.useRealTimers();
});

function liveTable(infos: readonly ConnectionInfo[]) {
  const events$ = new Subject<ManagerEvent>();
  const sessions$ = new BehaviorSubject(infos);
  const terminal = new FakeTerminal(60, 20);
  const table = new LiveTable({ events$, sessions$ }, new Screen(terminal), { color: false, title: 'mcp.json' });
  return { events$, sessions$, terminal, table };
}

const lost: ManagerEvent = {
  seq: 1,
  at: 100_000,
  serverId: 'files',
  generation: 1,
  type: 'stateChanged',
  from: 'healthy',
  to: 'disconnected',
  fromPhase: 'connected.healthy',
  phase: 'releasing',
  pid: null,
  attempt: 0,
  nextAttemptAt: null,
  reason: 'killed by SIGKILL',
};

it('follows the sessions, counts down each second, and keeps what happened above the table', () => {
  const { events$, sessions$, terminal, table } = liveTable([sessionInfo('files', { pid: 12 })]);
  table.start(['files'], []);
  expect(terminal.shown).toEqual([
    'holdfast: 1 server, 1 healthy  mcp.json',
    '',
    'server  state             pid   gen  failed  next',
    'files   healthy            12     1       0  –',
    '',
    'try: kill -9 12  and watch files come back',
    'Ctrl-C drains and stops',
  ]);
  events$.next(lost);
  const waiting = {
    state: 'disconnected',
    phase: 'disconnected.backingOff',
    pid: null,
    nextAttemptAt: 103_000,
  } as const;
  sessions$.next([sessionInfo('files', waiting)]);
  expect(terminal.shown.slice(1)).toEqual([
    'holdfast: 1 server, 1 disconnected  mcp.json',
    '',
    'server  state             pid   gen  failed  next',
    'files   disconnected        –     1       0  in 3.0 s',
    '',
    'Ctrl-C drains and stops',
  ]);
  expect(terminal.shown[0]).toMatch(/^\d\d:\d\d:\d\d {2}files went down: killed by SIGKILL$/);
  vi.advanceTimersByTime(1000);
  expect(terminal.shown[4]).toBe('files   disconnected        –     1       0  in 2.0 s');
  table.end();
});

it('draws anew when the terminal gets another size', () => {
  const { terminal, table } = liveTable([sessionInfo('files', { pid: 12 })]);
  table.start(['files'], []);
  terminal.resize(40, 20);
  expect(terminal.shown[2]).toBe('server  state             pid   gen');
  table.end();
});

it('while it stops, servers that are let go stay as closed, and the last frame stays', () => {
  const { events$, sessions$, terminal, table } = liveTable([sessionInfo('files', { pid: 12 }), sessionInfo('git')]);
  table.start(['files', 'git'], []);
  table.stopping('draining');
  events$.next(lost);
  sessions$.next([sessionInfo('git')]);
  expect(terminal.shown).toEqual([
    'holdfast: 2 servers, 1 healthy, 1 closed  mcp.json',
    '',
    'server  state             pid   gen  failed  next',
    'files   closed              –     1       0  –',
    'git     healthy          4711     1       0  –',
    '',
    'draining: calls in flight may finish; Ctrl-C again forces',
  ]);
  sessions$.next([]);
  table.end();
  expect(terminal).toMatchObject({
    cursorHidden: false,
    shown: [
      'holdfast: 2 servers, 2 closed  mcp.json',
      '',
      'server  state             pid   gen  failed  next',
      'files   closed              –     1       0  –',
      'git     closed              –     1       0  –',
      '',
      'stopped',
    ],
  });
  expect(vi.getTimerCount()).toBe(0);
  expect(terminal.listenerCount('resize')).toBe(0);
  expect([events$.observed, sessions$.observed]).toEqual([false, false]);
});
