import { describe, expect, it } from 'vitest';
import type { Fault } from '../../src/index.ts';
import { failureOf, outcomeOf, simulated, world } from './support.ts';

const START = Date.UTC(2026, 0, 1);
const silence = 'no answer to a check within 5000 ms';

describe('a server that crashes', () => {
  it('is connected again after a quick first retry, in the next generation', async () => {
    const w = world({ behaviour: { pid: 700 } });
    const session = await w.add('a');
    await w.clock.advance(10_000);
    w.news();
    w.server('a').stderr('out of memory');
    w.server('a').exit(137);
    await w.clock.advance(0);
    expect(session.info).toMatchObject({
      state: 'disconnected',
      phase: 'disconnected.backingOff',
      since: START + 10_000,
      reason: 'the process exited with code 137',
      generation: 1,
      pid: null,
      establishedAt: null,
      attempt: 1,
      nextAttemptAt: START + 10_250,
      lastError: { code: 'exit:137', message: 'the process exited with code 137' },
    });
    await w.clock.advance(1_000);
    expect(w.news()).toEqual([
      '10000 a 1 connected.healthy > releasing: the process exited with code 137',
      '10000 a 1 attempt 1 in 250',
      '10000 a 1 releasing > disconnected.backingOff: the process exited with code 137',
      '10250 a 2 disconnected.backingOff > connecting.opening: the process exited with code 137',
      '10250 a 2 connecting.opening > connecting.verifying: the process exited with code 137',
      '10250 a 2 check ok in 0',
      '10250 a 2 connecting.verifying > connecting.hydrating: the process exited with code 137',
      '10250 a 2 connecting.hydrating > connected.healthy',
    ]);
    expect(session.info).toMatchObject({
      state: 'healthy',
      generation: 2,
      pid: 701,
      attempt: 1,
      nextAttemptAt: null,
      establishedAt: START + 10_250,
      reason: null,
      lastError: { code: 'exit:137' },
    });
    expect(w.server('a')).toMatchObject({ generations: [1, 2], maxLiveLinks: 1 });
    expect(w.server('a').closes).toEqual(['kill']);
  });

  it('has its failed attempts forgotten after 60 s of connection', async () => {
    const w = world();
    const session = await w.add('a');
    w.server('a').exit();
    await w.clock.advance(250);
    expect(session.info).toMatchObject({ state: 'healthy', attempt: 1 });
    await w.clock.advance(59_999);
    expect(session.info.attempt).toBe(1);
    await w.clock.advance(1);
    expect(session.info.attempt).toBe(0);
  });

  it('a server without tools proves a later connection by a second check, 250 ms after the first', async () => {
    const w = world({ behaviour: { capabilities: {} } });
    await w.add('a');
    w.news();
    w.server('a').exit();
    await w.clock.advance(1_000);
    expect(w.news()).toEqual([
      '0 a 1 connected.healthy > releasing: the process exited with code 1',
      '0 a 1 attempt 1 in 250',
      '0 a 1 releasing > disconnected.backingOff: the process exited with code 1',
      '250 a 2 disconnected.backingOff > connecting.opening: the process exited with code 1',
      '250 a 2 connecting.opening > connecting.verifying: the process exited with code 1',
      '250 a 2 check ok in 0',
      '250 a 2 connecting.verifying > connecting.hydrating: the process exited with code 1',
      '250 a 2 connecting.hydrating > connecting.verifying: the process exited with code 1',
      '500 a 2 check ok in 0',
      '500 a 2 connecting.verifying > connected.healthy',
    ]);
  });

  it('more than five times in 300 s is parked for 300 s', async () => {
    const w = world();
    const session = await w.add('a');
    const waits: number[] = [];
    for (let exit = 1; exit <= 6; exit += 1) {
      w.server('a').exit();
      await w.clock.advance(0);
      waits.push((session.info.nextAttemptAt ?? 0) - w.clock.wall());
      if (exit < 6) await w.clock.runUntil(() => session.state === 'healthy', { maxMs: 60_000 });
    }
    expect(waits).toEqual([250, 750, 1_500, 3_000, 6_000, 300_000]);
    expect(session.info).toMatchObject({ phase: 'disconnected.parked.crashLoop', generation: 6 });
    await w.clock.advance(299_999);
    expect(session.info.generation).toBe(6);
    await w.clock.advance(1);
    expect(session.info).toMatchObject({ state: 'healthy', generation: 7 });
  });

  it('five times in 300 s and once later is no crash loop', async () => {
    const w = world();
    const session = await w.add('a');
    for (let exit = 1; exit <= 5; exit += 1) {
      w.server('a').exit();
      await w.clock.runUntil(() => session.state === 'healthy', { maxMs: 60_000 });
    }
    await w.clock.advance(300_000);
    w.server('a').exit();
    await w.clock.advance(0);
    expect(session.info).toMatchObject({ phase: 'disconnected.backingOff', attempt: 1 });
  });
});

