import type { ConnectionState, Phase } from '../machines/connection-state.ts';

/** What every event carries. */
export interface EventStamp {
  /** Gap-free within one manager, from 1. */
  readonly seq: number;
  /** Milliseconds since the epoch. */
  readonly at: number;
  readonly serverId: string;
  /** The connection generation that it is about; 0 before the first attempt. */
  readonly generation: number;
}

/** A failure as events and infos show it. */
export interface ShownError {
  /** Machine-readable: `ENOENT`, `exit:1`, `signal:SIGKILL`, `check-timeout`, … */
  readonly code: string;
  readonly message: string;
}

/** What happened, without its stamp. */
export type SessionFact =
  | { readonly type: 'serverAdded' }
  | { readonly type: 'serverRemoved' }
  /** The session moved from one state to another. One event for each move, so that replaying them gives the present state. */
  | {
      readonly type: 'stateChanged';
      readonly from: ConnectionState;
      readonly to: ConnectionState;
      readonly fromPhase: Phase;
      readonly phase: Phase;
      readonly pid: number | null;
      readonly attempt: number;
      /** When it tries again by itself, in milliseconds since the epoch. */
      readonly nextAttemptAt: number | null;
      readonly reason: string | null;
    }
  /** A check is due; it may be skipped when the server has answered something lately. */
  | { readonly type: 'healthTicked' }
  /** `void`: nothing was learned, since we ourselves were stalled. */
  | {
      readonly type: 'healthChecked';
      readonly ok: boolean;
      readonly latencyMs: number | null;
      readonly void: boolean;
      readonly error: ShownError | null;
    }
  | {
      readonly type: 'reconnectScheduled';
      readonly attempt: number;
      readonly delayMs: number /** Milliseconds since the epoch. */;
      readonly attemptAt: number;
    }
  /** The server forgot the session that the connection held. */
  | { readonly type: 'sessionLost'; readonly code: string }
  /** A link did not let go in time; something of it may still be there. */
  | { readonly type: 'linkLeaked' }
  /** Something is wrong on a link that still stands, such as lines on stdout that are no messages. */
  | { readonly type: 'linkFault'; readonly error: ShownError }
  /** The server's tools are not what they were. */
  | {
      readonly type: 'catalogChanged';
      readonly added: readonly string[];
      readonly removed: readonly string[];
      readonly changed: readonly string[];
    }
  /** A session's own actor threw. Its link is released, then it is started anew; other sessions are untouched. */
  | { readonly type: 'sessionCrashed'; readonly error: ShownError; readonly restartMs: number };

/** What happened to one server. */
export type SessionEvent = EventStamp & SessionFact;

/** What happened to any server of a manager. */
export type ManagerEvent = SessionEvent;
