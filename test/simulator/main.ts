// npm run sim -- --seeds 200 [--start 1] [--minutes 10] [--trace] [--json], or --mutants [--json]
import { parseArgs } from 'node:util';
import { runMutants } from './run-mutants.ts';
import { runSeeds } from './run-seeds.ts';
import { simulate, type SimulationReport } from './simulate.ts';

const { values } = parseArgs({
  options: {
    seeds: { type: 'string', default: '20' },
    start: { type: 'string', default: '1' },
    minutes: { type: 'string', default: '10' },
    trace: { type: 'boolean', default: false },
    mutants: { type: 'boolean', default: false },
    only: { type: 'string' },
    json: { type: 'boolean', default: false },
  },
});

const seeds = numberOf('seeds', values.seeds);
const start = numberOf('start', values.start);
const minutes = numberOf('minutes', values.minutes);

if (values.mutants) await checkMutants();
else if (values.trace) await trace();
else await checkSeeds();

async function checkSeeds(): Promise<void> {
  const began = performance.now();
  const reports: SimulationReport[] = [];
  const orders = Array.from({ length: seeds }, (_, index) => ({ seed: start + index, minutes }));
  await runSeeds(orders, (report) => {
    reports.push(report);
    for (const { invariant, atMs, what } of report.violations)
      tell(`seed ${report.seed}: ${invariant} at ${atMs} ms: ${what}`);
    if (report.violations.length > 0) tell(`  again: ${replayOf(report.seed)}\n  keep it: regression-seeds.ts`);
  });
  const took = (performance.now() - began) / 60_000;
  tell(`${seeds} seeds, each twice, in ${(took * 60).toFixed(1)} s: ${(seeds / took).toFixed(0)} seeds a minute`);
  const sum = (of: (report: SimulationReport) => number): number =>
    reports.reduce((total, each) => total + of(each), 0);
  const violations = sum((report) => report.violations.length);
  finish(violations === 0, {
    seeds,
    violations,
    failing: reports
      .filter((report) => report.violations.length > 0)
      .map(({ seed, violations: found }) => ({
        seed,
        invariants: [...new Set(found.map(({ invariant }) => invariant))],
      })),
    simulatedMs: Math.round(sum((report) => report.simulatedMs)),
    events: sum((report) => report.events),
    calls: sum((report) => report.calls),
    faults: countsOf(reports),
  });
}

/** One seed after the other, with every line of its trace. */
async function trace(): Promise<void> {
  let violations = 0;
  for (let seed = start; seed < start + seeds; seed += 1) {
    const report = await simulate(seed, { minutes, onLine: print });
    for (const { invariant, atMs, what } of report.violations) print(`VIOLATION ${invariant} at ${atMs} ms: ${what}`);
    print(`seed ${seed}: trace ${report.hash}`);
    violations += report.violations.length;
  }
  process.exitCode = violations === 0 ? 0 : 1;
}

async function checkMutants(): Promise<void> {
  const outcomes = await runMutants(values.only, ({ mutant, caughtBy, seeds: needed }) => {
    tell(
      `${caughtBy === null ? 'MISSED' : 'caught'} ${mutant}${caughtBy === null ? '' : ` by ${caughtBy}`}, ${needed} seeds`,
    );
  });
  const missed = outcomes.filter(({ caughtBy }) => caughtBy === null).map(({ mutant }) => mutant);
  finish(missed.length === 0, { mutants: outcomes.length, caught: outcomes.length - missed.length, missed });
}

function countsOf(reports: readonly SimulationReport[]): Readonly<Record<string, number>> {
  const counts: Record<string, number> = {};
  for (const { faults } of reports) {
    for (const [name, count] of Object.entries(faults)) counts[name] = (counts[name] ?? 0) + count;
  }
  return counts;
}

function replayOf(seed: number): string {
  const length = minutes === 10 ? '' : ` --minutes ${minutes}`;
  return `npm run sim -- --start ${seed} --seeds 1${length} --trace`;
}

function finish(isGood: boolean, summary: object): void {
  print(values.json ? JSON.stringify(summary) : JSON.stringify(summary, null, 2));
  process.exitCode = isGood ? 0 : 1;
}

function numberOf(name: string, text: string): number {
  const number = Number(text);
  if (Number.isFinite(number) && number > 0) return number;
  tell(`--${name} must be a number above 0, not ${text}`);
  // oxlint-disable-next-line unicorn/no-process-exit -- a command line that makes no sense ends here
  process.exit(2);
}

function print(line: string): void {
  process.stdout.write(`${line}\n`);
}

function tell(line: string): void {
  process.stderr.write(`${line}\n`);
}