describe('a server that hangs', () => {
  it('becomes degraded, unhealthy and disconnected, and healthy again when it answers', async () => {
    const w = world();
    const session = await w.add('a');
    w.server('a').hang();
    w.news();
    await w.clock.advance(70_250);
    w.server('a').resume();
    await w.clock.advance(0);
    expect(w.news()).toEqual([
      '15000 a 1 tick',
      '20000 a 1 check failed: check-timeout',
      `20000 a 1 connected.healthy > connected.degraded: ${silence}`,
      '25000 a 1 tick',
      '30000 a 1 check failed: check-timeout',
      '35000 a 1 tick',
      '40000 a 1 check failed: check-timeout',
      `40000 a 1 connected.degraded > connected.unhealthy: ${silence}`,
      '45000 a 1 tick',
      '50000 a 1 check failed: check-timeout',
      '55000 a 1 tick',
      '60000 a 1 check failed: check-timeout',
      `60000 a 1 connected.unhealthy > releasing: ${silence}`,
      '60000 a 1 attempt 1 in 250',
      `60000 a 1 releasing > disconnected.backingOff: ${silence}`,
      `60250 a 2 disconnected.backingOff > connecting.opening: ${silence}`,
      `70250 a 2 connecting.opening > connecting.verifying: ${silence}`,
      '70250 a 2 check ok in 0',
      `70250 a 2 connecting.verifying > connecting.hydrating: ${silence}`,
      '70250 a 2 connecting.hydrating > connected.healthy',
    ]);
    expect(session.info).toMatchObject({ failedHealthChecks: 0, generation: 2 });
    expect(w.server('a').closes).toEqual(['kill']);
  });

  it('for one check only is degraded until two checks in a row succeed', async () => {
    const w = world();
    const session = await w.add('a');
    w.server('a').answersPing = false;
    await w.clock.advance(20_000);
    expect(session.info).toMatchObject({
      state: 'degraded',
      failedHealthChecks: 1,
      reason: silence,
      lastHealthCheck: START + 20_000,
    });
    w.server('a').answersPing = true;
    w.news();
    await w.clock.advance(10_000);
    expect(w.news()).toEqual([
      '25000 a 1 tick',
      '25000 a 1 check ok in 0',
      '30000 a 1 tick',
      '30000 a 1 check ok in 0',
      '30000 a 1 connected.degraded > connected.healthy',
    ]);
    expect(session.info).toMatchObject({ failedHealthChecks: 0, reason: null });
  });

  it('until it is unhealthy recovers by two good checks', async () => {
    const w = world();
    const session = await w.add('a');
    w.server('a').answersPing = false;
    await w.clock.advance(40_000);
    expect(session.state).toBe('unhealthy');
    w.server('a').answersPing = true;
    await w.clock.advance(5_000);
    expect(session.info).toMatchObject({ state: 'unhealthy', failedHealthChecks: 0 });
    await w.clock.advance(5_000);
    expect(session.state).toBe('healthy');
  });

  it('in a restart that hangs too is let go after the connect timeout', async () => {
    const w = world();
    const session = await w.add('a', { connectTimeoutMs: 10_000 });
    w.server('a').answersInitialize = false;
    w.server('a').exit();
    w.news();
    await w.clock.advance(11_000);
    const late = 'not ready within 10000 ms: waited for its answer to initialize';
    expect(w.news().slice(1)).toEqual([
      '0 a 1 releasing > disconnected.backingOff: the process exited with code 1',
      '250 a 2 disconnected.backingOff > connecting.opening: the process exited with code 1',
      `10250 a 2 connecting.opening > releasing: ${late}`,
      '10250 a 2 attempt 2 in 750',
      `10250 a 2 releasing > disconnected.backingOff: ${late}`,
      `11000 a 3 disconnected.backingOff > connecting.opening: ${late}`,
    ]);
    expect(session.info.lastError).toEqual({ code: 'connect-timeout', message: late });
  });
});

