import type { StepName } from './steps.ts';
import type { Screen } from '../screen.ts';
import type { StderrLines } from '../stderr-lines.ts';
import { cutTo, onOneLine, shownId, widthOf } from '../terminal-text.ts';

/** What takes no longer than this needs no word of what it is at. */
const quietMs = 1000;

/** One line on a terminal that says what is being looked at, once it takes longer than a second. */
export class DoctorProgress {
  readonly #screen: Screen;
  readonly #stderr: Pick<StderrLines, 'showThrough'>;
  readonly #total: number;
  readonly #now = new Map<string, StepName>();
  #done = 0;
  #timer: NodeJS.Timeout | undefined;

  /** Lines of `stderr` stand above it, which is on the same terminal. */
  constructor(screen: Screen, stderr: Pick<StderrLines, 'showThrough'>, total: number) {
    this.#screen = screen;
    this.#stderr = stderr;
    this.#total = total;
  }

  start(): void {
    this.#stderr.showThrough((line) => {
      this.#screen.above(line);
    });
    this.#timer = setTimeout(() => {
      this.#screen.open();
      this.#draw();
    }, quietMs);
  }

  begin(id: string, step: StepName): void {
    this.#now.set(id, step);
    this.#draw();
  }

  finish(id: string): void {
    this.#now.delete(id);
    this.#done += 1;
    this.#draw();
  }

  /** Takes the line away. */
  end(): void {
    clearTimeout(this.#timer);
    this.#screen.draw('', []);
    this.#screen.close();
    this.#stderr.showThrough(undefined);
  }

  /** Draws nothing before the screen is open. */
  #draw(): void {
    const at = [...this.#now].map(([id, step]) => `${shownId(id)} (${step})`).join(', ');
    const now = at === '' ? '' : `; now ${at}`;
    const line = cutTo(this.#screen.size.columns, onOneLine(`${this.#done} of ${this.#total} looked at${now}`));
    this.#screen.draw(line, [widthOf(line)]);
  }
}
