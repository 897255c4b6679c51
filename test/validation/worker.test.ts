import { execFile } from 'node:child_process';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { promisify } from 'node:util';
import { afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { hostClock } from '../../src/host/clock.ts';
import { createVirtualClock, type LeakCheck, startLeakCheck, type VirtualClock } from '../../src/testing/index.ts';
import { createOutputValidator } from '../../src/validation/output-validator.ts';
import { workerThreads } from '../../src/validation/start-worker.ts';
import type { OutputSchema, OutputValidator, Verdict } from '../../src/validation/validator.ts';
import type { StartWorker } from '../../src/validation/worker-protocol.ts';
import { built } from '../support/built.ts';
import { expectSoon } from '../support/expect-soon.ts';

/** The worker of a plain build: Node cannot start one from TypeScript. */
let script: URL;
/** Moves only where a test says so: no check overruns because the machine is slow. */
let clock: VirtualClock;
let validator: OutputValidator;
/** Workers that are running. */
let running: number;
let started: number;
let leaks: LeakCheck;

beforeAll(async () => {
  script = pathToFileURL(join(await built(), 'validation', 'worker-script.js'));
});

beforeEach(() => {
  leaks = startLeakCheck();
  clock = createVirtualClock();
  running = 0;
  started = 0;
  validator = createOutputValidator({ clock, startWorker: counted(workerThreads({ script })) });
});

afterEach(async () => {
  await validator.close();
  expect([running, clock.pendingTimers]).toEqual([0, 0]);
  await leaks.verify();
});

function counted(start: StartWorker): StartWorker {
  return (listener) => {
    const worker = start({
      ...listener,
      ended: (why) => {
        running -= 1;
        listener.ended(why);
      },
    });
    running += 1;
    started += 1;
    return worker;
  };
}

async function check(schema: OutputSchema, value: unknown, server = 'server'): Promise<Verdict> {
  return validator.check({ server, key: JSON.stringify(schema).slice(0, 10_000), schema, value });
}

/** Once the worker has been given a check: its deadline is the next thing that is due, `at` virtual milliseconds. */
async function isUnderWay(at = 250): Promise<void> {
  await expectSoon(() => clock.nextDueMs).toBe(at);
}

const redos = { type: 'string', pattern: '^(a+)+$' };
const redosValue = `${'a'.repeat(28)}!`;

describe('a real worker', () => {
  it('gives the verdicts of Ajv, with path and message', async () => {
    const schema = { properties: { date: { pattern: '^\\d{4}$' } } };
    expect(await check(schema, { date: '2026' })).toEqual({ kind: 'valid' });
    expect(await check(schema, { date: 'soon' })).toEqual({
      kind: 'invalid',
      path: '/date',
      message: 'must match pattern "^\\d{4}$"',
    });
    expect(started).toBe(1);
  });

  it('that backtracks over 28 characters leaves the event loop free, is ended, and the next check has another', async () => {
    const verdict = check(redos, redosValue);
    const order: string[] = [];
    void verdict.then(({ kind }) => order.push(kind));
    await isUnderWay();
    const behind = check({ pattern: '^b' }, 'b', 'another server');
    for (let turn = 1; turn <= 3; turn += 1) {
      await new Promise((resolve) => setImmediate(resolve));
      order.push(`turn ${turn}`);
    }
    await clock.advance(250);
    expect(await verdict).toEqual({
      kind: 'unchecked',
      reason: 'too-costly',
      message: 'the check took more than 250 ms',
      repeated: false,
    });
    expect(order).toEqual(['turn 1', 'turn 2', 'turn 3', 'unchecked']);
    expect(await behind).toEqual({ kind: 'valid' });
    expect([started, running]).toEqual([2, 1]);
  });

  it('has such a schema quarantined by the second overrun, and then starts nothing for it', async () => {
    for (const [reason, at] of [
      ['too-costly', 250],
      ['quarantined', 500],
    ] as const) {
      const verdict = check(redos, redosValue);
      await isUnderWay(at);
      await clock.advance(250);
      expect(await verdict).toMatchObject({ kind: 'unchecked', reason, repeated: false });
    }
    expect(await check(redos, 'aaa')).toMatchObject({ reason: 'quarantined', repeated: true });
    await expectSoon(() => running).toBe(0);
    expect(started).toBe(2);
  });

  it('is ended when references that double at each of 30 levels keep it busy', async () => {
    const $defs: Record<string, unknown> = { d0: { type: 'string' } };
    for (let level = 1; level <= 30; level += 1) {
      const $ref = `#/$defs/d${level - 1}`;
      $defs[`d${level}`] = { allOf: [{ $ref }, { $ref }] };
    }
    const verdict = check({ $ref: '#/$defs/d30', $defs }, 'x');
    await isUnderWay();
    await clock.advance(250);
    expect(await verdict).toMatchObject({ kind: 'unchecked', reason: 'too-costly' });
  });

  it('that runs out of memory ends alone', async () => {
    validator = createOutputValidator({ clock, startWorker: counted(workerThreads({ script, maxHeapMb: 16 })) });
    const names = Array.from({ length: 15_000 }, (_, index) => `p${index}`);
    const schema = { properties: Object.fromEntries(names.map((name) => [name, { pattern: name }])) };
    expect(await check(schema, { p1: 'p1' })).toEqual({
      kind: 'unchecked',
      reason: 'too-costly',
      message: 'the check took too much memory',
      repeated: false,
    });
    expect(await check({ pattern: '^b' }, 'b')).toEqual({ kind: 'valid' });
    expect([started, running]).toEqual([2, 1]);
  });

  it.each([
    ['a reference that leads nowhere', { $ref: '#/$defs/no' }, "can't resolve reference #/$defs/no from id #"],
    [
      'a pattern that is no regular expression',
      { pattern: '(' },
      'Invalid regular expression: /(/u: Unterminated group',
    ],
  ])('finds %s to be a bad schema, and checks the other tools', async (_, schema, said) => {
    const [bad, good] = await Promise.all([check(schema, 'x'), check({ pattern: 'x' }, 'x')]);
    const message = `the output schema cannot be used: ${said}`;
    expect([bad, good]).toEqual([
      { kind: 'unchecked', reason: 'bad-schema', message, repeated: false },
      { kind: 'valid' },
    ]);
    expect(await check(schema, 'x')).toMatchObject({ reason: 'bad-schema', repeated: true });
    expect(started).toBe(1);
  });

  it('has a schema until it is told to forget it', async () => {
    const answers: string[] = [];
    let isReady = false;
    const worker = workerThreads({ script })({
      ready: () => (isReady = true),
      answered: (answer) => answers.push('message' in answer ? answer.message : answer.kind),
      ended: () => undefined,
    });
    await expectSoon(() => isReady).toBe(true);
    const schema = { pattern: '^a' };
    worker.post({ key: 'a', schema, forget: null, value: 'a' });
    worker.post({ key: 'a', schema: null, forget: null, value: 'a' });
    worker.post({ key: 'b', schema, forget: 'a', value: 'b' });
    worker.post({ key: 'a', schema: null, forget: null, value: 'a' });
    await expectSoon(() => answers).toEqual([
      'valid',
      'valid',
      'must match pattern "^a"',
      'the worker does not have the schema',
    ]);
    await worker.terminate();
  });

  it('keeps two schemas with the same $id apart', async () => {
    const $id = 'https://example.com/result';
    const schemas = ['string', 'number'].map((type) => ({ $id, type }));
    const verdicts = await Promise.all(schemas.flatMap((schema) => [check(schema, 'text'), check(schema, 1)]));
    expect(verdicts.map(({ kind }) => kind)).toEqual(['valid', 'invalid', 'invalid', 'valid']);
  });

  it('is given prototype keys as what they are: keys', async () => {
    const schema: OutputSchema = JSON.parse(
      '{"$defs":{},"additionalProperties":false,"properties":{"__proto__":{},"a":{}}}',
    );
    expect(await check(schema, { a: 1 })).toEqual({ kind: 'valid' });
    const value = JSON.parse('{"a":1,"__proto__":{"polluted":true}}') as unknown;
    expect(await check(schema, value)).toMatchObject({
      kind: 'invalid',
      message: 'must NOT have additional properties',
    });
    expect(Object.hasOwn(Object.prototype, 'polluted')).toBe(false);
  });

  it('that is closed in the middle of a check is gone when close resolves', async () => {
    const verdict = check(redos, redosValue);
    await isUnderWay();
    const waiting = check(redos, redosValue);
    await validator.close();
    expect(running).toBe(0);
    expect(await Promise.all([verdict, waiting])).toMatchObject([
      { kind: 'unchecked', reason: 'unavailable' },
      { kind: 'unchecked', reason: 'unavailable' },
    ]);
  });

  it('whose script cannot be loaded leaves results unchecked', async () => {
    const missing = new URL('no-such-script.js', script);
    validator = createOutputValidator({ clock, startWorker: counted(workerThreads({ script: missing })) });
    const verdict = await check({ pattern: 'a' }, 'a');
    expect(verdict).toMatchObject({ kind: 'unchecked', reason: 'unavailable' });
    expect(verdict).toMatchObject({ message: expect.stringContaining('the validation worker cannot be started') });
  });
});

describe('on the real clock', () => {
  it('a check that backtracks over 28 characters is ended', async () => {
    validator = createOutputValidator({ clock: hostClock, startWorker: counted(workerThreads({ script })) });
    expect(await check(redos, redosValue)).toMatchObject({ kind: 'unchecked', reason: 'too-costly' });
  });
});

describe('in a process of its own', () => {
  /** What a program prints that checks one result, goes on with these lines, and has nothing else to do. */
  async function outputOf(...lines: string[]): Promise<string[]> {
    const dist = await built();
    const program = `
      import { createOutputValidator } from ${JSON.stringify(join(dist, 'validation', 'output-validator.js'))};
      import { hostClock } from ${JSON.stringify(join(dist, 'host', 'clock.js'))};
      // No deadline ends, and no timer keeps the process alive.
      const clock = { ...hostClock, setTimeout: (callback) => setTimeout(callback, 2 ** 30).unref(), clearTimeout };
      const validator = createOutputValidator({ clock });
      const keepAlive = setInterval(() => {}, 1_000);
      console.log(await validator.check({ server: 's', key: 'k', schema: { pattern: '^a' }, value: 'b' }));
      clearInterval(keepAlive);
      ${lines.join('\n')}
    `;
    const args = ['--input-type=module', '-e', program];
    const { stdout, stderr } = await promisify(execFile)(process.execPath, args);
    expect(stderr).toBe('');
    return stdout.trimEnd().split('\n');
  }

  const verdict = `{ kind: 'invalid', path: '', message: 'must match pattern "^a"' }`;

  it('the default worker is found beside the compiled validator, and does not keep the process alive', async () => {
    expect(await outputOf()).toEqual([verdict]);
  });

  it('close resolves also when there is nothing else to do', async () => {
    expect(await outputOf('await validator.close();', `console.log('closed');`)).toEqual([verdict, 'closed']);
  });
});
