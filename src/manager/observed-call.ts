import type { Progress } from '../link/link.ts';
import type { CallOptions } from './call-options.ts';
import type { ToolResult } from './results.ts';
import { Observable } from './rx.ts';

/** What comes of a tool call while it runs: progress as often as the server tells of it, then the result. */
export type ToolCallUpdate =
  | ({ readonly type: 'progress' } & Progress)
  | { readonly type: 'result'; readonly result: ToolResult };

/** A call as an observable: each subscription is one call, and unsubscribing aborts it. */
export function observedCall(
  call: (options: CallOptions) => Promise<ToolResult>,
  options: CallOptions,
): Observable<ToolCallUpdate> {
  return new Observable((subscriber) => {
    const unsubscribed = new AbortController();
    const signals = [unsubscribed.signal, ...(options.signal ? [options.signal] : [])];
    call({
      ...options,
      signal: AbortSignal.any(signals),
      onProgress: (progress) => {
        options.onProgress?.(progress);
        subscriber.next({ type: 'progress', ...progress });
      },
    }).then(
      (result) => {
        subscriber.next({ type: 'result', result });
        subscriber.complete();
      },
      (error: unknown) => {
        subscriber.error(error);
      },
    );
    return () => {
      unsubscribed.abort();
    };
  });
}
