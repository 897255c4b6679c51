import { execFileSync } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { beforeAll, describe, expect, it, onTestFinished } from 'vitest';
import { built } from '../support/built.ts';
import { exchange } from '../support/raw-http.ts';

const root = join(import.meta.dirname, '..', '..');
const command = join(root, 'dist/cli/main.js');
const memory = join(root, 'node_modules/@modelcontextprotocol/server-memory/dist/index.js');

const hasTmux = ((): boolean => {
  try {
    execFileSync('tmux', ['-V']);
    return true;
  } catch {
    return false;
  }
})();
if (!hasTmux && process.env['CI'] !== undefined)
  throw new Error('The table is tested in a real terminal: install tmux.');

beforeAll(async () => {
  await built();
}, 60_000);

/** `holdfast up` in a terminal of its own, 110 columns wide. */
class Terminal {
  readonly #socket = `holdfast-${randomUUID()}`;
  readonly folder = mkdtempSync(join(tmpdir(), 'holdfast-terminal-'));

  constructor(config: unknown, args: readonly string[]) {
    const file = join(this.folder, 'mcp.json');
    writeFileSync(file, JSON.stringify(config));
    const line = ['env', `XDG_RUNTIME_DIR=${this.folder}`, process.execPath, command, 'up', ...args, file].join(' ');
    // The shell outlives Ctrl-C to tell the exit code: tmux itself loses that of a pane now and then.
    const shell = `trap : INT; ${line}; echo $? >code; exec sleep 600`;
    this.#tmux('new-session', '-d', '-x', '110', '-y', '30', '-c', this.folder, shell);
    onTestFinished(() => {
      this.#tmux('kill-server');
      rmSync(this.folder, { recursive: true });
    });
  }

  get screen(): string {
    return this.#tmux('capture-pane', '-p');
  }

  /** The exit code of the command; undefined while it runs. */
  get code(): string | undefined {
    const file = join(this.folder, 'code');
    return existsSync(file) ? readFileSync(file, 'utf8').trim() || undefined : undefined;
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

const patience = { timeout: 20_000, interval: 50 };
const config = { mcpServers: { memory: { command: process.execPath, args: [memory] } } };

// Without tmux on this machine there is no terminal to show it in; CI has one, or fails.
describe.skipIf(!hasTmux)('holdfast up in a terminal', () => {
  it('shows the table and the dashboard’s address; a server that is killed shows in both; Ctrl-C leaves nothing', async () => {
    const terminal = new Terminal(config, ['--listen', '0']);
    await expect.poll(() => terminal.screen, patience).toMatch(/^memory +healthy/mu);
    expect(terminal.screen).toMatch(/^dashboard: http:\/\/127\.0\.0\.1:\d+\/#token=[\w-]{43}$/mu);
    const [before] = (await terminal.overview()).sessions;
    expect(terminal.screen).toContain(`kill -9 ${before?.pid}`);
    process.kill(before?.pid ?? 0, 'SIGKILL');
    await expect.poll(() => terminal.screen, patience).toMatch(/memory went down[\s\S]*memory is back \(healthy\)/u);
    const [after] = (await terminal.overview()).sessions;
    expect([after?.state, after?.generation]).toEqual(['healthy', 2]);
    await expect.poll(() => terminal.screen, patience).toMatch(new RegExp(`^memory +healthy +${after?.pid} +2 `, 'mu'));
    terminal.resize(40);
    await expect
      .poll(() => Math.max(...terminal.screen.split('\n').map(({ length }) => length)), patience)
      .toBeLessThanOrEqual(40);
    terminal.press('C-c');
    await expect.poll(() => terminal.code, patience).toBe('130');
    expect(terminal.screen).toContain('stopped');
    expect(() => process.kill(after?.pid ?? 0, 0)).toThrow('ESRCH');
    expect(readdirSync(join(terminal.folder, 'holdfast'))).toEqual([]);
  }, 60_000);
});
