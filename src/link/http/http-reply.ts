import type { Fault } from '../fault.ts';
import { EventStreamParser } from './event-stream-parser.ts';
import { mediaTypeOf } from './http-exchange.ts';
import type { BodyReader, ResponseHead } from './http-exchange.ts';
import { BAD_JSON, badContentType, NO_ANSWER, REPLY_ENDED, replyLost, tooLarge } from './http-faults.ts';
import type { HttpHost } from './http-host.ts';
import { JsonBody, parseJson } from './json-body.ts';
import { retryDelayMs } from './reconnect-meter.ts';
import { isNamelessError, isRpcMessage } from '../rpc-message.ts';
import type { RpcId } from '../rpc-message.ts';
import { StreamGet } from './stream-get.ts';
import type { StreamEnd } from './stream-get.ts';

/** How many legs in a row may end without a new event before the reply counts as lost. */
const MAX_FRUITLESS_RESUMES = 3;

/** The request that waits for the reply. */
export interface ReplyOwner {
  readonly requestId: RpcId;
  readonly isSettled: boolean;
  isWanted(): boolean;
  /** No answer will come, or none that can be read. */
  replyFailed(fault: Fault): void;
}

/**
 * Reads the reply to one request, as JSON or as a stream of events. A stream that ends before the answer is taken up again by GET
 * where it left off, if the server gave its events ids; each leg delivers what it brings, and the answer settles the request.
 */
export class HttpReply {
  readonly #host: HttpHost;
  readonly #owner: ReplyOwner;
  #stream: EventStreamParser | null = null;
  #leg: StreamGet | null = null;
  #timer: NodeJS.Timeout | undefined;
  #eventId = '';
  #retryMs: number | null = null;
  #fruitless = 0;

  constructor(host: HttpHost, owner: ReplyOwner) {
    this.#host = host;
    this.#owner = owner;
  }

  get isStream(): boolean {
    return this.#stream !== null;
  }

  /** Who reads the body of a successful response; null when it cannot hold an answer, which the owner has been told. */
  readerFor(head: ResponseHead): BodyReader | null {
    const { maxMessageBytes } = this.#host;
    const onOversize = (): void => this.#owner.replyFailed(tooLarge(maxMessageBytes));
    const mediaType = mediaTypeOf(head);
    if (mediaType === 'application/json') {
      return new JsonBody(maxMessageBytes, { onValue: (value) => this.#onJson(value), onOversize });
    }
    if (mediaType === 'text/event-stream') {
      this.#stream = new EventStreamParser(maxMessageBytes, {
        onEvent: (type, data) => {
          if (type === 'message') this.#onMessage(parseJson(data));
        },
        onOversize,
        onEnd: () => undefined,
      });
      return this.#stream;
    }
    const isEmpty = head.status === 202 || head.status === 204;
    this.#owner.replyFailed(isEmpty ? NO_ANSWER : badContentType(mediaType));
    return null;
  }

  /** The response is over; `fault` says how it broke, null that the server ended it in order. */
  over(fault: Fault | null): void {
    if (this.#owner.isSettled) return;
    if (this.#stream === null) this.#owner.replyFailed(fault ?? NO_ANSWER);
    else this.#legOver(this.#stream.lastEventId, this.#stream.retryMs, fault);
  }

  /** Ends what still runs for it. */
  stop(): void {
    clearTimeout(this.#timer);
    this.#leg?.abort();
  }

  #legOver(lastEventId: string, retryMs: number | null, fault: Fault | null): void {
    // However it broke: the server may be gone, and a probe will tell.
    if (fault !== null) this.#host.report(fault);
    if (lastEventId !== '' && lastEventId !== this.#eventId) this.#fruitless = 0;
    if (lastEventId !== '') this.#eventId = lastEventId;
    if (retryMs !== null) this.#retryMs = retryMs;
    if (this.#eventId === '' || this.#fruitless >= MAX_FRUITLESS_RESUMES || !this.#owner.isWanted()) {
      if (fault === null) this.#host.report(REPLY_ENDED);
      this.#owner.replyFailed(fault ?? REPLY_ENDED);
      return;
    }
    this.#fruitless += 1;
    this.#timer = setTimeout(() => this.#resume(), this.#host.meter.delayFor(retryDelayMs(this.#retryMs)));
  }

  #resume(): void {
    if (!this.#owner.isWanted()) return;
    this.#leg = new StreamGet(this.#host, this.#eventId, {
      isWanted: () => this.#owner.isWanted(),
      onEnd: (end) => this.#onLegEnd(end),
    });
  }

  #onLegEnd(end: StreamEnd): void {
    if (this.#owner.isSettled) return;
    if (end.type === 'closed') {
      this.#legOver(end.lastEventId, end.retryMs, end.fault);
      return;
    }
    // Nothing reached the server, or something before it failed: the answer may still be there.
    if (this.#mayComeBack(end)) {
      this.#legOver('', null, null);
      return;
    }
    // Whatever the status is, it is about the stream: of the request it says only that its reply is lost.
    const fault = replyLost(end.type === 'failed' ? end.fault.code : `http:${end.head.status}`);
    this.#host.report(fault);
    this.#owner.replyFailed(fault);
  }

  #mayComeBack(end: Exclude<StreamEnd, { readonly type: 'closed' }>): boolean {
    return this.#fruitless < MAX_FRUITLESS_RESUMES && (end.type === 'failed' || end.head.status >= 500);
  }

  #onJson(value: unknown): void {
    if (value === undefined) {
      this.#owner.replyFailed(BAD_JSON);
      return;
    }
    for (const item of Array.isArray(value) ? value : [value]) this.#onMessage(item);
    if (!this.#owner.isSettled) this.#owner.replyFailed(NO_ANSWER);
  }

  #onMessage(value: unknown): void {
    if (!isRpcMessage(value)) this.#host.report(BAD_JSON);
    else this.#host.deliver(isNamelessError(value) ? { ...value, id: this.#owner.requestId } : value);
  }
}
