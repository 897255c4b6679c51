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

/** The paths of the states that a session is in, and of all around them. While it is connected there are two regions. */
export function litPaths(phase: Phase, circuit: CircuitState, onProbation: boolean): readonly string[] {
  const lit = [...withOuter(deeper[phase] ?? phase)];
  if (lit[0] !== 'connected') return lit;
  const closed = onProbation ? 'probation' : 'normal';
  return [...lit, 'connected.circuit', `connected.circuit.${circuit === 'closed' ? closed : circuit}`];
}

function withOuter(path: string): readonly string[] {
  const keys = path.split('.');
  return keys.map((_key, index) => keys.slice(0, index + 1).join('.'));
}
