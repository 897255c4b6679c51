import type { StepFailure } from './failure.ts';

/** The steps through which a server is taken, in this order; `spawn` for one that is a process, `dial` for a remote one. */
export type StepName = 'configuration' | 'resolve' | 'spawn' | 'dial' | 'handshake' | 'probe' | 'list' | 'call';

/** How one step of a server went. */
export type Step =
  | { readonly step: StepName; readonly status: 'ok'; readonly ms: number; readonly detail: string }
  | { readonly step: StepName; readonly status: 'skipped'; readonly ms: 0; readonly detail: string }
  | {
      readonly step: StepName;
      readonly status: 'failed';
      readonly ms: number;
      readonly detail: string;
      /** What went wrong, machine-readable: a fault code or the code of an error. */
      readonly code: string;
      /** What helps, in a sentence. */
      readonly fix: string;
    };

/** What the steps of a server need to tell how they went. */
export interface StepsWorld {
  /** Frees a text of secrets. */
  readonly scrub: (text: string) => string;
  readonly fixFor: (step: StepName, failure: StepFailure) => string;
  readonly failureOf: (thrown: unknown) => StepFailure | Promise<StepFailure>;
  /** Told when a step begins. */
  readonly onBegin: (step: StepName) => void;
  readonly signal: AbortSignal;
}

/** Takes steps one after the other, until one fails; measures each. */
export class Steps {
  readonly taken: Step[] = [];
  readonly #world: StepsWorld;

  constructor(world: StepsWorld) {
    this.#world = world;
  }

  /**
   * Takes a step: what `act` resolves with is the detail. Resolves to whether it went well. Rejects only with the reason of the signal, once
   * that is aborted.
   */
  async take(step: StepName, act: () => Promise<string>): Promise<boolean> {
    const { scrub, fixFor, failureOf, onBegin, signal } = this.#world;
    const began = performance.now();
    const sinceMs = (): number => Math.round((performance.now() - began) * 10) / 10;
    onBegin(step);
    try {
      const detail = await act();
      this.taken.push({ step, status: 'ok', ms: sinceMs(), detail: scrub(detail) });
      return true;
    } catch (error) {
      const ms = sinceMs();
      signal.throwIfAborted();
      const failure = await failureOf(error);
      const { code } = failure;
      const detail = scrub(failure.detail.replace(/\.$/, ''));
      this.taken.push({ step, status: 'failed', ms, detail, code, fix: scrub(fixFor(step, failure)) });
      return false;
    }
  }

  skip(step: StepName, why: string): void {
    this.taken.push({ step, status: 'skipped', ms: 0, detail: this.#world.scrub(why) });
  }
}
