import type { HoldfastError } from '../errors/holdfast-error.ts';
import { isHoldfastError } from '../errors/holdfast-error.ts';
import { QueueFullError } from '../errors/request-errors.ts';
import { afterRetry, afterSuccess, retryDelayMs, type AttemptFailure } from '../machines/retry-policy.ts';
import type { Link } from '../link/link.ts';
import type { ListedTool } from '../link/tool-hash.ts';
import { admissionOf, openLink, refusalOf } from './admission.ts';
import { attempt, type CallWorld } from './attempt.ts';
import type { Call, Served } from './call.ts';
import { capital, endedError, failureKind, isEnd, whatIs, type Ending } from './call-failure.ts';
import { checkCallOptions } from './call-options.ts';
import { CallTime } from './call-time.ts';
import type { HeardOperation } from './heard-operation.ts';
import { checkOutput } from './output-check.ts';
import { isSafeAgain, isSentOnce } from './retry-safety.ts';
import type { Choice, Route } from './route.ts';
import type { SessionRecord } from './session-record.ts';
import { waitUntil } from './waiting.ts';

/**
 * One call: admission, a turn, the link, the outcome, and whether to go on from there. Attempts of a call never overlap; one time covers
 * all of them, and it settles exactly once.
 */
export function performCall<Result>(route: Route, call: Call<Result>, world: CallWorld): Promise<Served<Result>> {
  const heard = world.instruments.hear(route, call);
  const serving = perform(route, call, world, heard);
  return heard === undefined ? serving : heard.until(serving);
}

async function perform<Result>(
  route: Route,
  call: Call<Result>,
  world: CallWorld,
  heard: HeardOperation | undefined,
): Promise<Served<Result>> {
  checkCallOptions(call.options, route.id);
  const choice = route.first(call);
  if (isHoldfastError(choice)) throw choice;
  const { id, generation, options } = choice.record;
  const { signal } = call.options;
  if (signal?.aborted === true) {
    throw endedError(id, generation, call, 'not-sent', { kind: 'aborted', reason: signal.reason });
  }
  const timeoutMs = call.options.timeoutMs ?? options.callTimeoutMs;
  const time = new CallTime(choice.record.clock, world.deadlines, {
    timeoutMs,
    maxTimeoutMs: Math.max(timeoutMs, call.options.maxTimeoutMs ?? options.maxCallTimeoutMs),
    signal,
  });
  const run = new CallRun(route, call, time, world, heard);
  try {
    for (let next = choice; ;) {
      try {
        return await run.visit(next);
      } catch (error) {
        const another = run.next(next, error);
        next = another instanceof Promise ? await another : another;
      }
    }
  } finally {
    time.close();
  }
}

/** The attempts of one call. */
class CallRun<Result> {
  readonly #route: Route;
  readonly #call: Call<Result>;
  readonly #time: CallTime;
  readonly #world: CallWorld;
  readonly #heard: HeardOperation | undefined;
  /** Servers that were tried; made when a second one is looked for. */
  #tried: Set<string> | undefined;
  #attempts = 0;
  /** The present visit has come to an attempt. */
  #wasSent = false;
  #visits = 0;
  #unknowns = 0;
  #losses = 0;
  /** The tool as it was listed where the call was first sent. */
  #calledAs: ListedTool | undefined;
  /** What the caller has to know if nothing better comes: that the call may have been executed. */
  #unknown: HoldfastError | undefined;

  constructor(route: Route, call: Call<Result>, time: CallTime, world: CallWorld, heard: HeardOperation | undefined) {
    this.#route = route;
    this.#call = call;
    this.#time = time;
    this.#world = world;
    this.#heard = heard;
  }

  /** Where the call goes when a visit ended with this error; throws what the caller is told when it goes nowhere. */
  next(choice: Choice, error: unknown): Choice | Promise<Choice> {
    if (!isHoldfastError(error)) throw error;
    return this.#wasSent ? this.#afterAttempt(choice, error) : this.#afterRefusal(choice.record, error);
  }

