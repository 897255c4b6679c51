// Runs the benchmarks named on the command line, or all of them: `npm run bench -- fleet`.
import { spawnSync } from 'node:child_process';
import { readdirSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

const here = new URL('.', import.meta.url);
const known = readdirSync(here)
  .filter((name) => name.endsWith('.bench.mjs'))
  .map((name) => name.slice(0, -'.bench.mjs'.length));
const asked = process.argv.slice(2);
const unknown = asked.filter((name) => !known.includes(name));
if (unknown.length > 0) {
  console.error(`There is no benchmark ${unknown.join(', ')}; known are ${known.join(', ')}.`);
  process.exit(2);
}
let failed = 0;
for (const name of asked.length > 0 ? asked : known) {
  console.log(`\n# ${name}`);
  const { status } = spawnSync(process.execPath, ['--expose-gc', fileURLToPath(new URL(`${name}.bench.mjs`, here))], {
    stdio: 'inherit',
  });
  if (status !== 0) failed += 1;
}
process.exit(failed > 0 ? 1 : 0);
