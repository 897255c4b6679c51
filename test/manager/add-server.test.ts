import { describe, expect, it } from 'vitest';
import { once, type Fault, type FaultKind, type Transport } from '../../src/index.ts';
import type { SimulatedBehaviour, SimulatedServer } from '../../src/testing/index.ts';
import { failureOf, outcomeOf, simulated, world, type World } from './support.ts';

const transport: Transport = {
  start: () => Promise.resolve(),
  send: () => Promise.resolve(),
  close: () => Promise.resolve(),
};

function expectNothingKept(w: World, id: string): void {
  expect(w.manager.sessionCount).toBe(0);
  expect(w.manager.listSessions()).toEqual([]);
  expect(w.manager.getSessionInfo(id)).toBeUndefined();
  expect(() => w.manager.session(id)).toThrow(`There is no server with the id "${id}": none was added.`);
  expect(w.manager.sessionStats()).toEqual({ connecting: 0, healthy: 0, degraded: 0, unhealthy: 0, disconnected: 0 });
  expect(w.server(id).liveLinks).toBe(0);
  expect(w.clock.pendingTimers).toBe(0);
  expect(w.trace.at(-1)).toMatch(/ serverRemoved$/);
}

describe('addServer', () => {
  it('resolves when the session is first healthy: opened, checked once, tools listed', async () => {
    const w = world();
    w.server('a', { connectMs: 100, answerMs: 10 });
    const added = outcomeOf(w.manager.addServer('a', simulated), w.clock);
    await w.clock.advance(119);
    expect(added.state).toBe('pending');
    await w.clock.advance(1);
    expect(added.atMs).toBe(120);
    expect(added.value().id).toBe('a');
    expect(w.trace).toEqual([
      '0 a 0 serverAdded',
      '0 a 1 idle > connecting.opening',
      '100 a 1 connecting.opening > connecting.verifying',
      '110 a 1 check ok in 10',
      '110 a 1 connecting.verifying > connecting.hydrating',
      '120 a 1 tools +[echo] -[] ~[]',
      '120 a 1 connecting.hydrating > connected.healthy',
    ]);
    expect(added.value().info).toEqual({
      id: 'a',
      state: 'healthy',
      phase: 'connected.healthy',
      since: Date.UTC(2026, 0, 1) + 120,
      reason: null,
      generation: 1,
      pid: null,
      groups: [],
      establishedAt: Date.UTC(2026, 0, 1) + 120,
      lastHealthCheck: Date.UTC(2026, 0, 1) + 120,
      failedHealthChecks: 0,
      successfulRequests: 0,
      failedRequests: 0,
      activeRequests: 0,
      attempt: 0,
      nextAttemptAt: null,
      lastError: null,
      latencyMs: { last: 10, mean: 10 },
      circuit: 'closed',
      onProbation: false,
      era: 'legacy',
      eraSince: 1_767_225_600_100,
      protocolVersion: '2025-11-25',
      serverInfo: { name: 'a', version: '1.0.0' },
    });
  });

  it('a server without tools is not asked for any', async () => {
    const w = world({ behaviour: { capabilities: {} } });
    const session = await w.add('a');
    expect(w.server('a').received).toEqual([]);
    expect(session.catalog).toMatchObject({ tools: [], known: true, truncated: false, stale: false, generation: 1 });
  });

  it('a server that refuses to list its tools is healthy all the same, its catalog unknown', async () => {
    const w = world();
    w.server('a').onRequest = () => {
      throw Object.assign(new Error('no'), { code: -32_601 });
    };
    const session = await w.add('a');
    expect(session.state).toBe('healthy');
    expect(session.catalog).toMatchObject({ tools: [], known: false });
  });

  const kinds: readonly FaultKind[] = [
    'spawn',
    'exit',
    'unreachable',
    'transport',
    'timeout',
    'session-lost',
    'auth',
    'overload',
    'incompatible',
    'protocol',
    'config',
    'internal',
    'closed',
  ];
  it.each(kinds.filter((kind) => kind !== 'auth'))(
    'rejects and keeps nothing when the first attempt ends in a fault of kind %s',
    async (kind) => {
      const w = world();
      const exit = kind === 'exit' ? { code: 3, signal: null } : undefined;
      const fault: Fault = {
        kind,
        code: `the-${kind}`,
        message: `it went wrong (${kind})`,
        exit,
        stderrTail: 'last words',
      };
      w.server('a').refuse = fault;
      const added = outcomeOf(w.manager.addServer('a', simulated));
      await w.clock.settle();
      expect(added.error()).toMatchObject({
        name: 'ConnectError',
        code: 'CONNECT',
        outcome: 'not-sent',
        serverId: 'a',
        generation: 1,
        retryable: true,
        faultCode: `the-${kind}`,
        exit,
        stderrTail: 'last words',
        message: `Server "a" could not be connected: it went wrong (${kind}).`,
      });
      expect(w.server('a').opens).toBe(1);
      expectNothingKept(w, 'a');
    },
  );

  it('rejects with AuthRequiredError, and keeps nothing, when the server wants other credentials', async () => {
    const w = world();
    w.server('a').refuse = { kind: 'auth', code: 'http:401', message: 'it went wrong' };
    const added = outcomeOf(w.manager.addServer('a', simulated));
    await w.clock.settle();
    expect(added.error()).toMatchObject({
      name: 'AuthRequiredError',
      code: 'AUTH_REQUIRED',
      outcome: 'not-sent',
      serverId: 'a',
      generation: 1,
      retryable: false,
      message: 'Server "a" wants other credentials: it went wrong.',
    });
    expect(w.server('a').opens).toBe(1);
    expectNothingKept(w, 'a');
  });

  const phases: readonly (readonly [phase: string, behaviour: Partial<SimulatedBehaviour>, waitedFor: string])[] = [
    ['connecting.opening', { answersInitialize: false }, 'its answer to initialize'],
    ['connecting.hydrating', { onRequest: () => new Promise(() => undefined) }, 'its list of tools'],
  ];
  it.each(phases)('rejects after the connect timeout while %s', async (phase, behaviour, waitedFor) => {
    const w = world();
    w.server('a', behaviour);
    const added = outcomeOf(w.manager.addServer('a', simulated, { connectTimeoutMs: 3_000 }), w.clock);
    await w.clock.advance(2_999);
    expect(w.manager.session('a').info.phase).toBe(phase);
    await w.clock.advance(1);
    expect(added.error()).toMatchObject({
      code: 'CONNECT',
      faultCode: 'connect-timeout',
      message: `Server "a" could not be connected: not ready within 3000 ms: waited for ${waitedFor}.`,
    });
    expect(w.server('a').closes[0]).toBe('kill');
    expectNothingKept(w, 'a');
  });

  it('resolves when the server answered in time and we read it late, since we ourselves stood still', async () => {
    const w = world();
    w.server('a', { connectMs: 300 });
    const added = outcomeOf(w.manager.addServer('a', simulated, { connectTimeoutMs: 5_000 }), w.clock);
    await w.clock.advance(100);
    await w.clock.stall(6_000);
    await w.clock.settle();
    expect([added.value().state, added.atMs, w.server('a').opens]).toEqual(['healthy', 6_100, 1]);
  });

  it('rejects when the first check gets no answer in time', async () => {
    const w = world();
    w.server('a').answersPing = false;
    const added = outcomeOf(w.manager.addServer('a', simulated), w.clock);
    await w.clock.advance(5_000);
    expect(added.atMs).toBe(5_000);
    expect(added.error()).toMatchObject({ code: 'CONNECT', faultCode: 'check-timeout' });
    expectNothingKept(w, 'a');
  });

  const ends: readonly (readonly [string, (server: SimulatedServer) => void, string])[] = [
    ['exits', (server) => server.exit(7), 'exit:7'],
    ['is killed', (server) => server.kill(), 'signal:SIGKILL'],
    ['breaks the link', (server) => server.breakLink(), 'ECONNRESET'],
    ['loses the session', (server) => server.loseSession(), 'http:404'],
  ];
  const connecting: readonly (readonly [string, number])[] = [
    ['connecting.opening', 50],
    ['connecting.verifying', 150],
    ['connecting.hydrating', 250],
  ];
  it.each(
    ends.flatMap(([what, end, code]) => connecting.map(([phase, atMs]) => [what, phase, atMs, end, code] as const)),
  )('rejects when the server %s while %s', async (_, phase, atMs, end, code) => {
    const w = world();
    w.server('a', { connectMs: 100, answerMs: 100, pid: 4_000 });
    const added = outcomeOf(w.manager.addServer('a', simulated), w.clock);
    await w.clock.advance(atMs);
    expect(w.manager.session('a').info).toMatchObject({ phase, pid: 4_000 });
    end(w.server('a'));
    await w.clock.settle();
    expect(added.atMs).toBe(atMs);
    expect(added.error()).toMatchObject({ code: 'CONNECT', faultCode: code, generation: 1 });
    expectNothingKept(w, 'a');
  });

  it('rejects at once, with nothing started, when the signal is aborted already', async () => {
    const w = world();
    const reason = new Error('no longer needed');
    expect(
      await failureOf(() => w.manager.addServer('a', simulated, { signal: AbortSignal.abort(reason) })),
    ).toMatchObject({
      name: 'AbortError',
      code: 'CALL_ABORTED',
      outcome: 'not-sent',
      serverId: 'a',
      cause: reason,
    });
    expect(w.sim.all()).toEqual([]);
    expect(w.trace).toEqual([]);
  });

  it.each(connecting)('rejects and keeps nothing when the signal aborts while %s', async (phase, atMs) => {
    const w = world();
    w.server('a', { connectMs: 100, answerMs: 100, killMs: 30 });
    const abort = new AbortController();
    const added = outcomeOf(w.manager.addServer('a', simulated, { signal: abort.signal }), w.clock);
    await w.clock.advance(atMs);
    expect(w.manager.session('a').info.phase).toBe(phase);
    abort.abort('enough');
    await w.clock.advance(30);
    expect(added.atMs).toBe(atMs + 30);
    expect(added.error()).toMatchObject({ name: 'AbortError', code: 'CALL_ABORTED', cause: 'enough' });
    expectNothingKept(w, 'a');
  });

  it('a signal that aborts after it has resolved changes nothing', async () => {
    const w = world();
    const abort = new AbortController();
    const added = outcomeOf(w.manager.addServer('a', simulated, { signal: abort.signal }));
    await w.clock.settle();
    abort.abort();
    await w.clock.settle();
    expect(added.value().state).toBe('healthy');
  });

  it.each(connecting)('rejects with ClosedError when the manager closes while %s', async (phase, atMs) => {
    const w = world();
    w.server('a', { connectMs: 100, answerMs: 100 });
    const added = outcomeOf(w.manager.addServer('a', simulated));
    await w.clock.advance(atMs);
    expect(w.manager.session('a').info.phase).toBe(phase);
    const closed = outcomeOf(w.manager.close());
    await w.clock.settle();
    expect(added.error()).toMatchObject({ name: 'ClosedError', code: 'CLOSED', serverId: 'a' });
    closed.value();
    expectNothingKept(w, 'a');
  });

  it('after close rejects with ClosedError', async () => {
    const w = world();
    const closed = outcomeOf(w.manager.close());
    await w.clock.settle();
    closed.value();
    expect(await failureOf(() => w.manager.addServer('a', simulated))).toMatchObject({
      name: 'ClosedError',
      code: 'CLOSED',
    });
    expect(w.sim.all()).toEqual([]);
  });

  it('one that fails disturbs no other', async () => {
    const w = world();
    await w.add('b');
    w.news();
    w.server('a').refuse = { kind: 'unreachable', code: 'ECONNREFUSED', message: 'refused' };
    const added = outcomeOf(w.manager.addServer('a', simulated));
    await w.clock.settle();
    expect(added.state).toBe('rejected');
    expect(w.news().filter((line) => line.includes(' b '))).toEqual([]);
  });
});

