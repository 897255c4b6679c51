export interface StderrRingOptions {
  /** How much of the latest output is kept, in bytes. Default 64 kB. */
  readonly maxBytes?: number | undefined;
  /** Longest line that is delivered, in bytes; the rest of a longer line is cut off. Default 8 kB. */
  readonly maxLineBytes?: number | undefined;
  /** Receives every line that is not blank, without its line end. ANSI and control characters are left as they came. */
  readonly onLine?: ((line: string) => void) | undefined;
}

const NEWLINE = 0x0a;

/** The latest output of a process on stderr: its lines as they come, and a bounded tail for the errors that need one. */
export class StderrRing {
  readonly #maxBytes: number;
  readonly #maxLineBytes: number;
  readonly #onLine: ((line: string) => void) | undefined;
  #ring: Buffer | null = null;
  #writtenBytes = 0;
  #line: Buffer[] = [];
  #lineBytes = 0;

  constructor(options: StderrRingOptions = {}) {
    this.#maxBytes = options.maxBytes ?? 64 * 1024;
    this.#maxLineBytes = options.maxLineBytes ?? 8 * 1024;
    this.#onLine = options.onLine;
  }

  push(chunk: Buffer): void {
    this.#keep(chunk);
    if (this.#onLine === undefined) return;
    let start = 0;
    for (;;) {
      const newline = chunk.indexOf(NEWLINE, start);
      this.#extendLine(chunk, start, newline === -1 ? chunk.length : newline);
      if (newline === -1) return;
      this.#endLine();
      start = newline + 1;
    }
  }

  /** The stream has ended: delivers a last line that has no line end. */
  end(): void {
    this.#endLine();
  }

  /** The last lines that are not blank, joined by newlines; empty when there are none. */
  tail(maxLines = 20): string {
    const lines = this.#text()
      .split('\n')
      .map((line) => line.trimEnd())
      .filter((line) => line !== '');
    return lines.slice(-maxLines).join('\n');
  }

  #keep(chunk: Buffer): void {
    this.#ring ??= Buffer.alloc(this.#maxBytes);
    const kept = chunk.length > this.#maxBytes ? chunk.subarray(chunk.length - this.#maxBytes) : chunk;
    this.#writtenBytes += chunk.length - kept.length;
    const at = this.#writtenBytes % this.#maxBytes;
    const untilEnd = Math.min(kept.length, this.#maxBytes - at);
    kept.copy(this.#ring, at, 0, untilEnd);
    kept.copy(this.#ring, 0, untilEnd);
    this.#writtenBytes += kept.length;
  }

  #text(): string {
    if (this.#ring === null) return '';
    if (this.#writtenBytes <= this.#maxBytes) return this.#ring.toString('utf8', 0, this.#writtenBytes);
    const at = this.#writtenBytes % this.#maxBytes;
    const bytes = Buffer.concat([this.#ring.subarray(at), this.#ring.subarray(0, at)]);
    const firstNewline = bytes.indexOf(NEWLINE);
    // The oldest line lost its beginning, unless it is the only one: then its end is still the best that there is.
    return bytes.toString('utf8', firstNewline === -1 || firstNewline === bytes.length - 1 ? 0 : firstNewline + 1);
  }

  #extendLine(chunk: Buffer, start: number, end: number): void {
    const room = this.#maxLineBytes - this.#lineBytes;
    if (room <= 0 || end === start) return;
    // A copy: a slice would keep the whole chunk alive for as long as the line has no end.
    const part = Buffer.from(chunk.subarray(start, Math.min(end, start + room)));
    this.#line.push(part);
    this.#lineBytes += part.length;
  }

  #endLine(): void {
    if (this.#lineBytes === 0) return;
    const line = Buffer.concat(this.#line, this.#lineBytes).toString('utf8').replace(/\r$/, '');
    this.#line = [];
    this.#lineBytes = 0;
    if (line.trim() !== '') this.#onLine?.(line);
  }
}
