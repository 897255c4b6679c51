import type { Observable } from 'rxjs';
import { describe, expect, it } from 'vitest';
import type { GroupEvent, GroupInfo } from '../../src/index.ts';
import { collectingUncaught, outcomeOf, simulated, type World } from './support.ts';
import { grouped } from './group-world.ts';

const unreachable = { kind: 'unreachable', code: 'x', message: 'nobody there' } as const;

function record<T>(source: Observable<T>): (T | 'completed' | 'failed')[] {
  const seen: (T | 'completed' | 'failed')[] = [];
  source.subscribe({
    next: (value) => seen.push(value),
    complete: () => seen.push('completed'),
    error: () => seen.push('failed'),
  });
  return seen;
}

/** What somebody knows of a group who saw it once and heard its events since. */
interface Known {
  readonly active: string | null;
  readonly isAvailable: boolean;
  readonly admits: Readonly<Record<string, boolean>>;
  readonly switches: number;
  readonly failbackTo: string | null;
  readonly failbackAt: number | null;
}

function knownOf(info: GroupInfo): Known {
  return {
    active: info.active,
    isAvailable: info.state !== 'unavailable',
    admits: Object.fromEntries(info.members.map(({ id, admits }) => [id, admits])),
    switches: info.switches,
    failbackTo: info.failbackTo,
    failbackAt: info.failbackAt,
  };
}

function after(known: Known, event: GroupEvent): Known {
  switch (event.type) {
    case 'memberChanged':
      return { ...known, admits: { ...known.admits, [event.memberId]: event.admits } };
    case 'failedOver':
    case 'failedBack':
      return { ...known, active: event.to, switches: known.switches + 1, failbackTo: null, failbackAt: null };
    case 'failbackScheduled':
      return { ...known, failbackTo: event.to, failbackAt: event.failbackAt };
    case 'failbackCancelled':
      return { ...known, failbackTo: null, failbackAt: null };
    case 'groupUnavailable':
      return { ...known, isAvailable: false };
    case 'groupAvailable':
      return { ...known, isAvailable: true };
    default:
      return known;
  }
}

/** What is known by replaying what was told from now on. */
function replayed(w: World, id = 'team'): () => Known {
  const { seq, groups } = w.manager.snapshot();
  const info = groups.find((group) => group.id === id);
  if (info === undefined) throw new Error('there is no such group');
  return () =>
    w.events
      .filter((event): event is GroupEvent => event.groupId === id && event.seq > seq)
      .reduce(after, knownOf(info));
}

describe('info$', () => {
  it('gives the info as it is first, then every change once, and completes with the last', async () => {
    const { w, group } = await grouped(['a', 'b']);
    const seen = record(group.info$);
    expect(seen).toEqual([group.info]);
    w.server('a').kill();
    expect(seen.at(-1)).toBe(group.info);
    await w.clock.advance(70_000);
    group.failOver();
    w.manager.removeGroup('team');
    const story = seen.map((info) =>
      typeof info === 'string' ? info : `${info.state} ${info.active} ${info.failbackTo}`,
    );
    expect(story.filter((line, index) => line !== story[index - 1])).toEqual([
      'onPrimary a null',
      'onBackup b null',
      'onBackup b a',
      'onPrimary a null',
      'onBackup b null',
      'completed',
    ]);
    expect(new Set(seen).size).toBe(seen.length);
    expect(record(group.info$)).toEqual([group.info, 'completed']);
  });

  it('is frozen, the same object until something changes, and as JSON', async () => {
    const { w, group } = await grouped(['a', 'b']);
    const { info } = group;
    await w.clock.advance(60_000);
    await group.callTool('echo');
    expect(group.info).toBe(info);
    expect(JSON.parse(JSON.stringify(info))).toEqual(info);
    expect([info, info.members, info.members[0]].every((each) => Object.isFrozen(each))).toBe(true);
  });
});

