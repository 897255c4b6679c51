import type { Call } from '../engine/call.ts';
import type { RequestEngine } from '../engine/request-engine.ts';
import type { Link, Pending } from '../link.ts';

/** What can be done over an open link, in the words of its era. */
export interface Verbs extends Pick<Link, 'probe' | 'request'> {
  /** The owner knows that the link is open. */
  open(): void;
  /** Hears a notification. True: it was for the link itself, and its owner is not told. */
  hear(method: string, params: unknown): boolean;
  /** The link is ending: nothing more is asked of the server. */
  end(): void;
}

/** The legacy era: what is asked goes out as it is, and a ping proves that the server answers. */
export function legacyVerbs(engine: RequestEngine): Verbs {
  return {
    probe: () => proofOf(engine.request('ping', undefined)),
    request: (method, params, options) => engine.request(method, params, options),
    open: () => undefined,
    hear: () => false,
    end: () => undefined,
  };
}

/** A call as a proof of life: any answer to it will do, an error too. */
export function proofOf(call: Call): Pending<void> {
  return {
    answer: call.answer.then(
      () => undefined,
      (error: unknown) => {
        if (!call.answered) throw error;
      },
    ),
    cancel: () => {
      call.cancel();
    },
  };
}
