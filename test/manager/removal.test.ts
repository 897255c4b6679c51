import { describe, expect, it } from 'vitest';
import { once, stdio, type Phase, type ServerOptions, type ServerTarget, type Transport } from '../../src/index.ts';
import { createConnectLimiter } from '../../src/host/connect-limiter.ts';
import type { createVirtualClock } from '../../src/testing/index.ts';
import { failureOf, outcomeOf, simulated, world, type World } from './support.ts';

const transport: Transport = {
  start: () => Promise.resolve(),
  send: () => Promise.resolve(),
  close: () => Promise.resolve(),
};
const refused = { kind: 'unreachable', code: 'ECONNREFUSED', message: 'refused' } as const;

interface Situation {
  readonly phase: Phase;
  readonly target?: ServerTarget;
  readonly options?: ServerOptions;
  /** Brings the server `a` into the phase. */
  arrive(w: World): Promise<void>;
}

const begin = (w: World, options: ServerOptions = {}, target: ServerTarget = simulated): Promise<unknown> =>
  w.manager.addServer('a', target, { waitForReady: false, ...options });

const parked = (kind: 'auth' | 'config' | 'incompatible') => async (w: World) => {
  w.server('a').refuse = { kind, code: 'x', message: 'x' };
  await begin(w);
  await w.clock.settle();
};

const situations: readonly Situation[] = [
  { phase: 'idle', arrive: (w) => begin(w, { lazy: true }).then(() => w.clock.settle()) },
  {
    phase: 'connecting.waiting',
    async arrive(w) {
      for (let n = 0; n < 8; n += 1) {
        w.server(`before${n}`).answersInitialize = false;
        await w.manager.addServer(`before${n}`, stdio({ command: 'x' }), { waitForReady: false });
      }
      await begin(w, {}, stdio({ command: 'x' }));
      await w.clock.settle();
    },
  },
  {
    phase: 'connecting.opening',
    async arrive(w) {
      w.server('a').answersInitialize = false;
      await begin(w);
      await w.clock.settle();
    },
  },
  {
    phase: 'connecting.verifying',
    async arrive(w) {
      w.server('a').answersPing = false;
      await begin(w);
      await w.clock.settle();
    },
  },
  {
    phase: 'connecting.hydrating',
    async arrive(w) {
      w.server('a').onRequest = () => new Promise(() => undefined);
      await begin(w);
      await w.clock.settle();
    },
  },
  { phase: 'connected.healthy', arrive: (w) => w.add('a').then(() => undefined) },
  {
    phase: 'connected.degraded',
    async arrive(w) {
      await w.add('a');
      w.server('a').hang();
      await w.clock.advance(20_000);
    },
  },
  {
    phase: 'connected.unhealthy',
    async arrive(w) {
      await w.add('a');
      w.server('a').hang();
      await w.clock.advance(40_000);
    },
  },
  {
    phase: 'releasing',
    async arrive(w) {
      const session = await w.add('a');
      w.server('a').killMs = 500;
      session.reconnect();
      await w.clock.settle();
    },
  },
  {
    phase: 'disconnected.backingOff',
    async arrive(w) {
      await w.add('a');
      w.server('a').exit();
      await w.clock.settle();
    },
  },
  { phase: 'disconnected.parked.auth', arrive: parked('auth') },
  { phase: 'disconnected.parked.config', arrive: parked('config') },
  { phase: 'disconnected.parked.incompatible', arrive: parked('incompatible') },
  {
    phase: 'disconnected.parked.crashLoop',
    async arrive(w) {
      const session = await w.add('a', { reconnect: { crashLoopExits: 1 } });
      w.server('a').exit();
      await w.clock.runUntil(() => session.state === 'healthy', { maxMs: 10_000 });
      w.server('a').exit();
      await w.clock.settle();
    },
  },
  {
    phase: 'disconnected.stopped',
    async arrive(w) {
      w.server('a').refuse = refused;
      await begin(w, {}, once(transport));
      await w.clock.settle();
    },
  },
  {
    phase: 'draining',
    async arrive(w) {
      w.server('a').answersCalls = false;
      const session = await w.add('a');
      outcomeOf(session.callTool('echo'));
      await w.clock.settle();
      void w.manager.removeServer('a', { drainMs: 20_000 });
      await w.clock.settle();
    },
  },
];

