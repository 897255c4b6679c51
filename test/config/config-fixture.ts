import { mkdir, mkdtemp, realpath, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';

import { afterEach } from 'vitest';

import { loadConfig } from '../../src/config/index.ts';
import type { LoadConfigOptions, LoadedConfig } from '../../src/config/index.ts';

/** A fresh folder holding `files`, removed after the test. */
export async function folderWith(files: Readonly<Record<string, string>>): Promise<string> {
  const folder = await realpath(await mkdtemp(join(tmpdir(), 'holdfast-config-')));
  folders.push(folder);
  for (const [name, text] of Object.entries(files)) {
    await mkdir(dirname(join(folder, name)), { recursive: true });
    await writeFile(join(folder, name), text);
  }
  return folder;
}

/** Loads `text` as `/project/mcp.json`, with nothing else on the disk and nothing in the environment. */
export function loadText(
  text: string,
  options: LoadConfigOptions & { readonly file?: string } = {},
): Promise<LoadedConfig> {
  const { file = '/project/mcp.json', ...rest } = options;
  return loadConfig(file, {
    env: {},
    readFile: async (path) => {
      if (path === file) return text;
      throw Object.assign(new Error('no such file'), { code: 'ENOENT' });
    },
    ...rest,
  });
}

const folders: string[] = [];

afterEach(async () => {
  for (const folder of folders.splice(0)) await rm(folder, { recursive: true });
});
