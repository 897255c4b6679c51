import { describe, expect, it } from 'vitest';
import type { CallRecord } from './call-ledger.ts';
import { checkCalls } from './check-calls.ts';

const call = (key: string, end: CallRecord['end'], more: Partial<CallRecord> = {}): CallRecord => ({
  key,
  isUnsafe: true,
  end,
  tookMs: end === 'pending' ? null : 10,
  ...more,
});

const violationsOf = (calls: readonly CallRecord[], executions: string): readonly string[] =>
  checkCalls(calls, executions, 1_000).violations;

describe('what callers were told, held against what servers executed', () => {
  it('finds nothing where each end is true', () => {
    const calls = [
      call('c0', 'answered'),
      call('c1', 'executed'),
      call('c2', 'rejected'),
      call('c3', 'not-sent'),
      call('c4', 'unknown'),
      call('c5', 'unknown'),
    ];
    expect(checkCalls(calls, 'c0 write\nc1 write\nc4 write\n', 1_000)).toEqual({
      doubleExecutions: 0,
      lostCalls: 0,
      ends: {
        pending: 0,
        answered: 1,
        executed: 1,
        rejected: 1,
        'not-sent': 1,
        unknown: 2,
        untyped: 0,
        'mixed-up': 0,
      },
      longestMs: 10,
      violations: [],
    });
  });

  it('finds an unsafe tool that was executed twice, and lets a safe one be', () => {
    const calls = [call('c0', 'answered'), call('c1', 'answered', { isUnsafe: false })];
    const found = checkCalls(calls, 'c0 write a\nc1 read a\nc0 write b\nc1 read b\n', 1_000);
    expect(found.doubleExecutions).toBe(1);
    expect(found.violations).toEqual(['call c0 of an unsafe tool was executed 2 times']);
  });

  it.each([
    ['answered', '', 'ended answered and was never executed'],
    ['executed', '', 'ended executed and was never executed'],
    ['not-sent', 'c0 write', 'ended not-sent and was executed'],
    ['rejected', 'c0 write', 'ended rejected and was executed'],
    ['pending', '', 'never ended'],
    ['untyped', '', 'ended with an error that is not typed'],
    ['mixed-up', 'c0 write', 'was given the answer of another'],
  ] as const)('finds a call that ended %s with the log "%s"', (end, executions, what) => {
    expect(violationsOf([call('c0', end)], executions)).toEqual([`call c0 ${what}`]);
  });

  it('finds a call that ended later than it may', () => {
    expect(violationsOf([call('c0', 'unknown', { tookMs: 1_001 })], '')).toEqual([
      'call c0 ended after 1001 ms, 1000 at most',
    ]);
  });
});
