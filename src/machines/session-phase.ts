import type { SnapshotFrom } from 'xstate';
import type { Phase } from './connection-state.ts';
import type { SessionMachine } from './session-machine.ts';

/** The phase that a state value of the session machine stands for. */
export function phaseOf(value: SnapshotFrom<SessionMachine>['value']): Phase {
  if (typeof value === 'string') return value;
  if ('connected' in value) return `connected.${value.connected.health}`;
  if ('connecting' in value) {
    if (typeof value.connecting === 'string') return `connecting.${value.connecting}`;
    const { attempt } = value.connecting;
    return typeof attempt === 'string' ? `connecting.${attempt}` : 'connecting.verifying';
  }
  const { disconnected } = value;
  return typeof disconnected === 'string'
    ? `disconnected.${disconnected}`
    : `disconnected.parked.${disconnected.parked}`;
}
