import { describe, expect, it } from 'vitest';
import { outcomeOf, world, type World } from './support.ts';
import { around, grouped } from './group-world.ts';

const unreachable = { kind: 'unreachable', code: 'x', message: 'nobody there' } as const;

/** The next timer of this delay cannot be set. */
function failNextTimer(w: World, delayMs: number): { readonly failed: boolean } {
  const outcome = { failed: false };
  w.onTimer = (ms) => {
    if (ms !== delayMs) return;
    w.onTimer = () => undefined;
    outcome.failed = true;
    throw new Error('no timer');
  };
  return outcome;
}

/** Ends the session's actor by an exception of its own. */
function crashSession(w: World, id: string): void {
  w.random = () => {
    w.random = () => 0.5;
    throw new Error('no chance');
  };
  w.server(id).exit();
}

/** Kills the manager actor that holds the session: when it sets the timer of that session's restart. */
async function crashManagerOf(w: World, id: string): Promise<void> {
  const timer = failNextTimer(w, 250);
  crashSession(w, id);
  await w.clock.settle();
  expect(timer.failed).toBe(true);
}

describe('a group whose actor throws', () => {
  it('is started anew where it left off; calls go on meanwhile, and its members are watched as before', async () => {
    const { w, group, told, executed } = await grouped(['a', 'b', 'c']);
    group.failOver('maintenance');
    await w.clock.advance(20_000);
    told();
    const dwell = failNextTimer(w, 10_000);
    w.server('b', { refuse: unreachable }).kill();
    expect(dwell.failed).toBe(true);
    await group.callTool('echo');
    expect(executed('a', 'b', 'c')).toEqual([1, 0, 0]);
    await w.clock.advance(250);
    expect(group.info).toMatchObject({ state: 'onPrimary', active: 'a', heldByHand: false });
    expect(told()).toContain('20000 groupCrashed, again in 250');
    w.server('a').kill();
    expect(group.active).toBe('c');
    await w.clock.advance(3_600_000);
    expect(group.active).toBe('a');
  });

  it('tells of a switch once, though it threw in the middle of it', async () => {
    const { w, group, told } = await grouped(['a', 'b', 'c']);
    failNextTimer(w, 10_000);
    w.server('a', { refuse: unreachable }).kill();
    await w.clock.advance(10_000);
    const switches = told().filter((line) => line.includes('failedOver'));
    expect([group.active, group.info.switches, switches.length]).toEqual(['b', 1, 1]);
  });

  it('keeps a hold by hand, its switches and its hesitation', async () => {
    const { w, group } = await grouped(['a', 'b', 'c']);
    w.server('a').kill();
    await w.clock.advance(60_250);
    expect(group.active).toBe('a');
    w.server('a').kill();
    expect(group.info.switches).toBe(3);
    const failback = failNextTimer(w, 120_000);
    await w.clock.advance(1_000);
    expect(failback.failed).toBe(true);
    await w.clock.advance(1_000);
    expect(group.info).toMatchObject({ active: 'b', switches: 3, failbackTo: 'a' });
    group.failOver();
    const dwell = failNextTimer(w, 10_000);
    group.failOver();
    expect(dwell.failed).toBe(true);
    await w.clock.advance(1_000);
    expect(group.info).toMatchObject({ heldByHand: true });
  });

  it('does what it is told by hand meanwhile, or says that it does not', async () => {
    const { w, group } = await grouped(['a', 'b', 'c']);
    failNextTimer(w, 10_000);
    w.server('a', { refuse: unreachable }).kill();
    await w.clock.settle();
    let refused = false;
    try {
      group.failOver('maintenance');
    } catch {
      refused = true;
    }
    await w.clock.advance(1_000);
    expect(refused || group.info.heldByHand).toBe(true);
  });

  it.each([true, false])(
    'can be removed (%s), and the manager closed, while it waits to be started anew',
    async (isRemoved) => {
      const { w, group } = await grouped(['a', 'b']);
      failNextTimer(w, 10_000);
      group.failOver();
      await w.clock.settle();
      if (isRemoved) w.manager.removeGroup('team');
      const closed = outcomeOf(w.manager.close());
      await w.clock.settle();
      closed.value();
      expect([w.clock.pendingTimers, w.trace.filter((line) => line.endsWith('groupRemoved')).length]).toEqual([0, 1]);
    },
  );

  it('leaves its members and the other groups alone', async () => {
    const { w, group } = await grouped(['a', 'b']);
    const other = w.manager.addGroup('other', { primary: 'b', backups: ['a'] });
    failNextTimer(w, 10_000);
    group.failOver();
    await w.clock.advance(1_000);
    expect(w.manager.listSessions().map(({ generation, state }) => [generation, state])).toEqual([
      [1, 'healthy'],
      [1, 'healthy'],
    ]);
    w.server('b').kill();
    expect([group.active, other.active]).toEqual(['a', 'a']);
  });
});

