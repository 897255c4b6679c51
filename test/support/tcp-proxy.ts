import { once } from 'node:events';
import { connect, createServer, type Server, type Socket } from 'node:net';
import { eventually } from './eventually.ts';

/** How a connection is broken off: with a reset, or with an orderly end. */
export type Break = 'rst' | 'fin';

/** What goes through: everything, nothing, or one way only. Bytes that do not go through wait until they may. */
export type Passage = 'both' | 'neither' | 'to-server' | 'to-client';

/** A reset that finds data unread is an end like any other to Node's sockets: the other side is given the time to read. */
const readingMs = 25;

interface Cut {
  readonly how: Break;
  room: number;
}

/**
 * A TCP proxy on 127.0.0.1 whose network can be made to fail: packets that go nowhere, connections that are refused, reset or
 * left half-open, delay, and replies that end after some bytes.
 */
export class TcpProxy {
  /** The port it listens on, the same after each `refuse` and `accept`. */
  readonly port: number;
  /** How many connections there have been. */
  accepted = 0;
  readonly #server: Server;
  readonly #targetPort: number;
  passage: Passage = 'both';
  /** How long each piece of data waits before it is handed on, in milliseconds; for the pieces that arrive from now on. */
  delayMs = 0;
  #cut: Cut | null = null;
  readonly #open = new Set<ProxiedConnection>();
  /** Of connections that are gone, which are not kept. */
  readonly #gone = { toServer: 0, toClient: 0 };

  private constructor(server: Server, port: number, targetPort: number) {
    this.#server = server;
    this.port = port;
    this.#targetPort = targetPort;
    server.on('connection', (client) => {
      const connection = new ProxiedConnection(client, this.#targetPort, this);
      this.accepted += 1;
      this.#open.add(connection);
      client.on('close', () => {
        this.#open.delete(connection);
        this.#gone.toServer += connection.toServer;
        this.#gone.toClient += connection.toClient;
      });
    });
  }

  /** In front of that port of 127.0.0.1, where nobody needs to listen yet. */
  static async open(targetPort: number): Promise<TcpProxy> {
    const server = createServer({ allowHalfOpen: true });
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    const address = server.address();
    if (typeof address !== 'object' || address === null) throw new Error('a proxy has a port');
    return new TcpProxy(server, address.port, targetPort);
  }

  get openConnections(): ProxiedConnection[] {
    return [...this.#open].filter(({ isOpen }) => isOpen);
  }

  /** Bytes that have gone through, over all connections. */
  get bytes(): { readonly toServer: number; readonly toClient: number } {
    const all = [this.#gone, ...this.#open];
    return {
      toServer: all.reduce((total, { toServer }) => total + toServer, 0),
      toClient: all.reduce((total, { toClient }) => total + toClient, 0),
    };
  }

  /** From now on only this goes through, on the connections that exist and on new ones, which are accepted all the same. */
  pass(passage: Passage): void {
    this.passage = passage;
    for (const connection of this.openConnections) connection.flow();
  }

  /** Stops listening: new connections are refused. Those that exist go on. */
  refuse(): void {
    this.#server.close();
  }

  /** Listens again on the same port. */
  async accept(): Promise<void> {
    // Somebody else may have the port for a moment, as the near end of a connection of theirs.
    await eventually(
      async () => {
        this.#server.listen(this.port, '127.0.0.1');
        await once(this.#server, 'listening');
        return true;
      },
      { timeoutMs: 60_000 },
    );
  }

  /** Breaks these connections off on both sides; by default all. */
  break(how: Break, connections: readonly ProxiedConnection[] = this.openConnections): void {
    for (const connection of connections) connection.break(how);
  }

  /** Ends these connections on the server's side; the client is not told, and what it sends goes nowhere. New ones are as ever. */
  halfOpen(connections: readonly ProxiedConnection[] = this.openConnections): void {
    for (const connection of connections) connection.forsake();
  }

  /** The next `bytes` that the server sends still go through, and with the last of them the connection breaks off. Once. */
  cutAfter(bytes: number, how: Break): void {
    this.#cut = { how, room: bytes };
  }

  /** How much of these bytes may still go to the client, and how the connection ends after them, if it does. */
  take(length: number): { readonly length: number; readonly end: Break | null } {
    const cut = this.#cut;
    if (cut === null) return { length, end: null };
    if (length < cut.room) {
      cut.room -= length;
      return { length, end: null };
    }
    this.#cut = null;
    return { length: cut.room, end: cut.how };
  }

  close(): void {
    this.break('rst');
    this.refuse();
  }
}

/** One connection through the proxy, from its client's side and to the server. */
export class ProxiedConnection {
  /** The first word of what the client said last: the method of its latest request, where it speaks HTTP. */
  verb = '';
  /** The last piece that the server said, as text. */
  lastReply = '';
  /** Bytes that were handed on. */
  toServer = 0;
  toClient = 0;
  readonly #client: Socket;
  readonly #server: Socket;
  readonly #proxy: TcpProxy;
  #isForsaken = false;

  constructor(client: Socket, targetPort: number, proxy: TcpProxy) {
    this.#client = client;
    this.#proxy = proxy;
    this.#server = connect({ host: '127.0.0.1', port: targetPort, allowHalfOpen: true });
    this.#client.on('data', (chunk) => this.#later(() => this.#handToServer(chunk)));
    this.#server.on('data', (chunk) => this.#later(() => this.#handToClient(chunk)));
    this.#client.on('end', () => this.#later(() => this.#server.end()));
    this.#server.on('end', () => this.#later(() => this.#isForsaken || this.#client.end()));
    this.#client.on('error', () => reset(this.#server));
    this.#server.on('error', () => this.#isForsaken || reset(this.#client));
    this.flow();
  }

  get isOpen(): boolean {
    return !this.#client.destroyed;
  }

  /** Reads what may go through and leaves the rest where it is. */
  flow(): void {
    const { passage } = this.#proxy;
    if (passage === 'both' || passage === 'to-server') this.#client.resume();
    else this.#client.pause();
    if (passage === 'both' || passage === 'to-client') this.#server.resume();
    else this.#server.pause();
  }

  break(how: Break): void {
    if (how === 'rst') {
      reset(this.#client);
      reset(this.#server);
    } else {
      this.#client.end();
      this.#client.resume();
      this.#server.destroy();
    }
  }

  forsake(): void {
    this.#isForsaken = true;
    reset(this.#server);
  }

  #handToServer(chunk: Buffer): void {
    if (this.#isForsaken || this.#server.destroyed) return;
    this.verb = chunk.subarray(0, 10).toString('latin1').split(' ', 1)[0] ?? '';
    this.toServer += chunk.length;
    this.#server.write(chunk);
  }

  #handToClient(chunk: Buffer): void {
    if (this.#isForsaken || this.#client.destroyed || this.#client.writableEnded) return;
    const { length, end } = this.#proxy.take(chunk.length);
    this.lastReply = chunk.toString('latin1', 0, length);
    this.toClient += length;
    this.#client.write(chunk.subarray(0, length), () => {
      if (end !== null) setTimeout(() => this.break(end), readingMs);
    });
  }

  #later(act: () => unknown): void {
    if (this.#proxy.delayMs === 0) act();
    else setTimeout(act, this.#proxy.delayMs);
  }
}

/** Node leaks the handle of a socket that is reset while its own end is still on the way out. */
function reset(socket: Socket): void {
  if (socket.writableEnded && !socket.writableFinished) socket.destroy();
  else socket.resetAndDestroy();
}
