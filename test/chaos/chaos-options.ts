/** What is planted to show that a run would see it: memory that is retained with each event, or a second execution. */
export type Plant = 'leak' | 'double';

export interface ChaosOptions {
  /** How long there are faults, in minutes. */
  readonly minutes: number;
  /** Decides which faults happen to whom and who is called, as far as the machine's speed lets it. */
  readonly seed: number;
  readonly sessions: number;
  readonly callsPerSecond: number;
  readonly faultsPerSecond: number;
  readonly plant: Plant | null;
  /** Ends the faults early; what comes after them comes all the same. */
  readonly signal: AbortSignal;
  /** A line about how it goes. */
  readonly onProgress: (line: string) => void;
}
