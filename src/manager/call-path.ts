import { ClosedError } from '../errors/usage-errors.ts';
import {
  CallAbortedError,
  CallTimeoutError,
  NotReadyError,
  OutcomeUnknownError,
  OverloadedError,
  ProtocolError,
  RpcError,
} from '../errors/request-errors.ts';
import { LinkError, type Fault, type RequestFailure } from '../link/fault.ts';
import type { Link, Progress } from '../link/link.ts';
import { callStarted, recordOutcome, type CallEdge, type CallOutcome } from '../machines/call-tally.ts';
import { InvalidOptionError } from '../errors/usage-errors.ts';
import { atLeast, booleanValue, functionValue, sections, type Rules } from './option-rules.ts';
import type { ManagerPorts } from './ports.ts';
import type { SessionRecord } from './session-record.ts';

/** Options of one call. */
export interface CallOptions {
  /** Time for the call, begun anew by each progress notification. Default: the server's `callTimeoutMs`, 60 000. */
  readonly timeoutMs?: number | undefined;
  /** Time for the call however much progress it makes. Default: the server's `maxCallTimeoutMs`, 300 000. */
  readonly maxTimeoutMs?: number | undefined;
  /** Aborting it ends the call at once and tells the server. */
  readonly signal?: AbortSignal | undefined;
  /** Called for each progress notification. If it throws, the call ends with `CallAbortedError`. */
  readonly onProgress?: ((progress: Progress) => void) | undefined;
  /** Called once when a server has answered: which one, and in which generation. */
  readonly onServed?:
    | ((served: { readonly serverId: string; readonly generation: number; readonly attempts: number }) => void)
    | undefined;
  /** True: send it to an unhealthy server too. Default false. */
  readonly evenIfUnhealthy?: boolean | undefined;
}

const rules: Rules = {
  timeoutMs: atLeast(1),
  maxTimeoutMs: atLeast(1),
  signal: (value, field, serverId) => {
    if (!(value instanceof AbortSignal)) throw new InvalidOptionError(field, value, 'an AbortSignal', serverId);
  },
  onProgress: functionValue,
  onServed: functionValue,
  evenIfUnhealthy: booleanValue,
};

export interface Call {
  readonly method: string;
  readonly params: Readonly<Record<string, unknown>> | undefined;
  readonly options: CallOptions;
  /** The tool's name, for messages. */
  readonly tool?: string | undefined;
}

/** What the call path needs besides a record. */
export interface CallWorld {
  readonly ports: ManagerPorts;
  tellEdge(record: SessionRecord, edge: CallEdge): void;
}

export function checkCallOptions(options: CallOptions, serverId: string): void {
  sections(options, rules, '', serverId);
}

/** One call to one server: admission, link, outcome, count. It is tried once and settles exactly once. */
export async function performCall(
  record: SessionRecord,
  call: Call,
  world: CallWorld,
): Promise<Record<string, unknown>> {
  checkCallOptions(call.options, record.id);
  const { generation } = record;
  const { signal } = call.options;
  if (signal?.aborted === true) throw abortedError(record, generation, call, 'not-sent', signal.reason);
  const link = admit(record, call);
  record.setTally(callStarted(record.tally));
  const { clock } = world.ports;
  const began = clock.monotonic();
  let outcome: CallOutcome = { kind: 'void' };
  try {
    const result = await requestWithin(record, link, generation, call, world);
    outcome = { kind: 'answered', ok: true, latencyMs: clock.monotonic() - began };
    return result;
  } catch (error) {
    if (error instanceof RpcError) outcome = { kind: 'answered', ok: false, latencyMs: clock.monotonic() - began };
    else if (error instanceof OverloadedError) outcome = { kind: 'overload', retryAfterMs: error.retryAfterMs };
    else if (
      error instanceof CallTimeoutError ||
      error instanceof OutcomeUnknownError ||
      error instanceof ProtocolError
    )
      outcome = { kind: 'failed' };
    throw error;
  } finally {
    if (outcome.kind === 'answered') record.noteAnswer();
    const { tally, edges } = recordOutcome(record.tally, outcome, record.policy.healthCheck);
    record.setTally(generation === record.generation ? tally : { ...tally, failedInARow: record.tally.failedInARow });
    for (const edge of edges) {
      if (generation === record.generation || edge.type === 'INFLIGHT.ZERO') world.tellEdge(record, edge);
    }
    if (outcome.kind === 'answered') served(call, record.id, generation);
  }
}

/** The link that the call may use, or a typed refusal: nothing has been sent. */
function admit(record: SessionRecord, call: Call): Link {
  const { phase, context, tags } = record.view;
  const where = { serverId: record.id, generation: context.generation };
  if (record.removing !== undefined || record.finished) throw new ClosedError('session', record.id);
  const admitted =
    tags.has('admits calls') || (call.options.evenIfUnhealthy === true && phase === 'connected.unhealthy');
  const { link } = record.lease;
  if (admitted && link?.isOpen === true) return link;
  if (phase === 'connected.unhealthy' && !admitted) {
    throw new NotReadyError(
      `Server "${record.id}" is unhealthy (${context.reason ?? 'failed checks'}); the call was not sent. Wait for it to recover, or insist with evenIfUnhealthy.`,
      where,
    );
  }
  const wait = context.nextAttemptAt === null ? undefined : Math.max(0, context.nextAttemptAt - record.wall());
  throw new NotReadyError(
    `Server "${record.id}" is not connected (${phase}${context.reason === null ? '' : `: ${context.reason}`}); the call was not sent.`,
    { ...where, retryAfterMs: wait },
  );
}

