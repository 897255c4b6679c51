import { readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { expect, it } from 'vitest';

const src = join(import.meta.dirname, '..', '..', 'src');

it.for(['index.ts', 'manager/embedding.ts', 'config/index.ts', 'inspect/index.ts', 'testing/index.ts'])(
  'src/%s loads nothing of OpenTelemetry',
  (entry) => {
    expect(packagesLoadedBy(entry).filter((name) => name.startsWith('@opentelemetry/'))).toEqual([]);
  },
);

it('src/telemetry/index.ts does', () => {
  expect(packagesLoadedBy('telemetry/index.ts')).toContain('@opentelemetry/api');
});

/** What is imported when this file is, over all files of ours on the way; not what is imported for its types, or later. */
function packagesLoadedBy(entry: string): string[] {
  const packages = new Set<string>();
  const files = [join(src, entry)];
  for (const file of files) {
    const text = readFileSync(file, 'utf8');
    for (const [, name = ''] of text.matchAll(
      /^(?:import|export)(?! type)[^;]*? from '([^']+)';$|^import '([^']+)';$/gmu,
    )) {
      if (!name.startsWith('.')) packages.add(name);
      else if (!files.includes(join(dirname(file), name))) files.push(join(dirname(file), name));
    }
  }
  return [...packages];
}
