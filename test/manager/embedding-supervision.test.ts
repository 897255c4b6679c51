import { describe, expect, it } from 'vitest';
import { assign, createActor, setup, type ActorRefFrom } from 'xstate';
import { managerLogic, managerOf } from '../../src/manager/embedding.ts';
import { embedded, type EmbeddedManager, type EmbeddedWorld } from './embedded-world.ts';
import { collectingUncaught, failureOf, outcomeOf, simulated } from './support.ts';

/** The next random number that anybody asks for is an exception. */
function failNextChance(w: EmbeddedWorld): void {
  w.random = () => {
    w.random = () => 0.5;
    throw new Error('no chance');
  };
}

/** Three servers: one connected with a call in flight, one that opens for ever, one that waits for its next attempt. */
async function busy(w: EmbeddedWorld, m: EmbeddedManager) {
  await m.add('connected');
  w.sim.server('connected').answersCalls = false;
  w.sim.server('opening').answersInitialize = false;
  w.sim.server('resting', { refuse: { kind: 'transport', code: 'ECONNREFUSED', message: 'nobody there' } });
  const manager = managerOf(m.ref);
  const adding = failureOf(() => manager.addServer('opening', simulated));
  await m.tell({ type: 'SERVER.ADD', id: 'resting', target: simulated });
  await m.tell({ type: 'GROUP.ADD', id: 'pair', group: { primary: 'connected', backups: ['resting'] } });
  const call = failureOf(() => manager.session('connected').callTool('echo'));
  const groupCall = failureOf(() => manager.group('pair').callTool('echo'));
  await w.clock.settle();
  expect(manager.listSessions().map(({ phase }) => phase)).toEqual([
    'connected.healthy',
    'connecting.opening',
    'disconnected.backingOff',
  ]);
  return { manager, adding, call, groupCall };
}

/** Nothing is left of it, and whoever waited for something knows. */
async function expectReleased(
  w: EmbeddedWorld,
  { manager, adding, call, groupCall }: Awaited<ReturnType<typeof busy>>,
) {
  const closed = outcomeOf(manager.closed, w.clock);
  await w.clock.settle();
  expect(closed.state).toBe('resolved');
  expect(w.clock.pendingTimers).toBe(0);
  expect(w.sim.all().map(({ liveLinks, closes }) => [liveLinks, closes.includes('graceful')])).toEqual([
    [0, false],
    [0, false],
    [0, false],
  ]);
  expect(await adding).toMatchObject({ code: 'CLOSED' });
  expect(await call).toMatchObject({ outcome: 'unknown', serverId: 'connected' });
  expect(await groupCall).toMatchObject({ outcome: 'unknown', serverId: 'connected' });
  expect(manager.snapshot()).toMatchObject({ sessions: [], groups: [] });
  expect(await failureOf(() => manager.addServer('late', simulated))).toMatchObject({ code: 'CLOSED' });
}

describe('every link is killed and nothing is left when', () => {
  const endings: [string, (w: EmbeddedWorld) => void][] = [
    ['the application is stopped', ({ app }) => app.stop()],
    [
      'the application ends',
      ({ app }) => {
        app.send({ type: 'GIVE UP' });
      },
    ],
    [
      'the actor is stopped by the application',
      ({ app }) => {
        app.send({ type: 'DISMISS', id: 'holdfast' });
      },
    ],
    [
      'another child of the application fails, and nobody sees to it',
      ({ app }) => {
        app.send({ type: 'SPAWN', id: 'bad', input: { config: { maxConnections: 65 } } });
      },
    ],
    [
      "an action of the application's own throws",
      ({ app }) => {
        app.send({ type: 'BREAK' });
      },
    ],
  ];

  it.each(endings)('%s', async (_, end) => {
    const w = embedded();
    const m = w.spawn();
    const held = await busy(w, m);
    const uncaught = await collectingUncaught(async () => {
      end(w);
      expect(m.ref.getSnapshot().status).toBe('stopped');
      await expectReleased(w, held);
    });
    expect(uncaught).toEqual([]);
  });

  it('all of that comes in the middle of what an actor says', async () => {
    const w = embedded();
    const m = w.spawn();
    const held = await busy(w, m);
    m.ref.on('failedOver', () => undefined);
    m.ref.on('stateChanged', () => {
      w.app.send({ type: 'DISMISS', id: 'holdfast' });
    });
    w.sim.server('connected').kill();
    await expectReleased(w, held);
  });

  it.each([
    ['waits to be started anew', 0],
    ['has its link still being released', 3_000],
  ])('the application stops while a crashed session %s', async (_, killMs) => {
    const w = embedded();
    const m = w.spawn();
    w.sim.server('a', { killMs });
    await m.add('a');
    await w.clock.advance(14_000);
    failNextChance(w);
    await w.clock.advance(1_000);
    expect(m.told).toContain('15000 a 1 sessionCrashed, again in 250');
    expect(w.sim.server('a').liveLinks).toBe(killMs === 0 ? 0 : 1);
    w.app.stop();
    const closed = outcomeOf(managerOf(m.ref).closed, w.clock);
    await w.clock.advance(20_000);
    expect(closed).toMatchObject({ state: 'resolved', atMs: 15_000 + killMs });
    expect(w.sim.server('a')).toMatchObject({ opens: 1, liveLinks: 0 });
  });

  it('the application stops while the servers are being drained', async () => {
    const w = embedded();
    const m = w.spawn();
    const held = await busy(w, m);
    await m.tell({ type: 'CLOSE', drainMs: 20_000 });
    expect(held.manager.session('connected').info.phase).toBe('draining');
    w.app.stop();
    await expectReleased(w, held);
  });
});

