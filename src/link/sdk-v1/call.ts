import { LinkError } from '../fault.ts';
import type { RequestFailure } from '../fault.ts';
import type { Progress } from '../link.ts';

/**
 * One message of ours on its way, settled exactly once: the first verdict wins and later ones change nothing.
 *
 * It also keeps the evidence that outcomes are judged by: whether the message was handed to the wire, and whether an
 * answer with its id came back.
 */
export class Call {
  readonly promise: Promise<Record<string, unknown>>;
  readonly #resolve: (result: Record<string, unknown>) => void;
  readonly #reject: (error: LinkError) => void;
  readonly #onProgress: ((progress: Progress) => void) | undefined;
  readonly #onSettled: (call: Call) => void;
  /** The id under which it went out, once it has one. */
  id: number | undefined;
  #sent = false;
  #drop: (() => void) | undefined;
  #answered = false;
  #settled = false;

  constructor(onSettled: (call: Call) => void, onProgress?: (progress: Progress) => void) {
    const { promise, resolve, reject } = withResolvers();
    this.promise = promise;
    this.#resolve = resolve;
    this.#reject = reject;
    this.#onSettled = onSettled;
    this.#onProgress = onProgress;
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

  /** The transport takes the message: from here on it counts as sent. */
  markSent(): void {
    this.#sent = true;
  }

  /** The server turned it away unexecuted, and it has not been sent again yet. */
  markUnsent(): void {
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

  #settle(): boolean {
    if (this.#settled) return false;
    this.#settled = true;
    this.#onSettled(this);
    this.#drop?.();
    return true;
  }
}

function withResolvers(): {
  promise: Promise<Record<string, unknown>>;
  resolve: (result: Record<string, unknown>) => void;
  reject: (error: LinkError) => void;
} {
  let resolve: (result: Record<string, unknown>) => void = () => undefined;
  let reject: (error: LinkError) => void = () => undefined;
  const promise = new Promise<Record<string, unknown>>((onResolve, onReject) => {
    resolve = onResolve;
    reject = onReject;
  });
  return { promise, resolve, reject };
}
