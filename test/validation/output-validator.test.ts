import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { createVirtualClock, type LeakCheck, startLeakCheck, type VirtualClock } from '../../src/testing/index.ts';
import { createOutputValidator } from '../../src/validation/output-validator.ts';
import type { CheckRequest, OutputValidator, Verdict } from '../../src/validation/validator.ts';
import { createFakeWorkers, type FakeWorkers } from './fake-workers.ts';

let clock: VirtualClock;
let workers: FakeWorkers;
let validator: OutputValidator;
/** `name: outcome` of every check that has settled, in that order. */
let settled: string[];
let leaks: LeakCheck;

beforeEach(() => {
  clock = createVirtualClock();
  leaks = startLeakCheck({ clock });
  workers = createFakeWorkers();
  settled = [];
  validator = createOutputValidator({ clock, startWorker: workers.start });
});

afterEach(async () => {
  const closed = validator.close();
  workers.gone();
  await closed;
  await leaks.verify();
});

const valid: Verdict = { kind: 'valid' };

/** A schema that is left to the worker, and is another one for each key. */
const schemaOf = (key: string): Record<string, unknown> => ({ type: 'string', pattern: `^${key}` });

/** Begins a check on the worker. */
function check(name: string, given: Partial<CheckRequest> = {}): Promise<Verdict> {
  const { key = name, server = 'server', value = 'text' } = given;
  const verdict = Promise.resolve(validator.check({ server, key, schema: schemaOf(key), value }));
  void verdict.then((each) => settled.push(`${name}: ${each.kind === 'unchecked' ? each.reason : each.kind}`));
  return verdict;
}

/** A worker that has been given the first check. */
function busyWith(name: string): Promise<Verdict> {
  const verdict = check(name);
  workers.ready();
  return verdict;
}

describe('a simple schema', () => {
  it('gets its verdict at once, and no worker and no timer come of it', () => {
    const schema = { type: 'object', properties: { n: { type: 'integer' } }, required: ['n'] };
    expect(validator.check({ server: 's', key: 'k', schema, value: { n: 1 } })).toEqual(valid);
    expect(validator.check({ server: 's', key: 'k', schema, value: { n: 'one' } })).toEqual({
      kind: 'invalid',
      path: '/n',
      message: 'must be integer',
    });
    expect([workers.log, clock.pendingTimers]).toEqual([[], 0]);
  });

  it('is left to the worker when the result is too large to be walked at once', async () => {
    const schema = { type: 'array', items: { type: 'integer' } };
    const value = Array.from({ length: 40_000 }, () => 1);
    const verdict = validator.check({ server: 's', key: 'k', schema, value });
    expect(verdict).toBeInstanceOf(Promise);
    workers.ready();
    workers.answer({ kind: 'valid' });
    expect(await verdict).toEqual(valid);
    expect(workers.log).toEqual(['1 starts', '1 is given k (with schema)']);
  });
});

