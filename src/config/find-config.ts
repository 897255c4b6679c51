import { access } from 'node:fs/promises';
import { basename, dirname, resolve } from 'node:path';

import { ConfigError } from '../errors/config-error.ts';
import { startOfFile } from './json-position.ts';
import { describeReadError, errorCode } from './read-text-file.ts';

/** What is looked for when no file is named, in this order. */
const usualNames = ['holdfast.json', '.mcp.json', 'mcp.json', '.vscode/mcp.json'] as const;

/** Folders of a host inside the folder that is meant. */
const hostFolders: ReadonlySet<string> = new Set(['.vscode', '.cursor']);

/** A configuration file, read but not parsed. */
export interface ConfigText {
  /** Absolute. */
  readonly file: string;
  readonly text: string;
}

/** The file that `loadConfig` would read, absolute; undefined when there is none. */
export async function findConfigFile(path?: string, cwd = '.'): Promise<string | undefined> {
  for (const name of path === undefined ? usualNames : [path]) {
    const file = resolve(cwd, name);
    try {
      await access(file);
      return file;
    } catch {
      // The next one, then.
    }
  }
  return undefined;
}

/** Reads the named file, or the first usual one that exists; rejects with `ConfigError` when there is none. */
export async function findConfig(
  path: string | undefined,
  cwd: string,
  readFile: (path: string) => Promise<string>,
): Promise<ConfigText> {
  for (const name of path === undefined ? usualNames : [path]) {
    const file = resolve(cwd, name);
    try {
      return { file, text: (await readFile(file)).replace(/^\uFEFF/, '') };
    } catch (error) {
      const code = errorCode(error);
      if (path === undefined && (code === 'ENOENT' || code === 'ENOTDIR')) continue;
      const { problem, fix } = describeReadError(error);
      throw new ConfigError(
        { file, ...startOfFile, field: null, serverId: null, problem: `the file ${problem}`, fix },
        { cause: error },
      );
    }
  }
  throw new ConfigError({
    file: cwd,
    ...startOfFile,
    field: null,
    serverId: null,
    problem: `there is no configuration here; looked for ${usualNames.join(', ')}`,
    fix: 'create one of these, or name a file: `holdfast up <file>`, loadConfig("<file>")',
  });
}

/** The folder that relative paths in a file start from: its own, or the one above for `.vscode` and `.cursor`. */
export function projectFolderOf(file: string): string {
  const folder = dirname(file);
  return hostFolders.has(basename(folder)) ? dirname(folder) : folder;
}
