import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { request } from 'node:http';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { eventually } from './eventually.ts';

const script = join(import.meta.dirname, '..', 'fixtures', 'http-server.mjs');
const everythingScript = join(
  import.meta.dirname,
  '..',
  '..',
  'node_modules',
  '@modelcontextprotocol',
  'server-everything',
  'dist',
  'index.js',
);

/** Settings, faults and orders as `fixtures/http-server.mjs` documents them. */
export type HttpSettings = Readonly<Record<string, unknown>>;

/** What the server saw in this life; it is forgotten with the process. */
export interface HttpTruth {
  readonly pid: number;
  readonly sessions: readonly string[];
  /** Requests by name: `POST tools/call`, `GET`, `GET resume`, `DELETE`, `POST /token`. */
  readonly requests: Readonly<Record<string, number>>;
  /** Replies by name and status, `none` where there was none: `GET 200`, `POST tools/call none`. */
  readonly statuses: Readonly<Record<string, number>>;
  readonly gets: readonly {
    readonly at: number;
    readonly lastEventId: string | null;
    readonly status: number | null;
  }[];
  /** Ids of requests that the client has cancelled. */
  readonly cancelled: readonly (string | number)[];
  readonly open: { readonly standby: number; readonly replies: number };
  readonly connections: { readonly opened: number; readonly open: number };
  readonly refreshes: number;
  readonly badRefreshes: number;
  readonly registrations: number;
}

/** A server over HTTP that can die and come back on the same port. */
interface Life {
  readonly child: ChildProcess;
  readonly port: number;
}

/** A child process that serves HTTP on 127.0.0.1 and can be killed, stopped, and started again where it was. */
abstract class HttpProcess {
  #life: Life | null = null;
  #port = 0;

  /** 0 where the server can find a free port by itself and tell of it. */
  protected async choosePort(): Promise<number> {
    return 0;
  }

  /** What to run so that it listens on that port, 0 for a free one. */
  protected abstract command(port: number): { readonly args: readonly string[]; readonly env: NodeJS.ProcessEnv };
  /** Resolves with the port once it listens. */
  protected abstract listening(child: ChildProcess, port: number): Promise<number>;

  get pid(): number {
    const pid = this.#life?.child.pid;
    if (pid === undefined) throw new Error('the server does not run');
    return pid;
  }

  get port(): number {
    return this.#port;
  }

  get url(): string {
    return `http://127.0.0.1:${this.#port}/mcp`;
  }