describe('a schema that is not simple', () => {
  it('is checked by a worker that is started for it, and sent to it once', async () => {
    const first = check('a');
    expect(workers.log).toEqual(['1 starts']);
    workers.ready();
    workers.answer({ kind: 'invalid', path: '/x', message: 'must match pattern' });
    const second = check('a');
    workers.answer({ kind: 'valid' });
    expect(await Promise.all([first, second])).toEqual([
      { kind: 'invalid', path: '/x', message: 'must match pattern' },
      valid,
    ]);
    expect(workers.log).toEqual(['1 starts', '1 is given a (with schema)', '1 is given a']);
  });

  it('is held against one result at a time, and each server has its turn', async () => {
    for (const name of ['a1', 'a2', 'a3']) void check(name, { server: 'a' });
    void check('b1', { server: 'b' });
    void check('c1', { server: 'c' });
    workers.ready();
    for (let n = 0; n < 5; n += 1) workers.answer({ kind: 'valid' });
    await clock.settle();
    expect(settled).toEqual(['a1: valid', 'b1: valid', 'c1: valid', 'a2: valid', 'a3: valid']);
  });

  it('leaves at most 256 others compiled: the one that was used longest ago is forgotten', async () => {
    void check('k0');
    workers.ready();
    workers.answer({ kind: 'valid' });
    for (let n = 1; n <= 255; n += 1) {
      void check(`k${n}`);
      workers.answer({ kind: 'valid' });
    }
    for (const key of ['k0', 'k256', 'k1']) {
      void check(key);
      workers.answer({ kind: 'valid' });
    }
    await clock.settle();
    expect(workers.log.slice(-3)).toEqual([
      '1 is given k0',
      '1 is given k256 (with schema), forgets k1',
      '1 is given k1 (with schema), forgets k2',
    ]);
  });

  it('that the worker cannot use is given up: its results are unchecked without asking again', async () => {
    const first = busyWith('a');
    workers.answer({ kind: 'bad-schema', message: "can't resolve reference #/no" });
    const said = {
      kind: 'unchecked',
      reason: 'bad-schema',
      message: "the output schema cannot be used: can't resolve reference #/no",
    };
    expect(await first).toEqual({ ...said, repeated: false });
    expect(await check('a')).toEqual({ ...said, repeated: true });
    expect(workers.log).toEqual(['1 starts', '1 is given a (with schema)']);
  });

  it('that was given up is remembered among 1 024 schemas; the one that was asked for longest ago is forgotten', async () => {
    for (const key of ['a', 'b']) {
      void check(key);
      workers.ready();
      workers.answer({ kind: 'bad-schema', message: 'no' });
    }
    await clock.settle();
    for (let n = 0; n < 1_022; n += 1) void validator.check({ server: 's', key: `${n}`, schema: {}, value: 1 });
    expect(await check('a')).toMatchObject({ reason: 'bad-schema', repeated: true });
    void validator.check({ server: 's', key: 'one more', schema: {}, value: 1 });
    void check('a');
    void check('b');
    workers.answer({ kind: 'valid' });
    await clock.settle();
    expect(settled.slice(2)).toEqual(['a: bad-schema', 'a: bad-schema', 'b: valid']);
  });

  it('that cannot be applied to one result is tried with the next', async () => {
    const first = busyWith('a');
    workers.answer({ kind: 'failed', message: 'Maximum call stack size exceeded' });
    expect(await first).toEqual({
      kind: 'unchecked',
      reason: 'bad-schema',
      message: 'the output schema cannot be applied to the result: Maximum call stack size exceeded',
      repeated: false,
    });
    const second = check('a');
    workers.answer({ kind: 'valid' });
    expect(await second).toEqual(valid);
  });

  it('that is deeper than 128 levels or larger than 1 MB never comes to the worker', async () => {
    let deep: Record<string, unknown> = { pattern: 'x' };
    for (let n = 0; n < 20_000; n += 1) deep = { items: deep };
    const large = { pattern: 'x', description: 'x'.repeat(1_000_000) };
    expect(await validator.check({ server: 's', key: 'deep', schema: deep, value: [] })).toEqual({
      kind: 'unchecked',
      reason: 'bad-schema',
      message: 'the output schema is more than 128 levels deep',
      repeated: false,
    });
    expect(await validator.check({ server: 's', key: 'large', schema: large, value: '' })).toEqual({
      kind: 'unchecked',
      reason: 'bad-schema',
      message: 'the output schema is larger than 1000 kB',
      repeated: false,
    });
    expect(workers.log).toEqual([]);
  });
});

