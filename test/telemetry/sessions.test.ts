import { describe, expect, it } from 'vitest';
import type { ServerOptions } from '../../src/index.ts';
import { grouped } from '../manager/group-world.ts';
import { outcomeOf, world, type World } from '../manager/support.ts';
import { telemetryOf, type Telemetry } from './telemetry-world.ts';

const server = { 'holdfast.server.id': 'a' };

async function held(options: ServerOptions = {}): Promise<{ readonly w: World; readonly telemetry: Telemetry }> {
  const w = world();
  await w.add('a', options);
  return { w, telemetry: telemetryOf(w.manager) };
}

describe('how long a connection lasted', () => {
  const name = 'mcp.client.session.duration';
  const protocol = { 'mcp.protocol.version': '2025-11-25' };

  it('is told when it is lost, also of one that was established before anybody counted', async () => {
    const { w, telemetry } = await held();
    await w.clock.advance(10_000);
    expect(await telemetry.series(name)).toEqual([]);
    w.server('a').kill();
    await w.clock.settle();
    const lost = [
      { ...server, ...protocol, 'error.type': 'connection_lost' },
      { count: 1, sum: 10 },
    ];
    expect(await telemetry.series(name)).toEqual([lost]);
    await w.clock.advance(250);
    await w.clock.advance(5_000);
    w.server('a').kill();
    await w.clock.settle();
    expect(await telemetry.series(name)).toEqual([[lost[0], { count: 2, sum: 15 }]]);
  });

  it('has session_lost as its error when the server forgot the session', async () => {
    const { w, telemetry } = await held();
    await w.clock.advance(1_000);
    w.server('a').loseSession();
    await w.clock.settle();
    expect(await telemetry.series(name)).toEqual([
      [
        { ...server, ...protocol, 'error.type': 'session_lost' },
        { count: 1, sum: 1 },
      ],
    ]);
    expect(await telemetry.series('holdfast.session.losses')).toEqual([[server, 1]]);
  });

  it.for(['reconnect', 'removeServer', 'close'] as const)('has no error when it ends by %s', async (how) => {
    const { w, telemetry } = await held();
    await w.clock.advance(1_000);
    if (how === 'reconnect') w.manager.session('a').reconnect();
    else if (how === 'removeServer') void w.manager.removeServer('a');
    else void w.manager.close();
    await w.clock.settle();
    expect(await telemetry.series(name)).toEqual([
      [
        { ...server, ...protocol },
        { count: 1, sum: 1 },
      ],
    ]);
  });

  it('has circuit_open as its error when its calls had opened the circuit', async () => {
    const { w, telemetry } = await held({ circuitBreaker: { failureThreshold: 2 } });
    w.server('a', { losesReplies: { kind: 'transport', code: 'ECONNRESET', message: 'lost' } });
    for (const _ of [1, 2]) {
      await Promise.allSettled([w.manager.session('a').callTool('echo')]);
      await w.clock.settle();
    }
    await w.clock.advance(11_000);
    const [first] = await telemetry.series(name);
    expect(first?.[0]).toMatchObject({ 'error.type': 'circuit_open' });
    expect(await telemetry.series('holdfast.circuit.trips')).toEqual([[server, 1]]);
  });

  it('has no error when the server is removed while its circuit is open', async () => {
    const { w, telemetry } = await held({ circuitBreaker: { failureThreshold: 1 } });
    w.server('a', { losesReplies: { kind: 'transport', code: 'ECONNRESET', message: 'lost' }, killMs: 1_000 });
    await Promise.allSettled([w.manager.session('a').callTool('echo')]);
    void w.manager.removeServer('a');
    await w.clock.advance(20_000);
    expect(await telemetry.series('holdfast.circuit.trips')).toEqual([[server, 1]]);
    expect(await telemetry.series(name)).toEqual([
      [
        { ...server, ...protocol },
        { count: 1, sum: 0 },
      ],
    ]);
  });
});

