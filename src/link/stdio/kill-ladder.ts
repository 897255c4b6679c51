import { setTimeout as delay } from 'node:timers/promises';
import { settlesWithin } from '../settles-within.ts';

/** `graceful` asks first, `kill` does not. */
export type EndMode = 'graceful' | 'kill';

export interface LadderSteps {
  /** How long the end of stdin may take to work before SIGTERM, in milliseconds. */
  readonly stdinGraceMs: number;
  /** How long SIGTERM may take to work before SIGKILL, in milliseconds. */
  readonly termGraceMs: number;
  /** How long to wait for the group to be gone after SIGKILL, in milliseconds. */
  readonly killGraceMs: number;
}

export interface LadderGroup {
  /** Settles when the process that we started has exited. */
  readonly exited: Promise<void>;
  endStdin(): void;
  signal(signal: 'SIGTERM' | 'SIGKILL'): void;
  /** True when the process can act on neither EOF nor SIGTERM, as a stopped one. */
  isStopped(): boolean;
  isGone(): Promise<boolean>;
}

const EXIT_PATIENCE_MS = 20;
const FIRST_POLL_MS = 2;
const SLOWEST_POLL_MS = 50;

/**
 * Ends a process group: end of stdin, SIGTERM to the group, SIGKILL to the group, until it is gone.
 *
 * Whatever the mode, SIGKILL to the group comes last, also when the process itself has exited: what it started may still run.
 */
export class KillLadder {
  readonly #group: LadderGroup;
  readonly #steps: LadderSteps;
  readonly #hastened: Promise<void>;
  #hasten: () => void = () => {};
  #run: Promise<void> | null = null;
  #isDone = false;

  constructor(group: LadderGroup, steps: LadderSteps) {
    this.#group = group;
    this.#steps = steps;
    this.#hastened = new Promise((resolve) => {
      this.#hasten = resolve;
    });
  }

  /**
   * Resolves when the group is gone, or when all the graces are used up. Never rejects. Repeats share one run, and `kill`
   * hastens a graceful one that is under way.
   */
  descend(mode: EndMode): Promise<void> {
    // Not after the group is gone: its number may belong to somebody else by then.
    if (mode === 'kill' && !this.#isDone) {
      this.#hasten();
      this.#group.signal('SIGKILL');
    }
    this.#run ??= this.#descend(mode);
    return this.#run;
  }

  async #descend(mode: EndMode): Promise<void> {
    if (mode === 'graceful') {
      await this.#ask();
      this.#group.signal('SIGKILL');
    }
    await this.#untilGone();
    this.#isDone = true;
  }

  async #ask(): Promise<void> {
    const answered = Promise.race([this.#group.exited, this.#hastened]);
    this.#group.endStdin();
    if (this.#group.isStopped() || (await settlesWithin(answered, this.#steps.stdinGraceMs))) return;
    if (this.#group.isStopped()) return;
    this.#group.signal('SIGTERM');
    await settlesWithin(answered, this.#steps.termGraceMs);
  }

  async #untilGone(): Promise<void> {
    const deadline = performance.now() + this.#steps.killGraceMs;
    let pollMs = FIRST_POLL_MS;
    await settlesWithin(this.#group.exited, EXIT_PATIENCE_MS);
    while (!(await this.#group.isGone())) {
      const leftMs = deadline - performance.now();
      if (leftMs <= 0) return;
      await delay(Math.min(pollMs, leftMs));
      pollMs = Math.min(pollMs * 2, SLOWEST_POLL_MS);
    }
  }
}
