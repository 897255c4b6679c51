import { describe, expect, it } from 'vitest';
import { as } from './group-bench.ts';
import { managerBenches, type ManagerBench } from './manager-bench.ts';

const managerBench = managerBenches();

/** A manager with these healthy servers; nothing is told of how they came. */
function bench(...ids: readonly string[]): ManagerBench {
  const manager = managerBench();
  for (const id of ids) {
    manager.views.set(id, as.healthy(id));
    manager.add(id).connect(id);
  }
  manager.take();
  return manager;
}

describe('GROUP.ADD', () => {
  it('starts the group, which watches its members at once and hears what they are', () => {
    const manager = bench('a', 'b').addGroup('g', 'a', 'b');
    expect(manager.take()).toEqual(['g: group watched']);
    expect([manager.children, manager.watchers]).toEqual([['a', 'b', 'g group\u0000'], { a: 1, b: 1 }]);
    expect(manager.activeOf('g')).toBe('a');
  });

  it('of a group that is there does nothing', () => {
    const manager = bench('a').addGroup('g', 'a');
    const before = manager.group('g');
    manager.take();
    manager.send({ type: 'GROUP.ADD', id: 'g' });
    expect([manager.take(), manager.group('g') === before, manager.watchers]).toEqual([[], true, { a: 1 }]);
  });

  it('of a group that was removed meanwhile does nothing', () => {
    const manager = bench('a').send({ type: 'GROUP.ADD', id: 'nothing' }, { type: 'GROUP.RESTART', id: 'nothing' });
    expect([manager.take(), manager.children]).toEqual([[], ['a']]);
  });

  it.each(['a', 'a release', 'a group', 'restart a', '*', 'toString', 'health ticker'])(
    'takes the id "%s" like any other, beside a server of any id',
    async (id) => {
      const manager = bench('a', 'b', id).addGroup(id, 'a', 'b');
      manager.observe(as.gone('a'));
      expect(manager.activeOf(id)).toBe('b');
      manager.crashGroup(id);
      await manager.advance(250);
      expect([manager.activeOf(id), manager.phase(id)]).toEqual(['b', 'connected.healthy']);
      manager.take();
      manager.send({ type: 'GROUP.REMOVE', id });
      expect([manager.take(), manager.group(id), manager.phase(id)]).toEqual([
        [`${id}: group closed`],
        undefined,
        'connected.healthy',
      ]);
    },
  );
});

describe('MEMBER.OBSERVED', () => {
  it('reaches the groups that watch the server, and no other', () => {
    const manager = bench('a', 'b', 'c').addGroup('g', 'a', 'b').addGroup('h', 'a', 'c').addGroup('i', 'b', 'c');
    manager.take();
    manager.observe(as.gone('a'));
    expect(manager.take()).toEqual([
      'g: a takes no calls',
      'g: failedOver a > b: it has no connection: the process exited',
      'h: a takes no calls',
      'h: failedOver a > c: it has no connection: the process exited',
    ]);
  });

  it('of a server that nobody watches does nothing', () => {
    const manager = bench('a', 'b').addGroup('g', 'a');
    manager.take();
    manager.observe(as.gone('b')).observe(as.gone('nobody')).observe(as.gone('toString'));
    expect([manager.take(), manager.errors]).toEqual([[], []]);
  });
});

