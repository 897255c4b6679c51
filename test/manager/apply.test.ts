import { describe, expect, it } from 'vitest';
import { apply, config, problem, roomyWorld, words } from './applied-config.ts';
import { failureOf, outcomeOf } from './support.ts';

const pair = { primary: 'a', backups: ['b'] };

describe('a configuration that is applied', () => {
  it('has its enabled servers and its groups added, in its order', async () => {
    const w = roomyWorld();
    const report = await apply(w, { servers: { b: {}, off: { off: true }, a: {} }, groups: { pair } });
    expect([words(report.servers), words(report.groups)]).toEqual([['b added', 'a added'], ['pair added']]);
    expect(w.manager.listSessions().map(({ id, state, groups }) => [id, state, groups])).toEqual([
      ['b', 'healthy', ['pair']],
      ['a', 'healthy', ['pair']],
    ]);
    expect(w.manager.group('pair').active).toBe('a');
  });

  it('once more, is told as unchanged, and nothing happens', async () => {
    const w = roomyWorld();
    const written = { servers: { a: { lazy: true }, b: { args: '1' } }, groups: { pair } };
    await apply(w, written);
    w.news();
    const report = await apply(w, written);
    expect([...words(report.servers), ...words(report.groups)]).toEqual([
      'a unchanged',
      'b unchanged',
      'pair unchanged',
    ]);
    expect(w.news()).toEqual([]);
  });

  it('is carried out before its servers are ready, and they keep trying', async () => {
    const w = roomyWorld({
      behaviour: { refuse: { kind: 'spawn', code: 'ENOENT', message: 'there is no such program' } },
    });
    const report = await apply(w, { servers: { a: {} } });
    expect(words(report.servers)).toEqual(['a added']);
    expect(w.manager.getSessionInfo('a')).toMatchObject({ state: 'disconnected' });
  });

  it('replaces the one server that has changed, once its calls in flight have ended, and touches no other', async () => {
    const w = roomyWorld();
    await apply(w, { servers: { a: {}, b: {} }, groups: { pair } });
    w.server('b', { answerMs: 2_000 });
    const a = w.manager.session('a');
    const b = w.manager.session('b');
    const call = outcomeOf(b.callTool('echo'), w.clock);
    await w.clock.settle();
    const applied = outcomeOf(
      w.manager.apply(config({ servers: { a: {}, b: { args: 'new' } }, groups: { pair } })),
      w.clock,
    );
    await w.clock.advance(1_999);
    expect([applied.state, call.state]).toEqual(['pending', 'pending']);
    w.server('b', { answerMs: 0 });
    await w.clock.advance(1);
    expect(call.value()).toEqual({ content: [{ type: 'text', text: '{}' }] });
    expect(words(applied.value().servers)).toEqual(['a unchanged', 'b replaced']);
    expect(w.manager.session('a')).toBe(a);
    expect(w.manager.session('b')).not.toBe(b);
    expect(w.manager.getSessionInfo('b')).toMatchObject({ state: 'healthy', generation: 1, groups: ['pair'] });
    expect(w.manager.group('pair').members.map(({ id, state }) => [id, state])).toEqual([
      ['a', 'healthy'],
      ['b', 'healthy'],
    ]);
  });

  it('removes what it no longer has, or disables, and gives back its place', async () => {
    const w = roomyWorld({ config: { maxConnections: 2 } });
    await apply(w, { servers: { a: {}, b: {} }, groups: { pair } });
    const report = await apply(w, { servers: { a: { off: true }, c: {}, d: {} } });
    expect([words(report.servers), words(report.groups)]).toEqual([
      ['c added', 'd added', 'a removed', 'b removed'],
      ['pair removed'],
    ]);
    expect(w.manager.listSessions().map(({ id, state }) => [id, state])).toEqual([
      ['c', 'healthy'],
      ['d', 'healthy'],
    ]);
  });

  it('replaces the servers that a changed default concerns, and no others', async () => {
    const w = roomyWorld();
    const servers = { a: {}, b: { maxInFlight: 3 }, c: { reconnect: { delayMs: 7 } } };
    await apply(w, { servers, defaults: { maxInFlight: 2, reconnect: { delayMs: 5 } } });
    const some = await apply(w, { servers, defaults: { maxInFlight: 4, reconnect: { delayMs: 5 } } });
    expect(words(some.servers)).toEqual(['a replaced', 'b unchanged', 'c replaced']);
    const others = await apply(w, { servers, defaults: { maxInFlight: 4, reconnect: { delayMs: 6 } } });
    expect(words(others.servers)).toEqual(['a replaced', 'b replaced', 'c unchanged']);
  });

  it('has its settings in force over those of the manager, key by key', async () => {
    const w = roomyWorld({ config: { defaults: { maxInFlight: 1, maxQueue: 7 } }, behaviour: { answersCalls: false } });
    await apply(w, { servers: { shop: {} }, defaults: { maxQueue: 0 } });
    const [sent, refused] = [0, 1].map(() => outcomeOf(w.manager.session('shop').callTool('echo')));
    await w.clock.settle();
    expect([sent?.state, w.server('shop').executed.length]).toEqual(['pending', 1]);
    expect(refused?.error()).toMatchObject({ code: 'QUEUE_FULL', outcome: 'not-sent' });
  });

  it('may make a group of what was a server, and a server of what was a group', async () => {
    const w = roomyWorld();
    await apply(w, { servers: { a: {}, b: {}, x: {} }, groups: { y: pair } });
    const report = await apply(w, { servers: { a: {}, b: {}, y: {} }, groups: { x: pair } });
    expect([words(report.servers), words(report.groups)]).toEqual([
      ['a unchanged', 'b unchanged', 'y added', 'x removed'],
      ['x added', 'y removed'],
    ]);
  });

  it('replaces a changed group within one turn, so that it is never missing', async () => {
    const w = roomyWorld();
    await apply(w, { servers: { a: {}, b: {} }, groups: { pair } });
    const seen: (string | undefined)[] = [];
    w.manager.events$.subscribe(() => {
      queueMicrotask(() => {
        seen.push(w.manager.listGroups().find(({ id }) => id === 'pair')?.active ?? undefined);
      });
    });
    const report = await apply(w, { servers: { a: {}, b: {} }, groups: { pair: { primary: 'b', backups: ['a'] } } });
    expect(words(report.groups)).toEqual(['pair replaced']);
    expect(new Set(seen)).toEqual(new Set(['b']));
  });

  it('leaves alone what was added by hand, also one of the same id, and takes it over once that is gone', async () => {
    const w = roomyWorld();
    const mine = await w.add('a');
    const refused = await apply(w, { servers: { a: {}, b: {} }, groups: { pair } });
    expect([words(refused.servers), words(refused.groups)]).toEqual([
      ['a refused DUPLICATE_SERVER', 'b added'],
      ['pair added'],
    ]);
    await apply(w, {});
    expect(w.manager.session('a')).toBe(mine);
    expect(w.manager.sessionCount).toBe(1);
    await w.manager.removeServer('a');
    expect(words((await apply(w, { servers: { a: {} } })).servers)).toEqual(['a added']);
  });

  it('adds again what somebody removed, and does not take for its own what somebody put there instead', async () => {
    const w = roomyWorld();
    await apply(w, { servers: { a: {}, b: {} } });
    await w.manager.removeServer('a');
    await w.manager.removeServer('b');
    const mine = await w.add('b');
    expect(words((await apply(w, { servers: { a: {}, b: {} } })).servers)).toEqual([
      'a added',
      'b refused DUPLICATE_SERVER',
    ]);
    await apply(w, {});
    expect(w.manager.listSessions().map(({ id }) => id)).toEqual(['b']);
    expect(w.manager.session('b')).toBe(mine);
  });

  it('is carried out after those that were applied before it', async () => {
    const w = roomyWorld();
    await apply(w, { servers: { a: {} } });
    w.server('a', { closeMs: 1_000 });
    const first = outcomeOf(w.manager.apply(config({ servers: { a: { args: '1' } } })));
    const second = outcomeOf(w.manager.apply(config({ servers: { b: {} } })));
    await w.clock.settle();
    expect([first.state, second.state, w.manager.sessionCount]).toEqual(['pending', 'pending', 1]);
    await w.clock.advance(2_000);
    expect(words(first.value().servers)).toEqual(['a replaced']);
    expect(words(second.value().servers)).toEqual(['b added', 'a removed']);
    expect(w.manager.listSessions().map(({ id }) => id)).toEqual(['b']);
  });
});

