import { describe, expect, it } from 'vitest';
import type { RequestFailure } from '../../../src/link/fault.ts';
import { Call } from '../../../src/link/engine/call.ts';
import { expectNothingLeft } from '../sdk/owner.ts';

const FAULT = { kind: 'transport', code: 'gone', message: 'gone' } as const;
const FAILURE: RequestFailure = { kind: 'link', sent: false, fault: FAULT };

/** A call, and what becomes of it, in order. */
function kept(): { readonly call: Call; readonly log: string[] } {
  const log: string[] = [];
  const call = new Call(
    { settled: () => log.push('settled'), cancelled: () => log.push('cancelled') },
    7,
    ({ progress }) => log.push(`progress ${progress}`),
  );
  call.whenSettled(() => log.push('dropped'));
  call.answer.then(
    () => log.push('resolved'),
    (error: unknown) => log.push(error instanceof Error ? error.message : 'no error'),
  );
  return { call, log };
}

const verdicts: [name: string, settle: (call: Call) => void, heard: readonly string[], promise: string][] = [
  ['an answer', (call) => call.resolve({}), ['settled', 'dropped'], 'resolved'],
  ['a failure', (call) => call.reject(FAILURE), ['settled', 'dropped'], 'gone'],
  ['a cancellation', (call) => call.cancel(), ['settled', 'dropped', 'cancelled'], 'the request was aborted'],
];

describe('a call', () => {
  expectNothingLeft();

  it.each(verdicts)(
    'that is settled by %s stays so: nothing that follows is heard of',
    async (...[, settle, heard, promise]) => {
      const { call, log } = kept();
      settle(call);
      for (const [, again] of verdicts) again(call);
      call.progress({ progress: 1 });
      await Promise.resolve();
      expect([call.settled, log]).toEqual([true, [...heard, promise]]);
    },
  );

  it('lets its transport go at once when that asks after it was settled', () => {
    const { call, log } = kept();
    call.resolve({});
    call.whenSettled(() => log.push('dropped late'));
    expect(log).toEqual(['settled', 'dropped', 'dropped late']);
  });

  it('that was taken and turned away unexecuted is unsent again when it is cancelled', async () => {
    const { call } = kept();
    call.onHandedOver();
    call.onTurnedAway();
    call.cancel();
    await expect(call.answer).rejects.toMatchObject({ failure: { kind: 'aborted', sent: false } });
  });
});
