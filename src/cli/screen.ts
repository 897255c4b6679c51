/** A terminal to draw on: `process.stdout`, or something like it. */
export interface ScreenStream {
  readonly columns?: number | undefined;
  readonly rows?: number | undefined;
  write(text: string): unknown;
  on(event: 'resize', listener: () => void): unknown;
  off(event: 'resize', listener: () => void): unknown;
}

const hideCursor = '\u001b[?25l';
const showCursor = '\u001b[?25h';
/** Terminals that know it show what comes between at once; others ignore it. */
const beginFrame = '\u001b[?2026h';
const endFrame = '\u001b[?2026l';
/** Without wrapping, a character that is wider than we think costs the end of its line, not the whole picture. */
const noWrap = '\u001b[?7l';
const wrap = '\u001b[?7h';
const clearLine = '\u001b[2K';
const clearBelow = '\u001b[J';

/**
 * Draws frames of text in place, each over the one before, at the bottom of what the terminal shows. It is not the alternate
 * screen: what is written `above` a frame stays in the scrollback, and so does the last frame.
 */
export class Screen {
  readonly #stream: ScreenStream;
  readonly #restore = (): void => {
    this.close();
  };
  /** The widths of the lines on the screen, from the top of the frame. */
  #drawn: readonly number[] = [];
  #frame = '';
  #columns = 0;
  #open = false;

  constructor(stream: ScreenStream) {
    this.#stream = stream;
  }

  /** What a frame may take: the last row of the terminal stays free for the cursor. */
  get size(): { readonly columns: number; readonly rows: number } {
    return { columns: this.#stream.columns || 80, rows: Math.max(1, (this.#stream.rows || 24) - 1) };
  }

  /** Hides the cursor until `close`, or until the process ends in whatever way it can still tell. */
  open(): void {
    if (this.#open) return;
    this.#open = true;
    process.once('exit', this.#restore);
    this.#stream.write(hideCursor);
  }

  /** Puts a frame in the place of the one before. A frame that is no different is not drawn again. */
  draw(frame: string, widths: readonly number[]): void {
    const { columns } = this.size;
    if (!this.#open || (frame === this.#frame && columns === this.#columns)) return;
    this.#put('', frame, widths);
  }

  /** Writes a line that stays, above the frame. */
  above(line: string): void {
    if (this.#open) this.#put(`${clearBelow}${line}\r\n`, this.#frame, this.#drawn);
    else this.#stream.write(`${line}\n`);
  }

  /** Leaves the last frame where it is and shows the cursor below it. A repeat does nothing. */
  close(): void {
    if (!this.#open) return;
    this.#open = false;
    process.removeListener('exit', this.#restore);
    this.#stream.write(wrap + showCursor);
  }

  onResize(listener: () => void): () => void {
    this.#stream.on('resize', listener);
    return () => {
      this.#stream.off('resize', listener);
    };
  }

  #put(before: string, frame: string, widths: readonly number[]): void {
    const { columns } = this.size;
    const up = this.#rowsTaken(columns);
    const home = up === 0 ? '\r' : `\r\u001b[${up}A`;
    const lines = frame === '' ? [] : frame.split('\n');
    const body = lines.map((line) => `${clearLine}${line}\r\n`).join('');
    this.#stream.write(`${beginFrame}${home}${before}${noWrap}${body}${wrap}${clearBelow}${endFrame}`);
    this.#frame = frame;
    this.#drawn = widths;
    this.#columns = columns;
  }

  /** The rows that the frame takes by now: a terminal that became narrower has wrapped its lines. */
  #rowsTaken(columns: number): number {
    return this.#drawn.reduce((sum, width) => sum + Math.max(1, Math.ceil(width / columns)), 0);
  }
}
