import { describe, expect, it } from 'vitest';
import { as, groupBenches } from './group-bench.ts';

const bench = groupBenches();

const failed = 'it failed 3 times in a row: calls get no answer';
const gone = 'it has no connection: the process exited';

describe('the dwell of 10 s after a switch', () => {
  it('holds a member that crosses the threshold but still has its link, until it is over', async () => {
    const group = bench().is('gone', 'a');
    await group.advance(4_000);
    group.take();
    group.is('failing', 'b');
    expect([group.take(), group.active]).toEqual([[], 'b']);
    await group.advance(5_999);
    expect(group.take()).toEqual([]);
    await group.advance(1);
    expect([group.take(), group.active]).toEqual([[`10000 failedOver b > c: ${failed}`], 'c']);
  });

  it('holds an unhealthy member with a link too', async () => {
    const group = bench().is('gone', 'a').is('unhealthy', 'b');
    group.take();
    await group.advance(9_999);
    expect([group.take(), group.active]).toEqual([[], 'b']);
    await group.advance(1);
    expect(group.take()).toEqual(['10000 failedOver b > c: it is unhealthy: no answer to a check']);
  });

  it('does not hold a member without a link, and begins anew with that switch', async () => {
    const group = bench().is('gone', 'a');
    await group.advance(4_000);
    group.take();
    group.is('gone', 'b');
    expect([group.take(), group.active]).toEqual([['b takes no calls', `failedOver b > c: ${gone}`], 'c']);
    group.is('degraded', 'b').is('failing', 'c');
    group.take();
    await group.advance(9_999);
    expect(group.take()).toEqual([]);
    await group.advance(1);
    expect(group.take()).toEqual([`14000 failedOver c > b: ${failed}`]);
  });

  it('ends without a switch when the member has recovered by then', async () => {
    const group = bench().is('gone', 'a').is('failing', 'b').is('degraded', 'b');
    group.take();
    await group.advance(60_000);
    expect([group.take(), group.active, group.timers]).toEqual([[], 'b', []]);
  });

  it('does not hold what is done by hand, which begins it anew', async () => {
    const group = bench();
    group.take();
    group.failOver();
    await group.advance(6_000);
    group.failBack().is('failing', 'a');
    expect(group.take()).toEqual(['failedOver a > b by hand: maintenance', 'failedBack b > a by hand']);
    await group.advance(9_999);
    expect(group.take()).toEqual([]);
    await group.advance(1);
    expect(group.take()).toEqual([`16000 failedOver a > b: ${failed}`]);
  });

  it('holds a failback as well, however short its delay is', async () => {
    const group = bench({ policy: { failbackDelayMs: 1_000 } })
      .is('gone', 'a')
      .is('healthy', 'a');
    group.take();
    await group.advance(9_999);
    expect(group.active).toBe('b');
    await group.advance(1_001);
    expect(group.active).toBe('a');
  });

  it('goes on where it was when the group’s actor is started anew', async () => {
    const first = bench().is('gone', 'a');
    expect(first.memory).toMatchObject({ active: 'b', activeSinceMs: 0 });
    const again = bench({
      members: [as.gone('a'), as.failing('b'), as.healthy('c')],
      ...(first.memory && { memory: first.memory }),
    });
    expect(again.active).toBe('b');
    await again.advance(9_999);
    expect(again.active).toBe('b');
    await again.advance(1);
    expect(again.active).toBe('c');
  });

  it('that was over before the actor is started anew is not begun again', () => {
    const first = bench().is('gone', 'a');
    const memory = first.memory && { ...first.memory, activeSinceMs: -10_000 };
    const again = bench({
      members: [as.gone('a'), as.failing('b'), as.healthy('c')],
      ...(memory && { memory }),
    });
    expect(again.active).toBe('c');
  });
});

describe('what the group remembers of its actor', () => {
  it('is its active member, since when, its switches, its hesitation and its hold', async () => {
    const first = bench().is('gone', 'a').is('healthy', 'a');
    await first.advance(60_000);
    first.is('gone', 'a');
    await first.advance(5_000);
    first.failOver('why not');
    const memory = {
      active: 'c',
      activeSinceMs: 65_000,
      activeSince: 1_065_000,
      switches: 4,
      lastSwitch: { at: 1_065_000, from: 'b', to: 'c', reason: 'why not' },
      hesitation: 1,
      heldByHand: true,
      failedOverAtMs: 60_000,
      isAvailable: true,
      members: [as.gone('a'), as.healthy('b'), as.healthy('c')],
    };
    expect(first.memory).toEqual(memory);
    const again = bench({ memory, members: memory.members });
    expect(again.context).toMatchObject({ ...memory, failback: null });
    expect([again.state, again.take()]).toEqual(['holding', ['MEMBER.WATCH a', 'MEMBER.WATCH b', 'MEMBER.WATCH c']]);
    again.failBack();
    expect([again.active, again.context.switches]).toEqual(['b', 5]);
  });

  it('leads to no other member than before, unless that one no longer serves', () => {
    const first = bench().failOver();
    const memory = first.memory;
    const kept = bench({ ...(memory && { memory }) });
    expect([kept.active, kept.context.heldByHand]).toEqual(['b', true]);
    const left = bench({ members: [as.healthy('a'), as.gone('b'), as.healthy('c')], ...(memory && { memory }) });
    expect([left.active, left.context.heldByHand, left.take().at(-1)]).toEqual([
      'a',
      false,
      `failedOver b > a: ${gone}`,
    ]);
  });
});

