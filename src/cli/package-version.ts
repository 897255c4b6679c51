import { readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';

/** The version in holdfast's own package.json, which is the nearest above this file. */
export function packageVersion(from: string = import.meta.dirname): string {
  for (let folder = from; ; folder = dirname(folder)) {
    const { name, version } = readPackage(join(folder, 'package.json'));
    if (name === 'holdfast' && typeof version === 'string') return version;
    if (dirname(folder) === folder) throw new Error(`There is no package.json of holdfast above ${from}.`);
  }
}

function readPackage(path: string): { readonly name?: unknown; readonly version?: unknown } {
  try {
    const parsed: unknown = JSON.parse(readFileSync(path, 'utf8'));
    return typeof parsed === 'object' && parsed !== null ? parsed : {};
  } catch {
    return {}; // None here: the one looked for is further up.
  }
}
