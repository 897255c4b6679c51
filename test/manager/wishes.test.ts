import { describe, expect, it } from 'vitest';
import type { ServerOptions, Session } from '../../src/index.ts';
import type { SimulatedRequestHandler } from '../../src/testing/index.ts';
import { failureOf, outcomeOf, world, type World } from './support.ts';

const updated = 'notifications/resources/updated';
const wishMethods: ReadonlySet<string> = new Set(['resources/subscribe', 'resources/unsubscribe', 'logging/setLevel']);

interface Held {
  readonly w: World;
  readonly session: Session;
  /** What the server was asked for, as `generation method what`, since the last time that this was asked. */
  readonly asked: () => readonly string[];
  /** The process ends, and the next one is healthy. */
  readonly restart: () => Promise<void>;
}

async function holding(options: ServerOptions = {}, onRequest: SimulatedRequestHandler | null = null): Promise<Held> {
  const w = world();
  w.server('a', { onRequest });
  const session = await w.add('a', options);
  w.news();
  let seen = 0;
  return {
    w,
    session,
    asked() {
      const { received } = w.server('a');
      const news = received.slice(seen).filter(({ method }) => wishMethods.has(method));
      seen = received.length;
      return news.map(
        ({ generation, method, params }) => `${generation} ${method} ${String(params['uri'] ?? params['level'])}`,
      );
    },
    async restart() {
      w.server('a').exit();
      await w.clock.runUntil(() => session.state === 'healthy', { maxMs: 10_000 });
      await w.clock.settle();
    },
  };
}

/** What was told of wishes and of the server itself, since the last time that this was asked. */
const told = (w: World): readonly string[] =>
  w
    .news()
    .filter((line) => /updated|wish|serverChanged/.test(line))
    .map((line) => line.replace(/^\d+ /, ''));

/** A server that refuses these, as an unknown resource. */
const refusing =
  (...uris: readonly string[]): SimulatedRequestHandler =>
  (method, params) => {
    if (method === 'resources/subscribe' && uris.includes(String(params['uri'])))
      throw Object.assign(new Error('Resource not found'), { code: -32_002 });
    return undefined;
  };

describe('a subscription', () => {
  it('is asked for once, and each update is told once', async () => {
    const { w, session, asked } = await holding();
    await session.subscribeResource('file:///a');
    w.server('a').notify(updated, { uri: 'file:///a' });
    expect(asked()).toEqual(['1 resources/subscribe file:///a']);
    expect(told(w)).toEqual(['a 1 file:///a updated']);
    expect(session.subscriptions).toEqual(['file:///a']);
  });

  it('is asked for again by every new connection, and one gap is told when it is granted', async () => {
    const { w, session, asked, restart } = await holding();
    await session.subscribeResource('file:///a');
    await session.subscribeResource('file:///b');
    asked();
    await restart();
    await restart();
    expect(asked()).toEqual([
      '2 resources/subscribe file:///a',
      '2 resources/subscribe file:///b',
      '3 resources/subscribe file:///a',
      '3 resources/subscribe file:///b',
    ]);
    w.server('a').notify(updated, { uri: 'file:///b' });
    expect(told(w)).toEqual([
      'a 2 file:///a updated, perhaps',
      'a 2 file:///b updated, perhaps',
      'a 3 file:///a updated, perhaps',
      'a 3 file:///b updated, perhaps',
      'a 3 file:///b updated',
    ]);
  });

  it('of two hundred resources is renewed eight at a time', async () => {
    const { w, session, asked, restart } = await holding();
    const uris = Array.from({ length: 200 }, (_, index) => `file:///${index}`);
    await Promise.all(uris.map((uri) => session.subscribeResource(uri)));
    asked();
    w.server('a', { answerMs: 10 });
    await restart();
    expect(asked()).toHaveLength(8);
    await w.clock.advance(240);
    expect(asked()).toHaveLength(192);
    await w.clock.advance(10);
    expect(told(w).filter((line) => line.endsWith('perhaps'))).toHaveLength(200);
  });

  it('that the server refuses rejects, and does not hold', async () => {
    const { session, asked, restart } = await holding({}, refusing('file:///a'));
    expect(await failureOf(() => session.subscribeResource('file:///a'))).toMatchObject({
      code: 'RPC',
      rpcCode: -32_002,
    });
    expect(session.subscriptions).toEqual([]);
    asked();
    await restart();
    expect(asked()).toEqual([]);
  });

  it('that a new connection refuses is told, and asked of the next one', async () => {
    const { w, session, restart } = await holding();
    await session.subscribeResource('file:///a');
    w.server('a', { onRequest: refusing('file:///a') });
    await restart();
    expect(told(w)).toEqual(['a 2 wish for file:///a refused: RPC']);
    expect(session.subscriptions).toEqual(['file:///a']);
    w.server('a', { onRequest: null });
    await restart();
    expect(told(w)).toEqual(['a 3 file:///a updated, perhaps']);
  });

  it('that a new connection does not answer is told when the time of a call is over', async () => {
    const { w, session, restart } = await holding({ callTimeoutMs: 5_000 });
    await session.subscribeResource('file:///a');
    w.server('a', {
      onRequest: (method) => (method === 'resources/subscribe' ? new Promise(() => undefined) : undefined),
    });
    await restart();
    await w.clock.advance(4_999);
    expect(told(w)).toEqual([]);
    await w.clock.advance(1);
    expect(told(w)).toEqual(['a 2 wish for file:///a refused: CALL_ABORTED']);
  });

  it('that was asked for when the connection ended is granted by the next one', async () => {
    const { w, session, asked } = await holding();
    w.server('a').hangLink();
    const subscribed = outcomeOf(session.subscribeResource('file:///a'));
    await w.clock.settle();
    w.server('a').exit();
    await w.clock.runUntil(() => session.state === 'healthy', { maxMs: 10_000 });
    await w.clock.advance(1_000);
    expect(subscribed.state).toBe('resolved');
    expect(asked()).toEqual(['2 resources/subscribe file:///a']);
    expect(told(w)).toEqual([]);
  });

  it('that is taken back is asked for no more, also when that happens while nobody is connected', async () => {
    const { w, session, asked, restart } = await holding();
    await session.subscribeResource('file:///a');
    await session.subscribeResource('file:///b');
    await session.unsubscribeResource('file:///a');
    w.server('a').exit();
    await session.unsubscribeResource('file:///b');
    await w.clock.runUntil(() => session.state === 'healthy', { maxMs: 10_000 });
    await restart();
    expect(asked()).toEqual([
      '1 resources/subscribe file:///a',
      '1 resources/subscribe file:///b',
      '1 resources/unsubscribe file:///a',
    ]);
    expect(session.subscriptions).toEqual([]);
  });

  it('that is taken back while it is being renewed is taken back from the server as well', async () => {
    const { w, session, asked, restart } = await holding();
    await session.subscribeResource('file:///a');
    asked();
    w.server('a', { answerMs: 10 });
    await restart();
    const takenBack = outcomeOf(session.unsubscribeResource('file:///a'));
    await w.clock.advance(30);
    expect(takenBack.state).toBe('resolved');
    expect(asked()).toEqual([
      '2 resources/subscribe file:///a',
      '2 resources/unsubscribe file:///a',
      '2 resources/unsubscribe file:///a',
    ]);
    expect(told(w)).toEqual([]);
  });

  it('without which nothing is told of updates: a server may say what it likes', async () => {
    const { w } = await holding();
    w.server('a').notify(updated, { uri: 'file:///a' });
    w.server('a').notify(updated, { uri: 7 });
    expect(told(w)).toEqual([]);
  });

  it('needs a name', async () => {
    const { session } = await holding();
    await expect(session.subscribeResource('')).rejects.toThrow(/uri/);
  });
});

