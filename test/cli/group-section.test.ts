import { stripVTControlCharacters } from 'node:util';
import { describe, expect, it } from 'vitest';
import { renderTable } from '../../src/cli/render-table.ts';
import type { TableOptions } from '../../src/cli/render-table.ts';
import { widthOf } from '../../src/cli/terminal-text.ts';
import type { GroupInfo, MemberInfo } from '../../src/index.ts';
import { groupInfo } from './group-info.ts';
import { sessionInfo } from './session-info.ts';

const options: TableOptions = {
  columns: 120,
  rows: 24,
  color: false,
  nowMs: 100_000,
  problems: [],
  title: 'mcp.json',
  stage: 'holding',
};
const memory = sessionInfo('memory', { pid: 12345 });
const standby = sessionInfo('memory-standby', { pid: 12346 });
const sessions = [sessionInfo('files', { pid: 12344 }), memory, standby];

function member(id: string, priority: number, given: Partial<MemberInfo> = {}): MemberInfo {
  return { id, priority, active: false, state: 'healthy', admits: true, failures: 0, ...given };
}

const onPrimary = groupInfo('knowledge', {
  active: 'memory',
  members: [member('memory', 0, { active: true }), member('memory-standby', 1)],
});
const failingBack = groupInfo('knowledge', {
  state: 'onBackup',
  active: 'memory-standby',
  members: [member('memory', 0), member('memory-standby', 1, { active: true })],
  switches: 1,
  failbackAt: 142_000,
  failbackTo: 'memory',
});
const unavailable = groupInfo('knowledge', {
  state: 'unavailable',
  active: 'memory',
  members: [
    member('memory', 0, { active: true, state: 'unhealthy', admits: false, failures: 3 }),
    member('memory-standby', 1, { state: 'absent', admits: false }),
  ],
});

function table(groups: readonly GroupInfo[], given: Partial<TableOptions> = {}, infos = sessions): readonly string[] {
  return renderTable({ sessions: infos, groups }, { ...options, ...given }).split('\n');
}

/** The row of the one group. */
function row(group: GroupInfo, given: Partial<TableOptions> = {}): string | undefined {
  return table([group], given).find((line) => line.startsWith('knowledge'));
}

describe('what it shows', () => {
  it('shows each group with what it is doing, its active member and all members, and marks the active one above', () => {
    expect(table([onPrimary])).toEqual([
      'holdfast: 3 servers, 3 healthy; 1 group  mcp.json',
      '',
      'server          state                               pid   gen   latency  failed  next      last error',
      'files           healthy                           12344     1    1.3 ms       0  –         –',
      'memory          healthy                      ◂    12345     1    1.3 ms       0  –         –',
      'memory-standby  healthy                           12346     1    1.3 ms       0  –         –',
      '',
      'group           state                        active ◂        members',
      'knowledge       on primary                   memory          primary memory healthy, backup memory-standby healthy',
      '',
      'try: kill -9 12345  and watch knowledge go on with memory-standby',
      'Ctrl-C drains and stops',
    ]);
  });

  it.each<[string, GroupInfo, string]>([
    [
      'counts down to a failback',
      failingBack,
      'knowledge       back on memory in 42 s       memory-standby  primary memory healthy, backup memory-standby healthy',
    ],
    [
      'says when a group stays on its backup',
      { ...failingBack, failbackAt: null, failbackTo: null, failback: 'never' },
      'knowledge       on backup                    memory-standby  primary memory healthy, backup memory-standby healthy',
    ],
    [
      'says when it does so because it was told to',
      { ...failingBack, failbackAt: null, failbackTo: null, heldByHand: true },
      'knowledge       held by hand                 memory-standby  primary memory healthy, backup memory-standby healthy',
    ],
    [
      'names no active member while none takes calls',
      unavailable,
      'knowledge       no member takes calls        –               primary memory unhealthy, backup memory-standby absent',
    ],
    [
      'calls closed what was let go',
      { ...unavailable, active: null },
      'knowledge       closed                       –               –',
    ],
  ])('%s', (_, group, line) => {
    expect(row(group)).toBe(line);
  });

  it('marks nobody while no member takes calls', () => {
    expect(table([unavailable]).join('\n').split('◂')).toHaveLength(2);
  });

  it('counts in the title the groups that are not on their primary', () => {
    const groups = [onPrimary, { ...failingBack, id: 'b' }, { ...unavailable, id: 'c' }, { ...unavailable, id: 'd' }];
    expect(table(groups)[0]).toBe('holdfast: 3 servers, 3 healthy; 4 groups, 1 on backup, 2 unavailable  mcp.json');
    expect(table(groups, { stage: 'draining' })[0]).toBe('holdfast: 3 servers, 3 healthy  mcp.json');
  });

  it('invites to kill a primary only where a backup would take over', () => {
    const invitation = (group: GroupInfo, infos = sessions): string | undefined => table([group], {}, infos).at(-2);
    const alone = {
      ...onPrimary,
      members: [member('memory', 0, { active: true }), member('memory-standby', 1, { admits: false })],
    };
    const remote = sessions.map((info) => (info === memory ? { ...info, pid: null } : info));
    expect(invitation(alone)).toBe('try: kill -9 12344  and watch files come back');
    expect(invitation(onPrimary, remote)).toBe('try: kill -9 12344  and watch files come back');
    expect(invitation(failingBack)).toBe('try: kill -9 12344  and watch files come back');
  });

  it('colours what a group is doing, and sets off its active member', () => {
    expect(row(onPrimary)).toBe(stripVTControlCharacters(table([onPrimary], { color: true })[8] ?? ''));
    const states = [onPrimary, failingBack, unavailable, { ...unavailable, active: null }].map(
      (group) => table([group], { color: true })[8],
    );
    expect(states[0]).toContain('\u001b[32mon primary ');
    expect(states[0]).toContain('\u001b[1mmemory ');
    expect(states[1]).toContain('\u001b[33mback on memory in 42 s ');
    expect(states[2]).toContain('\u001b[31mno member takes calls ');
    expect(states[3]).toContain('\u001b[2mclosed ');
  });

  it('does not alarm while the members are still on their way up', () => {
    const starting = { ...unavailable, members: [member('memory', 0, { state: 'connecting', admits: false })] };
    expect(table([starting], { color: true })[8]).toContain('\u001b[36mno member takes calls ');
  });
});

