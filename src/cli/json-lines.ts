/** The part of a stream that JSON lines need. */
export interface LineStream {
  readonly writableLength: number;
  write(text: string): unknown;
}

/** What a line says at least. */
export interface JsonLine {
  readonly type: string;
  /** When it happened, as ISO 8601 with milliseconds. */
  readonly time: string;
}

const mostBuffered = 4 * 1024 * 1024;

/**
 * Writes one JSON object a line. A reader that falls 4 MiB behind misses lines rather than filling our memory;
 * how many is told as soon as it reads again: `{"type":"skipped","count":…}`.
 */
export class JsonLines {
  readonly #stream: LineStream;
  #skipped = 0;

  constructor(stream: LineStream) {
    this.#stream = stream;
  }

  write(line: JsonLine): void {
    if (this.#stream.writableLength > mostBuffered) {
      this.#skipped += 1;
      return;
    }
    if (this.#skipped > 0) {
      this.#put({ type: 'skipped', time: new Date().toISOString(), count: this.#skipped });
      this.#skipped = 0;
    }
    this.#put(line);
  }

  #put(line: JsonLine & { readonly count?: number }): void {
    this.#stream.write(`${JSON.stringify(line)}\n`);
  }
}
