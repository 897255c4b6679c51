import type { ServerResponse } from 'node:http';
import { afterEach } from 'vitest';
import { LinkError } from '../../../src/link/fault.ts';
import type { Fault, RequestFailure } from '../../../src/link/fault.ts';
import type { HttpSendOptions, HttpTransportOptions } from '../../../src/link/http/http-transport.ts';
import { SseTransport } from '../../../src/link/http/sse-transport.ts';
import type { HttpTarget } from '../../../src/link/target.ts';
import { eventually } from '../../support/eventually.ts';
import { INITIALIZE_RESULT } from '../sdk/scripted-transport.ts';
import { eventOf, openEvents, resultFor } from './lean-server.ts';
import type { Asked, LeanServer } from './lean-server.ts';
import { expectNothingLeft as expectNothingLeftOfRig, serve, targetOf } from './rig.ts';

const transports: SseTransport[] = [];

export const ENDPOINT = '/messages?session=1';

export function expectNothingLeft(): void {
  expectNothingLeftOfRig();
  afterEach(async () => {
    for (const transport of transports.splice(0)) await transport.end('kill');
  });
}

type Script = LeanServer['script'];

/** A server of the older transport that does what a test tells it: by default it takes every message and answers on its latest stream. */
export class SseServer {
  readonly lean: LeanServer;
  readonly streams: ServerResponse[] = [];

  private constructor(lean: LeanServer) {
    this.lean = lean;
  }

  static async start(script: { get?: Script['get']; post?: Script['post'] } = {}): Promise<SseServer> {
    const lean = await serve({ sessionId: null });
    const server = new SseServer(lean);
    lean.script.get = script.get ?? ((asked) => server.open(asked));
    lean.script.post = {
      initialize: (asked) => server.answer(asked, INITIALIZE_RESULT),
      '*': (asked) => server.answer(asked, { method: asked.message.method }),
      ...script.post,
    };
    return server;
  }

  get url(): string {
    return this.lean.url;
  }

  get stream(): ServerResponse {
    const stream = this.streams.at(-1);
    if (stream === undefined) throw new Error('no stream was opened');
    return stream;
  }

  /** Opens a stream and says where messages go. */
  open(asked: Asked, endpoint = ENDPOINT): void {
    this.streams.push(openEvents(asked));
    this.stream.write(`event: endpoint\ndata: ${endpoint}\n\n`);
  }

  /** Takes a request and answers it on the stream. */
  answer(asked: Asked, result: unknown): void {
    asked.response.writeHead(202).end('Accepted');
    this.send(resultFor(asked, result));
  }

  send(message: unknown): void {
    this.stream.write(eventOf(message));
  }

  async expectNoSockets(): Promise<void> {
    await eventually(() => this.lean.sockets.size === 0, { timeoutMs: 10_000, what: 'no socket is left' });
  }
}

/** A transport by itself, and everything that it tells. */
export class SseClient {
  readonly transport: SseTransport;
  readonly messages: unknown[] = [];
  readonly faults: Fault[] = [];
  /** The fault as it stood whenever `onclose` was called. */
  readonly ends: (Fault | undefined)[] = [];
  #id = 0;

  constructor(url: string, options: Partial<HttpTarget> & Pick<HttpTransportOptions, 'maxMessageBytes'> = {}) {
    const { maxMessageBytes, ...target } = options;
    this.transport = new SseTransport({ target: targetOf(url, { mode: 'sse', ...target }), maxMessageBytes });
    this.transport.onmessage = (message) => this.messages.push(message);
    this.transport.onerror = (error) => {
      if (error instanceof LinkError && error.failure.kind === 'link') this.faults.push(error.failure.fault);
      else throw error;
    };
    this.transport.onclose = () => this.ends.push(this.transport.fault);
    transports.push(this.transport);
  }

  /** Shakes hands as a client does, and forgets what was told meanwhile. */
  async open(): Promise<this> {
    await this.transport.start();
    await this.request('initialize');
    await eventually(() => this.messages.length === 1);
    this.transport.setProtocolVersion(INITIALIZE_RESULT.protocolVersion);
    await this.transport.send({ jsonrpc: '2.0', method: 'notifications/initialized' });
    this.messages.length = 0;
    return this;
  }

  request(method: string, params?: Record<string, unknown>, options?: HttpSendOptions): Promise<void> {
    this.#id += 1;
    return this.transport.send({ jsonrpc: '2.0', id: this.#id, method, ...(params && { params }) }, options);
  }

  get lastId(): number {
    return this.#id;
  }

  /** How it ended, once it has. */
  async end(): Promise<Fault | undefined> {
    await eventually(() => this.ends.length > 0);
    return this.ends[0];
  }
}

export function sseClient(server: SseServer, options?: ConstructorParameters<typeof SseClient>[1]): Promise<SseClient> {
  return new SseClient(server.url, options).open();
}

/** How the promise fails, as plain data; a promise that resolves or fails with anything but a `LinkError` fails the test. */
export async function failureOf(promise: Promise<unknown>): Promise<RequestFailure> {
  const error = await promise.then(
    (value) => new Error(`resolved with ${JSON.stringify(value)}`),
    (reason: unknown) => reason,
  );
  if (error instanceof LinkError) return error.failure;
  throw error;
}