  /** Starts it, on the port that it had before if it ever ran. */
  async start(): Promise<this> {
    if (this.#port === 0) this.#port = await this.choosePort();
    // Somebody else may hold the port for a moment, as the near end of a connection of theirs.
    this.#life = await eventually(() => this.#launch(), { timeoutMs: 60_000 });
    this.#port = this.#life.port;
    return this;
  }

  /** SIGKILL, and waits until it is gone. */
  async kill(): Promise<void> {
    const child = this.#life?.child;
    this.#life = null;
    if (child === undefined || child.exitCode !== null || child.signalCode !== null) return;
    const exited = once(child, 'exit');
    child.kill('SIGKILL');
    await exited;
  }

  /** Dies and comes back at once, as another process that knows nothing of the first. */
  async restart(): Promise<void> {
    await this.kill();
    await this.start();
  }

  stop(): void {
    process.kill(this.pid, 'SIGSTOP');
  }

  continue(): void {
    process.kill(this.pid, 'SIGCONT');
  }

  async #launch(): Promise<Life> {
    const { args, env } = this.command(this.#port);
    const child = spawn(process.execPath, args, { env, stdio: ['ignore', 'pipe', 'pipe'] });
    const port = await this.listening(child, this.#port);
    child.stdout?.resume();
    child.stderr?.resume();
    return { child, port };
  }
}

/** The fault server. Settings stay over its lives. */
export class HttpFixture extends HttpProcess {
  #settings: HttpSettings;

  constructor(settings: HttpSettings = {}) {
    super();
    this.#settings = settings;
  }

  /** Changes settings, for this life and the next ones, and the faults of them. */
  async set(settings: HttpSettings): Promise<HttpTruth> {
    this.#settings = { ...this.#settings, ...settings };
    return this.#control(settings);
  }

  /** Changes settings of the next lives only. */
  setNext(settings: HttpSettings): void {
    this.#settings = { ...this.#settings, ...settings };
  }

  /** Gives an order, which is not repeated in its next life. */
  async order(order: HttpSettings): Promise<HttpTruth> {
    return this.#control(order);
  }

  async truth(): Promise<HttpTruth> {
    return this.#control();
  }

  /** Executions of tools over all its lives, in order: `echo {"text":"hi"}`. Needs a `log` among its settings. */
  executions(): string[] {
    return this.#log('run ');
  }

  /** The process ids of all its lives. */
  starts(): number[] {
    return this.#log('start ').map(Number);
  }

  /** Waits until so many standby streams are open. */
  async holdsStandby(streams = 1): Promise<void> {
    await eventually(async () => (await this.truth()).open.standby === streams, {
      timeoutMs: 60_000,
      what: `${streams} standby streams are open`,
    });
  }

  /** Waits until the tool was started that often with these arguments. */
  async executed(line: string, times = 1): Promise<void> {
    await eventually(() => this.executions().filter((execution) => execution === line).length >= times, {
      timeoutMs: 60_000,
      what: `${line} is executed`,
    });
  }

  #log(kind: string): string[] {
    const { log } = this.#settings;
    if (typeof log !== 'string') throw new Error('the fixture keeps no log');
    const lines = readFileSync(log, 'utf8').split('\n');
    return lines.filter((line) => line.startsWith(kind)).map((line) => line.slice(kind.length));
  }

  protected override command(port: number): { args: readonly string[]; env: NodeJS.ProcessEnv } {
    return { args: [script, JSON.stringify({ ...this.#settings, port })], env: process.env };
  }

  protected override async listening(child: ChildProcess): Promise<number> {
    const { port } = JSON.parse(await lineOf(child, 'stdout', '{')) as { port: number };
    return port;
  }

  /** On a connection of its own, so that none is left. */
  async #control(order?: HttpSettings): Promise<HttpTruth> {
    const url = new URL('/control', this.url);
    const asking = request(url, { method: order === undefined ? 'GET' : 'POST', agent: false });
    asking.end(order === undefined ? undefined : JSON.stringify(order));
    const [response] = await once(asking, 'response');
    let text = '';
    for await (const chunk of response.setEncoding('utf8')) text += chunk;
    return JSON.parse(text) as HttpTruth;
  }
}

/** The published server-everything over Streamable HTTP, which answers 400 to a session that it does not know. */
export class EverythingOverHttp extends HttpProcess {
  protected override async choosePort(): Promise<number> {
    const finder = createServer().listen(0, '127.0.0.1');
    await once(finder, 'listening');
    const address = finder.address();
    finder.close();
    await once(finder, 'close');
    if (typeof address !== 'object' || address === null) throw new Error('no port is free');
    return address.port;
  }

  protected override command(port: number): { args: readonly string[]; env: NodeJS.ProcessEnv } {
    return { args: [everythingScript, 'streamableHttp'], env: { ...process.env, PORT: String(port) } };
  }

  protected override async listening(child: ChildProcess, port: number): Promise<number> {
    await lineOf(child, 'stderr', 'MCP Streamable HTTP Server listening');
    return port;
  }
}

/** The first line that begins so; rejects if the process exits before. */
async function lineOf(child: ChildProcess, stream: 'stdout' | 'stderr', start: string): Promise<string> {
  const input = child[stream];
  if (input === null) throw new Error('there is no pipe');
  const lines = createInterface({ input });
  const seen: string[] = [];
  try {
    for await (const line of lines) {
      if (line.startsWith(start)) return line;
      seen.push(line);
    }
  } finally {
    lines.close();
  }
  throw new Error(`the server ended without "${start}":\n${seen.join('\n')}`);
}
