import { describe, expect, it } from 'vitest';
import { as, groupBenches, type GroupBench } from './group-bench.ts';

const bench = groupBenches();
const minute = 60_000;

/** The primary goes, comes back, and is returned to; the delay of each round, and how long the primary then lasts. */
async function round(group: GroupBench, lastsMs = 0): Promise<number> {
  group.is('gone', 'a').is('healthy', 'a');
  const scheduled = group.emitted.findLast((event) => event.type === 'failbackScheduled');
  await group.advance(scheduled?.delayMs ?? 0);
  expect(group.active).toBe('a');
  await group.advance(lastsMs);
  return scheduled?.delayMs ?? Number.NaN;
}

describe('failback by itself', () => {
  it('comes when the primary was healthy for the delay, at once told and scheduled', async () => {
    const group = bench().is('gone', 'a');
    await group.advance(5_000);
    group.take();
    group.is('healthy', 'a');
    expect(group.context.failback).toEqual({ to: 'a', at: 1_065_000, delayMs: 60_000 });
    expect(group.emitted.at(-1)).toEqual({
      type: 'failbackScheduled',
      to: 'a',
      delayMs: 60_000,
      failbackAt: 1_065_000,
    });
    await group.advance(59_999);
    expect([group.active, group.take()]).toEqual(['b', ['a takes calls', 'failback to a in 60000']]);
    await group.advance(1);
    expect([group.active, group.state, group.take()]).toEqual(['a', 'onPrimary', ['65000 failedBack b > a']]);
    expect(group.context).toMatchObject({
      failback: null,
      switches: 2,
      activeSince: 1_065_000,
      lastSwitch: { at: 1_065_000, from: 'b', to: 'a', reason: 'it has been healthy long enough' },
    });
  });

  it.each([
    [0, 48_000],
    [0.5, 60_000],
    [0.999, 71_976],
  ])('with the chance %d comes after %i ms', async (chance, ms) => {
    const group = bench({ random: () => chance })
      .is('gone', 'a')
      .is('healthy', 'a');
    await group.advance(ms - 1);
    expect(group.active).toBe('b');
    await group.advance(1);
    expect(group.active).toBe('a');
  });

  it('is called off when the primary stops being healthy, and starts anew, in full, when it is healthy again', async () => {
    const group = bench().is('gone', 'a').is('healthy', 'a');
    group.take();
    await group.advance(50_000);
    group.is('degraded', 'a');
    await group.advance(20_000);
    group.is('healthy', 'a');
    await group.advance(30_000);
    group.is('gone', 'a');
    await group.advance(1_000);
    group.is('healthy', 'a');
    expect(group.take()).toEqual([
      'failback to a cancelled',
      'failback to a in 60000',
      'a takes no calls',
      'failback to a cancelled',
      'a takes calls',
      'failback to a in 60000',
    ]);
    await group.advance(59_999);
    expect(group.active).toBe('b');
    await group.advance(1);
    expect([group.active, group.timers]).toEqual(['a', [10_000]]);
  });

  it('hesitates twice as long with each further failover, up to 15 minutes', async () => {
    const group = bench();
    const delays = [];
    for (let n = 0; n < 7; n += 1) delays.push(await round(group));
    expect(delays).toEqual([60_000, 120_000, 240_000, 480_000, 900_000, 900_000, 900_000]);
  });

  it('hesitates a step less for each 10 minutes since the last failover', async () => {
    const group = bench();
    const delays = [];
    for (const lasts of [0, 0, 0, 10 * minute - 1, 10 * minute, 20 * minute, 30 * minute, 0]) {
      delays.push(await round(group, lasts));
    }
    expect(delays).toEqual([60_000, 120_000, 240_000, 480_000, 480_000, 480_000, 240_000, 60_000]);
    expect(group.context.hesitation).toBe(0);
  });

  it('has forgotten its hesitation after hours without a failover, also those on the backup', async () => {
    const group = bench();
    for (let n = 0; n < 5; n += 1) await round(group);
    group.is('gone', 'a');
    await group.advance(300 * minute);
    group.take();
    group.is('healthy', 'a');
    expect(group.take()).toEqual(['a takes calls', 'failback to a in 60000']);
  });

  it('does not count failovers beyond those that make 15 minutes: each 10 quiet minutes halve the delay from there', async () => {
    const group = bench();
    for (let n = 0; n < 40; n += 1) group.is('gone', 'a').is('healthy', 'a').failBack();
    await group.advance(60 * minute);
    group.is('gone', 'a').take();
    group.is('healthy', 'a');
    expect(group.take()).toEqual(['a takes calls', 'failback to a in 60000']);
  });

  it('without a delay comes as soon as the dwell is over', async () => {
    const group = bench({ policy: { failbackDelayMs: 0 } }).is('gone', 'a');
    await group.advance(10_000);
    group.take();
    group.is('healthy', 'a');
    await group.advance(0);
    expect([group.active, group.take()]).toEqual([
      'a',
      ['a takes calls', 'failback to a in 0', '10000 failedBack b > a'],
    ]);
  });

  it('does not return to a member that only takes calls', async () => {
    const group = bench().is('gone', 'a').is('degraded', 'a');
    await group.advance(60 * minute);
    group.is('lazy', 'a');
    await group.advance(60 * minute);
    expect([group.active, group.timers]).toEqual(['b', []]);
  });
});

