import { connect as connectTcp } from 'node:net';
import type { Socket } from 'node:net';
import { connect as connectTls, TLSSocket } from 'node:tls';
import { StepFailedError } from './failure.ts';

/** Where a remote server is. */
export interface Endpoint {
  readonly host: string;
  readonly port: number;
  readonly isTls: boolean;
}

const tlsSchemes: ReadonlySet<string> = new Set(['https:', 'wss:']);

/** The host and port of an address. */
export function endpointOf(url: string): Endpoint {
  const { hostname, port, protocol } = new URL(url);
  const isTls = tlsSchemes.has(protocol);
  return { host: hostname.replace(/^\[|\]$/g, ''), port: port === '' ? (isTls ? 443 : 80) : Number(port), isTls };
}

/** An endpoint as people write it. */
export function endpointText({ host, port }: Endpoint): string {
  return `${host.includes(':') ? `[${host}]` : host}:${port}`;
}

/**
 * Makes a connection, with TLS where the address says so, and lets it go again; resolves to what came of it. Rejects with
 * `StepFailedError`, and with the reason of the signal.
 */
export async function dial(
  endpoint: Endpoint,
  { timeoutMs, signal }: { readonly timeoutMs: number; readonly signal: AbortSignal },
): Promise<string> {
  const where = endpointText(endpoint);
  const socket = open(endpoint);
  try {
    await established(socket, endpoint.isTls, timeoutMs, signal);
    const to = socket.remoteAddress === endpoint.host ? where : `${where} at ${socket.remoteAddress ?? 'an address'}`;
    return socket instanceof TLSSocket ? `${to}, ${socket.getProtocol() ?? 'TLS'}` : to;
  } catch (error) {
    signal.throwIfAborted();
    if (error instanceof StepFailedError) throw error;
    const code = error instanceof Error && 'code' in error ? String(error.code) : 'unknown';
    throw new StepFailedError(code, `no connection to ${where} (${code})`, { cause: error });
  } finally {
    socket.destroy();
  }
}

function open({ host, port, isTls }: Endpoint): Socket {
  // The name of the server goes with the handshake only where it is a name: TLS knows none for addresses.
  const isAddress = /^[\d.]+$|:/.test(host);
  return isTls ? connectTls({ host, port, ...(isAddress ? {} : { servername: host }) }) : connectTcp({ host, port });
}

function established(socket: Socket, isTls: boolean, timeoutMs: number, signal: AbortSignal): Promise<void> {
  return new Promise<void>((resolve, reject) => {
    const timer = setTimeout(() => {
      end(new StepFailedError('connect-timeout', `no connection within ${timeoutMs} ms`));
    }, timeoutMs);
    const onAbort = (): void => {
      end(new Error('aborted'));
    };
    const end = (error?: Error): void => {
      clearTimeout(timer);
      signal.removeEventListener('abort', onAbort);
      if (error === undefined) resolve();
      else reject(error);
    };
    signal.addEventListener('abort', onAbort, { once: true });
    socket.once(isTls ? 'secureConnect' : 'connect', () => {
      end();
    });
    socket.on('error', end);
    socket.once('close', () => {
      end(Object.assign(new Error('closed'), { code: 'ECONNRESET' }));
    });
  });
}
