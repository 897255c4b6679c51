import type { JSONRPCMessage } from '@modelcontextprotocol/sdk/types.js';
import { describe, expect, it } from 'vitest';
import { LinkError } from '../../../src/link/fault.ts';
import type { Fault } from '../../../src/link/fault.ts';
import type { Progress } from '../../../src/link/link.ts';
import { expectNothingLeft, failureOf, flush } from '../sdk/owner.ts';
import { playedEngine } from './played-wire.ts';

const FIRST = 1_000_000_000;
const LAST = 2_147_483_647;
const GONE: Fault = { kind: 'transport', code: 'closed-by-peer', message: 'gone' };

function answer(id: unknown, result: unknown = {}): JSONRPCMessage {
  return { jsonrpc: '2.0', id, result } as JSONRPCMessage;
}

function cancellation(id: number): unknown {
  return {
    jsonrpc: '2.0',
    method: 'notifications/cancelled',
    params: { requestId: id, reason: 'The caller no longer waits for the answer.' },
  };
}

describe('the ids of our requests', () => {
  expectNothingLeft();

  it('begin at 1 000 000 000 and count up', () => {
    const { engine, wire } = playedEngine();
    const ids = [engine.request('a', undefined), engine.request('b', { x: 1 })].map(({ id }) => id);
    expect(ids).toEqual([FIRST, FIRST + 1]);
    expect(wire.written).toEqual([
      { jsonrpc: '2.0', id: FIRST, method: 'a', params: undefined },
      { jsonrpc: '2.0', id: FIRST + 1, method: 'b', params: { x: 1 } },
    ]);
  });

  it('go on at their beginning after 2 147 483 647', () => {
    const first = LAST - 1;
    const { engine } = playedEngine('direct', { first });
    const ids = Array.from({ length: 5 }, () => {
      const { id } = engine.request('a', undefined);
      engine.receiveAnswer(answer(id));
      return id;
    });
    expect(ids).toEqual([first, LAST, first, LAST, first]);
  });

  it('skip those that are still under way when they begin anew', async () => {
    const { engine } = playedEngine('direct', { first: FIRST, last: FIRST + 3 });
    const [slow, ...rest] = Array.from({ length: 4 }, () => engine.request('a', undefined));
    const slowest = rest.pop();
    for (const { id } of rest) engine.receiveAnswer(answer(id));
    const later = [engine.request('b', undefined), engine.request('b', undefined)];
    expect([slow?.id, slowest?.id, later.map(({ id }) => id)]).toEqual([FIRST, FIRST + 3, [FIRST + 1, FIRST + 2]]);
    engine.receiveAnswer(answer(slow?.id, { for: 'slow' }));
    engine.receiveAnswer(answer(later[0]?.id, { for: 'later' }));
    expect(await Promise.all([slow?.answer, later[0]?.answer])).toEqual([{ for: 'slow' }, { for: 'later' }]);
  });
});

describe('an answer', () => {
  expectNothingLeft();

  it('is taken with its id as a number or as a string of digits', async () => {
    const { engine } = playedEngine();
    const calls = [engine.request('a', undefined), engine.request('b', undefined)];
    expect(engine.receiveAnswer(answer(FIRST, { n: 1 }))).toBe(true);
    expect(engine.receiveAnswer(answer(String(FIRST + 1), { n: 2 }))).toBe(true);
    expect(await Promise.all(calls.map((call) => call.answer))).toEqual([{ n: 1 }, { n: 2 }]);
  });

  it.each([0, 1, 999_999_999, FIRST + 1, LAST, '0', 'abc', null, undefined, 1.5])(
    'to %s, which was never asked with, is left to others',
    (id) => {
      const { engine, log } = playedEngine();
      engine.request('a', undefined);
      expect([engine.receiveAnswer(answer(id)), log.told]).toEqual([false, []]);
    },
  );

  it('that comes twice, or too late, is taken without a word and settles no other call', async () => {
    const { engine, log } = playedEngine();
    const [first, cancelled, other] = ['a', 'b', 'c'].map((method) => engine.request(method, undefined));
    engine.receiveAnswer(answer(first?.id, { n: 1 }));
    cancelled?.cancel();
    expect(
      [first?.id, String(first?.id), cancelled?.id].map((id) => engine.receiveAnswer(answer(id, { n: 2 }))),
    ).toEqual([true, true, true]);
    expect([await first?.answer, other?.settled, log.told]).toEqual([{ n: 1 }, false, []]);
    expect(await failureOf(cancelled?.answer ?? Promise.resolve())).toEqual({ kind: 'aborted', sent: true });
  });

  it('to an id from before the ids began anew is taken without a word, too', () => {
    const { engine, log } = playedEngine('direct', { first: FIRST, last: FIRST + 2 });
    for (let count = 0; count < 3; count += 1) engine.receiveAnswer(answer(engine.request('a', undefined).id));
    const again = engine.request('a', undefined);
    expect(again.id).toBe(FIRST);
    expect([FIRST + 1, FIRST + 2].map((id) => engine.receiveAnswer(answer(id)))).toEqual([true, true]);
    expect([again.settled, log.told]).toEqual([false, []]);
  });

  it('that comes before the wire has written the request settles it, and the request is never written', async () => {
    const { engine, wire } = playedEngine('held');
    const call = engine.request('a', undefined);
    engine.receiveAnswer(answer(call.id, { early: true }));
    wire.held[0]?.write();
    await flush();
    expect([await call.answer, wire.written]).toEqual([{ early: true }, []]);
  });
});

