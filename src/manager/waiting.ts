import type { Clock } from '../actors/ports.ts';

export interface Waiting {
  readonly timeoutMs: number | undefined;
  readonly signal: AbortSignal | undefined;
  /** True: what was waited for is there. An error: it will not come. */
  check(): true | Error | undefined;
  /** Calls back whenever it is worth checking again; returns the way to stop. */
  watch(check: () => void): () => void;
  late(timeoutMs: number): Error;
  aborted(reason: unknown): Error;
}

/** Waits for something to come true, within a time and until a signal. Leaves no timer and no listener. */
export function waitUntil(clock: Pick<Clock, 'setTimeout' | 'clearTimeout'>, waiting: Waiting): Promise<void> {
  const { timeoutMs, signal } = waiting;
  return new Promise((resolve, reject) => {
    let settled = false;
    const settle = (outcome: true | Error | undefined): void => {
      if (settled || outcome === undefined) return;
      settled = true;
      stop();
      if (timer !== undefined) clock.clearTimeout(timer);
      signal?.removeEventListener('abort', onAbort);
      if (outcome === true) resolve();
      else reject(outcome);
    };
    const onAbort = (): void => {
      settle(waiting.aborted(signal?.reason));
    };
    const check = (): void => {
      settle(waiting.check());
    };
    const timer =
      timeoutMs === undefined
        ? undefined
        : clock.setTimeout(() => {
            settle(waiting.late(timeoutMs));
          }, timeoutMs);
    const stop = waiting.watch(check);
    signal?.addEventListener('abort', onAbort, { once: true });
    if (signal?.aborted === true) onAbort();
    else check();
  });
}
