import type { HoldfastError } from '../errors/holdfast-error.ts';
import type { RetryBudget } from '../machines/retry-policy.ts';
import type { Call } from './call.ts';
import type { Choice, Route } from './route.ts';
import type { SessionRecord } from './session-record.ts';

/** The way of a call to one server: to that server, or nowhere. While it is being connected, the call waits for it. */
export class SessionRoute implements Route {
  readonly id: string;
  readonly #record: SessionRecord;

  constructor(record: SessionRecord) {
    this.id = record.id;
    this.#record = record;
  }

  get isGroup(): boolean {
    return false;
  }

  get retryBudget(): RetryBudget {
    return this.#record.traffic.retryBudget;
  }

  set retryBudget(budget: RetryBudget) {
    this.#record.traffic.retryBudget = budget;
  }

  first<Result>({ options }: Call<Result>): Choice {
    const record = this.#record;
    return {
      record,
      insists: options.evenIfUnhealthy === true,
      patienceMs: options.waitForReadyMs ?? record.options.waitForReadyMs,
    };
  }

  another(): undefined {
    return undefined;
  }

  fits(): boolean {
    return true;
  }

  nobody<Result>(_call: Call<Result>, refusal: HoldfastError): HoldfastError {
    return refusal;
  }
}
