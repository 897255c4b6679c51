import { once } from 'node:events';
import { createServer, type Server, type Socket } from 'node:net';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { isRunning } from '../support/processes.ts';

/** What a server is told to do or to become, as `fixtures/chaos-mind.mjs` documents it. */
export interface Order {
  readonly act?: string;
  readonly calls?: string;
  readonly pings?: 'answer' | 'hang';
  readonly requests?: string;
  readonly lateMs?: number;
}

/** How the next processes of a server begin. */
export interface Beginning {
  readonly exit?: number;
  readonly delayMs?: number;
  /** How many of them; the ones after begin as ever. */
  readonly times: number;
}

/** One process of a server, for as long as its line to the director is open. */
export interface Life {
  readonly id: string;
  readonly pid: number;
  /** Where it listens, if it does. */
  readonly port: number | null;
}

/** Every server of a run has a line to it: it knows which of them live, changes their temper and has them act. */
export class Director {
  /** The socket that servers are to connect to. */
  readonly path: string;
  /** Servers of which two processes ran at the same time: one line for each time. */
  readonly overlaps: string[] = [];
  /** Processes that have introduced themselves since the beginning. */
  introductions = 0;
  readonly #server: Server;
  readonly #lives = new Map<Socket, Life>();
  readonly #beginnings = new Map<string, Beginning>();
  readonly #waiting = new Map<string, (life: Life) => void>();

  private constructor(server: Server, path: string) {
    this.#server = server;
    this.path = path;
    server.on('connection', (socket) => this.#meet(socket));
  }

  static async open(folder: string): Promise<Director> {
    const path = join(folder, 'director.sock');
    const server = createServer();
    server.listen(path);
    await once(server, 'listening');
    return new Director(server, path);
  }

  /** To each process of that server that lives; to none if none does, which is as if the order had come too late. */
  order(id: string, order: Order): void {
    for (const [socket, life] of this.#lives) {
      if (life.id === id) socket.write(`${JSON.stringify(order)}\n`);
    }
  }

  begin(id: string, beginning: Beginning): void {
    this.#beginnings.set(id, beginning);
  }

  /** The next process of that server to introduce itself. */
  nextLife(id: string): Promise<Life> {
    return new Promise((resolve) => this.#waiting.set(id, resolve));
  }

  close(): void {
    for (const socket of this.#lives.keys()) socket.destroy();
    this.#server.close();
  }

  #meet(socket: Socket): void {
    socket.on('error', () => socket.destroy());
    socket.on('close', () => this.#lives.delete(socket));
    createInterface({ input: socket }).once('line', (line) => this.#welcome(socket, JSON.parse(line)));
  }

  #welcome(socket: Socket, { id, pid, port = null }: { id: string; pid: number; port?: number | null }): void {
    const life = { id, pid, port };
    for (const other of this.#lives.values()) {
      if (other.id === id && isRunning(other.pid)) this.overlaps.push(`${id}: ${other.pid} and ${pid}`);
    }
    this.introductions += 1;
    this.#lives.set(socket, life);
    const { exit, delayMs = 0 } = this.#beginningOf(id);
    socket.write(`${JSON.stringify({ exit, delayMs })}\n`);
    this.#waiting.get(id)?.(life);
    this.#waiting.delete(id);
  }

  #beginningOf(id: string): Omit<Beginning, 'times'> {
    const beginning = this.#beginnings.get(id);
    if (beginning === undefined) return {};
    if (beginning.times > 1) this.#beginnings.set(id, { ...beginning, times: beginning.times - 1 });
    else this.#beginnings.delete(id);
    return beginning;
  }
}