describe('waitForReady: false', () => {
  it('returns at once, and the session keeps trying', async () => {
    const w = world();
    w.server('a').refuse = { kind: 'unreachable', code: 'ECONNREFUSED', message: 'refused' };
    const session = await w.manager.addServer('a', simulated, { waitForReady: false });
    await w.clock.advance(10_000);
    expect(w.trace).toEqual([
      '0 a 0 serverAdded',
      '0 a 1 idle > connecting.opening',
      '0 a 1 connecting.opening > releasing: refused',
      '0 a 1 attempt 1 in 250',
      '0 a 1 releasing > disconnected.backingOff: refused',
      '250 a 2 disconnected.backingOff > connecting.opening: refused',
      '250 a 2 connecting.opening > releasing: refused',
      '250 a 2 attempt 2 in 750',
      '250 a 2 releasing > disconnected.backingOff: refused',
      '1000 a 3 disconnected.backingOff > connecting.opening: refused',
      '1000 a 3 connecting.opening > releasing: refused',
      '1000 a 3 attempt 3 in 1500',
      '1000 a 3 releasing > disconnected.backingOff: refused',
      '2500 a 4 disconnected.backingOff > connecting.opening: refused',
      '2500 a 4 connecting.opening > releasing: refused',
      '2500 a 4 attempt 4 in 3000',
      '2500 a 4 releasing > disconnected.backingOff: refused',
      '5500 a 5 disconnected.backingOff > connecting.opening: refused',
      '5500 a 5 connecting.opening > releasing: refused',
      '5500 a 5 attempt 5 in 6000',
      '5500 a 5 releasing > disconnected.backingOff: refused',
    ]);
    expect(session.info).toMatchObject({
      state: 'disconnected',
      attempt: 5,
      generation: 5,
      nextAttemptAt: Date.UTC(2026, 0, 1) + 11_500,
      lastError: { code: 'ECONNREFUSED', message: 'refused' },
    });

    w.server('a').refuse = null;
    const ready = outcomeOf(session.ready(), w.clock);
    await w.clock.advance(1_500);
    expect(ready.atMs).toBe(11_500);
    expect(session.info).toMatchObject({ state: 'healthy', generation: 6 });
  });

  it('ready() gives up after its own time, 30 s unless it is told otherwise', async () => {
    const w = world({ behaviour: { answersInitialize: false } });
    const session = await w.manager.addServer('a', simulated, { waitForReady: false });
    const usual = outcomeOf(session.ready(), w.clock);
    const brief = outcomeOf(session.ready({ timeoutMs: 500 }), w.clock);
    await w.clock.advance(30_000);
    expect(brief.atMs).toBe(500);
    expect(brief.error()).toMatchObject({
      name: 'NotReadyError',
      code: 'NOT_READY',
      outcome: 'not-sent',
      message: 'Server "a" was not ready within 500 ms (connecting.opening).',
    });
    expect(usual.atMs).toBe(30_000);
    expect(usual.error()).toMatchObject({ code: 'NOT_READY' });
  });

  it('ready() ends with its signal', async () => {
    const w = world({ behaviour: { answersInitialize: false } });
    const session = await w.manager.addServer('a', simulated, { waitForReady: false });
    const abort = new AbortController();
    const ready = outcomeOf(session.ready({ signal: abort.signal }));
    abort.abort('enough');
    await w.clock.settle();
    expect(ready.error()).toMatchObject({ name: 'AbortError', code: 'CALL_ABORTED', cause: 'enough', serverId: 'a' });
  });

  it.each([
    ['config', 'bad-url'],
    ['spawn', 'ENOENT'],
  ] as const)('ready() rejects at once while the session is parked for a fault of kind %s', async (kind, code) => {
    const w = world();
    w.server('a').refuse = { kind, code, message: 'only you can mend this' };
    const session = await w.manager.addServer('a', simulated, { waitForReady: false });
    await w.clock.settle();
    expect(await failureOf(() => session.ready())).toMatchObject({ code: 'CONNECT', faultCode: code });
  });

  it('ready() rejects at once while the session waits for other credentials', async () => {
    const w = world();
    w.server('a').refuse = { kind: 'auth', code: 'unauthorized', message: 'only you can mend this' };
    const session = await w.manager.addServer('a', simulated, { waitForReady: false });
    await w.clock.settle();
    expect(await failureOf(() => session.ready())).toMatchObject({ code: 'AUTH_REQUIRED', outcome: 'not-sent' });
  });
});

