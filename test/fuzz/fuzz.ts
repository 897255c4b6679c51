import fc from 'fast-check';
import { expect } from 'vitest';
import { ProcessTroubles } from '../support/process-troubles.ts';

/** How often each kind of fuzzer is run by default: all of them together take seconds. */
const RUNS = {
  /** Functions of their input. */
  pure: 500,
  /** A whole link over a transport in memory. */
  link: 300,
  /** A process or a socket is at the other end. */
  wire: 250,
} as const;

/** A run that takes this long hangs, in milliseconds: fast-check then tells its seed, which the test runner's own limit does not. */
const HANG_MS = 30_000;
/** When to look for a smaller counterexample no longer, in milliseconds: in time for the test runner's own limit. */
const PATIENCE_MS = 90_000;

/** A counterexample may be long; seed and path come before it. */
const MAX_REPORT_LENGTH = 3_000;

/**
 * Holds `check` against inputs. `HOLDFAST_FUZZ_RUNS` multiplies the number of runs, and `HOLDFAST_FUZZ_REPLAY=<seed>:<path>` repeats
 * the one that failed. Every run must leave the process without an exception, a rejection or a warning that nobody handles.
 */
export async function fuzz<T>(
  kind: keyof typeof RUNS,
  inputs: fc.Arbitrary<T>,
  check: (input: T) => unknown,
): Promise<void> {
  const { HOLDFAST_FUZZ_RUNS: factor = '1', HOLDFAST_FUZZ_REPLAY: replay } = process.env;
  const [, seed, path] = /^(-?\d+):([\d:]+)$/.exec(replay ?? '') ?? [];
  const property = fc.asyncProperty(inputs, async (input) => {
    const troubles = new ProcessTroubles();
    try {
      await check(input);
      // Rejections that nobody handles are told after the microtasks of their turn.
      if (kind !== 'pure') await turns(1);
    } finally {
      troubles.stop();
    }
    expect(troubles.seen).toEqual([]);
  });
  const outcome = await fc.check(property, {
    numRuns: Math.max(1, Math.round(RUNS[kind] * Number(factor))),
    timeout: HANG_MS,
    interruptAfterTimeLimit: PATIENCE_MS * Math.max(1, Number(factor)),
    markInterruptAsFailure: true,
    ...(seed !== undefined && path !== undefined && { seed: Number(seed), path }),
  });
  if (!outcome.failed) return;
  const report = (await fc.asyncDefaultReportMessage(outcome)) ?? '';
  throw new Error(
    `HOLDFAST_FUZZ_REPLAY=${outcome.seed}:${outcome.counterexamplePath ?? ''}\n${report.slice(0, MAX_REPORT_LENGTH)}`,
    {
      cause: outcome.errorInstance,
    },
  );
}

/** Returns once everything that is already due has run. */
export async function turns(count: number): Promise<void> {
  for (let turn = 0; turn < count; turn += 1) await new Promise((resolve) => setImmediate(resolve));
}
