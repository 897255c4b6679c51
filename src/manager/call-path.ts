import {
  AuthRequiredError,
  CallTimeoutError,
  NotReadyError,
  OutcomeUnknownError,
  OverloadedError,
  ProtocolError,
  RpcError,
} from '../errors/request-errors.ts';
import { ClosedError } from '../errors/usage-errors.ts';
import type { Link, Progress } from '../link/link.ts';
import { callStarted, recordOutcome, type CallEdge, type CallOutcome } from '../machines/call-tally.ts';
import { abortedError, failureOf, whatIs, withoutPeriod, type Ending } from './call-failure.ts';
import { checkCallOptions, type CallOptions } from './call-options.ts';
import type { ManagerPorts } from './ports.ts';
import type { SessionRecord } from './session-record.ts';

/** What is asked of a server. */
export interface Call<Result> {
  readonly method: string;
  readonly params: Readonly<Record<string, unknown>> | undefined;
  readonly options: CallOptions;
  /** The tool's name, for messages. */
  readonly tool?: string | undefined;
  /** What the answer must be; one that is not is a `ProtocolError`. */
  readonly isResult: (result: Record<string, unknown>) => result is Record<string, unknown> & Result;
  /** How much of its time it has spent already, in milliseconds. */
  readonly spentMs?: number | undefined;
  /** The one server that can answer it: the next page of a list comes from where the last one came from. */
  readonly on?: string | undefined;
}

/** What came of a call, and where it ran. */
export interface Served<Result> {
  readonly result: Result;
  readonly serverId: string;
  readonly generation: number;
}

/** What the call path needs besides a record. */
export interface CallWorld {
  readonly ports: ManagerPorts;
  tellEdge(record: SessionRecord, edge: CallEdge): void;
}

/** One call to one server: admission, link, outcome, count. It is tried once and settles exactly once. */
export async function performCall<Result>(
  record: SessionRecord,
  call: Call<Result>,
  world: CallWorld,
): Promise<Served<Result>> {
  checkCallOptions(call.options, record.id);
  const { generation } = record;
  const { signal } = call.options;
  if (signal?.aborted === true) throw abortedError(record.id, generation, call, 'not-sent', signal.reason);
  const link = admit(record, call.options);
  record.setTally(callStarted(record.tally));
  const began = record.clock.monotonic();
  let outcome: CallOutcome = { kind: 'void' };
  try {
    const result = await requestWithin(record, link, generation, call);
    if (!call.isResult(result)) {
      throw new ProtocolError(`Server "${record.id}" answered ${whatIs(call)} with something that is no such result.`, {
        serverId: record.id,
        generation,
        outcome: 'unknown',
      });
    }
    outcome = { kind: 'answered', ok: true, latencyMs: record.clock.monotonic() - began };
    return { result, serverId: record.id, generation };
  } catch (error) {
    outcome = outcomeOf(error, record.clock.monotonic() - began);
    throw error;
  } finally {
    settle(record, generation, outcome, world);
    if (outcome.kind === 'answered') served(call.options, record.id, generation);
  }
}

function outcomeOf(error: unknown, latencyMs: number): CallOutcome {
  if (error instanceof RpcError) return { kind: 'answered', ok: false, latencyMs };
  const isOverload = error instanceof OutcomeUnknownError && error.retryAfterMs !== undefined;
  if (error instanceof OverloadedError || isOverload) return { kind: 'overload', retryAfterMs: error.retryAfterMs };
  // The server turned it away, which says that it is there.
  if (error instanceof ProtocolError && error.outcome === 'rejected') return { kind: 'answered', ok: false, latencyMs };
  const counts =
    error instanceof CallTimeoutError || error instanceof OutcomeUnknownError || error instanceof ProtocolError;
  return { kind: counts ? 'failed' : 'void' };
}

