import { ConfigError, formatConfigProblem, loadConfig } from '../config/index.ts';
import type { ConfigProblem, ConfigWarning } from '../config/index.ts';
import { InvalidOptionError } from '../index.ts';
import { isApproved } from './ask-approval.ts';
import type { LogThreshold } from './log-thresholds.ts';
import type { StderrLines } from './stderr-lines.ts';
import { planFromCommand, planFromConfig } from './up-plan.ts';
import type { UpPlan } from './up-plan.ts';

/** What the servers come from. */
export interface PlanSource {
  /** The configuration files; none: the first that exists of the usual ones. */
  readonly files: readonly string[];
  /** What stood after `--`: a server to hold instead of a file. */
  readonly command: readonly string[] | undefined;
  /** True: what was found may be started without anybody having looked at it. */
  readonly trust: boolean;
}

/** Reads what is to be held, and tells what is wrong with it; undefined when it cannot be used at all, or must not. */
export async function readPlan(
  { files, command, trust }: PlanSource,
  logLevel: LogThreshold,
  stderr: StderrLines,
): Promise<UpPlan | undefined> {
  const cwd = process.cwd();
  try {
    if (command !== undefined) return planFromCommand(command, cwd, process.env);
    const config = await loadConfig(files, { env: process.env });
    tellProblems(config.problems, stderr);
    tellWarnings(config.warnings, logLevel, stderr);
    if (files.length === 0 && !trust && !(await isApproved(config, stderr))) return undefined;
    return planFromConfig(config, cwd);
  } catch (error) {
    if (!(error instanceof ConfigError || error instanceof InvalidOptionError)) throw error;
    stderr.line(error.message);
    return undefined;
  }
}

export function tellProblems(problems: readonly ConfigProblem[], stderr: StderrLines): void {
  for (const problem of problems) stderr.line(formatConfigProblem(problem));
}

/** Warnings, and information where the log level asks for it. */
export function tellWarnings(warnings: readonly ConfigWarning[], threshold: LogThreshold, stderr: StderrLines): void {
  if (threshold === 'error' || threshold === 'silent') return;
  for (const { level, file, line, column, field, message } of warnings) {
    if (level === 'info' && threshold === 'warn') continue;
    stderr.line(`${file}:${line}:${column}: ${level}: ${field === null ? '' : `${field}: `}${message}`);
  }
}