describe('a member whose actor throws', () => {
  it('is left at once, and returned to', async () => {
    const { w, group, told } = await grouped(['a', 'b']);
    crashSession(w, 'a');
    expect(group.active).toBe('b');
    await w.clock.advance(70_000);
    expect(group.active).toBe('a');
    expect(told().filter((line) => line.includes('failed'))).toHaveLength(2);
  });
});

describe('a manager actor that throws', () => {
  it('loses none of its groups: each goes on under another, with its members as they come back', async () => {
    const { w, group, told } = await grouped(['a', 'b', 'c']);
    await w.clock.advance(1_000);
    told();
    await crashManagerOf(w, 'c');
    expect(group.info.state).toBe('unavailable');
    await w.clock.advance(250);
    expect(group.info).toMatchObject({ state: 'onPrimary', active: 'a' });
    const lines = told();
    expect(lines.filter((line) => line.includes('vailable'))).toEqual([
      '1000 groupUnavailable',
      '1250 groupAvailable: a',
    ]);
    expect(lines.filter((line) => line.includes('takes calls'))).toEqual([
      '1250 a takes calls',
      '1250 b takes calls',
      '1250 c takes calls',
    ]);
    w.server('a').kill();
    expect(group.active).toBe('b');
  });

  it('moves no group between members that it has lost together', async () => {
    const { w, group } = await grouped(['a', 'b', 'c']);
    await crashManagerOf(w, 'c');
    await w.clock.advance(250);
    expect([group.active, group.info.switches]).toEqual(['a', 0]);
  });

  it('leaves no timer of its groups', async () => {
    const { w, group } = await grouped(['a', 'b']);
    w.server('a').kill();
    await w.clock.advance(1_000);
    expect(group.info.failbackTo).toBe('a');
    await crashManagerOf(w, 'b');
    const closed = outcomeOf(w.manager.close());
    await w.clock.settle();
    closed.value();
    expect(w.clock.pendingTimers).toBe(0);
  });

  it('while a member of its groups is removed: that one is absent, and another is active', async () => {
    const { w, group } = await grouped(['a', 'b', 'c']);
    w.server('c', { killMs: 10, pid: 1 });
    await crashManagerOf(w, 'c');
    const first = group.active ?? '';
    const removed = outcomeOf(w.manager.removeServer(first));
    await w.clock.advance(100);
    removed.value();
    expect(group.members.find(({ id }) => id === first)).toMatchObject({ state: 'absent', active: false });
    expect(group.active).not.toBe(first);
    expect(group.active).toBeDefined();
    await w.clock.advance(1_000);
    await group.callTool('echo');
  });

  it('with a group of which all members were removed loses it not', async () => {
    const { w, group } = await grouped(['a', 'b', 'c'], { group: { primary: 'a', backups: ['b'] } });
    for (const id of ['a', 'b']) {
      const removed = outcomeOf(w.manager.removeServer(id));
      await w.clock.settle();
      removed.value();
    }
    await crashManagerOf(w, 'c');
    await w.clock.advance(1_000);
    expect([group.active, group.info.state]).toEqual([undefined, 'unavailable']);
    await w.add('b');
    expect([group.active, group.info.state]).toEqual(['b', 'onBackup']);
  });

  it('takes a group along that is removed meanwhile', async () => {
    const { w } = await grouped(['a', 'b']);
    await crashManagerOf(w, 'b');
    expect(w.manager.removeGroup('team')).toBe(true);
    await w.clock.advance(10_000);
    expect([w.manager.listGroups(), w.manager.sessionStats().healthy]).toEqual([[], 2]);
    w.news();
    w.server('a').kill();
    expect(w.news().filter((line) => line.includes('group'))).toEqual([]);
  });
});

