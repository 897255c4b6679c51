import type { ConfigProblem } from '../../config/index.ts';
import { latencyWords } from '../../words/session-words.ts';
import { styled } from '../color.ts';
import type { Style } from '../color.ts';
import type { ServerReport } from './findings.ts';
import type { Step } from './steps.ts';
import { exitCode } from '../exit-codes.ts';
import { inColumn, onOneLine, shownId } from '../terminal-text.ts';

/** What was found of a configuration; `--json` writes it as it is. */
export interface DoctorReport {
  readonly schema: 'holdfast/v1';
  /** The configuration, absolute. */
  readonly file: string;
  /** In the order of the file. */
  readonly servers: readonly ServerReport[];
  /** What is wrong with no one server of these. */
  readonly problems: readonly ConfigProblem[];
}

const styles: Readonly<Record<Step['status'], Style>> = { ok: 'green', skipped: 'dim', failed: 'red' };

/** 0 when all are well, 3 when some are, 4 when none is, and 2 when the configuration itself is what keeps all of them out. */
export function exitCodeOf({ servers, problems }: DoctorReport): number {
  const well = servers.filter(({ status }) => status === 'ok').length;
  if (well > 0) return well === servers.length && problems.length === 0 ? exitCode.ok : exitCode.degraded;
  const isRefused = servers.every(({ steps }) => steps.some(({ step }) => step === 'configuration'));
  return isRefused ? exitCode.usage : exitCode.noneReady;
}

/** A block for each server, for people at a terminal. */
export function reportBlocks(report: DoctorReport, color: boolean): string {
  const set = (style: Style, text: string): string => (color ? styled(style, text) : text);
  const blocks = report.servers.map(({ id, status, steps }) => {
    const title = `${set('bold', shownId(id))}  ${set(styles[status], status)}`;
    return [title, ...steps.flatMap((step) => stepLines(step, set))].join('\n');
  });
  return [...blocks, summary(report)].join('\n\n');
}

function stepLines(step: Step, set: (style: Style, text: string) => string): readonly string[] {
  const name = inColumn(13, 'left', step.step);
  const status = set(styles[step.status], inColumn(7, 'left', step.status));
  const line = `  ${name}  ${status}  ${inColumn(9, 'right', timeOf(step))}  ${onOneLine(step.detail)}`;
  return step.status === 'failed' ? [line, `  ${set('bold', 'fix:')} ${onOneLine(step.fix)}`] : [line];
}

/** A line for each step, for programs and files. */
export function reportLines(report: DoctorReport): string {
  const lines = report.servers.flatMap(({ id, steps }) =>
    steps.map((step) => {
      const fix = step.status === 'failed' ? `; fix: ${step.fix}` : '';
      return `${shownId(id)}: ${step.step}: ${step.status} (${timeOf(step)}): ${onOneLine(step.detail + fix)}`;
    }),
  );
  return [...lines, summary(report)].join('\n');
}

function timeOf({ status, ms }: Step): string {
  return status === 'skipped' ? '–' : latencyWords(ms);
}

function summary({ servers }: DoctorReport): string {
  const failed = servers.filter(({ status }) => status === 'failed').length;
  const total = `${servers.length} server${servers.length === 1 ? '' : 's'}`;
  return failed === 0 ? `${total}, all ok` : `${total}, ${servers.length - failed} ok, ${failed} failed`;
}
