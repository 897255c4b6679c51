import { describe, expect, it } from 'vitest';
import { outcomeOf, simulated, world, type World } from './support.ts';
import type { Group, ServerOptions } from '../../src/index.ts';
import type { SimulatedBehaviour } from '../../src/testing/index.ts';

const unreachable = { kind: 'unreachable', code: 'x', message: 'nobody there' } as const;
const auth = { kind: 'auth', code: 'http:401', message: 'who are you' } as const;
const config = { kind: 'config', code: 'ENOENT', message: 'no such program' } as const;

interface Starting {
  readonly w: World;
  readonly group: Group;
}

/** A group of servers that have just been told to start. */
async function starting(
  servers: Readonly<Record<string, Partial<SimulatedBehaviour>>>,
  options: ServerOptions = {},
): Promise<Starting> {
  const w = world();
  const ids = Object.keys(servers);
  for (const id of ids) {
    w.server(id, servers[id]);
    await w.manager.addServer(id, simulated, { waitForReady: false, ...options });
  }
  return { w, group: w.manager.addGroup('team', { primary: ids[0] ?? '', backups: ids.slice(1) }) };
}

describe('ready()', () => {
  it('of a group that takes calls resolves at once', async () => {
    const { w, group } = await starting({ a: {}, b: { connectMs: 1_000 } });
    await w.clock.settle();
    const ready = outcomeOf(group.ready(), w.clock);
    await w.clock.settle();
    expect([ready.state, ready.atMs]).toEqual(['resolved', 0]);
  });

  it('waits for the first member that takes calls, whichever it is', async () => {
    const { w, group } = await starting({ a: { connectMs: 9_000 }, b: { connectMs: 2_000 } });
    const ready = outcomeOf(group.ready(), w.clock);
    await w.clock.advance(1_999);
    expect(ready.state).toBe('pending');
    await w.clock.advance(1);
    ready.value();
    expect([ready.atMs, group.active]).toEqual([2_000, 'a']);
    await group.callTool('echo');
    expect(w.server('b').executed).toHaveLength(1);
  });

  it('opens members that are lazy', async () => {
    const { w, group } = await starting({ a: {}, b: {} }, { lazy: true });
    expect([group.active, group.info.state, w.server('a').opens]).toEqual(['a', 'onPrimary', 0]);
    const ready = outcomeOf(group.ready());
    await w.clock.settle();
    ready.value();
    expect([w.server('a').opens, w.server('b').opens, w.manager.sessionStats().healthy]).toEqual([1, 1, 2]);
  });

  it('with a signal that is aborted already opens none', async () => {
    const { w, group } = await starting({ a: {}, b: {} }, { lazy: true });
    const ready = outcomeOf(group.ready({ signal: AbortSignal.abort('no') }));
    await w.clock.settle();
    expect(ready.error()).toMatchObject({ name: 'AbortError', code: 'CALL_ABORTED', outcome: 'not-sent', cause: 'no' });
    expect([w.server('a').opens, w.server('b').opens]).toEqual([0, 0]);
  });

  it('rejects when its time is over, 30 s unless it is told otherwise, or when it is given up', async () => {
    const { w, group } = await starting({ a: { refuse: unreachable }, b: { answersInitialize: false } });
    const abort = new AbortController();
    const usual = outcomeOf(group.ready(), w.clock);
    const brief = outcomeOf(group.ready({ timeoutMs: 1_000 }), w.clock);
    const given = outcomeOf(group.ready({ signal: abort.signal }), w.clock);
    await w.clock.advance(500);
    abort.abort('enough');
    await w.clock.advance(29_500);
    expect([usual.atMs, brief.atMs, given.atMs]).toEqual([30_000, 1_000, 500]);
    expect(brief.error()).toMatchObject({
      name: 'GroupUnavailableError',
      outcome: 'not-sent',
      message: 'No member of group "team" takes calls ("a" is disconnected, "b" is connecting); waited for 1000 ms.',
    });
    expect(given.error()).toMatchObject({ code: 'CALL_ABORTED', cause: 'enough' });
    expect(usual.error()).toMatchObject({ code: 'GROUP_UNAVAILABLE' });
  });

  it.each([
    ['wait for credentials', auth, auth],
    ['wait for another configuration', config, config],
    ['wait for one or the other', auth, config],
  ])('rejects at once when all members %s', async (_what, one, other) => {
    const { w, group } = await starting({ a: { refuse: one, connectMs: 10 }, b: { refuse: other, connectMs: 20 } });
    const ready = outcomeOf(group.ready(), w.clock);
    await w.clock.advance(1_000);
    expect([ready.state, ready.atMs]).toEqual(['rejected', 20]);
    expect(ready.error()).toMatchObject({ code: 'GROUP_UNAVAILABLE' });
    const again = outcomeOf(group.ready(), w.clock);
    await w.clock.settle();
    expect([again.state, again.atMs]).toEqual(['rejected', 1_000]);
  });

  it('waits on while one member has a chance', async () => {
    const { w, group } = await starting({ a: { refuse: auth }, b: { refuse: unreachable } });
    const ready = outcomeOf(group.ready(), w.clock);
    await w.clock.advance(10_000);
    expect(ready.state).toBe('pending');
    w.server('b').refuse = null;
    await w.clock.advance(19_000);
    ready.value();
  });

  it('rejects when the group, or the last of its members, is removed', async () => {
    const { w, group } = await starting({ a: { answersInitialize: false } });
    const ready = outcomeOf(group.ready(), w.clock);
    await w.clock.settle();
    const removed = outcomeOf(w.manager.removeServer('a'));
    await w.clock.settle();
    removed.value();
    expect(ready.error()).toMatchObject({ code: 'GROUP_UNAVAILABLE' });
    const second = await starting({ b: { answersInitialize: false } });
    const other = outcomeOf(second.group.ready());
    await second.w.clock.settle();
    second.w.manager.removeGroup('team');
    await second.w.clock.settle();
    expect(other.error()).toMatchObject({ code: 'CLOSED' });
  });

  it('leaves no timer and no listener, however it ends', async () => {
    const { w, group } = await starting({ a: {}, b: {} });
    const signal = new AbortController().signal;
    let listeners = 0;
    const add = signal.addEventListener.bind(signal);
    const drop = signal.removeEventListener.bind(signal);
    signal.addEventListener = (...args: Parameters<typeof add>) => {
      listeners += 1;
      add(...args);
    };
    signal.removeEventListener = (...args: Parameters<typeof drop>) => {
      listeners -= 1;
      drop(...args);
    };
    await w.clock.settle();
    const before = w.clock.pendingTimers;
    const ready = outcomeOf(group.ready({ signal }));
    await w.clock.settle();
    ready.value();
    expect([w.clock.pendingTimers, listeners]).toEqual([before, 0]);
  });
});

