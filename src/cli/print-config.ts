import { ConfigError, configSchema, loadConfig } from '../config/index.ts';
import { describeConfig } from '../index.ts';
import { exitCode } from './exit-codes.ts';
import { tellProblems } from './read-plan.ts';
import type { StderrLines } from './stderr-lines.ts';

/**
 * Writes what a configuration comes to as JSON: every file merged, every variable expanded, every secret left out. Resolves to the exit
 * code: 2 where something is wrong.
 */
export async function printConfig(files: readonly string[], stderr: StderrLines): Promise<number> {
  try {
    const config = await loadConfig(files, { env: process.env });
    tellProblems(config.problems, stderr);
    process.stdout.write(`${JSON.stringify({ schema: 'holdfast/v1', ...describeConfig(config) }, null, 2)}\n`);
    return config.problems.length === 0 ? exitCode.ok : exitCode.usage;
  } catch (error) {
    if (!(error instanceof ConfigError)) throw error;
    stderr.line(error.message);
    return exitCode.usage;
  }
}

/** Writes the JSON Schema of what holdfast reads of a configuration. */
export function printSchema(): void {
  process.stdout.write(`${JSON.stringify(configSchema(), null, 2)}\n`);
}