describe('a result', () => {
  it.each([
    ['of more than 1 MB', ['x'.repeat(500_000), 'x'.repeat(500_000)], 'the result is larger than 1000 kB'],
    ['with keys of more than 1 MB', { ['x'.repeat(1_000_000)]: 1 }, 'the result is larger than 1000 kB'],
    ['of more than 125 000 values', Array.from({ length: 125_000 }, () => 1), 'the result is larger than 1000 kB'],
    ['of more than 128 levels', nested(129), 'the result is more than 128 levels deep'],
  ])('%s never comes to the worker', async (_, value, message) => {
    expect(await check('a', { value })).toEqual({ kind: 'unchecked', reason: 'too-large', message, repeated: false });
    expect(workers.log).toEqual([]);
  });

  it('just within these limits is checked', async () => {
    for (const value of ['x'.repeat(999_992), nested(128)]) void check('a', { value });
    workers.ready();
    workers.answer({ kind: 'valid' });
    workers.answer({ kind: 'valid' });
    await clock.settle();
    expect(settled).toEqual(['a: valid', 'a: valid']);
  });

  it('that cannot be handed over is unchecked, and the worker goes on with the next', async () => {
    const first = busyWith('a');
    workers.refuseOrders(new Error('it could not be cloned'));
    const second = check('b');
    workers.answer({ kind: 'valid' });
    workers.refuseOrders(null);
    const third = check('b');
    workers.answer({ kind: 'valid' });
    expect(await Promise.all([first, second, third])).toEqual([
      valid,
      {
        kind: 'unchecked',
        reason: 'unavailable',
        message: 'it cannot be handed to the worker: it could not be cloned',
        repeated: false,
      },
      valid,
    ]);
    expect(workers.log).toEqual(['1 starts', '1 is given a (with schema)', '1 is given b (with schema)']);
  });

  it('with a long key, and a schema with a long name, are shortened in the verdict', () => {
    const long = 'x'.repeat(1_000);
    const schema = { additionalProperties: { required: [long] } };
    const verdict = validator.check({ server: 's', key: 'k', schema, value: { [long]: {} } });
    expect(verdict).toEqual({
      kind: 'invalid',
      path: `/${'x'.repeat(198)}…`,
      message: `must have required property '${'x'.repeat(270)}…`,
    });
  });
});

describe('a check that takes too long', () => {
  it('ends its worker after 250 ms, counted from when the worker was given it, and the next gets another', async () => {
    void check('a');
    void check('b');
    await clock.advance(3_000);
    workers.ready();
    await clock.advance(249);
    expect(settled).toEqual([]);
    await clock.advance(1);
    expect(settled).toEqual(['a: too-costly']);
    expect(workers.log).toEqual(['1 starts', '1 is given a (with schema)', '1 is terminated']);
    workers.gone();
    await clock.settle();
    workers.ready();
    workers.answer({ kind: 'valid' });
    await clock.settle();
    expect(settled).toEqual(['a: too-costly', 'b: valid']);
    expect(workers.log.slice(3)).toEqual(['1 is gone', '2 starts', '2 is given b (with schema)']);
  });

  it('is not one whose answer waits behind a block of our own event loop', async () => {
    const verdict = busyWith('a');
    clock.arrive(() => workers.answer({ kind: 'valid' }), 10);
    await clock.stall(1_000);
    expect(await verdict).toEqual(valid);
    expect(workers.log).not.toContain('1 is terminated');
  });

  it('has its answer ignored when that comes after all', async () => {
    const verdict = busyWith('a');
    await clock.advance(250);
    workers.answer({ kind: 'valid' });
    workers.ready();
    workers.crash({ outOfMemory: false, message: 'exit' });
    expect(await verdict).toEqual({
      kind: 'unchecked',
      reason: 'too-costly',
      message: 'the check took more than 250 ms',
      repeated: false,
    });
    expect(workers.log).toEqual(['1 starts', '1 is given a (with schema)', '1 is terminated']);
  });

  it('twice, quarantines its schema: what waits for it is not begun, and nothing is tried again', async () => {
    const first = busyWith('a');
    await clock.advance(250);
    workers.gone();
    await clock.settle();
    const others = ['a', 'a', 'b'].map((key) => check(key));
    workers.ready();
    await clock.advance(250);
    workers.gone();
    await clock.settle();
    workers.ready();
    workers.answer({ kind: 'valid' });
    const quarantined = {
      kind: 'unchecked',
      reason: 'quarantined',
      message: 'the check took more than 250 ms, as before; results of this schema are not checked any more',
    };
    expect(await first).toMatchObject({ reason: 'too-costly', repeated: false });
    expect(await Promise.all(others)).toEqual([
      { ...quarantined, repeated: false },
      { ...quarantined, repeated: true },
      valid,
    ]);
    expect(await check('a')).toEqual({ ...quarantined, repeated: true });
    expect(workers.log.filter((line) => line.includes('is given'))).toEqual([
      '1 is given a (with schema)',
      '2 is given a (with schema)',
      '3 is given b (with schema)',
    ]);
  });

  it('or memory, or makes the worker end, counts the same', async () => {
    const first = busyWith('a');
    workers.crash({ outOfMemory: true, message: 'Worker terminated due to reaching memory limit' });
    const second = check('a');
    workers.ready();
    workers.crash({ outOfMemory: false, message: 'it exited with code 7' });
    expect(await Promise.all([first, second])).toEqual([
      { kind: 'unchecked', reason: 'too-costly', message: 'the check took too much memory', repeated: false },
      {
        kind: 'unchecked',
        reason: 'quarantined',
        message:
          'the worker ended in the check: it exited with code 7, as before; results of this schema are not checked any more',
        repeated: false,
      },
    ]);
  });
});

