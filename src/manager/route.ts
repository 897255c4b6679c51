import type { HoldfastError } from '../errors/holdfast-error.ts';
import type { RetryBudget } from '../machines/retry-policy.ts';
import type { Wish } from './admission.ts';
import type { Call } from './call.ts';
import type { SessionRecord } from './session-record.ts';

/** Where the next attempt of a call goes. */
export interface Choice extends Wish {
  readonly record: SessionRecord;
}

/** What a call is made to: one server, or several that stand in for each other. */
export interface Route {
  readonly id: string;
  readonly isGroup: boolean;
  retryBudget: RetryBudget;
  /** The first server to try, or the typed error for a route that leads nowhere. */
  first<Result>(call: Call<Result>): Choice | HoldfastError;
  /** Another server that can take the call now; undefined when there is none that was not tried. */
  another<Result>(call: Call<Result>, tried: ReadonlySet<string>): Choice | undefined;
  /** Whether the server offers what is called, now that it is connected. */
  fits<Result>(call: Call<Result>, record: SessionRecord): boolean;
  /** The error for a call that no server took; `refusal` is the last one's. */
  nobody<Result>(call: Call<Result>, refusal?: HoldfastError): HoldfastError;
}
