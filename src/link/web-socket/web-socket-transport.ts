import type { Socket } from 'node:net';
import { WebSocket } from 'undici';
import { describeThrown } from '../classify-fault.ts';
import { LinkError } from '../fault.ts';
import type { Fault } from '../fault.ts';
import { CLOSED, misuse, unsent } from '../http/http-faults.ts';
import { MAX_MESSAGE_BYTES, parseJson } from '../http/json-body.ts';
import { isRpcMessage } from '../rpc-message.ts';
import type { RpcMessage } from '../rpc-message.ts';
import { ReadGate } from '../stdio/read-gate.ts';
import type { Transport, WebSocketTarget } from '../target.ts';
import { SendWindow } from './send-window.ts';
import { watchSentCloseCode } from './sent-close-code.ts';
import { UpgradeClient } from './upgrade-client.ts';
import { upgradeHeaders } from './upgrade-headers.ts';
import { closedByServer, CLOSING, givenUp, lostConnection, notAMessage } from './web-socket-faults.ts';

export interface WebSocketTransportOptions {
  readonly target: WebSocketTarget;
  /** Longest message that the server may send, in bytes and after decompression. A longer one ends the transport. Default 16 MB. */
  readonly maxMessageBytes?: number | undefined;
  /** Most bytes that may wait to be sent; more is refused with `send-buffer-full`, as is the 16 385th message. Default 8 MB. */
  readonly maxUnsentBytes?: number | undefined;
  /** How long the server may take to close the connection after a goodbye, in milliseconds. Default 2000. */
  readonly closeGraceMs?: number | undefined;
}

export interface SendOptions {
  /** Asked immediately before the message is handed over; false drops it, and `send` rejects with `aborted`, unsent. Must not throw. */
  readonly stillWanted?: (() => boolean) | undefined;
  /** Told synchronously, immediately before the message is given to the socket: from here on it may have been sent. Must not throw. */
  readonly onHandedOver?: (() => void) | undefined;
}

/** How many messages that are none are reported one by one; the rest are only counted. */
const NOISE_REPORT_LIMIT = 5;
/** What undici gives for a close code when none was received. */
const ABNORMAL = 1006;
/** How many bytes may wait, beyond which an answer of ours holds back what the server sends. */
const CONGESTED_BYTES = 64 * 1024;
/** How long the end of a connection waits for what came compressed before it. */
const INFLATING_MS = 250;

/**
 * One WebSocket and the messages to and from it, in the `Transport` shape of both MCP SDKs. Started once, never reused.
 *
 * It is down as soon as its connection has closed, or would close: a server that has said goodbye has nothing more to say, and is not
 * waited for. Then its connection is closed, and `onclose` is called, once and last.
 */
export class WebSocketTransport implements Transport {
  onclose?: (() => void) | undefined;
  /** Something is wrong but the transport still stands. */
  onerror?: ((error: Error) => void) | undefined;
  onmessage?: ((message: RpcMessage) => void) | undefined;

  readonly #options: WebSocketTransportOptions;
  readonly #maxMessageBytes: number;
  readonly #window: SendWindow;
  readonly #opening: Opening;
  #isStarted = false;
  #isOpen = false;
  #client: UpgradeClient | undefined;
  #socket: WebSocket | undefined;
  #sentCloseCode: () => number | undefined = () => undefined;
  #socketError: unknown;
  #gate: ReadGate | undefined;
  #noiseCount = 0;
  #closing: Promise<void> | undefined;
  #released: Promise<void> | undefined;
  /** Why nothing is sent any more: set at the first sign of the end. */
  #cause: Fault | undefined;
  #fault: Fault | undefined;

  constructor(options: WebSocketTransportOptions) {
    this.#options = options;
    this.#maxMessageBytes = options.maxMessageBytes ?? MAX_MESSAGE_BYTES;
    this.#window = new SendWindow(options.maxUnsentBytes ?? 8 * 1024 * 1024);
    this.#opening = opening();
  }

  /** How it ended; undefined until it is down. */
  get fault(): Fault | undefined {
    return this.#fault;
  }

