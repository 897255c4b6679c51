import { Subject } from 'rxjs';
import type { ManagerEvent, SessionEvent, SessionFact } from './manager-events.ts';

/** Numbers the events of a manager and hands them to whoever listens. A listener that throws reaches `uncaughtException` and harms nobody else. */
export class EventBus {
  readonly #wall: () => number;
  readonly #subject = new Subject<ManagerEvent>();
  #seq = 0;

  constructor(wall: () => number) {
    this.#wall = wall;
  }

  readonly events$ = this.#subject.asObservable();

  get seq(): number {
    return this.#seq;
  }

  publish(serverId: string, generation: number, fact: SessionFact): SessionEvent {
    this.#seq += 1;
    const event: SessionEvent = { seq: this.#seq, at: this.#wall(), serverId, generation, ...fact };
    this.#subject.next(event);
    return event;
  }

  complete(): void {
    this.#subject.complete();
  }
}
