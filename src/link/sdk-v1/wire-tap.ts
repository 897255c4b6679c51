import type { Transport, TransportSendOptions } from '@modelcontextprotocol/sdk/shared/transport.js';
import type { JSONRPCMessage } from '@modelcontextprotocol/sdk/types.js';
import { LinkError } from '../fault.ts';
import type { Call } from './call.ts';
import { isJsonRpc, isRecord, readOwnId, readProgress, settleWithAnswer } from './json-rpc.ts';
import type { Wire } from './wire.ts';

const CANCEL_REASON = 'The caller no longer waits for the answer.';

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
 * Calls are settled here, from the wire: only here can an error that the server answered be told from one that the SDK
 * raised by itself, since both carry the same codes. The SDK keeps the handshake, the ids, cancellation and the server's
 * own requests. What it would stumble over never reaches it: no callback throws, and `close` does not reject.
 */
export class WireTap implements Transport {
  // The SDK's client installs these when it connects.
  onclose?: () => void;
  onerror?: (error: Error) => void;
  onmessage?: (message: JSONRPCMessage) => void;

  readonly #wire: Wire;
  readonly #listeners: WireTapListeners;
  readonly #calls = new Map<number, Call>();
  #outgoing: Call | undefined;
  #initializeId: number | undefined;
  #initializeAnswer: JSONRPCMessage | undefined;
  #forwarding: 'initialize' | 'other' | null = null;
  #isStarted = false;
  #isAttached = true;

  constructor(wire: Wire, listeners: WireTapListeners) {
    this.#wire = wire;
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

  /** Runs `dispatch`, in which the SDK synchronously sends one message, and takes that message for the given call's. */
  sendFor<T>(call: Call, dispatch: () => T): T {
    this.#outgoing = call;
    try {
      return dispatch();
    } finally {
      this.#outgoing = undefined;
    }
  }

  /** A late answer to this call, or late progress of it, is dropped from here on. */
  forget(call: Call): void {
    if (call.id !== undefined) this.#calls.delete(call.id);
  }

  /** Cuts the SDK's client off: it settles what it has pending, aborts its handlers, clears its timers and hears nothing more. */
  detach(): void {
    if (!this.#isAttached) return;
    this.#isAttached = false;
    this.#calls.clear();
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
    // Settled before it was sent; the cancellation of a request that never left ends here too.
    if (call?.settled) return;
    if ('method' in message && 'id' in message && typeof message.id === 'number') {
      if (message.method === 'initialize') this.#initializeId = message.id;
      else if (call) {
        call.id = message.id;
        this.#calls.set(message.id, call);
      }
    }
    try {
      await this.#wire.send(message, { call, sdkOptions: options });
    } catch (error) {
      if (call?.id !== undefined && isFinalFailure(error)) {
        this.#settleUnanswered(call, call.id, error);
        return;
      }
      const isAnswerOrCancellation = !('method' in message) || message.method === 'notifications/cancelled';
      if (isAnswerOrCancellation && this.#isAttached) this.#listeners.onTransportError(error);
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
      if (!isJsonRpc(message)) this.#listeners.onBadMessage();
      else if (!('method' in message)) this.#receiveAnswer(message);
      else if ('id' in message) this.#forward(message, 'other');
      else this.#receiveNotification(message, message.method, message.params);
    } catch {
      // The SDK, or an object with hostile getters, threw: from here it would fly into the transport.
      this.#listeners.onBadMessage();
    }
  }

  #receiveAnswer(answer: JSONRPCMessage): void {
    const id = readOwnId(Reflect.get(answer, 'id'));
    const call = id === null ? undefined : this.#calls.get(id);
    if (id === null) this.#listeners.onBadMessage();
    else if (call) {
      settleWithAnswer(call, answer);
      // A receipt: the SDK has only to drop its own timer and handler, it need not look at the answer.
      this.#forward({ jsonrpc: '2.0', id, result: {} }, 'other');
    } else if (id === this.#initializeId && !this.#initializeAnswer) {
      this.#initializeAnswer = answer;
      this.#forward(answer, 'initialize');
    }
    // Anything else answers a call that is settled already, or answers twice.
  }

  /** The caller waits no longer. The server is told, if it may have the request; the SDK's client has nothing to wait for either. */
  cancel(call: Call): void {
    const { id } = call;
    if (id === undefined || !this.#isAttached) return;
    this.#acknowledge(id);
    if (!call.sent) return;
    const params = { requestId: id, reason: CANCEL_REASON };
    this.#wire
      .send({ jsonrpc: '2.0', method: 'notifications/cancelled', params }, { call: undefined, sdkOptions: undefined })
      .catch((error: unknown) => {
        if (this.#isAttached) this.#listeners.onTransportError(error);
      });
  }

  #settleUnanswered(call: Call, id: number, { failure, cause }: LinkError): void {
    if (call.settled) return;
    call.reject(failure, cause);
    this.#acknowledge(id);
  }

  /** A receipt: told of an error the SDK's client would forget the request only in part, aborted it would tell the server by itself. */
  #acknowledge(id: number): void {
    if (this.#isAttached) this.#forward({ jsonrpc: '2.0', id, result: {} }, 'other');
  }

  #receiveNotification(message: JSONRPCMessage, method: string, params: unknown): void {
    if (method === 'notifications/progress') this.#receiveProgress(params);
    else if (method !== 'notifications/cancelled') this.#listeners.onNotice(method, params);
    else if (isRecord(params) && (typeof params['requestId'] === 'number' || typeof params['requestId'] === 'string')) {
      this.#forward(message, 'other');
    } else this.#listeners.onBadMessage();
  }

  /** Here and not in the SDK, which drops progress that arrives in the same chunk as the answer. */
  #receiveProgress(params: unknown): void {
    const update = readProgress(params);
    if (!update) {
      this.#listeners.onBadMessage();
      return;
    }
    const call = update.id === null ? undefined : this.#calls.get(update.id);
    try {
      call?.progress(update.progress);
    } catch (error) {
      this.#listeners.onCallbackError(error);
    }
  }

  #forward(message: JSONRPCMessage, what: 'initialize' | 'other'): void {
    this.#forwarding = what;
    try {
      this.onmessage?.(message);
    } finally {
      this.#forwarding = null;
    }
  }
}

/**
 * Whether the server has nothing to be told of: the request never left, or it has turned it away itself. Where it may still be at work
 * on it, as when its reply was lost, the request is cancelled instead.
 */
function isFinalFailure(error: unknown): error is LinkError {
  if (!(error instanceof LinkError)) return false;
  const { failure } = error;
  if (failure.kind === 'refused') return true;
  return failure.kind === 'link' && (!failure.sent || failure.fault.code.startsWith('http:'));
}
