import type { Progress } from '../link/link.ts';
import { abortSignal, atLeast, booleanValue, functionValue, oneOf, sections, type Rules } from './option-rules.ts';

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
  /**
   * Whether it may be sent a second time. `auto` (default): where it was certainly not executed, and where that is safe. `safe`: also
   * where it may have been executed, since doing it twice does no harm. `never`: to one server, once.
   */
  readonly retry?: 'auto' | 'safe' | 'never' | undefined;
  /** True: send it to an unhealthy server too, and to one whose circuit is open. Default false. */
  readonly evenIfUnhealthy?: boolean | undefined;
  /**
   * How long it waits for a server that is being connected; 0: not at all. Default: the server's `waitForReadyMs`, 5 000. A call to a group
   * waits for no member, and the first call to a lazy server waits as long as it may take.
   */
  readonly waitForReadyMs?: number | undefined;
}

const rules: Rules = {
  timeoutMs: atLeast(1),
  maxTimeoutMs: atLeast(1),
  signal: abortSignal,
  onProgress: functionValue,
  onServed: functionValue,
  retry: oneOf('auto', 'safe', 'never'),
  evenIfUnhealthy: booleanValue,
  waitForReadyMs: atLeast(0),
};

/** Throws `InvalidOptionError`. */
export function checkCallOptions(options: CallOptions, serverId: string): void {
  sections(options, rules, '', serverId);
}
