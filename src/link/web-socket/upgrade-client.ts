import { Socket } from 'node:net';
import { buildConnector, Client } from 'undici';
import type { Dispatcher } from 'undici';
import type { Fault } from '../fault.ts';
import type { ExchangePhase, ResponseHead } from '../http/http-exchange.ts';
import { brokenFault } from '../http/http-faults.ts';
import { faultOfStatus } from '../http/http-status.ts';
import { BAD_UPGRADE, NOT_DIALLED } from './web-socket-faults.ts';

/** How long a connection may take to come about (name, TCP and TLS together), in milliseconds. */
const CONNECT_LIMIT_MS = 10_000;
/** When a silent connection is first asked whether the other side is still there, in milliseconds. */
const TCP_KEEP_ALIVE_MS = 15_000;

/**
 * The dispatcher of one WebSocket. undici's WebSocket says neither why it did not open nor why it was given up, and cannot be
 * terminated: this sees the response to its opening request, and holds its socket.
 */
export class UpgradeClient {
  readonly #client: Client;
  #socket: Socket | undefined;
  readonly #origin: string;
  #phase: ExchangePhase = 'unsent';
  #head: ResponseHead | undefined;
  #error: unknown;

  constructor(url: URL, maxMessageBytes: number) {
    const dial: (...args: Parameters<buildConnector.connector>) => unknown = buildConnector({
      timeout: CONNECT_LIMIT_MS,
      keepAlive: true,
      keepAliveInitialDelay: TCP_KEEP_ALIVE_MS,
    });
    this.#origin = url.origin;
    this.#client = new Client(url.origin.replace(/^ws/, 'http'), {
      // Time limits are the owner's, from the permit on.
      headersTimeout: 0,
      bodyTimeout: 0,
      webSocket: { maxPayloadSize: maxMessageBytes },
      connect: (target, callback) => {
        const socket = dial(target, callback);
        if (socket instanceof Socket) this.#socket = socket;
      },
    });
  }

  /** The connection, dialling or open; undefined before the first step towards it. */
  get socket(): Socket | undefined {
    return this.#socket;
  }

  /** Why no WebSocket came of it. */
  get fault(): Fault {
    if (this.#head !== undefined) {
      return this.#head.status === 101
        ? BAD_UPGRADE
        : faultOfStatus(this.#head, { holdsSession: false, isOpen: false });
    }
    return this.#error === undefined ? NOT_DIALLED : brokenFault(this.#error, this.#phase, this.#origin);
  }

  /** What the WebSocket is to be given. */
  get dispatcher(): Dispatcher {
    return this.#client.compose((dispatch) => (options, handler) => dispatch(options, this.#observed(handler)));
  }

  /** Closes the connection, at whatever stage it is. Resolves when it is closed; never rejects. */
  async destroy(): Promise<void> {
    const socket = this.#socket;
    const closed = new Error('the connection was closed by us');
    const gone =
      socket === undefined || socket.closed
        ? undefined
        : new Promise((resolve) => {
            socket.once('close', resolve);
          });
    // While it dials with an error, or undici's own timer for the connect would stay.
    socket?.destroy(closed);
    await Promise.allSettled([gone, this.#client.destroy(closed)]);
  }

  #observed(handler: Dispatcher.DispatchHandler): Dispatcher.DispatchHandler {
    return {
      onRequestStart: (...args) => {
        this.#phase = 'sent';
        handler.onRequestStart?.(...args);
      },
      onRequestUpgrade: (controller, status, headers, socket) => {
        this.#head = { status, headers };
        handler.onRequestUpgrade?.(controller, status, headers, socket);
      },
      // Not passed on: undici would repeat the request after a 401, and read the body of any other answer.
      onResponseStart: (controller, status, headers) => {
        if (status < 200) return;
        this.#head = { status, headers };
        controller.abort(new Error(`the opening was answered with HTTP ${status}`));
      },
      onResponseError: (controller, error) => {
        this.#error ??= error;
        handler.onResponseError?.(controller, error);
      },
    };
  }
}
