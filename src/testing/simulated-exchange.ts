import type { TimerId } from '../actors/ports.ts';
import { LinkError, type RequestFailure } from '../link/fault.ts';
import type { Pending } from '../link/link.ts';

/** What an exchange needs of its link. */
export interface ExchangeOwner {
  exchangeSettled(exchange: Exchange): void;
}

/** One request of a link between being made and being settled. */
export class Exchange implements Pending<Record<string, unknown>> {
  readonly answer: Promise<Record<string, unknown>>;
  readonly #owner: ExchangeOwner;
  #resolve: (result: Record<string, unknown>) => void = () => undefined;
  #reject: (error: LinkError) => void = () => undefined;
  sent = false;
  isSettled = false;
  /** The answer on its way. */
  timer: TimerId = null;
  /** Tells a call handler that nobody waits any more. Created only for handlers that could listen. */
  controller: AbortController | null = null;

  constructor(owner: ExchangeOwner) {
    this.#owner = owner;
    this.answer = new Promise((resolve, reject) => {
      this.#resolve = resolve;
      this.#reject = reject;
    });
  }

  cancel(): void {
    this.fail({ kind: 'aborted', sent: this.sent });
  }

  succeed(result: Record<string, unknown>): void {
    if (this.#settle()) this.#resolve(result);
  }

  fail(failure: RequestFailure): void {
    if (!this.#settle()) return;
    this.#reject(new LinkError(failure));
    this.controller?.abort();
  }

  #settle(): boolean {
    if (this.isSettled) return false;
    this.isSettled = true;
    this.#owner.exchangeSettled(this);
    return true;
  }
}

/** A thrown value as the JSON-RPC error that a server makes of it. */
export function rpcFailureOf(thrown: unknown): RequestFailure {
  const code: unknown = thrown instanceof Error && 'code' in thrown ? thrown.code : undefined;
  return {
    kind: 'rpc',
    sent: true,
    rpcCode: typeof code === 'number' ? code : -32603,
    message: thrown instanceof Error ? thrown.message : String(thrown),
  };
}
