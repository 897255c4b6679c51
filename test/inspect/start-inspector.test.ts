import { createServer } from 'node:net';
import { afterEach, describe, expect, it } from 'vitest';
import { startInspector } from '../../src/inspect/index.ts';
import type { Inspector, InspectorOptions } from '../../src/inspect/index.ts';
import type { SessionManager } from '../../src/index.ts';
import { world } from '../manager/support.ts';
import type { World } from '../manager/support.ts';
import { exchange } from '../support/raw-http.ts';
import { Viewer } from './viewer.ts';

/** What is undone before it is looked for what was left behind. */
const undo: (() => Promise<unknown> | void)[] = [];
afterEach(async () => {
  for (const step of undo.splice(0).toReversed()) await step();
});

async function relay(manager: Pick<SessionManager, 'inspect'>, options: InspectorOptions = {}): Promise<Inspector> {
  const inspector = await startInspector(manager, { port: 0, ...options });
  undo.push(() => inspector.close());
  return inspector;
}

/** How many are told of a manager's actors at present. */
function counting(w: World): { readonly manager: Pick<SessionManager, 'inspect'>; count: number } {
  const counted = {
    count: 0,
    manager: {
      inspect: (...args: Parameters<SessionManager['inspect']>) => {
        const stop = w.manager.inspect(...args);
        counted.count += 1;
        return () => {
          counted.count -= 1;
          stop();
        };
      },
    },
  };
  return counted;
}

function comer(...args: ConstructorParameters<typeof Viewer>): Viewer {
  const made = new Viewer(...args);
  undo.push(() => made.leave());
  return made;
}

const look = ({ socketUrl, token }: Inspector): Viewer => comer(socketUrl, ['holdfast', `token.${token}`]);

