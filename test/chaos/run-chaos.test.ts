import { expect, it } from 'vitest';
import type { ChaosOptions } from './chaos-options.ts';
import { runChaos } from './run-chaos.ts';

const short: ChaosOptions = {
  minutes: 0.1,
  seed: 11,
  sessions: 8,
  callsPerSecond: 30,
  faultsPerSecond: 2,
  plant: null,
  signal: new AbortController().signal,
  onProgress: () => undefined,
};

it('holds eight servers through six seconds of faults: nothing doubled, nothing lost, nothing left', async () => {
  const report = await runChaos(short);
  expect(report).toMatchObject({
    sessions: 8,
    groups: 3,
    doubleExecutions: 0,
    lostCalls: 0,
    orphans: 0,
    violations: [],
  });
  expect(report.faults).toBeGreaterThan(0);
  expect(report.ends.answered).toBeGreaterThan(0);
});

it('tells of a call that was executed twice', async () => {
  const report = await runChaos({ ...short, sessions: 2, minutes: 0.02, plant: 'double' });
  expect(report.doubleExecutions).toBe(1);
  expect(report.violations).toHaveLength(1);
  expect(report.violations[0]).toMatch(/^call c\d+ of an unsafe tool was executed 2 times$/);
});
