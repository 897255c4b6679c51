import { Subject } from 'rxjs';
import { expect, it } from 'vitest';
import { eventFeed } from '../../src/cli/event-feed.ts';
import { JsonLines } from '../../src/cli/json-lines.ts';
import { UnknownServerError } from '../../src/index.ts';
import type { ManagerEvent } from '../../src/index.ts';
import { groupInfo } from './group-info.ts';

const added: ManagerEvent = { seq: 1, at: 5, serverId: 'files', generation: 0, type: 'serverAdded' };
const removed: ManagerEvent = { seq: 2, at: 6, serverId: 'files', generation: 1, type: 'serverRemoved' };
const time = expect.stringMatching(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/);

class FakeOutput {
  writableLength = 0;
  text = '';
  write(text: string): void {
    this.text += text;
  }
  get lines(): unknown[] {
    return this.text
      .split('\n')
      .slice(0, -1)
      .map((line): unknown => JSON.parse(line));
  }
}

it('begins with started and the problems, even if there were events before, and ends with stopped', () => {
  const events$ = new Subject<ManagerEvent>();
  const output = new FakeOutput();
  const feed = eventFeed({ events$, listGroups: () => [] }, new JsonLines(output));
  events$.next(added);
  expect(output.text).toBe('');
  const problem = { file: '/m.json', line: 3, column: 5, field: null, serverId: 'web', problem: 'no', fix: 'yes' };
  feed.start({ servers: ['files'], groups: [] }, [problem]);
  events$.next(removed);
  feed.end();
  expect(output.lines).toEqual([
    { type: 'started', time, servers: ['files'], groups: [], pid: process.pid, service: null, inspector: null },
    { type: 'configProblem', time, ...problem },
    { ...added, time },
    { ...removed, time },
    { type: 'stopped', time },
  ]);
});

it('tells what an edit of the configuration did, with what is still wrong, and one that was not followed', () => {
  const output = new FakeOutput();
  const feed = eventFeed({ events$: new Subject<ManagerEvent>(), listGroups: () => [] }, new JsonLines(output));
  const problem = { file: '/m.json', line: 3, column: 5, field: null, serverId: 'web', problem: 'no', fix: 'yes' };
  feed.start({ servers: ['files'], groups: [] }, []);
  feed.configChanged(
    {
      servers: [
        { id: 'a', change: 'added' },
        { id: 'b', change: 'unchanged' },
        { id: 'c', change: 'replaced' },
        { id: 'd', change: 'refused', kept: true, error: new UnknownServerError('d', []) },
        { id: 'e', change: 'removed' },
      ],
      groups: [{ id: 'pair', change: 'replaced' }],
    },
    [problem],
  );
  feed.configBroken([problem]);
  expect(output.lines.slice(1)).toEqual([
    {
      type: 'configChanged',
      time,
      servers: { added: ['a'], replaced: ['c'], removed: ['e'], refused: ['d'] },
      groups: { added: [], replaced: ['pair'], removed: [], refused: [] },
    },
    { type: 'configProblem', time, ...problem },
    { type: 'configBroken', time, problems: [problem] },
  ]);
});

it('tells once how the groups stood, before the events that change it', () => {
  const events$ = new Subject<ManagerEvent>();
  const output = new FakeOutput();
  const pair = groupInfo('pair', { state: 'unavailable' });
  const feed = eventFeed({ events$, listGroups: () => [pair] }, new JsonLines(output));
  const groupAdded: ManagerEvent = { seq: 1, at: 5, groupId: 'pair', type: 'groupAdded' };
  const available: ManagerEvent = { seq: 2, at: 6, groupId: 'pair', type: 'groupAvailable', active: 'a' };
  events$.next(groupAdded);
  feed.start({ servers: ['a', 'b'], groups: ['pair'] }, []);
  events$.next(available);
  expect(output.lines).toEqual([
    { type: 'started', time, servers: ['a', 'b'], groups: ['pair'], pid: process.pid, service: null, inspector: null },
    { ...groupAdded, time },
    { type: 'groups', time, groups: [pair] },
    { ...available, time },
  ]);
});

it('skips lines for a reader that is 4 MiB behind, and tells how many when it reads again', () => {
  const output = new FakeOutput();
  const lines = new JsonLines(output);
  output.writableLength = 4 * 1024 * 1024 + 1;
  lines.write({ type: 'a', time: 't' });
  lines.write({ type: 'b', time: 't' });
  expect(output.text).toBe('');
  output.writableLength = 0;
  lines.write({ type: 'c', time: 't' });
  expect(output.lines).toEqual([
    { type: 'skipped', time, count: 2 },
    { type: 'c', time: 't' },
  ]);
});
