import { CheckQueue, type CheckQueueLimits } from './check-queue.ts';
import { LruMap } from './lru-map.ts';
import { messageOf } from './thrown.ts';
import type { CheckRequest } from './validator.ts';
import type { CheckWorker, StartWorker, WorkerAnswer, WorkerListener } from './worker-protocol.ts';

/** Time, as the validator needs it. All durations are milliseconds. */
export interface ValidatorClock {
  /** Milliseconds since some fixed moment; never goes back. */
  monotonic(): number;
  setTimeout(callback: () => void, delayMs: number): unknown;
  clearTimeout(id: unknown): void;
  /** Runs the callback after the messages that are already waiting have been read. */
  nextMacrotask(callback: () => void): void;
}

/** The bounds of what the worker does. */
export interface WorkerLimits extends CheckQueueLimits {
  /** For one check, from the moment that the worker is given it. */
  readonly deadlineMs: number;
  /** For a check to wait for its turn, and for the worker to start. */
  readonly maxWaitMs: number;
  /** For a worker to say that it is ready. */
  readonly startMs: number;
  /** After a worker that could not be started none is tried for this long. */
  readonly restartAfterMs: number;
  /** A worker without work is ended after this. */
  readonly idleMs: number;
  /** Compiled schemas that the worker keeps. */
  readonly maxSchemas: number;
}

/** What a check on the worker came to. */
export type WorkerOutcome =
  | WorkerAnswer
  /** It took too much time or memory, and the worker was ended. */
  | { readonly kind: 'overrun'; readonly message: string }
  /** It was never begun, or cut off by `close`. */
  | { readonly kind: 'not-made'; readonly message: string };

interface Job extends CheckRequest {
  readonly settle: (outcome: WorkerOutcome) => void;
  /** While it waits, that of the wait; then that of the check. */
  timer: unknown;
}

type State =
  | { readonly name: 'none' }
  | { readonly name: 'starting'; readonly worker: CheckWorker; readonly timer: unknown }
  | { readonly name: 'idle'; readonly worker: CheckWorker; readonly timer: unknown }
  | { readonly name: 'busy'; readonly worker: CheckWorker; readonly job: Job }
  | { readonly name: 'ending'; readonly gone: Promise<void> };

/** Checks on a worker: one worker at a time, and one check at a time on it. It is started when it is needed. */
export class WorkerChecks {
  readonly #clock: ValidatorClock;
  readonly #startWorker: StartWorker;
  readonly #limits: WorkerLimits;
  readonly #queue: CheckQueue<Job>;
  #state: State = { name: 'none' };
  /** The schemas that the worker has. */
  #sent = new LruMap<string, true>(1);
  /** Why there is no worker, and until when none is tried. */
  #failure = { until: -Infinity, message: '' };
  #closing: Promise<void> | null = null;

  constructor(clock: ValidatorClock, startWorker: StartWorker, limits: WorkerLimits) {
    this.#clock = clock;
    this.#startWorker = startWorker;
    this.#limits = limits;
    this.#queue = new CheckQueue(limits);
  }

