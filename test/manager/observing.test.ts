import fc from 'fast-check';
import type { Observable } from 'rxjs';
import { describe, expect, it } from 'vitest';
import type { ConnectionInfo, ConnectionState, ManagerEvent, Phase } from '../../src/index.ts';
import { collectingUncaught, outcomeOf, simulated, world } from './support.ts';

function record<T>(source: Observable<T>) {
  const seen: (T | 'completed' | 'failed')[] = [];
  const subscription = source.subscribe({
    next: (value) => seen.push(value),
    complete: () => seen.push('completed'),
    error: () => seen.push('failed'),
  });
  return {
    seen,
    unsubscribe: () => {
      subscription.unsubscribe();
    },
  };
}

describe('state$', () => {
  it('gives the current state first, then every change once, and completes with the last', async () => {
    const w = world();
    const session = await w.add('a', { waitForReady: false });
    const { seen } = record(session.state$);
    w.server('a').exit();
    await w.clock.advance(250);
    w.server('a').hang();
    await w.clock.advance(20_000);
    const removed = outcomeOf(w.manager.removeServer('a'));
    await w.clock.settle();
    removed.value();
    expect(seen).toEqual(['healthy', 'disconnected', 'connecting', 'healthy', 'degraded', 'disconnected', 'completed']);
    expect(record(session.state$).seen).toEqual(['disconnected', 'completed']);
  });
});

describe('info$', () => {
  it('tells changes of phase at once and counts at most every 50 ms, the last of them never lost', async () => {
    const w = world();
    const session = await w.add('a');
    const { seen } = record<ConnectionInfo>(session.info$);
    const told = (): unknown[] =>
      seen.splice(0).map((info) => (typeof info === 'string' ? info : `${info.phase} ${info.successfulRequests}`));
    expect(told()).toEqual(['connected.healthy 0']);
    for (let n = 0; n < 10; n += 1) await session.callTool('echo');
    expect(told()).toHaveLength(1);
    await w.clock.advance(49);
    expect(told()).toEqual([]);
    await w.clock.advance(1);
    expect(told()).toEqual(['connected.healthy 10']);
    await session.callTool('echo');
    w.server('a').exit();
    await w.clock.settle();
    expect(told().slice(-2)).toEqual(['releasing 11', 'disconnected.backingOff 11']);
    const removed = outcomeOf(w.manager.removeServer('a'));
    await w.clock.settle();
    removed.value();
    expect(told()).toEqual(['closed 11', 'completed']);
    const late = record<ConnectionInfo>(session.info$);
    expect(late.seen.map((info) => (typeof info === 'string' ? info : info.phase))).toEqual(['closed', 'completed']);
  });

  it('tells of every check, also of one that changes nothing else, and of none that learned nothing', async () => {
    const w = world();
    const session = await w.add('a');
    const checked: number[] = [];
    const start = w.clock.wall();
    session.info$.subscribe(({ lastHealthCheck }) => {
      const ms = (lastHealthCheck ?? Number.NaN) - start;
      if (ms !== checked.at(-1)) checked.push(ms);
    });
    await w.clock.advance(50_000);
    expect(checked).toEqual([0, 15_000, 45_000]);
    w.server('a').answersPing = false;
    await w.clock.advance(26_000);
    await w.clock.stall(7_000);
    expect(w.trace.at(-1)).toBe('83000 a 1 check void');
    w.server('a').answersPing = true;
    await w.clock.advance(3_000);
    expect(checked).toEqual([0, 15_000, 45_000, 85_500]);
  });

  it('leaves no timer when it is unsubscribed', async () => {
    const w = world();
    const session = await w.add('a');
    const before = w.clock.pendingTimers;
    const { unsubscribe } = record(session.info$);
    await session.callTool('echo');
    expect(w.clock.pendingTimers).toBe(before + 1);
    unsubscribe();
    expect(w.clock.pendingTimers).toBe(before);
  });
});

describe('catalog$', () => {
  it('gives the current catalog first, then every other one, and completes', async () => {
    const w = world();
    const session = await w.add('a', { lazy: true });
    const { seen } = record(session.catalog$);
    const ready = outcomeOf(session.ready());
    await w.clock.settle();
    ready.value();
    w.server('a').exit();
    await w.clock.advance(250);
    const removed = outcomeOf(w.manager.removeServer('a'));
    await w.clock.settle();
    removed.value();
    expect(
      seen.map((each) =>
        typeof each === 'string'
          ? each
          : `${each.tools.length} ${each.known ? 'known' : 'unknown'} ${each.stale ? 'stale' : 'fresh'} ${each.generation}`,
      ),
    ).toEqual([
      '0 unknown stale 0',
      '1 known fresh 1',
      '1 known stale 1',
      '1 known fresh 2',
      '1 known stale 2',
      'completed',
    ]);
  });
});

