import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  callStarted,
  emptyTally,
  recordOutcome,
  type CallEdge,
  type CallOutcome,
  type CircuitMode,
} from '../../src/machines/call-tally.ts';
import {
  circuitStateOf,
  closedCircuit,
  closedForGood,
  defaultCircuitBreaker,
  halfOpened,
  hasShownThatItIsWell,
  mayRecycle,
  onProbation,
  opened,
  openForMs,
  type Circuit,
} from '../../src/machines/circuit-policy.ts';
import { defaultHealthCheck } from '../../src/machines/health-policy.ts';
import { windowFrom, withOutcomeIn, type OutcomeWindow } from '../../src/machines/outcome-window.ts';

const config = { healthCheck: defaultHealthCheck, circuitBreaker: defaultCircuitBreaker };
const good: CallOutcome = { kind: 'answered', ok: true, latencyMs: 1 };
const bad: CallOutcome = { kind: 'failed' };

/** The calls, by number from 1, that move the circuit, and why. */
function moves(
  outcomes: readonly CallOutcome[],
  mode: CircuitMode = 'normal',
  breaker = defaultCircuitBreaker,
): string[] {
  let tally = callStarted(emptyTally);
  return outcomes.flatMap((outcome, index) => {
    const recorded = recordOutcome(callStarted(tally), outcome, { ...config, circuitBreaker: breaker }, mode);
    ({ tally } = recorded);
    return recorded.edges.filter(isOfCircuit).map((edge) => `${index + 1} ${wordsOf(edge)}`);
  });
}

type CircuitEdge = Extract<CallEdge, { readonly type: `CIRCUIT.${string}` }>;

function isOfCircuit(edge: CallEdge): edge is CircuitEdge {
  return edge.type.startsWith('CIRCUIT.');
}

function wordsOf(edge: CircuitEdge): string {
  return edge.type === 'CIRCUIT.TRIPPED' ? `tripped: ${edge.reason}` : 'proved';
}

const times = (count: number, outcome: CallOutcome): CallOutcome[] => Array.from({ length: count }, () => outcome);

describe('a circuit trips', () => {
  it.each<[string, CallOutcome[], string[]]>([
    ['on the fifth failed call in a row', times(5, bad), ['5 tripped: 5 calls in a row failed']],
    ['not on four', times(4, bad), []],
    ['not on four and one more after an answer', [...times(4, bad), good, bad], []],
    [
      'when half of ten failed, without a run',
      Array.from({ length: 10 }, (_, n) => (n % 2 === 0 ? good : bad)),
      ['10 tripped: 5 of the last 10 calls failed'],
    ],
    ['not when fewer than ten were made', Array.from({ length: 9 }, (_, n) => (n % 2 === 0 ? bad : good)), []],
    ['not on what says nothing about the server', times(50, { kind: 'void' }), []],
    ['not on overload', times(50, { kind: 'overload', retryAfterMs: 1 }), []],
    ['not on errors that the server answers', times(50, { kind: 'answered', ok: false, latencyMs: 1 }), []],
    [
      'on a run that what says nothing does not interrupt',
      [bad, bad, { kind: 'void' }, bad, { kind: 'overload', retryAfterMs: 1 }, bad, bad],
      ['7 tripped: 5 calls in a row failed'],
    ],
  ])('%s', (_when, outcomes, expected) => {
    expect(moves(outcomes)).toEqual(expected);
  });

  it('never while it is open, nor on calls from before it moved', () => {
    expect(moves(times(50, bad), 'barred')).toEqual([]);
  });

  it('on probation at the first failed call, and is proved by three answers in a row', () => {
    expect(moves([good, good, bad], 'probation')).toEqual(['3 tripped: a call failed on probation']);
    expect(moves([good, { kind: 'void' }, good, good, good], 'probation')).toEqual(['4 proved']);
  });

  it('exactly where an honest list of the last outcomes says, whatever the sequence and the limits', () => {
    const breakers = fc
      .record({
        failureThreshold: fc.integer({ min: 1, max: 12 }),
        windowSize: fc.integer({ min: 1, max: 70 }),
        minimumRequests: fc.integer({ min: 1, max: 70 }),
      })
      .map((each) => ({
        ...defaultCircuitBreaker,
        ...each,
        minimumRequests: Math.min(each.minimumRequests, each.windowSize),
      }));
    const sequences = fc.array(fc.boolean(), { minLength: 1, maxLength: 250 });
    fc.assert(
      fc.property(breakers, sequences, (breaker, failures) => {
        const expected: string[] = [];
        failures.forEach((failed, index) => {
          const seen = failures.slice(0, index + 1);
          const run = seen.length - 1 - seen.lastIndexOf(false);
          const last = seen.slice(-breaker.windowSize);
          const lost = last.filter(Boolean).length;
          if (!failed) return;
          if (run >= breaker.failureThreshold) expected.push(`${index + 1} tripped: ${run} calls in a row failed`);
          else if (last.length >= breaker.minimumRequests && lost * 2 >= last.length)
            expected.push(`${index + 1} tripped: ${lost} of the last ${last.length} calls failed`);
        });
        expect(
          moves(
            failures.map((failed) => (failed ? bad : good)),
            'normal',
            breaker,
          ),
        ).toEqual(expected);
      }),
      { numRuns: 500 },
    );
  });

  it('without keeping a window while nothing has failed, or once no failure is left in it', () => {
    let tally = callStarted(emptyTally);
    const after = (outcomes: readonly CallOutcome[]): OutcomeWindow | undefined => {
      for (const outcome of outcomes) ({ tally } = recordOutcome(callStarted(tally), outcome, config));
      return tally.circuit.window;
    };
    expect(after(times(500, good))).toBeUndefined();
    expect(after([bad])).toMatchObject({ count: 100, failures: 1 });
    expect(after(times(99, good))).toMatchObject({ count: 100, failures: 1 });
    expect(after([good])).toBeUndefined();
  });
});

