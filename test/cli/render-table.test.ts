import { stripVTControlCharacters } from 'node:util';
import { describe, expect, it } from 'vitest';
import { renderTable } from '../../src/cli/render-table.ts';
import type { TableOptions } from '../../src/cli/render-table.ts';
import { widthOf } from '../../src/cli/terminal-text.ts';
import type { ConfigProblem } from '../../src/config/index.ts';
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
const sessions = [
  sessionInfo('files', { pid: 12345, lastError: { code: 'signal:SIGKILL', message: 'it was ended by SIGKILL' } }),
  sessionInfo('git', {
    state: 'connecting',
    phase: 'connecting.verifying',
    pid: 12346,
    generation: 3,
    latencyMs: { last: null, mean: null },
  }),
  sessionInfo('search', {
    state: 'disconnected',
    phase: 'disconnected.backingOff',
    pid: null,
    generation: 2,
    latencyMs: { last: null, mean: null },
    nextAttemptAt: 103_200,
    lastError: { code: 'exit:1', message: 'it exited with code 1' },
  }),
  sessionInfo('slow', {
    state: 'degraded',
    phase: 'connected.degraded',
    pid: 12348,
    latencyMs: { last: 6000, mean: 5801.4 },
    failedHealthChecks: 2,
    lastError: { code: 'check-timeout', message: 'no answer to a check within 5000 ms' },
  }),
  sessionInfo('someday', {
    state: 'disconnected',
    phase: 'idle',
    pid: null,
    generation: 0,
    latencyMs: { last: null, mean: null },
  }),
];
const problem: ConfigProblem = {
  file: '/home/me/mcp.json',
  line: 8,
  column: 5,
  field: 'mcpServers.web.url',
  serverId: 'web',
  problem: 'remote servers are not supported yet',
  fix: 'leave it out',
};

function table(given: Partial<TableOptions> = {}, infos = sessions): readonly string[] {
  return renderTable({ sessions: infos, groups: [] }, { ...options, ...given }).split('\n');
}

describe('what it shows', () => {
  it('shows each server with state, phase, pid, generation, latency, failed checks, next attempt and last error', () => {
    expect(table({ problems: [problem] })).toEqual([
      'holdfast: 6 servers, 1 healthy, 1 degraded, 1 connecting, 2 disconnected, 1 not started  mcp.json',
      '',
      'server   state                            pid   gen   latency  failed  next      last error',
      'files    healthy                        12345     1    1.3 ms       0  –         it was ended by SIGKILL',
      'git      connecting (verifying)         12346     3         –       0  –         –',
      'search   disconnected (backing off)         –     2         –       0  in 3.2 s  it exited with code 1',
      'slow     degraded                       12348     1   5801 ms       2  –         no answer to a check within 5000 ms',
      'someday  disconnected (idle)                –     –         –       0  –         –',
      'web      config error                       –     –         –       –  –         line 8: mcpServers.web.url: remote ser…',
      '',
      'try: kill -9 12345  and watch files come back',
      'Ctrl-C drains and stops',
    ]);
  });

  it('invites to kill nobody while nobody is healthy', () => {
    expect(table({}, sessions.slice(1, 3)).slice(-2)).toEqual(['', 'Ctrl-C drains and stops']);
  });

  it.each([
    ['draining', 'draining: calls in flight may finish; Ctrl-C again forces'],
    ['forcing', 'stopping now'],
    ['stopped', 'stopped'],
  ] as const)('while %s it says: %s', (stage, footer) => {
    expect(table({ stage }).slice(-2)).toEqual(['', footer]);
  });

  it('calls closed what was let go on purpose', () => {
    const closed = sessionInfo('files', { state: 'disconnected', phase: 'closed', pid: null });
    expect(table({ stage: 'stopped', columns: 60 }, [closed])).toEqual([
      'holdfast: 1 server, 1 closed  mcp.json',
      '',
      'server  state             pid   gen  failed  next',
      'files   closed              –     1       0  –',
      '',
      'stopped',
    ]);
  });

  it('tells the first of several problems of a server, and how many more there are', () => {
    const problems = [problem, { ...problem, line: 9 }, { ...problem, serverId: null, field: null, line: 20 }];
    expect(table({ problems, columns: 200 }, []).slice(0, 5)).toEqual([
      'holdfast: 1 server, 1 not started  mcp.json',
      '',
      'server      state                            pid   gen   latency  failed  next      last error',
      'web         config error                       –     –         –       –  –         line 8: mcpServers.web.url: remote servers are not supported yet; leave it out (and 1 more)',
      '(settings)  config error                       –     –         –       –  –         line 20: remote servers are not supported yet; leave it out',
    ]);
  });

  it('colours states, and dims an error of the past', () => {
    const [, , , files, git, search, slow] = table({ color: true });
    expect(files).toContain('\u001b[32mhealthy ');
    expect(files).toContain('\u001b[2mit was ended by SIGKILL\u001b[22m');
    expect(git).toContain('\u001b[36mconnecting (verifying) ');
    expect(search).toContain('\u001b[31mdisconnected (backing off) ');
    expect(search).toMatch(/ {2}it exited with code 1$/);
    expect(slow).toContain('\u001b[33mdegraded ');
    expect(table({ color: true }).map(stripVTControlCharacters)).toEqual(table());
  });
});

