import type { Refusal } from '../service/index.ts';
import { exitCode } from './exit-codes.ts';
import type { StderrLines } from './stderr-lines.ts';

/** Codes of requests that cannot be right, whatever the servers do. */
const misuse: ReadonlySet<string> = new Set([
  'BAD_REQUEST',
  'INVALID_OPTION',
  'UNKNOWN_GROUP',
  'UNKNOWN_SERVER',
  'UNKNOWN_TOOL',
]);

/** Tells why the service has refused, and whether a call may have been executed all the same. Returns the exit code. */
export function tellRefusal({ code, message, outcome }: Refusal['error'], stderr: StderrLines): number {
  const maybe = outcome === 'unknown' ? ' It may have been executed.' : '';
  stderr.line(`holdfast: ${message}${maybe} (${code})`);
  return misuse.has(code) ? exitCode.usage : exitCode.failed;
}
