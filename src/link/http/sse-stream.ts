import { LinkError } from '../fault.ts';
import type { Fault } from '../fault.ts';
import { EventStreamParser } from './event-stream-parser.ts';
import { mediaTypeOf } from './http-exchange.ts';
import type { BodyReader, ExchangeOwner, ExchangePhase, HttpExchange, ResponseHead } from './http-exchange.ts';
import { badContentType, brokenFault, misuse, tooLarge } from './http-faults.ts';
import type { HttpHost } from './http-host.ts';
import { faultOfStatus, isSuccess } from './http-status.ts';

export interface SseStreamListeners {
  /** One event of the stream. Must not throw. */
  readonly onEvent: (type: string, data: string) => void;
  /** It did not open, or has ended. Called once, and not after {@link SseStream.abort}. Must not throw. */
  readonly onEnd: (fault: Fault) => void;
}

/**
 * The one stream of an HTTP+SSE session: all that the server says, answers included. It is never opened a second time: the server would
 * take that for another session, which nobody has initialized.
 */
export class SseStream implements ExchangeOwner {
  readonly #host: HttpHost;
  readonly #path: string;
  readonly #listeners: SseStreamListeners;
  #exchange: HttpExchange | undefined;
  #token: string | undefined;
  #isRepeat = false;
  #isOver = false;

  /** `path` is path and query of the stream; that of the host is where messages go. */
  constructor(host: HttpHost, path: string, listeners: SseStreamListeners) {
    this.#host = host;
    this.#path = path;
    this.#listeners = listeners;
    void this.#request();
  }

  abort(): void {
    this.#isOver = true;
    this.#exchange?.abort();
  }

  isWanted(): boolean {
    return !this.#isOver;
  }

  onHandedOver(): void {}

  onUnwanted(): void {}

  onHead(head: ResponseHead): BodyReader | null {
    if (!isSuccess(head.status)) {
      // Its body is of no interest, and may not reach what comes after it.
      this.#exchange?.abort();
      if (!this.#isRepeat && this.#host.gate.canMend(head)) void this.#mend(head);
      else this.#end(faultOfStatus(head, { holdsSession: false, isOpen: false }));
      return null;
    }
    if (mediaTypeOf(head) !== 'text/event-stream') {
      this.#end(badContentType(mediaTypeOf(head)));
      return null;
    }
    const { maxMessageBytes } = this.#host;
    return new EventStreamParser(maxMessageBytes, {
      onEvent: (type, data) => {
        if (!this.#isOver) this.#listeners.onEvent(type, data);
      },
      onOversize: () => this.#end(tooLarge(maxMessageBytes)),
      onEnd: () => undefined,
    });
  }

  onComplete(): void {
    this.#end(STREAM_ENDED);
  }

  onBroken(error: unknown, phase: ExchangePhase): void {
    this.#end(brokenFault(error, phase, this.#host.origin));
  }

  async #mend(head: ResponseHead): Promise<void> {
    const fault = await this.#host.gate.mend(head, this.#token);
    if (fault !== null) {
      this.#end(fault);
      return;
    }
    this.#isRepeat = true;
    await this.#request();
  }

  async #request(): Promise<void> {
    const { gate, headers, pools } = this.#host;
    try {
      this.#token = await gate.token();
      const composed = await headers.compose('stream', this.#token);
      if (this.#isOver) return;
      this.#exchange = pools.open(
        // However long the server is silent on it: it has nothing to say, and probes tell whether it is alive.
        { method: 'GET', path: this.#path, headers: composed, body: null, lane: 'control', silenceLimitMs: 0 },
        this,
      );
    } catch (error) {
      const isLinkFailure = error instanceof LinkError && error.failure.kind === 'link';
      this.#end(isLinkFailure ? error.failure.fault : misuse('not-prepared', 'The request could not be prepared.'));
    }
  }

  #end(fault: Fault): void {
    if (this.#isOver) return;
    this.#isOver = true;
    this.#listeners.onEnd(fault);
  }
}

const STREAM_ENDED: Fault = {
  kind: 'transport',
  code: 'stream-ended',
  message: 'The server ended its event stream, and the session with it.',
};
