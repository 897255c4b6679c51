import { fork } from 'node:child_process';
import { availableParallelism } from 'node:os';
import { fileURLToPath } from 'node:url';
import { sameTrace } from './invariants.ts';
import { simulate, type SimulationReport } from './simulate.ts';

/** One seed, and how it is to be run. */
export interface SeedOrder {
  readonly seed: number;
  readonly minutes: number;
}

/** Runs a seed twice: besides everything else, the second trace has to be the first. */
export async function runSeed({ seed, minutes }: SeedOrder): Promise<SimulationReport> {
  const report = await simulate(seed, { minutes });
  const again = await simulate(seed, { minutes });
  if (again.hash === report.hash) return report;
  const what = `the same seed gave the trace ${report.hash}, and then ${again.hash}`;
  return { ...report, violations: [...report.violations, { invariant: sameTrace, atMs: 0, what }] };
}

/** Runs the seeds in as many processes as there are cores; tells each report as it comes. Rejects when a process dies. */
export async function runSeeds(
  orders: readonly SeedOrder[],
  onReport: (report: SimulationReport) => void,
): Promise<void> {
  const left = [...orders];
  const workers = Array.from({ length: Math.min(availableParallelism(), orders.length) }, () =>
    runWorker(left, onReport),
  );
  await Promise.all(workers);
}

function runWorker(left: SeedOrder[], onReport: (report: SimulationReport) => void): Promise<void> {
  return new Promise((resolve, reject) => {
    const worker = fork(fileURLToPath(new URL('seed-worker.js', import.meta.url)), { serialization: 'advanced' });
    let current: SeedOrder | undefined;
    const next = (): void => {
      current = left.shift();
      if (current === undefined) worker.disconnect();
      else worker.send(current);
    };
    worker.on('message', (report: SimulationReport) => {
      onReport(report);
      next();
    });
    worker.on('exit', (code, signal) => {
      if (current === undefined) resolve();
      else reject(new Error(`the process that ran seed ${current.seed} ended with ${String(code ?? signal)}`));
    });
    next();
  });
}
