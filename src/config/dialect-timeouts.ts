import type { DialectTimeout } from './dialects.ts';
import { kindOf } from './document-value.ts';
import type { JsonMember } from './document-value.ts';
import type { Report } from './report.ts';
import type { ServerSettings } from './server-settings.ts';

/** The longest time that a timer can wait, in milliseconds. */
const LONGEST_TIMER_MS = 2_147_483_647;
/** What a call may take in all unless told otherwise, in milliseconds. */
const MAX_CALL_MS = 300_000;

/** The times of an entry that have a known unit in its dialect, in milliseconds. */
export function readTimeouts(
  members: ReadonlyMap<string, JsonMember>,
  timeouts: Readonly<Record<string, DialectTimeout>>,
  report: Report,
): Pick<ServerSettings, 'callTimeoutMs' | 'connectTimeoutMs' | 'maxCallTimeoutMs'> {
  const times: { callTimeoutMs?: number; connectTimeoutMs?: number; maxCallTimeoutMs?: number } = {};
  for (const [name, { option, unitMs }] of Object.entries(timeouts)) {
    const value = members.get(name)?.value;
    if (value === undefined) continue;
    const unit = unitMs === 1 ? 'milliseconds' : 'seconds';
    if (value.type !== 'number') {
      const problem = `${name} must be a number of ${unit}, but it is ${kindOf(value)}`;
      report.problem(value, problem, 'write it without quotes');
      continue;
    }
    const ms = value.number * unitMs;
    if (ms > 0 && ms <= LONGEST_TIMER_MS) times[option] = ms;
    else
      report.problem(
        value,
        `${name} must be a number of ${unit} above 0`,
        `write at most ${LONGEST_TIMER_MS / unitMs}`,
      );
  }
  const { callTimeoutMs = 0 } = times;
  return callTimeoutMs > MAX_CALL_MS ? { ...times, maxCallTimeoutMs: callTimeoutMs } : times;
}
