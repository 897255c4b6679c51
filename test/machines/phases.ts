import type { Phase } from '../../src/machines/connection-state.ts';

/** Every phase of a session. */
export const phases: readonly Phase[] = [
  'idle',
  'connecting.waiting',
  'connecting.opening',
  'connecting.verifying',
  'connecting.hydrating',
  'connected.healthy',
  'connected.degraded',
  'connected.unhealthy',
  'releasing',
  'disconnected.backingOff',
  'disconnected.parked.auth',
  'disconnected.parked.config',
  'disconnected.parked.crashLoop',
  'disconnected.parked.incompatible',
  'disconnected.stopped',
  'draining',
  'closed',
];
