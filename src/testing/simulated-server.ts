import type { Clock, TimerId } from '../actors/ports.ts';
import type { Fault } from '../link/fault.ts';
import type { CloseMode, Link, OpenSpec, ServerFacts } from '../link/link.ts';
import { DEFAULT_BEHAVIOUR, type SimulatedBehaviour } from './simulated-behaviour.ts';
import { rpcError } from './simulated-answers.ts';
import { type LinkPeer, SimulatedLink } from './simulated-link.ts';

/** One tool call as the server saw it. */
export interface ExecutedCall {
  readonly tool: string;
  readonly args: unknown;
  readonly generation: number;
}

/** One other message as the server saw it. */
export interface ReceivedMessage {
  readonly method: string;
  readonly params: Readonly<Record<string, unknown>>;
  readonly generation: number;
}

/** What a server may ask of its client. */
export type ClientMethod = 'elicitation/create' | 'sampling/createMessage' | 'roots/list';

/**
 * One simulated server: settable behaviour, things that can happen to it, and the truth about what reached it.
 * What happens to it without a link does nothing. Events reach the link's owner before the method returns.
 */
export interface SimulatedServer extends SimulatedBehaviour {
  readonly id: string;

  /** Its process ends: `down` with kind `exit` and code `exit:<code>`. Default 1. The next open starts a new one. */
  exit(code?: number): void;
  /** Its process is killed: `down` with kind `exit` and code `signal:<signal>`. Default `SIGKILL`. */
  kill(signal?: string): void;
  /** The connection breaks: `down` with kind `transport`. A process, if there is one, lives on until the link is closed. */
  breakLink(): void;
  /** It forgets the session: `down` with kind `session-lost`. The connection lives on until the link is closed. */
  loseSession(): void;
  /** It reads and answers nothing, on this and later links, until `resume`; then everything happens late. */
  hang(): void;
  /** As `hang`, for the present link alone: the next one is answered, as after the restart of a stopped process. */
  hangLink(): void;
  resume(): void;
  /** Nothing that its client writes leaves the client (`sent: false`) until `decongest`. */
  congest(): void;
  decongest(): void;
  /** Sends a notification: `notice`. Not before `opened`. */
  notify(method: string, params?: unknown): void;
  /** Something is wrong though the link still stands: `fault`. Not before `opened`. */
  fault(fault: Fault): void;
  /** Writes a line to stderr. The last 20 lines are the `stderrTail` of the next `exit` fault. */
  stderr(line: string): void;
  /** Asks the client; rejects with an error that has the JSON-RPC `code` -32601 if there is no link or no such handler. */
  ask(method: ClientMethod, params?: Record<string, unknown>): Promise<Record<string, unknown>>;

  /** Links opened so far. */
  readonly opens: number;
  /**
   * Links that still hold something: from `open` until the process exited, the connection was refused, or `close` ended.
   * An owner that keeps the rules never has two.
   */
  readonly liveLinks: number;
  readonly maxLiveLinks: number;
  /** Probes sent. */
  readonly probes: number;
  /** Requests sent, probes not counted. */
  readonly requests: number;
  /** Every tool call that it read, in order, answered or not. Any tool name is accepted. */
  readonly executed: readonly ExecutedCall[];
  /** Every other request and notification that it read, in order; no pings. */
  readonly received: readonly ReceivedMessage[];
  /** The mode of each call of `Link.close`. */
  readonly closes: readonly CloseMode[];
  /** The generation of each open. */
  readonly generations: readonly number[];
}

/** Where simulated servers live. */
export interface SimulatedWorld {
  readonly clock: Clock;
  later(callback: () => void, delayMs: number): TimerId;
}

const NONE: readonly never[] = Object.freeze([]);
const MAX_STDERR_LINES = 20;

/** The server behind simulated links. Its lists are created when first needed: ten thousand idle servers must stay light. */
export class SimulatedServerModel implements SimulatedServer, LinkPeer {
  readonly id: string;
  connectMs = DEFAULT_BEHAVIOUR.connectMs;
  answerMs = DEFAULT_BEHAVIOUR.answerMs;
  closeMs = DEFAULT_BEHAVIOUR.closeMs;
  killMs = DEFAULT_BEHAVIOUR.killMs;
  neverCloses = DEFAULT_BEHAVIOUR.neverCloses;
  refuse = DEFAULT_BEHAVIOUR.refuse;
  answersInitialize = DEFAULT_BEHAVIOUR.answersInitialize;
  answersPing = DEFAULT_BEHAVIOUR.answersPing;
  answersCalls = DEFAULT_BEHAVIOUR.answersCalls;
  turnsAway = DEFAULT_BEHAVIOUR.turnsAway;
  losesReplies = DEFAULT_BEHAVIOUR.losesReplies;
  onCall = DEFAULT_BEHAVIOUR.onCall;
  onRequest = DEFAULT_BEHAVIOUR.onRequest;
  tools = DEFAULT_BEHAVIOUR.tools;
  pageSize = DEFAULT_BEHAVIOUR.pageSize;
  capabilities = DEFAULT_BEHAVIOUR.capabilities;
  pid = DEFAULT_BEHAVIOUR.pid;
  era = DEFAULT_BEHAVIOUR.era;
  protocolVersion = DEFAULT_BEHAVIOUR.protocolVersion;
  version = DEFAULT_BEHAVIOUR.version;
  instructions = DEFAULT_BEHAVIOUR.instructions;
  isHung = false;
  isCongested = false;
  opens = 0;
  maxLiveLinks = 0;
  probes = 0;
  requests = 0;
  readonly #world: SimulatedWorld;
  #links: readonly SimulatedLink[] = NONE;
  #executed: ExecutedCall[] | null = null;
  #received: ReceivedMessage[] | null = null;
  #closes: CloseMode[] | null = null;
  #generations: number[] | null = null;
  #stderr: string[] | null = null;

