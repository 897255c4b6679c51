import { isIP } from 'node:net';
import { MIN_TOKEN_LENGTH, randomToken } from './access.ts';
import { ServiceError } from './service-error.ts';

/** The names by which this machine reaches itself: nobody else can connect there. */
export function isLoopback(host: string): boolean {
  return host === 'localhost' || host === '::1' || (isIP(host) === 4 && host.startsWith('127.'));
}

/** The port as it may be. Throws `ServiceError`. */
export function checkedPort(port: number): number {
  if (Number.isInteger(port) && port >= 0 && port <= 65_535) return port;
  throw new ServiceError(`The port must be a whole number from 0 to 65535, not ${port}.`);
}

/** The token as it may be; a random one where none is given. Throws `ServiceError`. */
export function checkedToken(token: string | undefined): string {
  if (token === undefined) return randomToken();
  if (token.length >= MIN_TOKEN_LENGTH && /^[\x21-\x7e]+$/u.test(token)) return token;
  throw new ServiceError(`The token must have ${MIN_TOKEN_LENGTH} characters or more, and no blanks.`);
}

/** The names that a request may be addressed to, as they stand in a Host header. */
export function namesOf(host: string, allowed: readonly string[] = []): readonly string[] {
  const own = isIP(host) === 6 ? `[${host}]` : host;
  return ['localhost', '127.0.0.1', '[::1]', own, ...allowed].map((name) => name.toLowerCase());
}

/** The host as it stands in an address that this machine can open. */
export function shownHost(host: string): string {
  if (host === '0.0.0.0') return '127.0.0.1';
  if (host === '::') return '[::1]';
  return isIP(host) === 6 ? `[${host}]` : host;
}
