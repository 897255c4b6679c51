import { setTimeout as wait } from 'node:timers/promises';
import type { SessionEvent } from '../../src/index.ts';
import { eventually } from '../support/eventually.ts';
import type { FaultKind, Subject } from './fault-kind.ts';

/** What became of one fault. Times are of `performance.now()`, lengths in milliseconds. */
export interface Outcome {
  readonly fault: string;
  readonly id: string;
  /** From its beginning to the first thing that the session told of it; null where it told nothing. */
  readonly noticedMs: number | null;
  /** From its end to the session healthy again; null where it had been healthy all the time. */
  readonly recoveredMs: number | null;
  /** What was not as it has to be. */
  readonly failure: string | null;
}

/** A check that began before the fault did is over by then, and the next one too. */
const settlingMs = 2_500;
const patienceMs = 60_000;

/** A fault while it lasts, and until its session is healthy again. */
export class Episode {
  readonly #fault: FaultKind;
  readonly #subject: Subject;
  readonly #beganAt = performance.now();
  #noticedAt: number | null = null;
  #healthyAt: number | null = null;

  constructor(fault: FaultKind, subject: Subject) {
    this.#fault = fault;
    this.#subject = subject;
  }

  /** Every event of the session while the episode lasts. */
  see(event: SessionEvent): void {
    const now = performance.now();
    if (tellsOfTrouble(event)) this.#noticedAt ??= now;
    if (event.type === 'stateChanged' && event.from !== event.to) this.#healthyAt = event.to === 'healthy' ? now : null;
  }

  async run(): Promise<Outcome> {
    const { session } = this.#subject;
    await this.#fault.begin(this.#subject);
    if (this.#fault.lastsMs > 0) await wait(this.#fault.lastsMs);
    await this.#fault.end?.(this.#subject);
    const endedAt = performance.now();
    let failure: string | null = null;
    try {
      await eventually(() => this.#hasShown(performance.now() - endedAt), { timeoutMs: patienceMs, everyMs: 50 });
      await eventually(() => session.state === 'healthy', { timeoutMs: patienceMs, everyMs: 20 });
    } catch {
      const { state, phase, lastError, reason } = session.info;
      const told = this.#noticedAt === null ? 'told nothing of it' : `is ${state}, ${phase}`;
      failure = `${this.#fault.name}: ${session.id} ${told} ${patienceMs / 1_000} s later (${reason}, ${lastError?.code})`;
    }
    return {
      fault: this.#fault.name,
      id: session.id,
      noticedMs: this.#noticedAt === null ? null : this.#noticedAt - this.#beganAt,
      recoveredMs: this.#healthyAt === null ? null : Math.max(0, this.#healthyAt - endedAt),
      failure,
    };
  }

  /** All that can come of it has come: what must be told has been, and what may be had its time. */
  #hasShown(sinceEndMs: number): boolean {
    return this.#fault.notice === 'must' ? this.#noticedAt !== null : sinceEndMs > settlingMs;
  }
}

function tellsOfTrouble(event: SessionEvent): boolean {
  switch (event.type) {
    case 'stateChanged':
      return event.to !== event.from && event.from === 'healthy';
    case 'healthChecked':
      return !event.ok && !event.void;
    case 'circuitChanged':
      return event.to === 'open';
    case 'linkFault':
    case 'sessionLost':
    case 'catalogChanged':
      return true;
    default:
      return false;
  }
}
