import { describe, expect, it } from 'vitest';
import { outcomeOf, type World } from './support.ts';
import { around, grouped } from './group-world.ts';

const START = Date.UTC(2026, 0, 1);
const killed = 'it has no connection: the process was killed by SIGKILL';

describe('a group whose primary is killed', () => {
  it('has moved before anybody calls it, and moves back a minute after the primary is healthy again', async () => {
    const { w, group } = await grouped(['a', 'b']);
    await w.clock.advance(5_000);
    w.news();
    w.server('a').kill();
    expect(group.active).toBe('b');
    await w.clock.advance(61_000);
    expect(group.active).toBe('a');
    expect(w.news().filter((line) => !line.endsWith('tick') && !line.includes(' check '))).toEqual([
      '5000 a 1 connected.healthy > releasing: the process was killed by SIGKILL',
      '5000 group team a takes no calls',
      `5000 group team failedOver a > b: ${killed}`,
      '5000 a 1 attempt 1 in 250',
      '5000 a 1 releasing > disconnected.backingOff: the process was killed by SIGKILL',
      '5250 a 2 disconnected.backingOff > connecting.opening: the process was killed by SIGKILL',
      '5250 a 2 connecting.opening > connecting.verifying: the process was killed by SIGKILL',
      '5250 a 2 connecting.verifying > connecting.hydrating: the process was killed by SIGKILL',
      '5250 a 2 connecting.hydrating > connected.healthy',
      '5250 group team a takes calls',
      '5250 group team failback to a in 60000',
      '65250 group team failedBack b > a',
    ]);
  });

  it('shows each step in its info', async () => {
    const { w, group } = await grouped(['a', 'b']);
    const a = { id: 'a', priority: 0, active: true, state: 'healthy', admits: true, failures: 0 };
    const b = { id: 'b', priority: 1, active: false, state: 'healthy', admits: true, failures: 0 };
    const info = {
      id: 'team',
      state: 'onPrimary',
      active: 'a',
      members: [a, b],
      failoverThreshold: 3,
      failback: 'auto',
      since: START,
      switches: 0,
      lastSwitch: null,
      failbackAt: null,
      failbackTo: null,
      heldByHand: false,
    };
    expect(group.info).toEqual(info);
    expect(group.members).toBe(group.info.members);
    await w.clock.advance(1_000);
    w.server('a').kill();
    const moved = {
      ...info,
      state: 'onBackup',
      active: 'b',
      members: [
        { ...a, active: false, state: 'disconnected', admits: false },
        { ...b, active: true },
      ],
      since: START + 1_000,
      switches: 1,
      lastSwitch: { at: START + 1_000, from: 'a', to: 'b', reason: killed },
    };
    expect(group.info).toEqual(moved);
    await w.clock.advance(250);
    expect(group.info).toEqual({
      ...moved,
      members: [
        { ...a, active: false },
        { ...b, active: true },
      ],
      failbackAt: START + 61_250,
      failbackTo: 'a',
    });
    await w.clock.advance(60_000);
    expect(group.info).toEqual({
      ...info,
      since: START + 61_250,
      switches: 2,
      lastSwitch: { at: START + 61_250, from: 'b', to: 'a', reason: 'it has been healthy long enough' },
    });
  });

  it('does not return while the primary is only degraded, nor to one that falls ill before the time is over', async () => {
    const { w, group, told } = await grouped(['a', 'b']);
    w.server('a').kill();
    await w.clock.advance(30_000);
    w.server('a').answersPing = false;
    await w.clock.advance(60_000);
    expect(group.active).toBe('b');
    expect(told().slice(2)).toEqual([
      '250 a takes calls',
      '250 failback to a in 60000',
      '50250 failback to a cancelled',
      '70250 a takes no calls',
    ]);
  });
});

describe('a group whose primary loses its session, or its link, or is told to reconnect', () => {
  it.each<[string, (w: World) => void, string]>([
    ['loses its session', (w) => w.server('a').loseSession(), 'the server no longer knows this session'],
    ['has its link reset', (w) => w.server('a').breakLink(), 'the connection was reset'],
    ['is told to reconnect', (w) => w.manager.session('a').reconnect('new token'), 'new token'],
  ])('%s: moves at once, and returns after the delay', async (_what, happen, reason) => {
    const { w, group, told } = await grouped(['a', 'b']);
    happen(w);
    expect(group.active).toBe('b');
    await w.clock.advance(61_000);
    expect(group.active).toBe('a');
    expect(told().filter((line) => line.includes('failed'))).toEqual([
      `0 failedOver a > b: it has no connection: ${reason}`,
      expect.stringMatching(/^60\d{3} failedBack b > a$/u),
    ]);
  });
});

