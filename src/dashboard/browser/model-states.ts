import type { CircuitState, Phase } from '../../index.ts';

/** What of a phase is further inside the statechart than its name says. */
const deeper: Readonly<Partial<Record<Phase, string>>> = {
  'connecting.opening': 'connecting.attempt.opening',
  'connecting.verifying': 'connecting.attempt.verifying',
  'connecting.hydrating': 'connecting.attempt.hydrating',
  'connected.healthy': 'connected.health.healthy',
  'connected.degraded': 'connected.health.degraded',
  'connected.unhealthy': 'connected.health.unhealthy',
};

/**
 * The paths of the states that a session is in, and of all around them. While it is connected there are two regions; which of its states a
 * closed circuit is in is not told, so that none of them is among these.
 */
export function litPaths(phase: Phase, circuit: CircuitState): readonly string[] {
  const lit = [...withOuter(deeper[phase] ?? phase)];
  if (lit[0] !== 'connected') return lit;
  return [...lit, 'connected.circuit', ...(circuit === 'closed' ? [] : [`connected.circuit.${circuit}`])];
}

function withOuter(path: string): readonly string[] {
  const keys = path.split('.');
  return keys.map((_key, index) => keys.slice(0, index + 1).join('.'));
}