describe('MEMBER.WATCH', () => {
  it('is answered with the member as it is now', () => {
    const manager = bench('a', 'b').addGroup('g', 'a', 'b');
    manager.views.set('a', as.gone('a'));
    manager.send({ type: 'MEMBER.MOVED', id: 'g', memberId: 'a' });
    expect([manager.activeOf('g'), manager.watchers]).toEqual(['b', { a: 1, b: 1 }]);
  });

  it('of the same group twice is one', () => {
    const manager = bench('a', 'b').addGroup('g', 'a', 'b');
    manager.send({ type: 'MEMBER.MOVED', id: 'g', memberId: 'a' }, { type: 'MEMBER.MOVED', id: 'g', memberId: 'a' });
    manager.take();
    manager.observe(as.gone('a'));
    expect([manager.watchers, manager.take()]).toEqual([
      { a: 1, b: 1 },
      ['g: a takes no calls', 'g: failedOver a > b: it has no connection: the process exited'],
    ]);
  });

  it.each(['toString', 'constructor', '__proto__'])('of a server called "%s" is like any other', (id) => {
    const manager = bench('a');
    manager.views.set(id, as.healthy(id));
    manager.addGroup('g', 'a', id);
    expect([manager.errors, Object.keys(manager.watchers)]).toEqual([[], ['a', id]]);
    manager.observe(as.gone(id));
    expect(manager.take()).toEqual(['g: group watched', `g: ${id} takes no calls`]);
    manager.send({ type: 'GROUP.REMOVE', id: 'g' });
    expect(Object.keys(manager.watchers)).toEqual([]);
  });
});

describe('MEMBER.UNWATCH', () => {
  it('ends what one group hears, and leaves the others', () => {
    const manager = bench('a', 'b').addGroup('g', 'a', 'b').addGroup('h', 'a', 'b');
    const g = manager.group('g');
    if (g === undefined) throw new Error('there is no group');
    manager.send({ type: 'MEMBER.UNWATCH', id: 'a', watcher: g });
    manager.take();
    manager.observe(as.gone('a'));
    expect([manager.watchers, manager.activeOf('g'), manager.activeOf('h')]).toEqual([{ a: 1, b: 2 }, 'a', 'b']);
    manager.send({ type: 'MEMBER.UNWATCH', id: 'a', watcher: g }, { type: 'MEMBER.UNWATCH', id: 'nobody', watcher: g });
    expect(manager.watchers).toEqual({ a: 1, b: 2 });
  });
});

describe('a session that ends', () => {
  it('is absent to the groups that watched it, and watched no more until it is there again', async () => {
    const manager = bench('a', 'b').addGroup('g', 'a', 'b');
    manager.take();
    manager.remove('a');
    manager.tell('a', 'link', { type: 'LINK.RELEASED', generation: 1, leaked: false });
    expect([manager.take(), manager.watchers]).toEqual([
      ['a: link 1: LINK.RELEASE kill', 'a: closed', 'g: a takes no calls', 'g: failedOver a > b: it was removed'],
      { b: 1 },
    ]);
    manager.closing.clear();
    manager.memories.clear();
    manager.add('a').send({ type: 'MEMBER.MOVED', id: 'g', memberId: 'a' });
    expect(manager.watchers).toEqual({ a: 1, b: 1 });
  });

  it('while its crashed actor waits for a restart is absent at once', async () => {
    const manager = bench('a', 'b').addGroup('g', 'a', 'b');
    manager.crash('a');
    await manager.released('a');
    manager.take();
    manager.remove('a');
    expect([manager.take(), manager.watchers]).toEqual([
      ['a: closed', 'g: a takes no calls', 'g: failedOver a > b: it was removed'],
      { b: 1 },
    ]);
  });

  it('while its crashed actor’s link is being released is absent when that is done', async () => {
    const manager = bench('a', 'b').addGroup('g', 'a', 'b');
    manager.crash('a').remove('a').take();
    await manager.released('a');
    expect([manager.take(), manager.watchers]).toEqual([
      ['a: closed', 'g: a takes no calls', 'g: failedOver a > b: it was removed'],
      { b: 1 },
    ]);
  });

  it('by a crash keeps its watchers: the groups hear of the next actor as of the last', async () => {
    const manager = bench('a', 'b').addGroup('g', 'a', 'b');
    manager.crash('a');
    await manager.released('a');
    await manager.advance(250);
    manager.take();
    manager.observe(as.gone('a'));
    expect(manager.take()).toEqual([
      'g: a takes no calls',
      'g: failedOver a > b: it has no connection: the process exited',
    ]);
  });
});

