import type { CatalogTool, ConnectionInfo, GroupInfo, ManagerEvent, Tool, ToolResult } from '../index.ts';

/**
 * What the status API answers: JSON with times in milliseconds since the epoch and durations in milliseconds. Every answer names
 * its `schema`; within one version, fields are only added.
 */
export type Schema = 'holdfast/v1';

/** Something that is wrong in a configuration, where it is, and what to do. */
export interface WireProblem {
  readonly file: string;
  /** Counted from 1. */
  readonly line: number;
  /** Counted from 1. */
  readonly column: number;
  readonly field: string | null;
  readonly serverId: string | null;
  readonly problem: string;
  readonly fix: string;
}

/** `GET /api/sessions`, and the first message of `GET /api/events` (`event: snapshot`). */
export interface Overview {
  readonly schema: Schema;
  /** What is held, for people: the name of the configuration. */
  readonly title: string;
  /** Of holdfast. */
  readonly version: string;
  /** The process that holds the servers. */
  readonly pid: number;
  readonly startedAt: number;
  /** The time of the answer by the service's clock: what other times are to be held against. */
  readonly now: number;
  /** Number of the last event that is included. */
  readonly seq: number;
  readonly sessions: readonly ConnectionInfo[];
  readonly groups: readonly GroupInfo[];
  /** What is wrong in the configuration as it was last read. */
  readonly problems: readonly WireProblem[];
  /** True once the service is stopping: nothing is held any more. */
  readonly stopping: boolean;
}

/** `event: changes` of `GET /api/events`: what is different since the message before. Whole infos, in place of those of the same id. */
export interface Changes {
  readonly now: number;
  readonly seq: number;
  readonly sessions: readonly ConnectionInfo[];
  readonly removedSessions: readonly string[];
  readonly groups: readonly GroupInfo[];
  readonly removedGroups: readonly string[];
  /** Absent: as before. */
  readonly problems?: readonly WireProblem[];
  readonly stopping?: true;
}

/** `event: happened` of `GET /api/events`: one event of the manager. */
export type Happened = ManagerEvent;

/** `event: missed` of `GET /api/events`: so many events were left out for a reader that is too slow. Its state is not: that is only joined. */
export interface Missed {
  readonly count: number;
}

/** `GET /api/sessions/:id` */
export interface SessionDetail {
  readonly schema: Schema;
  readonly session: ConnectionInfo;
  readonly tools: readonly Tool[];
  /** The tools are those of an earlier connection, or are not all. */
  readonly toolsStale: boolean;
}

/** `GET /api/groups/:id` */
export interface GroupDetail {
  readonly schema: Schema;
  readonly group: GroupInfo;
}

/** `GET /api/tools`: the catalog over all servers and groups. */
export interface ToolList {
  readonly schema: Schema;
  /** False while a server is not in it whose tools are still to be learned. */
  readonly complete: boolean;
  readonly tools: readonly CatalogTool[];
}

/** The body of `POST /api/sessions/:id/call` and `POST /api/groups/:id/call`. */
export interface CallRequest {
  readonly tool: string;
  /** Default: none. */
  readonly arguments?: Readonly<Record<string, unknown>>;
  /** Default: that of the server. */
  readonly timeoutMs?: number;
}

/** The answer to a call that was executed; also of one that the tool itself calls failed (`result.isError`). */
export interface CallAnswer {
  readonly schema: Schema;
  readonly result: ToolResult;
  readonly served: { readonly serverId: string; readonly generation: number; readonly attempts: number };
  readonly durationMs: number;
}

/** One line of `GET /api/logs`. */
export interface LogLine {
  readonly seq: number;
  readonly at: number;
  readonly level: 'debug' | 'info' | 'warn' | 'error';
  /** The server or group that it is about. */
  readonly id: string | null;
  /** `stderr`: what the server wrote there; `holdfast`: what holdfast says of it. */
  readonly source: 'stderr' | 'holdfast';
  readonly text: string;
}

/** `GET /api/logs?after=…&id=…`: the lines after that number that are still kept, of this server or group or of all. */
export interface LogPage {
  readonly schema: Schema;
  readonly lines: readonly LogLine[];
  /** What to give as `after` next time. */
  readonly next: number;
  /** So many lines after that number are gone, whoever they were about. */
  readonly missed: number;
}

/** `GET /api/charts`: the statecharts as SVG. In each, the element of a state carries its path as `data-path`, such as `connected.health.healthy`. */
export interface Charts {
  readonly schema: Schema;
  readonly session: string;
  readonly group: string;
}

/** Every answer from status 400 on. */
export interface Refusal {
  readonly schema: Schema;
  readonly error: {
    /** `UNAUTHORIZED`, `FORBIDDEN_HOST`, …, or the code of a typed error of the library. */
    readonly code: string;
    readonly message: string;
    /** Whether a failed call may have been executed; absent for what is no call. */
    readonly outcome?: 'not-sent' | 'rejected' | 'executed' | 'unknown';
    readonly retryAfterMs?: number;
  };
}
