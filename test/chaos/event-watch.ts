import type { ConnectionInfo, ManagerEvent, Phase, SessionEvent, SessionManager } from '../../src/index.ts';

/** Follows every event of a run, retaining none: gap-free, continuous, and in the end equal to what the sessions say. */
export class EventWatch {
  count = 0;
  /** One sentence for each thing that was wrong with the events. */
  readonly violations: string[] = [];
  readonly #last = new Map<string, { readonly phase: Phase; readonly generation: number }>();
  readonly #listeners = new Map<string, (event: SessionEvent) => void>();
  readonly #subscription: { unsubscribe(): void };
  readonly #leaked: string[] = [];
  #seq: number;

  /** `leaks`: plants a leak of a kilobyte with each event. */
  constructor(manager: SessionManager, leaks: boolean) {
    this.#seq = manager.snapshot().seq;
    for (const { id, phase, generation } of manager.listSessions()) this.#last.set(id, { phase, generation });
    this.#subscription = manager.events$.subscribe((event) => {
      this.#see(event);
      if (leaks) this.#leaked.push(`${'a leak '.repeat(150)}${event.seq}`);
    });
  }

  /** The events of one session from now on, until the returned function is called. */
  listen(id: string, listener: (event: SessionEvent) => void): () => void {
    this.#listeners.set(id, listener);
    return () => this.#listeners.delete(id);
  }

  /** Holds what the events gave so far against what these sessions say of themselves. */
  compare(sessions: readonly ConnectionInfo[]): void {
    for (const { id, phase, generation } of sessions) {
      const told = this.#last.get(id);
      if (told?.phase !== phase || told.generation !== generation)
        this.violations.push(
          `${id} is ${phase} in generation ${generation}, its events give ${told?.phase} in ${told?.generation}`,
        );
    }
  }

  stop(): void {
    this.#subscription.unsubscribe();
  }

  #see(event: ManagerEvent): void {
    this.count += 1;
    if (event.seq !== this.#seq + 1) this.violations.push(`event ${event.seq} follows ${this.#seq}`);
    this.#seq = event.seq;
    if (event.serverId === undefined) return;
    if (event.type === 'stateChanged') this.#follow(event);
    this.#listeners.get(event.serverId)?.(event);
  }

  #follow(event: Extract<SessionEvent, { type: 'stateChanged' }>): void {
    const { serverId, phase, fromPhase, generation } = event;
    const before = this.#last.get(serverId);
    const begins = phase === 'connecting.opening' ? 1 : 0;
    if (before?.phase !== fromPhase || before.generation !== generation - begins)
      this.violations.push(
        `${serverId} came from ${fromPhase} in generation ${generation - begins}; it was ${before?.phase} in ${before?.generation}`,
      );
    this.#last.set(serverId, { phase, generation });
  }
}
