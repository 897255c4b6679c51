import { constants } from 'node:fs';
import { access, readdir, stat } from 'node:fs/promises';
import { lookup } from 'node:dns/promises';
import { delimiter, extname, isAbsolute, join, resolve } from 'node:path';
import { nearestName } from '../../config/nearest-name.ts';
import type { StdioSpec } from '../../config/index.ts';
import { StepFailedError } from './failure.ts';

/** Where programs are looked for when the server gets no PATH. */
const pathWithoutPath = '/usr/bin:/bin';
const isWindows = process.platform === 'win32';

/** Finds the program of a server as the system will; resolves to its path. Rejects with `StepFailedError`. */
export async function resolveProgram(spec: StdioSpec): Promise<string> {
  const { command } = spec;
  const cwd = spec.cwd ?? process.cwd();
  await checkFolder(cwd);
  const hasFolder = /[\\/]/.test(command);
  const folders = hasFolder ? [''] : pathOf(spec).split(delimiter);
  let forbidden: string | undefined;
  for (const folder of folders) {
    for (const name of namesOf(command)) {
      const path = isAbsolute(name) ? name : resolve(cwd, folder, name);
      const found = await lookAt(path);
      if (found === 'program') return path;
      if (found === 'file') forbidden ??= path;
    }
  }
  if (forbidden !== undefined) throw new StepFailedError('EACCES', `${forbidden} may not be executed`);
  if (hasFolder) throw new StepFailedError('ENOENT', `the program ${JSON.stringify(command)} does not exist`);
  const near = nearestName(command, await programsIn(folders, cwd));
  const hint = near === undefined ? '' : ` (did you mean ${JSON.stringify(near)}?)`;
  throw new StepFailedError('ENOENT', `the program ${JSON.stringify(command)} is not on the PATH of the server${hint}`);
}

/** The addresses of a host. Rejects with `StepFailedError` when it has none, and with the reason of the signal. */
export async function resolveHost(host: string, signal: AbortSignal): Promise<readonly string[]> {
  try {
    const found = await unlessAborted(lookup(host, { all: true }), signal);
    return found.map(({ address }) => address);
  } catch (error) {
    signal.throwIfAborted();
    const code = error instanceof Error && 'code' in error ? String(error.code) : 'unknown';
    throw new StepFailedError(code, `the name ${JSON.stringify(host)} has no address (${code})`, { cause: error });
  }
}

/** A name that is being looked up cannot be taken back; it is only waited for no more. */
async function unlessAborted<T>(work: Promise<T>, signal: AbortSignal): Promise<T> {
  let stop: (() => void) | undefined;
  const aborted = new Promise<never>((_, reject) => {
    const onAbort = (): void => {
      reject(new Error('aborted', { cause: signal.reason }));
    };
    signal.addEventListener('abort', onAbort, { once: true });
    stop = () => {
      signal.removeEventListener('abort', onAbort);
    };
  });
  try {
    return await Promise.race([work, aborted]);
  } finally {
    stop?.();
  }
}

async function checkFolder(cwd: string): Promise<void> {
  const is = await kindOf(cwd);
  if (is === 'missing') throw new StepFailedError('cwd:ENOENT', `the working directory ${cwd} does not exist`);
  if (is !== 'folder') throw new StepFailedError('cwd:ENOTDIR', `the working directory ${cwd} is no directory`);
}

async function lookAt(path: string): Promise<'program' | 'file' | 'nothing'> {
  if ((await kindOf(path)) !== 'file') return 'nothing';
  return access(path, constants.X_OK).then(
    () => 'program',
    () => 'file',
  );
}

async function kindOf(path: string): Promise<'folder' | 'file' | 'missing'> {
  try {
    return (await stat(path)).isDirectory() ? 'folder' : 'file';
  } catch {
    return 'missing'; // Or it may not be looked at, which the start of the server will tell.
  }
}

function pathOf({ env }: StdioSpec): string {
  const same = (name: string): boolean => (isWindows ? name.toUpperCase() : name) === 'PATH';
  const own = Object.entries(env).find(([name]) => same(name));
  return (own === undefined ? process.env['PATH'] : own[1]) ?? pathWithoutPath;
}

function namesOf(command: string): readonly string[] {
  if (!isWindows || extname(command) !== '') return [command];
  return (process.env['PATHEXT'] ?? '.COM;.EXE;.BAT;.CMD').split(';').map((extension) => command + extension);
}

async function programsIn(folders: readonly string[], cwd: string): Promise<readonly string[]> {
  const lists = await Promise.all(folders.map((folder) => readdir(join(resolve(cwd, folder))).catch(() => [])));
  return lists.flat().toSorted();
}