describe('the threshold', () => {
  it('is crossed by failed checks of the active member, each in its turn', async () => {
    const { w, group, told } = await grouped(['a', 'b'], { group: { failoverThreshold: 2 } });
    w.server('a').answersPing = false;
    await w.clock.advance(20_000);
    expect([group.active, group.info.members[0]?.failures]).toEqual(['a', 1]);
    await w.clock.advance(10_000);
    expect([group.active, group.info.members[0]?.failures]).toEqual(['b', 2]);
    expect(told()).toEqual(['30000 failedOver a > b: it failed 2 times in a row: no answer to a check within 5000 ms']);
  });

  it('that is above the one of health is crossed by none: an unhealthy member is left at once', async () => {
    const { w, group, told } = await grouped(['a', 'b'], { group: { failoverThreshold: 9 } });
    w.server('a').answersPing = false;
    await w.clock.advance(40_000);
    expect(group.active).toBe('b');
    expect(told()).toEqual([
      '40000 a takes no calls',
      '40000 failedOver a > b: it is unhealthy: no answer to a check within 5000 ms',
    ]);
  });

  it('is crossed by failed calls of the active member', async () => {
    const { w, group, told } = await grouped(['a', 'b']);
    w.server('a').answersCalls = false;
    for (let n = 1; n <= 3; n += 1) {
      expect(group.active).toBe('a');
      const call = outcomeOf(group.callTool('echo', {}, { timeoutMs: 100 }));
      await w.clock.advance(100);
      expect([call.error().code, group.info.members[0]?.failures]).toEqual(['CALL_TIMEOUT', n]);
    }
    expect(group.active).toBe('b');
    expect(told()).toEqual(['300 failedOver a > b: it failed 3 times in a row: calls get no answer']);
  });

  it('counts checks or calls, whichever failed more, and not both together', async () => {
    const { w, group } = await grouped(['a', 'b']);
    w.server('a', { answersCalls: false, answersPing: false });
    for (let n = 1; n <= 2; n += 1) {
      outcomeOf(group.callTool('echo', {}, { timeoutMs: 100 }));
      await w.clock.advance(100);
    }
    await w.clock.runUntil(() => w.manager.getSessionInfo('a')?.failedHealthChecks === 2, { maxMs: 60_000 });
    expect([group.active, group.info.members[0]?.failures]).toEqual(['a', 2]);
    outcomeOf(group.callTool('echo', {}, { timeoutMs: 100 }));
    await w.clock.advance(100);
    expect([group.active, group.info.members[0]?.failures]).toEqual(['b', 3]);
  });

  it('is begun anew by an answer, and by the next generation', async () => {
    const { w, group } = await grouped(['a', 'b']);
    const fail = async (): Promise<void> => {
      w.server('a').answersCalls = false;
      outcomeOf(group.callTool('echo', {}, { timeoutMs: 100 }));
      await w.clock.advance(100);
      w.server('a').answersCalls = true;
    };
    await fail();
    await fail();
    await group.callTool('echo');
    await fail();
    await fail();
    expect([group.active, group.info.members[0]?.failures]).toEqual(['a', 2]);
    w.manager.session('a').reconnect();
    await w.clock.advance(100_000);
    expect([group.active, group.info.members[0]?.failures]).toEqual(['a', 0]);
    await fail();
    expect([group.active, group.info.members[0]?.failures]).toEqual(['a', 1]);
  });

  it('of 1 is crossed by the first failure', async () => {
    const { w, group } = await grouped(['a', 'b'], { group: { failoverThreshold: 1 } });
    w.server('a').answersCalls = false;
    outcomeOf(group.callTool('echo', {}, { timeoutMs: 100 }));
    await w.clock.advance(100);
    expect(group.active).toBe('b');
  });

  it('is not crossed by errors that a server answers, nor by calls that their caller gives up', async () => {
    const { w, group } = await grouped(['a', 'b']);
    w.server('a').onCall = () => {
      throw new Error('no');
    };
    for (let n = 0; n < 5; n += 1) outcomeOf(group.callTool('echo'));
    await w.clock.settle();
    w.server('a').answersCalls = false;
    for (let n = 0; n < 5; n += 1) outcomeOf(group.callTool('echo', {}, { signal: AbortSignal.abort() }));
    await w.clock.settle();
    expect([group.active, group.info.members[0]?.failures]).toEqual(['a', 0]);
  });

  it('a primary that failed its calls, and has long been well again, is returned to', async () => {
    const { w, group } = await grouped(['a', 'b']);
    w.server('a').answersCalls = false;
    for (let n = 0; n < 3; n += 1) {
      outcomeOf(group.callTool('echo', {}, { timeoutMs: 100 }));
      await w.clock.advance(100);
    }
    expect(group.active).toBe('b');
    w.server('a').answersCalls = true;
    await w.clock.advance(3_600_000);
    expect(group.active).toBe('a');
  });

  it('a primary that failed its calls gets one again after failBack()', async () => {
    const { w, group, executed } = await grouped(['a', 'b']);
    w.server('a').answersCalls = false;
    for (let n = 0; n < 3; n += 1) {
      outcomeOf(group.callTool('echo', {}, { timeoutMs: 100 }));
      await w.clock.advance(100);
    }
    w.server('a').answersCalls = true;
    group.failBack();
    expect(group.active).toBe('a');
    await group.callTool('echo');
    expect(executed('a', 'b')).toEqual([4, 0]);
    await w.clock.advance(60_000);
    expect(group.active).toBe('a');
  });

  it('a primary that failed its calls and got failBack() is healthy again once checks have shown it', async () => {
    const { w, group } = await grouped(['a', 'b']);
    w.server('a').answersCalls = false;
    for (let n = 0; n < 3; n += 1) {
      outcomeOf(group.callTool('echo', {}, { timeoutMs: 100 }));
      await w.clock.advance(100);
    }
    w.server('a').answersCalls = true;
    expect(w.manager.getSessionInfo('a')).toMatchObject({ state: 'degraded', reason: 'calls get no answer' });
    group.failBack();
    await group.callTool('echo');
    await w.clock.advance(30_000);
    expect(w.manager.getSessionInfo('a')).toMatchObject({ state: 'healthy', reason: null });
  });
});