describe('where there is little room', () => {
  it('leaves out the error column at 80 columns, and tells the errors of the moment below', () => {
    expect(table({ columns: 80 }, [...sessions.slice(0, 4), sessionInfo('sequential-thinking')])).toEqual([
      'holdfast: 5 servers, 2 healthy, 1 degraded, 1 connecting, 1 disconnected  mcp.j…',
      '',
      'server               state             pid   gen   latency  failed  next',
      'files                healthy         12345     1    1.3 ms       0  –',
      'git                  connecting      12346     3         –       0  –',
      'search               disconnected        –     2         –       0  in 3.2 s',
      'slow                 degraded        12348     1   5801 ms       2  –',
      'sequential-thinking  healthy          4711     1    1.3 ms       0  –',
      'search: it exited with code 1',
      'slow: no answer to a check within 5000 ms',
      '',
      'try: kill -9 12345  and watch files come back',
      'Ctrl-C drains and stops',
    ]);
  });

  it('keeps id, state and pid at 40 columns', () => {
    expect(table({ columns: 40 }, [...sessions.slice(0, 1), sessionInfo('sequential-thinking')])).toEqual([
      'holdfast: 2 servers, 2 healthy  mcp.json',
      '',
      'server         state             pid',
      'files          healthy         12345',
      'sequential-t…  healthy          4711',
      '',
      'try: kill -9 12345  and watch files com…',
      'Ctrl-C drains and stops',
    ]);
  });

  it('counts the servers that do not fit into the rows', () => {
    expect(table({ rows: 7, columns: 60 })).toEqual([
      'holdfast: 5 servers, 1 healthy, 1 degraded, 1 connecting, 2…',
      'server   state             pid   gen  failed  next',
      'files    healthy         12345     1       0  –',
      'git      connecting      12346     3       0  –',
      '… and 3 more',
      'try: kill -9 12345  and watch files come back',
      'Ctrl-C drains and stops',
    ]);
  });

  it('keeps its columns while states change', () => {
    for (const columns of [40, 60, 80, 100, 120]) {
      const headings = sessions.map((info) => table({ columns }, [{ ...info, id: 'same' }])[2]);
      expect(new Set(headings).size).toBe(1);
    }
  });

  it('is never wider than the columns nor longer than the rows', () => {
    const odd = sessionInfo('寿司🍣\u202e\u001b[31m'.repeat(5), {
      lastError: { code: 'x', message: '幅'.repeat(200) },
    });
    for (let columns = 1; columns <= 130; columns += 1) {
      for (const rows of [1, 2, 3, 5, 8, 20]) {
        const lines = table({ columns, rows, color: true, problems: [problem] }, [odd, ...sessions]);
        expect(lines.length).toBeLessThanOrEqual(rows);
        expect(Math.max(...lines.map((line) => widthOf(stripVTControlCharacters(line))))).toBeLessThanOrEqual(columns);
      }
    }
  });
});

describe('what servers cannot do to the terminal', () => {
  it('shows nothing of escape sequences, controls, bidi and zero-width characters of a message', () => {
    const message = 'a\u001b[2J\u001b]0;title\u0007b\r\nc\u0000\u009b31md\u202ee\u200bf\u2066g';
    const [row] = table({}, [sessionInfo('x', { lastError: { code: 'x', message } })]).slice(3);
    expect(row).toBe('x       healthy                         4711     1    1.3 ms       0  –         ab c defg');
  });

  it('escapes them in an id, and in the invitation', () => {
    const lines = table({}, [sessionInfo('a\u202eb', { pid: 7 })]);
    expect(lines[3]).toMatch(/^a\\u\{202e\}b {2}healthy/);
    expect(lines.at(-2)).toBe('try: kill -9 7  and watch a\\u{202e}b come back');
  });

  it('lines up what is twice as wide', () => {
    const lines = table({ columns: 60 }, [sessionInfo('寿司'), sessionInfo('plain')]);
    expect(lines.slice(2, 5)).toEqual([
      'server  state             pid   gen  failed  next',
      '寿司    healthy          4711     1       0  –',
      'plain   healthy          4711     1       0  –',
    ]);
  });
});
