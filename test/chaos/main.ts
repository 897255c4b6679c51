// npm run chaos -- [--minutes 10] [--seed 1] [--sessions 32] [--calls 50] [--faults 1] [--plant leak|double] [--json]
import { parseArgs } from 'node:util';
import { kindsTable } from './chaos-report.ts';
import type { Plant } from './chaos-options.ts';
import { runChaos } from './run-chaos.ts';

const { values } = parseArgs({
  options: {
    minutes: { type: 'string', default: '10' },
    seed: { type: 'string', default: '1' },
    sessions: { type: 'string', default: '32' },
    calls: { type: 'string', default: '50' },
    faults: { type: 'string', default: '1' },
    plant: { type: 'string' },
    json: { type: 'boolean', default: false },
  },
});

// The first Ctrl-C ends the faults and leaves nothing behind; the second is the usual end of a process.
const interrupted = new AbortController();
process.once('SIGINT', () => interrupted.abort());

const report = await runChaos({
  minutes: numberOf('minutes', values.minutes),
  seed: numberOf('seed', values.seed),
  sessions: numberOf('sessions', values.sessions),
  callsPerSecond: numberOf('calls', values.calls),
  faultsPerSecond: numberOf('faults', values.faults),
  plant: plantOf(values.plant),
  signal: interrupted.signal,
  onProgress: tell,
});
for (const violation of report.violations.slice(0, 50)) tell(`VIOLATION ${violation}`);
if (!values.json) print(kindsTable(report.perKind));
const { perKind, ...summary } = report;
print(values.json ? JSON.stringify({ ...summary, perKind }) : JSON.stringify(summary, null, 2));
process.exitCode = report.violations.length === 0 ? 0 : 1;

function plantOf(text: string | undefined): Plant | null {
  if (text === undefined || text === 'leak' || text === 'double') return text ?? null;
  return refuse(`--plant must be leak or double, not ${text}`);
}

function numberOf(name: string, text: string): number {
  const number = Number(text);
  return Number.isFinite(number) && number > 0 ? number : refuse(`--${name} must be a number above 0, not ${text}`);
}

function refuse(why: string): never {
  tell(why);
  // oxlint-disable-next-line unicorn/no-process-exit -- a command line that makes no sense ends here
  process.exit(2);
}

function print(line: string): void {
  process.stdout.write(`${line}\n`);
}

function tell(line: string): void {
  process.stderr.write(`${line}\n`);
}
