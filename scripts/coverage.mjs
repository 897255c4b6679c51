// Writes docs/coverage.md from the tables of the machines' tests: `npm run docs` runs it. Fails when a pair is not tested.
import { spawnSync } from 'node:child_process';
import { join } from 'node:path';

const root = join(import.meta.dirname, '..');
const vitest = join(root, 'node_modules', 'vitest', 'vitest.mjs');
const { status } = spawnSync(process.execPath, [vitest, 'run', 'test/machines/coverage.test.ts', '--update'], {
  cwd: root,
  stdio: 'inherit',
});
console.log('docs/coverage.md');
process.exitCode = status ?? 1;