describe('the queue', () => {
  it('takes 64 checks of one server beside the one under way, and refuses the next at once', async () => {
    void busyWith('first');
    for (let n = 0; n < 65; n += 1) void check(`n${n}`);
    void check('other', { server: 'other' });
    await clock.settle();
    expect(settled).toEqual(['n64: unavailable']);
  });

  it('takes 1 024 checks of all servers', async () => {
    void busyWith('first');
    for (let n = 0; n < 1_024; n += 1) void check(`n${n}`, { server: `server ${n >> 1}` });
    const refused = check('last', { server: 'last' });
    expect(await refused).toEqual({
      kind: 'unchecked',
      reason: 'unavailable',
      message: 'too many results are waiting to be checked',
      repeated: false,
    });
    expect(settled).toEqual(['last: unavailable']);
  });

  it('is left after 5 s without a turn', async () => {
    void busyWith('a');
    await clock.advance(100);
    const waiting = check('b');
    // The worker overruns, and is not gone after that.
    await clock.advance(4_999);
    expect(settled).toEqual(['a: too-costly']);
    await clock.advance(1);
    expect(await waiting).toEqual({
      kind: 'unchecked',
      reason: 'unavailable',
      message: 'no turn came within 5000 ms',
      repeated: false,
    });
  });
});