describe('stats$ and sessions$', () => {
  it('stats$ gives the present counts first, then every change, and completes with zeros', async () => {
    const w = world();
    const { seen } = record(w.manager.stats$);
    await w.add('a');
    await w.add('b');
    const closed = outcomeOf(w.manager.close());
    await w.clock.settle();
    closed.value();
    const brief = seen.map((each) =>
      typeof each === 'string'
        ? each
        : Object.entries(each)
            .filter(([, count]) => count > 0)
            .map(([state, count]) => `${count} ${state}`)
            .join(', '),
    );
    expect(brief).toEqual([
      '',
      '1 disconnected',
      '1 connecting',
      '1 healthy',
      '1 healthy, 1 disconnected',
      '1 connecting, 1 healthy',
      '2 healthy',
      '1 healthy, 1 disconnected',
      '2 disconnected',
      '1 disconnected',
      '',
      'completed',
    ]);
    expect(record(w.manager.stats$).seen).toEqual([
      { connecting: 0, healthy: 0, degraded: 0, unhealthy: 0, disconnected: 0 },
      'completed',
    ]);
  });

  it('sessions$ gives at most one list per 50 ms, and never loses the last', async () => {
    const w = world();
    const { seen } = record<readonly ConnectionInfo[]>(w.manager.sessions$);
    const told = (): unknown[] =>
      seen
        .splice(0)
        .map((list) => (typeof list === 'string' ? list : list.map((info) => `${info.id} ${info.state}`).join(', ')));
    expect(told()).toEqual(['']);
    await w.add('a');
    await w.add('b');
    expect(told()).toEqual(['a disconnected']);
    await w.clock.advance(50);
    expect(told()).toEqual(['a healthy, b healthy']);
    await w.clock.advance(1_000);
    expect(told()).toEqual([]);
    const closed = outcomeOf(w.manager.close());
    await w.clock.settle();
    closed.value();
    const rest = told();
    expect(rest.slice(-2)).toEqual(['', 'completed']);
    expect(record(w.manager.sessions$).seen).toEqual([[], 'completed']);
    expect(w.clock.pendingTimers).toBe(0);
  });

  it('sessions$ shares the infos that did not change', async () => {
    const w = world();
    await w.add('a');
    await w.add('b');
    const before = w.manager.listSessions();
    await w.manager.session('a').callTool('echo');
    const after = w.manager.listSessions();
    expect(after[1]).toBe(before[1]);
    expect(after[0]).not.toBe(before[0]);
  });
});

describe('events$', () => {
  it('is hot: a late subscriber hears only what is still to come', async () => {
    const w = world();
    await w.add('a');
    const { seen } = record<ManagerEvent>(w.manager.events$);
    expect(seen).toEqual([]);
    w.server('a').exit();
    await w.clock.settle();
    expect(seen.map((event) => (typeof event === 'string' ? event : event.seq))).toEqual([8, 9, 10]);
  });

  it('comes in order to every subscriber, also when an earlier one acts upon an event', async () => {
    const w = world();
    w.manager.events$.subscribe((event) => {
      if (event.type === 'serverAdded' && event.serverId === 'a')
        void w.manager.addServer('b', simulated, { waitForReady: false });
    });
    const { seen } = record<ManagerEvent>(w.manager.events$);
    await w.add('a');
    const numbers = seen.map((event) => (typeof event === 'string' ? 0 : event.seq));
    expect(numbers).toEqual(numbers.map((_, index) => index + 1));
  });

  it('of one session are its own, and end with its removal', async () => {
    const w = world();
    const session = await w.add('a');
    await w.add('b');
    const { seen } = record<ManagerEvent>(session.events$);
    w.server('b').exit();
    const removed = outcomeOf(w.manager.removeServer('a'));
    await w.clock.settle();
    removed.value();
    expect(seen.map((event) => (typeof event === 'string' ? event : `${event.serverId} ${event.type}`))).toEqual([
      'a stateChanged',
      'a stateChanged',
      'a serverRemoved',
      'completed',
    ]);
    expect(record(session.events$).seen).toEqual(['completed']);
  });

  it('carries the stamp of its moment', async () => {
    const w = world();
    await w.clock.advance(5);
    await w.add('a');
    expect(w.events[0]).toEqual({
      seq: 1,
      at: Date.UTC(2026, 0, 1) + 5,
      serverId: 'a',
      generation: 0,
      type: 'serverAdded',
    });
    expect(w.events[1]).toEqual({
      seq: 2,
      at: Date.UTC(2026, 0, 1) + 5,
      serverId: 'a',
      generation: 1,
      type: 'stateChanged',
      from: 'disconnected',
      to: 'connecting',
      fromPhase: 'idle',
      phase: 'connecting.opening',
      pid: null,
      attempt: 0,
      nextAttemptAt: null,
      reason: null,
    });
  });
});

