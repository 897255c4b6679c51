import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  type CallEdge,
  type CallOutcome,
  callStarted,
  emptyTally,
  forgiven,
  recordOutcome,
  type SessionTally,
  withLatency,
} from '../../src/machines/call-tally.ts';
import { defaultCircuitBreaker } from '../../src/machines/circuit-policy.ts';
import { defaultHealthCheck } from '../../src/machines/health-policy.ts';

const policy = { healthCheck: defaultHealthCheck, circuitBreaker: defaultCircuitBreaker };
const answered = (latencyMs = 10, ok = true): CallOutcome => ({ kind: 'answered', ok, latencyMs });
const failed: CallOutcome = { kind: 'failed' };
const voided: CallOutcome = { kind: 'void' };

/** The edges of calls made one after the other, each beside another that stays in flight. */
function edgesOf(outcomes: readonly CallOutcome[]): {
  edges: readonly (readonly CallEdge['type'][])[];
  tally: SessionTally;
} {
  let tally = callStarted(emptyTally);
  const edges = outcomes.map((outcome) => {
    const recorded = recordOutcome(callStarted(tally), outcome, policy);
    ({ tally } = recorded);
    return recorded.edges.map(({ type }) => type);
  });
  return { edges, tally };
}

describe('a call', () => {
  it.each([
    ['a result', answered(20), { succeeded: 1, failed: 0, failedInARow: 0, latency: { last: 20, mean: 20 } }],
    [
      'an error of the server',
      answered(20, false),
      { succeeded: 0, failed: 1, failedInARow: 0, latency: { last: 20, mean: 20 } },
    ],
    ['no answer', failed, { succeeded: 0, failed: 1, failedInARow: 1, latency: { last: null, mean: null } }],
    [
      'overload',
      { kind: 'overload', retryAfterMs: 3_000 },
      { succeeded: 0, failed: 1, failedInARow: 0, latency: { last: null, mean: null } },
    ],
    [
      'nothing about the server',
      voided,
      { succeeded: 0, failed: 1, failedInARow: 0, latency: { last: null, mean: null } },
    ],
  ] as const)('that ends in %s is counted', (_end, outcome, counts) => {
    const started = callStarted(callStarted(emptyTally));
    expect(started).toEqual({ ...emptyTally, inFlight: 2 });
    expect(recordOutcome(started, outcome, policy).tally).toMatchObject({ inFlight: 1, ...counts });
  });

  it('leaves the empty tally empty', () => {
    recordOutcome(callStarted(emptyTally), failed, policy);
    expect(emptyTally).toEqual({
      inFlight: 0,
      succeeded: 0,
      failed: 0,
      failedInARow: 0,
      latency: { last: null, mean: null },
      circuit: { answeredInARow: 0, failedInARow: 0, good: 0, window: undefined },
    });
  });
});

describe('failing and recovering', () => {
  it('are told once each, at the first failure and at the first answer after it', () => {
    expect(edgesOf([answered(), failed, failed, failed, answered(), answered(), failed]).edges).toEqual([
      [],
      ['CALLS.FAILING'],
      [],
      [],
      ['CALLS.RECOVERED'],
      [],
      ['CALLS.FAILING'],
    ]);
  });

  it('an error of the server is an answer, too', () => {
    expect(edgesOf([failed, answered(10, false)]).edges).toEqual([['CALLS.FAILING'], ['CALLS.RECOVERED']]);
  });

  it('what says nothing about the server changes neither', () => {
    const { edges, tally } = edgesOf([failed, voided, { kind: 'overload', retryAfterMs: undefined }, failed]);
    expect(edges).toEqual([['CALLS.FAILING'], [], ['OVERLOAD'], []]);
    expect([tally.failedInARow, tally.failed]).toEqual([2, 4]);
  });
});

describe('overload', () => {
  it('is told each time, with how long the server asked us to wait', () => {
    const of = (retryAfterMs: number | undefined): readonly CallEdge[] =>
      recordOutcome(callStarted(callStarted(emptyTally)), { kind: 'overload', retryAfterMs }, policy).edges;
    expect([of(3_000), of(undefined)]).toEqual([
      [{ type: 'OVERLOAD', retryAfterMs: 3_000 }],
      [{ type: 'OVERLOAD', retryAfterMs: undefined }],
    ]);
  });
});

