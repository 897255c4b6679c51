import { once } from 'node:events';
import { createServer } from 'node:net';
import type { AddressInfo, Server, Socket } from 'node:net';
import { INITIALIZE_RESULT } from '../link/sdk/scripted-transport.ts';
import type { WireMessage } from '../link/sdk/scripted-transport.ts';
import { turns } from './fuzz.ts';

/** What is written back to one request, to the byte, and how the connection then ends. */
export interface ScriptedReply {
  readonly pieces: readonly Buffer[];
  /** `end` closes the connection in order, `reset` does not, `later` closes it only after a while. */
  readonly ending: 'end' | 'reset' | 'later';
}

/**
 * An HTTP server made of nothing but a socket, which can therefore write what is not HTTP. Requests of one method get the
 * scripted replies, in turn; everything else is answered as it should be.
 */
export class ReplyServer {
  readonly #server: Server;
  readonly #sockets = new Set<Socket>();
  #method = '';
  #replies: ScriptedReply[] = [];

  private constructor() {
    this.#server = createServer((socket) => this.#serve(socket)).listen(0, '127.0.0.1');
  }

  static async start(): Promise<ReplyServer> {
    const server = new ReplyServer();
    await once(server.#server, 'listening');
    return server;
  }

  get url(): string {
    return `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}/mcp`;
  }

  /** From now on the requests of this method get these replies, in turn, and then proper answers. */
  script(method: string, replies: readonly ScriptedReply[]): void {
    this.#method = method;
    this.#replies = [...replies];
  }

  async stop(): Promise<void> {
    for (const socket of this.#sockets) socket.destroy();
    this.#server.close();
    await once(this.#server, 'close');
  }

  #serve(socket: Socket): void {
    this.#sockets.add(socket);
    socket.setNoDelay(true);
    let received = '';
    socket
      .on('close', () => this.#sockets.delete(socket))
      .on('error', () => socket.destroy())
      // Requests hold nothing but ASCII, so characters are bytes.
      .setEncoding('latin1')
      .on('data', (chunk: string) => {
        received += chunk;
        for (;;) {
          const headEnd = received.indexOf('\r\n\r\n');
          const head = received.slice(0, headEnd);
          const length = Number(/^content-length: *(\d+)/im.exec(head)?.[1] ?? 0);
          if (headEnd === -1 || received.length < headEnd + 4 + length) return;
          const body = received.slice(headEnd + 4, headEnd + 4 + length);
          received = received.slice(headEnd + 4 + length);
          void this.#answer(socket, head, body);
        }
      });
  }

  async #answer(socket: Socket, head: string, body: string): Promise<void> {
    if (!head.startsWith('POST')) {
      socket.write(`HTTP/1.1 ${head.startsWith('GET') ? '405 No' : '200 OK'}\r\ncontent-length: 0\r\n\r\n`);
      return;
    }
    const { id, method } = JSON.parse(body) as WireMessage;
    const reply = method === this.#method ? this.#replies.shift() : undefined;
    if (reply === undefined) socket.write(properAnswer(id, method));
    else await play(socket, reply);
  }
}

function properAnswer(id: WireMessage['id'], method: string | undefined): string {
  if (id === undefined) return 'HTTP/1.1 202 Accepted\r\ncontent-length: 0\r\n\r\n';
  const result = method === 'initialize' ? INITIALIZE_RESULT : {};
  const body = JSON.stringify({ jsonrpc: '2.0', id, result });
  const session = method === 'initialize' ? 'mcp-session-id: fuzzed\r\n' : '';
  return `HTTP/1.1 200 OK\r\ncontent-type: application/json\r\n${session}content-length: ${body.length}\r\n\r\n${body}`;
}

async function play(socket: Socket, { pieces, ending }: ScriptedReply): Promise<void> {
  for (const piece of pieces) {
    // So that most arrive by themselves.
    await turns(1);
    if (piece.length > 0 && !socket.destroyed) socket.write(piece);
  }
  if (ending === 'later') await turns(30);
  if (ending === 'reset') socket.resetAndDestroy();
  else socket.end();
}
