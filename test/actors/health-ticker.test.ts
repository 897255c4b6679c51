import { describe, expect, it } from 'vitest';
import type { Clock } from '../../src/actors/ports.ts';
import { tickerLogic } from '../../src/actors/health-ticker.ts';
import type { TickerCommand, TicksDue } from '../../src/machines/manager-events.ts';
import { type ActorBench, actorBenches } from './actor-bench.ts';

const bench = actorBenches();

interface Ticker {
  readonly send: (...commands: readonly TickerCommand[]) => void;
  /** Each turn of the wheel: when it was, and whose ticks went out. */
  readonly turns: () => readonly (readonly [number, readonly string[]])[];
  /** How many timers were set so far. */
  readonly timersSet: () => number;
}

function ticker(world: ActorBench, { paused = false, random = (): number => 0.5 } = {}): Ticker {
  let set = 0;
  const clock: Clock = {
    wall: () => world.clock.wall(),
    monotonic: () => world.clock.monotonic(),
    setTimeout: (callback, ms) => {
      set += 1;
      return world.clock.setTimeout(callback, ms);
    },
    clearTimeout: (id) => {
      world.clock.clearTimeout(id);
    },
    nextMacrotask: (callback) => {
      world.clock.nextMacrotask(callback);
    },
    loopLag: () => world.clock.loopLag(),
  };
  const turns: (readonly [number, readonly string[]])[] = [];
  world.onHeard = (event) => {
    const { ticks } = event as TicksDue;
    turns.push([
      world.clock.monotonic(),
      ticks.map(({ id, generation, lateMs }) => `${id} ${generation}${lateMs > 0 ? ` late ${lateMs}` : ''}`),
    ]);
  };
  const actor = world.start(tickerLogic(clock, random), { paused });
  return {
    send: (...commands) => {
      for (const command of commands) actor.send(command);
    },
    turns: () => turns,
    timersSet: () => set,
  };
}

const arm = (id: string, dueMs: number, generation = 1): TickerCommand => ({ type: 'TICK.ARM', id, generation, dueMs });

describe('a tick', () => {
  it('comes once, when it is due, with the generation that armed it', async () => {
    const world = bench();
    const { send, turns } = ticker(world);
    send(arm('a', 30_000, 7));
    await world.clock.advance(29_999);
    expect(turns()).toEqual([]);
    await world.clock.advance(120_000);
    expect(turns()).toEqual([[30_000, ['a 7']]]);
  });

  it('armed again replaces the earlier one, sooner or later', async () => {
    const world = bench();
    const { send, turns } = ticker(world);
    send(arm('a', 30_000), arm('a', 5_000, 2), arm('b', 1_000), arm('b', 8_000, 2));
    await world.clock.advance(60_000);
    expect(turns()).toEqual([
      [5_000, ['a 2']],
      [8_000, ['b 2']],
    ]);
  });

  it('that is taken back does not come', async () => {
    const world = bench();
    const { send, turns } = ticker(world);
    send(arm('a', 1_000), arm('b', 2_000), { type: 'TICK.DISARM', id: 'a' }, { type: 'TICK.DISARM', id: 'nobody' });
    await world.clock.advance(60_000);
    expect(turns()).toEqual([[2_000, ['b 1']]]);
  });

  it('that comes late says by how much', async () => {
    const world = bench();
    const { send, turns } = ticker(world);
    send(arm('a', 1_000), arm('b', 3_500));
    await world.clock.stall(4_000);
    expect(turns()).toEqual([[4_000, ['a 1 late 3000', 'b 1 late 500']]]);
  });

  it('of 0 ms comes at once', async () => {
    const world = bench();
    const { send, turns } = ticker(world);
    send(arm('a', 0));
    await world.clock.advance(0);
    expect(turns()).toEqual([[0, ['a 1']]]);
  });
});

