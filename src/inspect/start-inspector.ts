import { createServer } from 'node:http';
import type { IncomingMessage, ServerResponse } from 'node:http';
import type { Duplex } from 'node:stream';
import { Access } from '../listening/access.ts';
import { listen } from '../listening/listening.ts';
import { checkedPort, checkedToken, isLoopback, namesOf, shownHost } from '../listening/place.ts';
import { ServiceError } from '../listening/service-error.ts';
import type { SessionManager } from '../manager/session-manager.ts';
import { bridgePage, bridgeScript, bridgeStyle, inspectorOrigin } from './bridge-page.ts';
import { Viewers } from './viewers.ts';

/** Where the relay listens unless told otherwise. */
export const defaultInspectorPort = 7408;

export interface InspectorOptions {
  /** An address of this machine alone; others are refused. Default: `127.0.0.1`. */
  readonly host?: string | undefined;
  /** Default: 7408, or a free one if that is taken; a port that is named here must be free. 0: a free one. */
  readonly port?: number | undefined;
  /** What a viewer has to show, 16 characters or more. Default: 256 random bits, see `Inspector.token`. */
  readonly token?: string | undefined;
  /** Only the sessions of these servers, besides all managers and groups. Default: all. */
  readonly servers?: readonly string[] | undefined;
  /** The most viewers at once; others get 503. Default: 8. */
  readonly maxViewers?: number | undefined;
}

/** A relay that tells viewers of a manager's actors. */
export interface Inspector {
  /** The address of the page, without the token. */
  readonly url: string;
  /** The address with the token, for a browser. The token is in the fragment, which no browser sends anywhere. */
  readonly link: string;
  /** Where viewers of the inspector's protocol connect: with the subprotocols `holdfast` and `token.<token>`, or with `?token=`. */
  readonly socketUrl: string;
  readonly token: string;
  /** Ends every viewer. The promise never rejects; a repeat returns the same one. */
  close(): Promise<void>;
}

/**
 * Starts a relay on this machine that speaks the protocol of Stately's inspector to whoever knows the token, and a page that passes it on to
 * Stately's own when a person asks for that. A viewer may come at any time and is told of everything that exists first. While there is none,
 * it costs the manager nothing. Rejects with `ServiceError`, and with `InvalidOptionError` for `servers` that are no list of ids.
 */
export async function startInspector(
  manager: Pick<SessionManager, 'inspect'>,
  options: InspectorOptions = {},
): Promise<Inspector> {
  const { host = '127.0.0.1', servers, maxViewers = 8 } = options;
  if (!isLoopback(host)) throw new ServiceError(`The inspector listens on this machine alone, not on ${host}.`);
  const port = checkedPort(options.port ?? defaultInspectorPort);
  const token = checkedToken(options.token);
  // Says what is wrong with them now, not when the first viewer comes.
  manager.inspect({}, servers === undefined ? {} : { servers })();
  const { WebSocketServer } = await import('ws');
  const access = new Access(token, namesOf(host));
  const viewers = new Viewers(manager, servers);
  // What viewers say is not listened to.
  const sockets = new WebSocketServer({
    noServer: true,
    maxPayload: 1024,
    clientTracking: false,
    handleProtocols: (offered) => (offered.has('holdfast') ? 'holdfast' : false),
  });
  const server = createServer({ headersTimeout: 10_000, requestTimeout: 10_000, maxHeaderSize: 16_384 });
  server.maxConnections = maxViewers * 2 + 16;
  server.on('request', (request, response) => {
    answer(request, response, access);
  });
  server.on('upgrade', (request: IncomingMessage, socket: Duplex, head: Buffer) => {
    const refusal = refusalOf(request, access);
    if (refusal !== null) refuse(socket, refusal);
    else if (viewers.count >= maxViewers) refuse(socket, 503);
    else sockets.handleUpgrade(request, socket, head, (viewer) => viewers.add(viewer));
  });
  await listen(server, { host, port, orAnyPort: options.port === undefined });
  server.unref();
  const address = server.address();
  if (address === null || typeof address === 'string') throw new TypeError('The server has no address.');
  const place = `${shownHost(host)}:${address.port}/`;
  let closed: Promise<void> | undefined;
  return {
    url: `http://${place}`,
    link: `http://${place}#token=${encodeURIComponent(token)}`,
    socketUrl: `ws://${place}frames`,
    token,
    close: () => {
      closed ??= new Promise((resolve) => {
        viewers.end();
        server.close(() => {
          resolve();
        });
        // A turn later, so that the goodbyes are still written.
        setImmediate(() => {
          server.closeAllConnections();
        });
      });
      return closed;
    },
  };
}

const files: Readonly<Record<string, readonly [type: string, text: string]>> = {
  '/': ['text/html; charset=utf-8', bridgePage],
  '/bridge.css': ['text/css; charset=utf-8', bridgeStyle],
  '/bridge.js': ['text/javascript; charset=utf-8', bridgeScript],
};

/** The page holds nothing that is anybody's secret; the frames do, and are behind the token. */
function answer(request: IncomingMessage, response: ServerResponse, access: Access): void {
  const objection = access.objectionToPlace(claimOf(request));
  const [path] = addressed(request);
  const [type, text] = (Object.hasOwn(files, path) ? files[path] : undefined) ?? [];
  response.setHeader('x-content-type-options', 'nosniff');
  response.setHeader('referrer-policy', 'no-referrer');
  response.setHeader('cache-control', 'no-store');
  if (objection !== null) response.writeHead(objection.status).end();
  else if (request.method !== 'GET') response.writeHead(405, { allow: 'GET' }).end();
  else if (type === undefined) response.writeHead(404).end();
  else response.writeHead(200, { 'content-type': type, 'content-security-policy': policyFor(request) }).end(text);
}

/** By its name for the page, since not every browser takes 'self' for a WebSocket of the same origin. */
function policyFor({ headers }: IncomingMessage): string {
  return [
    "default-src 'none'",
    "script-src 'self'",
    "style-src 'self'",
    `connect-src 'self' ws://${headers.host ?? ''}`,
    `frame-src ${inspectorOrigin}`,
    "frame-ancestors 'none'",
    "base-uri 'none'",
    "form-action 'none'",
  ].join('; ');
}

/** The status to refuse with; null for a viewer that may look on. */
function refusalOf(request: IncomingMessage, access: Access): number | null {
  const objection = access.objectionToPlace(claimOf(request));
  if (objection !== null) return objection.status;
  const [path, query] = addressed(request);
  if (path !== '/frames' && path !== '/') return 404;
  const offered = (request.headers['sec-websocket-protocol'] ?? '').split(',').map((name) => name.trim());
  const inProtocol = offered.find((name) => name.startsWith('token.'))?.slice('token.'.length);
  return access.isToken(inProtocol ?? query.get('token') ?? '') ? null : 401;
}

function addressed({ url = '/' }: IncomingMessage): readonly [path: string, query: URLSearchParams] {
  const [path = '', query = ''] = url.split('?', 2);
  return [path, new URLSearchParams(query)];
}

function claimOf({ headers }: IncomingMessage): Parameters<Access['objectionToPlace']>[0] {
  const fetchSite = headers['sec-fetch-site'];
  return {
    host: headers.host,
    origin: headers.origin,
    fetchSite: typeof fetchSite === 'string' ? fetchSite : undefined,
    authorization: undefined,
    cookie: undefined,
  };
}

function refuse(socket: Duplex, status: number): void {
  socket.on('error', () => socket.destroy());
  socket.end(`HTTP/1.1 ${status} Refused\r\nConnection: close\r\nContent-Length: 0\r\n\r\n`);
}