describe('orders to a group', () => {
  it('reach it, and no other', () => {
    const manager = bench('a', 'b').addGroup('g', 'a', 'b').addGroup('h', 'a', 'b');
    manager.take();
    manager.send({ type: 'GROUP.FAILOVER', id: 'g', reason: 'maintenance' }, { type: 'GROUP.FAILBACK', id: 'g' });
    expect(manager.take()).toEqual(['g: failedOver a > b by hand: maintenance', 'g: failedBack b > a by hand']);
  });

  it('to unknown groups do nothing, but for REMOVE, which is answered', () => {
    const manager = bench('a').addGroup('g', 'a');
    manager.take();
    manager.send(
      { type: 'GROUP.FAILOVER', id: 'nobody', reason: 'x' },
      { type: 'GROUP.FAILBACK', id: 'toString' },
      { type: 'MEMBER.MOVED', id: 'nobody', memberId: 'a' },
    );
    expect(manager.take()).toEqual([]);
    manager.send({ type: 'GROUP.REMOVE', id: 'nobody' });
    expect(manager.take()).toEqual(['nobody: group closed']);
  });

  it('REMOVE ends it with its timers and its watching; its servers stay', () => {
    const manager = bench('a', 'b').addGroup('g', 'a', 'b');
    manager.observe(as.gone('a')).observe(as.healthy('a'));
    manager.take();
    manager.send({ type: 'GROUP.REMOVE', id: 'g' });
    expect(manager.take()).toEqual(['g: failback to a cancelled', 'g: group closed']);
    expect([manager.children, manager.watchers, manager.clock.pendingTimers]).toEqual([['a', 'b'], {}, 0]);
    manager.groupMemories.clear();
    manager.addGroup('g', 'b', 'a');
    expect([manager.take(), manager.activeOf('g')]).toEqual([['g: group watched'], 'b']);
  });
});

