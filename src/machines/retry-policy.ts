/** When a call is sent once more: pure decisions over what is known of its attempts. */

/** How a call is repeated where that is safe. Every field has a default; see `defaultRetry`. */
export interface RetryConfig {
  /** The most attempts of one call, the first included; default 3. 1: never repeat. */
  readonly maxAttempts: number;
  /** Time to the second attempt on the same server, where the server asked for none; default 100. */
  readonly baseDelayMs: number;
  /** The longest such time; default 30 000. */
  readonly maxDelayMs: number;
  /** Growth of that time from attempt to attempt; default 2. */
  readonly multiplier: number;
  /** Share of it that is left to chance, ±; default 0.1. */
  readonly jitter: number;
}

export const defaultRetry: RetryConfig = Object.freeze({
  maxAttempts: 3,
  baseDelayMs: 100,
  maxDelayMs: 30_000,
  multiplier: 2,
  jitter: 0.1,
});

/** How one attempt failed, as far as another one depends on it. */
export type AttemptFailure =
  /** Certainly not executed: no byte of it reached a server. */
  | { readonly kind: 'not-sent' }
  /** Certainly not executed: the server, or our queue to it, asked to be left alone. */
  | { readonly kind: 'overload'; readonly retryAfterMs: number | undefined }
  /** Certainly not executed: the server had forgotten the session, which is being made anew. */
  | { readonly kind: 'session-lost' }
  /** Certainly not executed, and the same server would not execute it now: it wants other credentials, it takes no calls. */
  | { readonly kind: 'refused' }
  /** It may have been executed. */
  | { readonly kind: 'unknown'; readonly retryAfterMs: number | undefined }
  /** Nothing is gained by repeating it: it was executed, its caller has ended it, its time is over. */
  | { readonly kind: 'final' };

/** What a repetition depends on besides the failure itself. */
export interface RetryView {
  /** Attempts that were handed to a link, the failed one included. */
  readonly attempts: number;
  /** How many of the failures before this one were `unknown`. */
  readonly unknowns: number;
  /** How many of the failures before this one were `session-lost`. */
  readonly losses: number;
  /** Repeating it does no harm even if it was executed. */
  readonly isSafe: boolean;
  /** Whoever calls, or owns the server, wants it sent once at most. */
  readonly isForbidden: boolean;
  /** Another server can take it: nothing has to be waited for. */
  readonly elsewhere: boolean;
  /** The retry budget, see `RetryBudget`. */
  readonly budget: RetryBudget;
  /** How much of the call's time is left. */
  readonly leftMs: number;
}

/**
 * In how many milliseconds the call is sent once more; undefined when it is not. What may have been executed is repeated once, and only
 * if that is safe; a lost session is made up for once; all else up to `maxAttempts`, within the budget and within the call's time.
 * Handing what was certainly not executed to another server is no repetition: it needs no budget, and no server gets it twice.
 */
export function retryDelayMs(
  failure: AttemptFailure,
  view: RetryView,
  config: RetryConfig,
  random: number,
): number | undefined {
  if (view.leftMs <= 0) return undefined;
  if (isMove(failure, view)) return 0;
  if (view.isForbidden || view.attempts >= config.maxAttempts || !allowsRetry(view.budget)) return undefined;
  const delayMs = delayAfter(failure, view, config, random);
  return delayMs !== undefined && delayMs < view.leftMs ? delayMs : undefined;
}

function isMove(failure: AttemptFailure, view: RetryView): boolean {
  if (!view.elsewhere || failure.kind === 'unknown' || failure.kind === 'final') return false;
  return failure.kind === 'not-sent' || !view.isForbidden;
}

function delayAfter(failure: AttemptFailure, view: RetryView, config: RetryConfig, random: number): number | undefined {
  const backoff = (askedForMs: number = 0): number =>
    view.elsewhere ? 0 : Math.max(askedForMs, backoffMs(view.attempts, config, random));
  switch (failure.kind) {
    case 'not-sent':
      return backoff();
    case 'overload':
      return backoff(failure.retryAfterMs);
    case 'session-lost':
      return view.losses === 0 ? 0 : undefined;
    case 'unknown':
      return view.isSafe && view.unknowns === 0 ? backoff(failure.retryAfterMs) : undefined;
    case 'refused':
    case 'final':
      return undefined;
  }
}

/** Time to the next attempt after `attempts` of them: baseDelayMs · multiplier^(attempts − 1), at most maxDelayMs, ± jitter. */
export function backoffMs(attempts: number, config: RetryConfig, random: number): number {
  const base = Math.min(config.maxDelayMs, config.baseDelayMs * config.multiplier ** (attempts - 1));
  return base * (1 + config.jitter * (2 * random - 1));
}

/**
 * How many repetitions a server, or a group, is worth: a repetition takes a token, a success gives a tenth of one back, and at half or
 * below there is none. So a server that fails everything sees few repetitions, however many calls there are (gRPC's retry throttling).
 */
export type RetryBudget = number;

const fullBudget = 10;
const perSuccess = 0.1;

export const freshBudget: RetryBudget = fullBudget;

export function allowsRetry(budget: RetryBudget): boolean {
  return budget > fullBudget / 2;
}

export function afterRetry(budget: RetryBudget): RetryBudget {
  return Math.max(0, budget - 1);
}

export function afterSuccess(budget: RetryBudget): RetryBudget {
  return budget >= fullBudget ? budget : Math.min(fullBudget, budget + perSuccess);
}