function requestWithin(
  record: SessionRecord,
  link: Link,
  generation: number,
  call: Call,
  world: CallWorld,
): Promise<Record<string, unknown>> {
  const { clock } = world.ports;
  const { options } = call;
  const timeoutMs = options.timeoutMs ?? record.options.callTimeoutMs;
  const deadlineMs = clock.monotonic() + Math.max(timeoutMs, options.maxTimeoutMs ?? record.options.maxCallTimeoutMs);
  const abort = new AbortController();
  let ending: { readonly kind: 'timeout' } | { readonly kind: 'aborted'; readonly reason: unknown } | undefined;

  const end = (how: typeof ending): void => {
    if (ending !== undefined) return;
    ending = how;
    abort.abort();
  };
  // An answer may be waiting unread in the pipe: read what has arrived before the time counts as over.
  const timeUp = (): void => {
    clock.nextMacrotask(() => {
      end({ kind: 'timeout' });
    });
  };
  let timer = clock.setTimeout(timeUp, timeoutMs);
  const onProgress = (progress: Progress): void => {
    clock.clearTimeout(timer);
    timer = clock.setTimeout(timeUp, Math.max(0, Math.min(timeoutMs, deadlineMs - clock.monotonic())));
    try {
      options.onProgress?.(progress);
    } catch (error) {
      end({ kind: 'aborted', reason: error });
    }
  };
  const { signal } = options;
  const onAbort = (): void => {
    end({ kind: 'aborted', reason: signal?.reason });
  };
  signal?.addEventListener('abort', onAbort, { once: true });
  const forget = record.onCancel(() => {
    end({ kind: 'aborted', reason: new ClosedError('session', record.id) });
  });

  return link
    .request(call.method, call.params, {
      signal: abort.signal,
      onProgress: options.onProgress === undefined ? undefined : onProgress,
    })
    .catch((error: unknown) => {
      throw failureOf(error, record, generation, call, ending, timeoutMs);
    })
    .finally(() => {
      clock.clearTimeout(timer);
      signal?.removeEventListener('abort', onAbort);
      forget();
    });
}

function failureOf(
  error: unknown,
  record: SessionRecord,
  generation: number,
  call: Call,
  ending: { readonly kind: 'timeout' } | { readonly kind: 'aborted'; readonly reason: unknown } | undefined,
  timeoutMs: number,
): Error {
  const where = { serverId: record.id, generation };
  if (!(error instanceof LinkError)) {
    return new ProtocolError(
      `${what(call)} to server "${record.id}" failed inside its driver; its outcome is unknown.`,
      { ...where, outcome: 'unknown', cause: error },
    );
  }
  const { failure } = error;
  switch (failure.kind) {
    case 'rpc':
      return new RpcError(
        `Server "${record.id}" answered ${what(call)} with error ${failure.rpcCode}: ${failure.message}`,
        {
          ...where,
          rpcCode: failure.rpcCode,
          data: failure.data,
          outcome: refusedCodes.has(failure.rpcCode) ? 'rejected' : 'executed',
          cause: error,
        },
      );
    case 'aborted': {
      const outcome = failure.sent ? 'unknown' : 'not-sent';
      if (ending?.kind === 'timeout') {
        const effect = failure.sent ? 'It may have been executed.' : 'It was not sent.';
        return new CallTimeoutError(
          `${what(call)} to server "${record.id}" got no answer within ${timeoutMs} ms. ${effect}`,
          { ...where, outcome, timeoutMs },
        );
      }
      return abortedError(record, generation, call, outcome, ending?.reason);
    }
    case 'link':
      return lostError(failure, failure.fault, record, generation, call, error);
  }
}

/** Parse error, invalid request, method not found: answers that say that nothing was executed. */
const refusedCodes: ReadonlySet<number> = new Set([-32_700, -32_600, -32_601]);

function lostError(
  failure: RequestFailure,
  fault: Fault,
  record: SessionRecord,
  generation: number,
  call: Call,
  cause: unknown,
): Error {
  const where = { serverId: record.id, generation, cause };
  if (fault.kind === 'overload') {
    return new OverloadedError(`${what(call)} was not sent to server "${record.id}": ${fault.message}.`, {
      ...where,
      outcome: 'not-sent',
      retryAfterMs: fault.retryAfterMs,
    });
  }
  if (failure.sent) {
    return new OutcomeUnknownError(
      `${what(call)} to server "${record.id}" (generation ${generation}) may have been executed: ${fault.message}.`,
      { ...where, tool: call.tool },
    );
  }
  return new NotReadyError(`${what(call)} was not sent to server "${record.id}": ${fault.message}.`, where);
}

function abortedError(
  record: SessionRecord,
  generation: number,
  call: Call,
  outcome: 'unknown' | 'not-sent',
  reason: unknown,
): CallAbortedError {
  const effect = outcome === 'unknown' ? 'It may have been executed.' : 'It was not sent.';
  return new CallAbortedError(`${what(call)} to server "${record.id}" was aborted. ${effect}`, {
    serverId: record.id,
    generation,
    outcome,
    cause: reason,
  });
}

function what(call: Call): string {
  return call.tool === undefined ? call.method : `The call of tool "${call.tool}"`;
}

function served(call: Call, serverId: string, generation: number): void {
  try {
    call.options.onServed?.({ serverId, generation, attempts: 1 });
  } catch {
    // A listener of the caller's own; the call is settled whatever it throws.
  }
}