describe('the state of a session', () => {
  it('is 1 for the one that it is in, and 0 for those that it was in, also after it was removed', async () => {
    const { w, telemetry } = await held();
    const state = async () =>
      (await telemetry.series('holdfast.session.state')).map(([attributes, value]) => [
        attributes['holdfast.session.state'],
        value,
      ]);
    expect(await state()).toEqual([['healthy', 1]]);
    w.server('a').kill();
    await w.clock.settle();
    expect(await state()).toEqual([
      ['healthy', 0],
      ['disconnected', 1],
    ]);
    await w.clock.advance(250);
    expect(await state()).toEqual([
      ['healthy', 1],
      ['disconnected', 0],
    ]);
    const removed = w.manager.removeServer('a');
    await w.clock.advance(10_000);
    await removed;
    expect(await state()).toEqual([
      ['healthy', 0],
      ['disconnected', 0],
    ]);
  });

  it('is summed up over all of them', async () => {
    const { w, telemetry } = await held();
    await w.add('b');
    w.server('b').kill();
    await w.clock.settle();
    expect(await telemetry.series('holdfast.sessions')).toEqual(
      Object.entries({ connecting: 0, healthy: 1, degraded: 0, unhealthy: 0, disconnected: 1 }).map(
        ([state, count]) => [{ 'holdfast.session.state': state }, count],
      ),
    );
  });

  it('is counted whenever it changes, and so is each connection', async () => {
    const { w, telemetry } = await held();
    w.server('a').kill();
    await w.clock.advance(250);
    const into = (state: string) => ({ ...server, 'holdfast.session.state': state });
    expect(await telemetry.series('holdfast.session.transitions')).toEqual([
      [into('disconnected'), 1],
      [into('connecting'), 1],
      [into('healthy'), 1],
    ]);
    expect(await telemetry.series('holdfast.connections')).toEqual([[server, 1]]);
    expect(await telemetry.series('holdfast.reconnect.delay')).toEqual([[server, { count: 1, sum: 0.25 }]]);
  });

  it('parked says for what it waits, and when it next acts', async () => {
    const { w, telemetry } = await held();
    w.server('a', { refuse: { kind: 'auth', code: 'http:401', message: 'it wants other credentials' } });
    w.server('a').kill();
    await w.clock.advance(1_000);
    const parked = { ...server, 'holdfast.park.reason': 'auth' };
    expect(await telemetry.series('holdfast.session.parked')).toEqual([[parked, 1]]);
    const { nextAttemptAt } = w.manager.session('a').info;
    expect(await telemetry.series('holdfast.session.next_attempt')).toEqual([[server, Number(nextAttemptAt) / 1_000]]);
    w.server('a', { refuse: null });
    w.manager.session('a').reconnect();
    await w.clock.advance(1_000);
    expect(await telemetry.series('holdfast.session.parked')).toEqual([[parked, 0]]);
    expect(await telemetry.series('holdfast.session.next_attempt')).toEqual([[server, 0]]);
  });
});

describe('health checks', () => {
  it('are counted by their result, and timed when they are answered', async () => {
    const { w, telemetry } = await held();
    w.server('a', { answerMs: 100 });
    await w.clock.advance(40_000);
    w.server('a').hang();
    await w.clock.advance(36_000);
    const result = (word: string) => ({ ...server, 'holdfast.health_check.result': word });
    expect(await telemetry.series('holdfast.health_checks')).toEqual([
      [result('ok'), 1],
      [result('failed'), 3],
    ]);
    const [[, duration] = []] = await telemetry.series('holdfast.health_check.duration');
    expect(duration).toEqual({ count: 1, sum: 0.1 });
    expect(await telemetry.series('holdfast.session.failed_health_checks')).toEqual([[server, 3]]);
    expect((await telemetry.series('holdfast.session.last_health_check')).length).toBe(1);
  });
});

