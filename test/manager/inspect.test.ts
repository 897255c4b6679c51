import { describe, expect, it } from 'vitest';
import { createActor, setup } from 'xstate';
import { http, stdio, type InspectionEvent, type Logger, type SessionManager } from '../../src/index.ts';
import { managerLogic, managerOf } from '../../src/manager/embedding.ts';
import { embedded } from './embedded-world.ts';
import { allTextOf, collectingUncaught, failureOf, outcomeOf, simulated, world } from './support.ts';

const shown = (text: string): string => text.replaceAll('\u0000', '');

/** An inspection event as one line. */
function told(event: InspectionEvent): string {
  const id = shown(event.actorRef.id);
  switch (event.type) {
    case '@xstate.actor':
      return `${shown(event.actorRef._parent?.id ?? 'nobody')} has ${id}`;
    case '@xstate.event':
      return `${event.sourceRef === undefined ? '' : `${shown(event.sourceRef.id)} `}> ${id}: ${shown(event.event.type)}`;
    case '@xstate.snapshot': {
      const { status, value } = event.snapshot;
      const state = value === undefined || status !== 'active' ? status : JSON.stringify(value);
      return `${id} is ${state} after ${shown(event.event.type)}`;
    }
  }
}

/** Inspects the manager; what was told since the last time that this was asked. */
function inspecting(manager: SessionManager, options?: { readonly servers?: readonly string[] }) {
  const events: InspectionEvent[] = [];
  let asked = 0;
  const detach = manager.inspect({ next: (event) => void events.push(event) }, options);
  return {
    events,
    detach,
    news(): string[] {
      const news = events.slice(asked).map(told);
      asked = events.length;
      return news;
    },
  };
}