describe('a cancelled call', () => {
  expectNothingLeft();

  it('that the wire has not written yet is never written, and nobody is told of it', async () => {
    const { engine, wire } = playedEngine('held');
    const call = engine.request('a', undefined);
    const aborted = failureOf(call.answer);
    call.cancel();
    wire.held[0]?.write();
    await flush();
    expect([await aborted, wire.held.length, wire.written]).toEqual([{ kind: 'aborted', sent: false }, 1, []]);
  });

  it('that was written tells the server once, however often it is cancelled', async () => {
    const { engine, wire } = playedEngine();
    const call = engine.request('a', undefined);
    for (let count = 0; count < 3; count += 1) call.cancel();
    expect(await failureOf(call.answer)).toEqual({ kind: 'aborted', sent: true });
    expect(wire.written.slice(1)).toEqual([cancellation(FIRST)]);
  });

  it('whose cancellation cannot be sent is reported, unless the link has ended meanwhile', async () => {
    const full = new Error('pipe full');
    for (const ends of [false, true]) {
      const { engine, wire, log } = playedEngine();
      const call = engine.request('a', undefined);
      const aborted = failureOf(call.answer);
      call.cancel();
      if (ends) engine.end(GONE);
      wire.held[1]?.fail(full);
      await flush();
      expect([await aborted, log.told]).toEqual([
        { kind: 'aborted', sent: true },
        ends ? [] : [['transport error', full]],
      ]);
    }
  });

  it('of a link that has ended sends nothing', async () => {
    const { engine, wire } = playedEngine();
    const before = engine.request('a', undefined);
    engine.end(GONE);
    const after = engine.request('b', undefined);
    for (const call of [before, after]) call.cancel();
    expect([await failureOf(before.answer), await failureOf(after.answer)]).toEqual([
      { kind: 'link', sent: true, fault: GONE },
      { kind: 'link', sent: false, fault: GONE },
    ]);
    expect(wire.held).toHaveLength(1);
  });
});

describe('a wire that fails', () => {
  expectNothingLeft();

  const lost: Fault = { kind: 'transport', code: 'ECONNRESET', message: 'reset' };
  const full: Fault = { kind: 'overload', code: 'stdin-queue-full', message: 'full' };
  const busy: Fault = { kind: 'transport', code: 'http:503', message: 'busy' };
  const limit: Fault = { kind: 'overload', code: 'http:429', message: 'too many' };
  it.each([
    ['lost its reply', new LinkError({ kind: 'link', sent: true, fault: lost }), true],
    ['never sent it', new LinkError({ kind: 'link', sent: false, fault: full }), false],
    ['was told a status instead', new LinkError({ kind: 'link', sent: true, fault: busy }), false],
    ['was turned away', new LinkError({ kind: 'refused', sent: true, fault: limit }), false],
  ])(
    'fails the call that %s with that, and the server is told only if it may be at work: %#',
    async (_how, error, isTold) => {
      const { engine, wire } = playedEngine();
      const call = engine.request('a', undefined);
      wire.held[0]?.fail(error);
      expect(await failureOf(call.answer)).toEqual(error.failure);
      expect(wire.written.slice(1)).toEqual(isTold ? [cancellation(FIRST)] : []);
    },
  );

  it('with an error of its own fails the call by what is known of it', async () => {
    for (const mode of ['direct', 'held'] as const) {
      const { engine, wire } = playedEngine(mode);
      const call = engine.request('a', undefined);
      wire.held[0]?.fail(new TypeError('odd'));
      expect(await failureOf(call.answer)).toEqual({
        kind: 'link',
        sent: mode === 'direct',
        fault: { kind: 'transport', code: 'transport-error', message: 'odd' },
      });
      expect(wire.written.slice(1)).toEqual(mode === 'direct' ? [cancellation(FIRST)] : []);
    }
  });
});

