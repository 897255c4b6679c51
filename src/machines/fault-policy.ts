import type { Fault } from '../link/fault.ts';
import { isCrashLoop, type ParkedFor, type ReconnectConfig } from './reconnect-policy.ts';

/** Where a session waits once its link is released. */
export type Rest = 'backingOff' | 'stopped' | ParkedFor;

/** Decides from the fault alone what helps: time, a new token, a mended configuration, or nothing by itself. */
export function classify(
  fault: Fault,
  past: { readonly exits: readonly number[]; readonly parkedFor: ParkedFor | null },
  policy: ReconnectConfig,
): Rest {
  if (!policy.enabled) return 'stopped';
  switch (fault.kind) {
    case 'auth':
      return 'auth';
    case 'config':
      return 'config';
    case 'spawn':
      return 'config';
    case 'incompatible':
      return 'incompatible';
    case 'exit':
      // A loop that was slowed down is still a loop, though its exits no longer crowd the window.
      return past.parkedFor === 'crashLoop' || isCrashLoop(past.exits, policy) ? 'crashLoop' : 'backingOff';
    case 'unreachable':
    case 'transport':
    case 'timeout':
    case 'session-lost':
    case 'overload':
    case 'protocol':
    case 'internal':
    case 'closed':
      return 'backingOff';
  }
}