describe('events$', () => {
  it('is hot, of this group alone, and ends with groupRemoved', async () => {
    const { w, group } = await grouped(['a', 'b']);
    const other = w.manager.addGroup('other', { primary: 'b', backups: ['a'] });
    const seen = record(group.events$);
    other.failOver();
    group.failOver();
    w.manager.removeGroup('other');
    w.manager.removeGroup('team');
    w.manager.addGroup('team', { primary: 'b', backups: [] });
    expect(seen.map((event) => (typeof event === 'string' ? event : event.type))).toEqual([
      'failedOver',
      'groupRemoved',
      'completed',
    ]);
    expect(record(group.events$)).toEqual(['completed']);
  });

  it('carries groupId where events of servers carry serverId, and shares their seq', async () => {
    const { w, group } = await grouped(['a', 'b']);
    const seen = record(group.events$);
    w.server('a').kill();
    const { seq } = w.manager.snapshot();
    expect(seen).toEqual([
      { seq: seq - 1, at: w.clock.wall(), groupId: 'team', type: 'memberChanged', memberId: 'a', admits: false },
      {
        seq,
        at: w.clock.wall(),
        groupId: 'team',
        type: 'failedOver',
        from: 'a',
        to: 'b',
        reason: 'it has no connection: the process was killed by SIGKILL',
        byHand: false,
      },
    ]);
    await w.clock.advance(200_000);
    expect(w.events.map((event) => event.seq)).toEqual(w.events.map((_event, index) => index + 1));
    for (const event of w.events) expect((event.groupId === undefined) !== (event.serverId === undefined)).toBe(true);
  });

  it('finds in the info, in the snapshot and in active what it tells', async () => {
    const { w, group } = await grouped(['a', 'b']);
    const seen: unknown[] = [];
    group.events$.subscribe((event) => {
      const shown = w.manager.snapshot();
      const [info] = shown.groups;
      seen.push([
        event.type,
        group.active,
        group.info.active,
        info?.active,
        group.info.failbackTo,
        shown.seq === event.seq,
      ]);
    });
    w.server('a').kill();
    await w.clock.advance(70_000);
    expect(seen).toEqual([
      ['memberChanged', 'b', 'b', 'b', null, true],
      ['failedOver', 'b', 'b', 'b', null, true],
      ['memberChanged', 'b', 'b', 'b', 'a', true],
      ['failbackScheduled', 'b', 'b', 'b', 'a', true],
      ['failedBack', 'a', 'a', 'a', null, true],
    ]);
  });

  it('may be answered by orders, which are carried out, and told after it', async () => {
    const { w, group } = await grouped(['a', 'b', 'c']);
    group.events$.subscribe((event) => {
      if (event.type === 'failedOver' && !event.byHand) group.failOver('not that one');
    });
    w.server('a').kill();
    expect([group.active, w.trace.slice(-3).filter((line) => line.includes('failedOver'))]).toEqual([
      'c',
      [
        '0 group team failedOver a > b: it has no connection: the process was killed by SIGKILL',
        '0 group team failedOver b > c by hand: not that one',
      ],
    ]);
  });

  it('a listener that throws harms nobody', async () => {
    const { w, group } = await grouped(['a', 'b']);
    const caught = await collectingUncaught(async () => {
      const listening = group.events$.subscribe(() => {
        throw new Error('mine');
      });
      listening.add(
        group.info$.subscribe((info) => {
          if (info.active === 'b') throw new Error('mine too');
        }),
      );
      w.server('a').kill();
      await w.clock.advance(70_000);
      listening.unsubscribe();
    });
    expect([group.active, group.info.switches]).toEqual(['a', 2]);
    expect(new Set(caught.map(String))).toEqual(new Set(['Error: mine', 'Error: mine too']));
  });
});

describe('groupAdded', () => {
  it('tells of a group whose active member is known already', async () => {
    const { w } = await grouped(['a', 'b']);
    const seen: unknown[] = [];
    w.manager.events$.subscribe((event) => {
      if (event.type === 'groupAdded') {
        const { info } = w.manager.group(event.groupId);
        seen.push([info.state, info.active, w.manager.snapshot().groups.at(-1)?.active]);
      }
    });
    w.manager.addGroup('late', { primary: 'a', backups: ['b'] });
    expect(seen).toEqual([['onPrimary', 'a', 'a']]);
  });

  it.each(['stateChanged', 'healthTicked', 'failedOver'] as const)(
    'in the hearing of %s: its active member is known when addGroup returns',
    async (type) => {
      const { w } = await grouped(['a', 'b']);
      const seen: unknown[] = [];
      w.manager.events$.subscribe((event) => {
        if (event.type !== type || seen.length > 0) return;
        const late = w.manager.addGroup('late', { primary: 'b', backups: ['a'] });
        seen.push([late.active, late.info.state]);
      });
      await w.add('c');
      await w.clock.advance(20_000);
      w.server('a').kill();
      await w.clock.settle();
      expect(seen).toEqual([['b', 'onPrimary']]);
    },
  );
});

describe('the manager', () => {
  it('shows its groups in groups$, at most every 50 ms, and completes', async () => {
    const { w, group } = await grouped(['a', 'b']);
    const seen = record(w.manager.groups$);
    expect(seen).toEqual([[group.info]]);
    w.server('a').kill();
    w.manager.addGroup('other', { primary: 'b', backups: ['a'] });
    await w.clock.advance(49);
    const before = seen.length;
    await w.clock.advance(1);
    expect(before).toBeLessThanOrEqual(2);
    expect(seen.at(-1)).toEqual(w.manager.listGroups());
    expect(w.manager.listGroups().map(({ id, active }) => [id, active])).toEqual([
      ['team', 'b'],
      ['other', 'b'],
    ]);
    const closed = outcomeOf(w.manager.close());
    await w.clock.settle();
    closed.value();
    expect(seen.slice(-2)).toEqual([[], 'completed']);
  });

  it('shows them in its snapshot, which is the same until something changes', async () => {
    const { w, group } = await grouped(['a', 'b']);
    const shown = w.manager.snapshot();
    expect([shown.groups, w.manager.snapshot() === shown]).toEqual([[group.info], true]);
    expect(shown.sessions.map(({ groups }) => groups)).toEqual([['team'], ['team']]);
    group.failOver();
    expect(w.manager.snapshot()).not.toBe(shown);
    expect(w.manager.snapshot().groups[0]?.active).toBe('b');
    expect(JSON.parse(JSON.stringify(w.manager.snapshot()))).toEqual(w.manager.snapshot());
    w.manager.removeGroup('team');
    expect(w.manager.snapshot().sessions.map(({ groups }) => groups)).toEqual([[], []]);
  });
});

