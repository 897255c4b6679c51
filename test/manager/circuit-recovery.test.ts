import { describe, expect, it } from 'vitest';
import type { Session } from '../../src/index.ts';
import { grouped } from './group-world.ts';
import { failureOf, outcomeOf, world, type World } from './support.ts';

const brief = { circuitBreaker: { openMs: 20_000 } };
const noReconnect = { reconnect: { enabled: false } };

/** So many calls, one after the other, none of which is answered in its time. */
async function hang(w: World, session: Session, times: number): Promise<void> {
  for (let n = 0; n < times; n += 1) {
    const call = outcomeOf(session.callTool('echo', {}, { timeoutMs: 100 }));
    await w.clock.advance(100);
    expect(call.error()).toMatchObject({ code: 'CALL_TIMEOUT' });
  }
}

const circuitLines = (lines: readonly string[]): readonly string[] => lines.filter((line) => / \d circuit /.test(line));

describe('a half-open circuit', () => {
  it('asks for its checks by itself where there are no health checks', async () => {
    const w = world({ config: { healthMonitoring: false }, behaviour: { answersCalls: false } });
    const session = await w.add('a', brief);
    await hang(w, session, 5);
    w.news();
    await w.clock.advance(60_000);
    expect(w.news()).toEqual([
      '20500 a 2 circuit open > halfOpen: the open time is over',
      '20500 a 2 check ok in 0',
      '25500 a 2 check ok in 0',
      '30500 a 2 check ok in 0',
      '30500 a 2 circuit halfOpen > closed on probation: checks have shown that the server is well',
      '30500 a 2 connected.healthy > connected.healthy',
    ]);
  });

  it('asks three times, 5 s apart, where there are health checks, too', async () => {
    const w = world({ behaviour: { answersCalls: false } });
    const session = await w.add('a', brief);
    await hang(w, session, 5);
    await w.clock.advance(19_999);
    w.news();
    await w.clock.advance(10_001);
    expect(w.news().filter((line) => !line.includes('tick'))).toEqual([
      '20500 a 2 circuit open > halfOpen: the open time is over',
      '20500 a 2 check ok in 0',
      '25500 a 2 check ok in 0',
      '30500 a 2 check ok in 0',
      '30500 a 2 circuit halfOpen > closed on probation: checks have shown that the server is well',
      '30500 a 2 connected.healthy > connected.healthy',
    ]);
  });

  it('begins anew on a new connection, since that has shown nothing yet', async () => {
    const w = world({ behaviour: { answersCalls: false } });
    const session = await w.add('a', brief);
    await hang(w, session, 5);
    await w.clock.advance(26_000);
    expect(session.info.circuit).toBe('halfOpen');
    w.server('a').exit();
    await w.clock.advance(1_000);
    expect(session.info).toMatchObject({ phase: 'connected.healthy', state: 'unhealthy', circuit: 'halfOpen' });
    w.news();
    await w.clock.advance(12_000);
    expect(circuitLines(w.news())).toEqual([
      '36750 a 3 circuit halfOpen > closed on probation: checks have shown that the server is well',
    ]);
  });
});

describe('an open circuit', () => {
  it('survives a crash of the session’s actor, with the time that is left', async () => {
    const w = world({ behaviour: { answersCalls: false } });
    const session = await w.add('a', brief);
    await hang(w, session, 5);
    w.random = () => {
      w.random = () => 0.5;
      throw new Error('no chance');
    };
    w.server('a').exit();
    await w.clock.settle();
    expect(session.info).toMatchObject({ reason: "the session's actor crashed: no chance", circuit: 'open' });
    w.news();
    await w.clock.advance(20_000);
    expect(session.info).toMatchObject({ phase: 'connected.healthy', state: 'unhealthy', circuit: 'halfOpen' });
    expect(circuitLines(w.news())).toEqual(['20500 a 3 circuit open > halfOpen: the open time is over']);
  });

  it('says why it is open for as long as nothing else is wrong', async () => {
    const w = world({ behaviour: { answersCalls: false } });
    const session = await w.add('a', { ...noReconnect, ...brief });
    const reasons: [number, string | null][] = [];
    session.info$.subscribe(({ reason }) => {
      if (reason !== reasons.at(-1)?.[1]) reasons.push([w.clock.monotonic(), reason]);
    });
    await hang(w, session, 5);
    await w.clock.advance(5_500);
    w.server('a').answersPing = false;
    await w.clock.advance(9_000);
    w.server('a').answersPing = true;
    await w.clock.advance(6_000);
    session.resetCircuit();
    w.server('a').answersCalls = true;
    await session.callTool('echo');
    await w.clock.advance(30_000);
    expect(reasons).toEqual([
      [0, null],
      [100, 'calls get no answer'],
      [500, 'the circuit is open: 5 calls in a row failed'],
      [15_500, 'no answer to a check within 5000 ms'],
      [20_500, 'the circuit is half open: 5 calls in a row failed'],
      [21_000, 'calls get no answer'],
      [25_500, null],
    ]);
  });

  it('refuses calls at once while the server is being connected again, too', async () => {
    const w = world({ behaviour: { answersCalls: false } });
    const session = await w.add('a', brief);
    await hang(w, session, 5);
    w.server('a', { connectMs: 3_000 });
    session.reconnect();
    await w.clock.advance(1_500);
    expect(session.info).toMatchObject({ phase: 'connecting.opening', circuit: 'open' });
    expect(await failureOf(() => session.callTool('echo'))).toMatchObject({
      code: 'CIRCUIT_OPEN',
      retryAfterMs: 18_500,
    });
  });

  it('is told at once by info$, however much else is told', async () => {
    const w = world({ behaviour: { answersCalls: false } });
    const session = await w.add('a', noReconnect);
    const told: [number, string][] = [];
    session.info$.subscribe(({ circuit }) => {
      if (circuit !== told.at(-1)?.[1]) told.push([w.clock.monotonic(), circuit]);
    });
    const calls = Array.from({ length: 5 }, (_, n) =>
      outcomeOf(session.callTool('echo', {}, { timeoutMs: 100 + 10 * n })),
    );
    await w.clock.advance(1_000);
    expect(calls.every(({ state }) => state === 'rejected')).toBe(true);
    expect(told).toEqual([
      [0, 'closed'],
      [140, 'open'],
    ]);
  });
});