describe('a subscriber that throws', () => {
  it('reaches uncaughtException and nobody else', async () => {
    const w = world();
    const thrown = new Error('mine');
    const boom = (): void => {
      throw thrown;
    };
    const session = await w.add('a');
    let calls = 0;
    const caught = await collectingUncaught(async () => {
      const throwing = [
        w.manager.events$.subscribe(() => {
          calls += 1;
          boom();
        }),
        w.manager.stats$.subscribe(boom),
        w.manager.sessions$.subscribe(boom),
        session.state$.subscribe(boom),
        session.info$.subscribe(boom),
        session.catalog$.subscribe(boom),
        session.events$.subscribe(boom),
        session.notifications$.subscribe(boom),
      ];
      const { seen } = record<ManagerEvent>(w.manager.events$);
      w.server('a').notify('notifications/message');
      w.server('a').exit();
      await w.clock.advance(300);
      for (const subscription of throwing) subscription.unsubscribe();
      expect(seen.length).toBe(calls);
      expect(calls).toBeGreaterThan(5);
    });
    expect(caught.length).toBeGreaterThan(5);
    expect(caught.every((each) => each === thrown)).toBe(true);
    expect(session.info).toMatchObject({ state: 'healthy', generation: 2 });
    expect(w.events.map((event) => event.seq)).toEqual(w.events.map((_, index) => index + 1));
  });
});

describe('snapshot()', () => {
  it('is frozen throughout, plain data, and the same object until something changes', async () => {
    const w = world();
    const session = await w.add('a');
    const snapshot = w.manager.snapshot();
    expect(w.manager.snapshot()).toBe(snapshot);
    expect(JSON.parse(JSON.stringify(snapshot))).toEqual(snapshot);
    expect(unfrozen(snapshot)).toEqual([]);
    await session.callTool('echo');
    const next = w.manager.snapshot();
    expect(next).not.toBe(snapshot);
    expect(next.sessions[0]?.successfulRequests).toBe(1);
  });

  it('numbers the last event that it includes, whatever that event was', async () => {
    const w = world();
    const session = await w.add('a');
    await session.callTool('echo');
    w.manager.snapshot();
    await w.clock.advance(15_000);
    expect(w.trace.at(-1)).toBe('15000 a 1 tick');
    expect(w.manager.snapshot().seq).toBe(w.events.at(-1)?.seq);
  });

  it('taken in any callback has the number of the last event that its states include', async () => {
    const w = world();
    const wrong: string[] = [];
    const states = new Map<string, string>();
    const replayed = new Map<number, string>();
    w.manager.events$.subscribe((event) => {
      if (event.type === 'serverAdded') states.set(event.serverId, 'idle');
      if (event.type === 'serverRemoved') states.delete(event.serverId);
      if (event.type === 'stateChanged') states.set(event.serverId, event.phase);
      replayed.set(event.seq, JSON.stringify([...states]));
    });
    const taken: { seq: number; states: string }[] = [];
    const take = (): void => {
      const { seq, sessions } = w.manager.snapshot();
      taken.push({ seq, states: JSON.stringify(sessions.map((info) => [info.id, info.phase])) });
    };
    w.manager.stats$.subscribe(take);
    w.manager.events$.subscribe(take);
    const session = await w.add('a');
    session.state$.subscribe(take);
    w.server('a').exit();
    await w.clock.advance(300);
    for (const { seq, states: shown } of taken) {
      const expected = replayed.get(seq) ?? '[]';
      if (shown !== expected) wrong.push(`${seq}: ${shown} is not ${expected}`);
    }
    expect(wrong).toEqual([]);
  });
});

function unfrozen(value: unknown, path = ''): string[] {
  if (typeof value !== 'object' || value === null) return [];
  const inner = Object.entries(value).flatMap(([key, item]) => unfrozen(item, `${path}.${key}`));
  return Object.isFrozen(value) ? inner : [path, ...inner];
}