describe('a window of outcomes', () => {
  it('is never changed: what comes after is another one', () => {
    const window = Object.freeze(windowFrom(3, 5));
    Object.freeze(window.bits);
    const later = withOutcomeIn(window, true, 5);
    expect([window.count, window.failures, later?.count, later?.failures]).toEqual([4, 1, 5, 2]);
  });
});

describe('an open circuit', () => {
  it('stays open 60 s, twice as long each time, and 300 s at most, or its own time if that is longer', () => {
    expect([1, 2, 3, 4, 9].map((openings) => openForMs(openings, defaultCircuitBreaker))).toEqual([
      60_000, 120_000, 240_000, 300_000, 300_000,
    ]);
    expect(openForMs(3, { ...defaultCircuitBreaker, openMs: 400_000 })).toBe(400_000);
    expect(openForMs(5_000, { ...defaultCircuitBreaker, openMs: 1 })).toBe(300_000);
  });

  it('goes through half open and probation, and only a proved one forgets how often it opened', () => {
    const steps: Circuit[] = [opened(closedCircuit, 'calls failed', 1_000, defaultCircuitBreaker)];
    const then = (next: (circuit: Circuit) => Circuit): void => void steps.push(next(steps.at(-1) ?? closedCircuit));
    then(halfOpened);
    then((circuit) => opened(circuit, 'a check failed', 61_000, defaultCircuitBreaker));
    then(halfOpened);
    then(onProbation);
    then((circuit) => opened(circuit, 'a call failed', 300_000, defaultCircuitBreaker));
    then(closedForGood);
    expect(
      steps.map((each) => [each.phase, circuitStateOf(each), each.openings, each.openUntilMs, each.cause]),
    ).toEqual([
      ['open', 'open', 1, 61_000, 'calls failed'],
      ['halfOpen', 'halfOpen', 1, null, 'calls failed'],
      ['open', 'open', 2, 181_000, 'a check failed'],
      ['halfOpen', 'halfOpen', 2, null, 'a check failed'],
      ['probation', 'closed', 2, null, 'a check failed'],
      ['open', 'open', 3, 540_000, 'a call failed'],
      ['normal', 'closed', 0, null, null],
    ]);
  });

  it('has its connection given up once in ten minutes', () => {
    const recycled = { ...closedCircuit, recycledAtMs: 1_000 };
    expect([mayRecycle(closedCircuit, 0), mayRecycle(recycled, 600_999), mayRecycle(recycled, 601_000)]).toEqual([
      true,
      false,
      true,
    ]);
  });

  it('is well after as many good checks as it is told', () => {
    expect(
      [0, 1, 2].map((successes) => hasShownThatItIsWell({ ...closedCircuit, successes }, defaultCircuitBreaker)),
    ).toEqual([false, false, true]);
  });
});
