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

/**
 * The paths of the states that the present ones can go on to at once, of what is within each other the innermost. `leadsTo`: by the
 * path of each state, the paths that it leads to, separated by blanks.
 */
export function nextPaths(lit: readonly string[], leadsTo: ReadonlyMap<string, string>): readonly string[] {
  const all = lit.flatMap((path) => (leadsTo.get(path) ?? '').split(' ')).filter((path) => path !== '');
  const next = [...new Set(all)].filter((path) => !lit.includes(path));
  return next.filter((path) => !next.some((other) => other.startsWith(`${path}.`)));
}

/** A state's name without those around it. */
export function shortName(path: string): string {
  return path.slice(path.lastIndexOf('.') + 1);
}

function withOuter(path: string): readonly string[] {
  const keys = path.split('.');
  return keys.map((_key, index) => keys.slice(0, index + 1).join('.'));
}
