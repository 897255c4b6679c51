import { createBrotliDecompress, createGunzip, createInflate } from 'node:zlib';
import type { BrotliDecompress, Gunzip, Inflate } from 'node:zlib';
import type { BodyReader } from './http-exchange.ts';

export interface BodyDecoderOptions {
  readonly reader: BodyReader;
  /** Everything has been decoded; the reader's `end` is its caller's to call. */
  readonly onEnd: () => void;
  readonly onBroken: (error: unknown) => void;
}

/** How much may wait to be decoded: more than any message that is not too large, in bytes. */
const MAX_BACKLOG_BYTES = 16 * 1024 * 1024;

/**
 * Decodes a compressed body, one small piece at a time, so that a bomb costs no more than the reader's cap. We never ask a server to
 * compress, but some proxies do not wait to be asked.
 *
 * The connection is never paused meanwhile: undici takes the process down when a server closes one that is. A server that sends
 * faster than can be decoded has 16 MB, then the exchange breaks.
 */
export class BodyDecoder {
  readonly #stream: Gunzip | Inflate | BrotliDecompress | null;
  readonly #options: BodyDecoderOptions;
  #isOver = false;

  /** `encoding` is the value of `content-encoding`; one that is unknown, or two at once, break the exchange. */
  constructor(encoding: string, options: BodyDecoderOptions) {
    this.#options = options;
    this.#stream = streamFor(encoding.trim().toLowerCase());
    if (this.#stream === null) {
      // Not from here: the exchange does not hold its decoder yet.
      queueMicrotask(() => this.#break(options, new UnknownEncodingError()));
      return;
    }
    this.#stream
      .on('data', (chunk: Buffer) => {
        if (!this.#isOver) options.reader.push(chunk);
      })
      .on('end', () => {
        if (this.#isOver) return;
        this.#isOver = true;
        options.onEnd();
      })
      .on('error', (error) => this.#break(options, error));
  }

  push(chunk: Buffer): void {
    if (this.#isOver || this.#stream === null) return;
    if (this.#stream.writableLength + chunk.length > MAX_BACKLOG_BYTES) {
      this.#stream.destroy();
      this.#break(this.#options, new BacklogError());
    } else this.#stream.write(chunk);
  }

  end(): void {
    if (!this.#isOver) this.#stream?.end();
  }

  destroy(): void {
    this.#isOver = true;
    this.#stream?.destroy();
  }

  #break(options: BodyDecoderOptions, error: unknown): void {
    if (this.#isOver) return;
    this.#isOver = true;
    options.onBroken(error);
  }
}

/** The body came in an encoding that we cannot decode and did not ask for. */
class UnknownEncodingError extends Error {
  override readonly name = 'UnknownEncodingError';
  readonly code = 'content-encoding';

  constructor() {
    super('The response is in an encoding that was not asked for and is not known.');
  }
}

/** More of the body waits to be decoded than any message can have. */
class BacklogError extends Error {
  override readonly name = 'BacklogError';
  readonly code = 'decoding-backlog';

  constructor() {
    super('The server sends faster than its response can be decoded.');
  }
}

function streamFor(encoding: string): Gunzip | Inflate | BrotliDecompress | null {
  switch (encoding) {
    case 'gzip':
    case 'x-gzip':
      return createGunzip();
    case 'deflate':
      return createInflate();
    case 'br':
      return createBrotliDecompress();
    default:
      return null;
  }
}