describe('what opens a circuit', () => {
  it('is not hidden by checks by hand that are answered, nor brought about by some that are not', async () => {
    const w = world({ behaviour: { answersCalls: false } });
    const session = await w.add('a', noReconnect);
    for (let n = 0; n < 5; n += 1) {
      for (let ping = 0; ping < 9; ping += 1) await session.ping();
      await hang(w, session, 1);
    }
    expect(session.info.circuit).toBe('open');
    session.resetCircuit();
    w.server('a').answersPing = false;
    for (let n = 0; n < 9; n += 1) {
      const ping = outcomeOf(session.ping({ timeoutMs: 100 }));
      await w.clock.advance(100);
      expect(ping.error()).toMatchObject({ code: 'CALL_TIMEOUT' });
    }
    expect(session.info.circuit).toBe('closed');
  });

  it('is forgotten by a reset: the calls that failed before it, and those that were under way', async () => {
    const w = world({ behaviour: { answersCalls: false } });
    const session = await w.add('a', noReconnect);
    const slow = outcomeOf(session.callTool('echo', {}, { timeoutMs: 500 }));
    await hang(w, session, 4);
    session.resetCircuit();
    await hang(w, session, 4);
    expect(slow.error()).toMatchObject({ code: 'CALL_TIMEOUT' });
    expect(session.info.circuit).toBe('closed');
    await hang(w, session, 1);
    expect(session.info.circuit).toBe('open');
  });
});

describe('a connection that is to be given up since the circuit opened', () => {
  it('is kept when the circuit is closed by hand meanwhile, and given up the next time', async () => {
    const w = world({ behaviour: { answersCalls: false } });
    const session = await w.add('a');
    const slow = outcomeOf(session.callTool('echo', {}, { timeoutMs: 30_000 }));
    await hang(w, session, 5);
    await w.clock.advance(9_000);
    session.resetCircuit();
    await w.clock.advance(9_000);
    expect(session.info).toMatchObject({ generation: 1, circuit: 'closed' });
    await hang(w, session, 5);
    await w.clock.advance(10_000);
    expect(session.info).toMatchObject({ generation: 2, circuit: 'open' });
    expect(slow.error()).toMatchObject({ code: 'OUTCOME_UNKNOWN', generation: 1 });
  });

  it('is given up again for a trip ten minutes later, and not before', async () => {
    const w = world({ behaviour: { answersCalls: false } });
    const session = await w.add('a', { circuitBreaker: { openMs: 1_000 } });
    for (const [atMs, generation] of [
      [0, 2],
      [500_000, 2],
      [650_000, 3],
    ] as const) {
      await w.clock.advance(atMs - w.clock.monotonic());
      expect(session.info.circuit).toBe('closed');
      session.resetCircuit();
      await hang(w, session, 5);
      expect(session.info).toMatchObject({ circuit: 'open', generation });
    }
  });
});

describe('a group whose active member trips', () => {
  it('serves from the backup at once, and returns once checks have closed the circuit', async () => {
    const { w, group, told, executed } = await grouped(['a', 'b'], {
      options: { a: { ...brief, ...noReconnect } },
      // Calls in a row that fail would move it, too: here the circuit does.
      group: { failbackDelayMs: 1_000, failoverThreshold: 100 },
    });
    w.server('a').answersCalls = false;
    told();
    await hang(w, w.manager.session('a'), 5);
    expect(group.active).toBe('b');
    expect(await group.callTool('echo')).toBeDefined();
    expect(executed('a', 'b')).toEqual([5, 1]);
    w.server('a').answersCalls = true;
    // On probation it is degraded until the calls that failed are a minute old; only then is it worth a return.
    await w.clock.advance(120_000);
    expect(told()).toEqual([
      '500 a takes no calls',
      '500 failedOver a > b: it is unhealthy: the circuit is open: 5 calls in a row failed',
      '30500 a takes calls',
      '60500 failback to a in 1000',
      '61500 failedBack b > a',
    ]);
  });
});
