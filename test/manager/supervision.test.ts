import { describe, expect, it } from 'vitest';
import { stdio, type Link, type LinkDriver, type Logger, type OpenSpec } from '../../src/index.ts';
import { collectingUncaught, failureOf, outcomeOf, pending, simulated, world, type World } from './support.ts';

const facts = {
  era: 'legacy',
  protocolVersion: null,
  info: null,
  capabilities: {},
  instructions: null,
  pid: null,
} as const;

/** The next random number that anybody asks for is an exception. */
function failNextChance(w: World): void {
  w.random = () => {
    w.random = () => 0.5;
    throw new Error('no chance');
  };
}

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

/** Ends the session's actor at once by an exception of its own. */
async function crash(w: World, id: string): Promise<void> {
  failNextChance(w);
  w.server(id).exit();
  await w.clock.settle();
}

describe('a session whose actor throws', () => {
  it('waits no longer for a person whom its connection asked: the time of later calls passes', async () => {
    const w = world();
    const session = await w.add('a', {
      handlers: { elicit: () => new Promise(() => undefined) },
      healthCheck: { intervalMs: 1_000 },
      callTimeoutMs: 2_000,
    });
    void outcomeOf(w.server('a').ask('elicitation/create'));
    await w.clock.settle();
    failNextChance(w);
    await w.clock.runUntil(() => w.trace.some((line) => line.includes('sessionCrashed')), { maxMs: 10_000 });
    await w.clock.runUntil(() => session.state === 'healthy', { maxMs: 10_000 });
    w.server('a').hangLink();
    const call = outcomeOf(session.callTool('echo'));
    await w.clock.advance(1_999);
    expect(call.state).toBe('pending');
    await w.clock.advance(1);
    expect(call.state).toBe('rejected');
  });

  it('is connected anew after a backoff, in the next generation, without disturbing others', async () => {
    const w = world();
    const session = await w.add('a');
    await w.add('b');
    w.news();
    await crash(w, 'a');
    expect(session.info).toMatchObject({
      state: 'disconnected',
      phase: 'disconnected.backingOff',
      generation: 1,
      reason: "the session's actor crashed: no chance",
      nextAttemptAt: w.clock.wall() + 250,
      lastError: { code: 'session-crashed', message: "the session's actor crashed: no chance" },
    });
    expect(await failureOf(() => session.callTool('echo', {}, { waitForReadyMs: 0 }))).toMatchObject({
      code: 'NOT_READY',
      retryAfterMs: 250,
    });
    await w.clock.advance(1_000);
    expect(w.news().filter((line) => line.includes(' b '))).toEqual([]);
    expect(w.trace.filter((line) => line.includes(' a ')).slice(7)).toEqual([
      '0 a 1 connected.healthy > releasing: the process exited with code 1',
      '0 a 1 sessionCrashed, again in 250',
      "0 a 1 releasing > disconnected.backingOff: the session's actor crashed: no chance",
      '250 a 2 disconnected.backingOff > connecting.opening',
      '250 a 2 connecting.opening > connecting.verifying',
      '250 a 2 check ok in 0',
      '250 a 2 connecting.verifying > connecting.hydrating',
      '250 a 2 connecting.hydrating > connected.healthy',
    ]);
    expect(w.server('a')).toMatchObject({ generations: [1, 2], maxLiveLinks: 1 });
  });

  it('is shown with its last error also when it is connected again', async () => {
    const w = world();
    const session = await w.add('a');
    await crash(w, 'a');
    await w.clock.advance(1_000);
    expect(session.info).toMatchObject({ state: 'healthy', lastError: { code: 'session-crashed' } });
  });

  it('has its old link released before the next one opens, however long that takes', async () => {
    const w = world({ behaviour: { killMs: 3_000, pid: 40 } });
    const session = await w.add('a');
    // A check is due: its result arms the next tick, and that needs chance.
    failNextChance(w);
    await w.clock.advance(15_000);
    expect(session.info.phase).toBe('disconnected.backingOff');
    expect(w.server('a').liveLinks).toBe(1);
    await w.clock.advance(3_000);
    expect(w.server('a')).toMatchObject({ liveLinks: 0, opens: 1 });
    await w.clock.advance(250);
    expect(w.server('a')).toMatchObject({ liveLinks: 1, opens: 2, maxLiveLinks: 1, closes: ['kill'] });
    expect(session.info).toMatchObject({ state: 'healthy', generation: 2 });
  });

  it('loses its calls in flight with an unknown outcome', async () => {
    const w = world({ behaviour: { answersCalls: false } });
    const session = await w.add('a');
    const call = outcomeOf(session.callTool('echo'));
    await w.clock.advance(14_999);
    failNextChance(w);
    await w.clock.advance(1);
    expect(call.error()).toMatchObject({ code: 'OUTCOME_UNKNOWN', generation: 1 });
  });

  it('again and again is started after ever longer times, up to a minute', async () => {
    const w = world();
    const session = await w.manager.addServer('a', simulated, { waitForReady: false });
    w.random = () => {
      throw new Error('no chance');
    };
    await w.clock.advance(200_000);
    const waits = w.events.flatMap((event) => (event.type === 'sessionCrashed' ? [event.restartMs] : []));
    expect(waits).toEqual([250, 750, 1_500, 3_000, 6_000, 12_000, 24_000, 45_000, 45_000, 45_000, 45_000]);
    expect(w.server('a').maxLiveLinks).toBe(1);
    w.random = () => 0.5;
    await w.clock.advance(60_000);
    expect(session.state).toBe('healthy');
    expect(w.server('a').generations).toEqual(w.server('a').generations.map((_, index) => index + 1));
  });

  it.each([0, 1_000, 3_100] as const)('can be removed %i ms after the crash', async (afterMs) => {
    const w = world({ behaviour: { killMs: 3_000, pid: 40 } });
    await w.add('a');
    await w.add('b');
    failNextChance(w);
    await w.clock.advance(15_000);
    const crashed = w.manager.listSessions().find((info) => info.phase === 'disconnected.backingOff')?.id ?? '';
    expect(crashed).not.toBe('');
    await w.clock.advance(afterMs);
    const removed = outcomeOf(w.manager.removeServer(crashed));
    await w.clock.advance(3_000);
    expect(removed.value()).toBe(true);
    expect(w.server(crashed)).toMatchObject({ opens: 1, liveLinks: 0 });
    await w.clock.advance(60_000);
    expect(w.server(crashed).opens).toBe(1);
    expect(w.manager.listSessions().map((info) => info.state)).toEqual(['healthy']);
  });

  it.each([0, 1_000, 3_100] as const)(
    'does not keep the manager from closing %i ms after the crash',
    async (afterMs) => {
      const w = world({ behaviour: { killMs: 3_000, pid: 40 } });
      await w.add('a');
      failNextChance(w);
      await w.clock.advance(15_000 + afterMs);
      const closed = outcomeOf(w.manager.close());
      await w.clock.advance(3_000);
      closed.value();
      expect(w.clock.pendingTimers).toBe(0);
      expect(w.server('a').liveLinks).toBe(0);
    },
  );

  it('leaves no timer of its actors behind', async () => {
    const w = world();
    const session = await w.add('a');
    w.server('a', { answersPing: false, answersCalls: false }).fault({
      kind: 'protocol',
      code: 'junk',
      message: 'junk',
    });
    const call = outcomeOf(session.callTool('echo', {}, { timeoutMs: 10 }));
    await w.clock.advance(9);
    failNextChance(w);
    await w.clock.advance(1);
    expect(call.state).toBe('rejected');
    expect(session.info.phase).toBe('disconnected.backingOff');
    const closed = outcomeOf(w.manager.close());
    await w.clock.settle();
    closed.value();
    expect(w.clock.pendingTimers).toBe(0);
  });

  it('while it drains is still removed, and not connected again', async () => {
    const w = world({ behaviour: { answersCalls: false } });
    const session = await w.add('a');
    const call = outcomeOf(session.callTool('echo'));
    await w.clock.settle();
    const timer = failNextTimer(w, 7_000);
    const removed = outcomeOf(w.manager.removeServer('a', { drainMs: 7_000 }));
    await w.clock.advance(100_000);
    expect(timer.failed).toBe(true);
    expect(call.state).toBe('rejected');
    expect(removed.state).toBe('resolved');
    expect(w.server('a').opens).toBe(1);
  });

  it('while the manager closes does not keep it from closing', async () => {
    const w = world({ behaviour: { answersCalls: false } });
    const session = await w.add('a');
    outcomeOf(session.callTool('echo'));
    await w.clock.settle();
    failNextTimer(w, 7_000);
    const closed = outcomeOf(w.manager.close({ drainMs: 7_000 }));
    await w.clock.advance(100_000);
    expect(closed.state).toBe('resolved');
    expect(w.server('a').opens).toBe(1);
  });

  it('in its first attempt makes addServer reject, and keeps nothing', async () => {
    const w = world();
    failNextChance(w);
    const added = outcomeOf(w.manager.addServer('a', simulated));
    await w.clock.settle();
    expect(added.error()).toMatchObject({ code: 'CONNECT', faultCode: 'session-crashed' });
    expect(w.manager.sessionCount).toBe(0);
    expect(w.clock.pendingTimers).toBe(0);
  });
});