describe('the level of the log', () => {
  it('is set again by every new connection, before anything is subscribed to', async () => {
    const { session, asked, restart } = await holding();
    await session.setLogLevel('debug');
    await session.subscribeResource('file:///a');
    await session.setLogLevel('error');
    asked();
    await restart();
    expect(asked()).toEqual(['2 logging/setLevel error', '2 resources/subscribe file:///a']);
  });

  it('that a new connection refuses is told; one that the server refused at once does not hold', async () => {
    const { w, session, restart } = await holding();
    await session.setLogLevel('debug');
    w.server('a', {
      onRequest: (method) => {
        if (method === 'logging/setLevel') throw Object.assign(new Error('No such method'), { code: -32_601 });
        return undefined;
      },
    });
    expect(await failureOf(() => session.setLogLevel('error'))).toMatchObject({ code: 'RPC' });
    await restart();
    expect(told(w)).toEqual(['a 2 wish for debug refused: RPC']);
  });
});

describe('roots that are set', () => {
  const roots = [{ uri: 'file:///home', name: 'home' }];

  it('are told to a connection that may ask for them, and asked for by it', async () => {
    const { w, session } = await holding({ handlers: { roots: async () => [] } });
    expect(await w.server('a').ask('roots/list')).toEqual({ roots: [] });
    await session.setRoots(roots);
    expect(w.server('a').received.at(-1)).toMatchObject({ method: 'notifications/roots/list_changed' });
    expect(await w.server('a').ask('roots/list')).toEqual({ roots });
  });

  it('where there were none are known to the next connection', async () => {
    const { w, session, restart } = await holding();
    await session.setRoots(roots);
    await expect(w.server('a').ask('roots/list')).rejects.toMatchObject({ code: -32_601 });
    await restart();
    expect(await w.server('a').ask('roots/list')).toEqual({ roots });
    await session.setRoots([]);
    expect(await w.server('a').ask('roots/list')).toEqual({ roots: [] });
  });

  it.each([
    ['roots', 'home'],
    ['roots[0]', ['home']],
    ['roots[0].uri', [{ uri: 7 }]],
    ['roots[1].name', [{ uri: 'file:///a' }, { uri: 'file:///b', name: 7 }]],
  ])('must be roots: %s', async (field, wrong) => {
    const { session } = await holding();
    expect(await failureOf(() => session.setRoots(wrong as never))).toMatchObject({ code: 'INVALID_OPTION', field });
  });
});

describe('a server that comes back as another one', () => {
  it('is told with what it was and is', async () => {
    const { w, restart } = await holding();
    w.server('a', { version: '2.0.0', capabilities: { tools: {}, resources: { subscribe: true } } });
    await restart();
    expect(w.events.filter(({ type }) => type === 'serverChanged')).toMatchObject([
      {
        generation: 2,
        before: { era: 'legacy', info: { name: 'a', version: '1.0.0' } },
        after: { info: { version: '2.0.0' }, capabilities: { resources: { subscribe: true } } },
      },
    ]);
  });

  it('and is the same is not told', async () => {
    const { w, restart } = await holding();
    await restart();
    expect(told(w)).toEqual([]);
  });
});
