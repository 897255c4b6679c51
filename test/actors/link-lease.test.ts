import { describe, expect, it } from 'vitest';
import type { LinkEvent } from '../../src/link/link.ts';
import { actorBenches, type ActorBench, owner } from './actor-bench.ts';
import { LinkLease } from '../../src/actors/link-lease.ts';

const bench = actorBenches();

interface Outcome {
  leaked?: boolean;
  atMs?: number;
}

/** Asks for a release and keeps how and when it ended. */
function release(world: ActorBench, lease: LinkLease, mode: 'graceful' | 'kill' | 'lost'): Outcome {
  const outcome: Outcome = {};
  void lease.release(mode).then(({ leaked }) => Object.assign(outcome, { leaked, atMs: world.clock.monotonic() }));
  return outcome;
}

describe('a lease', () => {
  it('opens one link and tells its events', async () => {
    const world = bench();
    const lease = world.lease();
    const events: LinkEvent['type'][] = [];
    expect([lease.link, lease.generation]).toEqual([undefined, undefined]);
    lease.open(
      1,
      owner(({ type }) => events.push(type)),
    );
    await world.clock.settle();
    world.servers.server('weather').notify('notifications/message');
    expect([events, lease.generation, lease.link?.isOpen]).toEqual([['opened', 'notice'], 1, true]);
    await lease.release('kill');
  });

  it('tells what a link says while it is being opened, in order', async () => {
    const world = bench();
    const events: LinkEvent[] = [];
    const lease = new LinkLease(world.clock, {
      openLink: (generation, onEvent) => {
        onEvent({ type: 'spawned', pid: 7 });
        onEvent({ type: 'stderr', line: 'hello' });
        return world.openLink('weather', generation, onEvent);
      },
    });
    lease.open(
      1,
      owner((event) => events.push(event)),
    );
    expect(events).toEqual([
      { type: 'spawned', pid: 7 },
      { type: 'stderr', line: 'hello' },
    ]);
    await lease.release('kill');
  });

  it('never has two links: a second opening is down at once, and the first stands', async () => {
    const world = bench();
    const lease = world.lease();
    const events: LinkEvent[] = [];
    lease.open(1, owner());
    await world.clock.settle();
    lease.open(
      2,
      owner((event) => events.push(event)),
    );
    expect(events).toEqual([
      {
        type: 'down',
        fault: { kind: 'internal', code: 'lease-held', message: 'the link of generation 1 is not released yet' },
      },
    ]);
    expect([world.servers.server('weather').opens, lease.generation, lease.link?.isOpen]).toEqual([1, 1, true]);
    await lease.release('kill');
  });

  it('is held until the link is gone, even when it went down by itself', async () => {
    const world = bench();
    const lease = world.lease();
    const events: LinkEvent['type'][] = [];
    lease.open(
      1,
      owner(({ type }) => events.push(type)),
    );
    await world.clock.settle();
    world.servers.server('weather').breakLink();
    expect([events, lease.generation]).toEqual([['opened', 'down'], 1]);
    lease.open(
      2,
      owner(({ type }) => events.push(type)),
    );
    expect(events).toEqual(['opened', 'down', 'down']);
    await lease.release('kill');
    lease.open(
      2,
      owner(({ type }) => events.push(type)),
    );
    await world.clock.settle();
    expect([events.slice(3), world.servers.server('weather').generations]).toEqual([['opened'], [1, 2]]);
    await lease.release('kill');
  });
});

