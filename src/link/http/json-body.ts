import { GrowingBuffer } from './growing-buffer.ts';
import type { BodyReader } from './http-exchange.ts';

/** The caps that keep one response from costing the process, in decoded bytes. */
export const MAX_MESSAGE_BYTES = 16 * 1024 * 1024;
export const MAX_ERROR_BODY_BYTES = 64 * 1024;

export interface JsonBodyListeners {
  /** The body is complete and is this JSON value; undefined when it is no JSON. Not called for an empty body. Must not throw. */
  readonly onValue: (value: unknown) => void;
  /** The body is larger than the cap. Told once, and instead of `onValue`. Must not throw. */
  readonly onOversize: () => void;
}

/** Reads one JSON text, up to a cap on its decoded bytes. */
export class JsonBody implements BodyReader {
  readonly #maxBytes: number;
  readonly #listeners: JsonBodyListeners;
  #first: Buffer | null = null;
  #all: GrowingBuffer | null = null;
  #isRefused = false;

  constructor(maxBytes: number, listeners: JsonBodyListeners) {
    this.#maxBytes = maxBytes;
    this.#listeners = listeners;
  }

  push(chunk: Buffer): void {
    if (this.#isRefused) return;
    const held = this.#all?.length ?? this.#first?.length ?? 0;
    if (held + chunk.length > this.#maxBytes) {
      this.#isRefused = true;
      this.#first = null;
      this.#all = null;
      this.#listeners.onOversize();
    } else if (this.#first === null) {
      this.#first = chunk;
    } else {
      if (this.#all === null) {
        this.#all = new GrowingBuffer();
        this.#all.append(this.#first);
      }
      this.#all.append(chunk);
    }
  }

  end(): void {
    const bytes = this.#all?.view() ?? this.#first;
    if (bytes !== null) this.#listeners.onValue(parseJson(bytes.toString('utf8')));
  }
}

/** The value of a JSON text, undefined when it is none. A byte order mark before it is skipped. */
export function parseJson(text: string): unknown {
  try {
    return JSON.parse(text.codePointAt(0) === 0xfeff ? text.slice(1) : text);
  } catch {
    return undefined; // No JSON text has the value undefined.
  }
}
