import { LinkError } from '../fault.ts';
import type { Fault } from '../fault.ts';
import type { StdioTarget, Transport } from '../target.ts';
import { FrameReader } from './frame-reader.ts';
import type { JsonRpcMessage } from './frame-reader.ts';
import { guardian } from './guardian.ts';
import type { Guardian } from './guardian.ts';
import type { EndMode } from './kill-ladder.ts';
import { ReadGate } from './read-gate.ts';
import { startServerProcess } from './server-process.ts';
import type { ServerProcess } from './server-process.ts';
import { spawnFault } from './spawn-fault.ts';
import { StderrRing } from './stderr-ring.ts';
import { CLOSED, STDOUT_CLOSED, exitFault, misuse, stdinClosed } from './stdio-faults.ts';
import type { Exit } from './stdio-faults.ts';
import { type SendOptions, StdinQueue } from './stdin-queue.ts';

export interface StdioTransportOptions {
  readonly target: StdioTarget;
  /** Longest message that the server may send, in bytes. A longer one ends the transport. Default 16 MB. */
  readonly maxFrameBytes?: number | undefined;
  /** Most bytes that may wait for the stdin of the server; more is refused with `stdin-queue-full`. Default 8 MB. */
  readonly maxQueuedBytes?: number | undefined;
  /** How long the end of stdin, and then SIGTERM, may each take to end the server, in milliseconds. Default 5000. */
  readonly graceMs?: number | undefined;
  /** How long to wait for the group to be gone after SIGKILL, in milliseconds. Default 1000. */
  readonly killGraceMs?: number | undefined;
  /** Every line on stderr that is not blank; control characters are left in it. */
  readonly onStderr?: ((line: string) => void) | undefined;
  /** The process exists. Called before `start` resolves. */
  readonly onSpawned?: ((pid: number) => void) | undefined;
  /** Something is wrong but the transport still stands. How it ended is in {@link StdioTransport.fault}. */
  readonly onFault?: ((fault: Fault) => void) | undefined;
  /** Default: the guardian of this process. */
  readonly guardian?: Guardian | undefined;
}

/** How many bytes of our answers may wait before stdout is held back. */
const CONGESTED_BYTES = 64 * 1024;
/** How long a broken stdin waits for the exit that usually explains it. */
const EXPLANATION_MS = 250;

interface Running {
  readonly process: ServerProcess;
  readonly queue: StdinQueue;
  readonly gate: ReadGate;
}

/**
 * One server process and the messages to and from it, in the `Transport` shape of both MCP SDKs. Started once, never reused.
 *
 * It is down once the process has exited and its stdout has ended, or 250 ms after the exit when somebody else holds the pipe
 * (`npx`, `sh -c`, a forked worker). Until then replies that are still in the pipe are delivered; then every pending `send`
 * settles, what remains of the process group is killed, and `onclose` is called, once and last.
 */
export class StdioTransport implements Transport {
  onclose?: (() => void) | undefined;
  /** Receives as a `LinkError` what `onFault` receives as data. */
  onerror?: ((error: Error) => void) | undefined;
  onmessage?: ((message: JsonRpcMessage) => void) | undefined;
  /** Always null: the v2 SDK knows a stdio transport by the presence of `stderr` and `pid`. */
  readonly stderr = null;

  readonly #options: StdioTransportOptions;
  readonly #stderrRing: StderrRing;
  readonly #reader: FrameReader;
  #starting: Promise<void> | null = null;
  #running: Running | null = null;
  #explanationTimer: NodeJS.Timeout | undefined;
  #exit: Exit | null = null;
  #exitedAt: number | undefined;
  /** Why nothing is sent any more: set at the first sign of the end. */
  #cause: Fault | null = null;
  #fault: Fault | undefined;