describe('where there is little room', () => {
  it('leaves out the members at 80 columns', () => {
    expect(table([failingBack], { columns: 80 })).toEqual([
      'holdfast: 3 servers, 3 healthy; 1 group, 1 on backup  mcp.json',
      '',
      'server          state                pid   gen   latency  failed  next',
      'files           healthy            12344     1    1.3 ms       0  –',
      'memory          healthy            12345     1    1.3 ms       0  –',
      'memory-standby  healthy       ◂    12346     1    1.3 ms       0  –',
      '',
      'group           state                        active ◂',
      'knowledge       back on memory in 42 s       memory-standby',
      '',
      'try: kill -9 12344  and watch files come back',
      'Ctrl-C drains and stops',
    ]);
  });

  it('keeps group, state and active member at 40 columns', () => {
    expect(table([failingBack], { columns: 40 })).toEqual([
      'holdfast: 3 servers, 3 healthy; 1 group…',
      '',
      'server         state                pid',
      'files          healthy            12344',
      'memory         healthy            12345',
      'memory-stand…  healthy       ◂    12346',
      '',
      'group          state         active ◂',
      'knowledge      back in 42 s  memory-sta…',
      '',
      'try: kill -9 12344  and watch files com…',
      'Ctrl-C drains and stops',
    ]);
    expect(row(unavailable, { columns: 40 })).toBe('knowledge      unavailable   –');
  });

  it('cuts the id of a member rather than the time of the failback', () => {
    const long = { ...failingBack, failbackTo: 'sequential-thinking', failbackAt: 400_000 };
    expect(row(long)).toContain('  back on sequentia… in 5m00s  ');
  });

  it('keeps a third of short rows for the groups, and counts those that do not fit', () => {
    const many = Array.from({ length: 9 }, (_, index) => groupInfo(`pair-${index}`));
    const servers = Array.from({ length: 9 }, (_, index) => sessionInfo(`server-${index}`));
    expect(table(many, { columns: 60, rows: 16 }, servers)).toEqual([
      'holdfast: 9 servers, 9 healthy; 9 groups  mcp.json',
      'server    state                pid   gen  failed  next',
      ...[0, 1, 2, 3, 4, 5, 6].map((index) => `server-${index}  healthy             4711     1       0  –`),
      '… and 2 more',
      'group     state                        active ◂',
      'pair-0    on primary                   a',
      'pair-1    on primary                   a',
      '… and 7 more groups',
      'try: kill -9 4711  and watch server-0 come back',
      'Ctrl-C drains and stops',
    ]);
  });

  it('gives the groups what the servers do not need', () => {
    const many = Array.from({ length: 5 }, (_, index) => groupInfo(`pair-${index}`));
    const lines = table(many, { columns: 60, rows: 11 }, [memory]);
    expect(lines.filter((line) => line.startsWith('pair-'))).toHaveLength(5);
  });

  it('keeps its columns while states change', () => {
    for (const columns of [40, 60, 80, 100, 120]) {
      const headings = [onPrimary, failingBack, unavailable].map((group) => {
        const lines = table([group], { columns });
        return [lines[2], lines.find((line) => line.startsWith('group'))];
      });
      expect(new Set(headings.map((pair) => JSON.stringify(pair))).size).toBe(1);
    }
  });

  it('is never wider than the columns nor longer than the rows', () => {
    const odd = '寿司🍣\u202e\u001b[31m'.repeat(5);
    const group = { ...failingBack, id: odd, active: odd, failbackTo: odd, members: [member(odd, 0)] };
    for (let columns = 1; columns <= 130; columns += 1) {
      for (const rows of [1, 2, 3, 5, 8, 12, 20]) {
        const lines = table([group, onPrimary, unavailable], { columns, rows, color: true });
        expect(lines.length).toBeLessThanOrEqual(rows);
        expect(Math.max(...lines.map((line) => widthOf(stripVTControlCharacters(line))))).toBeLessThanOrEqual(columns);
      }
    }
  });

  it('shows ids without anything that could steer the terminal', () => {
    const lines = table([{ ...failingBack, id: 'a\u202eb', active: 'c\u001b[2J' }], { columns: 80 });
    expect(lines.find((line) => line.startsWith('a\\u{202e}b'))).toMatch(/ {2}c\\u\{1b\}\[2J$/);
  });
});
