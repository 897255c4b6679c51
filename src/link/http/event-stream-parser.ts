import { GrowingBuffer } from './growing-buffer.ts';
import type { BodyReader } from './http-exchange.ts';

export interface EventStreamListeners {
  /** One event that carries data. `type` is `message` unless the stream named another. Must not throw. */
  readonly onEvent: (type: string, data: string) => void;
  /** One event or line is larger than the cap. Told once; everything after it is dropped. Must not throw. */
  readonly onOversize: () => void;
  /** The stream is complete. An event whose blank line is missing is dropped, as the standard says. */
  readonly onEnd: () => void;
}

const LF = 0x0a;
const CR = 0x0d;
const COLON = 0x3a;
const SPACE = 0x20;
/** An id goes back to the server in a header, and a server takes only so many bytes of those. */
const MAX_ID_LENGTH = 4096;
const MAX_TYPE_LENGTH = 256;
const LONGEST_NAME = 'retry';

/**
 * Reads a `text/event-stream` as the HTML standard defines it, in time linear in the bytes, however they are cut into chunks.
 * Lines end with LF, CR or CRLF, of which the two bytes may come apart; a line is decoded whole, so a character never comes apart.
 */
export class EventStreamParser implements BodyReader {
  readonly #maxEventBytes: number;
  readonly #listeners: EventStreamListeners;
  readonly #partial = new GrowingBuffer();
  #skipsLf = false;
  #isFirstLine = true;
  #isDone = false;
  #type = '';
  #data: string | null = null;
  /** Kept apart until the event ends: joining them line by line would be quadratic. */
  #moreData: string[] | null = null;
  #eventBytes = 0;
  #pendingId: string | null = null;
  #lastEventId = '';
  #retryMs: number | null = null;

  /** `maxEventBytes` bounds one event's data, and any one line. */
  constructor(maxEventBytes: number, listeners: EventStreamListeners) {
    this.#maxEventBytes = maxEventBytes;
    this.#listeners = listeners;
  }

  /** The id of the last event that ended, data or not; empty when there was none. Only ids that can go into a header count. */
  get lastEventId(): string {
    return this.#lastEventId;
  }

  /** How long the server asks to wait before the stream is opened again, in milliseconds, as it was sent; null when it did not ask. */
  get retryMs(): number | null {
    return this.#retryMs;
  }

  push(chunk: Buffer): void {
    let start = 0;
    // Looked for again only past the last one found: a stream that uses but one of the two would be searched anew for every line.
    let nextLf = -2;
    let nextCr = -2;
    while (!this.#isDone) {
      if (this.#skipsLf && start < chunk.length) {
        this.#skipsLf = false;
        if (chunk[start] === LF) start += 1;
      }
      if (nextLf !== -1 && nextLf < start) nextLf = chunk.indexOf(LF, start);
      if (nextCr !== -1 && nextCr < start) nextCr = chunk.indexOf(CR, start);
      const isCr = nextCr !== -1 && (nextLf === -1 || nextCr < nextLf);
      const end = isCr ? nextCr : nextLf;
      const lineEnd = end === -1 ? chunk.length : end;
      if (this.#partial.length + lineEnd - start > this.#maxEventBytes) {
        this.#refuse();
        return;
      }
      if (end === -1) {
        if (start < chunk.length) this.#partial.append(chunk, start);
        return;
      }
      if (this.#partial.length === 0) {
        this.#line(chunk, start, end);
      } else {
        this.#partial.append(chunk, start, end);
        const line = this.#partial.view();
        this.#line(line, 0, line.length);
        this.#partial.clear();
      }
      if (isCr) this.#skipsLf = true;
      start = end + 1;
    }
  }

  end(): void {
    if (this.#isDone) return;
    this.#isDone = true;
    this.#listeners.onEnd();
  }

  #refuse(): void {
    this.#isDone = true;
    this.#data = null;
    this.#moreData = null;
    this.#partial.clear();
    this.#listeners.onOversize();
  }

  #line(bytes: Buffer, from: number, end: number): void {
    let start = from;
    if (this.#isFirstLine) {
      this.#isFirstLine = false;
      if (bytes[start] === 0xef && bytes[start + 1] === 0xbb && bytes[start + 2] === 0xbf) start += 3;
    }
    if (start >= end) {
      this.#endOfEvent();
      return;
    }
    // No field that counts has a longer name, so there is no need to look further for the colon.
    const nameLimit = Math.min(end, start + LONGEST_NAME.length + 1);
    let colon = start;
    while (colon < nameLimit && bytes[colon] !== COLON) colon += 1;
    let value = colon + 1;
    if (value < end && bytes[value] === SPACE) value += 1;
    switch (bytes.toString('latin1', start, colon)) {
      case 'data':
        this.#addData(bytes, value, end);
        break;
      case 'event':
        this.#type = text(bytes, value, Math.min(end, value + MAX_TYPE_LENGTH));
        break;
      case 'id':
        this.#setId(text(bytes, value, Math.min(end, value + MAX_ID_LENGTH + 1)));
        break;
      case LONGEST_NAME:
        this.#setRetry(text(bytes, value, Math.min(end, value + 32)));
        break;
    }
  }

  #addData(bytes: Buffer, start: number, end: number): void {
    this.#eventBytes += Math.max(0, end - start) + 1;
    if (this.#eventBytes > this.#maxEventBytes + 1) {
      this.#refuse();
      return;
    }
    const line = text(bytes, start, end);
    if (this.#data === null) this.#data = line;
    else (this.#moreData ??= []).push(line);
  }

  #setId(id: string): void {
    if (id.length <= MAX_ID_LENGTH && isHeaderText(id)) this.#pendingId = id;
  }

  #setRetry(value: string): void {
    if (/^\d{1,20}$/.test(value)) this.#retryMs = Number(value);
  }

  #endOfEvent(): void {
    if (this.#pendingId !== null) this.#lastEventId = this.#pendingId;
    const first = this.#data;
    const more = this.#moreData;
    const type = this.#type;
    this.#pendingId = null;
    this.#data = null;
    this.#moreData = null;
    this.#type = '';
    this.#eventBytes = 0;
    if (first === null) return;
    const data = more === null ? first : `${first}\n${more.join('\n')}`;
    if (data !== '') this.#listeners.onEvent(type === '' ? 'message' : type, data);
  }
}

function text(bytes: Buffer, start: number, end: number): string {
  return start >= end ? '' : bytes.toString('utf8', start, end);
}

/** Whether it may stand in a header as it is; that excludes NUL, with which the standard has an id ignored. */
function isHeaderText(id: string): boolean {
  return /^[\t\x20-\x7e\x80-\xff]*$/.test(id);
}
