import { fromPromise } from 'xstate';
import type { FindSession } from './session-io.ts';

/** After a session's actor crashed: lets go of the link that it left, before another actor takes its place. */
export function releaseLogic(find: FindSession) {
  return fromPromise<void, { readonly id: string }>(async ({ input }) => {
    await find(input.id)?.lease.release('kill');
  });
}
