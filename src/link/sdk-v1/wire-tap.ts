import type { Transport, TransportSendOptions } from '@modelcontextprotocol/sdk/shared/transport.js';
import type { JSONRPCMessage, JSONRPCRequest } from '@modelcontextprotocol/sdk/types.js';
import { describeThrown } from '../classify-fault.ts';
import type { Call } from './call.ts';
import { isJsonRpc, isRecord, readOwnId } from './json-rpc.ts';
import type { RequestEngine } from './request-engine.ts';
import type { Wire } from './wire.ts';

/** The most answers to pings that wait for a server to read them. */
const MAX_PONGS = 256;

/** What the tap tells the link. None of these may throw. */
export interface WireTapListeners {
  readonly onNotice: (method: string, params: unknown) => void;
  /** The transport reported an error, or failed to send what no call waits for. */
  readonly onTransportError: (error: unknown) => void;
  /** A callback of the caller's threw. */
  readonly onCallbackError: (error: unknown) => void;
  readonly onBadMessage: () => void;
  readonly onClosed: () => void;
}

/**
 * Stands between the SDK's client and the wire, in the shape of an SDK transport, and sees every message.
 *
 * The answers to our requests go to the engine. The SDK keeps the handshake and the server's own requests. What it would
 * stumble over never reaches it: no callback throws, and `close` does not reject.
 */
export class WireTap implements Transport {
  // The SDK's client installs these when it connects.
  onclose?: () => void;
  onerror?: (error: Error) => void;
  onmessage?: (message: JSONRPCMessage) => void;

  readonly #wire: Wire;
  readonly #engine: RequestEngine;
  readonly #listeners: WireTapListeners;
  #outgoing: Call | undefined;
  #initializeId: number | undefined;
  #initializeAnswer: JSONRPCMessage | undefined;
  #forwarding: 'initialize' | 'other' | null = null;
  /** Answers to pings that the server has not taken yet. */
  #pongs = 0;
  #isStarted = false;
  #isAttached = true;

  constructor(wire: Wire, engine: RequestEngine, listeners: WireTapListeners) {
    this.#wire = wire;
    this.#engine = engine;
    this.#listeners = listeners;
  }

  /** The whole answer to `initialize` as it came over the wire, once it is there. */
  get initializeAnswer(): JSONRPCMessage | undefined {
    return this.#initializeAnswer;
  }

  /** What the SDK's client is being handed right now: tells what a complaint of its own is about. */
  get forwarding(): 'initialize' | 'other' | null {
    return this.#forwarding;
  }

  /** True once the transport has started. */
  get isStarted(): boolean {
    return this.#isStarted;
  }

  /** Runs `dispatch`, in which the SDK synchronously sends one notification, and takes that for the given call's. */
  sendFor<T>(call: Call, dispatch: () => T): T {
    this.#outgoing = call;
    try {
      return dispatch();
    } finally {
      this.#outgoing = undefined;
    }
  }