describe('a viewer', () => {
  it('is told of all that is there, parents before children, then of what happens, in the words of the inspector', async () => {
    const w = world();
    await w.add('files');
    const viewer = look(await relay(w.manager));
    await viewer.until((frames) => frames.length >= 10);
    expect(viewer.socket.protocol).toBe('holdfast');
    expect(viewer.words.slice(0, 10)).toEqual([
      'actor holdfast below nothing',
      'snapshot holdfast',
      'actor manager 1 below holdfast',
      'snapshot manager 1',
      'actor health ticker\u0000 below manager 1',
      'snapshot health ticker\u0000',
      'actor files below manager 1',
      'snapshot files',
      'actor link below files',
      'snapshot link',
    ]);
    const [, , , , , , session, snapshot] = viewer.frames;
    expect(session).toMatchObject({
      type: '@xstate.actor',
      name: 'files',
      rootId: 'holdfast',
      createdAt: expect.stringMatching(/^\d+$/u),
      id: null,
      _version: '0.7.2',
      definition: expect.stringContaining('"states":'),
      snapshot: { status: 'active', value: { connected: { health: 'healthy', circuit: 'normal' } } },
    });
    expect(snapshot).toMatchObject({
      type: '@xstate.snapshot',
      event: { type: 'inspector.attached' },
      snapshot: { value: { connected: { health: 'healthy' } }, context: { id: 'files' } },
    });
    const before = viewer.frames.length;
    w.server('files').kill();
    await w.clock.settle();
    const isDown = (frame: (typeof viewer.frames)[number]): boolean =>
      frame.type === '@xstate.event' && JSON.stringify(frame.event).includes('signal:SIGKILL');
    await viewer.until((frames) => frames.slice(before).some(isDown));
    expect(viewer.frames.slice(before).find(isDown)).toMatchObject({
      sessionId: session?.sessionId,
      sourceId: expect.any(String),
    });
  });

  it('is told of some servers only, where that is asked for', async () => {
    const w = world();
    for (const id of ['files', 'search']) await w.add(id);
    const viewer = look(await relay(w.manager, { servers: ['search'] }));
    await viewer.until((frames) => frames.length >= 10);
    expect(viewer.words.filter((each) => each.startsWith('actor'))).toEqual([
      'actor holdfast below nothing',
      'actor manager 1 below holdfast',
      'actor health ticker\u0000 below manager 1',
      'actor search below manager 1',
      'actor link below search',
    ]);
  });

  it('may show the token in the address, and what it says is not listened to', async () => {
    const w = world();
    const { socketUrl, token } = await relay(w.manager);
    const shown = comer(`${socketUrl}?token=${token}`, []);
    await shown.until((frames) => frames.length >= 2);
    shown.socket.send(JSON.stringify({ type: '@xstate.event', event: { type: 'SESSION.DRAIN' } }));
    await w.add('files');
    await shown.until((frames) => frames.some((frame) => frame.type === '@xstate.actor' && frame.name === 'files'));
    shown.socket.send('x'.repeat(2_000));
    expect(await shown.ended).toMatch(/^1009/u);
    expect(w.manager.session('files').state).toBe('healthy');
  });

  it('that was there before a server was added is told of it as it comes to be', async () => {
    const w = world();
    const early = look(await relay(w.manager));
    await early.until((frames) => frames.length >= 2);
    await w.add('files');
    const isHealthy = (frame: (typeof early.frames)[number]): boolean =>
      frame.type === '@xstate.snapshot' && JSON.stringify(frame.snapshot).includes('"health":"healthy"');
    await early.until((frames) => frames.some(isHealthy));
    expect(early.frames.find((frame) => frame.type === '@xstate.actor' && frame.name === 'files')).toMatchObject({
      snapshot: { status: 'active' },
    });
  });

  it('costs the manager nothing before it comes and once it is gone', async () => {
    const counted = counting(world());
    const inspector = await relay(counted.manager);
    expect(counted.count).toBe(0);
    const viewers = [look(inspector), look(inspector)];
    for (const viewer of viewers) await viewer.until((frames) => frames.length >= 2);
    expect(counted.count).toBe(2);
    for (const viewer of viewers) {
      viewer.socket.close();
      await viewer.ended;
    }
    await expect.poll(() => counted.count).toBe(0);
  });

  it('that reads nothing is let go of, and others are told on', async () => {
    const events: Parameters<SessionManager['inspect']>[0][] = [];
    const manager = {
      inspect: (observer: Parameters<SessionManager['inspect']>[0]) => {
        events.push(observer);
        return () => {
          events.splice(events.indexOf(observer), 1);
        };
      },
    };
    const inspector = await relay(manager);
    const actorRef = { sessionId: 'x:1', id: 'a', _parent: undefined, logic: { config: undefined } } as never;
    const tell = (text: string): void => {
      const event = { type: '@xstate.event', rootId: 'holdfast', actorRef, sourceRef: undefined } as const;
      for (const observer of events) observer.next?.({ ...event, event: { type: text } });
    };
    const slow = look(inspector);
    await expect.poll(() => events.length).toBe(1);
    slow.socket.pause();
    for (let n = 0; n < 200 && events.length > 0; n += 1) {
      tell('x'.repeat(1024 * 1024));
      await new Promise<void>((resolve) => {
        setImmediate(resolve);
      });
    }
    expect(events).toEqual([]);
    const other = look(inspector);
    await expect.poll(() => events.length).toBe(1);
    tell('on');
    await other.until((frames) => frames.length > 0);
    slow.socket.resume();
    expect(await slow.ended).toBe('1013 too slow');
  });

  it('is told that it is over when the relay is closed, and close leaves nothing', async () => {
    const counted = counting(world());
    const inspector = await relay(counted.manager);
    const viewer = look(inspector);
    await viewer.until((frames) => frames.length >= 2);
    const closed = inspector.close();
    expect(inspector.close()).toBe(closed);
    await closed;
    expect(await viewer.ended).toBe('1001 it was ended');
    expect(counted.count).toBe(0);
  });
});

