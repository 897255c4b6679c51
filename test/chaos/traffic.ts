import { setTimeout as wait } from 'node:timers/promises';
import type { Caller, ToolResult } from '../../src/index.ts';
import type { SeededRandom } from '../../src/testing/index.ts';
import type { CallLedger } from './call-ledger.ts';
import { callTimeoutMs } from './cast.ts';

/** How many calls were answered, of those that sessions and groups were asked. */
export interface Served {
  asked: number;
  answered: number;
}

/**
 * Calls at a steady rate, whatever becomes of the ones before: as many are made as are due, also after a stall. Two of five go to
 * groups, where there are any; half are of a tool that must not run twice.
 */
export class Traffic {
  readonly sessions: Served = { asked: 0, answered: 0 };
  readonly groups: Served = { asked: 0, answered: 0 };
  readonly #ledger: CallLedger;
  readonly #random: SeededRandom;
  readonly #callers: { readonly sessions: readonly Caller[]; readonly groups: readonly Caller[] };
  readonly #underWay = new Set<Promise<void>>();
  readonly #timer: NodeJS.Timeout;

  constructor(
    ledger: CallLedger,
    random: SeededRandom,
    callers: { readonly sessions: readonly Caller[]; readonly groups: readonly Caller[] },
    perSecond: number,
  ) {
    this.#ledger = ledger;
    this.#random = random;
    this.#callers = callers;
    const beganAt = performance.now();
    let made = 0;
    this.#timer = setInterval(() => {
      const due = Math.floor(((performance.now() - beganAt) / 1_000) * perSecond);
      for (; made < due && !ledger.isFull; made += 1) this.#call();
    }, 10);
  }

  /** Makes no more calls, and waits for those under way, for `patienceMs` at most. */
  async stop(patienceMs: number): Promise<void> {
    clearInterval(this.#timer);
    const late = new AbortController();
    await Promise.race([
      Promise.all(this.#underWay),
      wait(patienceMs, undefined, { signal: late.signal }).catch(() => undefined),
    ]);
    late.abort();
  }

  #call(): void {
    const isForGroup = this.#callers.groups.length > 0 && this.#random.chance(0.4);
    const tally = isForGroup ? this.groups : this.sessions;
    const caller = this.#random.pick(isForGroup ? this.#callers.groups : this.#callers.sessions);
    const call = this.#make(caller, this.#random.chance(0.5), tally);
    this.#underWay.add(call);
    void call.finally(() => this.#underWay.delete(call));
  }

  async #make(caller: Caller, isUnsafe: boolean, tally: Served): Promise<void> {
    const index = this.#ledger.begin(isUnsafe);
    const key = this.#ledger.keyOf(index);
    tally.asked += 1;
    try {
      const result = await caller.callTool(isUnsafe ? 'write' : 'read', { key }, { timeoutMs: callTimeoutMs });
      this.#ledger.answered(index, textOf(result));
      tally.answered += 1;
    } catch (error) {
      this.#ledger.failed(index, error);
    }
  }
}

function textOf({ content: [first] }: ToolResult): unknown {
  return first?.type === 'text' ? first.text : undefined;
}