describe('a primary on its first way up', () => {
  it('is not left; calls are spilled to who is ready, which is no switch', async () => {
    const { w, group } = await starting({ a: { connectMs: 5_000 }, b: {} });
    await w.clock.settle();
    expect([group.active, group.info.state]).toEqual(['a', 'onPrimary']);
    await group.callTool('echo');
    await w.clock.advance(5_000);
    await group.callTool('echo');
    expect([w.server('a').executed.length, w.server('b').executed.length, group.info.switches]).toEqual([1, 1, 0]);
  });

  it('is left when its first attempt fails, and returned to later', async () => {
    const { w, group } = await starting({ a: { connectMs: 500, refuse: unreachable }, b: {} });
    await w.clock.advance(499);
    expect(group.active).toBe('a');
    await w.clock.advance(1);
    expect([group.active, group.info.lastSwitch?.reason]).toEqual(['b', 'it has no connection: nobody there']);
    w.server('a').refuse = null;
    await w.clock.advance(80_000);
    expect(group.active).toBe('a');
  });

  it('is stayed with when nobody else is ready', async () => {
    const { w, group } = await starting({ a: { connectMs: 5_000 }, b: { connectMs: 9_000 } });
    await w.clock.advance(1_000);
    const call = outcomeOf(group.callTool('echo'), w.clock);
    await w.clock.settle();
    expect(call.error()).toMatchObject({ code: 'GROUP_UNAVAILABLE', retryAfterMs: 1_000 });
    expect(w.trace.filter((line) => line.includes('failedOver') || line.includes('Unavailable'))).toEqual([]);
    await w.clock.advance(4_000);
    expect(w.trace.at(-1)).toBe('5000 group team groupAvailable: a');
  });
});