describe('a check', () => {
  it('is left out while calls are answered', async () => {
    const w = world();
    const session = await w.add('a');
    expect(w.server('a').probes).toBe(1);
    for (let n = 0; n < 20; n += 1) {
      const call = outcomeOf(session.callTool('echo'));
      await w.clock.advance(9_000);
      call.value();
    }
    expect(w.server('a').probes).toBe(1);
    expect(session.state).toBe('healthy');
  });

  it('says nothing when we ourselves were stalled', async () => {
    const w = world();
    const session = await w.add('a');
    w.server('a').answerMs = 100;
    await w.clock.advance(15_050);
    w.news();
    await w.clock.stall(60_000);
    await w.clock.settle();
    expect(w.news().filter((line) => line.includes('failed'))).toEqual([]);
    expect(session.state).toBe('healthy');
  });

  it('comes at once when the link hints at something wrong', async () => {
    const w = world();
    await w.add('a');
    w.news();
    w.server('a').fault({ kind: 'protocol', code: 'junk', message: 'a line that is no message' });
    await w.clock.settle();
    expect(w.news()).toEqual(['0 a 1 linkFault junk', '0 a 1 check ok in 0']);
  });

  it('slow answers make a server degraded, and quick ones healthy again', async () => {
    const w = world();
    const session = await w.add('a', { healthCheck: { degradedLatencyMs: 100 } });
    w.server('a').answerMs = 1_000;
    const slow = outcomeOf(session.callTool('echo'));
    await w.clock.advance(1_000);
    slow.value();
    expect(session.info).toMatchObject({
      state: 'degraded',
      reason: 'answers are slow',
      latencyMs: { last: 1_000, mean: 200 },
    });
    w.server('a').answerMs = 0;
    await w.clock.advance(60_000);
    expect(session.info).toMatchObject({ state: 'healthy', reason: null });
  });
});

describe('a lost session', () => {
  it('is made anew at once, without a failure; the third within 60 s waits', async () => {
    const w = world();
    const session = await w.add('a');
    w.news();
    const gone = 'the server no longer knows this session';
    w.server('a').loseSession();
    await w.clock.settle();
    expect(w.news()).toEqual([
      '0 a 1 sessionLost http:404',
      `0 a 1 connected.healthy > releasing: ${gone}`,
      `0 a 2 releasing > connecting.opening: ${gone}`,
      `0 a 2 connecting.opening > connecting.verifying: ${gone}`,
      '0 a 2 check ok in 0',
      `0 a 2 connecting.verifying > connecting.hydrating: ${gone}`,
      '0 a 2 connecting.hydrating > connected.healthy',
    ]);
    expect(session.info).toMatchObject({ attempt: 0, generation: 2 });
    w.server('a').loseSession();
    await w.clock.settle();
    expect(session.info).toMatchObject({ state: 'healthy', generation: 3 });
    w.server('a').loseSession();
    await w.clock.settle();
    expect(session.info).toMatchObject({ phase: 'disconnected.backingOff', generation: 3, nextAttemptAt: START + 250 });
    expect(w.server('a').closes).toEqual(['lost', 'lost', 'lost']);
    await w.clock.advance(250);
    expect(session.info).toMatchObject({ state: 'healthy', generation: 4 });
    await w.clock.advance(60_000);
    w.server('a').loseSession();
    await w.clock.settle();
    expect(session.info).toMatchObject({ state: 'healthy', generation: 5 });
  });
});

describe('a session that time alone does not help', () => {
  const parked: readonly (readonly [Fault['kind'], string, readonly number[]])[] = [
    ['config', 'disconnected.parked.config', [300_000, 300_000, 300_000]],
    ['spawn', 'disconnected.parked.config', [300_000, 300_000, 300_000]],
    ['incompatible', 'disconnected.parked.incompatible', [300_000, 300_000, 300_000]],
    ['auth', 'disconnected.parked.auth', [300_000, 900_000, 3_600_000, 3_600_000]],
  ];
  it.each(parked)('after a fault of kind %s is %s, and looks again after %j', async (kind, phase, waits) => {
    const w = world();
    const session = await w.add('a');
    w.server('a').refuse = { kind, code: 'x', message: 'mend me' };
    w.server('a').exit();
    await w.clock.advance(250);
    for (const wait of waits) {
      expect(session.info).toMatchObject({ phase, nextAttemptAt: w.clock.wall() + wait, lastError: { code: 'x' } });
      const code = kind === 'auth' ? 'AUTH_REQUIRED' : 'NOT_READY';
      expect(await failureOf(() => session.callTool('echo'))).toMatchObject({ code, retryAfterMs: wait });
      await w.clock.advance(wait);
    }
    w.server('a').refuse = null;
    session.reconnect();
    await w.clock.settle();
    expect(session.info).toMatchObject({ state: 'healthy', nextAttemptAt: null });
  });
});

