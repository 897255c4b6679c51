import { AuthRequiredError, CallAbortedError, ConnectError, NotReadyError } from '../errors/request-errors.ts';
import { ClosedError } from '../errors/usage-errors.ts';
import type { Phase } from '../machines/connection-state.ts';
import { nudgeIntervalMs } from '../machines/reconnect-policy.ts';
import type { SessionData } from '../machines/session-context.ts';
import { withoutPeriod } from './call-failure.ts';
import { abortSignal, atLeast, type Rules } from './option-rules.ts';
import type { SessionRecord } from './session-record.ts';
import { waitUntil } from './waiting.ts';

/** How long `ready()` waits unless told otherwise. */
export const readyTimeoutMs = 30_000;

/** What `ready()` can be told. */
export const readyRules: Rules = { timeoutMs: atLeast(0), signal: abortSignal };

/** Waiting makes no sense here: time alone does not help. */
const hopeless: ReadonlySet<Phase> = new Set<Phase>([
  'disconnected.parked.auth',
  'disconnected.parked.config',
  'disconnected.stopped',
]);

/** True where time alone does not help. */
export function isHopeless(phase: Phase): boolean {
  return hopeless.has(phase);
}

/** An attempt was asked for by hand, and is put off by a moment: nothing else has a session rest that shortly there. */
function isNudged({ restMs }: SessionData): boolean {
  return restMs !== null && restMs <= nudgeIntervalMs;
}

export interface Patience {
  readonly timeoutMs?: number | undefined;
  readonly signal?: AbortSignal | undefined;
  /** True: the first failed attempt ends the waiting. */
  readonly firstAttemptOnly?: boolean | undefined;
}

/** Resolves when calls are admitted; rejects with a typed error when that will not come, or not in time. */
export function whenReady(record: SessionRecord, patience: Patience): Promise<void> {
  const { timeoutMs, signal, firstAttemptOnly = false } = patience;
  const firstGeneration = record.generation;
  return waitUntil(record.clock, {
    timeoutMs,
    signal,
    watch: (check) => record.onChange(check),
    check: () => {
      const { phase, context } = record.view;
      if (record.finished || record.removing !== undefined) return new ClosedError('session', record.id);
      if (record.admits) return true;
      if (firstAttemptOnly ? phase.startsWith('disconnected.') : isHopeless(phase) && !isNudged(context))
        return connectError(record);
      return firstAttemptOnly && context.generation > firstGeneration + 1 ? connectError(record) : undefined;
    },
    late: (afterMs) =>
      new NotReadyError(
        `Server "${record.id}" was not ready within ${afterMs} ms (${describe(record)}).`,
        whereOf(record),
      ),
    aborted: (reason) =>
      new CallAbortedError(`Waiting for server "${record.id}" was aborted.`, {
        ...whereOf(record),
        outcome: 'not-sent',
        cause: reason,
      }),
  });
}

function connectError(record: SessionRecord): ConnectError | AuthRequiredError {
  const fault = record.view.context.lastFault;
  const why = withoutPeriod(fault === null ? describe(record) : fault.message);
  if (fault?.kind === 'auth') {
    return new AuthRequiredError(`Server "${record.id}" wants other credentials: ${why}.`, {
      ...whereOf(record),
      outcome: 'not-sent',
      url: fault.authorizationUrl,
    });
  }
  return new ConnectError(`Server "${record.id}" could not be connected: ${why}.`, {
    ...whereOf(record),
    faultCode: fault?.code ?? 'unknown',
    exit: fault?.exit,
    stderrTail: fault?.stderrTail,
  });
}

function describe(record: SessionRecord): string {
  const { phase, context } = record.view;
  return context.reason === null ? phase : `${phase}: ${withoutPeriod(context.reason)}`;
}

function whereOf(record: SessionRecord): { readonly serverId: string; readonly generation: number } {
  return { serverId: record.id, generation: record.generation };
}