describe('who inspects a manager', () => {
  it('from the beginning is told of every actor, event and snapshot', async () => {
    const w = world();
    const inspector = inspecting(w.manager);
    expect(inspector.news()).toEqual(['nobody has holdfast', 'holdfast is active after inspector.attached']);
    await w.add('a');
    expect(inspector.news()).toEqual([
      'holdfast has manager 1',
      'manager 1 is {} after inspector.attached',
      'manager 1 has health ticker',
      'health ticker is active after inspector.attached',
      '> manager 1: xstate.init',
      'manager 1 > health ticker: xstate.init',
      'health ticker is active after xstate.init',
      'manager 1 is {} after xstate.init',
      '> manager 1: SERVER.ADD',
      'manager 1 has a',
      'manager 1 > a: xstate.init',
      'a is "idle" after xstate.init',
      'manager 1 > a: SESSION.OPEN',
      'a has link',
      'a > link: xstate.init',
      'link is active after xstate.init',
      'a is {"connecting":{"attempt":"opening"}} after SESSION.OPEN',
      'manager 1 is {} after SERVER.ADD',
      'link > a: LINK.OPENED',
      'a > link: PROBE.REQUEST',
      'link is active after PROBE.REQUEST',
      'a is {"connecting":{"attempt":{"verifying":"asking"}}} after LINK.OPENED',
      'link > a: PING.OK',
      'a > link: HYDRATE.REQUEST',
      'link is active after HYDRATE.REQUEST',
      'a is {"connecting":{"attempt":"hydrating"}} after PING.OK',
      'link > a: HYDRATED',
      'a > health ticker: TICK.ARM',
      'health ticker is active after TICK.ARM',
      'a is {"connected":{"health":"healthy","circuit":"normal"}} after HYDRATED',
    ]);
  });

  it('late is told of all that is there, parents first and as it is now, then of what happens', async () => {
    const w = world();
    await w.add('a');
    await w.add('b');
    w.manager.addGroup('pair', { primary: 'a', backups: ['b'] });
    const inspector = inspecting(w.manager);
    const healthy = '{"connected":{"health":"healthy","circuit":"normal"}} after inspector.attached';
    expect(inspector.news()).toEqual([
      'nobody has holdfast',
      'holdfast is active after inspector.attached',
      'holdfast has manager 1',
      'manager 1 is {} after inspector.attached',
      'manager 1 has health ticker',
      'health ticker is active after inspector.attached',
      'manager 1 has a',
      `a is ${healthy}`,
      'a has link',
      'link is active after inspector.attached',
      'manager 1 has b',
      `b is ${healthy}`,
      'b has link',
      'link is active after inspector.attached',
      'manager 1 has pair group',
      'pair group is "onPrimary" after inspector.attached',
    ]);
    w.manager.group('pair').failOver('a try');
    expect(inspector.news()).toEqual([
      '> manager 1: GROUP.FAILOVER',
      'manager 1 > pair group: GROUP.FAILOVER',
      'pair group is {"onBackup":"holding"} after GROUP.FAILOVER',
      'manager 1 is {} after GROUP.FAILOVER',
    ]);
  });

  it('is told of the end of a manager, and then of nothing', async () => {
    const w = world();
    await w.add('a');
    const inspector = inspecting(w.manager);
    inspector.news();
    const closed = outcomeOf(w.manager.close());
    await w.clock.settle();
    expect(closed.state).toBe('resolved');
    expect(inspector.news()).toEqual([
      '> manager 1: SESSION.DRAIN',
      'manager 1 > a: SESSION.DRAIN',
      'a > link: LINK.RELEASE',
      'link is active after LINK.RELEASE',
      'a is "releasing" after SESSION.DRAIN',
      'manager 1 is {} after SESSION.DRAIN',
      'link > a: LINK.RELEASED',
      'link is stopped after xstate.stop',
      'a > manager 1: xstate.done.actor.a',
      'manager 1 > health ticker: TICK.DISARM',
      'health ticker is active after TICK.DISARM',
      'manager 1 is {} after xstate.done.actor.a',
      'a is done after LINK.RELEASED',
      'health ticker is stopped after xstate.stop',
      'manager 1 is stopped after xstate.stop',
      'holdfast is stopped after xstate.stop',
    ]);
    expect(inspector.events[0]?.actorRef.getSnapshot().status).toBe('stopped');
    expect(inspecting(w.manager).news()).toEqual([
      'nobody has holdfast',
      'holdfast is active after inspector.attached',
      'holdfast is stopped after xstate.stop',
    ]);
  });

  it('and stops is told of nothing more, also in the middle; others are', async () => {
    const w = world();
    await w.add('a');
    const gone = inspecting(w.manager);
    const heard: string[] = [];
    const stop = w.manager.inspect({
      next: (event) => {
        heard.push(told(event));
        if (event.type === '@xstate.event') stop();
      },
    });
    const other = inspecting(w.manager);
    gone.detach();
    gone.detach();
    gone.news();
    heard.length = 0;
    other.news();
    w.manager.session('a').reconnect();
    await w.clock.settle();
    expect(gone.news()).toEqual([]);
    expect(heard).toEqual(['> manager 1: SESSION.RECYCLE']);
    expect(other.news().slice(0, 2)).toEqual(['> manager 1: SESSION.RECYCLE', 'manager 1 > a: SESSION.RECYCLE']);
  });

  it('finds all managers under one root, each actor with an id of its own and told of once', async () => {
    const w = world({ config: { maxConnections: 70 } });
    const early = inspecting(w.manager);
    for (let n = 0; n < 70; n += 1) await w.add(`s${n}`);
    const late = inspecting(w.manager);
    for (const { events } of [early, late]) {
      const actors = events.filter(({ type }) => type === '@xstate.actor').map(({ actorRef }) => actorRef);
      expect(new Set(actors.map(({ sessionId }) => sessionId)).size).toBe(actors.length);
      expect(actors.filter(({ _parent }) => _parent?.id === 'holdfast').map(({ id }) => id)).toEqual([
        'manager 1',
        'manager 2',
        'manager 3',
      ]);
      // The root, its managers, and for each manager a ticker, for each session itself and its link.
      expect(actors.length).toBe(1 + 3 + 3 + 2 * 70);
      expect(new Set(events.map(({ rootId }) => rootId))).toEqual(new Set(['holdfast']));
      const known = new Set<unknown>([undefined]);
      const unannounced = events.filter((event) => {
        if (event.type !== '@xstate.actor') return !known.has(event.actorRef);
        known.add(event.actorRef);
        return !known.has(event.actorRef._parent);
      });
      expect(unannounced).toEqual([]);
    }
  });

  it('may choose servers: managers, tickers and groups stay, other sessions are not there', async () => {
    const w = world();
    const early = inspecting(w.manager, { servers: ['b', 'later'] });
    await w.add('a');
    await w.add('b');
    w.manager.addGroup('pair', { primary: 'a', backups: ['b'] });
    const late = inspecting(w.manager, { servers: ['b', 'later'] });
    await w.add('later');
    // A crash shows that what cleans up after a session goes with it.
    for (const id of ['a', 'b']) {
      w.random = () => {
        w.random = () => 0.5;
        throw new Error('no chance');
      };
      w.server(id).exit();
      await w.clock.settle();
    }
    await w.clock.advance(1_000);
    for (const { events } of [early, late]) {
      expect([...new Set(events.map(({ actorRef }) => shown(actorRef.id)))].toSorted()).toEqual(
        ['b', 'b release', 'health ticker', 'holdfast', 'later', 'link', 'manager 1', 'pair group'].toSorted(),
      );
      const senders = events.flatMap((event) => (event.type === '@xstate.event' ? [event.sourceRef?.id] : []));
      expect(senders).not.toContain('a');
    }
  });

  it('sees a session crash, and a manager actor', async () => {
    const w = world();
    await w.add('a');
    const inspector = inspecting(w.manager);
    inspector.news();
    w.random = () => {
      w.random = () => 0.5;
      throw new Error('no chance');
    };
    w.onTimer = (delayMs) => {
      if (delayMs !== 250) return;
      w.onTimer = () => undefined;
      throw new Error('no timer');
    };
    w.server('a').exit();
    await w.clock.settle();
    expect(inspector.news()).toContain('a > manager 1: xstate.error.actor.a');
    const crash = inspector.events.findLast(({ actorRef }) => actorRef.id === 'manager 1');
    expect(crash).toMatchObject({
      type: '@xstate.snapshot',
      event: { type: 'xstate.error.actor.manager 1', error: { name: 'Error', message: 'no timer' } },
      snapshot: { status: 'error', error: { name: 'Error', message: 'no timer' } },
    });
    await w.clock.advance(5_000);
    expect(inspector.news()).toContain('holdfast has manager 2');
    expect(
      inspecting(w.manager)
        .news()
        .filter((line) => line.startsWith('holdfast has')),
    ).toEqual(['holdfast has manager 2']);
    expect(w.manager.session('a').state).toBe('healthy');
  });

  it('is told of what it causes itself after what it is being told', async () => {
    const w = world();
    await w.add('a');
    const heard: string[] = [];
    let depth = 0;
    w.manager.inspect({
      next: (event) => {
        depth += 1;
        heard.push(depth === 1 ? told(event) : 'in the middle of another');
        if (event.type === '@xstate.actor' && event.actorRef.id === 'manager 1') {
          void w.manager.addServer('b', simulated);
        }
        depth -= 1;
      },
    });
    await w.clock.settle();
    expect(heard.slice(0, 4)).toEqual([
      'nobody has holdfast',
      'holdfast is active after inspector.attached',
      'holdfast has manager 1',
      '> manager 1: SERVER.ADD',
    ]);
    expect(heard.filter((line) => line === 'manager 1 has b')).toHaveLength(1);
    expect(heard.indexOf('manager 1 has b')).toBeLessThan(heard.indexOf('b has link'));
    expect(heard.at(-1)).toBe('b is {"connected":{"health":"healthy","circuit":"normal"}} after HYDRATED');
  });

  it.each(['at once', 'later'])(
    'harms nobody when it throws %s: it is told nothing more, and that is logged',
    async (when) => {
      const errors: unknown[] = [];
      const logger: Logger = {
        debug: () => undefined,
        info: () => undefined,
        warn: () => undefined,
        error: (fields, message) => void errors.push([fields, message]),
      };
      const w = world({ ports: { logger } });
      await w.add('a');
      const heard: string[] = [];
      const broken = new Error('the inspector broke');
      const uncaught = await collectingUncaught(async () => {
        w.manager.inspect({
          next: (event) => {
            heard.push(told(event));
            if (when === 'at once' || event.type === '@xstate.event') throw broken;
          },
        });
        const other = inspecting(w.manager);
        other.news();
        heard.splice(0, heard.length - 1);
        w.server('a').exit();
        await w.clock.advance(1_000);
        expect(w.manager.session('a').info).toMatchObject({ state: 'healthy', generation: 2 });
        expect(other.news().length).toBeGreaterThan(10);
      });
      expect(uncaught).toEqual([]);
      expect(heard).toHaveLength(when === 'at once' ? 1 : 2);
      expect(errors).toEqual([[{ err: broken }, 'an inspection observer threw; it is told nothing more']]);
      expect(w.trace.filter((line) => line.includes('crashed'))).toEqual([]);
    },
  );

  it('is given plain data: no way to a running actor, and the machines as they are written', async () => {
    const w = world();
    await w.add('a');
    w.manager.addGroup('pair', { primary: 'a', backups: [] });
    const { events } = inspecting(w.manager);
    w.manager.session('a').reconnect();
    await w.clock.settle();
    const session = events.find(({ actorRef }) => actorRef.id === 'a')?.actorRef;
    expect(session?.logic.config).toMatchObject({ id: 'session', initial: 'idle', states: { draining: {} } });
    expect(session?.getSnapshot()).toMatchObject({
      status: 'active',
      context: { generation: 2, health: { failures: 0 } },
    });
    session?.send({ type: 'SESSION.ABANDON', id: 'a' });
    await w.clock.settle();
    expect(w.manager.session('a').state).toBe('healthy');
    for (const event of events) {
      const rest = { ...event, actorRef: null, sourceRef: null };
      // What is left when it is written and read again is what it was: no functions, no class instances, no cycles.
      expect(JSON.parse(JSON.stringify(rest, undefinedAsText))).toEqual(textForUndefined(rest));
    }
    const manager = events.findLast((event) => event.type === '@xstate.snapshot' && event.actorRef.id === 'manager 1');
    expect(manager).toMatchObject({
      snapshot: {
        context: { watchers: { a: [{ xstate$$type: 1, id: 'pair group\u0000' }] } },
        children: { a: { xstate$$type: 1, id: 'a' } },
      },
    });
  });

  it('is never shown a secret, whatever becomes of a server', async () => {
    const w = world();
    const canary = 'canary-7d1f';
    const target = stdio({ command: 'server', args: [`--key=${canary}`], env: { TOKEN: canary } });
    const inspector = inspecting(w.manager);
    const adding = outcomeOf(w.manager.addServer('local', target));
    const headers = { authorization: `Bearer ${canary}` };
    void w.manager.addServer('remote', http({ url: 'https://example.test/mcp', headers })).catch(() => undefined);
    await w.clock.settle();
    adding.value();
    const late = inspecting(w.manager);
    w.server('local').stderr(canary);
    w.server('local').exit();
    w.server('remote').breakLink();
    await w.clock.advance(120_000);
    w.random = () => {
      w.random = () => 0.5;
      throw new Error('no chance');
    };
    w.server('local').exit();
    await w.clock.advance(1_000);
    await w.manager.session('local').callTool('echo', { key: canary });
    const closed = outcomeOf(w.manager.close());
    await w.clock.advance(60_000);
    expect(closed.state).toBe('resolved');
    expect(inspector.events.length).toBeGreaterThan(100);
    for (const event of [...inspector.events, ...late.events]) {
      expect(allTextOf([event, event.actorRef.getSnapshot()])).not.toContain(canary);
    }
  });

  it('must be an object, and choose servers by a list', async () => {
    const w = world();
    for (const observer of [undefined, null, 7]) {
      const attach = (): unknown => Reflect.apply(w.manager.inspect.bind(w.manager), undefined, [observer]);
      expect(await failureOf(attach)).toMatchObject({ code: 'INVALID_OPTION', field: 'observer' });
    }
    const choose = (options: object) => (): unknown =>
      Reflect.apply(w.manager.inspect.bind(w.manager), undefined, [{}, options]);
    expect(await failureOf(choose({ servers: 'a' }))).toMatchObject({ code: 'INVALID_OPTION', field: 'servers' });
    expect(await failureOf(choose({ server: ['a'] }))).toMatchObject({ code: 'INVALID_OPTION', field: 'server' });
    w.manager.inspect({})();
  });
});