  constructor(world: SimulatedWorld, id: string) {
    this.#world = world;
    this.id = id;
  }

  get clock(): Clock {
    return this.#world.clock;
  }

  get liveLinks(): number {
    return this.#links.length;
  }

  get executed(): readonly ExecutedCall[] {
    return this.#executed ?? NONE;
  }

  get received(): readonly ReceivedMessage[] {
    return this.#received ?? NONE;
  }

  get closes(): readonly CloseMode[] {
    return this.#closes ?? NONE;
  }

  get generations(): readonly number[] {
    return this.#generations ?? NONE;
  }

  open(spec: OpenSpec): Link {
    const { pid } = this;
    if (pid !== null) this.pid = pid + 1;
    this.opens += 1;
    this.#generations = appended(this.#generations, spec.generation);
    const link = new SimulatedLink(this, spec, pid);
    this.#links = [...this.#links, link];
    this.maxLiveLinks = Math.max(this.maxLiveLinks, this.liveLinks);
    return link;
  }

  exit(code = 1): void {
    this.#end(`exit:${code}`, `the process exited with code ${code}`, { code, signal: null });
  }

  kill(signal = 'SIGKILL'): void {
    this.#end(`signal:${signal}`, `the process was killed by ${signal}`, { code: null, signal });
  }

  breakLink(): void {
    const fault: Fault = { kind: 'transport', code: 'ECONNRESET', message: 'the connection was reset' };
    for (const link of this.#links) link.goDown(fault, link.pid !== null);
  }

  loseSession(): void {
    const fault: Fault = { kind: 'session-lost', code: 'http:404', message: 'the server no longer knows this session' };
    for (const link of this.#links) link.goDown(fault, true);
  }

  hang(): void {
    this.isHung = true;
  }

  hangLink(): void {
    for (const link of this.#links) link.isHung = true;
  }

  resume(): void {
    this.isHung = false;
    for (const link of this.#links) link.isHung = false;
    for (const link of this.#links) link.resume();
  }

  congest(): void {
    this.isCongested = true;
  }

  decongest(): void {
    this.isCongested = false;
    for (const link of this.#links) link.decongest();
  }

  notify(method: string, params: unknown = {}): void {
    for (const link of this.#links) link.say({ type: 'notice', method, params });
  }

  fault(fault: Fault): void {
    for (const link of this.#links) link.say({ type: 'fault', fault });
  }

  stderr(line: string): void {
    if (this.#links.length === 0) return;
    this.#stderr = [...(this.#stderr ?? []), line].slice(-MAX_STDERR_LINES);
    for (const link of this.#links) link.say({ type: 'stderr', line });
  }

  async ask(method: ClientMethod, params: Record<string, unknown> = {}): Promise<Record<string, unknown>> {
    const link = this.#links.findLast((each) => each.isOpen);
    const handlers = link?.spec.handlers;
    const context = { session: this.id, signal: new AbortController().signal };
    const elicit = params['mode'] === 'url' ? handlers?.elicitUrl : handlers?.elicit;
    if (method === 'elicitation/create' && elicit !== undefined) {
      link?.askPerson(1);
      try {
        return await elicit(params, context);
      } finally {
        link?.askPerson(-1);
      }
    }
    if (method === 'sampling/createMessage' && handlers?.sample !== undefined) return handlers.sample(params, context);
    if (method === 'roots/list' && handlers?.roots !== undefined) return { roots: await handlers.roots(context) };
    throw rpcError(-32601, `Method not found: ${method}`);
  }

  later(callback: () => void, delayMs: number): TimerId {
    return this.#world.later(callback, delayMs);
  }

  factsOf(pid: number | null): ServerFacts {
    return {
      era: this.era,
      protocolVersion: this.protocolVersion,
      info: { name: this.id, version: this.version },
      capabilities: this.capabilities,
      instructions: this.instructions,
      pid,
    };
  }

  countProbe(): void {
    this.probes += 1;
  }

  countRequest(): void {
    this.requests += 1;
  }

  noteExecuted(tool: string, args: unknown, generation: number): void {
    this.#executed = appended(this.#executed, { tool, args, generation });
  }

  noteReceived(method: string, params: Readonly<Record<string, unknown>>, generation: number): void {
    this.#received = appended(this.#received, { method, params, generation });
  }

  noteClose(mode: CloseMode): void {
    this.#closes = appended(this.#closes, mode);
  }

  linkGone(link: SimulatedLink): void {
    this.#links =
      this.#links.length === 1 && this.#links[0] === link ? NONE : this.#links.filter((each) => each !== link);
  }

  #end(code: string, message: string, exit: { readonly code: number | null; readonly signal: string | null }): void {
    const stderrTail = this.#stderr?.join('\n');
    this.#stderr = null;
    const fault: Fault = { kind: 'exit', code, message, exit, ...(stderrTail === undefined ? {} : { stderrTail }) };
    for (const link of this.#links) link.goDown(fault, false);
  }
}

/** Appends in place. The first array has room for one: `push` on an empty array would reserve room for seventeen. */
function appended<T>(list: T[] | null, item: T): T[] {
  if (list === null) return [item];
  list.push(item);
  return list;
}