describe('reconnect() by hand', () => {
  it('lets a healthy connection go and makes the next', async () => {
    const w = world();
    const session = await w.add('a');
    w.news();
    session.reconnect('new certificates');
    await w.clock.settle();
    expect(w.news()).toEqual([
      '0 a 1 connected.healthy > releasing: new certificates',
      '0 a 2 releasing > connecting.opening: new certificates',
      '0 a 2 connecting.opening > connecting.verifying: new certificates',
      '0 a 2 check ok in 0',
      '0 a 2 connecting.verifying > connecting.hydrating: new certificates',
      '0 a 2 connecting.hydrating > connected.healthy',
    ]);
    expect(w.server('a')).toMatchObject({ maxLiveLinks: 1 });
  });

  it('wakes one that waits, at most once a second', async () => {
    const w = world();
    const session = await w.add('a', { reconnect: { delayMs: 60_000 } });
    w.server('a').refuse = { kind: 'unreachable', code: 'ECONNREFUSED', message: 'refused' };
    w.server('a').exit();
    await w.clock.advance(250);
    expect(session.info).toMatchObject({ generation: 2, nextAttemptAt: START + 250 + 45_000 });
    session.reconnect();
    await w.clock.settle();
    expect(session.info).toMatchObject({ generation: 3, phase: 'disconnected.backingOff' });
    for (let n = 0; n < 100; n += 1) session.reconnect();
    await w.clock.settle();
    expect(session.info).toMatchObject({ generation: 3, nextAttemptAt: START + 1_250 });
    await w.clock.advance(1_000);
    expect(session.info.generation).toBe(4);
  });

  it('makes at most one attempt a second, also when every attempt succeeds', async () => {
    const w = world();
    const session = await w.add('a');
    for (let n = 0; n < 10; n += 1) {
      session.reconnect();
      await w.clock.settle();
    }
    expect(w.server('a').opens).toBeLessThanOrEqual(3);
  });

  it('hastens a retry while the old link is still being let go', async () => {
    const w = world({ behaviour: { killMs: 100 } });
    const session = await w.add('a');
    w.server('a').pid = 7;
    w.server('a').breakLink();
    session.reconnect();
    await w.clock.advance(100);
    expect(session.info).toMatchObject({ state: 'healthy', generation: 2 });
  });

  it('after removal throws ClosedError', async () => {
    const w = world();
    const session = await w.add('a');
    const removed = outcomeOf(w.manager.removeServer('a'));
    await w.clock.settle();
    removed.value();
    expect(
      await failureOf(() => {
        session.reconnect();
      }),
    ).toMatchObject({ code: 'CLOSED', serverId: 'a' });
  });
});

describe('a link that does not let go', () => {
  it('is told of as leaked after 4 s, and the session goes on without it', async () => {
    const w = world();
    const session = await w.add('a');
    w.server('a', { neverCloses: true, pid: 9 });
    session.reconnect();
    w.news();
    await w.clock.advance(3_999);
    expect(session.info.phase).toBe('releasing');
    await w.clock.advance(1);
    expect(w.news()[0]).toBe('4000 a 1 linkLeaked');
    expect(session.info).toMatchObject({ state: 'healthy', generation: 2 });
    w.server('a').neverCloses = false;
  });
});

describe('what a server said of itself', () => {
  it('is known from the first connection on, also while there is none', async () => {
    const w = world({ behaviour: { instructions: 'be gentle', version: '1.0.0' } });
    const session = await w.manager.addServer('a', simulated, { lazy: true });
    expect(session.server).toBeUndefined();
    const ready = outcomeOf(session.ready());
    await w.clock.settle();
    ready.value();
    expect(session.server).toEqual({
      era: 'legacy',
      protocolVersion: '2025-11-25',
      info: { name: 'a', version: '1.0.0' },
      capabilities: { tools: {} },
      instructions: 'be gentle',
      pid: null,
    });
    w.server('a', { version: '2.0.0', connectMs: 100 }).exit();
    await w.clock.advance(0);
    expect(session.server?.info?.version).toBe('1.0.0');
    await w.clock.advance(300);
    expect(session.info.phase).toBe('connecting.opening');
    expect(session.server?.info?.version).toBe('1.0.0');
    await w.clock.advance(100);
    expect(session.server?.info?.version).toBe('2.0.0');
  });

  it('its tools are told of when they change, and stale while there is no connection', async () => {
    const w = world();
    const session = await w.add('a');
    const schema = { type: 'object' };
    w.server('a').tools = [
      { name: 'echo', description: 'Something else.', inputSchema: schema },
      { name: 'new', inputSchema: schema },
    ];
    w.server('a').exit();
    await w.clock.advance(0);
    expect(session.catalog).toMatchObject({ known: true, stale: true, generation: 1 });
    w.news();
    await w.clock.advance(250);
    expect(w.news().filter((line) => line.includes('tools'))).toEqual(['250 a 2 tools +[new] -[] ~[echo]']);
    expect(session.catalog).toMatchObject({ stale: false, generation: 2 });
    w.server('a').tools = [];
    w.server('a').exit();
    await w.clock.advance(750);
    expect(w.news().filter((line) => line.includes('tools'))).toEqual(['1000 a 3 tools +[] -[echo,new] ~[]']);
  });
});
