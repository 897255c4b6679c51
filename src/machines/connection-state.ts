/** The five words in which a session's connection is told to the world. */
export type ConnectionState = 'connecting' | 'healthy' | 'degraded' | 'unhealthy' | 'disconnected';

/** The exact state of a session's statechart. */
export type Phase =
  | 'idle'
  | 'connecting.waiting'
  | 'connecting.opening'
  | 'connecting.verifying'
  | 'connecting.hydrating'
  | 'connected.healthy'
  | 'connected.degraded'
  | 'connected.unhealthy'
  | 'releasing'
  | 'disconnected.backingOff'
  | 'disconnected.parked.auth'
  | 'disconnected.parked.config'
  | 'disconnected.parked.crashLoop'
  | 'disconnected.parked.incompatible'
  | 'disconnected.stopped'
  | 'draining'
  | 'closed';

export type CircuitState = 'closed' | 'open' | 'halfOpen';

export const connectionStates = [
  'connecting',
  'healthy',
  'degraded',
  'unhealthy',
  'disconnected',
] as const satisfies readonly ConnectionState[];

const stateByPhase: Readonly<Record<Phase, ConnectionState>> = {
  idle: 'disconnected',
  'connecting.waiting': 'connecting',
  'connecting.opening': 'connecting',
  'connecting.verifying': 'connecting',
  'connecting.hydrating': 'connecting',
  'connected.healthy': 'healthy',
  'connected.degraded': 'degraded',
  'connected.unhealthy': 'unhealthy',
  releasing: 'disconnected',
  'disconnected.backingOff': 'disconnected',
  'disconnected.parked.auth': 'disconnected',
  'disconnected.parked.config': 'disconnected',
  'disconnected.parked.crashLoop': 'disconnected',
  'disconnected.parked.incompatible': 'disconnected',
  'disconnected.stopped': 'disconnected',
  draining: 'disconnected',
  closed: 'disconnected',
};

/** The public word for a phase. An open circuit shows as `unhealthy`. */
export function stateOfPhase(phase: Phase, circuit: CircuitState): ConnectionState {
  const state = stateByPhase[phase];
  return circuit !== 'closed' && (state === 'healthy' || state === 'degraded') ? 'unhealthy' : state;
}
