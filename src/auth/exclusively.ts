import { randomUUID } from 'node:crypto';
import { mkdir, open, readFile, rm, stat } from 'node:fs/promises';
import { dirname } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { TokenFileError } from '../errors/token-file-error.ts';

/** A lock that is older belongs to a process that died with it, in milliseconds. */
const STALE_MS = 10_000;
/** How long the lock is waited for, in milliseconds. */
const PATIENCE_MS = 15_000;
const RETRY_MS = 25;

/**
 * Runs this while no other process does the same with the same file: a lock file beside it says so. A lock whose holder died is taken
 * over after 10 s. Rejects with `TokenFileError` when the lock cannot be had within 15 s.
 */
export async function exclusively<T>(path: string, run: () => Promise<T>): Promise<T> {
  const lock = `${path}.lock`;
  await mkdir(dirname(path), { recursive: true, mode: 0o700 });
  const deadline = performance.now() + PATIENCE_MS;
  const holder = randomUUID();
  while (!(await taken(lock, holder))) {
    if (performance.now() > deadline)
      throw new TokenFileError(path, 'is being written by another process for too long');
    if (await isStale(lock)) await removeStale(lock, holder);
    await pause(RETRY_MS);
  }
  try {
    return await run();
  } finally {
    // Who took too long has lost it to another one, whose it is now.
    if ((await holderOf(lock)) === holder) await rm(lock, { force: true });
  }
}

/** By one at a time, who looks again: of two who found it stale, the later one would remove the lock that the earlier one has taken since. */
async function removeStale(lock: string, holder: string): Promise<void> {
  const removal = `${lock}.removal`;
  if (await taken(removal, holder)) {
    try {
      if (await isStale(lock)) await rm(lock, { force: true });
    } finally {
      await rm(removal, { force: true });
    }
  } else if (await isStale(removal)) await rm(removal, { force: true });
}

async function holderOf(lock: string): Promise<string | null> {
  try {
    return await readFile(lock, 'utf8');
  } catch {
    return null; // It is gone.
  }
}

async function taken(lock: string, holder: string): Promise<boolean> {
  try {
    const handle = await open(lock, 'wx', 0o600);
    try {
      await handle.writeFile(holder);
    } finally {
      await handle.close();
    }
    return true;
  } catch (error) {
    if (codeOf(error) === 'EEXIST') return false;
    throw error;
  }
}

async function isStale(lock: string): Promise<boolean> {
  try {
    return Date.now() - (await stat(lock)).mtimeMs > STALE_MS;
  } catch {
    return false; // It is gone.
  }
}

function codeOf(error: unknown): unknown {
  return error instanceof Error && 'code' in error ? error.code : undefined;
}