  /** Never rejects. Not to be called after `close`. */
  run(request: CheckRequest): Promise<WorkerOutcome> {
    return new Promise((settle) => {
      const job: Job = { ...request, settle, timer: null };
      if (this.#clock.monotonic() < this.#failure.until) return settle(notMade(this.#failure.message));
      if (!this.#queue.add(job)) return settle(notMade('too many results are waiting to be checked'));
      job.timer = this.#clock.setTimeout(() => {
        this.#dismiss((each) => each === job, `no turn came within ${this.#limits.maxWaitMs} ms`);
      }, this.#limits.maxWaitMs);
      this.#next();
    });
  }

  /** Every check of this schema that still waits is not made. */
  withdraw(key: string): void {
    this.#dismiss((job) => job.key === key, 'its schema was given up');
  }

  close(): Promise<void> {
    this.#closing ??= this.#close();
    return this.#closing;
  }

  async #close(): Promise<void> {
    const state = this.#state;
    if (state.name === 'starting' || state.name === 'idle') this.#clock.clearTimeout(state.timer);
    if (state.name === 'busy') this.#settle(state.job, notMade('the validator was closed'));
    this.#dismiss(() => true, 'the validator was closed');
    if ('worker' in state) this.#end(state.worker);
    if (this.#state.name === 'ending') await this.#state.gone;
  }

  #next(): void {
    if (this.#state.name === 'none') {
      if (this.#queue.size > 0) this.#start();
    } else if (this.#state.name === 'idle') {
      const job = this.#queue.take();
      if (job === undefined) return;
      this.#clock.clearTimeout(this.#state.timer);
      this.#hand(job, this.#state.worker);
    }
  }

  #start(): void {
    let worker: CheckWorker | null = null;
    // What comes from a worker that was ended is not listened to.
    const isCurrent = (): boolean => 'worker' in this.#state && this.#state.worker === worker;
    const listener: WorkerListener = {
      ready: () => {
        if (isCurrent()) this.#ready();
      },
      answered: (answer) => {
        if (isCurrent()) this.#answered(answer);
      },
      ended: ({ outOfMemory, message }) => {
        if (isCurrent()) this.#ended(outOfMemory, message);
      },
    };
    try {
      worker = this.#startWorker(listener);
    } catch (error) {
      this.#startFailed(messageOf(error));
      return;
    }
    const started = worker;
    const timer = this.#clock.setTimeout(() => {
      this.#end(started);
      this.#startFailed(`not ready within ${this.#limits.startMs} ms`);
    }, this.#limits.startMs);
    this.#state = { name: 'starting', worker, timer };
  }

  #startFailed(why: string): void {
    const message = `the validation worker cannot be started: ${why}`;
    this.#failure = { until: this.#clock.monotonic() + this.#limits.restartAfterMs, message };
    this.#dismiss(() => true, message);
  }

  #ready(): void {
    if (this.#state.name !== 'starting') return;
    this.#clock.clearTimeout(this.#state.timer);
    this.#sent = new LruMap(this.#limits.maxSchemas);
    this.#rest(this.#state.worker);
  }

  /** The worker has nothing to do; the next check is taken at once. */
  #rest(worker: CheckWorker): void {
    const timer = this.#clock.setTimeout(() => this.#end(worker), this.#limits.idleMs);
    this.#state = { name: 'idle', worker, timer };
    this.#next();
  }

  #hand(job: Job, worker: CheckWorker): void {
    const { key, schema, value } = job;
    this.#clock.clearTimeout(job.timer);
    this.#state = { name: 'busy', worker, job };
    const order =
      this.#sent.get(key) === undefined
        ? { key, schema, forget: this.#sent.displacedBy(key) ?? null, value }
        : { key, schema: null, forget: null, value };
    try {
      worker.post(order);
    } catch (error) {
      this.#settle(job, notMade(`it cannot be handed to the worker: ${messageOf(error)}`));
      this.#rest(worker);
      return;
    }
    if (order.schema !== null) this.#sent.set(key, true);
    const { deadlineMs } = this.#limits;
    job.timer = this.#clock.setTimeout(() => {
      // When our own loop was blocked, the answer may be waiting behind this timer.
      this.#clock.nextMacrotask(() => {
        if (this.#state.name === 'busy' && this.#state.job === job) this.#overran(job, worker);
      });
    }, deadlineMs);
  }

  #overran(job: Job, worker: CheckWorker): void {
    this.#settle(job, { kind: 'overrun', message: `the check took more than ${this.#limits.deadlineMs} ms` });
    this.#end(worker);
  }

  #answered(answer: WorkerAnswer): void {
    if (this.#state.name !== 'busy') return;
    const { job, worker } = this.#state;
    this.#settle(job, answer);
    this.#rest(worker);
  }

  #ended(outOfMemory: boolean, message: string): void {
    const state = this.#state;
    this.#state = { name: 'none' };
    if (state.name === 'starting') {
      this.#clock.clearTimeout(state.timer);
      this.#startFailed(message);
    } else if (state.name === 'idle') {
      this.#clock.clearTimeout(state.timer);
    } else if (state.name === 'busy') {
      const why = outOfMemory ? 'the check took too much memory' : `the worker ended in the check: ${message}`;
      this.#settle(state.job, { kind: 'overrun', message: why });
    }
    this.#next();
  }

  #end(worker: CheckWorker): void {
    const gone = worker.terminate().then(() => {
      this.#state = { name: 'none' };
      this.#next();
    });
    this.#state = { name: 'ending', gone };
  }

  #dismiss(holds: (job: Job) => boolean, why: string): void {
    for (const job of this.#queue.takeWhere(holds)) this.#settle(job, notMade(why));
  }

  #settle(job: Job, outcome: WorkerOutcome): void {
    this.#clock.clearTimeout(job.timer);
    job.settle(outcome);
  }
}

function notMade(message: string): WorkerOutcome {
  return { kind: 'not-made', message };
}
