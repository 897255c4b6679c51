import { LruMap } from './lru-map.ts';
import { compileSimple, type SimpleOutcome } from './simple-schema.ts';
import { workerThreads } from './start-worker.ts';
import type { CheckRequest, OutputSchema, OutputValidator, UncheckedReason, Verdict } from './validator.ts';
import { excessOf } from './weight.ts';
import { type ValidatorClock, WorkerChecks, type WorkerLimits } from './worker-checks.ts';
import type { StartWorker } from './worker-protocol.ts';

export interface OutputValidatorOptions {
  readonly clock: ValidatorClock;
  /** Default: a worker thread of Node with a heap of 64 MB. */
  readonly startWorker?: StartWorker;
}

const limits: WorkerLimits = {
  deadlineMs: 250,
  maxWaitMs: 5_000,
  startMs: 10_000,
  restartAfterMs: 30_000,
  idleMs: 30_000,
  maxWaiting: 1_024,
  maxWaitingPerServer: 64,
  maxSchemas: 256,
};
/** Schemas whose check, or whose failure, is remembered. */
const maxPlans = 1_024;
const handedOver = { maxWeight: 1_000_000, maxDepth: 128 };
const allowedOverruns = 1;
const maxPathLength = 200;
const maxMessageLength = 300;

const VALID: Verdict = Object.freeze({ kind: 'valid' });

/**
 * The validator of tool results. Simple schemas are checked where they are; the others on one worker thread, which is started
 * when it is needed and ended after 30 s without work, or when a check takes more than 250 ms. A schema that causes that twice is
 * quarantined. Remembers 1 024 schemas.
 */
export function createOutputValidator({ clock, startWorker }: OutputValidatorOptions): OutputValidator {
  return new BoundedValidator(clock, startWorker ?? workerThreads());
}

/** What is known of one schema. */
interface Plan {
  readonly simple: ((value: unknown) => SimpleOutcome) | null;
  /** Why the worker cannot be given it. */
  readonly excess: string | null;
  overruns: number;
  /** The verdict on every result, once the schema was given up. */
  givenUp: Verdict | null;
}

class BoundedValidator implements OutputValidator {
  readonly #plans = new LruMap<string, Plan>(maxPlans);
  readonly #worker: WorkerChecks;
  #isClosed = false;

  constructor(clock: ValidatorClock, startWorker: StartWorker) {
    this.#worker = new WorkerChecks(clock, startWorker, limits);
  }

  check(request: CheckRequest): Verdict | Promise<Verdict> {
    if (this.#isClosed) return unchecked('unavailable', 'the validator is closed');
    const plan = this.#plans.get(request.key) ?? this.#makePlan(request.key, request.schema);
    const outcome = plan.simple?.(request.value);
    if (outcome !== undefined && outcome.kind !== 'unfinished') return verdictOf(outcome);
    if (plan.givenUp !== null) return plan.givenUp;
    if (plan.excess !== null) return giveUp(plan, 'bad-schema', `the output schema is ${plan.excess}`);
    const excess = excessOf(request.value, handedOver);
    if (excess !== null) return unchecked('too-large', `the result is ${excess}`);
    return this.#checkOnWorker(request, plan);
  }

  async close(): Promise<void> {
    this.#isClosed = true;
    await this.#worker.close();
  }

  #makePlan(key: string, schema: OutputSchema): Plan {
    const plan: Plan = {
      simple: compileSimple(schema),
      excess: excessOf(schema, handedOver),
      overruns: 0,
      givenUp: null,
    };
    this.#plans.set(key, plan);
    return plan;
  }

  async #checkOnWorker(request: CheckRequest, plan: Plan): Promise<Verdict> {
    const outcome = await this.#worker.run(request);
    switch (outcome.kind) {
      case 'overrun':
        return this.#overran(request.key, plan, outcome.message);
      case 'bad-schema':
        return giveUp(plan, 'bad-schema', `the output schema cannot be used: ${outcome.message}`);
      case 'failed':
        return unchecked('bad-schema', `the output schema cannot be applied to the result: ${outcome.message}`);
      case 'not-made':
        return plan.givenUp ?? unchecked('unavailable', outcome.message);
      default:
        return verdictOf(outcome);
    }
  }

  #overran(key: string, plan: Plan, message: string): Verdict {
    plan.overruns += 1;
    if (plan.overruns <= allowedOverruns) return unchecked('too-costly', message);
    const verdict = giveUp(
      plan,
      'quarantined',
      `${message}, as before; results of this schema are not checked any more`,
    );
    this.#worker.withdraw(key);
    return verdict;
  }
}

function giveUp(plan: Plan, reason: UncheckedReason, message: string): Verdict {
  if (plan.givenUp !== null) return plan.givenUp;
  plan.givenUp = unchecked(reason, message, true);
  return unchecked(reason, message);
}

function verdictOf(outcome: Exclude<SimpleOutcome, { kind: 'unfinished' }>): Verdict {
  if (outcome.kind === 'valid') return VALID;
  return {
    kind: 'invalid',
    path: shortened(outcome.path, maxPathLength),
    message: shortened(outcome.message, maxMessageLength),
  };
}

function unchecked(reason: UncheckedReason, message: string, repeated = false): Verdict {
  return { kind: 'unchecked', reason, message: shortened(message, maxMessageLength), repeated };
}

function shortened(text: string, maxLength: number): string {
  return text.length <= maxLength ? text : `${text.slice(0, maxLength - 1)}…`;
}
