import { describe, expect, it } from 'vitest';
import { assign, createActor, sendTo, setup, type SnapshotFrom } from 'xstate';
import { UnknownServerError, type ConnectionInfo } from '../../src/index.ts';
import {
  managerLogic,
  managerOf,
  sessionLogic,
  type CommandRefused,
  type ManagerCommand,
} from '../../src/manager/embedding.ts';
import { embedded } from './embedded-world.ts';
import { failureOf, outcomeOf, simulated } from './support.ts';

const added = (id: string): string[] => [
  `0 ${id} 0 serverAdded`,
  `0 ${id} 1 idle > connecting.opening`,
  `0 ${id} 1 connecting.opening > connecting.verifying`,
  `0 ${id} 1 check ok in 0`,
  `0 ${id} 1 connecting.verifying > connecting.hydrating`,
  `0 ${id} 1 tools +[echo] -[] ~[]`,
  `0 ${id} 1 connecting.hydrating > connected.healthy`,
];

describe('an actor of managerLogic', () => {
  it('holds the servers that it is told of, and emits what happens to them, on the clock of the application', async () => {
    const w = embedded();
    const m = w.spawn();
    await m.add('a');
    expect(m.news()).toEqual(added('a'));
    w.sim.server('a').exit();
    await w.clock.advance(1_000);
    expect(m.news()).toEqual([
      '0 a 1 connected.healthy > releasing: the process exited with code 1',
      '0 a 1 attempt 1 in 250',
      '0 a 1 releasing > disconnected.backingOff: the process exited with code 1',
      '250 a 2 disconnected.backingOff > connecting.opening: the process exited with code 1',
      '250 a 2 connecting.opening > connecting.verifying: the process exited with code 1',
      '250 a 2 check ok in 0',
      '250 a 2 connecting.verifying > connecting.hydrating: the process exited with code 1',
      '250 a 2 connecting.hydrating > connected.healthy',
    ]);
    await m.tell({ type: 'SERVER.REMOVE', id: 'a' });
    expect(m.news()).toEqual([
      '1000 a 2 connected.healthy > releasing: draining',
      '1000 a 2 releasing > closed: draining',
      '1000 a 2 serverRemoved',
    ]);
    await m.tell({ type: 'SERVER.ADD', id: 'a', target: () => simulated });
    expect(managerOf(m.ref).session('a').info).toMatchObject({ state: 'healthy', generation: 1 });
    expect(w.sim.server('a')).toMatchObject({ maxLiveLinks: 1, generations: [1, 2, 1] });
  });

  it('shows every event in its snapshot before it emits it', async () => {
    const w = embedded();
    const { ref } = w.spawn();
    const seen: [string, number, number][] = [];
    ref.on('*', (event) => {
      if (event.type !== 'commandRefused') seen.push([event.type, event.seq, ref.getSnapshot().context.seq]);
    });
    ref.send({ type: 'SERVER.ADD', id: 'a', target: simulated });
    await w.clock.settle();
    expect(seen.map(([type]) => type)).toEqual([
      'serverAdded',
      'stateChanged',
      'stateChanged',
      'healthChecked',
      'stateChanged',
      'catalogChanged',
      'stateChanged',
    ]);
    expect(seen.map(([, seq]) => seq)).toEqual([1, 2, 3, 4, 5, 6, 7]);
    expect(seen.every(([, seq, shown]) => shown >= seq)).toBe(true);
  });

  it('gives sessions, groups and stats to whoever selects from its snapshot, as plain data', async () => {
    const w = embedded();
    const m = w.spawn();
    const states: string[] = [];
    m.ref
      .select(({ context }) => context.sessions.map(({ id, state }) => `${id} ${state}`).join())
      .subscribe({ next: (text) => states.push(text), error: () => undefined });
    await m.add('a', 'b');
    await m.tell({ type: 'GROUP.ADD', id: 'pair', group: { primary: 'a', backups: ['b'] } });
    w.sim.server('a').kill();
    await w.clock.settle();
    expect(states).toEqual([
      'a connecting',
      'a connecting,b connecting',
      'a healthy,b connecting',
      'a healthy,b healthy',
      'a disconnected,b healthy',
    ]);
    const { context, status } = m.ref.getSnapshot();
    expect(status).toBe('active');
    expect(context).toBe(managerOf(m.ref).snapshot());
    expect(context.groups).toMatchObject([{ id: 'pair', state: 'onBackup', active: 'b' }]);
    expect(context.stats).toMatchObject({ healthy: 1, disconnected: 1 });
    expect(JSON.parse(JSON.stringify(context))).toEqual(context);
  });

  it('makes one step of all that a command does at once', async () => {
    const w = embedded();
    const m = w.spawn();
    const steps: number[] = [];
    m.ref.subscribe({ next: ({ context }) => steps.push(context.seq), error: () => undefined });
    m.ref.send({ type: 'SERVER.ADD', id: 'a', target: simulated });
    expect(steps).toEqual([0, 2]);
    expect(m.told).toHaveLength(2);
    await w.clock.settle();
  });

  it('makes one snapshot of many calls in a moment', async () => {
    const w = embedded();
    const m = w.spawn();
    await m.add('a');
    await w.clock.advance(100);
    const session = managerOf(m.ref).session('a');
    const counts: number[] = [];
    m.ref.subscribe({
      next: ({ context }) => counts.push(context.sessions[0]?.successfulRequests ?? -1),
      error: () => undefined,
    });
    for (let n = 0; n < 100; n += 1) await session.callTool('echo');
    await w.clock.settle();
    await w.clock.advance(100);
    expect(counts.at(-1)).toBe(100);
    expect(counts.length).toBeLessThanOrEqual(4);
  });

  it('tells its parent by onSnapshot, and is done when it was told to close', async () => {
    const w = embedded();
    const host = setup({
      types: {
        context: {} as { readonly healthy: readonly number[]; readonly done: number },
        events: {} as { readonly type: 'END' },
      },
      actors: { manager: managerLogic },
    }).createMachine({
      context: { healthy: [], done: 0 },
      initial: 'holding',
      states: {
        holding: {
          entry: sendTo('held', { type: 'SERVER.ADD', id: 'a', target: simulated }),
          invoke: {
            id: 'held',
            src: 'manager',
            input: { ports: w.ports },
            onSnapshot: {
              actions: assign({
                healthy: ({ context, event }) => [...context.healthy, event.snapshot.context.stats.healthy],
              }),
            },
            onDone: { target: 'over', actions: assign({ done: ({ context }) => context.done + 1 }) },
          },
        },
        over: {},
      },
    });
    const actor = createActor(host, { clock: w.clock });
    actor.start();
    const { held } = actor.getSnapshot().children;
    if (held === undefined) throw new Error('nothing was invoked');
    await w.clock.settle();
    expect([...new Set(actor.getSnapshot().context.healthy)]).toEqual([0, 1]);
    held.send({ type: 'CLOSE' });
    await w.clock.settle();
    expect(actor.getSnapshot()).toMatchObject({ value: 'over', context: { done: 1 } });
    expect(held.getSnapshot()).toMatchObject({ status: 'done', context: { sessions: [], groups: [] } });
    actor.stop();
  });

  it('may be the root of a system of its own', async () => {
    const w = embedded();
    const actor = createActor(managerLogic, { clock: w.clock, input: { ports: w.ports } });
    actor.start();
    actor.send({ type: 'SERVER.ADD', id: 'a', target: simulated });
    await w.clock.settle();
    expect(actor.getSnapshot().context.stats.healthy).toBe(1);
    actor.stop();
    expect(actor.getSnapshot().status).toBe('stopped');
    await managerOf(actor).closed;
    expect(w.sim.server('a')).toMatchObject({ liveLinks: 0, closes: ['kill'] });
  });

  it('spawned twice is two managers: the same ids, other servers', async () => {
    const w = embedded();
    const one = w.spawn('one');
    await one.add('a');
    const other = w.spawn('other');
    expect(managerOf(other.ref)).not.toBe(managerOf(one.ref));
    expect(managerOf(other.ref).sessionCount).toBe(0);
    await other.tell({ type: 'SERVER.ADD', id: 'b', target: simulated });
    await one.tell({ type: 'CLOSE' });
    expect(one.ref.getSnapshot().status).toBe('done');
    expect(other.ref.getSnapshot()).toMatchObject({ status: 'active', context: { stats: { healthy: 1 } } });
    expect(one.told.some((line) => line.includes(' b '))).toBe(false);
  });

  it('has its manager actors, and under them sessions, groups and ticker, in the system of the application', async () => {
    const w = embedded();
    const made: string[] = [];
    w.app.system.inspect({
      next: (event) => {
        if (event.type === '@xstate.actor' && 'id' in event.actorRef) made.push(String(event.actorRef.id));
      },
    });
    const m = w.spawn();
    await m.add('a');
    await m.tell({ type: 'GROUP.ADD', id: 'pair', group: { primary: 'a', backups: [] } });
    expect(made.filter((id) => !id.startsWith('0.'))).toEqual([
      'holdfast',
      'manager 1',
      'health ticker\u0000',
      'a',
      'link',
      'pair group\u0000',
    ]);
  });
});