describe('a group whose actor throws', () => {
  it('is started anew after a backoff, where it left off, with its members as they are by then', async () => {
    const manager = bench('a', 'b', 'c').addGroup('g', 'a', 'b', 'c');
    manager.observe(as.gone('a')).observe(as.healthy('a'));
    manager.take();
    manager.crashGroup('g');
    expect([manager.take(), manager.group('g')]).toEqual([
      ['g: group crashed, Error: g broke, restart in 250'],
      undefined,
    ]);
    manager.observe(as.gone('c'));
    await manager.advance(249);
    expect(manager.take()).toEqual([]);
    await manager.advance(1);
    expect(manager.take()).toEqual(['g: group watched', 'g: failback to a in 60000', 'g: c takes no calls']);
    expect(manager.group('g')?.getSnapshot().context).toMatchObject({ active: 'b', switches: 1, hesitation: 0 });
    await manager.advance(60_000);
    expect(manager.take()).toEqual(['g: failedBack b > a']);
  });

  it('moves when it is there again, if its active member failed meanwhile', async () => {
    const manager = bench('a', 'b').addGroup('g', 'a', 'b').crashGroup('g');
    manager.observe(as.gone('a'));
    manager.take();
    await manager.advance(250);
    expect(manager.take()).toEqual([
      'g: group watched',
      'g: a takes no calls',
      'g: failedOver a > b: it has no connection: the process exited',
    ]);
  });

  it('leaves nothing of its old actor behind: no watcher, no timer', async () => {
    const manager = bench('a', 'b').addGroup('g', 'a', 'b');
    manager.observe(as.gone('a')).observe(as.healthy('a'));
    for (let n = 0; n < 5; n += 1) {
      manager.crashGroup('g');
      await manager.advance(60_000);
    }
    expect(manager.watchers).toEqual({ a: 1, b: 1 });
  });

  it('touches no session and no other group', async () => {
    const manager = bench('a', 'b').addGroup('g', 'a', 'b').addGroup('h', 'a', 'b');
    const h = manager.group('h');
    const a = manager.session('a')?.getSnapshot();
    manager.crashGroup('g');
    await manager.advance(250);
    expect([manager.group('h') === h, manager.session('a')?.getSnapshot() === a]).toEqual([true, true]);
    manager.observe(as.gone('a'));
    expect([manager.activeOf('g'), manager.activeOf('h')]).toEqual(['b', 'b']);
  });

  it('again and again waits longer each time, and quickly again after 300 s without', async () => {
    const manager = bench('a').addGroup('g', 'a');
    const waits: number[] = [];
    for (const restartMs of [250, 750, 1_500, 3_000]) {
      manager.take();
      manager.crashGroup('g');
      waits.push(Number(String(manager.take()[0]).split(' ').at(-1)));
      await manager.advance(restartMs);
    }
    await manager.advance(300_000);
    manager.take();
    manager.crashGroup('g');
    expect([...waits, manager.take()[0]]).toEqual([
      250,
      750,
      1_500,
      3_000,
      'g: group crashed, Error: g broke, restart in 250',
    ]);
  });

  it('and is removed before it is started anew is closed at once, and its crashes forgotten', async () => {
    const manager = bench('a').addGroup('g', 'a').crashGroup('g');
    manager.take();
    manager.groups.delete('g');
    manager.send({ type: 'GROUP.REMOVE', id: 'g' });
    expect([manager.take(), manager.clock.pendingTimers]).toEqual([['g: group closed'], 0]);
    expect(manager.actor.getSnapshot().context.crashes).toEqual({});
    await manager.advance(60_000);
    expect([manager.take(), manager.children]).toEqual([[], ['a']]);
  });

  it('has its crashes forgotten when it is removed later', async () => {
    const manager = bench('a').addGroup('g', 'a').crashGroup('g');
    await manager.advance(250);
    manager.send({ type: 'GROUP.REMOVE', id: 'g' });
    expect(manager.actor.getSnapshot().context).toEqual({ crashes: {}, watchers: {}, paused: false });
  });

  it('as soon as it is made is started anew like any other', async () => {
    const manager = bench('a', 'b');
    manager.views.set('a', as.gone('a'));
    manager.addGroup('g', 'b', 'a');
    manager.crashGroup('g');
    manager.views.set('b', as.gone('b'));
    manager.views.set('a', as.healthy('a'));
    manager.take();
    await manager.advance(250);
    expect(manager.take()).toEqual([
      'g: group watched',
      'g: b takes no calls',
      'g: a takes calls',
      'g: failedOver b > a: it has no connection: the process exited',
    ]);
  });
});

describe('a ticker that throws', () => {
  it('is no concern of the groups', () => {
    const manager = bench('a', 'b').addGroup('g', 'a', 'b');
    const g = manager.group('g')?.getSnapshot();
    manager.crashTicker().send({ type: 'MONITORING.STOP' });
    expect(manager.group('g')?.getSnapshot() === g).toBe(true);
  });
});

describe('failed calls that are old', () => {
  it('are forgiven with the next tick, and not before', () => {
    const manager = bench('a', 'b').connect('a').connect('b');
    for (const id of ['a', 'b']) manager.send({ type: 'CALL.EDGE', id, edge: { type: 'CALLS.FAILING' } });
    manager.forgiven.add('a');
    expect([manager.phase('a'), manager.phase('b')]).toEqual(['connected.degraded', 'connected.degraded']);
    const reasons = (id: string) => manager.session(id)?.getSnapshot().context.health.reasons;
    const ticks = ['a', 'b'].map((id) => ({ id, generation: 1, lateMs: 0 }));
    manager.send({ type: 'TICKS.DUE', ticks });
    expect([reasons('a'), reasons('b')]).toEqual([[], ['calls']]);
    expect(manager.forgiven.size).toBe(0);
  });
});