it('an embedded manager shows its own actors and none of the application', async () => {
  const w = embedded();
  const m = w.spawn('one');
  const other = w.spawn('other');
  await m.add('a');
  await other.add('b');
  const inspector = inspecting(managerOf(m.ref));
  w.sim.server('b').exit();
  w.sim.server('a').exit();
  await w.clock.advance(1_000);
  const ids = new Set(inspector.events.map(({ actorRef }) => shown(actorRef.id)));
  expect([...ids]).toEqual(['holdfast', 'manager 1', 'health ticker', 'a', 'link']);
  w.app.stop();
  await w.clock.settle();
  expect(inspector.news().slice(-2)).toEqual([
    'manager 1 is stopped after xstate.stop',
    'holdfast is stopped after xstate.stop',
  ]);
});

it("the application's own inspector sees no secret of a target that is given by a function", async () => {
  const w = embedded();
  const canary = 'canary-7d1f';
  const texts: string[] = [];
  const host = setup({ actors: { manager: managerLogic } }).createMachine({
    invoke: { id: 'held', src: 'manager', input: { ports: w.ports } },
  });
  const actor = createActor(host, {
    clock: w.clock,
    inspect: (event) => void texts.push(JSON.stringify({ ...event, clock: undefined })),
  });
  actor.start();
  const { held } = actor.getSnapshot().children;
  held?.send({ type: 'SERVER.ADD', id: 'a', target: () => stdio({ command: 'server', env: { TOKEN: canary } }) });
  held?.send({ type: 'SERVER.ADD', id: 'a', target: () => stdio({ command: 'server', env: { TOKEN: canary } }) });
  await w.clock.settle();
  expect(actor.getSnapshot().children['held']?.getSnapshot()).toMatchObject({ context: { stats: { healthy: 1 } } });
  expect(texts.length).toBeGreaterThan(20);
  expect(texts.filter((text) => text.includes(canary))).toEqual([]);
  actor.stop();
  await w.clock.settle();
});

function undefinedAsText(_: string, value: unknown): unknown {
  return value === undefined ? '(undefined)' : value;
}

function textForUndefined(value: unknown): unknown {
  if (value === undefined) return '(undefined)';
  if (Array.isArray(value)) return value.map(textForUndefined);
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(Object.entries(value).map(([key, item]) => [key, textForUndefined(item)]));
}
