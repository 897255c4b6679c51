// What `import 'holdfast'` costs a process, against the import of the SDK's client, which it loads only with its first connection:
// each in a process of its own, in turn.
import { spawnSync } from 'node:child_process';
import { median, range } from './statistics.mjs';

const rounds = 15;
const modules = {
  "the SDK's client": '@modelcontextprotocol/sdk/client/index.js',
  holdfast: new URL('../dist/index.js', import.meta.url).href,
};

function importOnce(module) {
  const script = `const began = performance.now(); await import(${JSON.stringify(module)}); console.log(performance.now() - began);`;
  const { stdout, stderr } = spawnSync(process.execPath, ['--input-type=module', '-e', script], { encoding: 'utf8' });
  const ms = Number(stdout);
  if (!(ms > 0)) throw new Error(`${module} could not be imported: ${stderr}`);
  return ms;
}

const times = new Map(Object.keys(modules).map((name) => [name, []]));
for (let round = 0; round <= rounds; round += 1) {
  for (const [name, module] of Object.entries(modules)) {
    const ms = importOnce(module);
    // The first of each finds its files on the disk.
    if (round > 0) times.get(name).push(ms);
  }
}
console.log(`medians and ranges of ${rounds} alternating processes`);
for (const [name, all] of times) console.log(`${name}: ${median(all).toFixed(0)} ms (${range(all, 0)})`);
const ratios = times.get('holdfast').map((ms, round) => ms / times.get("the SDK's client")[round]);
console.log(`ratio ${median(ratios).toFixed(2)} (${range(ratios, 2)}; budget 0.5)`);
