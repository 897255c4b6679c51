import { Subject } from './rx.ts';
import type { GroupEvent, GroupFact, ManagerEvent, SessionEvent, SessionFact } from './manager-events.ts';

/**
 * Numbers the events of a manager and hands them to whoever listens. A listener that throws reaches `uncaughtException`
 * and harms nobody else; what a listener causes is handed on after what it is being told, so that all see one order.
 */
export class EventBus {
  readonly #wall: () => number;
  readonly #subject = new Subject<ManagerEvent>();
  readonly #waiting: ManagerEvent[] = [];
  #delivering = false;
  #seq = 0;

  constructor(wall: () => number) {
    this.#wall = wall;
  }

  readonly events$ = this.#subject.asObservable();

  /** Number of the last event that was stamped. */
  get seq(): number {
    return this.#seq;
  }

  stamp(serverId: string, generation: number, fact: SessionFact): SessionEvent {
    this.#seq += 1;
    return { seq: this.#seq, at: this.#wall(), serverId, generation, ...fact };
  }

  stampGroup(groupId: string, fact: GroupFact): GroupEvent {
    this.#seq += 1;
    return { seq: this.#seq, at: this.#wall(), groupId, ...fact };
  }

  deliver(event: ManagerEvent): void {
    this.#waiting.push(event);
    if (this.#delivering) return;
    this.#delivering = true;
    for (let next = this.#waiting.shift(); next !== undefined; next = this.#waiting.shift()) this.#subject.next(next);
    this.#delivering = false;
  }

  complete(): void {
    this.#subject.complete();
  }
}