describe('a mistake in a configuration that is applied', () => {
  it('of one server is told as its refusal; what was held of it stays, and the others change', async () => {
    const w = roomyWorld();
    await apply(w, { servers: { a: {}, b: {} } });
    const a = w.manager.session('a');
    const report = await apply(w, { servers: { b: { args: 'new' } }, problems: [problem('a'), problem('new')] });
    expect(words(report.servers)).toEqual(['b replaced', 'a refused CONFIG, kept', 'new refused CONFIG']);
    expect(w.manager.session('a')).toBe(a);
  });

  it('that only shows when the server is added leaves the one that is held as it was', async () => {
    const w = roomyWorld();
    await apply(w, { servers: { a: {} } });
    w.news();
    const report = await apply(w, { servers: { a: { circuitBreaker: { minimumRequests: 9, windowSize: 3 } } } });
    expect(words(report.servers)).toEqual(['a refused INVALID_OPTION, kept']);
    expect(w.news()).toEqual([]);
  });

  it('that may concern any server keeps everything that is held as it was, and lets others in', async () => {
    const w = roomyWorld();
    await apply(w, { servers: { a: {}, b: {} }, groups: { pair } });
    const report = await apply(w, {
      servers: { a: { args: 'new' }, c: {} },
      problems: [problem(null, 'holdfast.defaults')],
    });
    expect([words(report.servers), words(report.groups)]).toEqual([
      ['a refused CONFIG, kept', 'c added', 'b refused CONFIG, kept'],
      ['pair refused CONFIG, kept'],
    ]);
    expect(w.manager.listSessions().map(({ id, generation }) => [id, generation])).toEqual([
      ['a', 1],
      ['b', 1],
      ['c', 1],
    ]);
  });

  it('of a group keeps the groups as they were, and no server', async () => {
    const w = roomyWorld();
    await apply(w, { servers: { a: {}, b: {}, c: {} }, groups: { pair, other: { primary: 'b', backups: ['a'] } } });
    const report = await apply(w, {
      servers: { a: {}, b: {} },
      groups: { other: { primary: 'b', backups: ['a'], failoverThreshold: 2 }, third: pair },
      problems: [problem(null, 'holdfast.groups.pair.primary')],
    });
    expect([words(report.servers), words(report.groups)]).toEqual([
      ['a unchanged', 'b unchanged', 'c removed'],
      ['other refused CONFIG, kept', 'third added', 'pair refused CONFIG, kept'],
    ]);
  });

  it('of a group that only shows when it is added is its refusal', async () => {
    const w = roomyWorld({ config: { maxConnections: 1 } });
    const report = await apply(w, {
      servers: { a: {}, b: {} },
      groups: { pair, odd: { primary: 'a', backups: ['a'] }, a: pair },
    });
    expect([words(report.servers), words(report.groups)]).toEqual([
      ['a added', 'b refused SESSION_LIMIT'],
      ['pair refused UNKNOWN_SERVER', 'odd refused INVALID_OPTION', 'a refused DUPLICATE_SERVER'],
    ]);
  });

  it('is what is no configuration at all', async () => {
    const w = roomyWorld();
    const codes = [null, 7, {}, { servers: [], groups: [], problems: [] }].map(async (wrong) => {
      const failure = await failureOf(() => w.manager.apply(wrong as never));
      return failure.code;
    });
    expect(new Set(await Promise.all(codes))).toEqual(new Set(['INVALID_OPTION']));
  });
});

it('a manager that is closed refuses to apply, also what waits for its turn', async () => {
  const w = roomyWorld();
  await apply(w, { servers: { a: {} } });
  w.server('a', { closeMs: 1_000 });
  const first = outcomeOf(w.manager.apply(config({ servers: { a: { args: '1' } } })));
  const second = outcomeOf(w.manager.apply(config({ servers: { b: {} } })));
  await w.clock.settle();
  const closed = outcomeOf(w.manager.close());
  await w.clock.advance(2_000);
  expect(closed.state).toBe('resolved');
  expect(words(first.value().servers)).toEqual(['a refused CLOSED']);
  expect(second.error().code).toBe('CLOSED');
  expect((await failureOf(() => w.manager.apply(config({})))).code).toBe('CLOSED');
  expect(w.manager.sessionCount).toBe(0);
});
