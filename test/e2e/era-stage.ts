import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { createInterface } from 'node:readline';
import { join } from 'node:path';
import { http, type ServerTarget } from '../../src/index.ts';
import { Stage } from './stage.ts';

export type ServerEra = 'dual' | 'modern' | 'legacy';

const fixtures = join(import.meta.dirname, 'fixtures');

/** A stage whose servers speak one era or both. */
export class EraStage extends Stage {
  readonly #children = new Set<ChildProcess>();

  /** A server made with the SDK v2, over stdio. */
  overStdio(era: ServerEra): ServerTarget {
    return this.#program('eras-server.mjs', era);
  }

  /** A legacy server over stdio that is silent when it is asked for what it does not know, or exits. */
  odd(how: 'silent' | 'exits'): ServerTarget {
    return this.#program('odd-era-server.mjs', how);
  }

  /** A server made with the SDK v2, over HTTP, and the way to kill it. On a port of its choice unless one is given. */
  async overHttp(era: ServerEra, port = 0): Promise<{ target: ServerTarget; port: number; kill: () => Promise<void> }> {
    const child = spawn(process.execPath, [join(fixtures, 'eras-server.mjs'), era, 'http'], {
      env: { ...process.env, PORT: String(port) },
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    this.#children.add(child);
    const [line] = (await once(createInterface({ input: child.stdout }), 'line')) as [string];
    const kill = async (): Promise<void> => {
      if (!this.#children.delete(child)) return;
      child.kill('SIGKILL');
      await once(child, 'close');
    };
    return { target: http({ url: `http://127.0.0.1:${line}/mcp` }), port: Number(line), kill };
  }

  /** How often the servers over stdio were started. */
  get starts(): number {
    return readFileSync(this.#starts, 'utf8').trimEnd().split('\n').length;
  }

  override async end(): Promise<void> {
    for (const child of this.#children) {
      child.kill('SIGKILL');
      await once(child, 'close');
    }
    await super.end();
  }

  get #starts(): string {
    return join(this.directory, 'starts.log');
  }

  #program(name: string, ...args: string[]): ServerTarget {
    return this.command('a', process.execPath, [join(fixtures, name), ...args], { STARTS: this.#starts });
  }
}
