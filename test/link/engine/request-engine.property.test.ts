import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { LinkError } from '../../../src/link/fault.ts';
import type { Fault } from '../../../src/link/fault.ts';
import type { Call } from '../../../src/link/engine/call.ts';
import { expectNothingLeft, flush } from '../sdk/owner.ts';
import { playedEngine } from './played-wire.ts';

const GONE: Fault = { kind: 'transport', code: 'closed-by-peer', message: 'gone' };
const LOST: Fault = { kind: 'transport', code: 'ECONNRESET', message: 'reset' };
const TURNED_AWAY: Fault = { kind: 'overload', code: 'http:429', message: 'too many' };
const ID = 1_000_000_000;

/** What can befall a request, apart from what the wire does with it by itself. */
const befalls = [
  'the wire writes it',
  'an answer comes',
  'an error comes',
  'nonsense comes',
  'progress comes',
  'the caller cancels',
  'the wire loses the reply',
  'the server turns it away',
  'the link ends',
] as const;
type Befalls = (typeof befalls)[number];

interface Outcome {
  readonly verdict: string;
  readonly writtenRequests: number;
  readonly cancellations: number;
  readonly heard: number;
}

/** Plays the events in their order; `settles`: each has had all its effects before the next. */
async function play(order: readonly Befalls[], settles: boolean): Promise<Outcome> {
  const { engine, wire } = playedEngine('held');
  let heard = 0;
  const call = engine.request('a', undefined, { onProgress: () => (heard += 1) });
  const verdicts: string[] = [];
  call.answer.then(
    () => verdicts.push('result'),
    (error: unknown) => verdicts.push(error instanceof LinkError ? verdictOf(error) : 'no LinkError'),
  );
  for (const event of order) {
    befall(event);
    if (settles) await flush();
  }
  await flush();
  expect(verdicts.length).toBeLessThanOrEqual(1);
  expect(call.settled).toBe(verdicts.length === 1);
  const ofMethod = (method: string): number =>
    wire.written.filter((message) => (message as { method?: string }).method === method).length;
  return {
    verdict: verdicts[0] ?? 'none',
    writtenRequests: ofMethod('a'),
    cancellations: ofMethod('notifications/cancelled'),
    heard,
  };

  function befall(event: Befalls): void {
    const [request] = wire.held;
    switch (event) {
      case 'the wire writes it':
        request?.write();
        break;
      case 'an answer comes':
        receive({ result: {} });
        break;
      case 'an error comes':
        receive({ error: { code: -32001, message: 'Request timed out' } });
        break;
      case 'nonsense comes':
        receive({ result: 'text' });
        break;
      case 'progress comes':
        engine.receiveProgress({ progressToken: ID, progress: 1 });
        break;
      case 'the caller cancels':
        call.cancel();
        break;
      case 'the wire loses the reply':
        request?.fail(linkError(call));
        break;
      case 'the server turns it away':
        request?.fail(new LinkError({ kind: 'refused', sent: true, fault: TURNED_AWAY }));
        break;
      case 'the link ends':
        engine.end(GONE);
        break;
    }
  }

  function receive(body: object): void {
    expect(engine.receiveAnswer({ jsonrpc: '2.0', id: ID, ...body })).toBe(true);
  }
}

function linkError({ sent }: Call): LinkError {
  return new LinkError({ kind: 'link', sent, fault: LOST });
}

function verdictOf({ failure }: LinkError): string {
  const where = failure.sent ? 'perhaps sent' : 'unsent';
  return 'fault' in failure ? `${failure.kind} ${failure.fault.code}, ${where}` : `${failure.kind}, ${where}`;
}

/** What must come of it when each event has all its effects before the next: told one rule at a time. */
function expected(order: readonly Befalls[]): Outcome {
  let verdict = 'none';
  let isWritten = false;
  let hasEnded = false;
  let cancellations = 0;
  let heard = 0;
  for (const event of order) {
    const where = isWritten ? 'perhaps sent' : 'unsent';
    if (event === 'the link ends') hasEnded = true;
    if (verdict !== 'none') continue;
    switch (event) {
      case 'the wire writes it':
        isWritten = true;
        break;
      case 'progress comes':
        heard += 1;
        break;
      case 'an answer comes':
        verdict = 'result';
        break;
      case 'an error comes':
        verdict = 'rpc, perhaps sent';
        break;
      case 'nonsense comes':
        verdict = 'link bad-answer, perhaps sent';
        break;
      case 'the caller cancels':
        verdict = `aborted, ${where}`;
        break;
      case 'the wire loses the reply':
        verdict = `link ECONNRESET, ${where}`;
        break;
      case 'the server turns it away':
        verdict = 'refused http:429, perhaps sent';
        break;
      case 'the link ends':
        verdict = `link closed-by-peer, ${where}`;
        break;
    }
    const fateIsUnknown = event === 'the caller cancels' || event === 'the wire loses the reply';
    if (fateIsUnknown && isWritten && !hasEnded) cancellations += 1;
  }
  return { verdict, writtenRequests: isWritten ? 1 : 0, cancellations, heard };
}

const orders = fc.array(fc.constantFrom(...befalls), { maxLength: 12 });

describe('a request, whatever befalls it in whatever order,', () => {
  expectNothingLeft();

  it('is settled once, by the first verdict; is never written after it; and is cancelled if and only if it may have been sent and nobody knows its fate', async () => {
    await fc.assert(
      fc.asyncProperty(orders, async (order) => {
        expect(await play(order, true)).toEqual(expected(order));
      }),
      { numRuns: 1_000 },
    );
  });

  it('is so for every order of one answer, one error, one cancellation, one failure of the wire and one end', async () => {
    const five: readonly Befalls[] = [
      'an answer comes',
      'an error comes',
      'the caller cancels',
      'the wire loses the reply',
      'the link ends',
    ];
    for (const order of permutations(five)) {
      for (let at = 0; at <= order.length; at += 1) {
        const written = order.toSpliced(at, 0, 'the wire writes it');
        expect({ written, ...(await play(written, true)) }).toEqual({ written, ...expected(written) });
      }
    }
  });

  it('is so when all of it comes in the same turn, a failure of the wire being heard of last', async () => {
    await fc.assert(
      fc.asyncProperty(orders, async (order) => {
        const at = order.findIndex(isFailureOfWire);
        const failure = at === -1 ? [] : order.slice(at, at + 1);
        const rest = order.filter(
          (event, index) => !isFailureOfWire(event) && !(at !== -1 && index > at && event === 'the wire writes it'),
        );
        expect(await play(order, false)).toEqual(expected([...rest, ...failure]));
      }),
      { numRuns: 1_000 },
    );
  });
});

function isFailureOfWire(event: Befalls): boolean {
  return event === 'the wire loses the reply' || event === 'the server turns it away';
}

function permutations<T>(all: readonly T[]): T[][] {
  if (all.length === 0) return [[]];
  return all.flatMap((each, index) => permutations(all.toSpliced(index, 1)).map((rest) => [each, ...rest]));
}
