import { chmod, rm, stat } from 'node:fs/promises';
import { connect } from 'node:net';
import type { Server } from 'node:http';
import type { ListenOptions } from 'node:net';
import { ServiceError } from './service-error.ts';

/** Where the service listens. */
export type Place =
  | { readonly host: string; readonly port: number; readonly orAnyPort: boolean }
  | { readonly path: string };

/** Makes the server listen. Rejects with `ServiceError`. */
export async function listen(server: Server, place: Place): Promise<void> {
  if ('path' in place) {
    await listenOnSocket(server, place.path);
    return;
  }
  const { host, port, orAnyPort } = place;
  try {
    await listening(server, { host, port });
  } catch (error) {
    if (codeOf(error) !== 'EADDRINUSE' || !orAnyPort) throw cannotListen(`${host}:${port}`, error);
    await listening(server, { host, port: 0 }).catch((reason: unknown) => {
      throw cannotListen(host, reason);
    });
  }
}

/** A socket that nobody listens on is what a process has left behind that was killed; it is replaced, and nothing else ever is. */
async function listenOnSocket(server: Server, path: string): Promise<void> {
  try {
    await listening(server, { path });
  } catch (error) {
    if (codeOf(error) !== 'EADDRINUSE' || !(await isLeftBehind(path))) throw cannotListen(path, error);
    await rm(path);
    await listening(server, { path }).catch((reason: unknown) => {
      throw cannotListen(path, reason);
    });
  }
  // Who cannot write to it cannot connect. On Windows it is a named pipe.
  if (process.platform !== 'win32') await chmod(path, 0o600);
}

async function isLeftBehind(path: string): Promise<boolean> {
  const found = await stat(path).catch(() => null);
  if (found === null || !found.isSocket()) return false;
  return new Promise((resolve) => {
    const socket = connect(path);
    socket.once('connect', () => {
      socket.destroy();
      resolve(false);
    });
    socket.once('error', (error) => {
      resolve(codeOf(error) === 'ECONNREFUSED');
    });
  });
}

function listening(server: Server, options: ListenOptions): Promise<void> {
  return new Promise((resolve, reject) => {
    server.once('error', reject);
    server.listen(options, () => {
      server.removeListener('error', reject);
      resolve();
    });
  });
}

function cannotListen(where: string, cause: unknown): ServiceError {
  const code = codeOf(cause);
  const why = code === 'EADDRINUSE' ? 'somebody else listens there' : `the system says ${code ?? 'no'}`;
  return new ServiceError(`The service cannot listen on ${where}: ${why}. Choose another address.`, { cause });
}

function codeOf(error: unknown): string | undefined {
  return error instanceof Error && 'code' in error && typeof error.code === 'string' ? error.code : undefined;
}