  /** Takes the call to one server: waits for its turn, and for its link, and sends it once. */
  async visit(choice: Choice): Promise<Served<Result>> {
    const { record } = choice;
    this.#visits += 1;
    this.#wasSent = false;
    this.#time.waitWith(record.traffic.people);
    const needsTurn = this.#call.isCheck !== true;
    // Nothing is awaited without need: a call to a server that takes it is on the wire when the call returns.
    if (needsTurn && !this.#takesTurn(choice)) await this.#waitForTurn(choice);
    try {
      const link = openNow(choice) ?? (await this.#whenOpen(choice));
      this.#time.look();
      if (this.#time.ending !== undefined) throw this.#ended(record, this.#time.ending);
      if (!this.#route.fits(this.#call, record)) throw this.#route.nobody(this.#call);
      const refusal = record.tools.refusal(this.#call.tool);
      if (refusal !== undefined) throw refusal;
      this.#assertStillSafe(record);
      if (this.#call.tool !== undefined) this.#calledAs ??= record.tools.listed(this.#call.tool);
      this.#attempts += 1;
      this.#wasSent = true;
      const { generation } = record;
      const sent = this.#heard === undefined ? this.#call : this.#heard.attempted(this.#call, record);
      const result = await attempt(record, link, sent, this.#time, this.#world);
      const checking = checkOutput(record, this.#call, result, this.#time, this.#world.ports.validator);
      if (checking !== undefined) await checking;
      this.#route.retryBudget = afterSuccess(this.#route.retryBudget);
      this.#served(record.id, generation);
      return { result, serverId: record.id, generation };
    } catch (error) {
      if (isHoldfastError(error) && error.outcome === 'executed') this.#served(record.id, error.generation ?? 0);
      throw error;
    } finally {
      if (needsTurn) record.traffic.bulkhead.leave();
    }
  }

  #takesTurn(choice: Choice): boolean {
    if (isShut(choice)) throw refusalOf(choice.record, 0);
    return choice.record.traffic.bulkhead.tryEnter();
  }

  async #waitForTurn(choice: Choice): Promise<void> {
    const { record } = choice;
    const turn = await record.traffic.bulkhead.wait((end) => {
      this.#time.onEnd = end;
      if (this.#time.ending !== undefined) end();
    });
    this.#time.onEnd = undefined;
    if (turn === 'taken') return;
    if (this.#time.ending !== undefined) throw this.#ended(record, this.#time.ending);
    if (turn === 'called') {
      if (!this.#takesTurn(choice)) await this.#waitForTurn(choice);
      return;
    }
    const { maxInFlight, maxQueue } = record.options;
    const why =
      turn === 'full'
        ? `${maxInFlight} calls are in flight and ${maxQueue} wait for their turn`
        : `its turn did not come within 30 s, behind ${maxInFlight} calls in flight`;
    throw new QueueFullError(
      `Server "${record.id}" has more calls than it can take: ${why}. ${capital(whatIs(this.#call))} was not sent. Call less at a time, or raise maxInFlight or maxQueue.`,
      { serverId: record.id, generation: record.generation },
    );
  }

  async #whenOpen(choice: Choice): Promise<Link> {
    const { record } = choice;
    const began = record.clock.monotonic();
    const patienceMs = isFirstCall(record) ? this.#time.leftMs : choice.patienceMs;
    if (record.view.phase === 'idle' && this.#time.ending === undefined) this.#world.open(record);
    await waitUntil(record.clock, {
      timeoutMs: patienceMs,
      signal: undefined,
      watch: (check) => {
        this.#time.onEnd = check;
        return record.onChange(check);
      },
      check: () => {
        if (this.#time.ending !== undefined) return this.#ended(record, this.#time.ending);
        const leftMs = choice.patienceMs - (record.clock.monotonic() - began);
        const admission = admissionOf(record, { ...choice, patienceMs: leftMs });
        if (admission === 'open') return true;
        return admission === 'shut' ? refusalOf(record, 0) : undefined;
      },
      late: (afterMs) => refusalOf(record, afterMs),
      aborted: () => refusalOf(record, 0),
    }).finally(() => {
      this.#time.onEnd = undefined;
    });
    const link = openLink(record);
    if (link === undefined) throw refusalOf(record, 0);
    return link;
  }

  /** A refusal costs the server nothing, and another one may take the call. */
  #afterRefusal(record: SessionRecord, refusal: HoldfastError): Choice {
    if (isEnd(refusal)) throw this.#unknown ?? refusal;
    const next = this.#route.another(this.#call, this.#markTried(record));
    if (next !== undefined && this.#time.leftMs > 0) return next;
    throw this.#unknown ?? this.#route.nobody(this.#call, refusal);
  }

  async #afterAttempt(choice: Choice, error: HoldfastError): Promise<Choice> {
    const { record } = choice;
    const failure = failureKind(error);
    const another = this.#route.another(this.#call, this.#markTried(record));
    const next = another ?? again(choice, failure, error);
    const delayMs =
      next &&
      retryDelayMs(
        failure,
        {
          attempts: this.#attempts,
          unknowns: this.#unknowns,
          losses: this.#losses,
          isSafe: isSafeAgain(this.#call, next.record, this.#calledAs),
          isForbidden: isSentOnce(this.#call, record) || isSentOnce(this.#call, next.record),
          elsewhere: another !== undefined,
          budget: this.#route.retryBudget,
          leftMs: this.#time.leftMs,
        },
        record.options.retry,
        this.#world.ports.random(),
      );
    if (this.#heard !== undefined) this.#heard.failure = error;
    if (failure.kind === 'unknown') {
      this.#unknowns += 1;
      this.#unknown = error;
    }
    if (failure.kind === 'session-lost') this.#losses += 1;
    if (next === undefined || delayMs === undefined) throw this.#final(failure, error);
    if (another === undefined || failure.kind === 'unknown')
      this.#route.retryBudget = afterRetry(this.#route.retryBudget);
    if (delayMs > 0) {
      await this.#time.sleep(delayMs, (ending) => this.#unknown ?? this.#ended(record, ending));
    }
    return next;
  }

  /** What the caller is told: what became of the last attempt, unless an earlier one may have been executed and this one was not. */
  #final(failure: AttemptFailure, error: HoldfastError): HoldfastError {
    if (error.outcome === 'unknown' || error.outcome === 'executed') return error;
    return this.#unknown ?? (failure.kind === 'not-sent' ? this.#route.nobody(this.#call, error) : error);
  }

  /** While the call waited, the tool may have become another one. */
  #assertStillSafe(record: SessionRecord): void {
    if (this.#unknown !== undefined && !isSafeAgain(this.#call, record, this.#calledAs)) throw this.#unknown;
  }

  #markTried({ id }: SessionRecord): ReadonlySet<string> {
    this.#tried ??= new Set();
    return this.#tried.add(id);
  }

  #ended(record: SessionRecord, ending: Ending): HoldfastError {
    return endedError(record.id, record.generation, this.#call, 'not-sent', ending);
  }

  #served(serverId: string, generation: number): void {
    try {
      this.#call.options.onServed?.({ serverId, generation, attempts: this.#visits });
    } catch {
      // A listener of the caller's own; the call is settled whatever it throws.
    }
  }
}

/** The same server once more; undefined when that does not take the call, and would not soon. */
function again(choice: Choice, failure: AttemptFailure, error: HoldfastError): Choice | undefined {
  const { record } = choice;
  // A lost session is made anew at once, which is worth waiting for in any case.
  const same =
    failure.kind === 'session-lost'
      ? { ...choice, patienceMs: record.options.waitForReadyMs, forgotten: error.generation }
      : choice;
  return isShut(same) ? undefined : same;
}

function openNow(choice: Choice): Link | undefined {
  return admissionOf(choice.record, choice) === 'open' ? openLink(choice.record) : undefined;
}

function isShut(choice: Choice): boolean {
  const { record, patienceMs } = choice;
  const admission = admissionOf(record, choice);
  return admission === 'shut' || (admission === 'soon' && patienceMs === 0 && !isFirstCall(record));
}

/** A lazy server is connected by its first call, which waits for it within its own time. */
function isFirstCall({ policy, view }: SessionRecord): boolean {
  return policy.lazy && !view.context.everConnected;
}