describe('a lazy server', () => {
  it('opens with the first call, and not before', async () => {
    const w = world({ behaviour: { connectMs: 100 } });
    const session = await w.add('a', { lazy: true });
    await w.clock.advance(100_000);
    expect(session.info).toMatchObject({ state: 'disconnected', phase: 'idle', generation: 0, nextAttemptAt: null });
    expect(w.server('a').opens).toBe(0);
    const call = outcomeOf(session.callTool('echo', { n: 1 }), w.clock);
    const second = outcomeOf(session.callTool('echo', { n: 2 }), w.clock);
    await w.clock.advance(100);
    expect(call.value()).toEqual({ content: [{ type: 'text', text: '{"n":1}' }] });
    expect(second.value()).toEqual({ content: [{ type: 'text', text: '{"n":2}' }] });
    expect(w.server('a').opens).toBe(1);
    expect(session.state).toBe('healthy');
  });

  it('opens with ready()', async () => {
    const w = world();
    const session = await w.add('a', { lazy: true });
    const ready = outcomeOf(session.ready());
    await w.clock.settle();
    ready.value();
    expect(session.state).toBe('healthy');
  });

  it('a first call that is aborted already opens nothing', async () => {
    const w = world();
    const session = await w.add('a', { lazy: true });
    const call = outcomeOf(session.callTool('echo', {}, { signal: AbortSignal.abort('enough') }));
    await w.clock.settle();
    expect(call.error()).toMatchObject({ code: 'CALL_ABORTED', outcome: 'not-sent', cause: 'enough' });
    expect(w.server('a').opens).toBe(0);
  });

  it('one deadline covers the opening and the answer', async () => {
    const w = world({ behaviour: { connectMs: 800, answersCalls: false } });
    const session = await w.add('a', { lazy: true });
    const call = outcomeOf(session.callTool('echo', {}, { timeoutMs: 1_000 }), w.clock);
    await w.clock.advance(5_000);
    expect(call.error()).toMatchObject({ code: 'CALL_TIMEOUT', outcome: 'unknown' });
    expect(call.atMs).toBe(1_000);
  });

  it('a first call that outwaits the opening was not sent', async () => {
    const w = world({ behaviour: { answersInitialize: false } });
    const session = await w.add('a', { lazy: true });
    const call = outcomeOf(session.callTool('echo', {}, { timeoutMs: 1_000 }), w.clock);
    await w.clock.advance(1_000);
    expect(call.atMs).toBe(1_000);
    expect(call.error()).toMatchObject({ outcome: 'not-sent', serverId: 'a' });
  });
});

