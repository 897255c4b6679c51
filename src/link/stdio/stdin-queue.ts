import type { Writable } from 'node:stream';
import { LinkError } from '../fault.ts';
import type { Fault } from '../fault.ts';

export interface QueueOptions {
  /** The pipe to the process. The queue is its only writer. */
  readonly stdin: Writable;
  /** Most bytes that wait or are being written at any time. A frame that would exceed it is refused, as is the 16 385th frame. */
  readonly maxBytes: number;
  /** The pipe took no more: what waits stays until {@link StdinQueue.fail} says what happened. Called at most once. */
  readonly onBroken: (error: Error) => void;
  /** Called whenever bytes have left the queue. */
  readonly onProgress: () => void;
  /** A caller's `stillWanted` or `onHandedOver` threw. */
  readonly onHandlerError: (error: unknown) => void;
}

/** How one message is sent. What these throw is reported, and drops the message before it is handed over. */
export interface SendOptions {
  /** Asked immediately before the write; false drops the message, which is rejected as `aborted`, unsent. */
  stillWanted?(): boolean;
  /** Told synchronously, immediately before the bytes are given to the pipe: from here on the message may have been sent. */
  onHandedOver?(): void;
}

interface Waiting {
  /** The whole frame, its newline included. */
  readonly frame: string;
  readonly bytes: number;
  readonly isAnswer: boolean;
  readonly options: SendOptions | undefined;
  readonly resolve: () => void;
  readonly reject: (error: LinkError) => void;
}

const COALESCE_BYTES = 64 * 1024;
/** A small frame costs more in bookkeeping than in bytes, so their number is bounded as well. */
const MAX_FRAMES = 16_384;
/** As many waiting frames are worth a write of their own: the server answers them while the next ones are still being made. */
const EAGER_FRAMES = 8;

/**
 * What waits for the stdin of a process, bounded in bytes.
 *
 * The next write is made only when the pipe has taken the previous one: its callback came, or some frames wait and nothing is
 * left in the stream. So a frame that was never given to `stdin.write` is provably unsent, and that is the only proof there
 * is: a write callback says nothing of what the process read, and EPIPE comes both when it read nothing and when it read
 * half. Frames that wait together are written together, up to 64 kB.
 */
export class StdinQueue {
  readonly #options: QueueOptions;
  #waiting: Waiting[] = [];
  #next = 0;
  /** What each write whose callback has not come yet was given. */
  #writes: Waiting[][] = [];
  #queuedBytes = 0;
  #answerBytes = 0;
  #isPumping = false;
  #isShut = false;
  #isBroken = false;
  #isEnding = false;
  #refusal: Fault | null = null;

  constructor(options: QueueOptions) {
    this.#options = options;
  }

  /** Bytes that wait or are being written. */
  get queuedBytes(): number {
    return this.#queuedBytes;
  }

  /** The part of {@link queuedBytes} that answers requests of the server: what a server that floods and does not read piles up. */
  get answerBytes(): number {
    return this.#answerBytes;
  }

