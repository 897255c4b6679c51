import type { Clock, TimerId } from '../actors/ports.ts';

/** Something that is told when its time has come. */
export interface Due {
  /** When that is, monotonic. Must not change while it waits. */
  readonly dueMs: number;
  due(): void;
}

/** So many lengths keep their row while nothing of that length waits. */
const mostEmptyRows = 16;

/**
 * The times at which calls end. What lasts equally long ends in the order in which it began, so a timer for each length is enough, however
 * many calls are under way. With nothing that waits there is no timer.
 */
export class Deadlines {
  readonly #clock: Pick<Clock, 'setTimeout' | 'clearTimeout' | 'monotonic'>;
  readonly #rows = new Map<number, Row>();

  constructor(clock: Pick<Clock, 'setTimeout' | 'clearTimeout' | 'monotonic'>) {
    this.#clock = clock;
  }

  /** It is due in so many milliseconds. */
  add(due: Due, ms: number): void {
    let row = this.#rows.get(ms);
    if (row === undefined) {
      row = new Row(this.#clock, ms, () => {
        if (this.#rows.size > mostEmptyRows) this.#rows.delete(ms);
      });
      this.#rows.set(ms, row);
    }
    row.add(due);
  }

  /** It waits no longer. `ms`: as it was added; nothing happens if it was due already. */
  remove(due: Due, ms: number): void {
    this.#rows.get(ms)?.remove(due);
  }
}

/** What lasts equally long. */
class Row {
  readonly #clock: Pick<Clock, 'setTimeout' | 'clearTimeout' | 'monotonic'>;
  readonly #ms: number;
  readonly #onEmpty: () => void;
  readonly #waiting = new Set<Due>();
  #timer: TimerId;

  constructor(clock: Pick<Clock, 'setTimeout' | 'clearTimeout' | 'monotonic'>, ms: number, onEmpty: () => void) {
    this.#clock = clock;
    this.#ms = ms;
    this.#onEmpty = onEmpty;
  }

  add(due: Due): void {
    this.#waiting.add(due);
    if (this.#waiting.size === 1) this.#timer = this.#clock.setTimeout(this.#tell, this.#ms);
  }

  remove(due: Due): void {
    if (!this.#waiting.delete(due) || this.#waiting.size > 0) return;
    this.#clock.clearTimeout(this.#timer);
    this.#onEmpty();
  }

  readonly #tell = (): void => {
    const now = this.#clock.monotonic();
    const over: Due[] = [];
    for (const each of this.#waiting) {
      if (each.dueMs > now) {
        this.#timer = this.#clock.setTimeout(this.#tell, each.dueMs - now);
        break;
      }
      over.push(each);
      this.#waiting.delete(each);
    }
    if (this.#waiting.size === 0) this.#onEmpty();
    for (const each of over) each.due();
  };
}
