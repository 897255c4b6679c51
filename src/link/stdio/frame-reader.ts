import type { Fault } from '../fault.ts';

/** One JSON-RPC message as it travels: an object, not yet checked any further. */
export type JsonRpcMessage = Readonly<Record<string, unknown>>;

/** How many lines that are no message are reported one by one; the rest are only counted. */
const NOISE_REPORT_LIMIT = 5;

export interface FrameReaderOptions {
  /** Longest line in bytes, its newline not counted. A line of exactly this length passes; a longer one ends the reader. */
  readonly maxFrameBytes: number;
  readonly onFrame: (message: JsonRpcMessage) => void;
  /** Receives a `protocol` fault for each of the first {@link NOISE_REPORT_LIMIT} lines that hold no JSON object. */
  readonly onNoise: (fault: Fault) => void;
  /** Receives a `protocol` fault with the code `frame-too-large`, once; everything after it is discarded. */
  readonly onOversize: (fault: Fault) => void;
}

const NEWLINE = 0x0a;
const INITIAL_CAPACITY = 16 * 1024;
const KEPT_CAPACITY = 256 * 1024;
const EXCERPT_LENGTH = 120;

/**
 * Cuts a byte stream into newline-delimited JSON messages. Never throws for what the other side sent.
 *
 * The work is linear in the bytes read, whatever the size of the chunks: only a new chunk is searched for a newline,
 * and a line that spans chunks grows in one buffer that doubles, so that a line sent byte by byte costs no more memory
 * than a line sent at once.
 */
export class FrameReader {
  readonly #options: FrameReaderOptions;
  #partial = Buffer.alloc(0);
  #partialLength = 0;
  #noiseCount = 0;
  #done = false;

  constructor(options: FrameReaderOptions) {
    this.#options = options;
  }

  /** How many lines held no JSON object so far. */
  get noiseCount(): number {
    return this.#noiseCount;
  }

  /** Bytes of a line whose end has not come yet. */
  get partialBytes(): number {
    return this.#partialLength;
  }

  push(chunk: Buffer): void {
    let start = 0;
    while (!this.#done) {
      const newline = chunk.indexOf(NEWLINE, start);
      const end = newline === -1 ? chunk.length : newline;
      const lineBytes = this.#partialLength + end - start;
      if (lineBytes > this.#options.maxFrameBytes) return this.#refuse();
      if (newline === -1) return this.#keep(chunk, start);
      if (this.#partialLength === 0) {
        this.#accept(chunk, start, end);
      } else {
        this.#keep(chunk, start, end);
        this.#acceptPartial();
      }
      start = newline + 1;
    }
  }

  /** The stream has ended: a last message whose newline is missing still counts, half a message is dropped. */
  end(): void {
    if (this.#done) return;
    this.#done = true;
    const message = parseObject(this.#partial, 0, this.#partialLength);
    this.#partial = Buffer.alloc(0);
    this.#partialLength = 0;
    if (message !== null) this.#options.onFrame(message);
  }

  #keep(chunk: Buffer, start: number, end = chunk.length): void {
    const needed = this.#partialLength + end - start;
    if (needed > this.#partial.length) {
      const grown = Buffer.allocUnsafe(Math.max(needed, this.#partial.length * 2, INITIAL_CAPACITY));
      this.#partial.copy(grown, 0, 0, this.#partialLength);
      this.#partial = grown;
    }
    chunk.copy(this.#partial, this.#partialLength, start, end);
    this.#partialLength = needed;
  }

  #acceptPartial(): void {
    const line = this.#partial;
    const length = this.#partialLength;
    this.#partialLength = 0;
    // A handler may push again while it runs, and would write into this very buffer.
    this.#partial = Buffer.alloc(0);
    this.#accept(line, 0, length);
    if (this.#partial.length === 0 && line.length <= KEPT_CAPACITY) this.#partial = line;
  }

  #accept(bytes: Buffer, start: number, end: number): void {
    const message = parseObject(bytes, start, end);
    if (message !== null) {
      this.#options.onFrame(message);
    } else if (!isBlank(bytes, start, end)) {
      this.#countNoise(bytes, start, end);
    }
  }

  #countNoise(bytes: Buffer, start: number, end: number): void {
    this.#noiseCount += 1;
    if (this.#noiseCount > NOISE_REPORT_LIMIT) return;
    const excerpt = bytes.toString('utf8', start, Math.min(end, start + EXCERPT_LENGTH));
    const more =
      this.#noiseCount === NOISE_REPORT_LIMIT ? ' Further lines of this kind are counted and not reported.' : '';
    this.#options.onNoise({
      kind: 'protocol',
      code: 'not-a-message',
      message:
        `The server wrote a line to stdout that is no JSON-RPC message, ${end - start} bytes: ${JSON.stringify(excerpt)}.` +
        ` It was ignored; logs belong on stderr.${more}`,
    });
  }

  #refuse(): void {
    this.#done = true;
    this.#partial = Buffer.alloc(0);
    this.#partialLength = 0;
    this.#options.onOversize({
      kind: 'protocol',
      code: 'frame-too-large',
      message: `The server sent a message of more than ${this.#options.maxFrameBytes} bytes. Have the server send less at a time.`,
    });
  }
}

function parseObject(bytes: Buffer, start: number, end: number): JsonRpcMessage | null {
  // JSON.parse takes a trailing CR for white space, so CRLF needs no case of its own.
  if (!startsWithBrace(bytes, start, end)) return null;
  try {
    const value: unknown = JSON.parse(bytes.toString('utf8', start, end));
    return isObject(value) ? value : null;
  } catch {
    return null; // Reported as noise by the caller.
  }
}

function isObject(value: unknown): value is JsonRpcMessage {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function startsWithBrace(bytes: Buffer, start: number, end: number): boolean {
  const at = skipBlanks(bytes, start, end);
  return at < end && bytes[at] === 0x7b;
}

function isBlank(bytes: Buffer, start: number, end: number): boolean {
  return skipBlanks(bytes, start, end) === end;
}

function skipBlanks(bytes: Buffer, start: number, end: number): number {
  let at = start;
  while (at < end && (bytes[at] === 0x20 || bytes[at] === 0x09 || bytes[at] === 0x0d)) at += 1;
  return at;
}
