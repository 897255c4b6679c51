import { describe, expect, it } from 'vitest';
import type { CallOptions, Session } from '../../src/index.ts';
import { grouped } from './group-world.ts';
import { failureOf, outcomeOf, simulated, world, type World } from './support.ts';

const noReconnect = { reconnect: { enabled: false } };

/** So many calls, one after the other, none of which is answered in its time. */
async function hang(w: World, session: Session, times: number, options: CallOptions = {}): Promise<void> {
  for (let n = 0; n < times; n += 1) {
    const call = outcomeOf(session.callTool('echo', {}, { timeoutMs: 100, ...options }));
    await w.clock.advance(100);
    expect(call.error()).toMatchObject({ code: 'CALL_TIMEOUT' });
  }
}

const ofCircuit = (lines: readonly string[]): readonly string[] =>
  lines.filter((line) => /\d circuit | > releasing| > connected/.test(line));

describe('a server that answers checks and hangs calls', () => {
  it('has its circuit opened, its connection given up once, and is let in again by checks and on probation', async () => {
    const w = world({ behaviour: { answersCalls: false } });
    const session = await w.add('a', { circuitBreaker: { openMs: 20_000 } });
    w.news();
    await hang(w, session, 5);
    expect(session.info).toMatchObject({
      state: 'unhealthy',
      phase: 'connected.healthy',
      circuit: 'open',
      generation: 2,
    });
    expect(await failureOf(() => session.callTool('echo'))).toMatchObject({
      name: 'CircuitOpenError',
      code: 'CIRCUIT_OPEN',
      outcome: 'not-sent',
      retryable: true,
      retryAfterMs: 20_000,
      message:
        'The circuit of server "a" is open (5 calls in a row failed); the call was not sent. Wait until a check has shown that the server is well, or insist with evenIfUnhealthy.',
    });
    w.server('a').answersCalls = true;
    await w.clock.advance(20_000);
    expect(session.info).toMatchObject({ state: 'unhealthy', circuit: 'halfOpen' });
    expect(await failureOf(() => session.callTool('echo'))).toMatchObject({
      code: 'CIRCUIT_OPEN',
      retryAfterMs: undefined,
    });
    await w.clock.advance(11_000);
    expect(session.info).toMatchObject({ state: 'healthy', circuit: 'closed', onProbation: true, reason: null });
    for (let n = 0; n < 3; n += 1) expect(await session.callTool('echo')).toBeDefined();
    expect(session.info).toMatchObject({ circuit: 'closed', onProbation: false });
    expect(ofCircuit(w.news())).toEqual([
      '100 a 1 connected.healthy > connected.degraded: calls get no answer',
      '500 a 1 circuit closed > open for 20000: 5 calls in a row failed',
      '500 a 1 connected.degraded > releasing: the circuit is open: 5 calls in a row failed',
      '500 a 2 connecting.hydrating > connected.healthy: the circuit is open: 5 calls in a row failed',
      '20500 a 2 circuit open > halfOpen: the open time is over',
      '30500 a 2 circuit halfOpen > closed on probation: checks have shown that the server is well',
      '30500 a 2 connected.healthy > connected.healthy',
      '31500 a 2 circuit closed > closed: calls are answered again',
    ]);
    expect(w.server('a').generations).toEqual([1, 2]);
  });

  it('is opened again by the first failed call on probation, twice as long, and not recycled again', async () => {
    const w = world({ behaviour: { answersCalls: false } });
    const session = await w.add('a', { circuitBreaker: { openMs: 20_000 } });
    await hang(w, session, 5);
    await w.clock.advance(31_000);
    expect(session.info.circuit).toBe('closed');
    w.news();
    await hang(w, session, 1);
    expect(session.info).toMatchObject({ state: 'unhealthy', circuit: 'open', generation: 2 });
    await w.clock.advance(39_999);
    expect(session.info.circuit).toBe('open');
    await w.clock.advance(1);
    expect(session.info.circuit).toBe('halfOpen');
    expect(w.news().filter((line) => line.includes('a 2 circuit '))).toEqual([
      '31600 a 2 circuit closed > open for 40000: a call failed on probation',
      '71600 a 2 circuit open > halfOpen: the open time is over',
    ]);
    expect(w.server('a').generations).toEqual([1, 2]);
  });

  it.each([
    ['ten seconds', undefined, 10_000],
    ['until the last of them is answered', 3_000, 3_000],
  ])(
    'gives calls that are under way %s before its connection is given up',
    async (_what, answeredInMs, recycledInMs) => {
      const w = world();
      const session = await w.add('a');
      w.server('a').onCall = (_name, args) =>
        new Promise((resolve) => {
          if (JSON.stringify(args) !== '{"slow":true}' || answeredInMs === undefined) return;
          w.clock.setTimeout(() => resolve({ content: [] }), 500 + answeredInMs);
        });
      const slow = outcomeOf(session.callTool('echo', { slow: true }), w.clock);
      await hang(w, session, 5);
      expect(session.info).toMatchObject({ state: 'unhealthy', circuit: 'open', generation: 1, activeRequests: 1 });
      await w.clock.advance(recycledInMs - 1);
      expect(session.info.generation).toBe(1);
      await w.clock.advance(1);
      expect(session.info.generation).toBe(2);
      expect([slow.state, slow.atMs]).toEqual([
        answeredInMs === undefined ? 'rejected' : 'resolved',
        500 + recycledInMs,
      ]);
    },
  );

  it.each([
    ['together count as one failure', (calls: number) => [calls], 'closed'],
    ['one after the other count each', (calls: number) => Array.from({ length: calls }, () => 1), 'open'],
  ] as const)('has calls that lose their replies %s', async (_what, rounds, circuit) => {
    const w = world();
    const session = await w.add('a', noReconnect);
    w.server('a').losesReplies = { kind: 'transport', code: 'ECONNRESET', message: 'reset' };
    for (const calls of rounds(5)) {
      const round = Array.from({ length: calls }, () => failureOf(() => session.callTool('echo')));
      for (const failure of await Promise.all(round)) expect(failure).toMatchObject({ outcome: 'unknown' });
    }
    expect(session.info).toMatchObject({ circuit, failedRequests: 5, activeRequests: 0 });
  });

  it('counts one failure more when calls that were sent since lose their replies, too', async () => {
    const w = world();
    const session = await w.add('a', { ...noReconnect, circuitBreaker: { failureThreshold: 2 } });
    w.server('a').losesReplies = { kind: 'transport', code: 'ECONNRESET', message: 'reset' };
    const calls = Array.from({ length: 10 }, () => failureOf(() => session.callTool('echo')));
    await Promise.all(calls);
    expect(session.info.circuit).toBe('closed');
    await failureOf(() => session.callTool('echo'));
    expect(session.info.circuit).toBe('open');
  });

  it('is not recycled where it may not reconnect', async () => {
    const w = world({ behaviour: { answersCalls: false } });
    const session = await w.add('a', noReconnect);
    await hang(w, session, 5);
    await w.clock.advance(30_000);
    expect(session.info).toMatchObject({ generation: 1, circuit: 'open', state: 'unhealthy' });
  });

  it('takes what its caller insists on, which says nothing to the circuit', async () => {
    const w = world({ behaviour: { answersCalls: false } });
    const session = await w.add('a', noReconnect);
    await hang(w, session, 5);
    await hang(w, session, 1, { evenIfUnhealthy: true });
    w.server('a').answersCalls = true;
    expect(await session.callTool('echo', {}, { evenIfUnhealthy: true })).toBeDefined();
    expect(session.info.circuit).toBe('open');
  });

  it('refuses at once what waits for its turn when its circuit opens', async () => {
    const w = world({ behaviour: { answersCalls: false } });
    const session = await w.add('a', { ...noReconnect, maxInFlight: 5 });
    for (let n = 0; n < 5; n += 1) void outcomeOf(session.callTool('echo', {}, { timeoutMs: 1_000 }));
    const waiting = Array.from({ length: 6 }, () =>
      outcomeOf(session.callTool('echo', {}, { timeoutMs: 20_000 }), w.clock),
    );
    await w.clock.advance(1_000);
    // Four got the turns of those that timed out before the fifth did.
    expect(waiting.map(({ state }) => state)).toEqual([
      'pending',
      'pending',
      'pending',
      'pending',
      'rejected',
      'rejected',
    ]);
    expect(waiting[4]?.error()).toMatchObject({ code: 'CIRCUIT_OPEN', outcome: 'not-sent', retryAfterMs: 60_000 });
    expect(w.server('a').executed).toHaveLength(9);
  });
});