describe('managerOf', () => {
  it('gives the one manager of an actor, with calls and groups', async () => {
    const w = embedded();
    const m = w.spawn();
    const manager = managerOf(m.ref);
    expect(managerOf(m.ref)).toBe(manager);
    const session = outcomeOf(manager.addServer('a', simulated));
    await m.add('b');
    expect(session.value().state).toBe('healthy');
    const group = manager.addGroup('pair', { primary: 'a', backups: ['b'] });
    expect(group.active).toBe('a');
    const served: string[] = [];
    await group.callTool('echo', {}, { onServed: ({ serverId }) => served.push(serverId) });
    w.sim.server('a').kill();
    await group.callTool('echo', {}, { onServed: ({ serverId }) => served.push(serverId) });
    expect(served).toEqual(['a', 'b']);
    await w.clock.settle();
    expect(m.told).toContain('0 group pair failedOver a > b: it has no connection: the process was killed by SIGKILL');
  });

  it('may be asked before the actor starts: what it is told waits until then', async () => {
    const w = embedded();
    const actor = createActor(managerLogic, { clock: w.clock, input: { ports: w.ports } });
    const adding = outcomeOf(managerOf(actor).addServer('a', simulated));
    await w.clock.advance(10_000);
    expect(adding.state).toBe('pending');
    expect(w.sim.server('a').opens).toBe(0);
    actor.start();
    await w.clock.settle();
    expect(adding.value().state).toBe('healthy');
    actor.stop();
    await w.clock.settle();
  });

  it('refuses the actor of anything else', async () => {
    const w = embedded();
    const session = createActor(sessionLogic, {
      clock: w.clock,
      input: { id: 'a', target: simulated, ports: w.ports },
    });
    expect(await failureOf(() => Reflect.apply(managerOf, undefined, [session]))).toMatchObject({
      code: 'INVALID_OPTION',
      field: 'ref',
    });
    expect(await failureOf(() => Reflect.apply(managerOf, undefined, [{}]))).toMatchObject({ code: 'INVALID_OPTION' });
  });
});