/** Counts the call; only one of the present generation says anything about the server's health. */
function settle(record: SessionRecord, generation: number, outcome: CallOutcome, world: CallWorld): void {
  const before = record.tally;
  const { tally, edges } = recordOutcome(before, outcome, record.policy.healthCheck);
  if (generation === record.generation) {
    if (outcome.kind === 'answered') record.noteAnswer();
    if (outcome.kind === 'failed') record.lastFailedCallMs = record.clock.monotonic();
    record.setTally(tally);
  } else {
    record.setTally({ ...tally, failedInARow: before.failedInARow, latency: before.latency });
  }
  for (const edge of edges) {
    // Nobody waits for the last call but a removal.
    const concerns = edge.type === 'INFLIGHT.ZERO' ? record.removing !== undefined : generation === record.generation;
    if (concerns) world.tellEdge(record, edge);
  }
}

/** The link that the call may use, or a typed refusal: nothing has been sent. */
function admit(record: SessionRecord, options: CallOptions): Link {
  const { phase, context, tags, wakesAtMs } = record.view;
  const where = { serverId: record.id, generation: context.generation };
  if (record.removing !== undefined || record.finished) throw new ClosedError('session', record.id);
  const insisted = options.evenIfUnhealthy === true && phase === 'connected.unhealthy';
  const { link } = record.lease;
  if ((tags.has('admits calls') || insisted) && link?.isOpen === true) return link;
  const why = context.reason === null ? '' : ` (${withoutPeriod(context.reason)})`;
  if (phase === 'connected.unhealthy' && !insisted) {
    throw new NotReadyError(
      `Server "${record.id}" is unhealthy${why}; the call was not sent. Wait for it to recover, or insist with evenIfUnhealthy.`,
      where,
    );
  }
  const retryAfterMs = wakesAtMs === null ? undefined : Math.max(0, Math.ceil(wakesAtMs - record.clock.monotonic()));
  if (phase === 'disconnected.parked.auth') {
    throw new AuthRequiredError(`Server "${record.id}" wants other credentials${why}; the call was not sent.`, {
      ...where,
      outcome: 'not-sent',
      retryAfterMs,
    });
  }
  throw new NotReadyError(`Server "${record.id}" is not connected but ${phase}${why}; the call was not sent.`, {
    ...where,
    retryAfterMs,
  });
}

async function requestWithin<Result>(
  record: SessionRecord,
  link: Link,
  generation: number,
  call: Call<Result>,
): Promise<Record<string, unknown>> {
  const { clock } = record;
  const { options } = call;
  const timeoutMs = options.timeoutMs ?? record.options.callTimeoutMs;
  const maxTimeoutMs = Math.max(timeoutMs, options.maxTimeoutMs ?? record.options.maxCallTimeoutMs);
  const { spentMs = 0 } = call;
  const deadlineMs = clock.monotonic() + maxTimeoutMs - spentMs;
  const abort = new AbortController();
  let ending: Ending | undefined;

  const end = (how: Ending): void => {
    if (ending !== undefined) return;
    ending = how;
    abort.abort(how.kind);
  };
  // An answer may be waiting unread in the pipe: read what has arrived before the time counts as over.
  const timeUp = (): void => {
    clock.nextMacrotask(() => {
      end({ kind: 'timeout', afterMs: clock.monotonic() >= deadlineMs ? maxTimeoutMs : timeoutMs });
    });
  };
  let timer = clock.setTimeout(timeUp, Math.max(0, timeoutMs - spentMs));
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
  try {
    return await link.request(call.method, call.params, { signal: abort.signal, onProgress });
  } catch (error) {
    throw failureOf(error, record.id, generation, call, ending);
  } finally {
    clock.clearTimeout(timer);
    signal?.removeEventListener('abort', onAbort);
    forget();
  }
}

function served(options: CallOptions, serverId: string, generation: number): void {
  try {
    options.onServed?.({ serverId, generation, attempts: 1 });
  } catch {
    // A listener of the caller's own; the call is settled whatever it throws.
  }
}
