import { InvalidArgumentError, Option } from 'commander';
import { logThresholds } from './log-thresholds.ts';

/** The help of what names a configuration. */
export const fileHelp =
  'configuration, of several the later ones win; default: holdfast.json, .mcp.json, mcp.json or .vscode/mcp.json';

const longestTimerMs = 2_147_483_647;

/** `--log-level`, of every command that holds servers. */
export function logLevelOption(): Option {
  return new Option('--log-level <level>', 'log to standard error from this level on')
    .choices(logThresholds)
    .default('warn');
}

/** `--config`, of every command but `up`, which takes its files as they are. */
export function configOption(): Option {
  return new Option('-c, --config <file>', `${fileHelp}; may be repeated`).argParser(collected);
}

/** `--trust`, of every command that starts servers. */
export function trustOption(): Option {
  return new Option('--trust', 'start what was found without showing it first');
}

/** What an option that may be repeated has said so far. */
export function collected(value: string, before?: readonly string[]): readonly string[] {
  return [...(before ?? []), value];
}

/** Reads a time as it is given on the command line. */
export function milliseconds(text: string): number {
  const value = Number(text);
  if (!/^\d+$/.test(text) || value > longestTimerMs) {
    throw new InvalidArgumentError(`It must be a whole number from 0 to ${longestTimerMs}.`);
  }
  return value;
}
