import { createAdaptorServer } from '@hono/node-server';
import { Server } from 'node:http';
import type { SessionManager } from '../index.ts';
import { Access } from '../listening/access.ts';
import { EventStream } from './event-stream.ts';
import { listen } from '../listening/listening.ts';
import type { Place } from '../listening/listening.ts';
import { checkedPort, checkedToken, isLoopback, namesOf, shownHost } from '../listening/place.ts';
import type { Shown } from './reader.ts';
import { serviceApp } from './service-app.ts';
import type { Asset, LogSource } from './service-app.ts';
import { ServiceError } from '../listening/service-error.ts';
import type { Charts, Overview, WireProblem } from './wire.ts';

/** Where the service listens unless told otherwise. */
export const defaultServicePort = 7407;

export interface ServiceOptions {
  /** What is held, for people. Default: `holdfast`. */
  readonly title?: string | undefined;
  /** Of the application that runs it. Default: empty. */
  readonly version?: string | undefined;
  /** The address to listen on. Default: `127.0.0.1`. Any other than this machine's demands a `token`. */
  readonly host?: string | undefined;
  /** Default: 7407, or a free one if that is taken; a port that is named here must be free. 0: a free one. */
  readonly port?: number | undefined;
  /** Listens on a unix socket, mode 0600, instead of an address. */
  readonly socketPath?: string | undefined;
  /** What a request has to show, 16 characters or more. Default: 256 random bits, see `Service.token`. */
  readonly token?: string | undefined;
  /** Names besides its own that the service may be asked by, without ports: that of a proxy in front of it. Default: none. */
  readonly allowedHosts?: readonly string[] | undefined;
  /** The most readers of the event stream at once; others get 503. Default: 256. */
  readonly maxReaders?: number | undefined;
  /** The files of the dashboard by path; `page.html` is what `/` shows. Default: none, `/` is 404. */
  readonly asset?: ((path: string) => Promise<Asset | undefined>) | undefined;
  /** The statecharts as SVG. Default: none. */
  readonly charts?: (() => Omit<Charts, 'schema'>) | undefined;
  /** The text of `/metrics`. Default: none, it is 404. */
  readonly metrics?: (() => Promise<string>) | undefined;
  /** What `/api/logs` answers from. Default: none, it is 404. */
  readonly logs?: LogSource | undefined;
  /** Is told what is a bug. Default: nobody. */
  readonly onBug?: ((error: unknown) => void) | undefined;
}

/** A running service. */
export interface Service {
  /** Its address without the token; null on a unix socket. */
  readonly url: string | null;
  readonly socketPath: string | null;
  readonly token: string;
  /** The address with the token, for a browser; null on a unix socket. The token is in the fragment, which no browser sends anywhere. */
  readonly link: string | null;
  /** What is wrong in the configuration, in place of what was told before. */
  setProblems(problems: readonly WireProblem[]): void;
  /** Has readers told that nothing is held any more; `/readyz` is 503 from then on. */
  stopping(): void;
  /** Ends every stream and connection. The promise never rejects; a repeat returns the same one. */
  close(): Promise<void>;
}

/**
 * Serves a manager's state over HTTP: status API, event stream, and dashboard, metrics and charts if it is given those. Whoever wants
 * anything but `/livez` and `/readyz` has to know the token. Rejects with `ServiceError`.
 */
export async function startService(manager: SessionManager, options: ServiceOptions = {}): Promise<Service> {
  const place = placeOf(options);
  const token = tokenOf(options, place);
  const startedAt = Date.now();
  let problems: readonly WireProblem[] = [];
  let isStopping = false;
  const shown = (): Shown => ({ snapshot: manager.snapshot(), problems, stopping: isStopping });
  const overview = ({ snapshot, stopping, problems: wrong }: Shown): Overview => ({
    schema: 'holdfast/v1',
    title: options.title ?? 'holdfast',
    version: options.version ?? '',
    pid: process.pid,
    startedAt,
    now: Date.now(),
    seq: snapshot.seq,
    sessions: snapshot.sessions,
    groups: snapshot.groups,
    problems: wrong,
    stopping,
  });
  const stream = new EventStream(manager, { maxReaders: options.maxReaders ?? 256, shown, overview });
  const app = serviceApp({
    manager,
    access: new Access(token, 'path' in place ? null : namesOf(place.host, options.allowedHosts ?? [])),
    stream,
    overview: () => overview(shown()),
    isReady: () => !isStopping && isReady(manager),
    asset: options.asset,
    charts: options.charts,
    metrics: options.metrics,
    logs: options.logs,
    tellBug: options.onBug ?? (() => undefined),
  });
  const server = createAdaptorServer({
    fetch: app.fetch,
    serverOptions: {
      headersTimeout: 10_000,
      requestTimeout: 60_000,
      maxHeaderSize: 16_384,
      connectionsCheckingInterval: 5_000,
    },
  });
  if (!(server instanceof Server)) throw new TypeError('The adaptor made a server of another kind.');
  server.maxConnections = (options.maxReaders ?? 256) * 2 + 64;
  await listen(server, place);
  server.unref();
  const address = server.address();
  const url =
    'path' in place || address === null || typeof address === 'string'
      ? null
      : `http://${shownHost(place.host)}:${address.port}/`;
  let closed: Promise<void> | undefined;
  return {
    url,
    socketPath: 'path' in place ? place.path : null,
    token,
    link: url === null ? null : `${url}#token=${encodeURIComponent(token)}`,
    setProblems: (present) => {
      problems = present;
      stream.changed();
    },
    stopping: () => {
      isStopping = true;
      stream.changed();
    },
    close: () => {
      closed ??= new Promise((resolve) => {
        isStopping = true;
        stream.end();
        server.close(() => {
          resolve();
        });
        server.closeIdleConnections();
        // A turn later, so that what was just ended is still written.
        setImmediate(() => {
          server.closeAllConnections();
        });
      });
      return closed;
    },
  };
}

function placeOf({ host = '127.0.0.1', port, socketPath }: ServiceOptions): Place {
  if (socketPath !== undefined) return { path: socketPath };
  return { host, port: checkedPort(port ?? defaultServicePort), orAnyPort: port === undefined };
}

function tokenOf({ token }: ServiceOptions, place: Place): string {
  if (token !== undefined || 'path' in place || isLoopback(place.host)) return checkedToken(token);
  throw new ServiceError(
    `The service does not listen on ${place.host}, which others can reach, without a token of your own. ` +
      'Set HOLDFAST_TOKEN or --token-file, or listen on 127.0.0.1.',
  );
}

/** Sessions that a call could go to; one that is opened by its first call is. Without servers there is nothing to wait for. */
function isReady(manager: SessionManager): boolean {
  const { sessions } = manager.snapshot();
  const takesCalls = sessions.some(
    ({ state, phase }) => state === 'healthy' || state === 'degraded' || phase === 'idle',
  );
  return sessions.length === 0 || takesCalls;
}
