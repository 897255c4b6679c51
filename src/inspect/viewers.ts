import type { WebSocket } from 'ws';
import type { SessionManager } from '../manager/session-manager.ts';
import { frameOf } from './inspector-frame.ts';

/** The most that a viewer is told of what is there when it comes; about 3 000 sessions. */
const mostAtFirstBytes = 64 * 1024 * 1024;
/** A viewer that has this much more unread is let go: one that misses frames would show what is not so. */
const mostUnreadBytes = 8 * 1024 * 1024;

const closing = {
  over: { code: 1001, reason: 'it was ended' },
  tooMuch: { code: 1009, reason: 'there are too many servers: choose some' },
  tooSlow: { code: 1013, reason: 'too slow' },
} as const;

/** Those who look on. Each is told of everything from the beginning; while there is none, the manager tells nobody. */
export class Viewers {
  readonly #manager: Pick<SessionManager, 'inspect'>;
  readonly #servers: readonly string[] | undefined;
  readonly #viewers = new Map<WebSocket, () => void>();

  constructor(manager: Pick<SessionManager, 'inspect'>, servers: readonly string[] | undefined) {
    this.#manager = manager;
    this.#servers = servers;
  }

  get count(): number {
    return this.#viewers.size;
  }

  add(socket: WebSocket): void {
    // It closes after each; a viewer that breaks the protocol is its own affair.
    socket.on('error', () => undefined);
    socket.on('close', () => {
      this.#remove(socket);
    });
    let most = mostAtFirstBytes;
    let why: keyof typeof closing = 'tooMuch';
    this.#viewers.set(socket, () => undefined);
    const stop = this.#manager.inspect(
      {
        next: (event) => {
          if (socket.readyState !== socket.OPEN) return;
          if (socket.bufferedAmount > most) this.#close(socket, why);
          else socket.send(JSON.stringify(frameOf(event, Date.now())));
        },
      },
      this.#servers === undefined ? {} : { servers: this.#servers },
    );
    most = socket.bufferedAmount + mostUnreadBytes;
    why = 'tooSlow';
    if (this.#viewers.has(socket)) this.#viewers.set(socket, stop);
    else stop();
  }

  end(): void {
    for (const socket of this.#viewers.keys()) this.#close(socket, 'over');
  }

  /** What is unread comes before the goodbye: one that does not read gets half a minute, by the WebSocket's own timer. */
  #close(socket: WebSocket, why: keyof typeof closing): void {
    const { code, reason } = closing[why];
    this.#remove(socket);
    socket.close(code, reason);
  }

  #remove(socket: WebSocket): void {
    this.#viewers.get(socket)?.();
    this.#viewers.delete(socket);
  }
}
