import { once } from 'node:events';
import { createServer } from 'node:net';
import type { AddressInfo, Server, Socket } from 'node:net';
import { INITIALIZE_RESULT } from '../link/sdk/scripted-transport.ts';
import type { WireMessage } from '../link/sdk/scripted-transport.ts';
import { turns } from './fuzz.ts';

/** What is written back to one request, to the byte, and how the connection then ends. */
export interface ScriptedReply {
  readonly pieces: readonly Buffer[];
  /** `end` closes the connection in order, `reset` does not, `later` closes it only after a while, `stay` leaves that to the client. */
  readonly ending: 'end' | 'reset' | 'later' | 'stay';
}

/** One request as it came. */
export interface Heard {
  /** The method of a JSON-RPC message, the verb of another request to the server's own address, and else the path. */
  readonly name: string;
  readonly path: string;
  readonly head: string;
}

/** Replies by the name of what was asked, in turn. */
export type Script = Readonly<Record<string, readonly ScriptedReply[]>>;

const OWN_PATH = '/mcp';

/**
 * An HTTP server made of nothing but a socket, which can therefore write what is not HTTP. What is scripted gets the scripted
 * replies, in turn; everything else is answered as it should be.
 */
export class ReplyServer {
  /** Every request since the last script began, in order. */
  readonly heard: Heard[] = [];
  /** The connection of the last GET. */
  stream: Socket | undefined;
  readonly #answersOnStream: boolean;
  readonly #server: Server;
  readonly #sockets = new Set<Socket>();
  #script = new Map<string, ScriptedReply[]>();

  private constructor(answersOnStream: boolean) {
    this.#answersOnStream = answersOnStream;
    this.#server = createServer((socket) => this.#serve(socket)).listen(0, '127.0.0.1');
  }

  /** `answersOnStream`: as servers of the older HTTP+SSE transport do. */
  static async start({ answersOnStream = false }: { answersOnStream?: boolean } = {}): Promise<ReplyServer> {
    const server = new ReplyServer(answersOnStream);
    await once(server.#server, 'listening');
    return server;
  }

  get origin(): string {
    return `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}`;
  }

  get url(): string {
    return `${this.origin}${OWN_PATH}`;
  }

  /** From now on what is named gets these replies, in turn, and then proper answers. Forgets what was heard. */
  script(replies: Script): void {
    this.#script = new Map(Object.entries(replies).map(([name, list]) => [name, [...list]]));
    this.heard.length = 0;
    this.stream = undefined;
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
      // So that a header is what its bytes are; what is posted is ASCII, so characters are bytes.
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
    const [verb = '', path = ''] = head.split(' ', 2);
    const message: WireMessage = verb === 'POST' && body.startsWith('{') ? (JSON.parse(body) as WireMessage) : {};
    const name = message.method ?? (path === OWN_PATH ? verb : path);
    this.heard.push({ name, path, head });
    if (name === 'GET') this.stream = socket;
    const reply = this.#script.get(name)?.shift();
    if (reply !== undefined) await play(socket, reply);
    else if (this.#answersOnStream) this.#answerOnStream(socket, name, message);
    else socket.write(properAnswer(name, message));
  }

  #answerOnStream(socket: Socket, name: string, message: WireMessage): void {
    if (name === 'GET') socket.write(`${STREAM_HEAD}event: endpoint\ndata: /messages\n\n`);
    else socket.write('HTTP/1.1 202 Accepted\r\ncontent-length: 0\r\n\r\n');
    // Whatever was written before, this is an event of its own.
    if (message.id !== undefined && message.method !== undefined)
      this.stream?.write(`\n\ndata: ${answerTo(message)}\n\n`);
  }
}

/** The head of a stream that lasts as long as its connection. */
export const STREAM_HEAD = 'HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\nconnection: close\r\n\r\n';

function answerTo({ id, method }: WireMessage): string {
  return JSON.stringify({ jsonrpc: '2.0', id, result: method === 'initialize' ? INITIALIZE_RESULT : {} });
}

function properAnswer(name: string, message: WireMessage): string {
  if (message.method === undefined)
    return `HTTP/1.1 ${{ GET: '405 No', DELETE: '200 OK', POST: '202 Accepted' }[name] ?? '404 No'}\r\ncontent-length: 0\r\n\r\n`;
  if (message.id === undefined) return 'HTTP/1.1 202 Accepted\r\ncontent-length: 0\r\n\r\n';
  const body = answerTo(message);
  const session = name === 'initialize' ? 'mcp-session-id: fuzzed\r\n' : '';
  return `HTTP/1.1 200 OK\r\ncontent-type: application/json\r\n${session}content-length: ${body.length}\r\n\r\n${body}`;
}

/** Writes the pieces, each by itself as far as that can be had, and ends the connection as told. */
export async function play(socket: Socket, { pieces, ending }: ScriptedReply): Promise<void> {
  for (const piece of pieces) {
    await turns(1);
    if (piece.length > 0 && !socket.destroyed) socket.write(piece);
  }
  if (ending === 'stay') return;
  if (ending === 'later') await turns(30);
  if (ending === 'reset') socket.resetAndDestroy();
  else socket.end();
}