describe('a server behind one ready transport', () => {
  it('never reconnects: once its link is gone it is stopped', async () => {
    const w = world();
    const added = outcomeOf(w.manager.addServer('a', once(transport)));
    await w.clock.settle();
    const session = added.value();
    w.news();
    w.server('a').exit();
    await w.clock.advance(3_600_000);
    expect(w.news()).toEqual([
      '0 a 1 connected.healthy > releasing: the process exited with code 1',
      '0 a 1 releasing > disconnected.stopped: the process exited with code 1',
    ]);
    expect(session.info).toMatchObject({ state: 'disconnected', phase: 'disconnected.stopped', nextAttemptAt: null });
    expect(
      await failureOf(() => {
        session.reconnect();
      }),
    ).toMatchObject({ name: 'InvalidOptionError', field: 'target', value: 'once', serverId: 'a' });
    expect(await failureOf(() => session.ready())).toMatchObject({ code: 'CONNECT', faultCode: 'exit:1' });
    expect(await failureOf(() => session.callTool('echo'))).toMatchObject({
      code: 'NOT_READY',
      retryAfterMs: undefined,
    });
    expect(w.server('a').opens).toBe(1);
  });

  it('not even when its session is lost', async () => {
    const w = world();
    const added = outcomeOf(w.manager.addServer('a', once(transport)));
    await w.clock.settle();
    w.server('a').loseSession();
    await w.clock.advance(100_000);
    expect(added.value().info.phase).toBe('disconnected.stopped');
    expect(w.server('a').opens).toBe(1);
  });

  it('not even when its actor crashes', async () => {
    const w = world();
    w.random = () => {
      w.random = () => 0.5;
      throw new Error('no chance');
    };
    const session = await w.manager.addServer('a', once(transport), { waitForReady: false });
    await w.clock.advance(100_000);
    expect(session.info.phase).toBe('disconnected.stopped');
    expect(w.server('a').opens).toBe(1);
  });

  it('reconnect.enabled: false stops any server likewise, until it is opened by hand', async () => {
    const w = world();
    const session = await w.add('a', { reconnect: { enabled: false } });
    w.server('a').loseSession();
    await w.clock.advance(100_000);
    expect(session.info.phase).toBe('disconnected.stopped');
    session.reconnect();
    await w.clock.settle();
    expect(session.info).toMatchObject({ state: 'healthy', generation: 2 });
  });
});