describe('a new group', () => {
  it.each([
    [['healthy', 'healthy', 'healthy'], 'a', 'onPrimary'],
    [['degraded', 'healthy', 'healthy'], 'a', 'onPrimary'],
    [['lazy', 'healthy', 'healthy'], 'a', 'onPrimary'],
    [['starting', 'healthy', 'healthy'], 'a', 'onPrimary'],
    [['starting', 'starting', 'starting'], 'a', 'unavailable'],
    [['gone', 'healthy', 'healthy'], 'b', 'holding'],
    [['gone', 'starting', 'healthy'], 'c', 'holding'],
    [['unhealthy', 'gone', 'lazy'], 'c', 'holding'],
    [['gone', 'starting', 'gone'], 'a', 'unavailable'],
    [['absent', 'gone', 'starting'], 'b', 'unavailable'],
    [['absent', 'absent', 'absent'], 'a', 'unavailable'],
  ] as const)('of %j begins with %s, %s', (kinds, active, state) => {
    const group = bench({ members: kinds.map((kind, index) => as[kind]('abc'.charAt(index))) });
    expect([group.active, group.state]).toEqual([active, state]);
  });

  it('whose primary fails its calls already begins with one that does not', () => {
    const group = bench({ members: [as.failing('a'), as.healthy('b')] });
    expect(group.active).toBe('b');
  });

  it('has switched never, tells of nothing but watches its members where they are', () => {
    const group = bench();
    expect(group.take()).toEqual(['MEMBER.WATCH a', 'MEMBER.WATCH b', 'MEMBER.WATCH c']);
    expect(group.context).toMatchObject({
      active: 'a',
      activeSince: 1_000_000,
      switches: 0,
      lastSwitch: null,
      hesitation: null,
      heldByHand: false,
      failback: null,
    });
  });

  it('does not leave a primary on its first way up, but one whose first attempt failed', () => {
    const group = bench({ members: [as.starting('a'), as.healthy('b')] });
    group.take();
    group.is('starting', 'a');
    expect([group.active, group.take()]).toEqual(['a', []]);
    group.is('gone', 'a');
    expect([group.active, group.take()]).toEqual(['b', [`failedOver a > b: ${gone}`]]);
  });

  it('of one member has nowhere to go', async () => {
    const group = bench({ members: [as.healthy('a')] });
    group.take();
    group.is('failing', 'a').is('gone', 'a').failOver().failBack().is('absent', 'a').is('healthy', 'a');
    await group.advance(600_000);
    expect([group.take(), group.context.switches]).toEqual([
      ['a takes no calls', 'groupUnavailable', 'a takes calls', 'groupAvailable: a'],
      0,
    ]);
  });
});

describe('members', () => {
  it('without a manager are watched as soon as they have one', () => {
    const group = bench();
    group.take();
    group.unmanaged.add('b');
    group.send({ type: 'MEMBER.MOVED', id: 'g', memberId: 'b' });
    expect(group.take()).toEqual([]);
    group.unmanaged.clear();
    group.send({ type: 'MEMBER.MOVED', id: 'g', memberId: 'b' });
    expect(group.take()).toEqual(['MEMBER.WATCH b']);
  });

  it('that were removed one after the other leave the group with none; the first to come back is active, once it is there', () => {
    const group = bench();
    group.take();
    group.is('absent', 'a', 'b', 'c');
    expect([group.state, group.take()]).toEqual([
      'unavailable',
      [
        'a takes no calls',
        'failedOver a > b: it was removed',
        'b takes no calls',
        'failedOver b > c: it was removed',
        'c takes no calls',
        'groupUnavailable',
      ],
    ]);
    group.is('starting', 'b');
    expect([group.active, group.take()]).toEqual(['b', ['failedOver c > b: it was removed']]);
    group.is('healthy', 'b');
    expect([group.active, group.take()]).toEqual(['b', ['b takes calls', 'groupAvailable: b']]);
  });

  it('that are told of again unchanged change nothing', () => {
    const group = bench().is('gone', 'a');
    group.take();
    const before = group.context;
    group.is('gone', 'a').is('healthy', 'b', 'c');
    expect([group.take(), JSON.stringify(group.context)]).toEqual([[], JSON.stringify(before)]);
  });
});