describe('a command that cannot be carried out is refused, and nothing else happens:', () => {
  const secret = {
    type: 'SERVER.ADD',
    id: 'x',
    target: () => {
      throw new Error('hunter2');
    },
  } as const;
  const refusals: [string, unknown, Record<string, unknown>][] = [
    ['a second server of an id', { type: 'SERVER.ADD', id: 'a', target: simulated }, { code: 'DUPLICATE_SERVER' }],
    ['a target that is none', { type: 'SERVER.ADD', id: 'x', target: 7 }, { code: 'INVALID_OPTION', field: 'target' }],
    ['a target whose function throws', secret, { code: 'INVALID_OPTION', field: 'target' }],
    ['an id that is none', { type: 'SERVER.ADD', id: '', target: simulated }, { code: 'INVALID_OPTION', field: 'id' }],
    ['no id at all', { type: 'SERVER.ADD' }, { code: 'INVALID_OPTION', field: 'id' }],
    [
      'an option that is none',
      { type: 'SERVER.ADD', id: 'x', target: simulated, options: { lasy: true } },
      { code: 'INVALID_OPTION', field: 'lasy' },
    ],
    [
      'options that are none',
      { type: 'SERVER.ADD', id: 'x', target: simulated, options: null },
      { code: 'INVALID_OPTION', field: 'options' },
    ],
    ['to remove whom it does not have', { type: 'SERVER.REMOVE', id: 'x' }, { code: 'UNKNOWN_SERVER' }],
    [
      'to remove in no time that is one',
      { type: 'SERVER.REMOVE', id: 'a', drainMs: -1 },
      { code: 'INVALID_OPTION', field: 'drainMs' },
    ],
    ['to reconnect whom it does not have', { type: 'SERVER.RECONNECT', id: 'x' }, { code: 'UNKNOWN_SERVER' }],
    [
      'a group of unknown servers',
      { type: 'GROUP.ADD', id: 'g', group: { primary: 'x', backups: [] } },
      { code: 'UNKNOWN_SERVER' },
    ],
    ['a group that is none', { type: 'GROUP.ADD', id: 'g' }, { code: 'INVALID_OPTION' }],
    ['to remove an unknown group', { type: 'GROUP.REMOVE', id: 'x' }, { code: 'UNKNOWN_GROUP' }],
    ['to fail an unknown group over', { type: 'GROUP.FAILOVER', id: 'x' }, { code: 'UNKNOWN_GROUP' }],
    ['to fail an unknown group back', { type: 'GROUP.FAILBACK', id: 'x' }, { code: 'UNKNOWN_GROUP' }],
    [
      'to close in no time that is one',
      { type: 'CLOSE', drainMs: 'soon' },
      { code: 'INVALID_OPTION', field: 'drainMs' },
    ],
  ];

  it.each(refusals)('%s', async (_, command, error) => {
    const w = embedded();
    const m = w.spawn();
    await m.add('a');
    await w.clock.advance(100);
    const before = m.ref.getSnapshot().context;
    const refused: CommandRefused[] = [];
    m.ref.on('commandRefused', (event) => refused.push(event));
    await m.tell(command as ManagerCommand);
    const { type, id = null } = command as { readonly type: string; readonly id?: string };
    expect(refused).toEqual([{ type: 'commandRefused', command: { type, id }, error: expect.any(Error) }]);
    expect(refused[0]?.error).toMatchObject(error);
    expect(refused[0]?.error.message).not.toContain('hunter2');
    expect(m.ref.getSnapshot().context).toBe(before);
  });

  it('the 65th server', async () => {
    const w = embedded();
    const m = w.spawn();
    const ids = Array.from({ length: 64 }, (_, n) => `s${n}`);
    await m.add(...ids);
    const refused: CommandRefused[] = [];
    m.ref.on('commandRefused', (event) => refused.push(event));
    await m.tell({ type: 'SERVER.ADD', id: 's64', target: simulated });
    expect(refused[0]?.error).toMatchObject({ code: 'SESSION_LIMIT', limit: 64, serverId: 's64' });
    await m.tell({ type: 'SERVER.REMOVE', id: 's7' });
    await m.add('s64');
    expect(m.ref.getSnapshot().context.stats.healthy).toBe(64);
  });

  it('an input that allows more ends the actor', async () => {
    const w = embedded();
    const errors: unknown[] = [];
    const actor = createActor(managerLogic, {
      clock: w.clock,
      input: { ports: w.ports, config: { maxConnections: 65 } },
    });
    actor.subscribe({ error: (error) => errors.push(error) });
    actor.start();
    expect(errors).toMatchObject([{ code: 'INVALID_OPTION', field: 'maxConnections', value: 65 }]);
  });

  it('a server that must be ready at once, and is not', async () => {
    const w = embedded();
    const m = w.spawn();
    w.sim.server('a', { refuse: { kind: 'transport', code: 'ECONNREFUSED', message: 'nobody there' } });
    await m.tell({ type: 'SERVER.ADD', id: 'a', target: simulated, options: { waitForReady: true } });
    expect(m.told.slice(-2)).toEqual(['0 a 1 serverRemoved', '0 SERVER.ADD a refused: CONNECT']);
    await m.tell({ type: 'SERVER.ADD', id: 'a', target: simulated });
    expect(managerOf(m.ref).session('a').info).toMatchObject({
      state: 'disconnected',
      nextAttemptAt: expect.any(Number),
    });
  });
});