describe('whatever happens', () => {
  it('replaying the events gives the present states, numbers have no gap, and the counts add up', async () => {
    const action = fc.oneof(
      fc.record({
        do: fc.constantFrom(
          'exit',
          'breakLink',
          'loseSession',
          'hang',
          'hangLink',
          'resume',
          'fault',
          'reconnect',
          'call',
          'remove',
          'add',
          'refuse',
          'accept',
          'mute',
          'unmute',
        ),
        to: fc.integer({ min: 0, max: 4 }),
      }),
      fc.record({ do: fc.constant('advance'), to: fc.integer({ min: 0, max: 40_000 }) }),
    );
    await fc.assert(
      fc.asyncProperty(
        fc.array(action, { minLength: 20, maxLength: 60 }),
        fc.infiniteStream(fc.double({ min: 0, max: 1, maxExcluded: true, noNaN: true })),
        async (actions, chance) => {
          const w = world({ behaviour: { pid: 100 } });
          w.random = () => (chance.next().value as number | undefined) ?? 0;
          const states = new Map<string, ConnectionState>();
          const phases = new Map<string, Phase>();
          let seq = 0;
          const breaks: string[] = [];
          w.manager.events$.subscribe((event) => {
            seq += 1;
            if (event.seq !== seq) breaks.push(`${event.seq} comes where ${seq} should`);
            switch (event.type) {
              case 'serverAdded':
                states.set(event.serverId, 'disconnected');
                phases.set(event.serverId, 'idle');
                break;
              case 'serverRemoved':
                states.delete(event.serverId);
                phases.delete(event.serverId);
                break;
              case 'stateChanged':
                if (event.from !== states.get(event.serverId) || event.fromPhase !== phases.get(event.serverId)) {
                  breaks.push(
                    `${event.seq} leaves ${event.from} (${event.fromPhase}), where ${event.serverId} was not`,
                  );
                }
                states.set(event.serverId, event.to);
                phases.set(event.serverId, event.phase);
                break;
              default:
            }
          });
          const calls: { readonly state: string }[] = [];
          for (const step of actions) {
            const id = `s${step.to}`;
            const server = w.server(step.do === 'advance' ? 's0' : id);
            const exists = w.manager.getSessionInfo(id) !== undefined;
            switch (step.do) {
              case 'advance':
                await w.clock.advance(step.to);
                break;
              case 'add':
                if (!exists)
                  calls.push(outcomeOf(w.manager.addServer(id, simulated, { waitForReady: step.to % 2 === 0 })));
                break;
              case 'remove':
                calls.push(outcomeOf(w.manager.removeServer(id, { drainMs: step.to * 100 })));
                break;
              case 'reconnect':
                try {
                  if (exists) w.manager.session(id).reconnect();
                } catch {
                  // It is being removed.
                }
                break;
              case 'call':
                if (exists) calls.push(outcomeOf(w.manager.session(id).callTool('echo')));
                break;
              case 'refuse':
                server.refuse = { kind: 'unreachable', code: 'ECONNREFUSED', message: 'refused' };
                break;
              case 'accept':
                server.refuse = null;
                break;
              case 'mute':
                server.answersCalls = false;
                break;
              case 'unmute':
                server.answersCalls = true;
                break;
              case 'fault':
                server.fault({ kind: 'protocol', code: 'junk', message: 'junk' });
                break;
              case 'exit':
              case 'breakLink':
              case 'loseSession':
              case 'hang':
              case 'hangLink':
              case 'resume':
                server[step.do]();
                break;
              default:
            }
            if (step.to % 3 === 0) await w.clock.settle();
            const now = w.manager.listSessions();
            expect(breaks).toEqual([]);
            expect(Object.fromEntries(now.map((info) => [info.id, `${info.state} ${info.phase}`]))).toEqual(
              Object.fromEntries([...states].map(([each, state]) => [each, `${state} ${String(phases.get(each))}`])),
            );
            expect(Object.values(w.manager.sessionStats()).reduce((sum, count) => sum + count, 0)).toBe(
              w.manager.sessionCount,
            );
            for (const info of now) {
              const waits = info.phase.startsWith('disconnected.') && info.phase !== 'disconnected.stopped';
              expect(info.nextAttemptAt !== null, `${info.id} ${info.phase}`).toBe(waits);
            }
            for (const each of w.sim.all()) expect(each.maxLiveLinks).toBeLessThanOrEqual(1);
          }
          const closed = outcomeOf(w.manager.close({ drainMs: 0 }));
          await w.clock.settle();
          expect(closed.state).toBe('resolved');
          expect(w.clock.pendingTimers).toBe(0);
          expect(calls.every((call) => call.state !== 'pending')).toBe(true);
          for (const each of w.sim.all()) {
            expect(each.liveLinks).toBe(0);
            // A server that is removed and added again starts anew from generation 1.
            for (const [index, generation] of each.generations.entries()) {
              expect(generation === 1 || generation === (each.generations[index - 1] ?? 0) + 1).toBe(true);
            }
          }
        },
      ),
      { numRuns: 60 },
    );
  }, 60_000);
});