describe('a primary that flaps', () => {
  it('is left and returned to once per round, each time after the whole delay', async () => {
    const group = bench();
    group.take();
    for (let n = 0; n < 30; n += 1) {
      group.is('gone', 'a');
      await group.advance(1_000);
      group.is('healthy', 'a');
      await group.advance(1_000);
    }
    await group.advance(59_000);
    const switches = group.emitted.filter(({ type }) => type === 'failedOver' || type === 'failedBack');
    expect(switches.map(({ type }) => type)).toEqual(['failedOver', 'failedBack']);
    expect(group.clock.monotonic()).toBe(119_000);
  });
});

describe('three members', () => {
  it('fail back to the middle one, then to the top one', async () => {
    const group = bench({ members: [as.gone('a'), as.gone('b'), as.healthy('c')] });
    group.take();
    group.is('healthy', 'b');
    await group.advance(60_000);
    expect([group.active, group.state]).toEqual(['b', 'holding']);
    await group.advance(30_000);
    group.is('healthy', 'a');
    await group.advance(60_000);
    expect([group.active, group.state, group.take()]).toEqual([
      'a',
      'onPrimary',
      [
        'b takes calls',
        'failback to b in 60000',
        '60000 failedBack c > b',
        'a takes calls',
        'failback to a in 60000',
        '150000 failedBack b > a',
      ],
    ]);
  });

  it('fail back straight to the top one when it becomes healthy while a failback to the middle one is due', async () => {
    const group = bench({ members: [as.gone('a'), as.gone('b'), as.healthy('c')] });
    group.is('healthy', 'b').take();
    await group.advance(59_000);
    group.is('healthy', 'a');
    await group.advance(60_000);
    expect([group.active, group.take()]).toEqual([
      'a',
      ['a takes calls', 'failback to b cancelled', 'failback to a in 60000', '119000 failedBack c > a'],
    ]);
  });

  it('fail back to the middle one when the top one, to which a failback was due, is gone', async () => {
    const group = bench({ members: [as.gone('a'), as.gone('b'), as.healthy('c')] });
    group.is('healthy', 'b', 'a').take();
    await group.advance(59_000);
    group.is('gone', 'a');
    await group.advance(60_000);
    expect([group.active, group.take()]).toEqual([
      'b',
      ['a takes no calls', 'failback to a cancelled', 'failback to b in 60000', '119000 failedBack c > b'],
    ]);
  });

  it('are not disturbed in a failback by a lesser one that comes and goes', async () => {
    const group = bench({ members: [as.gone('a'), as.gone('b'), as.healthy('c')] });
    group.is('healthy', 'a').take();
    await group.advance(30_000);
    group.is('healthy', 'b').is('gone', 'b').is('healthy', 'b');
    await group.advance(30_000);
    expect(group.take()).toEqual(['b takes calls', 'b takes no calls', 'b takes calls', '60000 failedBack c > a']);
  });

  it('of which the active one fails while a failback is due fail over, and hesitate anew', async () => {
    const group = bench({ members: [as.gone('a'), as.healthy('b'), as.healthy('c')] });
    group.is('healthy', 'a').take();
    await group.advance(30_000);
    group.is('degraded', 'a').is('gone', 'b');
    expect(group.take()).toEqual([
      'failback to a cancelled',
      'b takes no calls',
      'failedOver b > a: it has no connection: the process exited',
    ]);
  });
});