describe('a manager actor that throws', () => {
  /** Kills the manager actor that holds the session: when it sets the timer of that session's restart. */
  async function crashManagerOf(w: World, id: string): Promise<void> {
    const timer = failNextTimer(w, 250);
    w.server(id).killMs = 0;
    await crash(w, id);
    await w.clock.settle();
    expect(timer.failed).toBe(true);
  }

  it('has all its sessions connected anew under another, one link each; other actors notice nothing', async () => {
    const w = world({ config: { maxConnections: 200 } });
    for (let n = 0; n < 130; n += 1) await w.add(`s${n}`);
    w.news();
    await crashManagerOf(w, 's0');
    await w.clock.advance(5_000);
    const disturbed = new Set(w.events.slice(130 * 7).map(({ serverId }) => serverId ?? 'a group'));
    expect([...disturbed].toSorted()).toEqual(Array.from({ length: 32 }, (_, n) => `s${n}`).toSorted());
    expect(w.manager.sessionStats()).toEqual({
      connecting: 0,
      healthy: 130,
      degraded: 0,
      unhealthy: 0,
      disconnected: 0,
    });
    for (const server of w.sim.all()) {
      const own = disturbed.has(server.id);
      expect(server).toMatchObject({ maxLiveLinks: 1, liveLinks: 1, generations: own ? [1, 2] : [1] });
    }
    // The new one watches over them: checks go on.
    const before = w.sim.all().map((server) => server.probes);
    await w.clock.advance(70_000);
    expect(w.sim.all().every((server, index) => server.probes > (before[index] ?? 0))).toBe(true);
  });

  it('has every old link released before the next one opens, however long that takes', async () => {
    const w = world({ behaviour: { pid: 1 } });
    await w.add('a');
    await w.add('b');
    w.server('b').killMs = 3_000;
    await crashManagerOf(w, 'a');
    await w.clock.advance(2_999);
    expect(w.server('b')).toMatchObject({ opens: 1, liveLinks: 1 });
    expect(w.manager.session('a').state).toBe('healthy');
    await w.clock.advance(1);
    expect(w.server('b')).toMatchObject({ opens: 2, maxLiveLinks: 1, generations: [1, 2] });
    expect(w.manager.session('b').state).toBe('healthy');
  });

  it('keeps nobody from removing a server or closing meanwhile', async () => {
    const w = world({ behaviour: { killMs: 2_000, pid: 1 } });
    await w.add('a');
    await w.add('b');
    await w.add('c');
    await crashManagerOf(w, 'a');
    const removed = outcomeOf(w.manager.removeServer('b'));
    await w.clock.advance(2_000);
    expect(removed.value()).toBe(true);
    expect(w.server('b')).toMatchObject({ opens: 1, liveLinks: 0 });
    const closed = outcomeOf(w.manager.close());
    await w.clock.advance(2_000);
    closed.value();
    expect(w.clock.pendingTimers).toBe(0);
  });

  it('while a server drains: that one is still removed', async () => {
    const w = world({ behaviour: { answersCalls: false } });
    const session = await w.add('a');
    await w.add('b');
    outcomeOf(session.callTool('echo'));
    await w.clock.settle();
    const removed = outcomeOf(w.manager.removeServer('a', { drainMs: 7_000 }));
    await w.clock.settle();
    await crashManagerOf(w, 'b');
    await w.clock.advance(100_000);
    expect(removed.state).toBe('resolved');
    expect(w.server('a')).toMatchObject({ opens: 1, liveLinks: 0 });
    expect(w.manager.session('b').state).toBe('healthy');
  });

  it('takes nothing from what sessions remember: counts, generation, catalog', async () => {
    const w = world();
    const session = await w.add('a');
    await session.callTool('echo');
    await w.add('b');
    await crashManagerOf(w, 'b');
    await w.clock.advance(5_000);
    expect(session.info).toMatchObject({ state: 'healthy', generation: 2, successfulRequests: 1 });
    expect(session.catalog).toMatchObject({ known: true, stale: false, generation: 2 });
    expect(w.manager.session('a')).toBe(session);
  });

  it('again and again is replaced after ever longer times', async () => {
    const w = world();
    await w.add('a');
    await w.add('b');
    await crashManagerOf(w, 'b');
    await w.clock.advance(249);
    expect(w.manager.session('a').info.generation).toBe(1);
    await w.clock.advance(1);
    expect(w.manager.session('a').info.generation).toBe(2);
    await crashManagerOf(w, 'b');
    await w.clock.advance(749);
    expect(w.manager.session('a').info.generation).toBe(2);
    await w.clock.advance(1);
    expect(w.manager.session('a').info.generation).toBe(3);
  });
});

