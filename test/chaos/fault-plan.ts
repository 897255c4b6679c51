import { monitorEventLoopDelay } from 'node:perf_hooks';
import { setTimeout as wait } from 'node:timers/promises';
import type { SeededRandom } from '../../src/testing/index.ts';
import type { Cast, Pair } from './cast.ts';
import type { ChaosOptions } from './chaos-options.ts';
import type { ChaosServer } from './chaos-servers.ts';
import type { Director } from './director.ts';
import { Episode } from './episode.ts';
import type { EventWatch } from './event-watch.ts';
import { FaultTallies } from './fault-tallies.ts';
import { signalProcess, stroke, type FaultKind } from './fault-kind.ts';
import { httpFaults, networkFaults, serverFaults, stdioFaults } from './server-faults.ts';

const ownStallMs = 400;

const memberKilled: FaultKind = stroke('every member of a group killed', 'may', async (subject) => {
  if (subject.server.kind === 'http') await subject.server.restart();
  else signalProcess(subject, 'SIGKILL');
});

interface PlanInput {
  readonly cast: Cast;
  readonly director: Director;
  readonly events: EventWatch;
  readonly random: SeededRandom;
}

/** Starts faults at a steady rate, each kind as often as the others, each session with one at a time. */
export class FaultPlan {
  readonly tallies = new FaultTallies();
  /** Faults that have happened, also those that no session has to tell of. */
  count = 0;
  readonly #input: PlanInput;
  readonly #episodes = new Map<string, Promise<void>>();
  readonly #delay = monitorEventLoopDelay({ resolution: 5 });
  /** Each gives whether it found somebody to happen to. */
  readonly #moves: ReadonlyMap<string, () => boolean>;
  #bag: string[] = [];

  constructor(input: PlanInput) {
    this.#input = input;
    this.#moves = new Map([
      ...this.#movesOf('stdio', [...stdioFaults, ...serverFaults]),
      ...this.#movesOf('http', [...httpFaults, ...networkFaults, ...serverFaults]),
      ['every member of a group killed', () => this.#killGroup()],
      ['group failed over by hand', () => this.#moveGroup()],
      ['own stall', () => this.#stall()],
    ]);
    this.#delay.enable();
  }

  /** How many kinds of faults there are, over stdio and HTTP. */
  get kinds(): number {
    return this.#moves.size;
  }

  /** The longest time in which this process did nothing else, since the plan was made. */
  get longestStallMs(): number {
    return this.#delay.max / 1e6;
  }

  close(): void {
    this.#delay.disable();
  }

  /** Ends when the last of the faults is over and its session healthy, or given up on. */
  async run(
    { minutes, faultsPerSecond, signal }: Pick<ChaosOptions, 'minutes' | 'faultsPerSecond' | 'signal'>,
    onProgress: (line: string) => void,
  ): Promise<void> {
    const beganAt = performance.now();
    const total = Math.round(minutes * 60 * faultsPerSecond);
    for (let started = 1; started <= total; started += 1) {
      const dueInMs = beganAt + (started / faultsPerSecond) * 1_000 - performance.now();
      await wait(Math.max(0, dueInMs), undefined, { signal }).catch(() => undefined);
      if (signal.aborted) break;
      this.#next();
      if (started % 60 === 0) onProgress(`${started} faults, ${this.tallies.count} of them over`);
    }
    await Promise.all(this.#episodes.values());
  }

  /** The next kind out of the bag that finds somebody; the bag is filled again when it is empty. */
  #next(): void {
    if (this.#bag.length === 0) this.#bag = [...this.#input.random.shuffled([...this.#moves.keys()])];
    const index = this.#bag.findIndex((name) => this.#moves.get(name)?.() === true);
    if (index === -1) return;
    this.#bag.splice(index, 1);
    this.count += 1;
  }

  #movesOf<Server extends ChaosServer>(
    kind: Server['kind'],
    faults: readonly FaultKind<Server>[],
  ): [string, () => boolean][] {
    return faults.map((fault) => [
      `${kind}: ${fault.name}`,
      () => {
        const free = this.#input.cast.pairs.filter(
          (pair): pair is Pair & { server: Server } => pair.server.kind === kind && this.#isFree(pair),
        );
        if (free.length === 0) return false;
        this.#start(fault, kind, this.#input.random.pick(free));
        return true;
      },
    ]);
  }

  #killGroup(): boolean {
    const { cast, random } = this.#input;
    const members = cast.groups.get(random.pick([...cast.groups.keys(), '']) ?? '');
    const pairs = cast.pairs.filter((pair) => members?.includes(pair.server.id) === true);
    if (pairs.length === 0 || !pairs.every((pair) => this.#isFree(pair))) return false;
    for (const pair of pairs) this.#start(memberKilled, 'group', pair);
    return true;
  }

  #moveGroup(): boolean {
    const { cast, random } = this.#input;
    if (cast.groups.size === 0) return false;
    const group = cast.manager.group(random.pick([...cast.groups.keys()]));
    if (!group.members.some(({ active, admits }) => admits && !active)) return false;
    group.failOver('chaos');
    return true;
  }

  #stall(): boolean {
    const until = performance.now() + ownStallMs;
    while (performance.now() < until);
    return true;
  }

  #isFree({ session }: Pair): boolean {
    return session.state === 'healthy' && !this.#episodes.has(session.id);
  }

  #start<Server extends ChaosServer>(
    fault: FaultKind<Server>,
    kind: string,
    { server, session }: { readonly server: Server; readonly session: Pair['session'] },
  ): void {
    const { director, events } = this.#input;
    const episode = new Episode({ ...fault, name: `${kind}: ${fault.name}` }, { server, session, director });
    const unlisten = events.listen(session.id, (event) => episode.see(event));
    const running = episode
      .run()
      .then((outcome) => this.tallies.note(outcome))
      .finally(() => {
        unlisten();
        this.#episodes.delete(session.id);
      });
    this.#episodes.set(session.id, running);
  }
}