describe('the last call in flight', () => {
  it.each([
    ['a result', answered(), [{ type: 'INFLIGHT.ZERO' }]],
    ['no answer', failed, [{ type: 'CALLS.FAILING' }, { type: 'INFLIGHT.ZERO' }]],
    ['nothing about the server', voided, [{ type: 'INFLIGHT.ZERO' }]],
  ] as const)('is told whatever it ends in: %s', (_end, outcome, edges) => {
    expect(recordOutcome(callStarted(emptyTally), outcome, policy).edges).toEqual(edges);
  });

  it('is told only of the last', () => {
    const two = callStarted(callStarted(emptyTally));
    const one = recordOutcome(two, answered(), policy);
    expect([one.edges, recordOutcome(one.tally, answered(), policy).edges]).toEqual([[], [{ type: 'INFLIGHT.ZERO' }]]);
  });
});

describe('the mean latency', () => {
  it('is the first, then moves by a fifth of the difference', () => {
    const first = withLatency(emptyTally.latency, 100);
    const second = withLatency(first, 200);
    expect([first, second, withLatency(second, 20)]).toEqual([
      { last: 100, mean: 100 },
      { last: 200, mean: 120 },
      { last: 20, mean: 100 },
    ]);
  });

  it('is told when it rises above the limit and when it falls below 80 % of it', () => {
    const { edges, tally } = edgesOf([
      answered(5_000),
      answered(5_005),
      answered(5_005),
      answered(0),
      answered(0),
      answered(0),
    ]);
    // 5 000, 5 001, 5 001.8, 4 001.44, 3 201.15, 2 560.92
    expect(edges).toEqual([[], ['LATENCY.HIGH'], [], [], ['LATENCY.LOW'], []]);
    expect(tally.latency.mean).toBeCloseTo(2_560.92, 2);
  });

  it('is told with the very first answer when that is slow', () => {
    expect(edgesOf([answered(5_001)]).edges).toEqual([['LATENCY.HIGH']]);
  });

  it('comes with recovery in one step', () => {
    expect(edgesOf([failed, answered(9_000)]).edges).toEqual([['CALLS.FAILING'], ['CALLS.RECOVERED', 'LATENCY.HIGH']]);
  });
});

describe('whatever calls come to', () => {
  const outcome: fc.Arbitrary<CallOutcome> = fc.oneof(
    fc.record({
      kind: fc.constant('answered' as const),
      ok: fc.boolean(),
      latencyMs: fc.integer({ min: 0, max: 12_000 }),
    }),
    fc.constant(failed),
    fc.constant(voided),
    fc.record({ kind: fc.constant('overload' as const), retryAfterMs: fc.constantFrom(undefined, 1_000) }),
  );

  it('counts add up, and whoever follows the edges knows the state of calls and latency', () => {
    fc.assert(
      fc.property(fc.array(outcome, { maxLength: 60 }), (outcomes) => {
        let tally = emptyTally;
        const known = { failing: false, slow: false };
        outcomes.forEach((each, index) => {
          const recorded = recordOutcome(callStarted(tally), each, policy);
          ({ tally } = recorded);
          for (const { type } of recorded.edges) {
            if (type === 'CALLS.FAILING') known.failing = true;
            if (type === 'CALLS.RECOVERED') known.failing = false;
            if (type === 'LATENCY.HIGH') known.slow = true;
            if (type === 'LATENCY.LOW') known.slow = false;
          }
          expect(recorded.edges.at(-1)).toEqual({ type: 'INFLIGHT.ZERO' });
          expect(tally.inFlight).toBe(0);
          expect(tally.succeeded + tally.failed).toBe(index + 1);
          expect(known.failing).toBe(tally.failedInARow > 0);
          const mean = tally.latency.mean ?? 0;
          const mayBeEither =
            mean <= policy.healthCheck.degradedLatencyMs && mean >= policy.healthCheck.degradedLatencyMs * 0.8;
          expect(mayBeEither || known.slow === mean > policy.healthCheck.degradedLatencyMs).toBe(true);
        });
      }),
      { numRuns: 300 },
    );
  });
});

describe('failed calls', () => {
  it.each([
    // failed in a row, ms since the last of them, left
    [0, 1_000_000, undefined],
    [3, 59_999, undefined],
    [3, 60_000, 0],
    [1, Number.POSITIVE_INFINITY, 0],
  ])('%i in a row, %d ms after the last of them: %s', (failedInARow, agoMs, left) => {
    const tally = { ...emptyTally, failed: 9, failedInARow };
    expect(forgiven(tally, agoMs)).toEqual(left === undefined ? undefined : { ...tally, failedInARow: left });
  });
});