it('what is no command does nothing, least of all what the actors say to each other', async () => {
  const w = embedded();
  const m = w.spawn();
  await m.add('a', 'b');
  await m.tell({ type: 'GROUP.ADD', id: 'pair', group: { primary: 'a', backups: ['b'] } });
  await w.clock.advance(100);
  const before = m.ref.getSnapshot();
  m.news();
  const internal: unknown[] = [
    { type: 'TICKS.DUE' },
    { type: 'TICK.ARM', id: 'a', generation: 1, dueMs: 0 },
    { type: 'SERVER.RESTART', id: 'a' },
    { type: 'GROUP.RESTART', id: 'pair' },
    { type: 'SESSION.OPEN', id: 'a', atMs: 0 },
    { type: 'SESSION.DRAIN', id: 'a', drainMs: 0, inFlight: 0 },
    { type: 'SESSION.ABANDON', id: 'a' },
    { type: 'CALL.EDGE', id: 'a' },
    { type: 'MEMBER.OBSERVED', id: 'a' },
    { type: 'MEMBER.WATCH', id: 'a' },
    { type: 'MEMBER.UNWATCH', id: 'a' },
    { type: 'MEMBER.MOVED', id: 'pair', memberId: 'a' },
    { type: 'holdfast.closed' },
    { type: 'holdfast.changed' },
    { type: 'xstate.done.actor.manager 1', actorId: 'manager 1' },
    { type: 'xstate.error.actor.manager 1', actorId: 'manager 1', error: new Error('forged') },
    { type: 7 },
    {},
  ];
  for (const event of internal) await m.tell(event as ManagerCommand);
  expect(m.ref.getSnapshot()).toBe(before);
  expect(m.news()).toEqual([]);
  await w.clock.advance(60_000);
  expect(w.sim.all().map(({ generations }) => generations)).toEqual([[1], [1]]);
});

