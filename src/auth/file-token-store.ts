import { randomUUID } from 'node:crypto';
import { readFileSync, statSync } from 'node:fs';
import { open, rename, rm } from 'node:fs/promises';
import { dirname } from 'node:path';
import { TokenFileError } from '../errors/token-file-error.ts';
import { exclusively } from './exclusively.ts';
import type { Credentials, TokenStore } from './token-store.ts';

const VERSION = 1;
const OTHERS = 0o077;

interface Contents {
  readonly version: number;
  readonly servers: Readonly<Record<string, Credentials>>;
}

/**
 * Keeps the credentials of any number of servers in one file that only its owner can read: mode 0600, in a directory of mode 0700 if it
 * has to be made. Each change is written as a whole (to a file beside it, flushed, then renamed), and merged with what other processes
 * have written meanwhile. What others have written is seen with the next request.
 *
 * A file that is damaged, or that others can read, is a `TokenFileError` and is left as it is.
 */
export function fileTokenStore(path: string): TokenStore {
  return new FileTokenStore(path);
}

class FileTokenStore implements TokenStore {
  readonly #path: string;
  #seen: { readonly stamp: string; readonly contents: Contents } | undefined;

  constructor(path: string) {
    this.#path = path;
  }

  read(key: string): Credentials {
    const { servers } = this.#contents();
    return (Object.hasOwn(servers, key) ? servers[key] : undefined) ?? {};
  }

  async change(key: string, changed: (before: Credentials) => Credentials): Promise<void> {
    await exclusively(this.#path, async () => {
      const { servers } = this.#contents();
      const next = Object.fromEntries([
        ...Object.entries(servers).filter(([other]) => other !== key),
        [key, changed(this.read(key))],
      ]);
      await this.#write({ version: VERSION, servers: next });
    });
  }

  /** As of now: what is in the file is read again when the file is another one. */
  #contents(): Contents {
    const stats = statSync(this.#path, { throwIfNoEntry: false });
    if (stats === undefined) return { version: VERSION, servers: {} };
    const stamp = `${stats.ino} ${stats.mtimeMs} ${stats.size}`;
    if (this.#seen?.stamp === stamp) return this.#seen.contents;
    if (process.platform !== 'win32' && (stats.mode & OTHERS) !== 0) {
      throw new TokenFileError(this.#path, 'can be read by others: make it yours alone with chmod 600');
    }
    const contents = this.#parsed(readFileSync(this.#path, 'utf8'));
    this.#seen = { stamp, contents };
    return contents;
  }

  #parsed(text: string): Contents {
    try {
      const value: unknown = JSON.parse(text);
      if (isContents(value)) return value;
    } catch {
      // What was thrown quotes the file, with the tokens in it.
    }
    throw new TokenFileError(
      this.#path,
      `is no token file of version ${VERSION}: mend it, or move it away and authorise anew`,
    );
  }

  async #write(contents: Contents): Promise<void> {
    // In containers, every process may have the same id.
    const temporary = `${this.#path}.${randomUUID()}`;
    try {
      const file = await open(temporary, 'wx', 0o600);
      try {
        await file.writeFile(JSON.stringify(contents, null, 2));
        await file.sync();
      } finally {
        await file.close();
      }
      await rename(temporary, this.#path);
      await flushDirectory(dirname(this.#path));
    } catch (error) {
      await rm(temporary, { force: true });
      throw error;
    }
  }
}

/** A renamed file is safe when its directory is; Windows has no such thing. */
async function flushDirectory(path: string): Promise<void> {
  if (process.platform === 'win32') return;
  const directory = await open(path, 'r');
  try {
    await directory.sync();
  } finally {
    await directory.close();
  }
}

function isContents(value: unknown): value is Contents {
  if (typeof value !== 'object' || value === null || !('version' in value) || !('servers' in value)) return false;
  const { version, servers } = value;
  return (
    version === VERSION &&
    typeof servers === 'object' &&
    servers !== null &&
    !Array.isArray(servers) &&
    Object.values(servers).every((each) => typeof each === 'object' && each !== null)
  );
}
