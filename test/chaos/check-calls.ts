import type { CallEnd, CallRecord } from './call-ledger.ts';

export interface CallFindings {
  /** Calls of a tool that must not run twice and did, anywhere. */
  readonly doubleExecutions: number;
  /** Calls that their caller never heard of again. */
  readonly lostCalls: number;
  readonly ends: Readonly<Record<CallEnd, number>>;
  /** From a call to its end, at most. */
  readonly longestMs: number;
  /** One sentence for each call that was told something untrue, or nothing. */
  readonly violations: readonly string[];
}

/**
 * Holds what callers were told against what servers executed. `executions` is the servers' log: a line for each execution, which
 * begins with the key of its call.
 */
export function checkCalls(calls: Iterable<CallRecord>, executions: string, lateMs: number): CallFindings {
  const times = timesByKey(executions);
  const ends: Record<CallEnd, number> = {
    pending: 0,
    answered: 0,
    executed: 0,
    rejected: 0,
    'not-sent': 0,
    unknown: 0,
    untyped: 0,
    'mixed-up': 0,
  };
  const violations: string[] = [];
  let doubleExecutions = 0;
  let longestMs = 0;
  for (const call of calls) {
    const executed = times.get(call.key) ?? 0;
    ends[call.end] += 1;
    longestMs = Math.max(longestMs, call.tookMs ?? 0);
    if (call.isUnsafe && executed > 1) doubleExecutions += 1;
    for (const what of untruths(call, executed, lateMs)) violations.push(`call ${call.key} ${what}`);
  }
  return { doubleExecutions, lostCalls: ends.pending, ends, longestMs, violations };
}

function untruths({ isUnsafe, end, tookMs }: CallRecord, executed: number, lateMs: number): string[] {
  const found: string[] = [];
  if (isUnsafe && executed > 1) found.push(`of an unsafe tool was executed ${executed} times`);
  if ((end === 'answered' || end === 'executed') && executed === 0) found.push(`ended ${end} and was never executed`);
  if ((end === 'not-sent' || end === 'rejected') && executed > 0) found.push(`ended ${end} and was executed`);
  if (end === 'pending') found.push('never ended');
  if (end === 'untyped') found.push('ended with an error that is not typed');
  if (end === 'mixed-up') found.push('was given the answer of another');
  if (tookMs !== null && tookMs > lateMs)
    found.push(`ended after ${tookMs.toFixed(0)} ms, ${lateMs.toFixed(0)} at most`);
  return found;
}

function timesByKey(executions: string): ReadonlyMap<string, number> {
  const times = new Map<string, number>();
  for (const line of executions.split('\n')) {
    const [key = ''] = line.split(' ', 1);
    if (key !== '') times.set(key, (times.get(key) ?? 0) + 1);
  }
  return times;
}