describe('groups', () => {
  it('are added, moved and removed by commands', async () => {
    const w = embedded();
    const m = w.spawn();
    await m.add('a', 'b');
    m.news();
    const moves: string[] = [];
    m.ref.on('failedOver', ({ groupId, from, to, byHand }) => moves.push(`${groupId} ${from} > ${to} ${byHand}`));
    m.ref.on('failedBack', ({ groupId, from, to, byHand }) => moves.push(`${groupId} ${from} > ${to} ${byHand}`));
    await m.tell({ type: 'GROUP.ADD', id: 'pair', group: { primary: 'a', backups: ['b'], failback: 'manual' } });
    await m.tell({ type: 'GROUP.FAILOVER', id: 'pair', reason: 'a try' });
    await m.tell({ type: 'GROUP.FAILBACK', id: 'pair' });
    w.sim.server('a').kill();
    await w.clock.settle();
    expect(moves).toEqual(['pair a > b true', 'pair b > a true', 'pair a > b false']);
    await m.tell({ type: 'GROUP.REMOVE', id: 'pair' });
    expect(m.told.at(-1)).toBe('0 group pair groupRemoved');
    expect(m.ref.getSnapshot().context.groups).toEqual([]);
  });
});

it('monitoring stops and starts by command', async () => {
  const w = embedded();
  const m = w.spawn();
  await m.add('a');
  await m.tell({ type: 'MONITORING.STOP' });
  await w.clock.advance(300_000);
  expect(w.sim.server('a').probes).toBe(1);
  await m.tell({ type: 'MONITORING.START' });
  await w.clock.advance(60_000);
  expect(w.sim.server('a').probes).toBeGreaterThan(1);
});

it('a server is connected anew by command', async () => {
  const w = embedded();
  const m = w.spawn();
  await m.add('a');
  await m.tell({ type: 'SERVER.RECONNECT', id: 'a', reason: 'a new token' });
  expect(managerOf(m.ref).session('a').info).toMatchObject({ state: 'healthy', generation: 2 });
  expect(m.told).toContain('0 a 1 connected.healthy > releasing: a new token');
});

it('the snapshot of a session that was removed is gone, and its id is free', async () => {
  const w = embedded();
  const m = w.spawn();
  await m.add('a');
  await m.tell({ type: 'SERVER.REMOVE', id: 'a', drainMs: 0 });
  expect(m.ref.getSnapshot().context.sessions).toEqual([]);
  expect(() => managerOf(m.ref).session('a')).toThrow(UnknownServerError);
  await m.add('a');
  const infos: readonly ConnectionInfo[] = m.ref.getSnapshot().context.sessions;
  expect(infos.map(({ id, generation }) => `${id} ${generation}`)).toEqual(['a 1']);
});

it('types: a snapshot is told apart by its status, and its context is plain', () => {
  const read = (snapshot: SnapshotFrom<typeof managerLogic>): number => snapshot.context.stats.healthy;
  expect(typeof read).toBe('function');
});