describe('the dwell', () => {
  it('keeps a backup that fails its calls for 10 s; calls are spilled meanwhile, which is no switch', async () => {
    const { w, group, told, executed } = await grouped(['a', 'b', 'c'], { group: { failoverThreshold: 1 } });
    w.server('a', { refuse: { kind: 'unreachable', code: 'x', message: 'x' } }).kill();
    w.server('b').answersCalls = false;
    await w.clock.advance(1_000);
    outcomeOf(group.callTool('echo', {}, { timeoutMs: 1_000 }));
    await w.clock.advance(1_000);
    expect(group.active).toBe('b');
    const served: unknown[] = [];
    await group.callTool('echo', {}, { onServed: (each) => served.push(each) });
    expect([group.active, executed('a', 'b', 'c'), served]).toEqual([
      'b',
      [0, 1, 1],
      [{ serverId: 'c', generation: 1, attempts: 1 }],
    ]);
    await w.clock.advance(7_999);
    expect(group.active).toBe('b');
    await w.clock.advance(1);
    expect([group.active, group.info.switches]).toEqual(['c', 2]);
    expect(told()).toEqual([
      '0 a takes no calls',
      `0 failedOver a > b: ${killed}`,
      '10000 failedOver b > c: it failed 1 times in a row: calls get no answer',
    ]);
  });

  it('keeps nobody whose connection is gone', async () => {
    const { w, group } = await grouped(['a', 'b', 'c']);
    w.server('a').kill();
    w.server('b').kill();
    expect([group.active, group.info.switches]).toEqual(['c', 2]);
  });
});

describe('by hand', () => {
  it('failOver() moves at once to the next member and stays; failBack() returns', async () => {
    const { w, group, told } = await grouped(['a', 'b', 'c']);
    group.failOver('maintenance');
    expect([group.active, group.info.heldByHand]).toEqual(['b', true]);
    group.failOver();
    expect([group.active, group.info.lastSwitch?.reason]).toEqual(['c', 'asked for by hand']);
    await w.clock.advance(3_600_000);
    expect(group.active).toBe('c');
    group.failBack();
    expect([group.active, group.info.heldByHand, group.info.switches]).toEqual(['a', false, 3]);
    group.failBack();
    expect(group.info.switches).toBe(3);
    expect(told()).toEqual([
      '0 failedOver a > b by hand: maintenance',
      '0 failedOver b > c by hand: asked for by hand',
      '3600000 failedBack c > a by hand',
    ]);
  });

  it('the hold ends when the member that is held fails', async () => {
    const { w, group } = await grouped(['a', 'b']);
    group.failOver();
    w.server('b').kill();
    expect([group.active, group.info.heldByHand]).toEqual(['a', false]);
  });

  it('failBack() of a held group whose primary is down lets it return by itself later', async () => {
    const { w, group } = await grouped(['a', 'b']);
    group.failOver();
    w.server('a').kill();
    group.failBack();
    expect([group.active, group.info.heldByHand]).toEqual(['b', false]);
    await w.clock.advance(60_250);
    expect(group.active).toBe('a');
  });
});

describe('two groups that share their members', () => {
  it('decide each for itself', async () => {
    const { w, group } = await grouped(['a', 'b', 'c']);
    const other = w.manager.addGroup('other', { primary: 'b', backups: ['a'], failoverThreshold: 1 });
    expect(w.manager.getSessionInfo('a')?.groups).toEqual(['team', 'other']);
    const { told } = around(w, other);
    group.failOver();
    expect([group.active, other.active, told()]).toEqual(['b', 'b', []]);
    w.server('b').answersCalls = false;
    outcomeOf(group.callTool('echo', {}, { timeoutMs: 100 }));
    await w.clock.advance(100);
    expect([group.active, other.active]).toEqual(['b', 'a']);
    expect(other.members.map(({ id, failures }) => [id, failures])).toEqual([
      ['b', 1],
      ['a', 0],
    ]);
    for (let n = 0; n < 3; n += 1) {
      outcomeOf(w.manager.session('b').callTool('echo', {}, { timeoutMs: 100 }));
      await w.clock.advance(100);
    }
    expect([group.members[1]?.failures, other.members[0]?.failures]).toEqual([3, 1]);
    w.manager.removeGroup('other');
    expect(w.manager.getSessionInfo('a')?.groups).toEqual(['team']);
    w.server('b').kill();
    expect(group.active).toBe('a');
  });
});
