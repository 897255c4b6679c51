import { join } from 'node:path';
import {
  http,
  type ManagerConfig,
  type ManagerPorts,
  type ServerOptions,
  type Session,
  type SessionEvent,
} from '../../src/index.ts';
import type { LinkDriver, LinkEvent } from '../../src/link/link.ts';
import { loadingDriver } from '../../src/host/driver-loader.ts';
import { eventually } from '../support/eventually.ts';
import { EverythingOverHttp, HttpFixture, type HttpSettings } from '../support/http-fixture.ts';
import { TcpProxy } from '../support/tcp-proxy.ts';
import { Stage, untiring } from './stage.ts';

/** No check comes by itself: only what a test brings about has any effect. */
export const unchecked = { ...untiring, healthCheck: { intervalMs: 3_600_000 } } as const;

/** Short, but long enough that a busy test machine is not for ever taken for the cause of the silence. */
export const checkedOften = { ...untiring, healthCheck: { intervalMs: 200, timeoutMs: 600 } } as const;

/** The attempts of a session while nobody is there: from generation `first`, which is retry `attempt`, up to generation `last`. */
export const vainAttempts = (first: number, last: number, attempt: number): string[] =>
  Array.from({ length: last - first + 1 }, (_, n) => [
    `${first + n} connecting.opening`,
    `${first + n} releasing`,
    `${first + n} attempt ${attempt + n} scheduled`,
    `${first + n} disconnected.backingOff`,
    `${first + n} connecting.waiting`,
  ]).flat();

/** From the loss of the connection of generation `lost` to its first retry. */
export const downAndOut = (lost: number): string[] => [
  `${lost} releasing`,
  `${lost} attempt 1 scheduled`,
  `${lost} disconnected.backingOff`,
  `${lost} connecting.waiting`,
];

interface Told {
  readonly serverId: string;
  readonly generation: number;
  readonly event: LinkEvent;
}

/** A stage whose servers are reached over HTTP. It also keeps what each link told, and ends its servers and proxies. */
export class RemoteStage extends Stage {
  readonly #told: Told[];
  readonly #servers: { kill(): Promise<void> }[] = [];
  readonly #proxies: TcpProxy[] = [];

  constructor(config: Partial<ManagerConfig> = {}, ports: Partial<ManagerPorts> = {}) {
    const told: Told[] = [];
    super(config, { links: () => recording(told), ...ports });
    this.#told = told;
  }

  /** The fault server, running, with a log of its executions. */
  async fixture(settings: HttpSettings = {}): Promise<HttpFixture> {
    const log = join(this.directory, `http-${this.#servers.length}.log`);
    const server = new HttpFixture({ log, ...settings });
    this.#servers.push(server);
    return server.start();
  }

  async everything(): Promise<EverythingOverHttp> {
    const server = new EverythingOverHttp();
    this.#servers.push(server);
    return server.start();
  }

  async proxy(server: { readonly port: number }): Promise<TcpProxy> {
    const proxy = await TcpProxy.open(server.port);
    this.#proxies.push(proxy);
    return proxy;
  }

  /** Holds the server, directly or through a proxy. */
  hold(id: string, by: { readonly port: number }, options: ServerOptions = unchecked): Promise<Session> {
    return this.add(id, http({ url: `http://127.0.0.1:${by.port}/mcp` }), options);
  }

  /** As ever; however a connection broke, its code is `broken`. */
  override story(id: string, from?: number): string[] {
    return super.story(id, from).map((line) => line.replace(/(?<=^\d+ linkFault )\w+$/, codeOf));
  }

  /** What the links of this server told, as `<generation> <event>`. However a connection broke, its code is `broken`. */
  linkStory(id: string): string[] {
    return this.#told
      .filter(({ serverId }) => serverId === id)
      .map(({ generation, event }) => `${generation} ${wordsOf(event)}`);
  }

  /** Waits for a retry of that number, counted since the session was last connected for long. */
  async retries(id: string, attempt: number): Promise<void> {
    await this.until(
      `retry ${attempt} of ${id}`,
      (event): event is Extract<SessionEvent, { type: 'reconnectScheduled' }> =>
        event.type === 'reconnectScheduled' && event.serverId === id && event.attempt >= attempt,
    );
  }

  /** Waits until the session is healthy, in whatever generation, and returns that. */
  async recovers(session: Session): Promise<number> {
    await eventually(() => session.state === 'healthy', { timeoutMs: 60_000, what: `${session.id} is healthy` });
    return session.info.generation;
  }

  override async end(): Promise<void> {
    await this.manager.close({ drainMs: 0 });
    for (const server of this.#servers) await server.kill();
    for (const proxy of this.#proxies) proxy.close();
    await super.end();
  }
}

function recording(told: Told[]): LinkDriver {
  return {
    ...loadingDriver,
    open: (spec) =>
      loadingDriver.open({
        ...spec,
        onEvent: (event) => {
          told.push({ serverId: spec.serverId, generation: spec.generation, event });
          spec.onEvent(event);
        },
      }),
  };
}

/** Which of the codes it is depends on what was still under way. */
function codeOf(code: string): string {
  return ['ECONNRESET', 'EPIPE', 'UND_ERR_SOCKET'].includes(code) ? 'broken' : code;
}

function wordsOf(event: LinkEvent): string {
  switch (event.type) {
    case 'asking':
      return `asking ${event.people}`;
    case 'fault':
    case 'down':
      return `${event.type} ${event.fault.kind} ${codeOf(event.fault.code)}`;
    case 'notice':
      return `notice ${event.method}`;
    case 'opened':
    case 'spawned':
    case 'stderr':
      return event.type;
  }
}