describe('replaying the events gives the present state', () => {
  it('in a long story', async () => {
    const { w, group } = await grouped(['a', 'b', 'c']);
    const known = replayed(w);
    w.server('a').kill();
    await w.clock.advance(30_000);
    w.server('b').answersPing = false;
    await w.clock.advance(50_000);
    expect(known()).toEqual(knownOf(group.info));
    w.server('b').answersPing = true;
    for (const id of ['a', 'b', 'c']) w.server(id, { refuse: unreachable }).kill();
    await w.clock.advance(5_000);
    expect(known()).toEqual(knownOf(group.info));
    expect(known()).toMatchObject({ isAvailable: false });
    for (const id of ['a', 'b', 'c']) w.server(id).refuse = null;
    await w.clock.advance(40_000);
    group.failOver();
    expect(known()).toEqual(knownOf(group.info));
    const removed = outcomeOf(w.manager.removeServer('a'));
    await w.clock.settle();
    removed.value();
    await w.add('a');
    group.failBack();
    await w.clock.advance(300_000);
    expect(known()).toEqual(knownOf(group.info));
  });

  it.each<[string, (w: World) => void]>([
    ['nothing else', () => undefined],
    ['a member that goes meanwhile', (w) => w.server('c', { refuse: unreachable }).kill()],
    ['the active member going meanwhile', (w) => w.server('b', { refuse: unreachable }).kill()],
    [
      'all members going meanwhile',
      (w) => {
        for (const id of ['a', 'b', 'c']) w.server(id, { refuse: unreachable }).kill();
      },
    ],
  ])('over a crash of the group’s actor, with %s', async (_what, meanwhile) => {
    const { w, group } = await grouped(['a', 'b', 'c']);
    const known = replayed(w);
    w.server('a').kill();
    await w.clock.advance(15_000);
    expect(group.info.failbackTo).toBe('a');
    w.onTimer = (ms) => {
      if (ms !== 10_000) return;
      w.onTimer = () => undefined;
      throw new Error('no timer');
    };
    group.failOver();
    meanwhile(w);
    await w.clock.advance(1_000);
    expect(w.trace.some((line) => line.includes('groupCrashed'))).toBe(true);
    expect(known()).toEqual(knownOf(group.info));
  });

  it('of a group that was unavailable when its actor crashed, and is not when it is there again', async () => {
    const { w, group } = await grouped(['a', 'b']);
    for (const id of ['a', 'b']) w.server(id, { refuse: unreachable }).kill();
    await w.clock.advance(15_000);
    const known = replayed(w);
    w.onTimer = (ms) => {
      if (ms !== 10_000) return;
      w.onTimer = () => undefined;
      throw new Error('no timer');
    };
    const removed = outcomeOf(w.manager.removeServer(group.active ?? ''));
    await w.clock.settle();
    removed.value();
    w.server('a').refuse = null;
    w.manager.session('a').reconnect();
    await w.clock.advance(1_000);
    expect(w.trace.some((line) => line.includes('groupCrashed'))).toBe(true);
    expect(known()).toEqual(knownOf(group.info));
  });

  it('over the loss of the group’s manager actor', async () => {
    const { w, group } = await grouped(['a', 'b', 'c']);
    const known = replayed(w);
    w.server('a').kill();
    await w.clock.advance(1_000);
    expect(group.info.failbackTo).toBe('a');
    w.onTimer = (ms) => {
      if (ms !== 250) return;
      w.onTimer = () => undefined;
      throw new Error('no timer');
    };
    w.random = () => {
      w.random = () => 0.5;
      throw new Error('no chance');
    };
    w.server('c').exit();
    await w.clock.settle();
    expect(known()).toEqual(knownOf(group.info));
    await w.clock.advance(5_000);
    expect(known()).toEqual(knownOf(group.info));
  });

  it('also of a group that is added while its primary is down', async () => {
    const { w } = await grouped(['b']);
    w.server('a').refuse = unreachable;
    await w.manager.addServer('a', simulated, { waitForReady: false });
    await w.clock.advance(1_000);
    const late = w.manager.addGroup('late', { primary: 'a', backups: ['b'] });
    const known = replayed(w, 'late');
    w.server('a').refuse = null;
    await w.clock.advance(100_000);
    expect([known(), late.active]).toEqual([knownOf(late.info), 'a']);
  });
});
