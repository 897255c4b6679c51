import { LinkError } from '../fault.ts';
import type { Fault } from '../fault.ts';
import { EventStreamParser } from './event-stream-parser.ts';
import { mediaTypeOf } from './http-exchange.ts';
import type { BodyReader, ExchangeOwner, ExchangePhase, HttpExchange, ResponseHead } from './http-exchange.ts';
import { brokenFault, misuse, tooLarge } from './http-faults.ts';
import type { HttpHost } from './http-host.ts';
import { isSuccess } from './http-status.ts';
import { parseJson } from './json-body.ts';
import { isRpcMessage } from '../rpc-message.ts';

/** How a stream came to its end. */
export type StreamEnd =
  /** It never was one: the server answered with a status or with another content. */
  | { readonly type: 'refused'; readonly head: ResponseHead }
  /** It could not be opened. */
  | { readonly type: 'failed'; readonly fault: Fault }
  /** It was open and has ended; `fault` is null when the server ended it in order. */
  | {
      readonly type: 'closed';
      readonly fault: Fault | null;
      /** Empty when it brought none. */
      readonly lastEventId: string;
      readonly retryMs: number | null;
    };

export interface StreamGetListeners {
  /** Asked immediately before the write. */
  readonly isWanted: () => boolean;
  /** The server has opened the stream. */
  readonly onOpen?: (() => void) | undefined;
  /** Called once, and not after {@link StreamGet.abort}. Must not throw. */
  readonly onEnd: (end: StreamEnd) => void;
}

/** One GET for a stream of the server's messages, from its beginning or from an event on. What comes on it is delivered to the host. */
export class StreamGet implements ExchangeOwner {
  readonly #host: HttpHost;
  readonly #lastEventId: string;
  readonly #listeners: StreamGetListeners;
  #exchange: HttpExchange | null = null;
  #parser: EventStreamParser | null = null;
  #refusal: ResponseHead | null = null;
  #isOver = false;

  constructor(host: HttpHost, lastEventId: string, listeners: StreamGetListeners) {
    this.#host = host;
    this.#lastEventId = lastEventId;
    this.#listeners = listeners;
    void this.#open();
  }

  /** True while the server holds the stream open, as far as can be seen from here. */
  get isOpen(): boolean {
    return this.#parser !== null && !this.#isOver;
  }

  /** The last event that came on it; where it was to go on from, while none has. */
  get lastEventId(): string {
    return this.#parser?.lastEventId || this.#lastEventId;
  }

  abort(): void {
    this.#isOver = true;
    this.#exchange?.abort();
  }

  isWanted(): boolean {
    return !this.#isOver && this.#listeners.isWanted();
  }

  onHandedOver(): void {}

  onUnwanted(): void {
    this.#isOver = true;
  }

  onHead(head: ResponseHead): BodyReader | null {
    if (!isSuccess(head.status) || mediaTypeOf(head) !== 'text/event-stream') {
      this.#refusal = head;
      this.#over({ type: 'refused', head });
      this.#host.linger.add(this);
      return null;
    }
    this.#parser = new EventStreamParser(this.#host.maxMessageBytes, {
      onEvent: (type, data) => {
        if (type === 'message') this.#onData(data);
      },
      onOversize: () => {
        this.#exchange?.abort();
        this.#closed(tooLarge(this.#host.maxMessageBytes));
      },
      onEnd: () => undefined,
    });
    this.#listeners.onOpen?.();
    return this.#parser;
  }

  onComplete(): void {
    if (this.#refusal !== null) this.#host.linger.remove(this);
    else this.#closed(null);
  }

  onBroken(error: unknown, phase: ExchangePhase): void {
    const fault = brokenFault(error, phase, this.#host.origin);
    if (this.#refusal !== null) this.#host.linger.remove(this);
    else if (this.#parser === null) this.#over({ type: 'failed', fault });
    else this.#closed(fault);
  }

  /** The body of a refusal has had its time. */
  expire(): void {
    this.#exchange?.abort();
  }

  async #open(): Promise<void> {
    const { gate, headers, pools, path } = this.#host;
    try {
      const composed = await headers.compose('stream', await gate.token(), this.#lastEventId);
      if (this.#isOver) return;
      this.#exchange = pools.open(
        // However long the server is silent on it: it has nothing to say, and probes tell whether it is alive.
        { method: 'GET', path, headers: composed, body: null, lane: 'control', silenceLimitMs: 0 },
        this,
      );
    } catch (error) {
      const isLinkFailure = error instanceof LinkError && error.failure.kind === 'link';
      this.#over({ type: 'failed', fault: isLinkFailure ? error.failure.fault : misuse('stream-get', String(error)) });
    }
  }

  #onData(data: string): void {
    const message = parseJson(data);
    if (isRpcMessage(message)) this.#host.deliver(message);
    else this.#host.report(NO_MESSAGE);
  }

  #closed(fault: Fault | null): void {
    const { lastEventId = '', retryMs = null } = this.#parser ?? {};
    this.#over({ type: 'closed', fault, lastEventId, retryMs });
  }

  #over(end: StreamEnd): void {
    if (this.#isOver) return;
    this.#isOver = true;
    this.#listeners.onEnd(end);
  }
}

const NO_MESSAGE: Fault = {
  kind: 'protocol',
  code: 'bad-message',
  message: 'The server sent an event that is no JSON-RPC message.',
};
