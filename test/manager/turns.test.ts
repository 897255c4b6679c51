import { describe, expect, it } from 'vitest';
import { failureOf, outcomeOf, type Settlement, simulated, world, type World } from './support.ts';

/** A world in which 120 servers are being added in one turn of the event loop: `s0` to `s119`. */
function crowded(
  options: { readonly lazy?: boolean } = {},
): World & { readonly added: readonly Settlement<unknown>[] } {
  const w = world({ config: { maxConnections: 120 } });
  const added = Array.from({ length: 120 }, (_, n) => outcomeOf(w.manager.addServer(`s${n}`, simulated, options)));
  return Object.assign(w, { added });
}

function phases(w: World): Record<string, number> {
  const counts: Record<string, number> = {};
  for (const { phase } of w.manager.listSessions()) counts[phase] = (counts[phase] ?? 0) + 1;
  return counts;
}

const opensOf = (w: World): number => w.sim.all().reduce((sum, server) => sum + server.opens, 0);

describe('servers that are added together', () => {
  it('are begun 50 at once, in the order in which they were added, and the rest in later turns of the event loop', async () => {
    const w = crowded();
    expect(phases(w)).toEqual({ 'connecting.opening': 50, idle: 70 });
    expect(w.manager.session('s49').info.phase).toBe('connecting.opening');
    expect(w.manager.session('s50').info).toMatchObject({ phase: 'idle', state: 'disconnected', generation: 0 });
    await w.clock.settle();
    expect(w.added.every(({ state }) => state === 'resolved')).toBe(true);
    expect(w.manager.sessionStats()).toMatchObject({ healthy: 120 });
    expect(opensOf(w)).toBe(120);
    expect(w.clock.monotonic()).toBe(0);
  });

  it('a call to one that is still to be begun begins it at once', async () => {
    const w = crowded({ lazy: true });
    const answer = outcomeOf(w.manager.session('s119').callTool('echo', { n: 1 }));
    expect(w.server('s119').opens).toBe(1);
    await w.clock.settle();
    expect(answer.value()).toEqual({ content: [{ type: 'text', text: '{"n":1}' }] });
    expect(opensOf(w)).toBe(1);
  });

  it('one that is removed before its turn is never begun, and its adding fails', async () => {
    const w = crowded();
    const removed = outcomeOf(w.manager.removeServer('s119'));
    await w.clock.settle();
    expect(removed.value()).toBe(true);
    expect(w.added[119]?.error()).toMatchObject({ code: 'CLOSED' });
    expect(w.server('s119').opens).toBe(0);
    expect(w.manager.sessionStats()).toMatchObject({ healthy: 119 });
  });

  it('an id that is free again before its turn is begun once', async () => {
    const w = crowded();
    const removed = outcomeOf(w.manager.removeServer('s119'));
    while (removed.state === 'pending') await Promise.resolve();
    const again = outcomeOf(w.manager.addServer('s119', simulated));
    await w.clock.settle();
    again.value();
    expect(w.server('s119').opens).toBe(1);
  });

  it('closing at once begins no more of them and leaves nothing', async () => {
    const w = crowded();
    const closed = outcomeOf(w.manager.close({ drainMs: 0 }));
    await w.clock.settle();
    closed.value();
    expect(w.added.map(({ state }) => state)).toEqual(Array.from({ length: 120 }, () => 'rejected'));
    expect(opensOf(w)).toBe(50);
    expect(w.sim.all().every(({ liveLinks }) => liveLinks === 0)).toBe(true);
  });
});

describe('a manager of many servers that is closed', () => {
  it('takes no call from then on, and tells its sessions 50 at a time', async () => {
    const w = crowded();
    await w.clock.settle();
    const closed = outcomeOf(w.manager.close());
    expect(phases(w)).toEqual({ releasing: 50, 'connected.healthy': 70 });
    expect(await failureOf(() => w.manager.session('s119').callTool('echo'))).toMatchObject({ code: 'CLOSED' });
    await w.clock.settle();
    closed.value();
    expect(w.clock.monotonic()).toBe(0);
    expect(w.sim.all().every(({ liveLinks }) => liveLinks === 0)).toBe(true);
  });

  it('waits for a call whose session had not had its turn, and no longer than that', async () => {
    const w = crowded();
    await w.clock.settle();
    w.server('s119').answersCalls = false;
    const call = outcomeOf(w.manager.session('s119').callTool('echo'));
    await w.clock.settle();
    const closed = outcomeOf(w.manager.close({ drainMs: 5_000 }), w.clock);
    await w.clock.advance(4_999);
    expect([call.state, closed.state]).toEqual(['pending', 'pending']);
    await w.clock.advance(1);
    expect(call.error()).toMatchObject({ code: 'CALL_ABORTED', outcome: 'unknown' });
    expect(closed.atMs).toBe(5_000);
  });
});
