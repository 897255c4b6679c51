import { ConfigError } from '../errors/config-error.ts';
import { startOfFile } from './json-position.ts';
import type { Position } from './json-position.ts';

/** The error for a file as a whole, or for the place where it stops being what it should be. */
export function unusable(
  file: string,
  at: Position,
  problem: string,
  fix: string,
  options?: { readonly cause?: unknown },
): ConfigError {
  return new ConfigError({ file, ...at, field: null, serverId: null, problem, fix }, options);
}

export function emptyFile(file: string, example: string): ConfigError {
  return unusable(file, startOfFile, 'the file is empty', `write at least ${example}`);
}

/** The parsers and what reads their results recurse; a stack overflow is a RangeError. */
export function tooDeep(file: string, cause: RangeError): ConfigError {
  return unusable(file, startOfFile, 'the file is nested too deeply', 'check that it is a configuration', { cause });
}
