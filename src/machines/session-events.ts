import type { Fault } from '../link/fault.ts';
import type { CloseMode, ServerFacts } from '../link/link.ts';
import type { CallEdge } from './call-tally.ts';
import type { CircuitState } from './connection-state.ts';
import type { Rest } from './fault-policy.ts';

/** Orders to a session, by its manager. `id` is the server's; `atMs` is monotonic. */
export type SessionCommand =
  | { readonly type: 'SESSION.OPEN'; readonly id: string; readonly atMs: number }
  /** The session's actor is a new one in the place of one that crashed: go on where that one left off. */
  | { readonly type: 'SESSION.REOPEN'; readonly id: string }
  | { readonly type: 'SESSION.RECYCLE'; readonly id: string; readonly atMs: number; readonly reason: string }
  /** Somebody insists that the server is well: the circuit is closed for good. */
  | { readonly type: 'CIRCUIT.RESET'; readonly id: string }
  | { readonly type: 'SESSION.DRAIN'; readonly id: string; readonly drainMs: number; readonly inFlight: number }
  /** Its manager is gone: stop at once. The link is released by whoever owns the record. */
  | { readonly type: 'SESSION.ABANDON'; readonly id: string };

/** Facts about one generation of a session. Those of an older generation change nothing. */
export type GenerationFact =
  | { readonly type: 'LINK.SPAWNED'; readonly generation: number; readonly pid: number }
  | { readonly type: 'LINK.OPENED'; readonly generation: number; readonly facts: ServerFacts }
  /** A hint that something is wrong with a link that still stands: probe now. */
  | { readonly type: 'LINK.FAULT'; readonly generation: number; readonly fault: Fault }
  | { readonly type: 'LINK.DOWN'; readonly generation: number; readonly fault: Fault; readonly atMs: number }
  | { readonly type: 'SESSION.LOST'; readonly generation: number; readonly fault: Fault; readonly atMs: number }
  | { readonly type: 'LINK.RELEASED'; readonly generation: number; readonly leaked: boolean }
  | {
      readonly type: 'PING.OK';
      readonly generation: number;
      readonly atMs: number;
      readonly latencyMs: number;
      readonly meanLatencyMs: number;
    }
  | { readonly type: 'PING.FAILED'; readonly generation: number; readonly atMs: number; readonly fault: Fault }
  /** Nothing was learned: the time limit passed while we ourselves were stalled. */
  | { readonly type: 'PING.VOID'; readonly generation: number; readonly atMs: number }
  /** The catalog is known. `answers` is 1 when the server was asked for it and answered, 0 when it offers none. */
  | { readonly type: 'HYDRATED'; readonly generation: number; readonly answers: 0 | 1 }
  /** Time for a check. `lateMs`: how late the tick is; `answeredAgoMs`: how long ago the server last answered anything. */
  | {
      readonly type: 'HEALTH.TICK';
      readonly generation: number;
      readonly lateMs: number;
      readonly answeredAgoMs: number;
    };

export type SessionMachineEvent =
  | SessionCommand
  | GenerationFact
  | CallEdge
  | { readonly type: 'PERMIT' }
  | { readonly type: 'OVERLOAD.OVER' }
  | { readonly type: 'REST.OVER' }
  | { readonly type: 'STABLE' }
  /** A recycle that was asked for a moment after the last one. */
  | { readonly type: 'RECYCLE.DUE'; readonly generation: number; readonly reason: string }
  /** The open time is over. */
  | { readonly type: 'CIRCUIT.DUE' }
  /** The connection of a server whose circuit opened is given up: a new one may help. */
  | { readonly type: 'CIRCUIT.RECYCLE'; readonly generation: number }
  /** The ticker was replaced, and with it went the tick that this session had armed. */
  | { readonly type: 'TICKS.LOST' };

/** Where a link that is being let go leads. */
export type AfterRelease = Rest | 'waiting' | 'closed';

export interface Release {
  readonly mode: CloseMode;
  readonly next: AfterRelease;
}

/** What a session's actor tells outward. State changes are not among them: they are read from its snapshots. */
export type SessionEmitted =
  | { readonly type: 'healthTicked'; readonly generation: number }
  | {
      readonly type: 'healthChecked';
      readonly generation: number;
      readonly ok: boolean;
      readonly latencyMs: number | null;
      readonly void: boolean;
      readonly error: { readonly code: string; readonly message: string } | null;
    }
  | {
      readonly type: 'reconnectScheduled';
      readonly generation: number;
      readonly attempt: number;
      readonly delayMs: number;
      /** Milliseconds since the epoch. */
      readonly attemptAt: number;
    }
  /** `openMs`: how long it is open, else null. `onProbation`: closed, but the next failed call opens it again. */
  | {
      readonly type: 'circuitChanged';
      readonly generation: number;
      readonly from: CircuitState;
      readonly to: CircuitState;
      readonly onProbation: boolean;
      readonly openMs: number | null;
      readonly reason: string;
    }
  | { readonly type: 'sessionLost'; readonly generation: number; readonly code: string }
  | { readonly type: 'linkLeaked'; readonly generation: number };

/** Orders to the link's actor. */
export type LinkCommand =
  /** Check the link and answer `PING.OK`, `PING.FAILED` or `PING.VOID`; one check at a time, whoever asks. */
  | { readonly type: 'PROBE.REQUEST' }
  /** List the tools and answer `HYDRATED`; a server that offers none is not asked. */
  | { readonly type: 'HYDRATE.REQUEST'; readonly offersTools: boolean }
  /** Let the link go and answer `LINK.RELEASED`. Repeated with a harsher mode, it hastens. */
  | { readonly type: 'LINK.RELEASE'; readonly mode: CloseMode };
