import type { TimerId } from '../actors/ports.ts';
import { LinkError, type RequestFailure } from '../link/fault.ts';

/** What an exchange needs of its link. */
export interface ExchangeOwner {
  exchangeSettled(exchange: Exchange): void;
}

/** One request of a link between being made and being settled. */
export class Exchange {
  readonly signal: AbortSignal;
  readonly #owner: ExchangeOwner;
  readonly #resolve: (result: Record<string, unknown>) => void;
  readonly #reject: (error: LinkError) => void;
  sent = false;
  isSettled = false;
  /** The answer on its way. */
  timer: TimerId = null;
  /** Tells a call handler that nobody waits any more. Created only for handlers that could listen. */
  controller: AbortController | null = null;

  constructor(
    owner: ExchangeOwner,
    signal: AbortSignal,
    resolve: (result: Record<string, unknown>) => void,
    reject: (error: LinkError) => void,
  ) {
    this.#owner = owner;
    this.signal = signal;
    this.#resolve = resolve;
    this.#reject = reject;
    signal.addEventListener('abort', this);
  }

  /** The signal's abort event: the exchange is its own listener, which spares a closure for each request. */
  handleEvent(): void {
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
    this.signal.removeEventListener('abort', this);
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
