import type { Dispatcher } from 'undici';
import { BodyDecoder } from './body-decoder.ts';

export interface ResponseHead {
  readonly status: number;
  /** By lower-case name; a header that came several times is an array. */
  readonly headers: Readonly<Record<string, string | readonly string[] | undefined>>;
}

/** Takes the decoded body of one response. Its caps are its own: over a cap it has the exchange aborted. Must not throw. */
export interface BodyReader {
  push(chunk: Buffer): void;
  /** The body is complete. Not called for one that broke. */
  end(): void;
}

/**
 * How far an exchange had come when it broke. `unsent` is a proof that no byte of the request left, `sent` that some may have,
 * `answered` that the head of the response was there.
 */
export type ExchangePhase = 'unsent' | 'sent' | 'answered';

/** Who asked for an exchange. None of its methods may throw; after {@link HttpExchange.abort} none is called. */
export interface ExchangeOwner {
  /** Asked immediately before the write. False: no byte leaves, and `onUnwanted` is told instead of anything else. */
  isWanted(): boolean;
  /** The request is about to be written: from here on it may have been sent. */
  onHandedOver(): void;
  onUnwanted(): void;
  /** Says who reads the body; null discards it. */
  onHead(head: ResponseHead): BodyReader | null;
  /** The response is complete; the reader's `end` has been called. Last. */
  onComplete(): void;
  /** The exchange broke, with an error of undici's or of Node's. Last. */
  onBroken(error: unknown, phase: ExchangePhase): void;
}

/** How many bytes of a body that nobody reads are taken in for the sake of the connection. */
const MAX_DISCARDED_BYTES = 64 * 1024;

/** The response to an aborted exchange is nobody's: made once, it has no stack worth keeping. */
const ABORTED = new Error('the exchange was aborted');

/** One HTTP request and its response, over undici's dispatcher. Redirects are never followed, nothing is ever repeated. */
export class HttpExchange implements Dispatcher.DispatchHandler {
  /** Told once, when the exchange needs its connection no more. Set by `HttpPools`. */
  onOver: (() => void) | null = null;
  readonly #owner: ExchangeOwner;
  #controller: Dispatcher.DispatchController | undefined;
  #phase: ExchangePhase = 'unsent';
  #reader: BodyReader | null = null;
  #decoder: BodyDecoder | undefined;
  #discardedBytes = 0;
  #isOver = false;

  /** Made by `HttpPools.open` alone. */
  constructor(owner: ExchangeOwner) {
    this.#owner = owner;
  }

  get isOver(): boolean {
    return this.#isOver;
  }

  /** True once a byte of the request may have left. */
  get isSent(): boolean {
    return this.#phase !== 'unsent';
  }

  /** Ends the exchange at once and in silence: its connection is closed, and its owner hears nothing more. */
  abort(): void {
    if (this.#isOver) return;
    this.#finish();
    this.#decoder?.destroy();
    this.#controller?.abort(ABORTED);
  }

  /** undici calls this on a connected socket, immediately before it writes. */
  onRequestStart(controller: Dispatcher.DispatchController): void {
    if (this.#isOver || this.#phase !== 'unsent') {
      controller.abort(ABORTED);
      return;
    }
    if (!this.#owner.isWanted()) {
      this.#finish();
      controller.abort(ABORTED);
      this.#owner.onUnwanted();
      return;
    }
    this.#controller = controller;
    this.#phase = 'sent';
    this.#owner.onHandedOver();
  }

  onResponseStart(
    _controller: unknown,
    status: number,
    headers: Readonly<Record<string, string | string[] | undefined>>,
  ): void {
    if (this.#isOver || status < 200) return;
    this.#phase = 'answered';
    this.#reader = this.#owner.onHead({ status, headers });
    const encoding = headers['content-encoding'];
    if (this.#reader === null || encoding === undefined || encoding === 'identity' || this.#isOver) return;
    this.#decoder = new BodyDecoder(String(encoding), {
      reader: this.#reader,
      onEnd: () => this.#complete(),
      onBroken: (error) => this.#break(error),
    });
  }

  onResponseData(_controller: unknown, chunk: Buffer): void {
    if (this.#isOver) return;
    if (this.#decoder !== undefined) {
      this.#decoder.push(chunk);
    } else if (this.#reader !== null) {
      this.#reader.push(chunk);
    } else {
      this.#discardedBytes += chunk.length;
      if (this.#discardedBytes > MAX_DISCARDED_BYTES) {
        this.abort();
        this.#owner.onComplete();
      }
    }
  }

  onResponseEnd(): void {
    if (this.#isOver) return;
    if (this.#decoder !== undefined) this.#decoder.end();
    else this.#complete();
  }

  onResponseError(_controller: unknown, error: Error): void {
    this.#break(error);
  }

  #complete(): void {
    if (this.#isOver) return;
    this.#finish();
    this.#reader?.end();
    this.#owner.onComplete();
  }

  #break(error: unknown): void {
    if (this.#isOver) return;
    this.#finish();
    this.#decoder?.destroy();
    this.#controller?.abort(ABORTED);
    this.#owner.onBroken(error, this.#phase);
  }

  #finish(): void {
    this.#isOver = true;
    this.onOver?.();
  }
}

/** One header as a single string, null when it did not come. */
export function headerOf(head: ResponseHead, name: string): string | null {
  const value = head.headers[name];
  if (value === undefined) return null;
  return typeof value === 'string' ? value : value.join(', ');
}

/** The media type without its parameters, in lower case; empty when there is none. */
export function mediaTypeOf(head: ResponseHead): string {
  const value = headerOf(head, 'content-type');
  if (value === null) return '';
  const semicolon = value.indexOf(';');
  return (semicolon === -1 ? value : value.slice(0, semicolon)).trim().toLowerCase();
}
