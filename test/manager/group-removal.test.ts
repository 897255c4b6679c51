import { describe, expect, it } from 'vitest';
import { failureOf, outcomeOf, simulated, type World } from './support.ts';
import { grouped } from './group-world.ts';

const unreachable = { kind: 'unreachable', code: 'x', message: 'nobody there' } as const;

async function remove(w: World, ...ids: readonly string[]): Promise<void> {
  for (const id of ids) {
    const removed = outcomeOf(w.manager.removeServer(id));
    await w.clock.settle();
    removed.value();
  }
}

describe('a member that is removed', () => {
  it('is left as soon as its removal begins; its calls in flight still finish', async () => {
    const { w, group, told, executed } = await grouped(['a', 'b']);
    w.server('a').answerMs = 1_000;
    const call = outcomeOf(group.callTool('echo'));
    await w.clock.settle();
    const removed = outcomeOf(w.manager.removeServer('a'));
    expect([group.active, w.manager.getSessionInfo('a')?.phase]).toEqual(['b', 'draining']);
    await group.callTool('echo');
    await w.clock.advance(1_000);
    call.value();
    removed.value();
    expect([told(), executed('a', 'b')]).toEqual([
      ['0 a takes no calls', '0 failedOver a > b: it was removed'],
      [1, 1],
    ]);
    expect(group.members[0]).toEqual({
      id: 'a',
      priority: 0,
      active: false,
      state: 'absent',
      admits: false,
      failures: 0,
    });
  });

  it('and added again is a member again, and the primary is failed back to', async () => {
    const { w, group, told } = await grouped(['a', 'b']);
    await remove(w, 'a');
    await w.clock.advance(3_600_000);
    expect(group.active).toBe('b');
    told();
    await w.add('a');
    expect(w.manager.getSessionInfo('a')?.groups).toEqual(['team']);
    await w.clock.advance(60_000);
    expect([group.active, told()]).toEqual([
      'a',
      ['3600000 a takes calls', '3600000 failback to a in 60000', '3660000 failedBack b > a'],
    ]);
    w.server('a').kill();
    expect(group.active).toBe('b');
  });

  it('in the middle of its first way up is absent too', async () => {
    const { w } = await grouped(['b']);
    w.server('a').connectMs = 10_000;
    await w.manager.addServer('a', simulated, { waitForReady: false });
    const group = w.manager.addGroup('late', { primary: 'a', backups: ['b'] });
    await w.clock.advance(1_000);
    expect(group.active).toBe('a');
    await remove(w, 'a');
    expect([group.active, group.members[0]?.state]).toEqual(['b', 'absent']);
  });

  it('in the order of priority after another leaves the group at last with none, and comes back with the first', async () => {
    const { w, group, told } = await grouped(['a', 'b', 'c']);
    await remove(w, 'a', 'b', 'c');
    expect([group.active, group.info.active, group.info.state]).toEqual([undefined, null, 'unavailable']);
    expect(group.members.map(({ state, active }) => [state, active])).toEqual([
      ['absent', false],
      ['absent', false],
      ['absent', false],
    ]);
    expect(told()).toEqual([
      '0 a takes no calls',
      '0 failedOver a > b: it was removed',
      '0 b takes no calls',
      '0 failedOver b > c: it was removed',
      '0 c takes no calls',
      '0 groupUnavailable',
    ]);
    expect(await failureOf(() => group.callTool('echo'))).toMatchObject({
      code: 'GROUP_UNAVAILABLE',
      retryAfterMs: undefined,
    });
    await w.add('b');
    expect([group.active, group.info.state, told()]).toEqual([
      'b',
      'onBackup',
      ['0 failedOver c > b: it was removed', '0 b takes calls', '0 groupAvailable: b'],
    ]);
    await group.callTool('echo');
  });

  it('as the last one shows no active member to whoever watches', async () => {
    const { w, group } = await grouped(['a', 'b']);
    const seen: unknown[] = [];
    group.info$.subscribe(({ active, members }) => seen.push([active, ...members.map(({ state }) => state)]));
    await remove(w, 'a', 'b');
    expect([seen.at(-1), group.active, group.info.active]).toEqual([[null, 'absent', 'absent'], undefined, null]);
    expect(w.manager.snapshot().groups[0]?.active).toBeNull();
  });

  it('while it is down and waits for its next attempt is absent at once', async () => {
    const { w, group } = await grouped(['a', 'b']);
    for (const id of ['a', 'b']) w.server(id, { refuse: unreachable }).kill();
    await w.clock.advance(10_000);
    expect([group.active, group.info.state]).toEqual(['b', 'unavailable']);
    await remove(w, 'b');
    expect([group.active, group.members.map(({ state }) => state)]).toEqual(['a', ['disconnected', 'absent']]);
  });

  it('idle, since it is lazy, is absent at once', async () => {
    const { w, group } = await grouped(['a', 'b'], { options: { b: { lazy: true } } });
    await remove(w, 'b');
    w.server('a').kill();
    expect([group.active, group.members[1]?.state]).toEqual(['a', 'absent']);
  });
});