describe('a circuit', () => {
  it('is half open until a check fails: then it is open again, twice as long', async () => {
    const w = world({ behaviour: { answersCalls: false } });
    const session = await w.add('a', { ...noReconnect, circuitBreaker: { openMs: 20_000 } });
    await hang(w, session, 5);
    await w.clock.advance(20_000);
    w.server('a').answersPing = false;
    w.news();
    await w.clock.advance(10_000);
    expect(w.news().filter((line) => line.includes('a 1 circuit '))).toEqual([
      '30500 a 1 circuit halfOpen > open for 40000: a check failed while it was half open',
    ]);
  });

  it('is closed for good by hand, from wherever it is, and needs no connection for it', async () => {
    const w = world({ behaviour: { answersCalls: false } });
    const session = await w.add('a', noReconnect);
    await hang(w, session, 5);
    w.news();
    session.resetCircuit();
    expect(session.info).toMatchObject({ state: 'degraded', circuit: 'closed' });
    session.resetCircuit();
    expect(w.news()).toEqual([
      '500 a 1 circuit open > closed: asked for by hand',
      '500 a 1 connected.degraded > connected.degraded: calls get no answer',
    ]);
    await hang(w, session, 5);
    expect(session.info.circuit).toBe('open');
    w.server('a').exit();
    await w.clock.settle();
    session.resetCircuit();
    expect(session.info).toMatchObject({
      state: 'disconnected',
      circuit: 'closed',
      reason: 'the process exited with code 1',
    });
  });

  it('stays open over connections that are lost and made', async () => {
    const w = world({ behaviour: { answersCalls: false } });
    const session = await w.add('a', { circuitBreaker: { openMs: 60_000 } });
    await hang(w, session, 5);
    w.server('a').answersCalls = true;
    for (let n = 0; n < 2; n += 1) {
      w.server('a').exit();
      await w.clock.advance(2_000);
      expect(session.info).toMatchObject({ state: 'unhealthy', circuit: 'open' });
    }
    await w.clock.advance(56_000);
    expect(session.info).toMatchObject({ circuit: 'halfOpen' });
  });

  it('is not moved by calls of an older connection, nor by the end of one with many calls', async () => {
    const w = world({ behaviour: { answersCalls: false } });
    const session = await w.add('a');
    const calls = Array.from({ length: 20 }, () => outcomeOf(session.callTool('echo')));
    await w.clock.settle();
    w.server('a').exit();
    await w.clock.advance(5_000);
    expect(calls.every(({ state }) => state === 'rejected')).toBe(true);
    expect(session.info).toMatchObject({ state: 'healthy', circuit: 'closed', generation: 2 });
  });

  it('that opens moves its group at once; the group returns when the server is healthy again', async () => {
    const { w, group, told, executed } = await grouped(['a', 'b'], {
      options: { a: { circuitBreaker: { openMs: 20_000, failureThreshold: 2 } } },
      group: { failbackDelayMs: 1_000 },
    });
    w.server('a').answersCalls = false;
    told();
    await hang(w, w.manager.session('a'), 2);
    expect(group.active).toBe('b');
    expect(await group.callTool('echo')).toBeDefined();
    expect(executed('b')).toEqual([1]);
    w.server('a').answersCalls = true;
    await w.clock.advance(60_000);
    expect(group.active).toBe('a');
    expect(told().filter((line) => /failed(Over|Back)/.test(line))).toEqual([
      '200 failedOver a > b: it has no connection: the circuit is open: 2 calls in a row failed',
      expect.stringMatching(/^\d+ failedBack b > a$/),
    ]);
  });

  it('leaves the states that are told a gap-free story: each begins where the last one ended', async () => {
    const w = world({ behaviour: { answersCalls: false } });
    const session = await w.add('a', { circuitBreaker: { openMs: 10_000 } });
    await hang(w, session, 5);
    await w.clock.advance(30_000);
    session.resetCircuit();
    await w.clock.advance(1_000);
    const states = w.events.flatMap((event) => (event.type === 'stateChanged' ? [[event.from, event.to]] : []));
    expect(states.slice(1).map(([from]) => from)).toEqual(states.slice(0, -1).map(([, to]) => to));
    expect(states.at(-1)?.[1]).toBe(session.state);
  });

  it.each([
    [{ minimumRequests: 11, windowSize: 10 }, 'circuitBreaker.minimumRequests'],
    [{ failureThreshold: 0 }, 'circuitBreaker.failureThreshold'],
    [{ windowSize: 100_000 }, 'circuitBreaker.windowSize'],
    [{ openMs: 0 }, 'circuitBreaker.openMs'],
  ])('with limits that make no sense is refused: %j', async (circuitBreaker, field) => {
    const w = world();
    expect(await failureOf(() => w.manager.addServer('a', simulated, { circuitBreaker }))).toMatchObject({
      code: 'INVALID_OPTION',
      field,
    });
  });
});