describe('a release', () => {
  it('ends when the peer is gone, and then another link may be opened', async () => {
    const world = bench();
    const server = world.servers.server('weather', { closeMs: 700 });
    const lease = world.lease();
    lease.open(1, owner());
    await world.clock.settle();
    const outcome = release(world, lease, 'graceful');
    await world.clock.advance(699);
    expect([outcome, lease.link, lease.generation]).toEqual([{}, undefined, 1]);
    await world.clock.advance(1);
    expect([outcome, lease.generation, world.clock.pendingTimers]).toEqual([
      { leaked: false, atMs: 700 },
      undefined,
      0,
    ]);
    lease.open(2, owner());
    await world.clock.settle();
    expect([lease.link?.isOpen, server.maxLiveLinks, server.closes]).toEqual([true, 1, ['graceful']]);
    release(world, lease, 'kill');
    await world.clock.settle();
  });

  it('silences the link: not even its end is told', async () => {
    const world = bench();
    world.servers.server('weather', { killMs: 10 });
    const lease = world.lease();
    const events: LinkEvent['type'][] = [];
    lease.open(
      1,
      owner(({ type }) => events.push(type)),
    );
    await world.clock.settle();
    release(world, lease, 'kill');
    world.servers.server('weather').notify('notifications/message');
    await world.clock.advance(10);
    expect(events).toEqual(['opened']);
  });

  it('of nothing ends at once', async () => {
    const world = bench();
    expect(await world.lease().release('graceful')).toEqual({ leaked: false });
  });

  it.each(['rejects', 'throws'])('ends even when the driver breaks its word and its close %s', async (how) => {
    const world = bench();
    const lease = new LinkLease(world.clock, {
      openLink: (generation, onEvent) => {
        const link = world.openLink('weather', generation, onEvent);
        return Object.assign(Object.create(link) as typeof link, {
          close: async (mode: 'graceful' | 'kill' | 'lost') => {
            await link.close(mode);
            throw new Error('close failed');
          },
          ...(how === 'throws' && {
            close: () => {
              void link.close('kill');
              throw new Error('close failed');
            },
          }),
        });
      },
    });
    lease.open(1, owner());
    await world.clock.settle();
    const outcome = release(world, lease, 'kill');
    await world.clock.settle();
    expect([outcome, lease.generation]).toEqual([{ leaked: false, atMs: 0 }, undefined]);
  });

  it('asked for twice is one release', async () => {
    const world = bench();
    const server = world.servers.server('weather', { killMs: 50 });
    const lease = world.lease();
    lease.open(1, owner());
    await world.clock.settle();
    const outcomes = [release(world, lease, 'kill'), release(world, lease, 'kill'), release(world, lease, 'graceful')];
    await world.clock.advance(50);
    expect([outcomes, server.closes]).toEqual([
      Array.from({ length: 3 }, () => ({ leaked: false, atMs: 50 })),
      ['kill'],
    ]);
  });

  it.each([
    ['graceful', 'kill'],
    ['graceful', 'lost'],
    ['lost', 'kill'],
  ] as const)('under way as %s is hastened by %s', async (first, second) => {
    const world = bench();
    const server = world.servers.server('weather', { closeMs: 9_000, killMs: 3_000 });
    const lease = world.lease();
    lease.open(1, owner());
    await world.clock.settle();
    const outcome = release(world, lease, first);
    await world.clock.advance(100);
    release(world, lease, second);
    expect(server.closes).toEqual([first, second]);
    await world.clock.advance(3_000);
    expect(outcome).toEqual({ leaked: false, atMs: first === 'graceful' ? 3_100 : 3_000 });
  });

  it('tells whoever opened the link when it begins, once, whoever asked for it', async () => {
    const world = bench();
    const server = world.servers.server('weather', { closeMs: 9_000, killMs: 100 });
    const lease = world.lease();
    const told: string[] = [];
    const tell = (who: string) => (): void => {
      told.push(`${who}, closes: ${server.closes.join()}`);
    };
    lease.open(1, owner(undefined, tell('first')));
    await world.clock.settle();
    lease.open(2, owner(undefined, tell('refused')));
    expect(told).toEqual([]);
    release(world, lease, 'graceful');
    expect(told).toEqual(['first, closes: ']);
    release(world, lease, 'kill');
    await world.clock.advance(100);
    lease.open(3, owner(undefined, tell('third')));
    await world.clock.settle();
    server.breakLink();
    await world.clock.settle();
    expect(told).toHaveLength(1);
    release(world, lease, 'kill');
    await world.clock.advance(100);
    expect(told).toEqual(['first, closes: ', 'third, closes: graceful,kill']);
  });

  it('tells no event of the link from the moment that it begins', async () => {
    const world = bench();
    const server = world.servers.server('weather', { killMs: 10 });
    const lease = world.lease();
    const events: LinkEvent['type'][] = [];
    lease.open(
      1,
      owner(
        ({ type }) => events.push(type),
        () => {
          server.notify('notifications/message');
        },
      ),
    );
    await world.clock.settle();
    release(world, lease, 'kill');
    await world.clock.advance(10);
    expect(events).toEqual(['opened']);
  });

  it('that is hastened has leaked the link 4 s later, though a goodbye would have had 15 s', async () => {
    const world = bench();
    world.servers.server('weather', { neverCloses: true });
    const lease = world.lease();
    lease.open(1, owner());
    await world.clock.settle();
    const outcome = release(world, lease, 'graceful');
    await world.clock.advance(1_000);
    release(world, lease, 'kill');
    await world.clock.advance(3_999);
    expect(outcome).toEqual({});
    await world.clock.advance(1);
    expect([outcome, world.clock.pendingTimers]).toEqual([{ leaked: true, atMs: 5_000 }, 0]);
  });

  it('that is hastened late is given its 4 s from then on, and no more when it is asked for again', async () => {
    const world = bench();
    world.servers.server('weather', { neverCloses: true });
    const lease = world.lease();
    lease.open(1, owner());
    await world.clock.settle();
    const outcome = release(world, lease, 'graceful');
    await world.clock.advance(14_000);
    release(world, lease, 'kill');
    await world.clock.advance(2_000);
    release(world, lease, 'kill');
    release(world, lease, 'graceful');
    await world.clock.advance(1_999);
    expect(outcome).toEqual({});
    await world.clock.advance(1);
    expect(outcome).toEqual({ leaked: true, atMs: 18_000 });
  });

  it.each([
    ['kill', 'lost'],
    ['kill', 'graceful'],
    ['lost', 'graceful'],
  ] as const)('under way as %s is not softened by %s', async (first, second) => {
    const world = bench();
    const server = world.servers.server('weather', { killMs: 100 });
    const lease = world.lease();
    lease.open(1, owner());
    await world.clock.settle();
    release(world, lease, first);
    release(world, lease, second);
    await world.clock.advance(100);
    expect(server.closes).toEqual([first]);
  });

  it('that ends while we stand still has leaked nothing, however late that is read', async () => {
    const world = bench();
    world.servers.server('weather', { killMs: 3_000 });
    const lease = world.lease();
    lease.open(1, owner());
    await world.clock.settle();
    const outcome = release(world, lease, 'kill');
    await world.clock.stall(6_000);
    expect([outcome, lease.generation]).toEqual([{ leaked: false, atMs: 6_000 }, undefined]);
  });

  it.each([
    ['graceful', 15_000],
    ['kill', 4_000],
    ['lost', 4_000],
  ] as const)(
    'as %s of a link that never closes has leaked it after %i ms, and another may be opened',
    async (mode, boundMs) => {
      const world = bench();
      const server = world.servers.server('weather', { neverCloses: true });
      const lease = world.lease();
      lease.open(1, owner());
      await world.clock.settle();
      const outcome = release(world, lease, mode);
      await world.clock.advance(boundMs - 1);
      expect(outcome).toEqual({});
      await world.clock.advance(1);
      expect([outcome, lease.generation]).toEqual([{ leaked: true, atMs: boundMs }, undefined]);
      server.neverCloses = false;
      const events: LinkEvent['type'][] = [];
      lease.open(
        2,
        owner(({ type }) => events.push(type)),
      );
      await world.clock.settle();
      server.exit();
      expect([events, lease.generation]).toEqual([['opened', 'down'], 2]);
      release(world, lease, 'kill');
      await world.clock.settle();
    },
  );

  it('that leaked stays silent when the old peer goes after all, and takes nothing from its successor', async () => {
    const world = bench();
    const server = world.servers.server('weather', { neverCloses: true });
    const lease = world.lease();
    const events: string[] = [];
    lease.open(
      1,
      owner(({ type }) => events.push(`1 ${type}`)),
    );
    await world.clock.settle();
    const outcome = release(world, lease, 'kill');
    await world.clock.advance(4_000);
    lease.open(
      2,
      owner(({ type }) => events.push(`2 ${type}`)),
    );
    await world.clock.settle();
    server.neverCloses = false;
    server.exit();
    await world.clock.settle();
    expect([events, lease.generation, outcome]).toEqual([
      ['1 opened', '2 opened', '2 down'],
      2,
      { leaked: true, atMs: 4_000 },
    ]);
    release(world, lease, 'kill');
    await world.clock.settle();
  });
});
