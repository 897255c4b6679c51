import { fork } from 'node:child_process';
import { availableParallelism } from 'node:os';
import { fileURLToPath } from 'node:url';
import { type Mutant, mutants } from './mutants.ts';

/** What became of one mutant. */
export interface MutantOutcome {
  readonly mutant: string;
  /** The invariant that it broke; null when none of those that it had to break was broken. */
  readonly caughtBy: string | null;
  /** How many seeds that took. */
  readonly seeds: number;
}

/** Real time after which a mutant counts as missed: none may hang. */
const longestMs = 120_000;

/** Runs each mutant in a process of its own, as many at a time as there are cores; `only`: those with this in their names. */
export async function runMutants(
  only: string | undefined,
  onOutcome: (outcome: MutantOutcome) => void,
): Promise<readonly MutantOutcome[]> {
  const left = mutants.filter(({ name }) => only === undefined || name.includes(only));
  const outcomes: MutantOutcome[] = [];
  const runOneAfterTheOther = async (): Promise<void> => {
    for (let mutant = left.shift(); mutant !== undefined; mutant = left.shift()) {
      const outcome = await runMutant(mutant);
      outcomes.push(outcome);
      onOutcome(outcome);
    }
  };
  await Promise.all(Array.from({ length: availableParallelism() }, runOneAfterTheOther));
  return outcomes;
}

function runMutant({ name }: Mutant): Promise<MutantOutcome> {
  return new Promise((resolve, reject) => {
    const worker = fork(fileURLToPath(new URL('mutant-worker.js', import.meta.url)), [name]);
    const timer = setTimeout(() => {
      worker.kill('SIGKILL');
    }, longestMs);
    let outcome: MutantOutcome | undefined;
    worker.on('message', (told: MutantOutcome) => {
      outcome = told;
    });
    worker.on('exit', (code) => {
      clearTimeout(timer);
      if (outcome !== undefined) resolve(outcome);
      else if (code === null) resolve({ mutant: name, caughtBy: null, seeds: 0 });
      else reject(new Error(`mutant "${name}" could not be run (exit ${code}); its text must be in its file once`));
    });
  });
}
