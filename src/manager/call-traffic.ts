import type { Clock } from '../actors/ports.ts';
import { freshBudget, type RetryBudget } from '../machines/retry-policy.ts';
import { Bulkhead } from './bulkhead.ts';
import type { CallTime } from './call-time.ts';
import { PeopleWaitedFor } from './people-waited-for.ts';

/** The calls of one server: those under way, those that wait for their turn, and what may be spent on repeating them. */
export class CallTraffic {
  readonly bulkhead: Bulkhead;
  /** Whom the server waits for before it can go on with its calls. */
  readonly people: PeopleWaitedFor;
  retryBudget: RetryBudget = freshBudget;
  /** How often replies were lost; the calls that lost theirs together lost them once. */
  losses = 0;
  readonly #underWay = new Set<CallTime>();

  constructor(clock: Clock, limits: { readonly maxInFlight: number; readonly maxQueue: number }) {
    this.bulkhead = new Bulkhead(clock, limits);
    this.people = new PeopleWaitedFor(clock);
  }

  /** A link of the server has the call. */
  begin(time: CallTime): void {
    this.#underWay.add(time);
  }

  end(time: CallTime): void {
    this.#underWay.delete(time);
  }

  /** Ends every call that is under way, for this reason. */
  cancelAll(reason: Error): void {
    for (const time of this.#underWay) time.end({ kind: 'aborted', reason });
  }
}