  constructor(options: StdioTransportOptions) {
    this.#options = options;
    const { onStderr } = options;
    this.#stderrRing = new StderrRing({
      onLine: onStderr === undefined ? undefined : (line) => this.#guarded(() => onStderr(line)),
    });
    this.#reader = new FrameReader({
      maxFrameBytes: options.maxFrameBytes ?? 16 * 1024 * 1024,
      onFrame: (message) => this.#guarded(() => this.onmessage?.(message)),
      onNoise: (fault) => this.#report(fault),
      onOversize: (fault) => this.#abandon(fault),
    });
  }

  /** Process id of the server and id of its process group; null before the start and once it is down. */
  get pid(): number | null {
    return this.#fault === undefined ? (this.#running?.process.pid ?? null) : null;
  }

  /** How it ended; undefined until it is down. */
  get fault(): Fault | undefined {
    return this.#fault;
  }

  /** When the `exit` event of the process came, on the clock of `performance.now()`; undefined until then. */
  get exitedAt(): number | undefined {
    return this.#exitedAt;
  }

  /** Bytes of a message whose end has not come: a server that stalls here has lost its next answer too. */
  get partialBytes(): number {
    return this.#reader.partialBytes;
  }

  /** How many lines on stdout were no message. Only the first few are reported. */
  get noiseCount(): number {
    return this.#reader.noiseCount;
  }

  /** Whether stdout is held back, because the server does not read our answers. */
  get isHeldBack(): boolean {
    return this.#running?.gate.isHeld ?? false;
  }

  /** The last lines that the server wrote to stderr. */
  stderrTail(maxLines?: number): string {
    return this.#stderrRing.tail(maxLines);
  }

  /**
   * Starts the process. Rejects with a `LinkError` whose fault says why it could not be started: `spawn`, `overload` (no process
   * or file descriptor left) or `config` (impossible arguments). `onclose` has been called by then.
   */
  start(): Promise<void> {
    if (this.#starting !== null || this.#cause !== null) {
      return Promise.reject(unsent(this.#cause ?? misuse('already-started', 'This transport was started already.')));
    }
    this.#starting = this.#start();
    return this.#starting;
  }

  /**
   * Sends one message. Resolves when the pipe has taken it, which does not mean that the server has read it. Never throws and
   * rejects only with a `LinkError`, whose `sent` is false exactly when no byte was given to the pipe.
   */
  send(message: JsonRpcMessage, options?: SendOptions): Promise<void> {
    if (this.#cause !== null) return Promise.reject(unsent(this.#cause));
    const running = this.#running;
    if (running === null) return Promise.reject(unsent(misuse('not-started', 'The transport is not started yet.')));
    const frame = serialise(message);
    if (typeof frame !== 'string') return Promise.reject(unsent(frame));
    const sent = running.queue.push(frame, message['method'] === undefined, options);
    this.#regulate();
    return sent;
  }

  /** The same as `end('graceful')`. */
  close(): Promise<void> {
    return this.end('graceful');
  }

  /**
   * Ends the server and everything in its process group: `graceful` by the end of stdin, SIGTERM, SIGKILL; `kill` by SIGKILL.
   * Resolves when the group is gone and `onclose` has been called, at the latest when every grace is used up. Never rejects.
   * A repeat with `kill` hastens a graceful end.
   */
  async end(mode: EndMode): Promise<void> {
    this.#cause ??= CLOSED;
    if (this.#starting === null) {
      this.#goDown(this.#cause);
      return;
    }
    await this.#starting.catch(() => {}); // The caller of `start` has been told.
    const running = this.#running;
    if (running === null) return;
    if (mode === 'kill') running.queue.stop();
    this.#regulate();
    await running.process.end(mode);
  }

  async #start(): Promise<void> {
    const { target, onSpawned } = this.#options;
    try {
      this.#running = await this.#launch();
    } catch (error) {
      const fault = await spawnFault(error, target);
      this.#goDown(fault);
      throw new LinkError({ kind: 'link', sent: false, fault }, { cause: error });
    }
    const { pid } = this.#running.process;
    this.#guarded(() => onSpawned?.(pid));
  }

  async #launch(): Promise<Running> {
    const { target, graceMs = 5000, killGraceMs = 1000, maxQueuedBytes = 8 * 1024 * 1024 } = this.#options;
    const process = await startServerProcess({
      target,
      steps: { stdinGraceMs: graceMs, termGraceMs: graceMs, killGraceMs },
      guardian: this.#options.guardian ?? guardian,
      endStdin: () => this.#running?.queue.end(),
      events: {
        onStdout: (chunk) => {
          this.#reader.push(chunk);
          // The middle of a long message asks for no answer: however little the server reads, it may be read to its end.
          if (this.#reader.partialBytes < chunk.length) this.#regulate();
        },
        onStdoutEnd: () => this.#reader.end(),
        onStderr: (chunk) => this.#stderrRing.push(chunk),
        onStdinError: (error) => this.#awaitExplanation(error),
        onStdoutLost: () => this.#abandon(STDOUT_CLOSED),
        onExit: (exit) => this.#onExit(exit),
        onDown: () => this.#goDown(this.#finalFault()),
      },
    });
    const queue = new StdinQueue({
      stdin: process.stdin,
      maxBytes: maxQueuedBytes,
      onBroken: (error) => this.#awaitExplanation(error),
      onProgress: () => this.#regulate(),
      onHandlerError: (error) => this.#reportThrown(error),
    });
    return { process, queue, gate: new ReadGate(process.stdout) };
  }

  /** A flood of requests from a server that does not read our answers must not grow our memory. */
  #regulate(): void {
    if (this.#running === null) return;
    const { queue, gate } = this.#running;
    if (this.#cause === null && queue.answerBytes > CONGESTED_BYTES) gate.hold();
    else gate.release();
  }

  #onExit(exit: Exit): void {
    this.#exitedAt = performance.now();
    this.#exit = exit;
    this.#cause ??= this.#exitFault();
    this.#running?.queue.stop();
    this.#regulate();
  }

  /** A broken stdin mostly means that the process is about to be seen dead, and its exit says more than EPIPE does. */
  #awaitExplanation(error: Error): void {
    if (this.#cause !== null) return;
    this.#explanationTimer ??= setTimeout(() => {
      if (this.#cause !== null) return;
      const fault = stdinClosed(error);
      this.#running?.queue.fail(fault);
      this.#report(fault);
    }, EXPLANATION_MS);
  }

  #abandon(fault: Fault): void {
    this.#cause ??= fault;
    void this.end('kill');
  }

  #goDown(fault: Fault): void {
    if (this.#fault !== undefined) return;
    clearTimeout(this.#explanationTimer);
    this.#reader.end();
    this.#stderrRing.end();
    this.#cause = fault;
    this.#fault = fault;
    this.#running?.gate.release();
    this.#running?.queue.fail(fault);
    this.#guarded(() => this.onclose?.());
  }

  #finalFault(): Fault {
    // Told anew, with what has come on stderr since the exit.
    return this.#cause === null || this.#cause.kind === 'exit' ? this.#exitFault() : this.#cause;
  }

  #exitFault(): Fault {
    const exit = this.#exit ?? { code: null, signal: null };
    const pid = this.#running?.process.pid ?? null;
    return exitFault(pid, exit, this.#stderrRing.tail());
  }

  #report(fault: Fault): void {
    this.#guarded(() => this.#options.onFault?.(fault));
    this.#guarded(() => this.onerror?.(unsent(fault)));
  }

  #guarded(callHandler: () => void): void {
    try {
      callHandler();
    } catch (error) {
      this.#reportThrown(error);
    }
  }

  #reportThrown(error: unknown): void {
    const detail = error instanceof Error ? error.message : String(error);
    try {
      this.#options.onFault?.(misuse('handler-threw', `A handler of the transport threw: ${detail}`));
    } catch {
      // The handler that would hear of it is the one that throws.
    }
  }
}

function serialise(message: JsonRpcMessage): string | Fault {
  try {
    // JSON.stringify may give undefined, whatever its type says, and callers without types may send anything.
    const text = JSON.stringify(message) as string | undefined;
    return text?.startsWith('{') ? `${text}\n` : misuse('not-json', 'The message is no JSON object.');
  } catch (error) {
    const detail = error instanceof Error ? error.message : String(error);
    return misuse('not-json', `The message has no JSON form: ${detail}`);
  }
}

function unsent(fault: Fault): LinkError {
  return new LinkError({ kind: 'link', sent: false, fault });
}