describe('an application that breaks', () => {
  it('and whose errors nobody observes is still reported once, as without us', async () => {
    const w = embedded({});
    const one = w.spawn('one');
    const other = w.spawn('other');
    await one.add('a');
    await other.add('b');
    const uncaught = await collectingUncaught(async () => {
      w.app.send({ type: 'BREAK' });
      await w.clock.settle();
    });
    expect(uncaught).toEqual([new Error('the application broke')]);
    expect([one, other].map(({ ref }) => ref.getSnapshot().status)).toEqual(['stopped', 'stopped']);
  });

  it('above the machine that spawned it takes it along too', async () => {
    const w = embedded();
    const middle = setup({ actors: { manager: managerLogic } }).createMachine({
      invoke: { id: 'held', src: 'manager', input: { ports: w.ports } },
    });
    const top = setup({
      types: {
        context: {} as { readonly middle: ActorRefFrom<typeof middle> },
        events: {} as { readonly type: 'BREAK' },
      },
      actors: { middle },
    }).createMachine({
      context: ({ spawn }) => ({ middle: spawn('middle', { id: 'middle' }) }),
      on: {
        BREAK: {
          actions: () => {
            throw new Error('the top broke');
          },
        },
      },
    });
    const errors: unknown[] = [];
    const actor = createActor(top, { clock: w.clock });
    actor.subscribe({ error: (error) => errors.push(error) });
    actor.start();
    const { held } = actor.getSnapshot().context.middle.getSnapshot().children;
    if (held === undefined) throw new Error('nothing was invoked');
    held.send({ type: 'SERVER.ADD', id: 'a', target: simulated });
    await w.clock.settle();
    const uncaught = await collectingUncaught(async () => {
      actor.send({ type: 'BREAK' });
      await w.clock.settle();
    });
    expect(uncaught).toEqual([]);
    expect(errors).toEqual([new Error('the top broke')]);
    expect(held.getSnapshot().status).toBe('stopped');
    expect(w.sim.server('a').liveLinks).toBe(0);
    expect(w.clock.pendingTimers).toBe(0);
  });
});

describe('CLOSE', () => {
  it('lets what is in flight finish, then ends the actor', async () => {
    const w = embedded();
    const m = w.spawn();
    await m.add('a', 'idle');
    w.sim.server('a').answerMs = 5_000;
    const call = outcomeOf(managerOf(m.ref).session('a').callTool('echo', { n: 1 }), w.clock);
    const ends: string[] = [];
    m.ref.subscribe({ complete: () => ends.push(`complete at ${w.clock.monotonic()}`), error: () => undefined });
    m.news();
    await m.tell({ type: 'CLOSE' });
    await m.tell({ type: 'SERVER.ADD', id: 'late', target: simulated });
    await w.clock.advance(10_000);
    expect(call).toMatchObject({ state: 'resolved', atMs: 5_000 });
    expect(m.news()).toEqual([
      '0 a 1 connected.healthy > draining: draining',
      '0 idle 1 connected.healthy > releasing: draining',
      '0 idle 1 releasing > closed: draining',
      '0 idle 1 serverRemoved',
      '0 SERVER.ADD late refused: CLOSED',
      '5000 a 1 draining > releasing: draining',
      '5000 a 1 releasing > closed: draining',
      '5000 a 1 serverRemoved',
    ]);
    expect(ends).toEqual(['complete at 5000']);
    expect(m.ref.getSnapshot()).toMatchObject({ status: 'done', context: { sessions: [], groups: [] } });
    expect(w.sim.server('a').closes).toEqual(['graceful']);
  });

  it('once more with no time forces', async () => {
    const w = embedded();
    const m = w.spawn();
    await m.add('a');
    w.sim.server('a').answersCalls = false;
    const call = failureOf(() => managerOf(m.ref).session('a').callTool('echo'));
    await m.tell({ type: 'CLOSE', drainMs: 60_000 });
    expect(m.ref.getSnapshot().status).toBe('active');
    await m.tell({ type: 'CLOSE', drainMs: 0 });
    expect(m.ref.getSnapshot().status).toBe('done');
    expect(await call).toMatchObject({ code: 'CALL_ABORTED', outcome: 'unknown' });
  });

  it('by hand is the same', async () => {
    const w = embedded();
    const m = w.spawn();
    await m.add('a');
    const closed = outcomeOf(managerOf(m.ref).close());
    await w.clock.settle();
    expect(closed.state).toBe('resolved');
    expect(m.ref.getSnapshot().status).toBe('done');
  });

  it('takes every observer of the application back', async () => {
    const w = embedded();
    const observers = (): number => (Reflect.get(w.app, 'observers') as Set<unknown>).size;
    const before = observers();
    const m = w.spawn();
    const stopped = w.spawn('stopped');
    expect(observers()).toBe(before + 2);
    await m.tell({ type: 'CLOSE' });
    w.app.send({ type: 'DISMISS', id: 'stopped' });
    expect([m, stopped].map(({ ref }) => ref.getSnapshot().status)).toEqual(['done', 'stopped']);
    expect(observers()).toBe(before);
  });

  it('makes room: an actor of the same name may be spawned again, with the same servers', async () => {
    const w = embedded();
    const first = w.spawn();
    await first.add('a');
    await first.tell({ type: 'CLOSE' });
    w.app.send({ type: 'DISMISS', id: 'holdfast' });
    const second = w.spawn();
    await second.add('a');
    expect(managerOf(second.ref).session('a').info.generation).toBe(1);
    expect(w.sim.server('a')).toMatchObject({ maxLiveLinks: 1, generations: [1, 1] });
  });
});

