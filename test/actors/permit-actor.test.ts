import { describe, expect, it } from 'vitest';
import { permitLogic } from '../../src/actors/permit-actor.ts';
import type { ConnectLimiter, ConnectPermit } from '../../src/actors/ports.ts';
import { createConnectLimiter } from '../../src/host/connect-limiter.ts';
import { actorBenches } from './actor-bench.ts';

const bench = actorBenches();

describe('a permit actor', () => {
  it('queues for its server, keeps the permit in its record and reports once', async () => {
    const world = bench();
    const record = world.record('a', { origin: 'https://weather.example' });
    const asked: unknown[] = [];
    let grant: ((permit: ConnectPermit) => void) | undefined;
    const limiter: ConnectLimiter = {
      request: (ask, granted) => {
        asked.push(ask);
        grant = granted;
        return () => undefined;
      },
    };
    world.start(permitLogic(world.find, limiter), { id: 'a' });
    expect([asked, world.heard, record.notes]).toEqual([[{ origin: 'https://weather.example' }], [], []]);
    grant?.({ release: () => undefined });
    expect([world.heard, record.notes]).toEqual([[{ type: 'PERMIT' }], ['permit held']]);
  });

  it('reports a permit that is granted while it is being asked for', () => {
    const world = bench();
    const record = world.record('a');
    const limiter = createConnectLimiter({ clock: world.clock });
    world.start(permitLogic(world.find, limiter), { id: 'a' });
    expect([world.heard, record.notes]).toEqual([[{ type: 'PERMIT' }], ['permit held']]);
  });

  it('leaves the queue when it is stopped, and lets the next one in', () => {
    const world = bench();
    const limiter = createConnectLimiter({ clock: world.clock, atOnce: 1 });
    const permits: ConnectPermit[] = [];
    limiter.request({ origin: null }, (permit) => permits.push(permit));
    const first = world.record('first');
    const second = world.record('second');
    const leaver = world.start(permitLogic(world.find, limiter), { id: 'first' });
    world.start(permitLogic(world.find, limiter), { id: 'second' });
    leaver.stop();
    permits[0]?.release();
    expect([world.heard, first.notes, second.notes]).toEqual([[{ type: 'PERMIT' }], [], ['permit held']]);
  });

  it('of a server that was removed asks for nothing', () => {
    const world = bench();
    const limiter: ConnectLimiter = {
      request: () => {
        throw new Error('asked');
      },
    };
    world.start(permitLogic(world.find, limiter), { id: 'gone' });
    expect(world.heard).toEqual([]);
  });
});
