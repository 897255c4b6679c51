import { spawn } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { expect, onTestFinished } from 'vitest';
import { built } from '../support/built.ts';
import { membersOf, runningProcesses } from '../support/processes.ts';

export type JsonRecord = Readonly<Record<string, unknown>>;

export interface CliOptions {
  readonly cwd?: string;
  readonly env?: Readonly<Record<string, string>>;
}

export interface CliEnd {
  readonly code: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

const mark = 'HOLDFAST_TEST_RUN';

/** The built command, running. Whatever of it is left when the test ends is killed. */
export class CliProcess {
  readonly #child;
  readonly #run = randomUUID();
  readonly #watchers = new Set<() => void>();
  #end: CliEnd | undefined;
  readonly ended: Promise<CliEnd>;
  stdout = '';
  stderr = '';

  /** `args`: those of Node, the path of the command among them. */
  constructor(args: readonly string[], { cwd, env }: CliOptions) {
    const { NO_COLOR: _no, FORCE_COLOR: _force, ...inherited } = process.env;
    this.#child = spawn(process.execPath, [...args], {
      cwd,
      env: { ...inherited, ...env, [mark]: this.#run },
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    this.#child.stdout.setEncoding('utf8').on('data', (text: string) => {
      this.stdout += text;
      for (const watcher of this.#watchers) watcher();
    });
    this.#child.stderr.setEncoding('utf8').on('data', (text: string) => {
      this.stderr += text;
      for (const watcher of this.#watchers) watcher();
    });
    this.ended = new Promise((resolve) => {
      this.#child.once('close', (code) => {
        this.#end = { code, stdout: this.stdout, stderr: this.stderr };
        resolve(this.#end);
        for (const watcher of this.#watchers) watcher();
      });
    });
  }

  get pid(): number {
    return this.#child.pid ?? 0;
  }

  /** Every whole line of standard output so far, each parsed as JSON. */
  get lines(): readonly JsonRecord[] {
    return this.stdout
      .split('\n')
      .slice(0, -1)
      .map((line) => JSON.parse(line) as JsonRecord);
  }

  /** The first line, of those there are and those to come, that has all these fields; `after`: only from that line number on. */
  line(fields: JsonRecord, after = 0): Promise<JsonRecord> {
    return this.#until(
      () => this.lines.slice(after).find((line) => hasAll(line, fields)),
      () => JSON.stringify(fields),
    );
  }

  /** Resolves when standard error holds the text. */
  async said(text: string): Promise<void> {
    await this.#until(
      () => (this.stderr.includes(text) ? true : undefined),
      () => text,
    );
  }

  signal(name: NodeJS.Signals): void {
    this.#child.kill(name);
  }

  /** Goes away as the reader of standard output. */
  stopReading(): void {
    this.#child.stdout.destroy();
  }

  /** What still runs: the members of the servers' process groups, and whatever was started with our environment. */
  leftovers(): readonly number[] {
    const servers = [...this.stdout.matchAll(/"pid":(\d+)/g)]
      .map(([, pid]) => Number(pid))
      .filter((pid) => pid !== this.pid);
    const marked = runningProcesses().filter(({ pid }) => environmentOf(pid).includes(`${mark}=${this.#run}`));
    return [...new Set([...[...new Set(servers)].flatMap(membersOf), ...marked.map(({ pid }) => pid)])];
  }

  /** What `ask` answers as soon as there is an answer; it is asked again whenever there is more output. */
  async #until<T>(ask: () => T | undefined, what: () => string): Promise<T> {
    for (;;) {
      const answer = ask();
      if (answer !== undefined) return answer;
      if (this.#end !== undefined) throw new Error(`It ended (${this.#end.code}) without ${what()}:\n${this.stderr}`);
      await new Promise<void>((resolve) => {
        const once = (): void => {
          this.#watchers.delete(once);
          resolve();
        };
        this.#watchers.add(once);
      });
    }
  }

  kill(): void {
    for (const pid of this.leftovers()) {
      try {
        process.kill(pid, 'SIGKILL');
      } catch {
        // It ended by itself.
      }
    }
  }
}

/** Starts `holdfast …args`. */
export function startCli(args: readonly string[], options: CliOptions = {}): Promise<CliProcess> {
  return startNode(['dist/cli/main.js', ...args], options);
}

/** Starts `node …args`, with what `dist` holds as it is built for the tests. */
export async function startNode(args: readonly string[], options: CliOptions = {}): Promise<CliProcess> {
  const dist = `${await built()}/`;
  const cli = new CliProcess(
    args.map((arg) => arg.replace(/^dist\//, dist)),
    options,
  );
  onTestFinished(() => {
    cli.kill();
  });
  return cli;
}

/** Runs `holdfast …args` to its end. */
export async function runCli(args: readonly string[], options: CliOptions = {}): Promise<CliEnd> {
  const cli = await startCli(args, options);
  return cli.ended;
}

/** Every line is JSON with a type and a time, the events are numbered without a gap, and it ends with `stopped`. */
export function expectWholeFeed({ lines }: CliProcess): void {
  const seqs = lines.flatMap(({ seq }) => (seq === undefined ? [] : [seq]));
  expect(seqs).toEqual(seqs.map((_, index) => index + 1));
  expect(lines.every(({ type, time }) => typeof type === 'string' && typeof time === 'string')).toBe(true);
  expect(lines.at(-1)).toMatchObject({ type: 'stopped' });
}

function hasAll(line: JsonRecord, fields: JsonRecord): boolean {
  return Object.entries(fields).every(([key, value]) => line[key] === value);
}

function environmentOf(pid: number): string {
  try {
    return readFileSync(`/proc/${pid}/environ`, 'utf8');
  } catch {
    return ''; // It ended, or is not ours.
  }
}