function limited(): World {
  const clock = { current: undefined as ReturnType<typeof createVirtualClock> | undefined };
  const limiter = createConnectLimiter({
    clock: {
      monotonic: () => clock.current?.monotonic() ?? 0,
      setTimeout: (callback, ms) => clock.current?.setTimeout(callback, ms),
      clearTimeout: (id) => clock.current?.clearTimeout(id),
    },
  });
  const w = world({ ports: { connectLimiter: limiter } });
  clock.current = w.clock;
  return w;
}

describe('removeServer', () => {
  it.each(situations)('while $phase: closes and forgets the server, and nobody notices', async ({ phase, arrive }) => {
    const w = limited();
    await w.add('bystander');
    await arrive(w);
    expect(w.manager.getSessionInfo('a')?.phase).toBe(phase);
    const session = w.manager.session('a');
    const ended: string[] = [];
    session.state$.subscribe({ complete: () => ended.push('state$') });
    session.info$.subscribe({ complete: () => ended.push('info$') });
    session.catalog$.subscribe({ complete: () => ended.push('catalog$') });
    session.events$.subscribe({ complete: () => ended.push('events$') });
    session.notifications$.subscribe({ complete: () => ended.push('notifications$') });
    const waiting = outcomeOf(session.ready());
    w.news();

    const removed = outcomeOf(w.manager.removeServer('a', { drainMs: 0 }));
    await w.clock.advance(500);
    expect(removed.value()).toBe(true);
    expect(waiting.state).not.toBe('pending');
    expect(w.news().filter((line) => line.includes('bystander'))).toEqual([]);
    expect(w.trace.at(-1)).toMatch(/ a \d+ serverRemoved$/);
    expect(w.manager.getSessionInfo('a')).toBeUndefined();
    expect(session.info.phase).toBe('closed');
    expect(w.server('a')).toMatchObject({ liveLinks: 0 });
    expect(w.server('a').maxLiveLinks).toBeLessThanOrEqual(1);
    expect(ended.toSorted()).toEqual(['catalog$', 'events$', 'info$', 'notifications$', 'state$']);
    expect(await failureOf(() => session.callTool('echo'))).toMatchObject({
      name: 'ClosedError',
      code: 'CLOSED',
      outcome: 'not-sent',
      serverId: 'a',
    });
    expect(await failureOf(() => session.ready())).toMatchObject({ code: 'CLOSED' });
    expect(await failureOf(() => session.ping())).toMatchObject({ code: 'CLOSED' });
    expect(await failureOf(() => session.notify('x'))).toMatchObject({ code: 'CLOSED' });
  });

  it.each(situations)('a server added again after removal while $phase starts from nothing', async ({ arrive }) => {
    const w = limited();
    await arrive(w);
    const removed = outcomeOf(w.manager.removeServer('a', { drainMs: 0 }));
    await w.clock.advance(500);
    removed.value();
    w.server('a', {
      refuse: null,
      answersInitialize: true,
      answersPing: true,
      answersCalls: true,
      onRequest: null,
    }).resume();
    const again = await w.add('a');
    expect(again.info).toMatchObject({
      state: 'healthy',
      generation: 1,
      attempt: 0,
      lastError: null,
      successfulRequests: 0,
    });
  });

  it('lets a call in flight finish, says goodbye, and admits no new one', async () => {
    const w = world({ behaviour: { answerMs: 100, closeMs: 30 } });
    const added = outcomeOf(w.manager.addServer('a', simulated));
    await w.clock.advance(200);
    const session = added.value();
    const call = outcomeOf(session.callTool('echo', { n: 1 }), w.clock);
    w.news();
    const removed = outcomeOf(w.manager.removeServer('a'), w.clock);
    await w.clock.advance(50);
    expect(session.info).toMatchObject({ phase: 'draining', state: 'disconnected', activeRequests: 1 });
    expect(await failureOf(() => session.callTool('echo', { n: 2 }))).toMatchObject({ code: 'CLOSED' });
    expect(w.manager.getHealthySession()).toBeUndefined();
    await w.clock.advance(80);
    expect(call.value()).toEqual({ content: [{ type: 'text', text: '{"n":1}' }] });
    expect(call.atMs).toBe(300);
    expect(removed.atMs).toBe(330);
    expect(w.news()).toEqual([
      '200 a 1 connected.healthy > draining: draining',
      '300 a 1 draining > releasing: draining',
      '330 a 1 releasing > closed: draining',
      '330 a 1 serverRemoved',
    ]);
    expect(w.server('a').closes).toEqual(['graceful']);
    expect(w.server('a').executed).toHaveLength(1);
  });

  it('cancels what is still in flight after drainMs', async () => {
    const w = world({ behaviour: { answersCalls: false } });
    const session = await w.add('a');
    const call = outcomeOf(session.callTool('echo'), w.clock);
    await w.clock.settle();
    const removed = outcomeOf(w.manager.removeServer('a', { drainMs: 2_000 }), w.clock);
    await w.clock.advance(2_000);
    expect(call.atMs).toBe(2_000);
    expect(call.error()).toMatchObject({
      name: 'AbortError',
      code: 'CALL_ABORTED',
      outcome: 'unknown',
      serverId: 'a',
      cause: { code: 'CLOSED' },
    });
    expect(removed.atMs).toBe(2_000);
    expect(w.server('a').closes).toEqual(['graceful']);
  });

  it('waits 30 s unless it is told otherwise, or what the manager was told', async () => {
    for (const [config, expected] of [
      [{}, 30_000],
      [{ drainMs: 4_000 }, 4_000],
    ] as const) {
      const w = world({ config, behaviour: { answersCalls: false } });
      const session = await w.add('a');
      outcomeOf(session.callTool('echo'));
      await w.clock.settle();
      const removed = outcomeOf(w.manager.removeServer('a'), w.clock);
      await w.clock.advance(expected);
      expect(removed.atMs).toBe(expected);
    }
  });

  it('an aborted signal cuts the draining short', async () => {
    const w = world({ behaviour: { answersCalls: false } });
    const session = await w.add('a');
    const call = outcomeOf(session.callTool('echo'), w.clock);
    await w.clock.settle();
    const abort = new AbortController();
    const removed = outcomeOf(w.manager.removeServer('a', { signal: abort.signal }), w.clock);
    await w.clock.advance(1_000);
    expect(removed.state).toBe('pending');
    abort.abort();
    await w.clock.settle();
    expect(removed.value()).toBe(true);
    expect(call.error()).toMatchObject({ code: 'CALL_ABORTED', outcome: 'unknown' });
    expect(w.server('a').closes).toEqual(['kill']);
  });

  it('a signal aborted already drains nothing; one that aborts later hastens the goodbye', async () => {
    const w = world({ behaviour: { closeMs: 10_000 } });
    await w.add('a');
    const first = outcomeOf(w.manager.removeServer('a', { signal: AbortSignal.abort() }));
    await w.clock.settle();
    first.value();

    await w.add('b');
    const abort = new AbortController();
    const second = outcomeOf(w.manager.removeServer('b', { signal: abort.signal }));
    await w.clock.advance(5_000);
    expect(second.state).toBe('pending');
    abort.abort();
    await w.clock.settle();
    second.value();
    expect(w.server('b').closes).toEqual(['graceful', 'kill']);
  });

  it('repeats settle with the first; drainMs 0 forces it', async () => {
    const w = world({ behaviour: { answersCalls: false } });
    const session = await w.add('a');
    outcomeOf(session.callTool('echo'));
    await w.clock.settle();
    const first = outcomeOf(w.manager.removeServer('a'));
    const second = outcomeOf(w.manager.removeServer('a'));
    await w.clock.advance(100);
    expect([first.state, second.state]).toEqual(['pending', 'pending']);
    const third = outcomeOf(w.manager.removeServer('a', { drainMs: 0 }));
    await w.clock.settle();
    expect([first.value(), second.value(), third.value()]).toEqual([true, true, true]);
    expect(w.trace.filter((line) => line.includes('serverRemoved'))).toHaveLength(1);
  });

  it('a link lost while draining ends the drain', async () => {
    const w = world({ behaviour: { answersCalls: false } });
    const session = await w.add('a');
    const call = outcomeOf(session.callTool('echo'));
    await w.clock.settle();
    const removed = outcomeOf(w.manager.removeServer('a'));
    await w.clock.settle();
    w.server('a').exit();
    await w.clock.settle();
    expect(call.error()).toMatchObject({ code: 'OUTCOME_UNKNOWN' });
    removed.value();
    expect(w.server('a').opens).toBe(1);
  });

  it('of a server whose link never lets go ends after 15 s, and tells of the leak', async () => {
    const w = world();
    await w.add('a');
    w.server('a').neverCloses = true;
    const removed = outcomeOf(w.manager.removeServer('a'), w.clock);
    await w.clock.advance(15_000);
    expect(removed.atMs).toBe(15_000);
    expect(w.trace.slice(-3)).toEqual([
      '15000 a 1 linkLeaked',
      '15000 a 1 releasing > closed: draining',
      '15000 a 1 serverRemoved',
    ]);
  });
});