describe('the worker', () => {
  it('is ended after 30 s without work, and started again for the next check', async () => {
    void busyWith('a');
    workers.answer({ kind: 'valid' });
    await clock.advance(29_999);
    void check('b');
    workers.answer({ kind: 'valid' });
    await clock.advance(29_999);
    expect(workers.log).toEqual(['1 starts', '1 is given a (with schema)', '1 is given b (with schema)']);
    await clock.advance(1);
    workers.gone();
    await clock.settle();
    expect([workers.log.slice(3), clock.pendingTimers]).toEqual([['1 is terminated', '1 is gone'], 0]);
    void check('a');
    workers.ready();
    workers.answer({ kind: 'valid' });
    await clock.settle();
    expect(workers.log.slice(5)).toEqual(['2 starts', '2 is given a (with schema)']);
    expect(settled).toEqual(['a: valid', 'b: valid', 'a: valid']);
  });

  it('that ends while it has nothing to do is replaced with the next check', async () => {
    void busyWith('a');
    workers.answer({ kind: 'valid' });
    workers.crash({ outOfMemory: false, message: 'exit' });
    expect(clock.pendingTimers).toBe(0);
    void check('b');
    expect(workers.log.at(-1)).toBe('2 starts');
  });

  it('that cannot be started leaves results unchecked, and is tried again after 30 s', async () => {
    workers.refuse(new Error('no more threads'));
    const message = 'the validation worker cannot be started: no more threads';
    const unavailable = { kind: 'unchecked', reason: 'unavailable', message, repeated: false };
    expect(await check('a')).toEqual(unavailable);
    workers.refuse(null);
    await clock.advance(29_999);
    expect(await check('a')).toEqual(unavailable);
    expect(workers.log).toEqual([]);
    await clock.advance(1);
    const verdict = check('a');
    workers.ready();
    workers.answer({ kind: 'valid' });
    expect(await verdict).toEqual(valid);
  });

  it('that ends before it is ready leaves all that waits unchecked', async () => {
    const verdicts = [check('a'), check('b')];
    workers.crash({ outOfMemory: false, message: 'Cannot find module' });
    const message = 'the validation worker cannot be started: Cannot find module';
    const unavailable = { kind: 'unchecked', reason: 'unavailable', message, repeated: false };
    expect(await Promise.all(verdicts)).toEqual([unavailable, unavailable]);
    expect(clock.pendingTimers).toBe(0);
  });

  it('that is not ready within 10 s is given up', async () => {
    void check('a');
    await clock.advance(9_000);
    const second = check('b');
    await clock.advance(1_000);
    expect(await second).toEqual({
      kind: 'unchecked',
      reason: 'unavailable',
      message: 'the validation worker cannot be started: not ready within 10000 ms',
      repeated: false,
    });
    expect(settled).toEqual(['a: unavailable', 'b: unavailable']);
    expect(workers.log).toEqual(['1 starts', '1 is terminated']);
  });

  it('is started only after the one before it is gone', async () => {
    void busyWith('a');
    await clock.advance(250);
    void check('b');
    await clock.advance(1_000);
    expect(workers.log).toEqual(['1 starts', '1 is given a (with schema)', '1 is terminated']);
    workers.gone();
    await clock.settle();
    expect(workers.log.slice(3)).toEqual(['1 is gone', '2 starts']);
  });
});

describe('closing', () => {
  it('settles what is under way and what waits, ends the worker, and resolves when that is gone', async () => {
    void busyWith('a');
    void check('b');
    let isClosed = false;
    const closed = validator.close();
    void closed.then(() => (isClosed = true));
    await clock.settle();
    expect([settled, isClosed]).toEqual([['a: unavailable', 'b: unavailable'], false]);
    workers.gone();
    await closed;
    await validator.close();
    expect([workers.log, clock.pendingTimers]).toEqual([
      ['1 starts', '1 is given a (with schema)', '1 is terminated', '1 is gone'],
      0,
    ]);
  });

  it('ends a worker that is starting, and waits for one that is ending', async () => {
    void check('a');
    const closed = validator.close();
    workers.gone();
    await closed;
    expect(workers.log).toEqual(['1 starts', '1 is terminated', '1 is gone']);

    validator = createOutputValidator({ clock, startWorker: workers.start });
    void busyWith('b');
    await clock.advance(250);
    let isClosed = false;
    const second = validator.close().then(() => (isClosed = true));
    await clock.settle();
    expect(isClosed).toBe(false);
    workers.gone();
    await second;
    expect(workers.log.slice(3)).toEqual(['2 starts', '2 is given b (with schema)', '2 is terminated', '2 is gone']);
  });

  it('leaves every later result unchecked, and starts nothing', async () => {
    await validator.close();
    const closed = { kind: 'unchecked', reason: 'unavailable', message: 'the validator is closed', repeated: false };
    expect(validator.check({ server: 's', key: 'k', schema: { type: 'string' }, value: 'x' })).toEqual(closed);
    expect(await check('a')).toEqual(closed);
    expect([workers.log, clock.pendingTimers]).toEqual([[], 0]);
  });
});

/** An array in an array, and so on. */
function nested(levels: number): unknown {
  let value: unknown = 'deep';
  for (let level = 0; level < levels; level += 1) value = [value];
  return value;
}
