// A process in which one mutant lives: the simulator is loaded with the bug planted, and runs until it is caught.
import { register } from 'node:module';
import type { MutantOutcome } from './run-mutants.ts';
import { mutants } from './mutants.ts';

const mutant = mutants.find(({ name }) => name === process.argv[2]);
if (mutant === undefined) throw new Error(`there is no mutant ${String(process.argv[2])}`);
register('./mutant-loader.js', import.meta.url, { data: mutant });
const { sameTrace } = await import('./invariants.ts');
const { runSeed } = await import('./run-seeds.ts');
const { simulate } = await import('./simulate.ts');

const mostSeeds = 25;
let outcome: MutantOutcome = { mutant: mutant.name, caughtBy: null, seeds: mostSeeds };
for (let seed = 1; seed <= mostSeeds; seed += 1) {
  const order = { seed, minutes: mutant.minutes ?? 5 };
  const { violations } = mutant.invariant === sameTrace ? await runSeed(order) : await simulate(seed, order);
  const found = violations.find(({ invariant }) => invariant === mutant.invariant);
  if (found === undefined) continue;
  outcome = { mutant: mutant.name, caughtBy: found.invariant, seeds: seed };
  break;
}
process.send?.(outcome);
process.disconnect();
