import { createHash } from 'node:crypto';
import { mkdir, readFile, rename, writeFile } from 'node:fs/promises';
import { homedir } from 'node:os';
import { dirname, join } from 'node:path';
import type { LoadedConfig, ServerSpec } from '../config/index.ts';

/** Where the commands that somebody has approved are kept. */
export function approvalsFile(env: Readonly<Record<string, string | undefined>>): string {
  return join(env['XDG_STATE_HOME'] || join(env['HOME'] || homedir(), '.local', 'state'), 'holdfast', 'approvals.json');
}

/** Hashes by the file that names the server, and the id of the server. */
type Kept = Readonly<Record<string, Readonly<Record<string, string>>>>;

/** The commands that somebody has looked at, in a file of this user's alone. Remote servers start nothing here and need no approval. */
export class Approvals {
  readonly #path: string;

  constructor(path: string) {
    this.#path = path;
  }

  /** The servers whose program, arguments, folder or names of variables are not those that were approved. */
  async missing({ servers }: LoadedConfig): Promise<readonly ServerSpec[]> {
    const kept = await this.#read();
    return servers.filter((spec) => {
      const hash = commandHash(spec);
      return spec.enabled && hash !== undefined && kept[spec.source.file]?.[spec.id] !== hash;
    });
  }

  async approve(servers: readonly ServerSpec[]): Promise<void> {
    const kept = new Map(Object.entries(await this.#read()).map(([file, ids]) => [file, { ...ids }]));
    for (const spec of servers) {
      const hash = commandHash(spec);
      const { file } = spec.source;
      if (hash !== undefined) kept.set(file, { ...kept.get(file), [spec.id]: hash });
    }
    await mkdir(dirname(this.#path), { recursive: true, mode: 0o700 });
    const temporary = `${this.#path}.${process.pid}`;
    await writeFile(temporary, `${JSON.stringify(Object.fromEntries(kept), null, 1)}\n`, { mode: 0o600 });
    await rename(temporary, this.#path);
  }

  /** A file that cannot be read, or holds something else, approves nothing. */
  async #read(): Promise<Kept> {
    try {
      const kept: unknown = JSON.parse(await readFile(this.#path, 'utf8'));
      return isKept(kept) ? kept : {};
    } catch {
      return {};
    }
  }
}

/** Undefined for a server that starts nothing. Values of variables may change without being looked at again. */
function commandHash({ transport }: ServerSpec): string | undefined {
  if (transport.kind !== 'stdio') return undefined;
  const { command, args, cwd = null, env } = transport;
  const looked = JSON.stringify([command, args, cwd, Object.keys(env).toSorted()]);
  return createHash('sha256').update(looked).digest('hex');
}

function isKept(value: unknown): value is Kept {
  const isObject = (each: unknown): each is object => typeof each === 'object' && each !== null && !Array.isArray(each);
  return isObject(value) && Object.values(value).every(isObject);
}
