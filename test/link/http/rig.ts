import { afterEach, beforeEach, expect } from 'vitest';
import { LinkError } from '../../../src/link/fault.ts';
import type { Fault } from '../../../src/link/fault.ts';
import type { HttpTarget } from '../../../src/link/target.ts';
import type { HttpTransportOptions } from '../../../src/link/http/http-transport.ts';
import { StreamableHttpTransport } from '../../../src/link/http/streamable-http-transport.ts';
import { startLeakCheck } from '../../../src/testing/index.ts';
import type { LeakCheck } from '../../../src/testing/index.ts';
import { INITIALIZE_RESULT } from '../sdk/scripted-transport.ts';
import { Owner } from '../sdk/owner.ts';
import { LeanServer } from './lean-server.ts';

const servers: LeanServer[] = [];
const transports: StreamableHttpTransport[] = [];
const owners: Owner[] = [];
const crashes: unknown[] = [];
let leaks: LeakCheck | undefined;

const note = (error: unknown): void => {
  crashes.push(error);
};

/** Every test ends with everything closed, nothing left behind and nothing thrown where nobody catches. */
export function expectNothingLeft(): void {
  beforeEach(() => {
    crashes.length = 0;
    leaks = startLeakCheck({ settleMs: 10_000 });
    process.on('unhandledRejection', note).on('uncaughtException', note);
  });
  afterEach(async () => {
    for (const owner of owners.splice(0)) await owner.link.close('kill');
    for (const transport of transports.splice(0)) await transport.end('kill');
    for (const server of servers.splice(0)) await server.stop();
    process.off('unhandledRejection', note).off('uncaughtException', note);
    await leaks?.verify();
    expect(crashes).toEqual([]);
  });
}

export async function serve(script?: Parameters<typeof LeanServer.start>[0]): Promise<LeanServer> {
  const server = await LeanServer.start(script);
  servers.push(server);
  return server;
}

export function targetOf(url: string, options: Partial<HttpTarget> = {}): HttpTarget {
  return { kind: 'http', url, headers: {}, mode: 'streamable-http', auth: undefined, ...options };
}

/** A link to the server, as the rest of holdfast sees it. */
export function link(server: LeanServer, options: Partial<HttpTarget> = {}): Owner {
  const owner = new Owner(targetOf(server.url, options));
  owners.push(owner);
  return owner;
}

/** A transport by itself, and everything that it tells. */
export class Client {
  readonly transport: StreamableHttpTransport;
  readonly messages: unknown[] = [];
  readonly faults: Fault[] = [];
  closed = 0;
  #id = 0;

  constructor(url: string, options: Partial<HttpTarget> & Pick<HttpTransportOptions, 'maxMessageBytes'> = {}) {
    const { maxMessageBytes, ...target } = options;
    this.transport = new StreamableHttpTransport({ target: targetOf(url, target), maxMessageBytes });
    this.transport.onmessage = (message) => this.messages.push(message);
    this.transport.onerror = (error) => {
      if (error instanceof LinkError && error.failure.kind === 'link') this.faults.push(error.failure.fault);
      else throw error;
    };
    this.transport.onclose = () => {
      this.closed += 1;
    };
    transports.push(this.transport);
  }

  /** Shakes hands as a client does, and forgets what was told meanwhile. */
  async open(): Promise<this> {
    await this.transport.start();
    await this.request('initialize');
    this.transport.setProtocolVersion(INITIALIZE_RESULT.protocolVersion);
    await this.notify('notifications/initialized');
    this.messages.length = 0;
    return this;
  }

  request(
    method: string,
    params?: Record<string, unknown>,
    options?: Parameters<StreamableHttpTransport['send']>[1],
  ): Promise<void> {
    this.#id += 1;
    return this.transport.send({ jsonrpc: '2.0', id: this.#id, method, ...(params && { params }) }, options);
  }

  /** The id of the last request. */
  get lastId(): number {
    return this.#id;
  }

  notify(method: string, params?: Record<string, unknown>): Promise<void> {
    return this.transport.send({ jsonrpc: '2.0', method, ...(params && { params }) });
  }

  get faultCodes(): string[] {
    return this.faults.map(({ kind, code }) => `${kind} ${code}`);
  }
}

export function client(server: LeanServer, options?: ConstructorParameters<typeof Client>[1]): Promise<Client> {
  return new Client(server.url, options).open();
}
