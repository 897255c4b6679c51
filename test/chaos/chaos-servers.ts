import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { http, stdio, type ServerTarget } from '../../src/index.ts';
import { TcpProxy } from '../support/tcp-proxy.ts';
import type { Director } from './director.ts';

/** What all servers of a run share. */
export interface Surroundings {
  readonly director: Director;
  /** Where they write down each execution, before they tell of it. */
  readonly log: string;
  /** In the environment of every process of a server over stdio, and of what it starts. */
  readonly mark: string;
}

/** Its processes are the manager's. */
export interface StdioServer {
  readonly kind: 'stdio';
  readonly id: string;
  readonly target: ServerTarget;
}

export const markName = 'HOLDFAST_CHAOS';
const fixtures = join(packageRoot(), 'test', 'chaos', 'fixtures');

export function createStdioServer(id: string, { director, log, mark }: Surroundings): StdioServer {
  const env = { ...environmentOf(id, director, log), [markName]: mark };
  const target = stdio({ command: process.execPath, args: [join(fixtures, 'chaos-stdio.mjs')], env });
  return { kind: 'stdio', id, target };
}

/** A process of ours behind a proxy, which can be killed and started again where it was. */
export class HttpServer {
  readonly kind = 'http';
  readonly id: string;
  readonly proxy: TcpProxy;
  readonly target: ServerTarget;
  readonly #replies: 'json' | 'sse';
  readonly #port: number;
  readonly #surroundings: Surroundings;
  #child: ChildProcess;

  private constructor(id: string, replies: 'json' | 'sse', surroundings: Surroundings, start: Start) {
    this.id = id;
    this.proxy = start.proxy;
    this.target = http({ url: `http://127.0.0.1:${start.proxy.port}/mcp` });
    this.#replies = replies;
    this.#surroundings = surroundings;
    this.#port = start.port;
    this.#child = start.child;
  }

  static async open(id: string, replies: 'json' | 'sse', surroundings: Surroundings): Promise<HttpServer> {
    const life = surroundings.director.nextLife(id);
    const child = spawnHttp(id, [replies], surroundings);
    const { port } = await life;
    if (port === null) throw new Error(`${id} did not tell its port`);
    return new HttpServer(id, replies, surroundings, { child, port, proxy: await TcpProxy.open(port) });
  }

  signal(signal: NodeJS.Signals): void {
    this.#child.kill(signal);
  }

  /** Ends the process, whatever state it is in. */
  async kill(): Promise<void> {
    if (this.#child.exitCode !== null || this.#child.signalCode !== null) return;
    const exited = once(this.#child, 'exit');
    this.#child.kill('SIGKILL');
    await exited;
  }

  /** A new process on the same port, which knows of no session. */
  async start(): Promise<void> {
    const life = this.#surroundings.director.nextLife(this.id);
    this.#child = spawnHttp(this.id, [this.#replies, `${this.#port}`], this.#surroundings);
    await life;
  }

  async restart(): Promise<void> {
    await this.kill();
    await this.start();
  }

  async close(): Promise<void> {
    await this.kill();
    this.proxy.close();
  }
}

export type ChaosServer = StdioServer | HttpServer;

interface Start {
  readonly child: ChildProcess;
  readonly port: number;
  readonly proxy: TcpProxy;
}

function spawnHttp(id: string, args: readonly string[], { director, log }: Surroundings): ChildProcess {
  const env = { ...process.env, ...environmentOf(id, director, log) };
  return spawn(process.execPath, [join(fixtures, 'chaos-http.mjs'), ...args], { env, stdio: 'ignore' });
}

function environmentOf(id: string, director: Director, log: string): Record<string, string> {
  return { CHAOS_ID: id, CHAOS_CONTROL: director.path, CHAOS_LOG: log };
}

/** The servers are not compiled: they lie in the sources, wherever this module runs from. */
function packageRoot(): string {
  let folder = import.meta.dirname;
  while (!existsSync(join(folder, 'package.json'))) folder = dirname(folder);
  return folder;
}