describe('inside, a crash is mended as anywhere else:', () => {
  it("a session's actor is started anew, and neither the others nor the application notice", async () => {
    const w = embedded();
    const m = w.spawn();
    await m.add('a', 'b');
    m.news();
    failNextChance(w);
    w.sim.server('a').exit();
    await w.clock.advance(1_000);
    expect(m.news()).toEqual([
      '0 a 1 connected.healthy > releasing: the process exited with code 1',
      '0 a 1 sessionCrashed, again in 250',
      "0 a 1 releasing > disconnected.backingOff: the session's actor crashed: no chance",
      '250 a 2 disconnected.backingOff > connecting.opening',
      '250 a 2 connecting.opening > connecting.verifying',
      '250 a 2 check ok in 0',
      '250 a 2 connecting.verifying > connecting.hydrating',
      '250 a 2 connecting.hydrating > connected.healthy',
    ]);
    expect(w.app.getSnapshot().status).toBe('active');
  });

  it('a manager actor is replaced, with its sessions and groups', async () => {
    const w = embedded();
    const m = w.spawn();
    await m.add('a', 'b');
    await m.tell({ type: 'GROUP.ADD', id: 'pair', group: { primary: 'a', backups: ['b'] } });
    const [inner] = childrenOf(m);
    // Nothing that it is sent by its own actors: an event that its action cannot bear.
    inner?.send({ type: 'TICKS.DUE' });
    await w.clock.settle();
    expect(managerOf(m.ref).sessionStats()).toMatchObject({ disconnected: 2 });
    await w.clock.advance(5_000);
    expect(managerOf(m.ref).sessionStats()).toMatchObject({ healthy: 2 });
    expect(childrenOf(m).map(({ id }) => id)).toEqual(['manager 2']);
    expect(w.sim.all().map(({ generations, maxLiveLinks }) => [generations, maxLiveLinks])).toEqual([
      [[1, 2], 1],
      [[1, 2], 1],
    ]);
    w.sim.server('a').kill();
    expect(managerOf(m.ref).group('pair').active).toBe('b');
    expect(w.app.getSnapshot().status).toBe('active');
  });

  it('also when the application stops before they are back', async () => {
    const w = embedded();
    const m = w.spawn();
    await m.add('a');
    childrenOf(m)[0]?.send({ type: 'TICKS.DUE' });
    w.app.stop();
    await w.clock.settle();
    await managerOf(m.ref).closed;
    expect(w.sim.server('a')).toMatchObject({ opens: 1, liveLinks: 0 });
    expect(w.clock.pendingTimers).toBe(0);
  });
});

describe('persistence', () => {
  it('keeps no servers: the application can be persisted, but the actor cannot be restored from it', async () => {
    const w = embedded();
    const host = setup({
      types: { context: {} as { readonly error: unknown } },
      actors: { manager: managerLogic },
    }).createMachine({
      context: { error: null },
      invoke: {
        id: 'held',
        src: 'manager',
        input: { ports: w.ports },
        onError: { actions: assign({ error: ({ event }) => event.error }) },
      },
    });
    const actor = createActor(host, { clock: w.clock }).start();
    actor.getSnapshot().children['held']?.send({ type: 'SERVER.ADD', id: 'a', target: simulated });
    await w.clock.settle();
    const persisted = actor.getPersistedSnapshot();
    actor.stop();
    expect(JSON.stringify(persisted)).not.toContain('healthy');
    const restored = createActor(host, { clock: w.clock, snapshot: persisted }).start();
    expect(restored.getSnapshot().context.error).toMatchObject({ code: 'INVALID_OPTION', field: 'snapshot' });
    restored.stop();
    await w.clock.settle();
  });
});

interface Child {
  readonly id: string;
  send(event: unknown): void;
}

/** The manager actors under it, which no application is given. */
function childrenOf({ ref }: EmbeddedManager): readonly Child[] {
  const children: unknown = Reflect.get(ref.getSnapshot(), 'children');
  return Object.values(children as Readonly<Record<string, Child>>);
}