describe('groups over servers under different manager actors', () => {
  async function many(): Promise<World> {
    const w = world({ config: { maxConnections: 100 } });
    for (let n = 0; n < 70; n += 1) await w.add(`s${n}`);
    return w;
  }

  it('move and return like any other', async () => {
    const w = await many();
    const { group, told } = around(w, w.manager.addGroup('far', { primary: 's0', backups: ['s40', 's69'] }));
    w.server('s0').kill();
    expect(group.active).toBe('s40');
    w.server('s40').kill();
    expect(group.active).toBe('s69');
    await w.clock.advance(130_000);
    expect(group.active).toBe('s0');
    expect(told().filter((line) => line.includes('failed'))).toEqual([
      '0 failedOver s0 > s40: it has no connection: the process was killed by SIGKILL',
      '0 failedOver s40 > s69: it has no connection: the process was killed by SIGKILL',
      '120250 failedBack s69 > s0',
    ]);
    expect(w.manager.removeGroup('far')).toBe(true);
    w.server('s40').kill();
    expect(told().at(-1)).toMatch(/groupRemoved$/u);
  });

  it('go on when the manager actor of a member is lost: that member is watched under the next one', async () => {
    const w = await many();
    const group = w.manager.addGroup('far', { primary: 's0', backups: ['s40', 's69'] });
    group.failOver();
    expect(group.active).toBe('s40');
    await crashManagerOf(w, 's41');
    expect(group.active).toBe('s0');
    await w.clock.advance(5_000);
    expect(group.members.map(({ admits }) => admits)).toEqual([true, true, true]);
    w.server('s40').kill();
    expect(group.members[1]?.admits).toBe(false);
  });

  it('go on when their own manager actor is lost, with the members that are elsewhere', async () => {
    const w = await many();
    const { group, told } = around(w, w.manager.addGroup('far', { primary: 's0', backups: ['s40', 's69'] }));
    await crashManagerOf(w, 's1');
    expect([group.active, group.info.switches]).toEqual(['s40', 1]);
    w.server('s40').kill();
    expect(group.active).toBe('s69');
    await w.clock.advance(5_000);
    w.server('s69').kill();
    expect(group.active).toBe('s0');
    await w.clock.advance(5_000);
    w.server('s0').kill();
    expect(group.active).toBe('s40');
    expect(told().filter((line) => line.includes('failed')).length).toBe(4);
  });

  it('do not lose a member that is removed and added again under another manager actor', async () => {
    const w = await many();
    const group = w.manager.addGroup('far', { primary: 's40', backups: ['s0'] });
    const removed = [outcomeOf(w.manager.removeServer('s0')), outcomeOf(w.manager.removeServer('s1'))];
    await w.clock.settle();
    for (const each of removed) each.value();
    await w.add('new');
    await w.add('s0');
    expect(group.members[1]).toMatchObject({ state: 'healthy', admits: true });
    w.server('s40').kill();
    expect(group.active).toBe('s0');
    w.server('s0').kill();
    expect(group.members[1]).toMatchObject({ state: 'disconnected' });
  });
});
