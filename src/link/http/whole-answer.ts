import type { Dispatcher } from 'undici';

/** How much one answer may hold, in bytes, and how long it may take as a whole, in milliseconds. */
const MAX_ANSWER_BYTES = 1024 * 1024;
const ANSWER_LIMIT_MS = 5_000;

/**
 * Takes in one small answer as a whole. Not by undici's `fetch`, which pauses a connection whose answer is read too slowly: when the server
 * closes one that is paused, undici takes the process down.
 */
export class WholeAnswer implements Dispatcher.DispatchHandler {
  /** Rejects when the connection breaks, and when the answer is too large or too late. */
  readonly response: Promise<Response>;
  readonly #chunks: Buffer[] = [];
  readonly #timer: NodeJS.Timeout;
  #bytes = 0;
  #status = 0;
  #headers = new Headers();
  #controller: Dispatcher.DispatchController | undefined;
  #resolve: (response: Response) => void = () => undefined;
  #reject: (error: unknown) => void = () => undefined;

  constructor() {
    this.response = new Promise((resolve, reject) => {
      this.#resolve = resolve;
      this.#reject = reject;
    });
    this.#timer = setTimeout(
      () => this.#give(new Error('The authorisation server did not answer in time.')),
      ANSWER_LIMIT_MS,
    );
  }

  onRequestStart(controller: Dispatcher.DispatchController): void {
    this.#controller = controller;
  }

  onResponseStart(
    _controller: unknown,
    status: number,
    headers: Readonly<Record<string, string | string[] | undefined>>,
  ): void {
    this.#status = status;
    this.#headers = new Headers();
    for (const [name, value] of Object.entries(headers)) {
      for (const each of value === undefined ? [] : [value].flat()) this.#headers.append(name, each);
    }
  }

  onResponseData(_controller: unknown, chunk: Buffer): void {
    this.#bytes += chunk.length;
    if (this.#bytes <= MAX_ANSWER_BYTES) this.#chunks.push(chunk);
    else this.#give(new Error('The authorisation server sent more than an answer can hold.'));
  }

  onResponseEnd(): void {
    clearTimeout(this.#timer);
    const isEmpty = this.#chunks.length === 0;
    try {
      this.#resolve(
        new Response(isEmpty ? null : Buffer.concat(this.#chunks), { status: this.#status, headers: this.#headers }),
      );
    } catch (error) {
      // A status that no answer has, or a body where none may be.
      this.#reject(error);
    }
  }

  onResponseError(_controller: unknown, error: Error): void {
    clearTimeout(this.#timer);
    this.#reject(error);
  }

  /** Rejects, and lets the connection go. */
  #give(error: Error): void {
    clearTimeout(this.#timer);
    this.#reject(error);
    this.#controller?.abort(error);
  }
}
