import type { ExchangeOwner, HttpExchange } from './http-exchange.ts';
import type { HttpHost } from './http-host.ts';

/** How long a server may take to hear that its session is over, in milliseconds. */
const LIMIT_MS = 2_000;

/** Tells the server by DELETE that the session is over. What it answers does not matter, 405 included. */
export class Goodbye implements ExchangeOwner {
  /** Settles when it has been said or cannot be; never rejects. */
  readonly done: Promise<void>;
  #resolve: () => void = () => undefined;
  readonly #timer: NodeJS.Timeout;
  #exchange: HttpExchange | null = null;
  #isOver = false;

  constructor(host: HttpHost) {
    this.done = new Promise((resolve) => {
      this.#resolve = resolve;
    });
    this.#timer = setTimeout(() => this.abort(), LIMIT_MS);
    void this.#say(host);
  }

  abort(): void {
    this.#over();
    this.#exchange?.abort();
  }

  isWanted(): boolean {
    return !this.#isOver;
  }

  onHandedOver(): void {}

  onUnwanted(): void {}

  onHead(): null {
    return null;
  }

  onComplete(): void {
    this.#over();
  }

  onBroken(): void {
    this.#over();
  }

  async #say({ gate, headers, pools, path }: HttpHost): Promise<void> {
    try {
      const composed = await headers.compose('goodbye', await gate.token());
      if (this.#isOver) return;
      this.#exchange = pools.open(
        { method: 'DELETE', path, headers: composed, body: null, lane: 'control', silenceLimitMs: 0 },
        this,
      );
    } catch {
      // Without headers or a token there is no goodbye; the server forgets the session in its own time.
      this.#over();
    }
  }

  #over(): void {
    this.#isOver = true;
    clearTimeout(this.#timer);
    this.#resolve();
  }
}
