import { execFileSync } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, onTestFinished } from 'vitest';
import { exchange } from '../support/raw-http.ts';

const command = join(import.meta.dirname, '..', '..', 'dist/cli/main.js');

/** A machine without tmux has no terminal to test in; CI has one, or fails. */
export const hasTmux = ((): boolean => {
  try {
    execFileSync('tmux', ['-V']);
    return true;
  } catch {
    return false;
  }
})();
if (!hasTmux && process.env['CI'] !== undefined)
  throw new Error('The table is tested in a real terminal: install tmux.');

/** As long as a person would wait. */
export const patience = { timeout: 20_000, interval: 50 };

/** `holdfast` in a terminal of its own, 110 columns wide, in a folder with these files. What it leaves behind elsewhere is in there, too. */
export class Terminal {
  readonly #socket = `holdfast-${randomUUID()}`;
  #runs = false;
  readonly folder: string;

  /** `folder`: that of another terminal, to be in the same place. Default: one of its own. */
  constructor(files: Readonly<Record<string, unknown>>, folder?: string) {
    this.folder = folder ?? mkdtempSync(join(tmpdir(), 'holdfast-terminal-'));
    for (const [name, content] of Object.entries(files)) this.write(name, content);
    onTestFinished(() => {
      this.#tmux('kill-server');
      if (folder === undefined) rmSync(this.folder, { recursive: true });
    });
  }

  /** Starts `holdfast …args`, in the place of what was started before. */
  run(...args: readonly string[]): void {
    const env = `XDG_RUNTIME_DIR=${this.folder} XDG_STATE_HOME=${this.folder}`;
    const line = ['env', env, process.execPath, command, ...args].join(' ');
    // The shell outlives Ctrl-C to tell the exit code: tmux itself loses that of a pane now and then.
    const shell = `trap : INT; ${line}; echo $? >${this.#code}; exec sleep 600`;
    rmSync(this.#code, { force: true });
    if (this.#runs) this.#tmux('respawn-pane', '-k', shell);
    else this.#tmux('new-session', '-d', '-x', '110', '-y', '30', '-c', this.folder, shell);
    this.#runs = true;
  }

  write(name: string, content: unknown): void {
    writeFileSync(join(this.folder, name), typeof content === 'string' ? content : JSON.stringify(content));
  }

  get #code(): string {
    return join(this.folder, `${this.#socket}.code`);
  }

  get screen(): string {
    return this.#tmux('capture-pane', '-p');
  }

  /** The exit code of the command; undefined while it runs. */
  get code(): string | undefined {
    return existsSync(this.#code) ? readFileSync(this.#code, 'utf8').trim() || undefined : undefined;
  }

  /** Waits until the screen shows it. */
  async shows(what: RegExp): Promise<void> {
    await expect.poll(() => this.screen, patience).toMatch(what);
  }

  press(key: string): void {
    this.#tmux('send-keys', key);
  }

  resize(columns: number): void {
    this.#tmux('resize-window', '-x', String(columns), '-y', '30');
  }

  /** What the service of this command tells. */
  async overview(): Promise<{
    readonly sessions: readonly {
      readonly id: string;
      readonly pid: number;
      readonly state: string;
      readonly generation: number;
    }[];
  }> {
    const [word = ''] = readdirSync(join(this.folder, 'holdfast'));
    const { url, token }: { url: string; token: string } = JSON.parse(
      readFileSync(join(this.folder, 'holdfast', word), 'utf8'),
    );
    const headers = { authorization: `Bearer ${token}` };
    return JSON.parse((await exchange(new URL('/api/sessions', url).href, { method: 'GET', headers })).body);
  }

  #tmux(...args: readonly string[]): string {
    return execFileSync('tmux', ['-L', this.#socket, '-f', '/dev/null', ...args], { encoding: 'utf8' });
  }
}
