import type { Progress } from '../link/link.ts';
import { abortSignal, atLeast, booleanValue, functionValue, sections, type Rules } from './option-rules.ts';

/** Options of one call. */
export interface CallOptions {
  /** Time for the call, begun anew by each progress notification. Default: the server's `callTimeoutMs`, 60 000. */
  readonly timeoutMs?: number | undefined;
  /** Time for the call however much progress it makes. Default: the server's `maxCallTimeoutMs`, 300 000. */
  readonly maxTimeoutMs?: number | undefined;
  /** Aborting it ends the call at once and tells the server. */
  readonly signal?: AbortSignal | undefined;
  /** Called for each progress notification. If it throws, the call ends with `CallAbortedError`. */
  readonly onProgress?: ((progress: Progress) => void) | undefined;
  /** Called once when a server has answered: which one, and in which generation. */
  readonly onServed?:
    | ((served: { readonly serverId: string; readonly generation: number; readonly attempts: number }) => void)
    | undefined;
  /** True: send it to an unhealthy server too. Default false. */
  readonly evenIfUnhealthy?: boolean | undefined;
}

const rules: Rules = {
  timeoutMs: atLeast(1),
  maxTimeoutMs: atLeast(1),
  signal: abortSignal,
  onProgress: functionValue,
  onServed: functionValue,
  evenIfUnhealthy: booleanValue,
};

/** Throws `InvalidOptionError`. */
export function checkCallOptions(options: CallOptions, serverId: string): void {
  sections(options, rules, '', serverId);
}