  /** True from the first sign of the end on. */
  get isEnding(): boolean {
    if (this.#cause !== undefined) return true;
    return this.#socket !== undefined && this.#socket.readyState > WebSocket.OPEN;
  }

  /** How many messages were no JSON object. Only the first few are reported. */
  get noiseCount(): number {
    return this.#noiseCount;
  }

  /** Opens the WebSocket. Rejects with a `LinkError` whose fault says why it did not open; `onclose` has been called by then. */
  start(): Promise<void> {
    if (this.#isStarted)
      return Promise.reject(unsent(misuse('already-started', 'This transport was started already.')));
    this.#isStarted = true;
    if (this.#cause === undefined) void this.#open();
    return this.#opening.promise;
  }

  /**
   * Sends one message. Resolves when the socket has taken it, which does not mean that the server has read it. Never throws and
   * rejects only with a `LinkError`, always with `sent` false: nothing was given to the socket.
   */
  async send(message: RpcMessage, options: SendOptions = {}): Promise<void> {
    const socket = this.#socket;
    if (this.#cause !== undefined) throw unsent(this.#cause);
    if (socket === undefined || socket.readyState === WebSocket.CONNECTING)
      throw unsent(misuse('not-started', 'The transport is not started yet.'));
    if (socket.readyState !== WebSocket.OPEN) throw unsent(CLOSING);
    const text = serialise(message);
    if (typeof text !== 'string') throw unsent(text);
    const bytes = Buffer.byteLength(text);
    const refusal = this.#window.refusal(bytes, socket.bufferedAmount);
    if (refusal !== null) throw unsent(refusal);
    if (options.stillWanted?.() === false) throw new LinkError({ kind: 'aborted', sent: false });
    options.onHandedOver?.();
    this.#window.handedOver(bytes);
    socket.send(text);
    // A flood of requests from a server that does not read our answers must not grow our memory, nor drown in refusals.
    // Not by `bufferedAmount`, which only falls when this turn is over: a `drain` must be sure to come.
    const waiting = this.#client?.socket?.writableLength ?? 0;
    if (message['method'] === undefined && waiting > CONGESTED_BYTES) this.#gate?.hold();
  }

  /** The same as `end('graceful')`. */
  close(): Promise<void> {
    return this.end('graceful');
  }

  /**
   * Ends the connection: `graceful` with a goodbye that the server may answer, `kill` at once. Resolves when it is closed and `onclose`
   * has been called. Never rejects. A repeat with `kill` hastens a graceful end.
   */
  async end(mode: 'graceful' | 'kill'): Promise<void> {
    this.#cause ??= CLOSED;
    if (mode === 'graceful' && this.#fault === undefined) {
      this.#closing ??= this.#sayGoodbye();
      await this.#closing;
    }
    this.#goDown(this.#cause);
    await this.#release();
  }

  async #open(): Promise<void> {
    const { url, headers: source } = this.#options.target;
    try {
      const headers = await upgradeHeaders(source);
      if (this.#cause !== undefined) return;
      const client = new UpgradeClient(new URL(url), this.#maxMessageBytes);
      this.#client = client;
      const socket = new WebSocket(url, { protocols: 'mcp', dispatcher: client.dispatcher, headers });
      this.#socket = socket;
      socket.binaryType = 'arraybuffer';
      socket.addEventListener('open', () => this.#onOpen(client));
      socket.addEventListener('message', ({ data }) => this.#receive(data));
      socket.addEventListener('close', ({ code, reason }) => this.#goDown(this.#faultOf(client, code, reason)));
    } catch (error) {
      this.#goDown(
        error instanceof LinkError && error.failure.kind === 'link'
          ? error.failure.fault
          : misuse('not-opened', describeThrown(error)),
      );
    }
  }

  #onOpen(client: UpgradeClient): void {
    const { socket } = client;
    if (socket === undefined || this.#cause !== undefined) return;
    this.#sentCloseCode = watchSentCloseCode(socket);
    const gate = new ReadGate(socket);
    this.#gate = gate;
    // When it closes is decided by us, see `#onEnd`.
    socket.allowHalfOpen = true;
    socket
      .on('error', (error) => {
        this.#socketError ??= error;
      })
      .on('drain', () => gate.release())
      // undici waits, without a limit, for a server that has said goodbye to close the connection, and so does a half-closed socket.
      .on('data', () => this.#hangUpAfterGoodbye())
      .on('end', () => this.#onEnd(socket));
    this.#isOpen = true;
    this.#opening.resolve();
  }

  /** What came compressed is still being inflated, in another thread, and undici drops it when the socket closes. */
  #onEnd(socket: Socket): void {
    if (this.#socket?.extensions === '') {
      socket.destroy();
      return;
    }
    const timer = setTimeout(() => socket.destroy(), INFLATING_MS);
    socket.once('close', () => clearTimeout(timer));
  }

  /** Our answer to the goodbye is on its way; the `close` event, and with it the code that the server gave, follows. */
  #hangUpAfterGoodbye(): void {
    if (this.#cause !== undefined || !this.isEnding) return;
    this.#closing ??= this.#closeWithin(() => this.#client?.socket?.destroySoon());
  }

  #sayGoodbye(): Promise<void> {
    if (this.#socket?.readyState !== WebSocket.OPEN) return Promise.resolve();
    return this.#closeWithin(() => this.#socket?.close(1000));
  }

  /** Resolves when the connection has closed, for which it has only so long. */
  #closeWithin(start: () => void): Promise<void> {
    const socket = this.#client?.socket;
    if (socket === undefined || socket.closed) return Promise.resolve();
    return new Promise((resolve) => {
      const timer = setTimeout(() => socket.destroy(), this.#options.closeGraceMs ?? 2000);
      socket.once('close', () => {
        clearTimeout(timer);
        resolve();
      });
      start();
    });
  }

  #receive(data: unknown): void {
    if (this.#cause !== undefined) return;
    // What is compressed comes out later, and a goodbye behind it later still.
    if (this.#socket?.extensions !== '') queueMicrotask(() => this.#hangUpAfterGoodbye());
    const message = typeof data === 'string' ? parseJson(data) : null;
    if (isRpcMessage(message)) {
      this.#guarded(() => this.onmessage?.(message));
      return;
    }
    this.#noiseCount += 1;
    if (this.#noiseCount <= NOISE_REPORT_LIMIT) this.#report(notAMessage(this.#noiseCount === NOISE_REPORT_LIMIT));
  }

  #faultOf(client: UpgradeClient, code: number, reason: string): Fault {
    if (this.#cause !== undefined) return this.#cause;
    if (!this.#isOpen) return client.fault;
    if (code !== ABNORMAL) return closedByServer(code, reason);
    const sent = this.#sentCloseCode();
    return sent === undefined ? lostConnection(this.#socketError) : givenUp(sent, this.#maxMessageBytes);
  }

  #goDown(fault: Fault): void {
    if (this.#fault !== undefined) return;
    this.#cause = fault;
    this.#fault = fault;
    this.#gate?.release();
    void this.#release();
    this.#opening.reject(unsent(fault));
    this.#guarded(() => this.onclose?.());
  }

  #release(): Promise<void> {
    this.#released ??= this.#client?.destroy() ?? Promise.resolve();
    return this.#released;
  }

  /** What a handler throws must not fly into undici, which would make an uncaught exception of it. */
  #guarded(callHandler: () => void): void {
    try {
      callHandler();
    } catch (error) {
      this.#report(misuse('handler-threw', `A handler of the transport threw: ${describeThrown(error)}`));
    }
  }

  #report(fault: Fault): void {
    try {
      this.onerror?.(unsent(fault));
    } catch {
      // The handler that would hear of it is the one that throws.
    }
  }
}

interface Opening {
  readonly promise: Promise<void>;
  readonly resolve: () => void;
  readonly reject: (error: LinkError) => void;
}

function opening(): Opening {
  let resolve: () => void = () => undefined;
  let reject: (error: LinkError) => void = () => undefined;
  const promise = new Promise<void>((onResolve, onReject) => {
    resolve = onResolve;
    reject = onReject;
  });
  // Whoever starts the transport is told; if it ends before anybody does, nobody is missed.
  promise.catch(() => undefined);
  return { promise, resolve, reject };
}

function serialise(message: RpcMessage): string | Fault {
  try {
    // JSON.stringify may give undefined, whatever its type says, and callers without types may send anything.
    const text: unknown = JSON.stringify(message);
    if (typeof text === 'string' && text.startsWith('{')) return text;
    return misuse('not-json', 'The message is no JSON object.');
  } catch (error) {
    return misuse('not-json', `The message has no JSON form: ${describeThrown(error)}`);
  }
}
