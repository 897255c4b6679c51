// Writes docs/machines and docs/holdfast.schema.json from dist: `npm run docs` builds first.
import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { configSchema } from '../dist/config/index.js';
import { machinePages } from '../dist/inspect/machine-pages.js';

const folder = join(import.meta.dirname, '..', 'docs', 'machines');
await mkdir(folder, { recursive: true });
for (const { file, text } of machinePages()) {
  await writeFile(join(folder, file), text);
  console.log(`docs/machines/${file}`);
}
await writeFile(join(folder, '..', 'holdfast.schema.json'), `${JSON.stringify(configSchema(), null, 2)}\n`);
console.log('docs/holdfast.schema.json');
