import type { HoldfastError } from '../errors/holdfast-error.ts';

/** What `apply` did about one server or one group. */
export type Applied =
  | {
      readonly id: string;
      /** `replaced`: it was removed, once its calls in flight had ended, and added as it is written now. */
      readonly change: 'added' | 'replaced' | 'removed' | 'unchanged';
    }
  | {
      readonly id: string;
      readonly change: 'refused';
      /** True: what an earlier configuration said of it is still in force. */
      readonly kept: boolean;
      readonly error: HoldfastError;
    };

/** What `apply` did. Those of the configuration come first, in its order; then those that it no longer has. */
export interface ApplyReport {
  readonly servers: readonly Applied[];
  readonly groups: readonly Applied[];
}