describe('ticks', () => {
  it('within 5 ms of each other go out together, and none of them is late', async () => {
    const world = bench();
    const { send, turns } = ticker(world);
    send(arm('a', 1_000), arm('b', 1_005), arm('c', 1_006), arm('d', 1_001));
    await world.clock.advance(2_000);
    expect(turns()).toEqual([
      [1_000, ['a 1', 'b 1', 'd 1']],
      [1_006, ['c 1']],
    ]);
  });

  it('of a thousand sessions take one timer at a time', async () => {
    const world = bench();
    const { send, turns } = ticker(world);
    for (let index = 0; index < 1_000; index += 1) {
      send(arm(`s${index}`, 30_000 - ((index * 7_919) % 30_000)));
      expect(world.clock.pendingTimers).toBe(1);
    }
    await world.clock.advance(30_000);
    expect(turns().flatMap(([, ids]) => ids)).toHaveLength(1_000);
    expect(world.clock.pendingTimers).toBe(0);
  });

  it('later than the next one set no timer', () => {
    const world = bench();
    const { send, timersSet } = ticker(world);
    send(arm('a', 1_000));
    for (let index = 0; index < 50; index += 1) send(arm(`s${index}`, 2_000 + index));
    expect([timersSet(), world.clock.pendingTimers]).toEqual([1, 1]);
  });

  it('armed by what a tick causes come in their turn', async () => {
    const world = bench();
    const { send, turns } = ticker(world);
    send(arm('a', 1_000));
    await world.clock.advance(1_000);
    send(arm('a', 1_000));
    await world.clock.advance(1_000);
    expect(turns()).toEqual([
      [1_000, ['a 1']],
      [2_000, ['a 1']],
    ]);
  });
});

describe('paused', () => {
  it('no tick comes and no timer runs; armed ones are kept', async () => {
    const world = bench();
    const { send, turns } = ticker(world);
    send(arm('a', 1_000), { type: 'TICKER.PAUSE' });
    expect(world.clock.pendingTimers).toBe(0);
    send(arm('b', 500));
    await world.clock.advance(60_000);
    expect([turns(), world.clock.pendingTimers]).toEqual([[], 0]);
  });

  it('from the start it waits for the first resume', async () => {
    const world = bench();
    const { send, turns } = ticker(world, { paused: true });
    send(arm('a', 1_000));
    await world.clock.advance(500);
    expect(turns()).toEqual([]);
    send({ type: 'TICKER.RESUME' });
    await world.clock.advance(500);
    expect(turns()).toEqual([[1_000, ['a 1']]]);
  });

  it('and resumed, overdue ticks are spread over 5 s and are not late; the others keep their time', async () => {
    const world = bench();
    const randoms = [0, 0.5, 0.999];
    const { send, turns } = ticker(world, { random: () => randoms.shift() ?? 0 });
    send(arm('a', 1_000), arm('b', 2_000), arm('c', 10_000), arm('d', 61_000), { type: 'TICKER.PAUSE' });
    await world.clock.advance(60_000);
    send({ type: 'TICKER.RESUME' });
    await world.clock.advance(10_000);
    expect(turns()).toEqual([
      [60_000, ['a 1']],
      [61_000, ['d 1']],
      [62_500, ['b 1']],
      [64_995, ['c 1']],
    ]);
  });

  it('and resumed twice is resumed once', async () => {
    const world = bench();
    let draws = 0;
    const { send, turns } = ticker(world, {
      random: () => {
        draws += 1;
        return 0.5;
      },
    });
    send(arm('a', 1_000), { type: 'TICKER.PAUSE' });
    await world.clock.advance(2_000);
    send({ type: 'TICKER.RESUME' }, { type: 'TICKER.RESUME' });
    expect([draws, world.clock.pendingTimers]).toEqual([1, 1]);
    await world.clock.advance(60_000);
    expect(turns()).toEqual([[4_500, ['a 1']]]);
  });
});

describe('resumed without having been paused', () => {
  it('touches nothing: a late tick is told as late', async () => {
    const world = bench();
    const { send, turns } = ticker(world);
    send(arm('a', 1_000));
    world.clock.setTimeout(() => {
      send({ type: 'TICKER.RESUME' });
    }, 500);
    await world.clock.stall(4_000);
    expect(turns()).toEqual([[4_000, ['a 1 late 3000']]]);
  });
});

describe('stopped', () => {
  it('leaves no timer', () => {
    const world = bench();
    const { send } = ticker(world);
    send(arm('a', 1_000));
    expect(world.clock.pendingTimers).toBe(1);
    world.stop();
    expect(world.clock.pendingTimers).toBe(0);
  });
});
