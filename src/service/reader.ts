import type { ManagerEvent, ManagerSnapshot } from '../index.ts';
import { differences } from './differences.ts';
import type { Changes, Missed, WireProblem } from './wire.ts';

/** How many events are kept for a reader that does not keep up. */
const MAX_EVENTS = 256;

/** What a stream shows: the manager's state, and what of the service belongs to it. */
export interface Shown {
  readonly snapshot: ManagerSnapshot;
  readonly problems: readonly WireProblem[];
  readonly stopping: boolean;
}

/**
 * What one reader of the event stream has been told, and is still to be. State is not queued: what it is told next is how the present
 * differs from what it knows. Events are, up to 256; those beyond are counted.
 */
export class Reader {
  #known: Shown;
  #events: ManagerEvent[] = [];
  #missed = 0;

  constructor(known: Shown) {
    this.#known = known;
  }

  happened(event: ManagerEvent): void {
    if (this.#events.length < MAX_EVENTS) this.#events.push(event);
    else this.#missed += 1;
  }

  /** What there is to tell, as messages of an event stream; empty when that is nothing. The reader is then taken to know it. */
  next(present: Shown, now: number): string {
    const messages = this.#events.map((event) => message('happened', event));
    if (this.#missed > 0) messages.push(message('missed', { count: this.#missed } satisfies Missed));
    this.#events = [];
    this.#missed = 0;
    const before = this.#known;
    this.#known = present;
    const difference = differences(before.snapshot, present.snapshot);
    const hasProblems = present.problems !== before.problems;
    const hasStopped = present.stopping && !before.stopping;
    if (difference !== null || hasProblems || hasStopped) {
      const changes: Changes = {
        now,
        seq: present.snapshot.seq,
        ...(difference ?? { sessions: [], removedSessions: [], groups: [], removedGroups: [] }),
        ...(hasProblems ? { problems: present.problems } : {}),
        ...(hasStopped ? { stopping: true } : {}),
      };
      messages.push(message('changes', changes, changes.seq));
    }
    return messages.join('');
  }
}

/** One message of an event stream. JSON has no line breaks of its own. */
export function message(event: string, data: unknown, id?: number): string {
  return `event: ${event}\n${id === undefined ? '' : `id: ${id}\n`}data: ${JSON.stringify(data)}\n\n`;
}