describe('progress', () => {
  expectNothingLeft();

  it('goes to the call whose token it carries, as a number or as a string, and to none once that is settled', async () => {
    const { engine, log } = playedEngine();
    const heard: [string, Progress][] = [];
    const [a, b] = ['a', 'b'].map((name) =>
      engine.request(name, undefined, { onProgress: (progress) => heard.push([name, progress]) }),
    );
    const silent = engine.request('c', undefined);
    engine.receiveProgress({ progressToken: b?.id, progress: 1, total: 2, message: 'half' });
    engine.receiveProgress({ progressToken: String(a?.id), progress: 3 });
    engine.receiveProgress({ progressToken: silent.id, progress: 4 });
    engine.receiveAnswer(answer(a?.id));
    b?.cancel();
    for (const call of [a, b]) engine.receiveProgress({ progressToken: call?.id, progress: 5 });
    engine.receiveProgress({ progressToken: 'a token of nobody', progress: 6 });
    expect([heard, log.told]).toEqual([
      [
        ['b', { progress: 1, total: 2, message: 'half' }],
        ['a', { progress: 3 }],
      ],
      [],
    ]);
    expect(await failureOf(b?.answer ?? Promise.resolve())).toMatchObject({ kind: 'aborted' });
  });

  it('is asked for beside what the caller has in _meta, which stays the caller’s own', () => {
    const { engine, wire } = playedEngine();
    const params = { name: 'x', _meta: { mine: 1, progressToken: 'not this one' } };
    engine.request('a', params, { onProgress: () => undefined });
    engine.request('b', undefined, { onProgress: () => undefined });
    engine.request('c', params);
    expect(wire.written).toMatchObject([
      { params: { name: 'x', _meta: { mine: 1, progressToken: FIRST } } },
      { params: { _meta: { progressToken: FIRST + 1 } } },
      { params: { name: 'x', _meta: { mine: 1, progressToken: 'not this one' } } },
    ]);
    expect(params).toEqual({ name: 'x', _meta: { mine: 1, progressToken: 'not this one' } });
  });

  it('whose callback throws is reported and harms nothing; so is progress without a number', async () => {
    const { engine, log } = playedEngine();
    const broken = new Error('callback broke');
    const call = engine.request('a', undefined, {
      onProgress: () => {
        throw broken;
      },
    });
    engine.receiveProgress({ progressToken: call.id, progress: 1 });
    engine.receiveProgress({ progressToken: call.id, progress: 'most' });
    engine.receiveAnswer(answer(call.id, { ok: true }));
    expect([await call.answer, log.told]).toEqual([{ ok: true }, [['callback error', broken], 'bad message']]);
  });
});

describe('params that cannot be read', () => {
  expectNothingLeft();

  it.each([
    [
      'a field',
      {
        get name(): string {
          throw new Error('bite');
        },
      },
    ],
    [
      '_meta',
      {
        get _meta(): object {
          throw new Error('bite');
        },
      },
    ],
  ])(
    'fail the call unsent when it asks for progress and %s throws, and its id is free again',
    async (_what, params) => {
      const { engine, wire } = playedEngine('direct', { first: FIRST, last: FIRST });
      const call = engine.request('a', params, { onProgress: () => undefined });
      expect(await failureOf(call.answer)).toEqual({
        kind: 'link',
        sent: false,
        fault: { kind: 'internal', code: 'not-json', message: 'The message has no JSON form: bite' },
      });
      expect(wire.held).toEqual([]);
      expect(engine.request('b', undefined).id).toBe(FIRST);
    },
  );
});
