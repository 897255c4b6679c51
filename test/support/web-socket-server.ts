import { createServer } from 'node:http';
import type { IncomingHttpHeaders, IncomingMessage, Server } from 'node:http';
import { Socket } from 'node:net';
import type { AddressInfo } from 'node:net';
import type { Duplex } from 'node:stream';
import { acceptKey, closePayload, encodeFrame, FrameDecoder, opcodes } from '../fixtures/web-socket-frames.mjs';
import type { FrameOptions } from '../fixtures/web-socket-frames.mjs';

export { opcodes };

export interface WebSocketServerOptions {
  /** Answers the opening request in another way than with a WebSocket; true: it has done so. */
  readonly refuse?: ((request: IncomingMessage, socket: Duplex) => boolean) | undefined;
  /** Headers of the answer that opens the WebSocket, beyond or instead of the right ones; undefined leaves one out. */
  readonly answer?: Readonly<Record<string, string | undefined>> | undefined;
  readonly onConnection?: ((connection: ServerConnection) => void) | undefined;
  /** False: answers a goodbye with nothing. Default true: with a goodbye, and the end of the connection. */
  readonly answersGoodbye?: boolean | undefined;
}

const openServers = new Set<WebSocketServer>();

/** Stops every server that a test left running. */
export async function stopWebSocketServers(): Promise<void> {
  await Promise.all([...openServers].map((server) => server.stop()));
}

/** A WebSocket server on a free port of 127.0.0.1. */
export class WebSocketServer {
  readonly connections: ServerConnection[] = [];
  /** Headers of every opening request, in order. */
  readonly requests: IncomingHttpHeaders[] = [];
  readonly #server: Server;
  readonly #sockets = new Set<Duplex>();
  #waiting: ((connection: ServerConnection) => void)[] = [];

  private constructor(server: Server) {
    this.#server = server;
  }

  static async start(options: WebSocketServerOptions = {}, port = 0): Promise<WebSocketServer> {
    const http = createServer((_request, response) => response.writeHead(426).end());
    const server = new WebSocketServer(http);
    http.on('connection', (socket) => {
      server.#sockets.add(socket);
      socket.on('close', () => server.#sockets.delete(socket));
    });
    http.on('upgrade', (request, socket) => server.#upgrade(request, socket, options));
    await new Promise<void>((resolve) => http.listen(port, '127.0.0.1', resolve));
    openServers.add(server);
    return server;
  }

  get port(): number {
    return (this.#server.address() as AddressInfo).port;
  }

  get url(): string {
    return `ws://127.0.0.1:${this.port}/mcp`;
  }

  /** How many connections are open, WebSockets or not. */
  get openSockets(): number {
    return this.#sockets.size;
  }

  /** The `index`-th connection that was opened, which may be yet to come. */
  async connection(index = 0): Promise<ServerConnection> {
    for (;;) {
      const connection = this.connections[index];
      if (connection !== undefined) return connection;
      await new Promise<ServerConnection>((resolve) => this.#waiting.push(resolve));
    }
  }

  async stop(): Promise<void> {
    openServers.delete(this);
    for (const socket of this.#sockets) socket.destroy();
    await new Promise((resolve) => this.#server.close(resolve));
  }

  #upgrade(request: IncomingMessage, socket: Duplex, options: WebSocketServerOptions): void {
    this.requests.push(request.headers);
    socket.on('error', () => undefined); // The other side may go at any time.
    socket.on('end', () => socket.end());
    socket.resume();
    if (options.refuse?.(request, socket) === true) return;
    const headers = Object.entries({
      upgrade: 'websocket',
      connection: 'Upgrade',
      'sec-websocket-accept': acceptKey(String(request.headers['sec-websocket-key'])),
      'sec-websocket-protocol': 'mcp',
      ...options.answer,
    }).flatMap(([name, value]) => (value === undefined ? [] : [`${name}: ${value}`]));
    socket.write(['HTTP/1.1 101 Switching Protocols', ...headers, '', ''].join('\r\n'));
    const connection = new ServerConnection(socket, options.answersGoodbye ?? true);
    this.connections.push(connection);
    options.onConnection?.(connection);
    for (const resolve of this.#waiting.splice(0)) resolve(connection);
  }
}

/** One WebSocket, seen from the server. */
export class ServerConnection {
  /** Every whole message, as text. */
  readonly received: string[] = [];
  /** What the client said goodbye with; null is a goodbye without a code. */
  goodbye: number | null | undefined;
  pongs = 0;
  /** Resolves when the connection is gone. */
  readonly closed: Promise<void>;
  onText: ((text: string) => void) | undefined;
  onClose: (() => void) | undefined;
  readonly #socket: Duplex;
  readonly #decoder = new FrameDecoder();
  readonly #answersGoodbye: boolean;
  #saidGoodbye = false;

  constructor(socket: Duplex, answersGoodbye: boolean) {
    this.#socket = socket;
    this.#answersGoodbye = answersGoodbye;
    socket.on('data', (chunk: Buffer) => this.#receive(chunk));
    this.closed = new Promise((resolve) => {
      socket.on('close', () => {
        this.onClose?.();
        resolve();
      });
    });
  }

  send(message: unknown): void {
    this.frame(opcodes.text, typeof message === 'string' ? message : JSON.stringify(message));
  }

  frame(opcode: number, payload: string | Buffer, options?: FrameOptions): void {
    if (this.#socket.writable) this.#socket.write(encodeFrame(opcode, Buffer.from(payload), options));
  }

  /** Sends everything that `write` sends in one go. */
  together(write: () => void): void {
    this.#socket.cork();
    write();
    this.#socket.uncork();
  }

  /** Says goodbye; unlike a decent server it leaves the connection open. */
  sayGoodbye(code?: number, reason?: string): void {
    this.#saidGoodbye = true;
    this.frame(opcodes.close, code === undefined ? '' : closePayload(code, reason));
  }

  /** Says goodbye and closes the connection. */
  close(code = 1000, reason?: string): void {
    this.sayGoodbye(code, reason);
    this.#socket.end();
  }

  /** Ends what we send, without a goodbye. */
  end(): void {
    this.#socket.end();
  }

  /** Ends the connection in a way that the other side takes for an error. */
  reset(): void {
    if (this.#socket instanceof Socket) this.#socket.resetAndDestroy();
  }

  terminate(): void {
    this.#socket.destroy();
  }

  /** Reads nothing until {@link resumeReading}. */
  stopReading(): void {
    this.#socket.pause();
  }

  resumeReading(): void {
    this.#socket.resume();
  }

  #receive(chunk: Buffer): void {
    for (const { opcode, payload } of this.#decoder.push(chunk)) {
      if (opcode === opcodes.text) {
        this.received.push(payload.toString());
        this.onText?.(payload.toString());
      } else if (opcode === opcodes.pong) {
        this.pongs += 1;
      } else if (opcode === opcodes.close) {
        this.goodbye = payload.length < 2 ? null : payload.readUInt16BE(0);
        if (this.#answersGoodbye && !this.#saidGoodbye) this.close(this.goodbye ?? undefined);
      }
    }
  }
}
