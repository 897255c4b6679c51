import { createHash } from 'node:crypto';
import { lstat, mkdir, open, readFile, rename, rm } from 'node:fs/promises';
import { tmpdir, userInfo } from 'node:os';
import { dirname, join } from 'node:path';

/** How other commands reach a running `up`. */
export interface Running {
  /** The configuration that it holds, absolute. */
  readonly config: string;
  readonly pid: number;
  readonly url: string | null;
  readonly socketPath: string | null;
  readonly token: string;
}

/** Where a running `up` of this configuration leaves word, in a folder that is the user's alone. */
export function runtimeFileOf(config: string, env: Readonly<Record<string, string | undefined>>): string {
  const key = createHash('sha256').update(config).digest('hex').slice(0, 16);
  const shared = env['XDG_RUNTIME_DIR'];
  const folder = shared ? join(shared, 'holdfast') : join(tmpdir(), `holdfast-${userInfo().username}`);
  return join(folder, `${key}.json`);
}

/** Leaves word, readable by this user alone: it holds the token. Rejects when the folder is not the user's own. */
export async function leaveWord(path: string, running: Running): Promise<void> {
  const folder = dirname(path);
  await mkdir(folder, { recursive: true, mode: 0o700 });
  if (!(await isOurs(folder, 0o022))) throw new Error(`${folder} can be written by others`);
  const temporary = `${path}.${process.pid}`;
  const file = await open(temporary, 'wx', 0o600);
  try {
    await file.writeFile(JSON.stringify(running));
  } finally {
    await file.close();
  }
  await rename(temporary, path);
}

/** What a running `up` has left; undefined when there is none, and when others could have written it. */
export async function readWord(path: string): Promise<Running | undefined> {
  try {
    if (!(await isOurs(path, 0o077))) return undefined;
    const word: unknown = JSON.parse(await readFile(path, 'utf8'));
    return isRunning(word) ? word : undefined;
  } catch {
    return undefined; // There is none, or it is being replaced: nobody to attach to.
  }
}

/** Takes the word back, unless it is that of another process by now. */
export async function takeBack(path: string): Promise<void> {
  if ((await readWord(path))?.pid === process.pid) await rm(path, { force: true });
}

async function isOurs(path: string, refusedMode: number): Promise<boolean> {
  const { uid, mode } = await lstat(path);
  return process.platform === 'win32' || (uid === process.getuid?.() && (mode & refusedMode) === 0);
}

function isRunning(word: unknown): word is Running {
  if (typeof word !== 'object' || word === null) return false;
  const { config, pid, url, socketPath, token } = word as Partial<Record<keyof Running, unknown>>;
  const isText = (value: unknown): boolean => typeof value === 'string';
  return (
    isText(config) && typeof pid === 'number' && (isText(url) || (url === null && isText(socketPath))) && isText(token)
  );
}