  /** Cuts the SDK's client off: it settles what it has pending, aborts its handlers, clears its timers and hears nothing more. */
  detach(): void {
    if (!this.#isAttached) return;
    this.#isAttached = false;
    this.onclose?.();
  }

  async start(): Promise<void> {
    await this.#wire.start({
      onMessage: (message) => this.#receive(message),
      onError: (error) => {
        if (this.#isAttached) this.#listeners.onTransportError(error);
      },
      onClosed: () => {
        if (this.#isAttached) this.#listeners.onClosed();
      },
    });
    this.#isStarted = true;
  }

  async send(message: JSONRPCMessage, options?: TransportSendOptions): Promise<void> {
    const call = this.#outgoing;
    this.#outgoing = undefined;
    if (!this.#isAttached) throw new Error('the link has ended');
    if ('method' in message && 'id' in message && message.method === 'initialize' && typeof message.id === 'number') {
      this.#initializeId = message.id;
    }
    try {
      await this.#wire.send(message, { call, sdkOptions: options });
    } catch (error) {
      if (!('method' in message) && this.#isAttached) this.#listeners.onTransportError(error);
      throw error;
    }
  }

  /** Does nothing: the SDK closes its transport after a failed handshake, but the link alone ends the wire. */
  async close(): Promise<void> {}

  setProtocolVersion(version: string): void {
    try {
      this.#wire.setProtocolVersion(version);
    } catch (error) {
      this.#listeners.onCallbackError(error);
    }
  }

  #receive(message: unknown): void {
    if (!this.#isAttached) return;
    try {
      if (!isJsonRpc(message)) this.#receiveNonsense(message);
      else if (!('method' in message)) this.#receiveAnswer(message);
      else if ('id' in message) this.#receiveRequest(message);
      else this.#receiveNotification(message, message.method, message.params);
    } catch {
      // The SDK, or an object with hostile getters, threw: from here it would fly into the transport.
      this.#listeners.onBadMessage();
    }
  }

  /** Nonsense with the id of a request of ours, `initialize` too, is what that request gets; any other is reported. */
  #receiveNonsense(message: unknown): void {
    if (!isRecord(message) || 'method' in message) this.#listeners.onBadMessage();
    else if (this.#awaitsInitialize(readOwnId(message['id']))) this.#refuse(message);
    else if (!this.#engine.receiveAnswer(message)) this.#listeners.onBadMessage();
  }

  #receiveAnswer(answer: JSONRPCMessage): void {
    if (this.#engine.receiveAnswer(answer)) return;
    const id = readOwnId(Reflect.get(answer, 'id'));
    if (id === null) this.#listeners.onBadMessage();
    else if (this.#awaitsInitialize(id)) {
      this.#initializeAnswer = answer;
      this.#forward(answer, 'initialize');
    }
    // Anything else answers nothing that was ever asked, or answers `initialize` twice.
  }

  /** Pings are answered here: a server that floods us with them pays for it, not we. What it does not read is dropped in the end. */
  #receiveRequest(message: JSONRPCRequest): void {
    if (message.method !== 'ping' || !isPlainRequest(message)) {
      this.#forward(message, 'other');
      return;
    }
    if (this.#pongs >= MAX_PONGS) return;
    this.#pongs += 1;
    const sent = (): void => {
      this.#pongs -= 1;
    };
    this.#wire
      .send({ jsonrpc: '2.0', id: message.id, result: {} }, { call: undefined, sdkOptions: undefined })
      .then(sent, (error: unknown) => {
        sent();
        if (this.#isAttached) this.#listeners.onTransportError(error);
      });
  }

  #receiveNotification(message: JSONRPCMessage, method: string, params: unknown): void {
    if (method === 'notifications/progress') this.#engine.receiveProgress(params);
    else if (method !== 'notifications/cancelled') this.#listeners.onNotice(method, params);
    else if (isRecord(params) && (typeof params['requestId'] === 'number' || typeof params['requestId'] === 'string')) {
      this.#forward(message, 'other');
    } else this.#listeners.onBadMessage();
  }

  #awaitsInitialize(id: number | null): boolean {
    return id !== null && id === this.#initializeId && this.#initializeAnswer === undefined;
  }

  /** No JSON-RPC, and all that the handshake will ever get: the SDK would wait for another answer. */
  #refuse(answer: Record<string, unknown>): void {
    this.#forwarding = 'initialize';
    try {
      this.onerror?.(new Error(`The answer to initialize is no JSON-RPC message: ${Object.keys(answer).join(', ')}`));
    } finally {
      this.#forwarding = null;
    }
  }

  #forward(message: JSONRPCMessage, what: 'initialize' | 'other'): void {
    this.#forwarding = what;
    try {
      this.onmessage?.(message);
    } catch (error) {
      // What the SDK refuses and is too deeply nested to be quoted overflows its stack; it would wait for another answer.
      this.onerror?.(error instanceof Error ? error : new Error(describeThrown(error)));
    } finally {
      this.#forwarding = null;
    }
  }
}

/** Has nothing but what a request has; anything else is the SDK's to complain of. */
function isPlainRequest({ id, ...rest }: JSONRPCRequest): boolean {
  const isId = typeof id === 'string' || (typeof id === 'number' && Number.isInteger(id));
  return isId && Object.keys(rest).every((key) => key === 'jsonrpc' || key === 'method' || key === 'params');
}
