import { HoldfastError } from './holdfast-error.ts';

/** What is wrong in a configuration file, where, and how to mend it. Never quotes an expanded value. */
export interface ConfigProblem {
  readonly file: string;
  /** Counted from 1. */
  readonly line: number;
  /** Counted from 1. */
  readonly column: number;
  /** Path of the field, e.g. `mcpServers.files.command`; null when the file as a whole is meant. */
  readonly field: string | null;
  readonly serverId: string | null;
  readonly problem: string;
  readonly fix: string;
}

/** A configuration that cannot be used: unreadable, malformed, or without any known container of servers. */
export class ConfigError extends HoldfastError {
  override readonly name = 'ConfigError';
  readonly file: string;
  readonly line: number;
  readonly column: number;
  readonly field: string | null;
  /** What is wrong, without where and without the fix. */
  readonly problem: string;
  readonly fix: string;

  constructor(problem: ConfigProblem, options?: ErrorOptions) {
    super(formatConfigProblem(problem), {
      code: 'CONFIG',
      serverId: problem.serverId ?? undefined,
      cause: options?.cause,
    });
    this.file = problem.file;
    this.line = problem.line;
    this.column = problem.column;
    this.field = problem.field;
    this.problem = problem.problem;
    this.fix = problem.fix;
  }
}

/** One line for people: `file:line:column: field: problem; fix`. */
export function formatConfigProblem(problem: ConfigProblem): string {
  const field = problem.field === null ? '' : `${problem.field}: `;
  return `${problem.file}:${problem.line}:${problem.column}: ${field}${problem.problem}; ${problem.fix}`;
}
