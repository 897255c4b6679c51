import { classifyFault, describeThrown } from '../classify-fault.ts';
import type { Call } from '../engine/call.ts';
import { RequestEngine } from '../engine/request-engine.ts';
import { LinkError } from '../fault.ts';
import type { Fault, RequestFailure } from '../fault.ts';
import { BAD_MESSAGE, HALF_MESSAGE } from '../link-faults.ts';
import type { OpenSpec } from '../link.ts';
import type { RpcMessage } from '../rpc-message.ts';
import type { Wire, WireListeners } from '../wire/wire.ts';
import type { Sdk, SdkClient } from './sdk-client.ts';
import { ServerQuestions } from './server-questions.ts';
import { WireTap } from './wire-tap.ts';

/** What a channel tells the link. None of these may throw. */
export interface ChannelListeners {
  readonly onNotice: (method: string, params: unknown) => void;
  readonly onAsking: (people: number) => void;
  /** Something is wrong, but the channel still stands. */
  readonly onFault: (fault: Fault) => void;
  readonly onTransportError: (error: unknown) => void;
  readonly onBadHandshake: () => void;
  readonly onClosed: () => void;
}

/**
 * What is said over a wire in one era: our own requests by the engine, the handshake and the server's questions by an SDK's client,
 * and the tap that tells them apart.
 */
export class Channel {
  readonly engine: RequestEngine;
  readonly questions: ServerQuestions;
  readonly #sdk: Sdk;
  readonly #tap: WireTap;
  readonly #client: SdkClient;

  /** `start` starts the wire, and hands what comes out of it to the listeners that it was given last. */
  constructor(
    wire: Wire,
    start: (listeners: WireListeners) => Promise<void>,
    sdk: Sdk,
    { serverId, clientInfo, handlers }: Pick<OpenSpec, 'serverId' | 'clientInfo' | 'handlers'>,
    listeners: ChannelListeners,
  ) {
    const { onFault, onTransportError } = listeners;
    const onCallbackError = (error: unknown): void => {
      onFault({ kind: 'internal', code: 'handler-threw', message: describeThrown(error) });
    };
    const onBadMessage = (): void => {
      onFault(BAD_MESSAGE);
    };
    const onGivenUp = (): void => {
      if (wire.partialBytes > 0) onFault(HALF_MESSAGE);
    };
    this.#sdk = sdk;
    this.questions = new ServerQuestions(serverId, handlers, {
      onHandlerError: onCallbackError,
      onAsking: listeners.onAsking,
    });
    this.engine = new RequestEngine(
      wire,
      { onGivenUp, onTransportError, onCallbackError, onBadMessage },
      // The end of its reply stream says it.
      { announcesCancel: sdk.era === 'legacy' || !wire.hasReplyStreams },
    );
    const tapped: Pick<Wire, 'start' | 'send' | 'setProtocolVersion'> = {
      start,
      send: (message, options) => wire.send(message, options),
      setProtocolVersion: (version) => wire.setProtocolVersion(version),
    };
    const { onNotice, onBadHandshake, onClosed } = listeners;
    const tapListeners = { onNotice, onTransportError, onCallbackError, onBadMessage, onBadHandshake, onClosed };
    this.#tap = new WireTap(tapped, this.engine, tapListeners);
    this.#client = sdk.createClient({
      clientInfo,
      questions: this.questions,
      onComplaint: () => this.#tap.complain(),
    });
  }

  get sdk(): Sdk {
    return this.#sdk;
  }

  /** True once the wire has started. */
  get isStarted(): boolean {
    return this.#tap.isStarted;
  }

  /** The whole answer to the handshake as it came over the wire, once it is there. */
  get handshakeAnswer(): RpcMessage | undefined {
    return this.#tap.handshakeAnswer;
  }

  /** Starts the wire and performs the handshake. Rejects with whatever the SDK throws. */
  async open(): Promise<void> {
    await this.#client.connect(this.#tap);
  }

  async notify(method: string, params: Readonly<Record<string, unknown>> | undefined): Promise<void> {
    const call = this.engine.notification();
    // By reference: params with a getter that throws fail in the transport, as those of a request do.
    const notification = { method, ...(params && { params }) };
    this.#tap
      .sendFor(call, () => this.#client.notification(notification))
      .then(
        () => call.resolve({}),
        (error: unknown) => call.reject(notifyFailure(call, error), error),
      );
    await call.answer;
  }

  /** The end: everything under way fails with it, and nothing more is sent or heard. */
  end(fault: Fault): void {
    this.engine.end(fault);
    this.#tap.detach();
  }
}

function notifyFailure(call: Call, error: unknown): RequestFailure {
  if (error instanceof LinkError) return error.failure;
  const { sent } = call;
  if (sent) return { kind: 'link', sent, fault: classifyFault(error, 'open') };
  // The SDK refuses, before it sends anything, to notify of what was not declared as a capability.
  return { kind: 'link', sent, fault: { kind: 'config', code: 'capability-missing', message: describeThrown(error) } };
}