describe('close', () => {
  it('of an empty manager completes everything', async () => {
    const w = world();
    const ended: string[] = [];
    w.manager.events$.subscribe({ complete: () => ended.push('events$') });
    w.manager.sessions$.subscribe({ complete: () => ended.push('sessions$') });
    w.manager.stats$.subscribe({ complete: () => ended.push('stats$') });
    const closed = outcomeOf(w.manager.close());
    const fact = outcomeOf(w.manager.closed);
    await w.clock.settle();
    closed.value();
    fact.value();
    expect(ended.toSorted()).toEqual(['events$', 'sessions$', 'stats$']);
  });

  it.each(situations)('while a server is $phase: settles everything and leaves nothing', async ({ arrive }) => {
    const w = limited();
    await arrive(w);
    const session = w.manager.session('a');
    const waiting = outcomeOf(session.ready());
    const ended: string[] = [];
    w.manager.events$.subscribe({ complete: () => ended.push('events$') });
    w.manager.sessions$.subscribe({ complete: () => ended.push('sessions$') });
    w.manager.stats$.subscribe({ complete: () => ended.push('stats$') });
    session.info$.subscribe({ complete: () => ended.push('info$') });
    const closing = w.manager.close({ drainMs: 0 });
    expect(w.manager.close()).toBe(closing);
    expect(w.manager.close({ drainMs: 0 })).toBe(closing);
    const closed = outcomeOf(closing);
    const fact = outcomeOf(w.manager.closed);
    await w.clock.advance(500);
    closed.value();
    fact.value();
    expect(waiting.state).not.toBe('pending');
    expect(w.clock.pendingTimers).toBe(0);
    expect(w.sim.all().map((server) => server.liveLinks)).toEqual(w.sim.all().map(() => 0));
    expect(ended.toSorted()).toEqual(['events$', 'info$', 'sessions$', 'stats$']);
    expect(w.manager.sessionCount).toBe(0);
    expect(w.manager.snapshot()).toMatchObject({
      sessions: [],
      stats: { connecting: 0, healthy: 0, degraded: 0, unhealthy: 0, disconnected: 0 },
    });
  });

  it('drains, and { drainMs: 0 } forces a close under way', async () => {
    const w = world({ behaviour: { answersCalls: false } });
    const session = await w.add('a');
    await w.add('b');
    const call = outcomeOf(session.callTool('echo'));
    await w.clock.settle();
    const closing = w.manager.close();
    const closed = outcomeOf(closing);
    await w.clock.advance(1_000);
    expect(closed.state).toBe('pending');
    expect(w.manager.listSessions().map((info) => info.id)).toEqual(['a']);
    expect(w.manager.close({ drainMs: 0 })).toBe(closing);
    await w.clock.settle();
    closed.value();
    expect(call.error()).toMatchObject({ code: 'CALL_ABORTED', outcome: 'unknown' });
  });

  it('is what `await using` does', async () => {
    const w = world();
    await w.add('a');
    const disposed = outcomeOf(w.manager[Symbol.asyncDispose]());
    await w.clock.settle();
    disposed.value();
    expect(w.server('a').liveLinks).toBe(0);
  });

  it('of one manager leaves another alone', async () => {
    const one = world();
    const other = world();
    await one.add('a');
    await other.add('a');
    const closed = outcomeOf(one.manager.close());
    await one.clock.settle();
    closed.value();
    expect(other.manager.session('a').state).toBe('healthy');
  });
});