describe('a group', () => {
  it('shows its active member, its state, its members that take calls, and counts its moves', async () => {
    const { w } = await grouped(['a', 'b']);
    const telemetry = telemetryOf(w.manager);
    const group = { 'holdfast.group.id': 'team' };
    const on = (id: string) => ({ ...group, 'holdfast.server.id': id });
    const phase = (state: string) => ({ ...group, 'holdfast.group.state': state });
    expect(await telemetry.series('holdfast.group.active')).toEqual([[on('a'), 1]]);
    w.server('a', { refuse: { kind: 'unreachable', code: 'ECONNREFUSED', message: 'nobody there' } });
    w.server('a').kill();
    await w.clock.settle();
    expect(await telemetry.series('holdfast.group.active')).toEqual([
      [on('a'), 0],
      [on('b'), 1],
    ]);
    expect(await telemetry.series('holdfast.group.state')).toEqual([
      [phase('onPrimary'), 0],
      [phase('onBackup'), 1],
    ]);
    expect(await telemetry.series('holdfast.group.members.admitting')).toEqual([[group, 1]]);
    w.server('a', { refuse: null });
    await w.clock.advance(200_000);
    expect(await telemetry.series('holdfast.failovers')).toEqual([[group, 1]]);
    expect(await telemetry.series('holdfast.failbacks')).toEqual([[group, 1]]);
  });
});

describe('what goes wrong inside', () => {
  it('is counted: faults of a link that stands, tools that changed, links that do not let go, crashes', async () => {
    const { w, telemetry } = await held();
    w.server('a').fault({ kind: 'protocol', code: 'not-json', message: 'a line is no message' });
    w.server('a', { tools: [{ name: 'echo', description: 'another one', inputSchema: {} }], neverCloses: true });
    w.server('a').notify('notifications/tools/list_changed');
    await w.clock.advance(1_000);
    w.manager.session('a').reconnect();
    await w.clock.advance(60_000);
    w.server('a', { neverCloses: false });
    w.random = () => {
      w.random = () => 0.5;
      throw new Error('no chance');
    };
    w.server('a').exit();
    await w.clock.advance(60_000);
    const counts: unknown[] = [];
    for (const name of ['link.faults', 'tool.changes', 'link.leaks', 'session.crashes']) {
      counts.push(await telemetry.series(`holdfast.${name}`));
    }
    expect(counts).toEqual([1, 2, 3, 4].map(() => [[server, 1]]));
  });
});

describe('telemetry', () => {
  it('has counted to 0 before anything happens, so that the first time shows as growth', async () => {
    const w = world();
    const telemetry = telemetryOf(w.manager);
    await w.add('a');
    w.manager.addGroup('team', { primary: 'a', backups: [] });
    expect(await telemetry.series('holdfast.circuit.trips')).toEqual([[server, 0]]);
    expect(await telemetry.series('holdfast.failovers')).toEqual([[{ 'holdfast.group.id': 'team' }, 0]]);
  });

  it('that is stopped counts nothing more, and observes nothing', async () => {
    const { w, telemetry } = await held();
    telemetry.stop();
    w.server('a').kill();
    await w.clock.advance(1_000);
    await w.manager.session('a').callTool('echo');
    const counted = (await telemetry.metrics()).flatMap(({ series }) => series.map(([, value]) => value));
    expect(new Set(counted)).toEqual(new Set([0]));
  });

  it('stops by itself when the manager is closed', async () => {
    const { w, telemetry } = await held();
    const closed = outcomeOf(w.manager.close());
    await w.clock.settle();
    closed.value();
    expect((await telemetry.series('holdfast.sessions')).length).toBe(0);
  });

  it('reports the delay of the event loop', async () => {
    const { telemetry } = await held();
    for (const name of ['p50', 'p99', 'max']) {
      const [[, value] = []] = await telemetry.series(`nodejs.eventloop.delay.${name}`);
      expect(value).toBeGreaterThanOrEqual(0);
    }
  });
});
