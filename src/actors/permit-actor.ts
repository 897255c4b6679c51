import { fromCallback, type EventObject } from 'xstate';
import type { ConnectLimiter } from './ports.ts';
import type { FindSession } from './session-io.ts';

/** Queues for the connect limiter's permit; leaving the state leaves the queue. The permit itself is kept in the record. */
export function permitLogic(find: FindSession, limiter: ConnectLimiter) {
  return fromCallback<EventObject, { readonly id: string }>(({ input, sendBack }) => {
    const io = find(input.id);
    if (io === undefined) return undefined;
    return limiter.request({ origin: io.origin }, (permit) => {
      io.holdPermit(permit);
      sendBack({ type: 'PERMIT' });
    });
  });
}
