import { createServer } from 'node:http';
import type { IncomingMessage, Server, ServerResponse } from 'node:http';
import type { AddressInfo, Socket } from 'node:net';
import { eventually } from '../../support/eventually.ts';
import type { WireMessage } from '../sdk/scripted-transport.ts';
import { INITIALIZE_RESULT } from '../sdk/scripted-transport.ts';

export interface Received {
  readonly verb: string;
  readonly path: string;
  readonly headers: IncomingMessage['headers'];
  /** The body of a POST as JSON. */
  readonly message: WireMessage;
}

export interface Asked extends Received {
  readonly request: IncomingMessage;
  readonly response: ServerResponse;
}

type Answer = (asked: Asked) => unknown;

interface Script {
  /** Given with the answer to `initialize`; null gives none. */
  sessionId?: string | null;
  /** Answers POSTs by method, or all that no method names under `*`. What is not in here is answered as a plain server would. */
  post?: Record<string, Answer>;
  get?: Answer;
  delete?: Answer;
}

/** A small MCP server over HTTP that does what a test tells it, and keeps what it was asked. */
export class LeanServer {
  readonly received: Received[] = [];
  /** May be changed while it runs. */
  readonly script: Required<Pick<Script, 'sessionId' | 'post'>> & Script;
  readonly sockets = new Set<Socket>();
  readonly #server: Server;
  #port = 0;

  private constructor(script: Script) {
    this.script = { sessionId: 'session-1', post: {}, ...script };
    this.#server = createServer((request, response) => void this.#serve(request, response));
    this.#server.on('connection', (socket) => {
      this.sockets.add(socket);
      socket.on('close', () => this.sockets.delete(socket)).on('error', () => undefined);
    });
  }

  static async start(script: Script = {}): Promise<LeanServer> {
    const server = new LeanServer(script);
    await server.listen();
    return server;
  }

  get url(): string {
    return `http://127.0.0.1:${this.#port}/mcp`;
  }

  get posts(): Received[] {
    return this.received.filter(({ verb }) => verb === 'POST');
  }

  get gets(): Received[] {
    return this.received.filter(({ verb }) => verb === 'GET');
  }

  /** What was posted, by method; an answer of the client's has none. */
  get methods(): (string | undefined)[] {
    return this.posts.map(({ message }) => message.method);
  }

  /** The first message with this method, once it is there. */
  posted(method: string): Promise<Received> {
    return eventually(
      () => {
        const found = this.posts.find(({ message }) => message.method === method);
        if (found === undefined) throw new Error(`not posted: ${method}`);
        return found;
      },
      { what: `POST ${method}` },
    );
  }

  async listen(): Promise<void> {
    await new Promise<void>((resolve) => this.#server.listen(this.#port, '127.0.0.1', resolve));
    this.#port = (this.#server.address() as AddressInfo).port;
  }

  /** Stops as a killed process does: every connection is reset, nothing listens any more. */
  async stop(): Promise<void> {
    const closed = new Promise((resolve) => this.#server.close(resolve));
    for (const socket of this.sockets) socket.resetAndDestroy();
    await closed;
  }

  async #serve(request: IncomingMessage, response: ServerResponse): Promise<void> {
    response.on('error', () => undefined);
    request.on('error', () => undefined);
    const chunks: Buffer[] = [];
    try {
      for await (const chunk of request) chunks.push(chunk as Buffer);
    } catch {
      return; // The client went away.
    }
    const text = Buffer.concat(chunks).toString();
    const asked: Asked = {
      verb: request.method ?? '',
      path: request.url ?? '',
      headers: request.headers,
      message: text === '' ? {} : (JSON.parse(text) as WireMessage),
      request,
      response,
    };
    this.received.push({ verb: asked.verb, path: asked.path, headers: asked.headers, message: asked.message });
    await this.#answer(asked);
  }

  async #answer(asked: Asked): Promise<void> {
    const { response, message } = asked;
    const { post, get, delete: onDelete, sessionId } = this.script;
    if (asked.verb === 'GET') {
      if (get) await get(asked);
      else response.writeHead(405).end();
    } else if (asked.verb === 'DELETE') {
      if (onDelete) await onDelete(asked);
      else response.writeHead(200).end();
    } else if (message.method !== undefined && post[message.method]) {
      await post[message.method]?.(asked);
    } else if (message.method === 'initialize') {
      if (sessionId !== null) response.setHeader('mcp-session-id', sessionId);
      answerJson(asked, INITIALIZE_RESULT);
    } else if (message.id === undefined || message.method === undefined) {
      response.writeHead(202).end();
    } else if (post['*']) {
      await post['*'](asked);
    } else {
      answerJson(asked, { method: message.method });
    }
  }
}

export function answerJson({ response, message }: Asked, result: unknown): void {
  response.setHeader('content-type', 'application/json; charset=utf-8');
  response.end(JSON.stringify({ jsonrpc: '2.0', id: message.id, result }));
}

/** A body that is nobody's JSON-RPC. */
export function answerStatus(status: number, headers: Record<string, string> = {}, body = ''): Answer {
  return ({ response }) => response.writeHead(status, headers).end(body);
}

export function openEvents({ response }: Asked): ServerResponse {
  response.writeHead(200, { 'content-type': 'text/event-stream' });
  response.flushHeaders();
  return response;
}

/** One event with a JSON-RPC message in it. */
export function eventOf(message: unknown, id?: string): string {
  return `${id === undefined ? '' : `id: ${id}\n`}event: message\ndata: ${JSON.stringify(message)}\n\n`;
}

export function resultFor({ message }: Asked, result: unknown = { from: 'events' }): unknown {
  return { jsonrpc: '2.0', id: message.id, result };
}

/** Settles when the response takes more, or is over. */
export function drained(response: ServerResponse): Promise<void> {
  return new Promise((resolve) => {
    const done = (): void => {
      response.off('drain', done).off('close', done);
      resolve();
    };
    response.on('drain', done).on('close', done);
  });
}
