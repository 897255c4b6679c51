import { LinkError } from '../fault.ts';
import type { RequestFailure } from '../fault.ts';
import type { Pending, Progress } from '../link.ts';

const nothing = (): void => undefined;

/** Who keeps a call while it is under way. */
export interface CallKeeper {
  /** It is settled: nothing that comes for it changes anything from here on. */
  settled(call: Call): void;
  /** Its caller waits no longer, though it may have been sent. */
  cancelled(call: Call): void;
}

/**
 * One message of ours on its way, settled exactly once: the first verdict wins and later ones change nothing.
 *
 * It also keeps the evidence that outcomes are judged by: whether the message was handed to the wire, and whether an
 * answer with its id came back. Transports are given the call itself as the options with which it is sent.
 */
export class Call implements Pending<Record<string, unknown>> {
  readonly answer: Promise<Record<string, unknown>>;
  /** The id under which it goes out; null for a notification. */
  readonly id: number | null;
  /** Headers of its own, as names and values in turn, for a wire that has headers. */
  readonly headers: readonly string[] | undefined;
  readonly #keeper: CallKeeper;
  readonly #onProgress: ((progress: Progress) => void) | undefined;
  #resolve: (result: Record<string, unknown>) => void = nothing;
  #reject: (error: LinkError) => void = nothing;
  #sent = false;
  #drop: (() => void) | undefined;
  #answered = false;
  #settled = false;

  constructor(
    keeper: CallKeeper,
    id: number | null,
    onProgress?: (progress: Progress) => void,
    headers?: readonly string[],
  ) {
    this.id = id;
    this.headers = headers;
    this.#keeper = keeper;
    this.#onProgress = onProgress;
    this.answer = new Promise((resolve, reject) => {
      this.#resolve = resolve;
      this.#reject = reject;
    });
  }

  /** A call that has failed before anything was done for it. */
  static failed(failure: RequestFailure, cause?: unknown): Call {
    const call = new Call(UNKEPT, null);
    call.reject(failure, cause);
    return call;
  }

  /** True once a byte of it may have reached the other side. */
  get sent(): boolean {
    return this.#sent;
  }

  /** True once an answer with its id has arrived, whatever was in it. */
  get answered(): boolean {
    return this.#answered;
  }

  get settled(): boolean {
    return this.#settled;
  }

  /** What to call, once, when nobody waits for it any more: for a transport that can stop working for it. At once if it is settled. */
  whenSettled(drop: () => void): void {
    if (this.#settled) drop();
    else this.#drop = drop;
  }

  /** Asked by a transport immediately before it writes the message. */
  stillWanted(): boolean {
    return !this.#settled;
  }

  /** The transport takes the message: from here on it counts as sent. */
  onHandedOver(): void {
    this.#sent = true;
  }

  /** The server turned it away unexecuted, and it has not been sent again yet. */
  onTurnedAway(): void {
    this.#sent = false;
  }

  /** An answer with this call's id has arrived. */
  markAnswered(): void {
    this.#answered = true;
  }

  progress(progress: Progress): void {
    if (!this.#settled) this.#onProgress?.(progress);
  }

  resolve(result: Record<string, unknown>): void {
    if (this.#settle()) this.#resolve(result);
  }

  reject(failure: RequestFailure, cause?: unknown): void {
    if (this.#settle()) this.#reject(new LinkError(failure, cause === undefined ? undefined : { cause }));
  }

  cancel(): void {
    if (this.#settled) return;
    this.reject({ kind: 'aborted', sent: this.#sent });
    this.#keeper.cancelled(this);
  }

  #settle(): boolean {
    if (this.#settled) return false;
    this.#settled = true;
    this.#keeper.settled(this);
    this.#drop?.();
    return true;
  }
}

/** Keeps what is settled from the start. */
const UNKEPT: CallKeeper = { settled: nothing, cancelled: nothing };
