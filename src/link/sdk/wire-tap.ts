import { describeThrown } from '../classify-fault.ts';
import type { Call } from '../engine/call.ts';
import { isJsonRpc, isRecord, readOwnId } from '../engine/json-rpc.ts';
import type { RequestEngine } from '../engine/request-engine.ts';
import type { RpcId, RpcMessage } from '../rpc-message.ts';
import { requestIdOf } from '../rpc-message.ts';
import type { Wire } from '../wire/wire.ts';

/** The most answers to pings that wait for a server to read them. */
const MAX_PONGS = 256;

/** What the handshake of either era asks with. */
const HANDSHAKES: ReadonlySet<unknown> = new Set(['initialize', 'server/discover']);

/** What the tap tells the link. None of these may throw. */
export interface WireTapListeners {
  readonly onNotice: (method: string, params: unknown) => void;
  /** The transport reported an error, or failed to send what no call waits for. */
  readonly onTransportError: (error: unknown) => void;
  /** A callback of the caller's threw. */
  readonly onCallbackError: (error: unknown) => void;
  readonly onBadMessage: () => void;
  /** The handshake was answered with no JSON-RPC: the SDK would wait for another answer, which never comes. */
  readonly onBadHandshake: () => void;
  readonly onClosed: () => void;
}

/**
 * Stands between an SDK's client and the wire, in the shape of an SDK transport, and sees every message.
 *
 * The answers to our requests go to the engine. The SDK keeps the handshake and the server's own requests. What it would
 * stumble over never reaches it: no callback throws, and `close` does not reject.
 */
export class WireTap {
  // The SDK's client installs these when it connects.
  onclose?: () => void;
  onerror?: (error: Error) => void;
  onmessage?: (message: RpcMessage) => void;

  readonly #wire: Pick<Wire, 'start' | 'send' | 'setProtocolVersion'>;
  readonly #engine: RequestEngine;
  readonly #listeners: WireTapListeners;
  #outgoing: Call | undefined;
  #handshakeId: RpcId | undefined;
  #handshakeAnswer: RpcMessage | undefined;
  #forwarding: 'handshake' | 'other' | null = null;
  /** Answers to pings that the server has not taken yet. */
  #pongs = 0;
  #isStarted = false;
  #isAttached = true;

  constructor(
    wire: Pick<Wire, 'start' | 'send' | 'setProtocolVersion'>,
    engine: RequestEngine,
    listeners: WireTapListeners,
  ) {
    this.#wire = wire;
    this.#engine = engine;
    this.#listeners = listeners;
  }

  /** The whole answer to the handshake as it came over the wire, once it is there. */
  get handshakeAnswer(): RpcMessage | undefined {
    return this.#handshakeAnswer;
  }

  /** True once the transport has started. */
  get isStarted(): boolean {
    return this.#isStarted;
  }

  /** The SDK complains: of what it is being handed right now, or else of something that it could not send, which the tap has reported. */
  complain(): void {
    if (this.#forwarding === 'handshake') this.#listeners.onBadHandshake();
    else if (this.#forwarding === 'other') this.#listeners.onBadMessage();
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

  async send(message: RpcMessage, options?: unknown): Promise<void> {
    const call = this.#outgoing;
    this.#outgoing = undefined;
    if (!this.#isAttached) throw new Error('the link has ended');
    const id = HANDSHAKES.has(message['method']) ? requestIdOf(message) : null;
    if (id !== null) {
      this.#handshakeId = id;
      this.#handshakeAnswer = undefined;
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
      else this.#receiveNotification(message);
    } catch {
      // The SDK, or an object with hostile getters, threw: from here it would fly into the transport.
      this.#listeners.onBadMessage();
    }
  }

  /** Nonsense with the id of a request of ours, the handshake's too, is what that request gets; any other is reported. */
  #receiveNonsense(message: unknown): void {
    if (!isRecord(message) || 'method' in message) this.#listeners.onBadMessage();
    else if (this.#awaitsHandshake(message['id'])) this.#listeners.onBadHandshake();
    else if (!this.#engine.receiveAnswer(message)) this.#listeners.onBadMessage();
  }

  #receiveAnswer(answer: RpcMessage): void {
    if (this.#engine.receiveAnswer(answer)) return;
    const { id } = answer;
    if (this.#awaitsHandshake(id)) {
      this.#handshakeAnswer = answer;
      this.#forward(answer, 'handshake');
    } else if (readOwnId(id) === null) this.#listeners.onBadMessage();
    // Anything else answers nothing that was ever asked, or answers the handshake twice.
  }

  /** Pings are answered here: a server that floods us with them pays for it, not we. What it does not read is dropped in the end. */
  #receiveRequest(message: RpcMessage): void {
    if (message['method'] !== 'ping' || !isPlainRequest(message)) {
      this.#forward(message, 'other');
      return;
    }
    if (this.#pongs >= MAX_PONGS) return;
    this.#pongs += 1;
    const sent = (): void => {
      this.#pongs -= 1;
    };
    this.#wire
      .send({ jsonrpc: '2.0', id: message['id'], result: {} }, { call: undefined, sdkOptions: undefined })
      .then(sent, (error: unknown) => {
        sent();
        if (this.#isAttached) this.#listeners.onTransportError(error);
      });
  }

  #receiveNotification(message: RpcMessage): void {
    const { method, params } = message;
    if (method === 'notifications/progress') this.#engine.receiveProgress(params);
    else if (method !== 'notifications/cancelled') this.#listeners.onNotice(String(method), params);
    else if (isRecord(params) && (typeof params['requestId'] === 'number' || typeof params['requestId'] === 'string')) {
      this.#forward(message, 'other');
    } else this.#listeners.onBadMessage();
  }

  #awaitsHandshake(id: unknown): boolean {
    if (this.#handshakeId === undefined || this.#handshakeAnswer !== undefined) return false;
    return id === this.#handshakeId || readOwnId(id) === this.#handshakeId;
  }

  #forward(message: RpcMessage, what: 'handshake' | 'other'): void {
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
function isPlainRequest({ id, ...rest }: RpcMessage): boolean {
  const isId = typeof id === 'string' || (typeof id === 'number' && Number.isInteger(id));
  return isId && Object.keys(rest).every((key) => key === 'jsonrpc' || key === 'method' || key === 'params');
}
