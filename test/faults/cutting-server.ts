import { once } from 'node:events';
import { createServer, type Server, type Socket } from 'node:net';

/** The forms in which one and the same answer can come. */
export type Form = 'json' | 'json-until-close' | 'sse' | 'sse-chunked';
export const forms: readonly Form[] = ['json', 'json-until-close', 'sse', 'sse-chunked'];

/** Where a connection ends, and how. */
export type Cut = { readonly how: 'rst' | 'fin' } & (
  | { readonly afterReplyBytes: number }
  | { readonly afterRequestBytes: number }
);

interface Posted {
  readonly id?: number;
  readonly method: string;
  readonly params?: { readonly arguments?: { readonly key?: string } };
}

/**
 * A server on a bare socket that ends a connection at exactly the byte where it is told to, and keeps by their keys the calls that it
 * has executed. It runs in the process of its client and cuts only after that had a turn to read, so that a reset overtakes nothing.
 */
export class CuttingServer {
  readonly executed: string[] = [];
  /** For the next call of the tool; then it is forgotten. */
  cut: Cut | null = null;
  form: Form = 'json';
  /** How long the last response to a call was, cut or not, and how much of it had to be there for the answer to be there. */
  reply = { length: 0, answered: 0 };
  readonly #server: Server;
  readonly #sockets = new Set<Socket>();

  private constructor(server: Server) {
    this.#server = server;
    server.on('connection', (socket) => {
      this.#sockets.add(socket);
      socket.on('close', () => this.#sockets.delete(socket)).on('error', () => undefined);
      new Conversation(socket, this);
    });
  }

  static async start(): Promise<CuttingServer> {
    const server = createServer({ noDelay: true }).listen(0, '127.0.0.1');
    await once(server, 'listening');
    return new CuttingServer(server);
  }

  get port(): number {
    const address = this.#server.address();
    if (typeof address !== 'object' || address === null) throw new Error('the server does not listen');
    return address.port;
  }

  takeCut(): Cut | null {
    const { cut } = this;
    this.cut = null;
    return cut;
  }

  async kill(): Promise<void> {
    for (const socket of this.#sockets) socket.destroy();
    this.#server.close();
    await once(this.#server, 'close');
  }
}

/** One connection: its requests in turn, each read whole before it is answered, unless it is cut before. */
class Conversation {
  readonly #socket: Socket;
  readonly #server: CuttingServer;
  #read = Buffer.alloc(0);
  #isCut = false;

  constructor(socket: Socket, server: CuttingServer) {
    this.#socket = socket;
    this.#server = server;
    socket.on('data', (chunk) => {
      this.#read = Buffer.concat([this.#read, chunk]);
      this.#next();
    });
  }

  #next(): void {
    if (this.#isCut) return;
    const { cut } = this.#server;
    const text = this.#read.toString('latin1');
    if (cut !== null && 'afterRequestBytes' in cut && isCall(text) && this.#read.length >= cut.afterRequestBytes) {
      // What lies beyond the cut was never read by the server.
      this.#read = this.#read.subarray(0, cut.afterRequestBytes);
      this.#server.takeCut();
      const whole = wholeRequest(this.#read);
      if (whole !== null) this.#execute(JSON.parse(whole.body) as Posted);
      this.#end(cut.how);
      return;
    }
    const request = wholeRequest(this.#read);
    if (request === null) return;
    this.#read = this.#read.subarray(request.length);
    this.#answer(request.verb, request.body);
    this.#next();
  }

  #answer(verb: string, body: string): void {
    if (verb !== 'POST') return void this.#socket.write(plain(verb === 'GET' ? '405 Method Not Allowed' : '200 OK'));
    const message = JSON.parse(body) as Posted;
    const { id } = message;
    if (id === undefined) return void this.#socket.write(plain('202 Accepted'));
    if (message.method === 'tools/call') return this.#answerCall(id, message);
    this.#socket.write(replyOf('json', id, resultOf(message.method)).bytes);
  }

  #answerCall(id: number, message: Posted): void {
    const key = this.#execute(message);
    const { bytes, answered } = replyOf(this.#server.form, id, { content: [{ type: 'text', text: key }] });
    this.#server.reply = { length: bytes.length, answered };
    const cut = this.#server.takeCut();
    if (cut === null || !('afterReplyBytes' in cut)) {
      this.#socket.write(bytes);
      if (isUntilClose(this.#server.form)) this.#end('fin');
      return;
    }
    this.#socket.write(bytes.subarray(0, cut.afterReplyBytes), () => this.#end(cut.how));
  }

  #execute({ params }: Posted): string {
    const key = params?.arguments?.key ?? '';
    this.#server.executed.push(key);
    return key;
  }

  /** After two turns: in the first of them the client has read what was written. */
  #end(how: 'rst' | 'fin'): void {
    this.#isCut = true;
    setImmediate(() => setImmediate(() => (how === 'rst' ? this.#socket.resetAndDestroy() : this.#socket.end())));
  }
}

const isCall = (text: string): boolean => text.startsWith('POST') && text.includes('"method":"tools/call"');
const isUntilClose = (form: Form): boolean => form === 'json-until-close' || form === 'sse';

/** The first request that is there from its first byte to its last; null while one is incomplete. */
function wholeRequest(bytes: Buffer): { readonly verb: string; readonly body: string; readonly length: number } | null {
  const text = bytes.toString('latin1');
  const head = text.indexOf('\r\n\r\n');
  if (head === -1) return null;
  const length = head + 4 + Number(/content-length: (\d+)/i.exec(text.slice(0, head))?.[1] ?? 0);
  if (text.length < length) return null;
  return { verb: text.slice(0, text.indexOf(' ')), body: text.slice(head + 4, length), length };
}

function plain(status: string): string {
  return `HTTP/1.1 ${status}\r\ncontent-length: 0\r\n\r\n`;
}

function resultOf(method: string): object {
  switch (method) {
    case 'initialize': {
      const serverInfo = { name: 'cutting-server', version: '1' };
      return { protocolVersion: '2025-11-25', capabilities: { tools: {} }, serverInfo };
    }
    case 'tools/list':
      return { tools: [{ name: 'run', inputSchema: { type: 'object' } }] };
    default:
      return {};
  }
}

function replyOf(form: Form, id: number, result: object): { readonly bytes: Buffer; readonly answered: number } {
  const json = JSON.stringify({ jsonrpc: '2.0', id, result });
  const head = (...headers: string[]): string => `HTTP/1.1 200 OK\r\n${headers.join('\r\n')}\r\n\r\n`;
  const event = `data: ${json}\n\n`;
  switch (form) {
    case 'json':
      return all(head('content-type: application/json', `content-length: ${json.length}`) + json);
    case 'json-until-close':
      return all(head('content-type: application/json', 'connection: close') + json);
    case 'sse':
      return all(head('content-type: text/event-stream', 'connection: close') + event);
    case 'sse-chunked': {
      const answer = `${head('content-type: text/event-stream', 'transfer-encoding: chunked')}${event.length.toString(16)}\r\n${event}`;
      return { bytes: Buffer.from(`${answer}\r\n0\r\n\r\n`), answered: answer.length };
    }
  }
}

function all(text: string): { readonly bytes: Buffer; readonly answered: number } {
  return { bytes: Buffer.from(text), answered: text.length };
}