  /**
   * Takes a whole frame, its newline included. Resolves when the write callback came; rejects with a `LinkError` that says whether the
   * frame may have been sent. `isAnswer`: it answers a request of the server, see {@link answerBytes}.
   */
  push(frame: string, isAnswer: boolean, options?: SendOptions): Promise<void> {
    if (this.#refusal !== null) return Promise.reject(unsent(this.#refusal));
    const bytes = Buffer.byteLength(frame);
    const isFull = this.#waiting.length - this.#next >= MAX_FRAMES;
    if (isFull || this.#queuedBytes + bytes > this.#options.maxBytes) {
      return Promise.reject(unsent(this.#queueFull(bytes)));
    }
    return new Promise((resolve, reject) => {
      this.#queuedBytes += bytes;
      if (isAnswer) this.#answerBytes += bytes;
      this.#waiting.push({ frame, bytes, isAnswer, options, resolve, reject });
      this.#pump();
    });
  }

  /** Ends stdin once everything that waits has been written. */
  end(): void {
    this.#isEnding = true;
    this.#pump();
  }

  /** Hands nothing more over: what waits now stays unsent, and settles with {@link fail}. */
  stop(): void {
    this.#isShut = true;
  }

  /** Takes nothing more and settles everything at once: what was handed over may have been sent, the rest was not. */
  fail(fault: Fault): void {
    this.#refusal ??= fault;
    this.#isShut = true;
    const inFlight = this.#writes.flat();
    const waiting = this.#waiting.slice(this.#next);
    this.#writes = [];
    this.#waiting = [];
    this.#next = 0;
    this.#queuedBytes = 0;
    this.#answerBytes = 0;
    // One error for all: thousands may wait, and each stack trace would cost as much as a frame.
    const perhapsSent = new LinkError({ kind: 'link', sent: true, fault });
    const notSent = unsent(fault);
    for (const entry of inFlight) entry.reject(perhapsSent);
    for (const entry of waiting) entry.reject(notSent);
  }

  #pump(): void {
    if (this.#isPumping || this.#isShut || !this.#isTaken()) return;
    this.#isPumping = true;
    const queuedBefore = this.#queuedBytes;
    const handedOver: Waiting[] = [];
    this.#writes.push(handedOver);
    const text = this.#handOver(handedOver);
    this.#isPumping = false;
    if (handedOver.length === 0) this.#writes.pop();
    if (this.#queuedBytes < queuedBefore) this.#options.onProgress();
    // A caller that was told of its frame may have had the queue fail.
    if (handedOver.length > 0 && this.#writes.at(-1) === handedOver) {
      this.#options.stdin.write(text, 'utf8', (error) => this.#written(error));
    } else if (this.#isEnding && this.#writes.length === 0) {
      this.#isShut = true;
      this.#options.stdin.end();
    }
  }

  /** The pipe has taken all that it was given, as far as it is worth asking. */
  #isTaken(): boolean {
    if (this.#writes.length === 0) return true;
    return this.#waiting.length - this.#next >= EAGER_FRAMES && this.#options.stdin.writableLength === 0;
  }

  #handOver(handedOver: Waiting[]): string {
    let text = '';
    let bytes = 0;
    for (;;) {
      const entry = this.#waiting[this.#next];
      if (entry === undefined || (bytes > 0 && bytes + entry.bytes > COALESCE_BYTES)) break;
      this.#next += 1;
      const isWanted = this.#isWanted(entry);
      if (this.#isShut) {
        this.#takeBack(entry);
        break;
      }
      if (!isWanted) {
        this.#forget(entry);
        entry.reject(new LinkError({ kind: 'aborted', sent: false }));
        continue;
      }
      handedOver.push(entry);
      this.#tellHandedOver(entry);
      text += entry.frame;
      bytes += entry.bytes;
    }
    this.#compact();
    return text;
  }

  #written(error: Error | null | undefined): void {
    const [done] = this.#writes;
    if (done === undefined || this.#isBroken) return;
    if (error) {
      this.#isBroken = true;
      this.#isShut = true;
      this.#options.onBroken(error);
      return;
    }
    this.#writes.shift();
    for (const entry of done) {
      this.#forget(entry);
      entry.resolve();
    }
    this.#pump();
    this.#options.onProgress();
  }

  #isWanted(entry: Waiting): boolean {
    try {
      return entry.options?.stillWanted?.() ?? true;
    } catch (error) {
      this.#options.onHandlerError(error);
      return false;
    }
  }

  #tellHandedOver(entry: Waiting): void {
    try {
      entry.options?.onHandedOver?.();
    } catch (error) {
      this.#options.onHandlerError(error);
    }
  }

  /** The caller's own `stillWanted` or `onHandedOver` stopped the queue: the frame at hand stays unsent. */
  #takeBack(entry: Waiting): void {
    if (this.#refusal === null) this.#next -= 1;
    else entry.reject(unsent(this.#refusal));
  }

  #forget(entry: Waiting): void {
    this.#queuedBytes -= entry.bytes;
    if (entry.isAnswer) this.#answerBytes -= entry.bytes;
  }

  #compact(): void {
    if (this.#next === this.#waiting.length) {
      this.#waiting = [];
      this.#next = 0;
    } else if (this.#next > 1024) {
      this.#waiting = this.#waiting.slice(this.#next);
      this.#next = 0;
    }
  }

  #queueFull(bytes: number): Fault {
    const { maxBytes } = this.#options;
    return {
      kind: 'overload',
      code: 'stdin-queue-full',
      message:
        bytes > maxBytes
          ? `A message of ${bytes} bytes is larger than the ${maxBytes} bytes that may wait for the stdin of the server. Raise that limit or send less.`
          : `${this.#waiting.length - this.#next + this.#writes.flat().length} messages, ${this.#queuedBytes} of at most ${maxBytes} bytes, already wait for the stdin of the server: it does not read. Try again later.`,
    };
  }
}

function unsent(fault: Fault): LinkError {
  return new LinkError({ kind: 'link', sent: false, fault });
}
