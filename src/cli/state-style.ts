import type { ConnectionInfo, ConnectionState } from '../index.ts';
import type { Style } from './color.ts';

const styles: Readonly<Record<ConnectionState, Style>> = {
  connecting: 'cyan',
  healthy: 'green',
  degraded: 'yellow',
  unhealthy: 'red',
  disconnected: 'red',
};

/** The colour of a state. A server that is idle or was closed on purpose is no cause for red. */
export function stateStyle({ state, phase }: ConnectionInfo): Style {
  return phase === 'idle' || phase === 'draining' || phase === 'closed' ? 'dim' : styles[state];
}
