import { circuitStateOf } from '../machines/circuit-policy.ts';
import type { CircuitState, ConnectionState, Phase } from '../machines/connection-state.ts';
import type { Era } from '../link/link.ts';
import type { GroupInfo } from './group.ts';
import { shownFault, type ShownError } from './manager-events.ts';
import type { SessionRecord } from './session-record.ts';

/** All that is known of one server's connection, at one moment. Plain data. */
export interface ConnectionInfo {
  readonly id: string;
  readonly state: ConnectionState;
  /** The exact state of the session's statechart. */
  readonly phase: Phase;
  /** Since when it has been in this phase, in milliseconds since the epoch. */
  readonly since: number;
  /** Why, in a few words; null when nothing is wrong. */
  readonly reason: string | null;
  /** Number of the connection attempt, from 1; 0 before the first. */
  readonly generation: number;
  /** Process id of a stdio server that is running, else null. */
  readonly pid: number | null;
  /** The groups that it is a member of. */
  readonly groups: readonly string[];
  /** When the present connection was established, in milliseconds since the epoch; null while there is none. */
  readonly establishedAt: number | null;
  /** When the server's health was last checked; connecting is a check too. */
  readonly lastHealthCheck: number | null;
  /** Consecutive failed checks in this generation. */
  readonly failedHealthChecks: number;
  readonly successfulRequests: number;
  readonly failedRequests: number;
  readonly activeRequests: number;
  /** Attempts since the connection was last stable. */
  readonly attempt: number;
  /** When it next acts by itself, in milliseconds since the epoch; null while it is connected or has nothing to wait for. */
  readonly nextAttemptAt: number | null;
  /** The last failure of this server, also when it has long recovered. */
  readonly lastError: ShownError | null;
  readonly latencyMs: { readonly last: number | null; readonly mean: number | null };
  readonly circuit: CircuitState;
  /** True: the circuit was closed again a moment ago, and opens anew with the first failed call. */
  readonly onProbation: boolean;
  /** The protocol era in which the server was last spoken to; null before its first connection. */
  readonly era: Era | null;
  /** Since when it has been of that era, in milliseconds since the epoch. */
  readonly eraSince: number | null;
  readonly protocolVersion: string | null;
  readonly serverInfo: { readonly name: string; readonly version: string } | null;
}

/** All servers of a manager at one moment. Frozen and JSON-serialisable. */
export interface ManagerSnapshot {
  /** Number of the last event that it includes. */
  readonly seq: number;
  readonly sessions: readonly ConnectionInfo[];
  readonly groups: readonly GroupInfo[];
  readonly stats: Readonly<Record<ConnectionState, number>>;
}

/** The info of a record as it is now. */
export function connectionInfoOf(record: SessionRecord): ConnectionInfo {
  const { tally, known } = record;
  const { phase, state, since, establishedAt, context } = record.view;
  const { facts } = known;
  const { lastFault } = context;
  return Object.freeze({
    id: record.id,
    state,
    phase,
    since,
    reason: context.reason,
    generation: context.generation,
    pid: context.pid,
    groups: record.groups,
    establishedAt,
    lastHealthCheck: record.lastCheckAt,
    failedHealthChecks: context.health.failures,
    successfulRequests: tally.succeeded,
    failedRequests: tally.failed,
    activeRequests: tally.inFlight,
    attempt: context.attempt,
    nextAttemptAt: context.nextAttemptAt,
    lastError: lastFault === null ? null : shownFault(lastFault),
    latencyMs: Object.freeze(tally.latency),
    circuit: circuitStateOf(context.circuit),
    onProbation: context.circuit.phase === 'probation',
    era: facts?.era ?? null,
    eraSince: known.eraSince,
    protocolVersion: facts?.protocolVersion ?? null,
    serverInfo: facts === null || facts.info === null ? null : Object.freeze({ ...facts.info }),
  });
}
