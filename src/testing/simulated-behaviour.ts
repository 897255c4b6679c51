import type { Fault, RequestFailure } from '../link/fault.ts';
import type { Era, Progress } from '../link/link.ts';

/** A tool in the shape of MCP's `tools/list`. */
export interface SimulatedTool {
  readonly name: string;
  readonly description?: string;
  readonly inputSchema: Readonly<Record<string, unknown>>;
  readonly [field: string]: unknown;
}

/**
 * What a simulated server does with a tool call. The result is the answer's `result`. A thrown error becomes a JSON-RPC error:
 * its code is the error's numeric `code`, else -32603. The signal aborts when the call is cancelled or the link goes down.
 */
export type SimulatedCallHandler = (
  name: string,
  args: unknown,
  signal: AbortSignal,
  onProgress: (progress: Progress) => void,
) => Record<string, unknown> | Promise<Record<string, unknown>>;

/** What a simulated server does with any other request; undefined means the default answer. Throws as `SimulatedCallHandler`. */
export type SimulatedRequestHandler = (
  method: string,
  params: Readonly<Record<string, unknown>>,
) => Record<string, unknown> | Promise<Record<string, unknown>> | undefined;

/** How a simulated server behaves. Every field may be set at any time and counts from the next thing that reads it. */
export interface SimulatedBehaviour {
  /** From `open` to `opened`, or to `down` when `refuse` is set, in milliseconds of the clock. Default 0: on a microtask. */
  connectMs: number;
  /** From a request's arrival to its answer, in milliseconds of the clock. Default 0: on a microtask. */
  answerMs: number;
  /** How long a graceful close takes, in milliseconds of the clock. Default 0: on a microtask. */
  closeMs: number;
  /** How long `kill` and `lost` take, in milliseconds of the clock. Default 0: on a microtask. */
  killMs: number;
  /** True: a close never ends, whatever its mode, unless the process exits. For tests of leaked links. Default false. */
  neverCloses: boolean;
  /** Each open goes down with this fault. Default null. */
  refuse: Fault | null;
  /** False: opening never finishes. Default true. */
  answersInitialize: boolean;
  /** False: probes and `ping` requests stay without an answer. Default true. */
  answersPing: boolean;
  /** False: tool calls are executed but never answered. Default true. */
  answersCalls: boolean;
  /** Every request but a ping is turned away with this failure, unexecuted. Default null. */
  turnsAway: RequestFailure | null;
  /** Tool calls are executed, and then their reply is lost with this fault while the link stands. Default null. */
  losesReplies: Fault | null;
  /** What a tool call returns. Default: one text block with the arguments as JSON. */
  onCall: SimulatedCallHandler;
  /** Answers to requests other than `tools/call` and `ping`. Default null: lists and empty results for every standard method. */
  onRequest: SimulatedRequestHandler | null;
  /** What `tools/list` shows. Default: one tool, `echo`. */
  tools: readonly SimulatedTool[];
  /** Tools per page of `tools/list`. Default null: all on one page. */
  pageSize: number | null;
  capabilities: Readonly<Record<string, unknown>>;
  /** Null: no process. A number: the process id of the next opening, counted up by one each time. Default null. */
  pid: number | null;
  era: Era;
  protocolVersion: string | null;
  /** The version in the server's info; its name is the server's id. */
  version: string;
  instructions: string | null;
}

const ECHO_TOOL: SimulatedTool = Object.freeze({
  name: 'echo',
  description: 'Returns its arguments.',
  inputSchema: Object.freeze({ type: 'object' }),
});

/** The default `onCall`. */
export function echoArguments(_name: string, args: unknown): Record<string, unknown> {
  return { content: [{ type: 'text', text: JSON.stringify(args ?? {}) }] };
}

/** The behaviour of a server that was told nothing. */
export const DEFAULT_BEHAVIOUR: Readonly<SimulatedBehaviour> = Object.freeze({
  connectMs: 0,
  answerMs: 0,
  closeMs: 0,
  killMs: 0,
  neverCloses: false,
  refuse: null,
  answersInitialize: true,
  answersPing: true,
  answersCalls: true,
  turnsAway: null,
  losesReplies: null,
  onCall: echoArguments,
  onRequest: null,
  tools: Object.freeze([ECHO_TOOL]),
  pageSize: null,
  capabilities: Object.freeze({ tools: Object.freeze({}) }),
  pid: null,
  era: 'legacy',
  protocolVersion: '2025-11-25',
  version: '1.0.0',
  instructions: null,
});
