import { Socket } from 'node:net';
import { buildConnector, Pool } from 'undici';
import { HttpExchange } from './http-exchange.ts';
import type { ExchangeOwner } from './http-exchange.ts';

/**
 * Which connections an exchange may use.
 * - `data`: requests that a caller waits for; at most {@link MAX_DATA_CONNECTIONS} at a time, the others wait their turn.
 * - `control`: everything else, without a limit. An answer to the server's question must not queue behind the very call that asks.
 */
export type Lane = 'data' | 'control';

export interface ExchangeRequest {
  readonly method: 'GET' | 'POST' | 'DELETE';
  /** Path and query, beginning with a slash; the origin is that of the pools. */
  readonly path: string;
  /** Names and values in turn. */
  readonly headers: string[];
  readonly body: string | null;
  readonly lane: Lane;
  /** How long the head, and then each next piece of the body, may take, in milliseconds; 0 is without a limit. */
  readonly silenceLimitMs: number;
}

export const MAX_DATA_CONNECTIONS = 64;
/** How long a connection may take to come about (name, TCP and TLS together), in milliseconds. */
const CONNECT_LIMIT_MS = 10_000;
/**
 * How long an idle connection is kept, in milliseconds, unless the server asks for less (then 2 s less than it says). Short: a
 * request that meets the server's closing of the connection has an unknown outcome.
 */
const IDLE_LIMIT_MS = 4_000;
const IDLE_MARGIN_MS = 2_000;
/** When a silent connection is first asked whether the other side is still there, in milliseconds. */
const TCP_KEEP_ALIVE_MS = 15_000;

interface Waiting {
  readonly request: ExchangeRequest;
  readonly exchange: HttpExchange;
}

/** The connections of one transport to one origin. */
export class HttpPools {
  readonly #newPool: (connections: number | null) => Pool;
  #data: Pool;
  #control: Pool;
  /** Pools that are used no more, until their last exchange is over. */
  readonly #retired = new Set<Pool>();
  readonly #dialling = new Set<Socket>();
  readonly #onCongested: () => void;
  #waiting: Waiting[] = [];
  #next = 0;
  #active = 0;
  #destroyed: Promise<void> | undefined;

  /** `onCongested` is told when a data request has to wait: whoever lingers on a data connection should let go of it. */
  constructor(url: URL, onCongested: () => void = () => undefined) {
    this.#onCongested = onCongested;
    const dial: (...args: Parameters<buildConnector.connector>) => unknown = buildConnector({
      timeout: CONNECT_LIMIT_MS,
      keepAlive: true,
      keepAliveInitialDelay: TCP_KEEP_ALIVE_MS,
    });
    const options: Pool.Options = {
      pipelining: 1,
      keepAliveTimeout: IDLE_LIMIT_MS,
      keepAliveMaxTimeout: IDLE_LIMIT_MS,
      keepAliveTimeoutThreshold: IDLE_MARGIN_MS,
      connect: (target, callback) => {
        // undici forgets a socket that still dials when its pool is destroyed.
        const socket = dial(target, (...result) => {
          if (socket instanceof Socket) this.#dialling.delete(socket);
          callback(...result);
        });
        if (socket instanceof Socket) this.#dialling.add(socket);
      },
    };
    this.#newPool = (connections) => new Pool(url.origin, { ...options, connections });
    this.#data = this.#newPool(MAX_DATA_CONNECTIONS);
    this.#control = this.#newPool(null);
  }

  /** Whether data requests wait for a connection. */
  get isCongested(): boolean {
    return this.#next < this.#waiting.length;
  }

  /** Starts an exchange. Never throws: what goes wrong is told to the owner, which may happen before this returns. */
  open(request: ExchangeRequest, owner: ExchangeOwner): HttpExchange {
    const exchange = new HttpExchange(owner);
    if (request.lane === 'control') {
      dispatch(this.#control, request, exchange);
    } else if (this.#active < MAX_DATA_CONNECTIONS) {
      this.#start({ request, exchange });
    } else {
      this.#waiting.push({ request, exchange });
      this.#onCongested();
    }
    return exchange;
  }

  /** Idle connections are not used again, and new exchanges get new ones. What is under way goes on where it is. */
  renew(): void {
    if (this.#destroyed !== undefined) return;
    for (const pool of [this.#data, this.#control]) {
      this.#retired.add(pool);
      pool.close().then(
        () => this.#retired.delete(pool),
        () => this.#retired.delete(pool),
      );
    }
    this.#data = this.#newPool(MAX_DATA_CONNECTIONS);
    this.#control = this.#newPool(null);
  }

  /** Closes every connection and breaks every exchange that is not over. Resolves when the sockets are closed; never rejects. */
  destroy(): Promise<void> {
    this.#destroyed ??= this.#destroy();
    return this.#destroyed;
  }

  async #destroy(): Promise<void> {
    const closed = new Error('the connection was closed by us');
    const waiting = this.#waiting.slice(this.#next);
    this.#waiting = [];
    this.#next = 0;
    for (const { exchange } of waiting) exchange.onResponseError(null, closed);
    const gone = [...this.#dialling].map((socket) => new Promise((resolve) => socket.once('close', resolve)));
    // With an error, or undici's own timer for the connect would stay.
    for (const socket of this.#dialling) socket.destroy(closed);
    const pools = [this.#data, this.#control, ...this.#retired];
    await Promise.allSettled([...gone, ...pools.map((pool) => pool.destroy(closed))]);
  }

  #start({ request, exchange }: Waiting): void {
    exchange.onOver = this.#onDataOver;
    this.#active += 1;
    dispatch(this.#data, request, exchange);
  }

  readonly #onDataOver = (): void => {
    this.#active -= 1;
    while (this.#active < MAX_DATA_CONNECTIONS) {
      const next = this.#waiting[this.#next];
      if (next === undefined) break;
      this.#next += 1;
      if (!next.exchange.isOver) this.#start(next);
    }
    if (this.#next > 0 && this.#next === this.#waiting.length) {
      this.#waiting = [];
      this.#next = 0;
    }
  };
}

function dispatch(pool: Pool, request: ExchangeRequest, exchange: HttpExchange): void {
  pool.dispatch(
    {
      method: request.method,
      path: request.path,
      headers: request.headers,
      body: request.body,
      idempotent: false,
      headersTimeout: request.silenceLimitMs,
      bodyTimeout: request.silenceLimitMs,
    },
    exchange,
  );
}
