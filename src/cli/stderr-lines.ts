import { Writable } from 'node:stream';
import { onOneLine } from './terminal-text.ts';

/** Where the lines go: the real `process.stderr`, or something like it. */
export interface StderrStream {
  readonly isTTY?: boolean | undefined;
  write(text: string): unknown;
}

/**
 * Everything that the command says to people and logs. What it is given in whole lines is written as it is to a file or a pipe;
 * for a terminal, line by line, it is freed of whatever could steer the terminal.
 *
 * It is a stream, so that `console` and loggers can write to it.
 */
export class StderrLines extends Writable {
  readonly #stream: StderrStream;
  #above: ((line: string) => void) | undefined;
  #isTransient = false;

  constructor(stream: StderrStream) {
    super({ decodeStrings: false });
    this.#stream = stream;
  }

  /** True when a person looks at it on the spot. */
  get isTerminal(): boolean {
    return this.#stream.isTTY === true;
  }

  /** Lets something else show the lines, one at a time, while it owns the terminal; undefined gives them back to the stream. */
  showThrough(above: ((line: string) => void) | undefined): void {
    this.#above = above;
  }

  /** A line that stands until there is another one, or until it is taken back with undefined. Only people get to see it. */
  transient(text: string | undefined): void {
    if (!this.isTerminal || this.#above !== undefined || (text === undefined && !this.#isTransient)) return;
    this.#stream.write(`\r\u001B[K${text === undefined ? '' : onOneLine(text)}`);
    this.#isTransient = text !== undefined;
  }

  line(text: string): void {
    this.#put(`${text}\n`);
  }

  override _write(chunk: unknown, _encoding: BufferEncoding, done: () => void): void {
    this.#put(String(chunk));
    done();
  }

  #put(text: string): void {
    if (!this.isTerminal) {
      this.#stream.write(text);
      return;
    }
    this.transient(undefined);
    const lines = text.split('\n');
    if (lines.at(-1) === '') lines.pop();
    for (const line of lines.map(onOneLine)) {
      if (this.#above === undefined) this.#stream.write(`${line}\n`);
      else this.#above(line);
    }
  }
}