describe('removeGroup', () => {
  it('ends the group, and leaves its servers and their calls as they are', async () => {
    const { w, group, executed } = await grouped(['a', 'b']);
    w.server('a').answerMs = 1_000;
    const call = outcomeOf(group.callTool('echo'));
    const waiting = outcomeOf(group.ready());
    await w.clock.settle();
    expect([w.manager.removeGroup('team'), w.manager.removeGroup('team')]).toEqual([true, false]);
    await w.clock.advance(1_000);
    call.value();
    waiting.value();
    expect([executed('a', 'b'), w.manager.listGroups(), w.manager.getSessionInfo('a')?.groups]).toEqual([
      [1, 0],
      [],
      [],
    ]);
    for (const run of [
      () => group.callTool('echo'),
      () => group.listTools(),
      () => group.ready(),
      () => group.failOver(),
      () => group.failBack(),
    ]) {
      expect(await failureOf(run)).toMatchObject({
        name: 'ClosedError',
        code: 'CLOSED',
        outcome: 'not-sent',
        message: 'Group "team" was removed.',
      });
    }
    w.news();
    w.server('a').kill();
    await w.clock.advance(100_000);
    expect(w.news().filter((line) => line.includes('group'))).toEqual([]);
    expect(group.info).toMatchObject({ state: 'onPrimary', active: 'a' });
  });

  it('takes its timers with it', async () => {
    const { w, group } = await grouped(['a', 'b'], { config: { healthMonitoring: false } });
    w.server('a').kill();
    await w.clock.advance(250);
    expect(group.info.failbackTo).toBe('a');
    const before = w.clock.pendingTimers;
    w.manager.removeGroup('team');
    // The dwell and the failback.
    expect(before - w.clock.pendingTimers).toBe(2);
    expect(w.trace.slice(-2)).toEqual(['250 group team failback to a cancelled', '250 group team groupRemoved']);
  });

  it('makes room for another of its id, which begins as new', async () => {
    const { w, group } = await grouped(['a', 'b']);
    group.failOver();
    w.manager.removeGroup('team');
    const again = w.manager.addGroup('team', { primary: 'a', backups: ['b'] });
    expect([again.active, again.info.switches, again.info.heldByHand, again === group]).toEqual(['a', 0, false, false]);
    expect(await failureOf(() => group.callTool('echo'))).toMatchObject({ code: 'CLOSED' });
    w.server('a').kill();
    expect([again.active, group.info.active]).toEqual(['b', 'b']);
  });

  it.each(['failedOver', 'memberChanged', 'stateChanged'] as const)(
    'and addGroup of the same id in the hearing of %s leave one group that works',
    async (type) => {
      const { w } = await grouped(['a', 'b']);
      let done = false;
      w.manager.events$.subscribe((event) => {
        if (done || event.type !== type) return;
        done = true;
        w.manager.removeGroup('team');
        w.manager.addGroup('team', { primary: 'b', backups: ['a'] });
      });
      w.server('a').kill();
      await w.clock.advance(1_000);
      expect(done).toBe(true);
      const again = w.manager.group('team');
      expect([again.active, again.info.state]).toEqual(['b', 'onPrimary']);
      w.server('b').kill();
      expect(again.active).toBe('a');
      const last = w.trace.findLastIndex((line) => line.endsWith('groupRemoved'));
      expect(w.trace[last + 1]).toBe('0 group team groupAdded');
    },
  );
});

describe('close()', () => {
  it('ends the groups first, then the servers; the events say so', async () => {
    const { w, group } = await grouped(['a', 'b']);
    w.server('a').kill();
    await w.clock.advance(1_000);
    w.news();
    const waiting = outcomeOf(group.ready({ timeoutMs: 5_000 }));
    const closed = outcomeOf(w.manager.close());
    await w.clock.settle();
    closed.value();
    waiting.value();
    expect(w.news().filter((line) => line.includes('group') || line.includes('Removed'))).toEqual([
      '1000 group team failback to a cancelled',
      '1000 group team groupRemoved',
      '1000 a 2 serverRemoved',
      '1000 b 1 serverRemoved',
    ]);
    expect([w.manager.listGroups(), w.manager.removeGroup('team'), w.clock.pendingTimers]).toEqual([[], false, 0]);
    expect(await failureOf(() => group.callTool('echo'))).toMatchObject({ code: 'CLOSED' });
    expect(await failureOf(() => w.manager.group('team'))).toMatchObject({ code: 'UNKNOWN_GROUP' });
  });

  it('in the hearing of a switch ends everything', async () => {
    const { w } = await grouped(['a', 'b', 'c']);
    let closed: Promise<void> | undefined;
    w.manager.events$.subscribe(({ type }) => {
      if (type === 'failedOver') closed ??= w.manager.close();
    });
    w.server('a').kill();
    await w.clock.advance(10_000);
    expect(closed).toBeDefined();
    expect([w.manager.sessionCount, w.clock.pendingTimers]).toEqual([0, 0]);
    expect(w.trace.findLast((line) => line.includes('group'))).toBe('0 group team groupRemoved');
  });
});
