import type { Fault } from '../link/fault.ts';
import type { UncheckedReason } from '../validation/validator.ts';
import type { CircuitState, ConnectionState, Phase } from '../machines/connection-state.ts';
import type { GroupEmitted } from '../machines/group-events.ts';
import type { LogLevel } from './results.ts';
import type { ServerIdentity } from './known-server.ts';

/** What every event carries. */
export interface EventStamp {
  /** Gap-free within one manager, from 1. */
  readonly seq: number;
  /** Milliseconds since the epoch. */
  readonly at: number;
}

/** Of which server an event is. */
export interface SessionStamp extends EventStamp {
  readonly serverId: string;
  /** The connection generation that it is about; 0 before the first attempt. */
  readonly generation: number;
  readonly groupId?: undefined;
}

/** Of which group an event is. */
export interface GroupStamp extends EventStamp {
  readonly groupId: string;
  readonly serverId?: undefined;
  readonly generation?: undefined;
}

/** A failure as events and infos show it. */
export interface ShownError {
  /** Machine-readable: `ENOENT`, `exit:1`, `signal:SIGKILL`, `check-timeout`, … */
  readonly code: string;
  readonly message: string;
}

export function shownFault({ code, message }: Fault): ShownError {
  return Object.freeze({ code, message });
}

/** A crash of an actor of ours, as events show it. */
export function shownCrash(code: 'session-crashed' | 'group-crashed', error: unknown): ShownError {
  const message = error instanceof Error ? error.message : String(error);
  return Object.freeze({
    code,
    message: `the ${code === 'session-crashed' ? 'session' : 'group'}'s actor crashed: ${message}`,
  });
}

/** What holds over all connections of a server, if it grants it. */
export type RefusedWish =
  | { readonly kind: 'subscription'; readonly uri: string }
  | { readonly kind: 'logLevel'; readonly level: LogLevel };

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
  /** The circuit opened, for `openMs`, or closed. `onProbation`: closed, but the next failed call opens it again. */
  | {
      readonly type: 'circuitChanged';
      readonly from: CircuitState;
      readonly to: CircuitState;
      readonly onProbation: boolean;
      readonly openMs: number | null;
      readonly reason: string;
    }
  /** The server forgot the session that the connection held. */
  | { readonly type: 'sessionLost'; readonly code: string }
  /** A link did not let go in time; something of it may still be there. */
  | { readonly type: 'linkLeaked' }
  /** Something is wrong on a link that still stands, such as lines on stdout that are no messages. */
  | { readonly type: 'linkFault'; readonly error: ShownError }
  /** The session waits for credentials. `url`: where a person can allow it, then `finishAuth`; null when that is not known. */
  | { readonly type: 'authRequired'; readonly url: string | null }
  /** The server's tools are not what they were. */
  | {
      readonly type: 'catalogChanged';
      readonly added: readonly string[];
      readonly removed: readonly string[];
      readonly changed: readonly string[];
    }
  /**
   * A resource that is subscribed to has changed. `gap`: it may have, while nobody was connected; told once for each subscription
   * that a new connection has granted.
   */
  | { readonly type: 'resourceUpdated'; readonly uri: string; readonly gap: boolean }
  /** A new connection was asked for what had been wished of the server, and did not grant it. The next one is asked again. */
  | { readonly type: 'wishRefused'; readonly wish: RefusedWish; readonly error: ShownError }
  /** The server came back as another one: its version, protocol or capabilities are not what they were. */
  | { readonly type: 'serverChanged'; readonly before: ServerIdentity; readonly after: ServerIdentity }
  /** What a tool returned could not be held against the schema that it declares, and was delivered as it is. Told once for each schema. */
  | {
      readonly type: 'resultUnchecked';
      readonly tool: string;
      readonly reason: UncheckedReason;
      readonly message: string;
    }
  /**
   * A tool is not what it last was: its title, description, schemas or annotations; also one that vanished and came back as another.
   * `before` and `after` are hashes. `blocked`: calls of it are refused now; see `toolChanges`. It comes after `catalogChanged`.
   */
  | {
      readonly type: 'toolChanged';
      readonly tool: string;
      readonly before: string;
      readonly after: string;
      readonly blocked: boolean;
    }
  /** A session's own actor threw. Its link is released, then it is started anew; other sessions are untouched. */
  | { readonly type: 'sessionCrashed'; readonly error: ShownError; readonly restartMs: number };

/** What happened to one server. */
export type SessionEvent = SessionStamp & SessionFact;

/** What happened to a group, without its stamp. */
export type GroupFact =
  | { readonly type: 'groupAdded' }
  | { readonly type: 'groupRemoved' }
  | GroupEmitted
  /** The group's own actor threw. It is started anew where it left off; calls go on meanwhile. */
  | { readonly type: 'groupCrashed'; readonly error: ShownError; readonly restartMs: number };

/** What happened to one group. */
export type GroupEvent = GroupStamp & GroupFact;

/** What happened to any server or group of a manager. */
export type ManagerEvent = SessionEvent | GroupEvent;
