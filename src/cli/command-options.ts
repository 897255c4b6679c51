import { InvalidArgumentError, Option } from 'commander';
import { logThresholds } from './log-thresholds.ts';

/** The help of what names a configuration. */
export const fileHelp = 'configuration; default: holdfast.json, .mcp.json, mcp.json or .vscode/mcp.json';

const longestTimerMs = 2_147_483_647;

/** `--log-level`, of every command that holds servers. */
export function logLevelOption(): Option {
  return new Option('--log-level <level>', 'log to standard error from this level on')
    .choices(logThresholds)
    .default('warn');
}

/** Reads a time as it is given on the command line. */
export function milliseconds(text: string): number {
  const value = Number(text);
  if (!/^\d+$/.test(text) || value > longestTimerMs) {
    throw new InvalidArgumentError(`It must be a whole number from 0 to ${longestTimerMs}.`);
  }
  return value;
}