describe('who may not look on', () => {
  it.each<readonly [string, (inspector: Inspector) => Viewer, string]>([
    ['without a token', ({ socketUrl }) => comer(socketUrl, ['holdfast']), '401'],
    ['with a wrong token', ({ socketUrl }) => comer(socketUrl, ['holdfast', 'token.wrong']), '401'],
    [
      'from a page of another origin',
      ({ socketUrl, token }) => comer(socketUrl, ['holdfast', `token.${token}`], { origin: 'https://evil.example' }),
      '403',
    ],
    [
      'by a name that is not ours (DNS rebinding)',
      ({ socketUrl, token }) =>
        comer(socketUrl, ['holdfast', `token.${token}`], { host: `evil.example:${new URL(socketUrl).port}` }),
      '421',
    ],
    ['anywhere else', ({ socketUrl, token }) => comer(`${socketUrl}/deep`, ['holdfast', `token.${token}`]), '404'],
    ['at an address that is none', ({ socketUrl }) => comer(socketUrl.replace('/frames', '//'), []), '404'],
  ])('%s', async (_how, come, ended) => {
    const counted = counting(world());
    expect(await come(await relay(counted.manager)).ended).toBe(ended);
    expect(counted.count).toBe(0);
  });

  it('one more than there is room for', async () => {
    const w = world();
    const inspector = await relay(w.manager, { maxViewers: 1 });
    await look(inspector).until((frames) => frames.length >= 2);
    expect(await look(inspector).ended).toBe('503');
  });
});

describe('the page', () => {
  it('is given out with a policy that lets it talk to Stately alone, and holds no token', async () => {
    const { url, link, token } = await relay(world().manager);
    const { host } = new URL(url);
    expect(link).toBe(`${url}#token=${token}`);
    const page = await exchange(url, { method: 'GET' });
    expect([page.status, page.headers['content-type']]).toEqual([200, 'text/html; charset=utf-8']);
    expect(page.headers['content-security-policy']).toBe(
      `default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self' ws://${host}; frame-src https://stately.ai; frame-ancestors 'none'; base-uri 'none'; form-action 'none'`,
    );
    for (const path of ['bridge.css', 'bridge.js']) {
      const { status, body } = await exchange(new URL(path, url).href, { method: 'GET' });
      expect([status, body.includes(token)]).toEqual([200, false]);
    }
    expect(page.body).not.toContain(token);
  });

  it.each<readonly [string, string, Readonly<Record<string, string>>, number]>([
    ['GET', 'gone', {}, 404],
    ['GET', 'constructor', {}, 404],
    ['POST', '', {}, 405],
    ['GET', '', { host: 'evil.example' }, 421],
    ['GET', '', { origin: 'https://evil.example' }, 403],
    ['GET', '', { 'sec-fetch-site': 'cross-site' }, 403],
  ])('%s /%s with %j is refused with %i', async (method, path, headers, status) => {
    const { url } = await relay(world().manager);
    const refused = await exchange(url + path, { method, headers });
    expect([refused.status, refused.body]).toEqual([status, '']);
  });
});

describe('where it listens', () => {
  it('is a port of its own choice when the usual one is taken, and never another one than was asked for', async () => {
    const taken = createServer();
    const port = await new Promise<number>((resolve) => {
      taken.listen(0, '127.0.0.1', () => {
        const address = taken.address();
        resolve(typeof address === 'object' && address !== null ? address.port : 0);
      });
    });
    undo.push(() => {
      taken.close();
    });
    await expect(relay(world().manager, { port })).rejects.toMatchObject({ code: 'SERVICE' });
    const first = await relay(world().manager, { port: undefined });
    const second = await relay(world().manager, { port: undefined });
    expect(first.url).not.toBe(second.url);
  });

  it.each<readonly [InspectorOptions, string]>([
    [{ host: '0.0.0.0' }, 'SERVICE'],
    [{ host: '192.168.0.1' }, 'SERVICE'],
    [{ port: 70_000 }, 'SERVICE'],
    [{ token: 'short' }, 'SERVICE'],
    [{ servers: 'all' as never }, 'INVALID_OPTION'],
  ])('%j is refused', async (options, code) => {
    await expect(relay(world().manager, options)).rejects.toMatchObject({ code });
  });
});
