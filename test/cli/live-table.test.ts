import { Subject, BehaviorSubject } from 'rxjs';
import { afterEach, beforeEach, expect, it, vi } from 'vitest';
import { LiveTable } from '../../src/cli/live-table.ts';
import { Screen } from '../../src/cli/screen.ts';
import type { ConnectionInfo, GroupInfo, ManagerEvent, ManagerSnapshot } from '../../src/index.ts';
import { FakeTerminal } from './fake-terminal.ts';
import { groupInfo } from './group-info.ts';
import { sessionInfo } from './session-info.ts';

beforeEach(() => {
  vi.useFakeTimers({ now: 100_000, toFake: ['setInterval', 'clearInterval', 'Date'] });
});
afterEach(() => {
  vi.useRealTimers();
});

function liveTable(infos: readonly ConnectionInfo[], pairs: readonly GroupInfo[] = []) {
  const events$ = new Subject<ManagerEvent>();
  const sessions$ = new BehaviorSubject(infos);
  const groups$ = new BehaviorSubject(pairs);
  const snapshot = (): ManagerSnapshot => ({
    seq: 0,
    sessions: sessions$.value,
    groups: groups$.value,
    stats: { connecting: 0, healthy: 0, degraded: 0, unhealthy: 0, disconnected: 0 },
  });
  const terminal = new FakeTerminal(60, 20);
  const manager = { events$, sessions$, groups$, snapshot };
  const table = new LiveTable(manager, new Screen(terminal), { color: false, title: 'mcp.json' });
  return { events$, sessions$, groups$, terminal, table };
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
  table.start({ servers: ['files'], groups: [] }, []);
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
  table.start({ servers: ['files'], groups: [] }, []);
  terminal.resize(40, 20);
  expect(terminal.shown[2]).toBe('server  state             pid   gen');
  table.end();
});

it('while it stops, servers that are let go stay as closed, and the last frame stays', () => {
  const { events$, sessions$, groups$, terminal, table } = liveTable([
    sessionInfo('files', { pid: 12 }),
    sessionInfo('git'),
  ]);
  table.start({ servers: ['files', 'git'], groups: [] }, []);
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
  expect([events$.observed, sessions$.observed, groups$.observed]).toEqual([false, false, false]);
});

const failedOver: ManagerEvent = {
  seq: 2,
  at: 100_000,
  groupId: 'pair',
  type: 'failedOver',
  from: 'a',
  to: 'b',
  reason: 'it has no connection: killed by SIGKILL',
  byHand: false,
};

it('follows the groups, counts down to the failback, and tells the failover above the table', () => {
  const { events$, groups$, terminal, table } = liveTable([sessionInfo('a'), sessionInfo('b')], [groupInfo('pair')]);
  table.start({ servers: ['a', 'b'], groups: ['pair'] }, []);
  events$.next(failedOver);
  groups$.next([groupInfo('pair', { state: 'onBackup', active: 'b', failbackAt: 142_000, failbackTo: 'a' })]);
  expect(terminal.shown[0]).toMatch(/^\d\d:\d\d:\d\d {2}pair: a is gone \(killed by SIGKILL\), calls go to b$/);
  expect(terminal.shown.slice(1)).toEqual([
    'holdfast: 2 servers, 2 healthy; 1 group, 1 on backup  mcp.j…',
    '',
    'server  state                pid   gen  failed  next',
    'a       healthy             4711     1       0  –',
    'b       healthy       ◂     4711     1       0  –',
    '',
    'group   state                        active ◂',
    'pair    back on a in 42 s            b',
    '',
    'try: kill -9 4711  and watch a come back',
    'Ctrl-C drains and stops',
  ]);
  vi.advanceTimersByTime(1000);
  expect(terminal.shown[8]).toBe('pair    back on a in 41 s            b');
  table.end();
});

it('while it stops, groups stay as closed', () => {
  const { sessions$, groups$, terminal, table } = liveTable([sessionInfo('a'), sessionInfo('b')], [groupInfo('pair')]);
  table.start({ servers: ['a', 'b'], groups: ['pair'] }, []);
  table.stopping('draining');
  groups$.next([]);
  sessions$.next([sessionInfo('b')]);
  table.end();
  expect(terminal.shown).toEqual([
    'holdfast: 2 servers, 2 closed  mcp.json',
    '',
    'server  state                pid   gen  failed  next',
    'a       closed                 –     1       0  –',
    'b       closed                 –     1       0  –',
    '',
    'group   state                        active ◂',
    'pair    closed                       –',
    '',
    'stopped',
  ]);
});

it('draws servers and groups as of one moment, whichever of them is told first', () => {
  const { sessions$, groups$, terminal, table } = liveTable([sessionInfo('a')], [groupInfo('pair')]);
  table.start({ servers: ['a'], groups: ['pair'] }, []);
  const held = sessions$.value;
  vi.spyOn(sessions$, 'value', 'get').mockReturnValue([...held, sessionInfo('b')]);
  groups$.next([groupInfo('pair', { state: 'onBackup', active: 'b' })]);
  expect(terminal.shown).toContain('b       healthy       ◂     4711     1       0  –');
  expect(terminal.shown).toContain('pair    on backup                    b');
  table.end();
});

it('tells of an edit of the configuration, and of one with a mistake for as long as it stands', () => {
  const { terminal, table } = liveTable([sessionInfo('files', { pid: null })]);
  const problem = { file: '/m.json', line: 3, column: 5, field: null, serverId: 'web', problem: 'no', fix: 'yes' };
  const footer = (): readonly string[] => terminal.shown.slice(terminal.shown.lastIndexOf('') + 1);
  table.start({ servers: ['files'], groups: [] }, []);
  table.configBroken([problem]);
  expect(footer()).toEqual(['mcp.json has a mistake, see above: what is held is as before', 'Ctrl-C drains and stops']);
  table.configChanged(
    {
      servers: [
        { id: 'files', change: 'replaced' },
        { id: 'a', change: 'added' },
        { id: 'b', change: 'added' },
      ],
      groups: [{ id: 'pair', change: 'removed' }],
    },
    [problem],
  );
  expect(footer()).toEqual(['Ctrl-C drains and stops']);
  expect(terminal.shown.filter((line) => line.includes('mcp.json ')).map((line) => line.slice(10))).toEqual([
    'mcp.json has a mistake: nothing was changed',
    'mcp.json changed: added a, b; restarted files; removed the group pair',
  ]);
  expect(terminal.shown.find((line) => line.startsWith('web'))).toContain('config error');
  table.end();
});