describe('failback "manual" and "never"', () => {
  it.each(['manual', 'never'] as const)(
    '"%s" leaves it where it is, until it is told or has to leave',
    async (failback) => {
      const group = bench({ policy: { failback } }).is('gone', 'a').is('healthy', 'a');
      await group.advance(60 * minute);
      expect([group.active, group.timers, group.context.failback]).toEqual(['b', [], null]);
      group.take();
      group.failBack();
      expect([group.active, group.take()]).toEqual(['a', ['failedBack b > a by hand']]);
      group.is('gone', 'a').is('healthy', 'a');
      await group.advance(60 * minute);
      group.take();
      group.is('gone', 'b');
      expect([group.active, group.take().at(-1)]).toEqual([
        'a',
        'failedOver b > a: it has no connection: the process exited',
      ]);
    },
  );
});

describe('by hand', () => {
  it('failOver goes round by the members that serve, and holds', async () => {
    const group = bench().is('failing', 'b');
    group.take();
    group.failOver('first').failOver('second');
    expect(group.take()).toEqual(['failedOver a > c by hand: first', 'failedOver c > a by hand: second']);
    expect(group.context.heldByHand).toBe(true);
    group.failOver();
    await group.advance(60 * minute);
    expect([group.active, group.timers]).toEqual(['c', []]);
    expect(group.context.lastSwitch).toEqual({ at: 1_000_000, from: 'a', to: 'c', reason: 'maintenance' });
  });

  it('failOver does not make the group more hesitant', () => {
    const group = bench().failOver().failBack().failOver().failBack();
    expect(group.context.hesitation).toBeNull();
    group.is('gone', 'a').is('healthy', 'a');
    expect(group.context.failback?.delayMs).toBe(60_000);
  });

  it('failOver calls off the failback that was due', async () => {
    const group = bench().is('gone', 'a').is('healthy', 'a');
    group.take();
    group.failOver();
    expect(group.take()).toEqual(['failback to a cancelled', 'failedOver b > c by hand: maintenance']);
    await group.advance(60 * minute);
    expect(group.active).toBe('c');
  });

  it('failBack ends the hold, and what is due by itself comes again', async () => {
    const group = bench().is('gone', 'a').failOver();
    expect([group.active, group.context.heldByHand]).toEqual(['c', true]);
    group.failBack();
    expect([group.active, group.context.heldByHand]).toEqual(['b', false]);
    group.take();
    group.is('healthy', 'a');
    await group.advance(60_000);
    expect(group.take()).toEqual(['a takes calls', 'failback to a in 60000', '60000 failedBack b > a']);
  });

  it('failBack ends the hold also when there is nothing better yet', async () => {
    const group = bench().failOver().is('gone', 'a');
    group.failBack();
    expect([group.active, group.context.heldByHand, group.memory?.heldByHand]).toEqual(['b', false, false]);
    group.is('healthy', 'a');
    await group.advance(60_000);
    expect(group.active).toBe('a');
  });

  it('failBack is done once: nothing is held against what happens next', () => {
    const group = bench().failOver().failBack();
    group.take();
    group.failBack();
    expect(group.take()).toEqual([]);
    group.is('gone', 'a');
    expect(group.active).toBe('b');
  });

  it('a hold ends with the failure of the member that is held', async () => {
    const group = bench().failOver();
    await group.advance(10_000);
    group.take();
    group.is('failing', 'b');
    expect([group.active, group.context.heldByHand]).toEqual(['a', false]);
    const other = bench().failOver().failOver().is('gone', 'c').is('gone', 'a').is('healthy', 'a');
    expect([other.active, other.context.heldByHand, other.context.failback?.to]).toEqual(['b', false, 'a']);
  });
});
