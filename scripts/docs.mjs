// Writes docs/machines from the machines in dist: `npm run docs` builds first.
import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { machinePages } from '../dist/inspect/machine-pages.js';

const folder = join(import.meta.dirname, '..', 'docs', 'machines');
await mkdir(folder, { recursive: true });
for (const { file, text } of machinePages()) {
  await writeFile(join(folder, file), text);
  console.log(`docs/machines/${file}`);
}
