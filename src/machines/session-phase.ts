import type { SnapshotFrom } from 'xstate';
import type { Phase } from './connection-state.ts';
import type { SessionMachine } from './session-machine.ts';

/** Written out: a word put together anew for every step would be compared letter by letter. */
const phases = {
  connecting: {
    waiting: 'connecting.waiting',
    opening: 'connecting.opening',
    verifying: 'connecting.verifying',
    hydrating: 'connecting.hydrating',
  },
  connected: {
    healthy: 'connected.healthy',
    degraded: 'connected.degraded',
    unhealthy: 'connected.unhealthy',
  },
  disconnected: {
    backingOff: 'disconnected.backingOff',
    stopped: 'disconnected.stopped',
  },
  parked: {
    auth: 'disconnected.parked.auth',
    config: 'disconnected.parked.config',
    crashLoop: 'disconnected.parked.crashLoop',
    incompatible: 'disconnected.parked.incompatible',
  },
} as const satisfies Readonly<Record<string, Readonly<Record<string, Phase>>>>;

/** The phase that a state value of the session machine stands for. */
export function phaseOf(value: SnapshotFrom<SessionMachine>['value']): Phase {
  if (typeof value === 'string') return value;
  if ('connected' in value) return phases.connected[value.connected.health];
  if ('connecting' in value) {
    if (typeof value.connecting === 'string') return phases.connecting[value.connecting];
    const { attempt } = value.connecting;
    return typeof attempt === 'string' ? phases.connecting[attempt] : phases.connecting.verifying;
  }
  const { disconnected } = value;
  return typeof disconnected === 'string' ? phases.disconnected[disconnected] : phases.parked[disconnected.parked];
}