describe('the health ticker', () => {
  it('that throws is replaced, and the checks of all sessions go on', async () => {
    const w = world();
    const session = await w.add('a');
    await w.add('b');
    w.manager.stopHealthMonitoring();
    await w.clock.advance(100_000);
    // What has become due is spread anew by chance.
    failNextChance(w);
    w.manager.startHealthMonitoring();
    w.news();
    await w.clock.advance(100_000);
    expect(w.news().filter((line) => line.includes(' a 1 check ok')).length).toBeGreaterThan(1);
    w.server('a').hang();
    await w.clock.advance(100_000);
    expect(session.state).not.toBe('healthy');
  });
});

describe('what others wrote', () => {
  const boom = (): never => {
    throw new Error('mine');
  };
  const throwing: Logger = { debug: boom, info: boom, warn: boom, error: boom };

  it('a logger that throws harms nobody', async () => {
    const w = world({ ports: { logger: throwing } });
    const session = await w.add('a');
    await w.add('b');
    const caught = await collectingUncaught(async () => {
      w.server('b').stderr('a line');
      await crash(w, 'a');
      await w.clock.advance(10_000);
    });
    expect(caught).toEqual([]);
    expect(session.info).toMatchObject({ state: 'healthy', generation: 2 });
    expect(w.manager.session('b').info).toMatchObject({ state: 'healthy', generation: 1 });
  });

  it('handlers that throw are the asking server’s affair alone', async () => {
    const w = world();
    const session = await w.add('a', {
      handlers: { elicit: boom, sample: () => Promise.reject(new Error('no')), roots: boom },
    });
    await expect(w.server('a').ask('elicitation/create')).rejects.toThrow('mine');
    await expect(w.server('a').ask('sampling/createMessage')).rejects.toThrow('no');
    await expect(w.server('a').ask('roots/list')).rejects.toThrow('mine');
    expect(session.state).toBe('healthy');
  });

  function driverOf(make: (spec: OpenSpec) => Link): LinkDriver {
    return { name: 'strange', open: make };
  }
  const calm = (spec: OpenSpec, more: Partial<Link> = {}): Link => {
    let open = false;
    queueMicrotask(() => {
      open = true;
      spec.onEvent({ type: 'opened', facts });
    });
    return {
      get isOpen() {
        return open;
      },
      probe: () => pending(Promise.resolve()),
      request: () => pending(Promise.resolve({ content: [] })),
      notify: () => Promise.resolve(),
      close() {
        open = false;
        return Promise.resolve();
      },
      ...more,
    };
  };
  /** `strange` gets this driver, everyone else a calm one. */
  function among(make: (spec: OpenSpec) => Link): World {
    return world({
      ports: { links: () => driverOf((spec) => (spec.serverId === 'strange' ? make(spec) : calm(spec))) },
    });
  }

  it.each([
    ['open', () => boom()],
    ['close', (spec: OpenSpec) => calm(spec, { close: boom })],
    ['close, later', (spec: OpenSpec) => calm(spec, { close: () => Promise.reject(new Error('mine')) })],
    ['probe', (spec: OpenSpec) => calm(spec, { probe: boom })],
    ['probe, later', (spec: OpenSpec) => calm(spec, { probe: () => pending(Promise.reject(new Error('mine'))) })],
    ['request', (spec: OpenSpec) => calm(spec, { request: boom })],
    ['request, later', (spec: OpenSpec) => calm(spec, { request: () => pending(Promise.reject(new Error('mine'))) })],
    ['notify', (spec: OpenSpec) => calm(spec, { notify: boom })],
  ] as const)(
    'a driver whose %s throws harms its own server at most, and keeps nobody from closing',
    async (_, make) => {
      const w = among(make);
      await w.add('b');
      w.news();
      const caught = await collectingUncaught(async () => {
        const session = await w.manager.addServer('strange', stdio({ command: 'x' }), { waitForReady: false });
        await w.clock.advance(1_000);
        const call = outcomeOf(session.callTool('echo', {}, { timeoutMs: 100 }));
        const note = outcomeOf(session.notify('x'));
        await w.clock.advance(200);
        const blamed = [call, note].map((one) => (one.state === 'rejected' ? one.error().serverId : 'strange'));
        expect(blamed).toEqual(['strange', 'strange']);
        expect(call.state).not.toBe('pending');
        expect(w.news().filter((line) => line.includes(' b '))).toEqual([]);
        const removed = outcomeOf(w.manager.removeServer('strange'));
        await w.clock.advance(20_000);
        expect(removed.state).toBe('resolved');
        const closed = outcomeOf(w.manager.close());
        await w.clock.advance(20_000);
        expect(closed.state).toBe('resolved');
        expect(w.clock.pendingTimers).toBe(0);
      });
      expect(caught).toEqual([]);
    },
  );
});
