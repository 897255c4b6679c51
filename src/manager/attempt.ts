import {
  CallTimeoutError,
  OutcomeUnknownError,
  OverloadedError,
  ProtocolError,
  RpcError,
} from '../errors/request-errors.ts';
import type { Link, Pending } from '../link/link.ts';
import {
  callStarted,
  recordOutcome,
  withoutVerdict,
  type CallEdge,
  type CallOutcome,
  type CircuitMode,
} from '../machines/call-tally.ts';
import type { Call } from './call.ts';
import { failureOf, whatIs } from './call-failure.ts';
import type { CallTime } from './call-time.ts';
import type { Deadlines } from './deadlines.ts';
import type { Instruments } from './instruments.ts';
import type { ManagerPorts } from './ports.ts';
import type { SessionRecord } from './session-record.ts';

/** What the call path needs besides a record. */
export interface CallWorld {
  readonly ports: ManagerPorts;
  /** When the calls end that are under way. */
  readonly deadlines: Deadlines;
  /** Who hears of calls. */
  readonly instruments: Instruments;
  tellEdge(record: SessionRecord, edge: CallEdge): void;
  /** Connects a session that waits for its first call. */
  open(record: SessionRecord): void;
}

/** Sends the call over this link, once, and counts what came of it. Rejects with a typed error. */
export async function attempt<Result>(
  record: SessionRecord,
  link: Link,
  call: Call<Result>,
  time: CallTime,
  world: CallWorld,
): Promise<Record<string, unknown> & Result> {
  const { generation, clock } = record;
  record.setTally(callStarted(record.tally));
  const { circuitMoves, traffic } = record;
  const { losses } = traffic;
  traffic.begin(time);
  const began = clock.monotonic();
  let outcome: CallOutcome = { kind: 'void' };
  let isAlreadyCounted = false;
  try {
    const pending = send(link, call, time);
    time.onEnd = () => {
      pending.cancel();
    };
    if (time.ending !== undefined) pending.cancel();
    const result = await pending.answer;
    if (!call.isResult(result)) {
      throw new ProtocolError(`Server "${record.id}" answered ${whatIs(call)} with something that is no such result.`, {
        serverId: record.id,
        generation,
        outcome: 'executed',
      });
    }
    outcome = { kind: 'answered', ok: true, latencyMs: clock.monotonic() - began };
    return result;
  } catch (thrown) {
    const error =
      thrown instanceof ProtocolError ? thrown : failureOf(thrown, record.id, generation, call, time.ending);
    outcome = outcomeOf(error, clock.monotonic() - began, time);
    if (outcome.kind === 'failed' && error instanceof OutcomeUnknownError) {
      // A server that dies under many calls has failed once. Its connection is not the circuit's to judge.
      isAlreadyCounted = traffic.losses !== losses;
      if (!isAlreadyCounted) traffic.losses += 1;
    }
    throw error;
  } finally {
    time.onEnd = undefined;
    traffic.end(time);
    // A check by hand says no more to the circuit than the checks that come by themselves.
    const counts = circuitMoves === record.circuitMoves && call.isCheck !== true && !isAlreadyCounted;
    settle(record, generation, outcome, counts ? record.circuitMode : 'barred', world);
  }
}

function send<Result>(link: Link, call: Call<Result>, time: CallTime): Pending<Record<string, unknown>> {
  const { onProgress } = call.options;
  return link.request(call.method, call.params, {
    onProgress: (progress) => {
      time.progress();
      try {
        onProgress?.(progress);
      } catch (error) {
        time.end({ kind: 'aborted', reason: error });
      }
    },
  });
}

function outcomeOf(error: unknown, latencyMs: number, { ending }: CallTime): CallOutcome {
  if (error instanceof RpcError) return { kind: 'answered', ok: false, latencyMs };
  const isOverload = error instanceof OutcomeUnknownError && error.retryAfterMs !== undefined;
  if (error instanceof OverloadedError || isOverload) return { kind: 'overload', retryAfterMs: error.retryAfterMs };
  // The server turned it away, which says that it is there.
  if (error instanceof ProtocolError && error.outcome === 'rejected') return { kind: 'answered', ok: false, latencyMs };
  // A time that passed while we ourselves were stalled says nothing about the server.
  if (error instanceof CallTimeoutError) {
    return { kind: ending?.kind === 'timeout' && ending.isOwnStall ? 'void' : 'failed' };
  }
  const counts = error instanceof OutcomeUnknownError || error instanceof ProtocolError;
  return { kind: counts ? 'failed' : 'void' };
}

/** Counts the call; only one of the present generation says anything about the server's health. */
function settle(
  record: SessionRecord,
  generation: number,
  outcome: CallOutcome,
  mode: CircuitMode,
  world: CallWorld,
): void {
  const before = record.tally;
  const { tally, edges } = recordOutcome(before, outcome, record.policy, mode);
  if (generation === record.generation) {
    if (outcome.kind === 'answered') record.noteAnswer();
    if (outcome.kind === 'failed') record.lastFailedCallMs = record.clock.monotonic();
    record.setTally(tally);
  } else {
    record.setTally(withoutVerdict(tally, before));
  }
  for (const edge of edges) {
    const concerns = edge.type === 'INFLIGHT.ZERO' ? record.waitsForCalls : generation === record.generation;
    if (concerns) world.tellEdge(record, edge);
  }
}
