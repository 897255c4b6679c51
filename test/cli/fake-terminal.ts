import { EventEmitter } from 'node:events';
import type { ScreenStream } from '../../src/cli/screen.ts';

const part = new RegExp(String.raw`${'\u001b'}\[\??\d*[A-Za-z]|\r|\n|[^${'\u001b'}\r\n]+`, 'g');
const cursorUp = new RegExp(String.raw`^${'\u001b'}\[(\d+)A$`);

/** A terminal that keeps what was written to it, and understands what the screen driver writes. */
export class FakeTerminal extends EventEmitter implements ScreenStream {
  columns: number | undefined;
  rows: number | undefined;
  readonly written: string[] = [];
  cursorHidden = false;
  wraps = true;
  #lines: string[] = [''];
  #row = 0;

  constructor(columns?: number, rows?: number) {
    super();
    this.columns = columns;
    this.rows = rows;
  }

  write(text: string): boolean {
    this.written.push(text);
    for (const [one] of text.matchAll(part)) this.#take(one);
    return true;
  }

  /** What stands on it, scrollback included, without the empty line of the cursor. */
  get shown(): readonly string[] {
    return this.#lines.at(-1) === '' ? this.#lines.slice(0, -1) : this.#lines;
  }

  /** Another size; lines that no longer fit are wrapped, as most terminals do. */
  resize(columns: number, rows: number): void {
    const wrapped = this.#lines.map((line) => line.match(new RegExp(`.{1,${columns}}`, 'g')) ?? ['']);
    this.#row = wrapped.slice(0, this.#row).flat().length;
    this.#lines = wrapped.flat();
    this.columns = columns;
    this.rows = rows;
    this.emit('resize');
  }

  #take(one: string): void {
    switch (one) {
      case '\u001b[?25l':
      case '\u001b[?25h':
        this.cursorHidden = one.endsWith('l');
        return;
      case '\u001b[?7l':
      case '\u001b[?7h':
        this.wraps = one.endsWith('h');
        return;
      case '\u001b[?2026h':
      case '\u001b[?2026l':
      case '\r':
        return;
      case '\n':
        this.#row += 1;
        while (this.#lines.length <= this.#row) this.#lines.push('');
        return;
      case '\u001b[2K':
        this.#lines[this.#row] = '';
        return;
      case '\u001b[J':
        this.#lines = [...this.#lines.slice(0, this.#row), ''];
        return;
      default: {
        const up = cursorUp.exec(one);
        if (up !== null) this.#row = Math.max(0, this.#row - Number(up[1]));
        else if (one.startsWith('\u001b')) throw new Error(`not understood: ${JSON.stringify(one)}`);
        else this.#lines[this.#row] = one;
      }
    }
  }
}
