import { isHoldfastError } from '../../src/index.ts';

/** What came of a call, as its caller was told. */
export type CallEnd =
  | 'pending'
  | 'answered'
  | 'executed'
  | 'rejected'
  | 'not-sent'
  | 'unknown'
  | 'untyped'
  | 'mixed-up';

const ends: readonly CallEnd[] = [
  'pending',
  'answered',
  'executed',
  'rejected',
  'not-sent',
  'unknown',
  'untyped',
  'mixed-up',
];

/** One call of a run, as it is read back. */
export interface CallRecord {
  readonly key: string;
  readonly isUnsafe: boolean;
  readonly end: CallEnd;
  /** From the call to its end, in milliseconds; null while it has none. */
  readonly tookMs: number | null;
}

/**
 * Every call of a run in a fixed amount of memory, so that what the run retains is not taken for what holdfast does. Keys are
 * `c<number>`.
 */
export class CallLedger {
  count = 0;
  /** How often each code was thrown. */
  readonly codes = new Map<string, number>();
  /** The first errors that were not holdfast's. */
  readonly untyped: string[] = [];
  readonly #isUnsafe: Uint8Array;
  readonly #ends: Uint8Array;
  readonly #beganAt: Float64Array;
  readonly #tookMs: Float64Array;

  constructor(capacity: number) {
    this.#isUnsafe = new Uint8Array(capacity);
    this.#ends = new Uint8Array(capacity);
    this.#beganAt = new Float64Array(capacity);
    this.#tookMs = new Float64Array(capacity);
  }

  get isFull(): boolean {
    return this.count === this.#ends.length;
  }

  /** The index of the new call. */
  begin(isUnsafe: boolean): number {
    const index = this.count;
    this.count += 1;
    this.#isUnsafe[index] = isUnsafe ? 1 : 0;
    this.#beganAt[index] = performance.now();
    return index;
  }

  keyOf(index: number): string {
    return `c${index}`;
  }

  answered(index: number, text: unknown): void {
    this.#settle(index, text === this.keyOf(index) ? 'answered' : 'mixed-up');
  }

  failed(index: number, error: unknown): void {
    if (!isHoldfastError(error) || error.outcome === null) {
      if (this.untyped.length < 10) this.untyped.push(String(error));
      this.#settle(index, 'untyped');
      return;
    }
    this.codes.set(error.code, (this.codes.get(error.code) ?? 0) + 1);
    this.#settle(index, error.outcome);
  }

  *records(): Generator<CallRecord> {
    for (let index = 0; index < this.count; index += 1) {
      const end = ends[this.#ends[index] ?? 0] ?? 'pending';
      yield {
        key: this.keyOf(index),
        isUnsafe: this.#isUnsafe[index] === 1,
        end,
        tookMs: end === 'pending' ? null : (this.#tookMs[index] ?? 0),
      };
    }
  }

  #settle(index: number, end: CallEnd): void {
    this.#tookMs[index] = performance.now() - (this.#beganAt[index] ?? 0);
    this.#ends[index] = ends.indexOf(end);
  }
}
