import { isHoldfastError } from '../../src/index.ts';
import type { SeededRandom } from '../../src/testing/index.ts';
import type { Stage } from './stage.ts';

/** Something that goes wrong, and how it ends. */
export interface FaultKind {
  /** How long it lasts, from and to. */
  readonly lastsMs: readonly [number, number];
  /** What it happens to: one server, several at once, a group, or nobody but ourselves. */
  readonly reach: 'one' | 'several' | 'group' | 'none';
  /** Only servers of this kind, where it is said; `ungrouped`: none that is a member of a group; `lasting`: connected again by itself. */
  readonly only?: 'http' | 'stdio' | 'ungrouped' | 'lasting' | undefined;
  /** Begins it. What it returns ends it, except what `Stage.mend` mends anyway. */
  readonly begin: (stage: Stage, ids: readonly string[], random: SeededRandom) => FaultEnd | Promise<FaultEnd>;
}

export type FaultEnd = () => void | Promise<void>;

/** Does it now and every so often, until the returned function is called. */
export function repeatedly(stage: Stage, everyMs: number, act: () => void): FaultEnd {
  let timer: unknown;
  const round = (): void => {
    act();
    timer = stage.clock.arrive(round, everyMs);
  };
  round();
  return () => {
    stage.clock.clearTimeout(timer);
  };
}

export const nothing: FaultEnd = () => undefined;

/** What cannot be done now is refused with an error of ours, and that is all right. */
export function ignoringRefusal(act: () => void): void {
  try {
    act();
  } catch (error) {
    if (!isHoldfastError(error)) throw error;
  }
}
