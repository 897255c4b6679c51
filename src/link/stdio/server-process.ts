import type { ChildProcessWithoutNullStreams } from 'node:child_process';
import type { Readable, Writable } from 'node:stream';
import type { StdioTarget } from '../target.ts';
import type { Guardian, GroupLease } from './guardian.ts';
import { KillLadder } from './kill-ladder.ts';
import type { EndMode, LadderSteps } from './kill-ladder.ts';
import { groupIsGone, isStopped, signalGroup, spawnInGroup } from './process-group.ts';
import { settlesWithin } from '../settles-within.ts';
import type { Exit } from './stdio-faults.ts';

/** What a server process tells its owner. `onDown` comes once and last. */
export interface ServerProcessEvents {
  readonly onStdout: (chunk: Buffer) => void;
  readonly onStdoutEnd: () => void;
  readonly onStderr: (chunk: Buffer) => void;
  /** An error of stdin outside any write. */
  readonly onStdinError: (error: Error) => void;
  /** stdout has ended and the process runs on: no answer can ever come again. */
  readonly onStdoutLost: () => void;
  readonly onExit: (exit: Exit) => void;
  readonly onDown: () => void;
}

export interface ServerProcessOptions {
  readonly target: StdioTarget;
  readonly steps: LadderSteps;
  readonly guardian: Guardian;
  readonly events: ServerProcessEvents;
  /** Ends stdin after what still waits for it: the first step of a graceful end. */
  readonly endStdin: () => void;
}

/** How long what is in the pipe may still arrive after the exit while somebody else holds the pipe open. */
const DRAIN_MS = 250;
/** How long the last words on stderr may lag behind the exit and the end of stdout. */
const STDERR_LAG_MS = 25;

/**
 * Starts the process of a server under guard, or throws what kept it from starting: an error of `child_process.spawn`,
 * or the one of its `error` event.
 */
export async function startServerProcess(options: ServerProcessOptions): Promise<ServerProcess> {
  const lease = options.guardian.open();
  try {
    const child = spawnInGroup(options.target);
    if (child.pid === undefined) return await new Promise<never>((_, reject) => child.once('error', reject));
    lease.guard(child.pid);
    return new ServerProcess(child, child.pid, lease, options);
  } catch (error) {
    await lease.release();
    throw error;
  }
}

/** One running process with its group: when it is down, and how it is ended. */
export class ServerProcess {
  readonly pid: number;
  readonly #child: ChildProcessWithoutNullStreams;
  readonly #lease: GroupLease;
  readonly #events: ServerProcessEvents;
  readonly #ladder: KillLadder;
  readonly #steps: LadderSteps;
  readonly #down = new Signal();
  readonly #exited = new Signal();
  #stdoutEnded = false;
  #stderrEnded = false;
  #timer: NodeJS.Timeout | undefined;
  #released: Promise<void> = Promise.resolve();

  constructor(child: ChildProcessWithoutNullStreams, pid: number, lease: GroupLease, options: ServerProcessOptions) {
    this.pid = pid;
    this.#child = child;
    this.#lease = lease;
    this.#events = options.events;
    this.#steps = options.steps;
    this.#ladder = new KillLadder(
      {
        exited: this.#exited.raised,
        endStdin: options.endStdin,
        signal: (signal) => signalGroup(pid, signal),
        isStopped: () => isStopped(pid),
        isGone: () => groupIsGone(pid),
      },
      options.steps,
    );
    this.#listen();
  }

  get stdin(): Writable {
    return this.#child.stdin;
  }

  get stdout(): Readable {
    return this.#child.stdout;
  }

  /**
   * Ends the process and its group. Resolves when both are gone, `onDown` has returned and the guardian has let go, or when
   * every grace is used up. Never rejects; a repeat with `kill` hastens the first.
   */
  async end(mode: EndMode): Promise<void> {
    await this.#ladder.descend(mode);
    // The group may be seen gone, as zombies, before the event loop comes to tell us of the exit.
    if (!(await settlesWithin(this.#down.raised, this.#steps.killGraceMs))) this.#goDown();
    await this.#released;
  }

  #listen(): void {
    const { stdin, stdout, stderr } = this.#child;
    // With a pid, an `error` event can only mean a signal that was not delivered; we send ours to the group.
    this.#child.on('error', () => {});
    this.#child.once('exit', (code, signal) => this.#onExit({ code, signal }));
    stdin.on('error', (error) => {
      if (!this.#down.isRaised) this.#events.onStdinError(error);
    });
    stdout.on('data', (chunk: Buffer) => this.#events.onStdout(chunk));
    stderr.on('data', (chunk: Buffer) => this.#events.onStderr(chunk));
    // A read error ends the stream as well; `close` follows both, and comes alone when the stream is destroyed.
    for (const event of ['end', 'error', 'close']) {
      stdout.on(event, () => this.#onStdoutEnd());
      stderr.on(event, () => this.#onStderrEnd());
    }
  }

  #onExit(exit: Exit): void {
    this.#exited.raise();
    if (this.#down.isRaised) return;
    this.#events.onExit(exit);
    this.#wait(DRAIN_MS, () => this.#goDown());
    this.#goDownWhenDrained();
  }

  #onStdoutEnd(): void {
    if (this.#stdoutEnded || this.#down.isRaised) return;
    this.#stdoutEnded = true;
    this.#events.onStdoutEnd();
    if (!this.#exited.isRaised) this.#wait(DRAIN_MS, () => this.#events.onStdoutLost());
    this.#goDownWhenDrained();
  }

  #onStderrEnd(): void {
    this.#stderrEnded = true;
    this.#goDownWhenDrained();
  }

  #goDownWhenDrained(): void {
    if (!this.#exited.isRaised || !this.#stdoutEnded) return;
    if (this.#stderrEnded) this.#goDown();
    else this.#wait(STDERR_LAG_MS, () => this.#goDown());
  }

  #wait(ms: number, then: () => void): void {
    clearTimeout(this.#timer);
    this.#timer = setTimeout(then, ms);
  }

  #goDown(): void {
    if (this.#down.isRaised) return;
    clearTimeout(this.#timer);
    this.#released = this.#ladder.descend('kill').then(() => this.#lease.release());
    const { stdin, stdout, stderr } = this.#child;
    for (const stream of [stdin, stdout, stderr]) {
      stream.removeAllListeners('data');
      stream.destroy();
    }
    this.#child.unref(); // It keeps the event loop alive only if not even SIGKILL ended it.
    this.#down.raise();
    this.#events.onDown();
  }
}

/** A fact that comes true once. */
class Signal {
  readonly raised: Promise<void>;
  isRaised = false;
  #resolve: () => void = () => {};

  constructor() {
    this.raised = new Promise((resolve) => {
      this.#resolve = resolve;
    });
  }

  raise(): void {
    this.isRaised = true;
    this.#resolve();
  }
}
