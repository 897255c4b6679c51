import type { Link, Pending } from '../link/link.ts';
import { listTools, type ToolList } from './list-tools.ts';
import type { Clock, TimerId } from './ports.ts';
import type { SessionIo } from './session-io.ts';

/** Between the beginnings of two lists. */
const everyMs = 300;

/** A list that takes longer is given up: one that never comes would keep all later ones waiting. */
const limitMs = 60_000;

/** What a server sends when its tools are no longer those that it listed. */
export const toolsChanged = 'notifications/tools/list_changed';

/**
 * Lists the tools of one link, and lists them anew when the server says that they changed: at once, and for what it says within 300 ms
 * of the beginning of a list once more, when these are over. One list at a time, and none after `stop`.
 */
export class ToolLister {
  readonly #link: Link;
  readonly #clock: Clock;
  readonly #io: Pick<SessionIo, 'noteTools'>;
  readonly #generation: number;
  #listing: Pending<ToolList> | undefined;
  #beganMs = Number.NEGATIVE_INFINITY;
  #isOutdated = false;
  #timer: TimerId;

  /** `io` notes what each list comes to; null when it failed on a link that stands. */
  constructor(link: Link, clock: Clock, io: Pick<SessionIo, 'noteTools'>, generation: number) {
    this.#link = link;
    this.#clock = clock;
    this.#io = io;
    this.#generation = generation;
  }

  /** Makes the first list. The session bounds the time that it takes. `isAnswered`: the server answered it, be it with a refusal. */
  first(listed: (isAnswered: boolean) => void): void {
    this.#list(listed);
  }

  /** The server says that its tools changed. */
  outdated(): void {
    this.#isOutdated = true;
    this.#next();
  }

  stop(): void {
    this.#clock.clearTimeout(this.#timer);
    const unfinished = this.#listing;
    this.#listing = undefined;
    unfinished?.cancel();
  }

  #next(): void {
    if (!this.#isOutdated || this.#listing !== undefined) return;
    this.#clock.clearTimeout(this.#timer);
    const waitMs = this.#beganMs + everyMs - this.#clock.monotonic();
    if (waitMs > 0) {
      this.#timer = this.#clock.setTimeout(() => {
        this.#next();
      }, waitMs);
      return;
    }
    const listing = this.#list();
    this.#timer = this.#clock.setTimeout(() => {
      listing.cancel();
    }, limitMs);
  }

  #list(listed?: (isAnswered: boolean) => void): Pending<ToolList> {
    this.#beganMs = this.#clock.monotonic();
    this.#isOutdated = false;
    const mine = listTools(this.#link);
    this.#listing = mine;
    const over = (tools: ToolList, isAnswered: boolean): void => {
      if (this.#listing !== mine) return;
      this.#listing = undefined;
      this.#clock.clearTimeout(this.#timer);
      this.#io.noteTools(this.#generation, tools);
      listed?.(isAnswered);
      this.#next();
    };
    mine.answer.then(
      (tools) => {
        over(tools, true);
      },
      () => {
        // A link on its way down says so itself. On one that stands the tools are unknown, and checks have to prove it.
        if (this.#link.isOpen) over(null, false);
      },
    );
    return mine;
  }
}
