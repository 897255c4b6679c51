import type { SeededRandom } from '../../src/testing/index.ts';
import type { FaultEnd, FaultKind } from './fault-kind.ts';
import { hostFaults } from './host-faults.ts';
import { serverFaults } from './server-faults.ts';
import type { Stage } from './stage.ts';

/** Everything that can go wrong, by its name. */
const faultKinds: Readonly<Record<string, FaultKind>> = { ...serverFaults, ...hostFaults };

interface Ongoing {
  readonly name: string;
  readonly servers: readonly string[];
  readonly endsAtMs: number;
  readonly end: FaultEnd;
}

/** Lets things go wrong, several at a time, each with servers that nothing else is wrong with. */
export class Trouble {
  /** How often each kind of fault happened. */
  readonly counts: Record<string, number> = {};
  readonly #stage: Stage;
  readonly #random: SeededRandom;
  #ongoing: readonly Ongoing[] = [];
  /** Drawn like cards, so that a run has met most kinds before one comes again. */
  #deck: string[] = [];

  constructor(stage: Stage, random: SeededRandom) {
    this.#stage = stage;
    this.#random = random;
  }

  /** Time to the next fault. */
  get gapMs(): number {
    return this.#random.between(1_000, 7_000);
  }

  /** When the first of those under way is over; null when there is none. */
  get nextEndMs(): number | null {
    return this.#ongoing.length === 0 ? null : Math.min(...this.#ongoing.map(({ endsAtMs }) => endsAtMs));
  }

  /** Begins a fault, if there are servers for it. */
  async begin(): Promise<void> {
    if (this.#deck.length === 0) this.#deck = [...this.#random.shuffled(Object.keys(faultKinds))];
    const name = this.#deck.pop() ?? '';
    const kind = faultKinds[name];
    if (kind === undefined) return;
    const servers = this.#victims(kind);
    if (servers.length === 0 && kind.reach !== 'none') return;
    const { recorder, clock, troubled } = this.#stage;
    this.counts[name] = (this.counts[name] ?? 0) + 1;
    for (const id of servers) troubled.add(id);
    recorder.note({ kind: 'fault', name, servers, on: true });
    const [least, most] = kind.lastsMs;
    const lastsMs = this.#random.between(least, most);
    const end = await kind.begin(this.#stage, servers, this.#random);
    this.#ongoing = [...this.#ongoing, { name, servers, endsAtMs: clock.monotonic() + lastsMs, end }];
  }

  /** Ends those that are over by now, or all. */
  async end(which: 'over' | 'all'): Promise<void> {
    const nowMs = this.#stage.clock.monotonic();
    const over = this.#ongoing.filter(({ endsAtMs }) => which === 'all' || endsAtMs <= nowMs);
    this.#ongoing = this.#ongoing.filter((each) => !over.includes(each));
    for (const { name, servers, end } of over) await this.#end(name, servers, end);
  }

  async #end(name: string, servers: readonly string[], end: FaultEnd): Promise<void> {
    const { recorder, clock, troubled } = this.#stage;
    for (const id of servers) this.#stage.mend(id);
    // A server that is being removed takes its time, which has to pass.
    let isOver = false;
    const ended = Promise.resolve(end()).finally(() => {
      isOver = true;
    });
    await clock.settle();
    if (!isOver) await clock.runUntil(() => isOver, { maxMs: 30_000 });
    await ended;
    for (const id of servers) troubled.delete(id);
    recorder.note({ kind: 'fault', name, servers, on: false });
  }

  #victims({ reach, only }: FaultKind): readonly string[] {
    if (reach === 'none') return [];
    const { cast, troubled } = this.#stage;
    const grouped = new Set(cast.groups.flatMap(({ members }) => members));
    const sound = cast.servers.filter(
      ({ id, kind, options, isBystander }) =>
        !isBystander &&
        !troubled.has(id) &&
        (only === undefined ||
          kind === only ||
          (only === 'ungrouped' && !grouped.has(id)) ||
          (only === 'lasting' && kind !== 'once' && options.lazy !== true)),
    );
    const ids = sound.map(({ id }) => id);
    if (ids.length === 0) return [];
    if (reach === 'one') return [this.#random.pick(ids)];
    if (reach === 'several') return this.#random.shuffled(ids).slice(0, 4);
    return this.#random.pick(cast.groups).members.filter((id) => ids.includes(id));
  }
}
