// Runs the benchmarks named on the command line, or all of them: `npm run bench -- fleet`. Options are for the one that is
// named: `npm run bench -- calls --peers`.
import { spawnSync } from 'node:child_process';
import { readdirSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

const here = new URL('.', import.meta.url);
const known = readdirSync(here)
  .filter((name) => name.endsWith('.bench.mjs'))
  .map((name) => name.slice(0, -'.bench.mjs'.length));
const first = process.argv.findIndex((argument) => argument.startsWith('--'));
const asked = process.argv.slice(2, first === -1 ? undefined : first);
const options = first === -1 ? [] : process.argv.slice(first);
const unknown = asked.filter((name) => !known.includes(name));
if (unknown.length > 0) {
  console.error(`There is no benchmark ${unknown.join(', ')}; known are ${known.join(', ')}.`);
  process.exit(2);
}
if (options.length > 0 && asked.length !== 1) {
  console.error(`Name the one benchmark that ${options.join(' ')} is for.`);
  process.exit(2);
}
let failed = 0;
for (const name of asked.length > 0 ? asked : known) {
  console.error(`\n# ${name}`);
  const file = fileURLToPath(new URL(`${name}.bench.mjs`, here));
  const { status } = spawnSync(process.execPath, ['--expose-gc', file, ...options], { stdio: 'inherit' });
  if (status !== 0) failed += 1;
}
process.exit(failed > 0 ? 1 : 0);
