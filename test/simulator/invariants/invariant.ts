import type { History } from '../history.ts';

/** Where an invariant did not hold. */
export interface Breach {
  readonly atMs: number;
  readonly what: string;
}

/** What must hold in every run. */
export interface Invariant {
  /** In a sentence. */
  readonly meaning: string;
  /** Yields each breach of it. A pure function of the history. */
  readonly check: (history: History) => Iterable<Breach>;
}

export function breach({ atMs }: { readonly atMs: number }, what: string): Breach {
  return { atMs, what };
}
